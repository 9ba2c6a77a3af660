/**
 * Organizations in turn: which due rows are next. The index (state, organizationId, dueAt) is walked from one
 * organization to the next by seeks, so that neither ten thousand due rows of one organization nor ten thousand that
 * rest for a retry cost the others anything.
 */
import { type Filter, type OutboxRow, PLATFORM, type ReadStore } from '../store/index.ts';
import type { Lane } from './jobs.ts';
import { unsuspicious } from './leases.ts';

export interface Turn {
  readonly lane: Lane;
  /** The organization that was served last; the walk begins after it. */
  readonly after: string;
  readonly now: Date;
  /** How many rows to find at most. */
  readonly room: number;
  /** Whether rows are found that may be what ends processes. */
  readonly suspects: boolean;
  /** How many more rows this organization may have; asked once in each walk. */
  share(organizationId: string): number;
}

export interface TurnResult {
  readonly rows: readonly OutboxRow[];
  /** The organization that was served last now. */
  readonly last: string;
  /** The organizations that are known to have more due rows than they got. */
  readonly left: ReadonlySet<string>;
  /** Whether the walk ended early, so that there may be organizations with due rows that it has not seen. */
  readonly unseen: boolean;
}

/** How many rows one organization gets before the next one is served. */
const perTurn = 4;

/** After so many organizations without a due row, the store is left to skip the others by itself. */
const patience = 64;

/** Due rows by organization, in the order of turns; `left` names those that have more. */
interface Found {
  readonly queues: Map<string, OutboxRow[]>;
  readonly left: Set<string>;
}

/** Finds due rows, a few of each organization in turn. */
export async function findDueInTurn(reads: Pick<ReadStore, 'outbox'>, turn: Turn): Promise<TurnResult> {
  const found: Found = { queues: new Map(), left: new Set() };
  const complete =
    (await walk(reads, turn, found, { from: turn.after })) &&
    (turn.after === '' || (await walk(reads, turn, found, { from: '', to: turn.after })));
  await topUp(reads, turn, found);
  return { ...deal(found, turn), left: found.left, unseen: !complete };
}

/** Collects due rows of organizations after `from` up to `to`. Answers whether it came to the end. */
async function walk(
  reads: Pick<ReadStore, 'outbox'>,
  turn: Turn,
  found: Found,
  { from, to }: { readonly from: string; readonly to?: string },
): Promise<boolean> {
  const limit = 2 * perTurn;
  let position = from;
  let idleSeeks = 0;
  while (!fills(found, turn.room)) {
    const filter: Filter<OutboxRow> = {
      state: turn.lane,
      organizationId: { $gt: position, ...(to !== undefined && { $lte: to }) },
      ...(idleSeeks >= patience && { dueAt: { $lte: turn.now } }),
      ...(!turn.suspects && unsuspicious),
    };
    const page = await reads.outbox.find(PLATFORM, filter, { sort: { organizationId: 1, dueAt: 1 }, limit });
    const last = page.at(-1);
    const before = found.queues.size;
    collect(page, found, turn);
    if (!last || page.length < limit) return true;
    // The page may have cut off this organization's rows: the seek goes on behind it, its turn comes again.
    if (last.dueAt <= turn.now) found.left.add(last.organizationId);
    idleSeeks = found.queues.size === before ? idleSeeks + 1 : 0;
    position = last.organizationId;
  }
  return false;
}

/** Where one turn of each organization leaves room, those that have more fill it. */
async function topUp(reads: Pick<ReadStore, 'outbox'>, turn: Turn, { queues, left }: Found): Promise<void> {
  let rows = 0;
  for (const queue of queues.values()) rows += queue.length;
  for (const [organizationId, queue] of queues) {
    if (rows >= turn.room) return;
    const limit = Math.min(turn.room, turn.share(organizationId));
    if (!left.has(organizationId) || limit <= queue.length) continue;
    const due = { state: turn.lane, dueAt: { $lte: turn.now }, ...(!turn.suspects && unsuspicious) };
    const more = await reads.outbox.find(organizationId, due, { sort: { dueAt: 1 }, limit });
    if (more.length < limit) left.delete(organizationId);
    rows += more.length - queue.length;
    queues.set(organizationId, [...more]);
  }
}

/** Whether one turn of each organization found so far takes all the room. */
function fills({ queues }: Found, room: number): boolean {
  let rows = 0;
  for (const queue of queues.values()) rows += Math.min(perTurn, queue.length);
  return rows >= room;
}

/** Of each organization a page shows what is due first, so nothing due hides behind a row that rests. */
function collect(page: readonly OutboxRow[], { queues, left }: Found, { now, room, share }: Turn): void {
  const shares = new Map<string, number>();
  for (const row of page) {
    if (row.dueAt > now) continue;
    const { organizationId } = row;
    const most = shares.get(organizationId) ?? Math.min(room, share(organizationId));
    shares.set(organizationId, most);
    const queue = queues.get(organizationId) ?? [];
    if (queue.length >= most) {
      left.add(organizationId);
      continue;
    }
    queue.push(row);
    queues.set(organizationId, queue);
  }
}

/** Deals the rows out, a few of each organization at a time, until there is no room or no row left. */
function deal({ queues, left }: Found, { after, room }: Turn): { rows: OutboxRow[]; last: string } {
  const rows: OutboxRow[] = [];
  let last = after;
  while (rows.length < room && queues.size > 0) {
    for (const [organizationId, queue] of queues) {
      if (rows.length >= room) break;
      rows.push(...queue.splice(0, Math.min(perTurn, room - rows.length)));
      last = organizationId;
      if (queue.length === 0) queues.delete(organizationId);
    }
  }
  for (const organizationId of queues.keys()) left.add(organizationId);
  return { rows, last };
}
