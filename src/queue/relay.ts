import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { PLATFORM, type Store } from '../store/index.ts';
import type { Holdings } from './holdings.ts';
import type { Lane } from './jobs.ts';
import { type Held, leaseRows } from './leases.ts';
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
  /** Forgets a row that has ended, and takes the next if one is known to wait. */
  release(id: string): void;
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
  let quietUntil = 0;
  let unsubscribe = (): void => {};

  /** One look: find, lease, pass on. */
  async function look(): Promise<void> {
    const now = clock.now();
    const { room } = holdings;
    const found = await findDueInTurn(store.read, { lane, after: last, now, room, share: holdings.share });
    ({ last, left, unseen } = found);
    const ids = found.rows.map((row) => row._id);
    const held = await leaseRows(store, ids, now, options.leaseMs);
    for (const one of held) holdings.add(one);
    if (held.length > 0) await options.accept(held);
    // Somebody else took some of them: there may be others.
    if (held.length < ids.length || moreFits()) asked = true;
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
    release(id) {
      holdings.drop(id);
      if (moreFits()) wake();
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

/** Whether any job is due or held by anybody. Reads every waiting row: for tests. */
export async function anyUnderWay(store: Store, now: Date): Promise<boolean> {
  const row = await store.read.outbox.findOne(PLATFORM, {
    state: { $ne: 'parked' },
    $or: [{ dueAt: { $lte: now } }, { lease: { $exists: true } }],
  });
  return row !== undefined;
}
