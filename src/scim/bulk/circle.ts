/**
 * Operations that refer to each other in a circle (RFC 7644 §3.7.1): two groups that are members of each other, two
 * people who manage each other. None of them can be made whole before the others are there, so that they stand or fall
 * together, in one transaction: each is made without what is still missing, then replaced by what was asked for.
 */
import { recordRequest } from '../../directory/index.ts';
import type { Transaction } from '../../store/index.ts';
import { type Answer, causeOf, textOf } from '../answer.ts';
import type { Exchange, Handler, Routes } from '../exchange.ts';
import { logEntry } from '../requestLog.ts';
import type { Operation } from './operations.ts';
import { idAt, type Ready, withBody } from './prepare.ts';
import { referencesIn, replaceReferences } from './references.ts';

interface Made {
  readonly ready: Ready;
  readonly answer: Answer;
}

/**
 * Makes them all, or none. Answers each with its one answer: the status and address of the making, the version at the
 * end. Throws what the first that fails throws.
 *
 * @param circle POSTs, whose data still names each other by bulkId
 * @param trying is told which one is at work
 */
export async function makeCircle(
  { deps, logged }: Exchange,
  routes: Routes,
  circle: readonly Ready[],
  trying: (operation: Operation) => void,
): Promise<readonly Made[]> {
  return deps.store.transaction(causeOf(logged), async (tx) => {
    const ids = new Map<string, string>();
    const begun: (Made & { readonly id: string; readonly missing: boolean })[] = [];
    for (const ready of circle) {
      const { operation, handle, data } = ready;
      trying(operation);
      const missing = [...referencesIn(data)].some((bulkId) => !ids.has(bulkId));
      const answer = await handle(inside(tx, ready, resolved(data, ids)));
      const id = idAt(answer.headers?.Location ?? '');
      if (operation.bulkId !== undefined) ids.set(operation.bulkId, id);
      begun.push({ ready, answer, id, missing });
    }
    const made: Made[] = [];
    for (const { ready, answer, id, missing } of begun) {
      trying(ready.operation);
      const data = resolved(ready.data, ids);
      const whole = missing ? await complete(tx, routes, ready, data, id) : undefined;
      const joined = whole ? join(answer, whole) : answer;
      const row = withBody(ready.logged, data);
      await recordRequest(tx, logEntry(row, { ...joined, response: textOf(joined.body) }));
      made.push({ ready, answer: joined });
    }
    return made;
  });
}

const resolved = (data: unknown, ids: ReadonlyMap<string, string>): unknown =>
  replaceReferences(data, (bulkId) => ids.get(bulkId));

/** The same exchange in a transaction that is open already. */
function inside(tx: Transaction, { exchange }: Ready, data: unknown, id?: string): Exchange {
  const { request } = exchange;
  return {
    ...exchange,
    request: id === undefined ? request : { ...request, method: 'PUT', params: { id } },
    body: async () => data,
    write: (work) => work(tx),
  };
}

function complete(tx: Transaction, routes: Routes, ready: Ready, data: unknown, id: string): ReturnType<Handler> {
  const replace = routes[`${ready.operation.endpoint}/:id`]?.put;
  if (!replace) throw new Error(`${ready.operation.endpoint} can be made but not replaced`);
  return replace(inside(tx, ready, data, id));
}

const join = (made: Answer, whole: Answer): Answer => ({
  ...made,
  body: whole.body,
  headers: { ...made.headers, ...whole.headers },
  notes: [...(made.notes ?? []), ...(whole.notes ?? [])],
  touched: [...(made.touched ?? []), ...(whole.touched ?? [])],
});
