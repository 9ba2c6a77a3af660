/** The chain of an organization's audit events (AUD-1): pure, so that anybody can follow it. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../lib/canonicalJson.ts';
import type { AuditEvent } from '../store/index.ts';

/** A place in the chain: the number of an event, and its hash, which stands for it and all events before. */
export interface Link {
  readonly seq: number;
  readonly hash: string;
}

/** Before the first event. */
export const origin: Link = { seq: 0, hash: '' };

/**
 * The link that follows `before` where `event` comes next: SHA-256, as hex, of the canonical JSON of the event as the
 * API shows it, with `organizationId`, its number `seq`, and the hash before it as `previous`.
 */
export function nextLink(before: Link, event: AuditEvent): Link {
  const { _id: id, createdAt, version: _v, updatedAt: _u, pending: _p, hash: _h, ...facts } = event;
  const seq = before.seq + 1;
  const text = canonicalJson({ ...facts, id, at: createdAt.toISOString(), seq, previous: before.hash });
  return { seq, hash: createHash('sha256').update(text).digest('hex') };
}

/** Where a chain breaks. `missing`: no event has this number; `changed`: the event with it is not what its hash says. */
export interface Break {
  readonly seq: number;
  readonly fault: 'missing' | 'changed';
  /** The changed event. */
  readonly id?: string;
}

/** Follows the chain from `from` through events in the order of their numbers: the last good link, and the first break. */
export function followChain(
  from: Link,
  events: readonly AuditEvent[],
): { readonly head: Link; readonly broken?: Break } {
  let head = from;
  for (const event of events) {
    const next = nextLink(head, event);
    if (event.seq !== next.seq) return { head, broken: { seq: next.seq, fault: 'missing' } };
    if (event.hash !== next.hash) return { head, broken: { seq: next.seq, fault: 'changed', id: event._id } };
    head = next;
  }
  return { head };
}
