/** The verbs on resources (RFC 7644 §3), once for every resource type. */
import { AppError } from '../errors.ts';
import { quoted } from '../lib/text.ts';
import type { ReadStore, Transaction } from '../store/index.ts';
import { type Answer, causeOf } from './answer.ts';
import type { Exchange, Handler } from './exchange.ts';
import { isObject, type Resource } from './input.ts';
import type { AnyRow, RenderOptions, ResourceKind, Steady, Written } from './kind.ts';
import { listResources } from './list.ts';
import { readOperations } from './patch/operations.ts';
import { isKnown, requireVersion } from './preconditions.ts';
import { type Parameters, readListQuery, readParameters, selectionIn } from './query.ts';
import { locationOf, versionOf } from './representation.ts';
import { type Selection, select } from './selection.ts';

export interface Verbs {
  readonly list: Handler;
  readonly get: Handler;
  readonly create: Handler;
  readonly replace: Handler;
  readonly patch: Handler;
  readonly remove: Handler;
}

/** `meta` in the headers: the version as ETag, the location as Content-Location (RFC 7643 §3.1). */
function headersOf({ meta }: Resource): Record<string, string> {
  const { version, location } = isObject(meta) ? meta : {};
  return { ETag: String(version), 'Content-Location': String(location) };
}

const steadyIn =
  ({ deps, logged }: Exchange): Steady =>
  (work) =>
    deps.store.transaction(causeOf(logged), work);

/** The handlers of one resource type. */
export function verbsOf<R extends AnyRow>(kind: ResourceKind<R>): Verbs {
  const { type } = kind;

  const parametersOf = ({ request }: Exchange): Parameters => readParameters(request.url);
  const selectionOf = (exchange: Exchange): Selection => selectionIn(type, parametersOf(exchange));

  /** The resource as it is answered, and the headers that repeat its meta. */
  async function answer(
    exchange: Exchange,
    reads: ReadStore,
    row: R,
    selection: Selection,
    options: RenderOptions = {},
  ): Promise<{ body: object; headers: Record<string, string> }> {
    // what a write answers is sent after its commit
    const later = exchange.deps.store.read;
    const [resource = {}] = await kind.render(reads, exchange.base, [row], selection, { later, ...options });
    return { body: select(type, resource, selection), headers: headersOf(resource) };
  }

  async function rowOf({ directory, request }: Exchange, reads: ReadStore): Promise<R> {
    const { id } = request.params;
    const row = typeof id === 'string' ? await kind.find(reads, directory, id) : undefined;
    if (!row) throw new AppError('not_found', `There is no ${type.name} with the id ${quoted(String(id))}`);
    return row;
  }

  /** A change to the resource in the path; of a type that has many writers, one after another. */
  function change(exchange: Exchange, work: (tx: Transaction) => Promise<Answer>): Promise<Answer> {
    const line = kind.queued ? `${exchange.directory._id}/${String(exchange.request.params.id)}` : undefined;
    return exchange.write(work, { line });
  }

  const effect = ({ changed, notes, touched }: Written<R>) => ({
    outcome: changed ? ('applied' as const) : ('no_effect' as const),
    notes,
    touched,
  });

  return {
    list: async (exchange) => listOf([kind], exchange, parametersOf(exchange)),

    async get(exchange) {
      const selection = selectionOf(exchange);
      const { read } = exchange.deps.store;
      const row = await rowOf(exchange, read);
      if (kind.versionCoversAnswer(selection) && isKnown(exchange.request, versionOf(row)))
        return { status: 304, headers: { ETag: versionOf(row) }, outcome: 'read' };
      const { body, headers } = await answer(exchange, read, row, selection, { steady: steadyIn(exchange) });
      if (isKnown(exchange.request, headers.ETag ?? '')) return { status: 304, headers, outcome: 'read' };
      return { status: 200, body, headers, outcome: 'read', touched: [row._id] };
    },

    async create(exchange) {
      const selection = selectionOf(exchange);
      const source = await exchange.body(kind.bodyLimit);
      return exchange.write(async (tx) => {
        const written = await kind.create(tx, exchange.directory, source);
        const { body, headers } = await answer(exchange, tx, written.row, selection, { fresh: true });
        const location = locationOf(exchange.base, type, written.row._id);
        return { status: 201, body, headers: { ...headers, Location: location }, ...effect(written) };
      });
    },

    async replace(exchange) {
      const selection = selectionOf(exchange);
      const source = await exchange.body(kind.bodyLimit);
      return change(exchange, async (tx) => {
        const row = await rowOf(exchange, tx);
        requireVersion(exchange.request, row);
        const written = await kind.replace(tx, exchange.directory, row, source);
        return { status: 200, ...(await answer(exchange, tx, written.row, selection)), ...effect(written) };
      });
    },

    async patch(exchange) {
      const parameters = parametersOf(exchange);
      const selection = selectionOf(exchange);
      const operations = readOperations(await exchange.body(kind.bodyLimit));
      return change(exchange, async (tx) => {
        const row = await rowOf(exchange, tx);
        requireVersion(exchange.request, row);
        const written = await kind.patch(tx, exchange.directory, row, operations);
        // attributes in the query oblige to answer with the resource (RFC 7644 §3.5.2)
        if (!kind.answersPatch && parameters.attributes === undefined) {
          return { status: 204, headers: { ETag: versionOf(written.row) }, ...effect(written) };
        }
        return { status: 200, ...(await answer(exchange, tx, written.row, selection)), ...effect(written) };
      });
    },

    remove: (exchange) =>
      change(exchange, async (tx) => {
        const row = await rowOf(exchange, tx);
        requireVersion(exchange.request, row);
        const { notes, touched } = await kind.remove(tx, exchange.directory, row);
        return { status: 204, outcome: 'applied', notes, touched };
      }),
  };
}

/** A list of the resources of these types (RFC 7644 §3.4.2). */
export async function listOf(
  kinds: readonly ResourceKind<AnyRow>[],
  exchange: Exchange,
  parameters: Parameters,
): Promise<Answer> {
  const { deps, directory, base } = exchange;
  const types = kinds.map((kind) => kind.type);
  const query = readListQuery(types, parameters, directory._id);
  const body = await listResources(
    kinds,
    { reads: deps.store.read, directory, base, steady: steadyIn(exchange) },
    query,
  );
  return { status: 200, body, outcome: 'read' };
}
