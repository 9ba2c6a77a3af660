/**
 * Numbers for audit events, given after commit (docs/decisions: no writer waits for a counter). Rows become visible in
 * another order than they were made; what is visible later is numbered later, and no number ever changes.
 */
import { AppError } from '../errors.ts';
import { stands } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { ARRIVAL, type AuditEvent, PLATFORM, type ReadStore, type Store, type Transaction } from '../store/index.ts';
import { type Link, nextLink, origin } from './chain.ts';
import { announceNumbered } from './chunks.ts';

export interface Numbering {
  /** Who numbers: one at a time for each organization, until the lease of the one before has ended. */
  readonly holder: string;
  readonly leaseMs: number;
  /** How many events to number in one transaction. */
  readonly batch: number;
}

/**
 * Numbers the organization's oldest pending events, at most one batch, in one transaction: all of it happens, or nothing
 * does. Answers how many; 0 also where somebody else holds the lease.
 */
export function numberEvents(store: Store, organizationId: string, numbering: Numbering): Promise<number> {
  const { holder, leaseMs, batch } = numbering;
  return store.transaction({ actor: 'system', requestId: newId('request') }, async (tx) => {
    const chain = await tx.auditChains.get(organizationId, organizationId);
    if (chain && chain.holder !== holder && stands(chain.until, tx.at, leaseMs)) return 0;
    const pending = { pending: true } as const;
    const events = await tx.auditEvents.find(organizationId, pending, { sort: ARRIVAL, limit: batch });
    if (events.length === 0) return 0;
    const links = chainAll(chain ?? origin, events);
    const { seq, hash } = links.at(-1) ?? origin;
    await moveHead(tx, organizationId, chain?.seq, {
      seq,
      hash,
      holder,
      until: new Date(tx.at.getTime() + leaseMs),
    });
    const changes = events.map(({ _id }, at) => ({
      id: _id,
      change: { $set: { ...links[at] }, $unset: { pending: true } } as const,
    }));
    await tx.auditEvents.updateEach(organizationId, changes);
    await announceNumbered(tx, organizationId, events, (chain ?? origin).seq + 1);
    return events.length;
  });
}

function chainAll(from: Link, events: readonly AuditEvent[]): readonly Link[] {
  let last = from;
  return events.map((event) => {
    last = nextLink(last, event);
    return last;
  });
}

/** Moves the head of the chain on, from where it was seen. Throws `stale` where somebody else has moved it. */
async function moveHead(
  tx: Transaction,
  organizationId: string,
  from: number | undefined,
  head: Link & { readonly holder: string; readonly until: Date },
): Promise<void> {
  if (from === undefined) {
    await tx.auditChains.insert(organizationId, { _id: organizationId, organizationId, ...head });
    return;
  }
  const moved = await tx.auditChains.updateOne(organizationId, { _id: organizationId, seq: from }, { $set: head });
  if (!moved) throw new AppError('stale', 'Somebody else has numbered these audit events meanwhile.');
}

/** The first organizations after this id that have pending events, in the order of their ids. */
export async function findUnnumbered(
  reads: Pick<ReadStore, 'auditEvents'>,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let last = after; found.length < limit; found.push(last)) {
    const next = { pending: true, organizationId: { $gt: last } };
    const event = await reads.auditEvents.findOne(PLATFORM, next, { sort: { organizationId: 1, _id: 1 } });
    if (!event) break;
    last = event.organizationId;
  }
  return found;
}
