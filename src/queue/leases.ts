/**
 * Who may work on an outbox row: the holder of its lease. A lease is a token on the row and a `dueAt` in the future;
 * once that has passed, anybody may take the row, and the former holder's token opens nothing any more. Every write here
 * asks for the token, so that the order of two processes never matters.
 */
import { randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { type Cause, type Filter, type OutboxRow, PLATFORM, type Store, type Transaction } from '../store/index.ts';

/** A row taken by this process, or handed to it with its token. */
export interface Held {
  readonly row: OutboxRow;
  readonly lease: string;
}

/** What has been taken so often, and never came to an end, may be what ends its processes. */
const suspicious = 3;

/** A row that may be what ends the processes that take it: taken by itself, so that no other shares its fate each time. */
export const isSuspicious = ({ taken = 0 }: OutboxRow): boolean => taken >= suspicious;

/** All rows that are not so. */
export const unsuspicious: Filter<OutboxRow> = { $nor: [{ taken: { $gte: suspicious } }] };

const cause = (): Cause => ({ actor: 'system', requestId: newId('request') });

/**
 * Takes these rows, as far as they are still due: one commit for all of them. Answers what it got, in the order asked
 * for; the rows count that they were taken.
 */
export async function leaseRows(store: Store, ids: readonly string[], now: Date, leaseMs: number): Promise<Held[]> {
  if (ids.length === 0) return [];
  const lease = randomBytes(12).toString('hex');
  const until = new Date(now.getTime() + leaseMs);
  const rows = await store.transaction(cause(), async (tx) => {
    const due = { _id: { $in: ids }, state: { $ne: 'parked' }, dueAt: { $lte: now } } as const;
    const taken = await tx.outbox.update(PLATFORM, due, { $set: { lease, dueAt: until }, $inc: { taken: 1 } });
    return taken === 0 ? [] : tx.outbox.find(PLATFORM, { _id: { $in: ids }, lease });
  });
  const byId = new Map(rows.map((row) => [row._id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []).map((row) => ({ row, lease }));
}

/** Moves the end of these leases to `until`, as far as they are still ours. */
export async function renewLeases(store: Store, held: readonly Held[], until: Date): Promise<void> {
  if (held.length === 0) return;
  await store.transaction(cause(), async (tx) => {
    for (const [lease, ids] of byLease(held)) {
      await tx.outbox.update(PLATFORM, { _id: { $in: ids }, lease }, { $set: { dueAt: until } });
    }
  });
}

/** Gives back rows that were taken and not begun: due at once, as if they had not been. */
export async function giveBack(store: Store, held: readonly Held[], now: Date): Promise<void> {
  if (held.length === 0) return;
  await store.transaction(cause(), async (tx) => {
    for (const [lease, ids] of byLease(held)) {
      const change = { $set: { dueAt: now }, $unset: { lease: true }, $inc: { taken: -1 } } as const;
      await tx.outbox.update(PLATFORM, { _id: { $in: ids }, lease }, change);
    }
  });
}

/**
 * Makes due at once what a process that has been killed had taken. Only for a store on which nobody else can work: otherwise
 * it would be taken from somebody who is at it. What may have killed the process waits until its lease has ended, so that
 * the next one is of use meanwhile.
 */
export async function takeOver(store: Store, now: Date): Promise<void> {
  await store.transaction(cause(), (tx) =>
    tx.outbox.update(
      PLATFORM,
      { lease: { $exists: true }, dueAt: { $gt: now }, $nor: [{ taken: { $gt: suspicious } }] },
      { $set: { dueAt: now }, $unset: { lease: true } },
    ),
  );
}

/** Ends a failed attempt: due again at `dueAt`. Answers false where the lease had gone to somebody else. */
export function putOff(
  store: Store,
  { row, lease }: Held,
  next: { readonly dueAt: Date; readonly error: string; readonly counts: boolean },
): Promise<boolean> {
  return store.transaction(cause(), async (tx) => {
    const changed = await tx.outbox.updateOne(
      row.organizationId,
      { _id: row._id, lease },
      {
        $set: { dueAt: next.dueAt, error: next.error },
        $unset: { lease: true, taken: true },
        ...(next.counts && { $inc: { attempts: 1 } }),
      },
    );
    return changed !== undefined;
  });
}

/** Gives the row up until somebody replays it. Answers false where the lease had gone to somebody else. */
export function park(store: Store, { row, lease }: Held, error: string): Promise<boolean> {
  return store.transaction(cause(), async (tx) => {
    const changed = await tx.outbox.updateOne(
      row.organizationId,
      { _id: row._id, lease },
      { $set: { state: 'parked', error }, $unset: { lease: true, taken: true }, $inc: { attempts: 1 } },
    );
    return changed !== undefined;
  });
}

/** What more there are is ended by the runs that follow. */
const mostTwins = 100;

/** Nobody works on it. */
const free: Filter<OutboxRow> = { state: { $ne: 'parked' }, lease: { $exists: false } };

/**
 * The rows that wait and ask for the same as this one, where these are one piece of work. What they were asked for is committed: a
 * run that begins after this look sees it.
 */
export async function findTwins(store: Store, { row }: Held): Promise<readonly string[]> {
  const { organizationId, digest } = row;
  if (digest === undefined) return [];
  const twins = await store.read.outbox.find(organizationId, { digest, ...free }, { limit: mostTwins });
  return twins.map(({ _id }) => _id);
}

/**
 * Ends the job within the transaction of its effect, and the twins that it was run for, too, as far as nobody has taken them.
 * Throws AppError('stale') where the lease has gone.
 */
export async function finish(tx: Transaction, { row, lease }: Held, twins: readonly string[]): Promise<void> {
  const { organizationId, _id } = row;
  const removed = await tx.outbox.remove(organizationId, { _id, lease });
  if (removed === 0) throw new AppError('stale', `The lease of job ${_id} has gone to another worker.`);
  if (twins.length > 0) await tx.outbox.remove(organizationId, { _id: { $in: twins }, ...free });
}

function byLease(held: readonly Held[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { row, lease } of held) {
    const ids = groups.get(lease);
    if (ids) ids.push(row._id);
    else groups.set(lease, [row._id]);
  }
  return groups;
}
