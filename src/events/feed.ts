/** The feeds (EVT-1): what has happened, in the order of its numbers, read on from any point that a cursor names. */
import { AppError } from '../errors.ts';
import { type AuditEvent, type EventChunk, PLATFORM, type ReadStore } from '../store/index.ts';
import { type DomainEvent, trialType } from './catalog.ts';
import { origin } from './chain.ts';
import { findStreamEnd } from './chunks.ts';
import { tell } from './telling.ts';

/** A point on a feed: what lies behind it has been seen. On the stream of all, `seq` is the last one of that run. */
export interface Place {
  readonly position: number;
  readonly seq: number;
}

export interface FeedQuery {
  /** The beginning of what is kept, where absent. */
  readonly after?: Place | undefined;
  readonly limit: number;
  /** Only these types; all where absent. */
  readonly types?: readonly string[] | undefined;
  /** Events from before this instant are no longer told. */
  readonly keptFrom: Date;
}

export interface FeedPage {
  readonly items: readonly DomainEvent[];
  /** Where to read on. */
  readonly place: Place;
  /** Whether there is more to be read at once. */
  readonly more: boolean;
}

/** The audit events of so many numbers are read at a time, and so many at most for one page. */
const window = 500;
const mostScanned = 5_000;
const runs = 50;

/** What is a little older than what is kept is told to whoever is just reading through it. */
const graceMs = 24 * 60 * 60_000;

type FeedReads = Pick<ReadStore, 'auditEvents' | 'auditChains' | 'eventChunks' | 'leases'>;

/** The newest point of an organization's feed. */
export async function findEndOf(reads: FeedReads, organizationId: string): Promise<Place> {
  const { seq } = (await reads.auditChains.get(organizationId, organizationId)) ?? origin;
  return { position: 0, seq };
}

/** The newest point of the stream of all organizations. */
export const findEnd = async (reads: FeedReads): Promise<Place> => ({
  position: (await findStreamEnd(reads)) + 1,
  seq: 0,
});

/**
 * The organization's events after a point. The head is read first: all numbers up to it are there, so that nothing is
 * skipped which becomes visible later. Throws `cursor_expired` where events after the point are no longer told.
 */
export async function readFeedOf(
  reads: FeedReads,
  organizationId: string,
  { after, limit, types, keptFrom }: FeedQuery,
): Promise<FeedPage> {
  const head = (await findEndOf(reads, organizationId)).seq;
  // a point that is not reached yet is one of data that a backup has been put in the place of
  if (after && after.seq > head) throw expired();
  const from = after?.seq ?? (await findBefore(reads, organizationId, keptFrom, head));
  const items: DomainEvent[] = [];
  let seq = from;
  while (items.length < limit && seq < head && seq - from < mostScanned) {
    const rows = await readNumbers(reads, organizationId, seq, Math.min(head, seq + window));
    if (seq === from && after) refuseExpired(rows[0]?.createdAt, keptFrom);
    for (const row of rows) {
      if (items.length === limit) break;
      seq = row.seq ?? seq;
      items.push(...told(row, types));
    }
    if (rows.length === 0) seq = Math.min(head, seq + window);
  }
  return { items, place: { position: 0, seq }, more: seq < head };
}

/** The same of all organizations and the platform, each organization's in the order of its numbers. */
export async function readFeed(reads: FeedReads, { after, limit, types, keptFrom }: FeedQuery): Promise<FeedPage> {
  const end = await findStreamEnd(reads);
  const begin = after ?? { position: 0, seq: 0 };
  if (begin.position > end + 1) throw expired();
  if (after && after.position <= end) await refuseLost(reads, after, keptFrom);
  const items: DomainEvent[] = [];
  let place: Place = begin;
  const there = { position: { $gte: begin.position, $lte: end } };
  const chunks = await reads.eventChunks.find(PLATFORM, there, { sort: { position: 1 }, limit: runs });
  for (const chunk of chunks) {
    const { position = 0, organizationId, from, to } = chunk;
    const rows = await readNumbers(reads, organizationId, seenOf(chunk, begin, from), to);
    place = { position, seq: place.position === position ? place.seq : 0 };
    for (const row of rows) {
      if (items.length === limit) return { items, place, more: true };
      place = { position, seq: row.seq ?? place.seq };
      items.push(...told(row, types));
    }
    place = { position: position + 1, seq: 0 };
    if (items.length === limit) break;
  }
  if (chunks.length < runs && items.length < limit) place = { position: end + 1, seq: 0 };
  return { items, place, more: place.position <= end };
}

/** The number up to which a run has been told to whoever is at this point. */
const seenOf = ({ position }: EventChunk, { position: at, seq }: Place, from: number): number =>
  position === at && seq >= from ? seq : from - 1;

const readNumbers = (reads: FeedReads, organizationId: string, after: number, to: number) =>
  reads.auditEvents.find(organizationId, { seq: { $gt: after, $lte: to } }, { sort: { seq: 1 }, limit: window });

function told(row: AuditEvent, types: readonly string[] | undefined): readonly DomainEvent[] {
  const event = tell(row);
  return event && event.type !== trialType && (types === undefined || types.includes(event.type)) ? [event] : [];
}

const expired = (): AppError =>
  new AppError(
    'cursor_expired',
    'Events that come after this cursor are no longer kept, or it is of data that has been replaced by a backup. Read the present state, then begin without a cursor',
  );

function refuseExpired(next: Date | undefined, keptFrom: Date): void {
  if (next && next.getTime() < keptFrom.getTime() - graceMs) throw expired();
}

/** On the stream of all: whether runs after the point may have been removed since. */
async function refuseLost(reads: FeedReads, { position }: Place, keptFrom: Date): Promise<void> {
  const [next] = await reads.eventChunks.find(
    PLATFORM,
    { position: { $gte: position } },
    { sort: { position: 1 }, limit: 1 },
  );
  // one that is gone with its organization leaves a gap among others that are as new
  if (next?.position === position) return refuseExpired(next.createdAt, keptFrom);
  const [former] = await reads.eventChunks.find(
    PLATFORM,
    { position: { $lt: position } },
    { sort: { position: -1 }, limit: 1 },
  );
  if (former === undefined) throw expired();
}

/** The number before the first event that is kept; times rise with the numbers, but for moments. */
async function findBefore(reads: FeedReads, organizationId: string, keptFrom: Date, head: number): Promise<number> {
  let [known, beyond] = [0, head + 1];
  while (beyond - known > 1) {
    const seq = Math.floor((known + beyond) / 2);
    const event = await reads.auditEvents.findOne(organizationId, { seq });
    if (event && event.createdAt < keptFrom) known = seq;
    else beyond = seq;
  }
  return known;
}
