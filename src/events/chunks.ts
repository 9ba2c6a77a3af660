/**
 * The one stream of all organizations' events (EVT-1): which runs of which trails come one after the other. A run is noted
 * in the transaction that gives its events their numbers; its position in the stream it gets afterwards, as events get their
 * numbers, so that the organizations do not wait for one counter (docs/decisions/0036).
 */
import { AppError } from '../errors.ts';
import { stands } from '../lib/clock.ts';
import { groupBy } from '../lib/groupBy.ts';
import { newId } from '../lib/ids.ts';
import { enqueue } from '../queue/index.ts';
import { type AuditEvent, PLATFORM, type ReadStore, type Store, type Transaction } from '../store/index.ts';
import { platformTrail } from './audit.ts';
import { isTold } from './telling.ts';

/** Notes that these events, numbered from `first` on, are to be told, if any of them is; webhooks hear of them by a job. */
export async function announceNumbered(
  tx: Transaction,
  organizationId: string,
  events: readonly AuditEvent[],
  first: number,
): Promise<void> {
  const told = events.flatMap((event, at) => (isTold(event) ? [first + at] : []));
  const [from, to] = [told.at(0), told.at(-1)];
  if (from === undefined || to === undefined) return;
  await tx.eventChunks.insert(organizationId, { _id: newId('eventChunk'), organizationId, from, to, pending: true });
  if (await hasListeners(tx, organizationId, events)) await enqueue(tx, organizationId, 'fan-out', { from, to });
}

/** Whether there is a webhook, or was one when these happened, which comes to hear of them once it is enabled again. */
async function hasListeners(tx: Transaction, organizationId: string, events: readonly AuditEvent[]): Promise<boolean> {
  const first = events.map(({ createdAt }) => createdAt).sort((a, b) => a.getTime() - b.getTime())[0] ?? tx.at;
  const listening = { $or: [{ enabled: true }, { disabledAt: { $gte: first } }] };
  for (const listener of new Set([organizationId, platformTrail])) {
    if (await tx.webhooks.findOne(listener, listening)) return true;
  }
  return false;
}

const stream = 'event-stream';
/** How many runs are placed in one transaction. */
const batch = 200;

/**
 * Gives the next pending runs their positions, those of each organization in the order of its numbers. Answers whether there may be
 * more; false also where another process is at it. Throws `stale` where one has been faster.
 */
export function placeChunks(
  store: Store,
  { holder, leaseMs }: { readonly holder: string; readonly leaseMs: number },
): Promise<boolean> {
  return store.transaction({ actor: 'system', requestId: newId('request') }, async (tx) => {
    const pending = { pending: true } as const;
    const chunks = await tx.eventChunks.find(PLATFORM, pending, { sort: { organizationId: 1, from: 1 }, limit: batch });
    if (chunks.length === 0) return false;
    const head = await tx.leases.get(PLATFORM, stream);
    if (head && head.holder !== holder && stands(head.until, tx.at, leaseMs)) return false;
    const reached = head?.reached ?? 0;
    const next = { holder, until: new Date(tx.at.getTime() + leaseMs), reached: reached + chunks.length };
    if (head === undefined) await tx.leases.insert(PLATFORM, { _id: stream, ...next });
    else if (!(await tx.leases.updateOne(PLATFORM, { _id: stream, reached }, { $set: next }))) {
      throw new AppError('stale', 'Somebody else has placed these events meanwhile.');
    }
    const placed = chunks.map((chunk, at) => ({ ...chunk, position: reached + at + 1 }));
    for (const [organizationId, own] of groupBy(placed, (chunk) => chunk.organizationId)) {
      const changes = own.map(({ _id, position }) => ({
        id: _id,
        change: { $set: { position }, $unset: { pending: true } } as const,
      }));
      await tx.eventChunks.updateEach(organizationId, changes);
    }
    return chunks.length === batch;
  });
}

/** The position that the stream has reached. */
export async function findStreamEnd(reads: Pick<ReadStore, 'leases'>): Promise<number> {
  return (await reads.leases.get(PLATFORM, stream))?.reached ?? 0;
}
