import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type OutboxRow, PLATFORM, type Store } from '../store/index.ts';
import type { Holdings } from './holdings.ts';
import type { Lane } from './jobs.ts';
import { type Held, isSuspicious, leaseRows, renewLeases } from './leases.ts';
import { findDueInTurn } from './turns.ts';

export interface RelayOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly holdings: Holdings;
  readonly lane: Lane;
  readonly leaseMs: number;
  /** How often to look without being woken: for rows of other processes, ended leases, and retries that are due. */
  readonly pollMs: number;
  /** Whether this process runs the row under the lease that is on it. */
  isOurs(row: OutboxRow): boolean;
  /** Whether a row that may be what ends processes can be taken now: a process takes one at a time. */
  mayTakeSuspect(): boolean;
  /** Whether rows can be passed on now. */
  ready?(): boolean;
  /** Passes on what was leased, and held in `holdings` from now on. Must not throw. */
  accept(held: readonly Held[]): Promise<void> | void;
}

/** Takes due rows, organizations in turn, as long as there is room for them. */
export interface Relay {
  start(): void;
  /** Looks for due rows at once, or again if it is looking. */
  wake(): void;
  /** Looks again at this instant. */
  wakeAt(at: Date): void;
  /** Forgets a row that has ended under this lease, and takes the next if one is known to wait. */
  release(id: string, lease: string): void;
  /** Takes nothing any more; resolves when what was being taken has been passed on. */
  stop(): Promise<void>;
}

export function openRelay(options: RelayOptions): Relay {
  const { store, logger, clock, holdings, lane } = options;
  const timers = new Set<NodeJS.Timeout>();
  let started = false;
  let stopped = false;
  let asked = false;
  let looking: Promise<void> | undefined;
  let last = '';
  let left: ReadonlySet<string> = new Set();
  let unseen = false;
  let suspectsWait = false;
  let quietUntil = 0;
  let unsubscribe = (): void => {};

  /** One look: find, lease, pass on. */
  async function look(): Promise<void> {
    const now = clock.now();
    const { room, share } = holdings;
    await dropDeadSuspect(now);
    const suspects = options.mayTakeSuspect();
    const found = await findDueInTurn(store.read, { lane, after: last, now, room, share, suspects });
    ({ last, left, unseen } = found);
    const others = await keepOurs(found.rows, now);
    const ids = oneSuspectOf(others).map((row) => row._id);
    if (suspects) suspectsWait = ids.length < others.length;
    const held = await leaseRows(store, ids, now, options.leaseMs);
    for (const one of held) holdings.add(one);
    if (held.length > 0) await options.accept(held);
    // Somebody else took some of them, or some are not to be taken: there may be others.
    if (held.length < found.rows.length || moreFits()) asked = true;
  }

  /** Forgets the held suspect where its lease has ended: whoever ran it for us is dead. */
  async function dropDeadSuspect(now: Date): Promise<void> {
    const { suspect } = holdings;
    if (!suspect) return;
    const { _id, organizationId } = suspect.row;
    const row = await store.read.outbox.get(organizationId, _id);
    const lives = row?.lease === suspect.lease && (row.dueAt > now || options.isOurs(row));
    if (!lives) holdings.drop(_id, suspect.lease);
  }

  /** Renews the leases that have ended while the row is run here, after a jump of the clock above all. Answers the other rows. */
  async function keepOurs(rows: readonly OutboxRow[], now: Date): Promise<readonly OutboxRow[]> {
    const ours = rows.filter(options.isOurs);
    const held = ours.map((row) => ({ row, lease: row.lease ?? '' }));
    await renewLeases(store, held, new Date(now.getTime() + options.leaseMs));
    return rows.filter((row) => !ours.includes(row));
  }

  function moreFits(): boolean {
    if (holdings.room <= 0) return false;
    return unseen || [...left].some((organizationId) => holdings.share(organizationId) > 0);
  }

  async function lookWhileAsked(): Promise<void> {
    // `looking` must be set before the end clears it, also where there is nothing to wait for.
    await Promise.resolve();
    try {
      while (asked && !stopped) {
        asked = false;
        // Without room nothing is lost: a release looks again.
        if (holdings.room <= 0) unseen = true;
        else if (options.ready?.() ?? true) await look();
      }
    } catch (error) {
      if (Date.now() >= quietUntil) logger.error({ err: error }, 'jobs cannot be taken; will be tried again');
      quietUntil = Date.now() + 30_000;
    } finally {
      looking = undefined;
    }
  }

  function wake(): void {
    asked = true;
    if (!started || stopped) return;
    looking ??= lookWhileAsked();
  }

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timer.unref();
    timers.add(timer);
  }

  function poll(): void {
    wake();
    later(options.pollMs * (0.75 + Math.random() / 2), poll);
  }

  return {
    start() {
      if (started || stopped) return;
      started = true;
      unsubscribe = store.onInsert('outbox', wake);
      poll();
    },
    wake,
    wakeAt(at) {
      const ms = at.getTime() - clock.now().getTime();
      // What is due later than the next look is found by that.
      if (!stopped && ms < options.pollMs) later(Math.max(0, ms), wake);
    },
    release(id, lease) {
      holdings.drop(id, lease);
      if (moreFits() || (suspectsWait && options.mayTakeSuspect())) wake();
    },
    async stop() {
      stopped = true;
      unsubscribe();
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      await looking;
    },
  };
}

/** The rows without all but the first of those that may be what ends processes. */
function oneSuspectOf(rows: readonly OutboxRow[]): readonly OutboxRow[] {
  const first = rows.find(isSuspicious);
  return rows.filter((row) => row === first || !isSuspicious(row));
}

/** Whether any job is due or held by anybody. Reads every waiting row: for tests. */
export async function anyUnderWay(store: Store, now: Date): Promise<boolean> {
  const row = await store.read.outbox.findOne(PLATFORM, {
    state: { $ne: 'parked' },
    $or: [{ dueAt: { $lte: now } }, { lease: { $exists: true } }],
  });
  return row !== undefined;
}
