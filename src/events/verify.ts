import type { ReadStore } from '../store/index.ts';
import { type Break, followChain, type Link, origin } from './chain.ts';

/** What becomes of following an organization's chain of audit events from its first event to its head. */
export interface Verification {
  /** Whether every event is there, in its place, as it was when it was numbered. */
  readonly verified: boolean;
  /** How many events the unbroken part has. */
  readonly count: number;
  /** The head as it is kept: whoever noted an earlier one can compare it with the event of that number. */
  readonly head?: Link;
  readonly firstBroken?: Break;
}

const pageSize = 500;

/**
 * Follows the chain page by page (AUD-1). Events that are numbered meanwhile are left to the next time. A chain that was
 * made anew as a whole is consistent in itself: only a head that was noted elsewhere shows it.
 */
export async function verifyAudit(
  reads: Pick<ReadStore, 'auditEvents' | 'auditChains'>,
  organizationId: string,
): Promise<Verification> {
  const chain = await reads.auditChains.get(organizationId, organizationId);
  const { seq, hash }: Link = chain ?? origin;
  let at = origin;
  const broken = (firstBroken: Break): Verification => ({
    verified: false,
    count: at.seq,
    ...(chain && { head: { seq, hash } }),
    firstBroken,
  });
  while (at.seq < seq) {
    const next = { seq: { $gt: at.seq, $lte: seq } };
    const events = await reads.auditEvents.find(organizationId, next, { sort: { seq: 1 }, limit: pageSize });
    const followed = followChain(at, events);
    at = followed.head;
    if (followed.broken) return broken(followed.broken);
    if (events.length === 0) return broken({ seq: at.seq + 1, fault: 'missing' });
  }
  if (at.hash !== hash) return broken({ seq, fault: 'changed' });
  if (await hasStranger(reads, organizationId, seq)) return broken({ seq: seq + 1, fault: 'changed' });
  return { verified: true, count: at.seq, ...(chain && { head: { seq, hash } }) };
}

/** Whether an event has a number that the head has never given. */
async function hasStranger(
  reads: Pick<ReadStore, 'auditEvents' | 'auditChains'>,
  organizationId: string,
  seq: number,
): Promise<boolean> {
  const beyond = await reads.auditEvents.findOne(organizationId, { seq: { $gt: seq } }, { sort: { seq: -1 } });
  if (beyond?.seq === undefined) return false;
  const now = await reads.auditChains.get(organizationId, organizationId);
  return beyond.seq > (now ?? origin).seq;
}
