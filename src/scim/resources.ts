/** The verbs on resources (RFC 7644 §3), once for every resource type. */
import { AppError } from '../errors.ts';
import { quoted } from '../lib/text.ts';
import type { ReadStore, Transaction } from '../store/index.ts';
import type { Answer } from './answer.ts';
import type { Exchange, Handler } from './exchange.ts';
import type { AnyRow, ResourceKind, Written } from './kind.ts';
import { listResources } from './list.ts';
import { readOperations } from './patch/operations.ts';
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

/** The handlers of one resource type. */
export function verbsOf<R extends AnyRow>(kind: ResourceKind<R>): Verbs {
  const { type } = kind;

  const parametersOf = ({ request }: Exchange): Parameters => readParameters(request.url);
  const selectionOf = (exchange: Exchange): Selection => selectionIn(type, parametersOf(exchange));

  async function answer(
    exchange: Exchange,
    reads: ReadStore,
    row: R,
    selection: Selection,
    fresh = false,
  ): Promise<object> {
    const [resource] = await kind.render(reads, exchange.base, [row], selection, fresh);
    return select(type, resource ?? {}, selection);
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
    async list(exchange) {
      const { deps, directory, base } = exchange;
      const query = readListQuery(type, parametersOf(exchange));
      const body = await listResources(kind, deps.store.read, directory, base, query);
      return { status: 200, body, outcome: 'read' };
    },

    async get(exchange) {
      const selection = selectionOf(exchange);
      const { read } = exchange.deps.store;
      const row = await rowOf(exchange, read);
      const headers = { ETag: versionOf(row) };
      if (isKnown(exchange, row) && kind.versionCoversAnswer(selection))
        return { status: 304, headers, outcome: 'read' };
      const body = await answer(exchange, read, row, selection);
      return { status: 200, body, headers, outcome: 'read', touched: [row._id] };
    },

    async create(exchange) {
      const selection = selectionOf(exchange);
      const source = await exchange.body();
      return exchange.write(async (tx) => {
        const written = await kind.create(tx, exchange.directory, source);
        const headers = { Location: locationOf(exchange.base, type, written.row._id), ETag: versionOf(written.row) };
        const body = await answer(exchange, tx, written.row, selection, true);
        return { status: 201, body, headers, ...effect(written) };
      });
    },

    async replace(exchange) {
      const selection = selectionOf(exchange);
      const source = await exchange.body();
      return change(exchange, async (tx) => {
        const row = await rowOf(exchange, tx);
        requireVersion(exchange, row);
        const written = await kind.replace(tx, exchange.directory, row, source);
        const body = await answer(exchange, tx, written.row, selection);
        return { status: 200, body, headers: { ETag: versionOf(written.row) }, ...effect(written) };
      });
    },

    async patch(exchange) {
      const parameters = parametersOf(exchange);
      const selection = selectionOf(exchange);
      const operations = readOperations(await exchange.body());
      return change(exchange, async (tx) => {
        const row = await rowOf(exchange, tx);
        requireVersion(exchange, row);
        const written = await kind.patch(tx, exchange.directory, row, operations);
        const headers = { ETag: versionOf(written.row) };
        // attributes in the query oblige to answer with the resource (RFC 7644 §3.5.2)
        if (!kind.answersPatch && parameters.attributes === undefined) {
          return { status: 204, headers, ...effect(written) };
        }
        return { status: 200, body: await answer(exchange, tx, written.row, selection), headers, ...effect(written) };
      });
    },

    remove: (exchange) =>
      change(exchange, async (tx) => {
        const row = await rowOf(exchange, tx);
        requireVersion(exchange, row);
        const { notes, touched } = await kind.remove(tx, exchange.directory, row);
        return { status: 204, outcome: 'applied', notes, touched };
      }),
  };
}

/** The entity tags of a header; weak comparison, as weak ones are all that we give (RFC 7232 §2.3.2). */
function tagsIn(header: string | undefined): readonly string[] | undefined {
  return header?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}

const hasTag = (tags: readonly string[], row: AnyRow): boolean =>
  tags.includes('*') || tags.includes(versionOf(row).slice(2));

/** Throws AppError `stale` where If-Match names another version (RFC 7644 §3.14). */
function requireVersion({ request }: Exchange, row: AnyRow): void {
  const tags = tagsIn(request.headers['if-match']);
  if (tags && !hasTag(tags, row)) {
    throw new AppError('stale', `The resource has changed: its version is ${versionOf(row)}, not that of If-Match`);
  }
}

const isKnown = ({ request }: Exchange, row: AnyRow): boolean => {
  const tags = tagsIn(request.headers['if-none-match']);
  return tags !== undefined && hasTag(tags, row);
};
