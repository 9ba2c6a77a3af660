import { randomBytes } from 'node:crypto';
import { type Clock, stands, systemClock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import { type Cause, PLATFORM, type Store, type Transaction } from '../store/index.ts';

export interface PeriodicOptions {
  readonly store: Store;
  /** Processes that use the same name share the task. */
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<void>;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** How long a process that died holds the task. Default: the interval, at most 60 s. Renewed every third of it. */
  readonly leaseMs?: number | undefined;
}

/** A task that one of all processes runs in each interval. */
export interface Periodic {
  /** Begins: the task runs at once if its interval has passed (also while nothing ran), and then every interval. */
  start(): void;
  /** Runs it no more; resolves when a run that is under way here has ended. */
  stop(): Promise<void>;
}

/**
 * Shares a task among all processes through a row of `leases`: `until` is when the task may next be begun. Who begins it
 * moves `until` on while it runs, and leaves it one interval after the beginning; where the holder dies, `until` comes,
 * and another begins. A run that throws is logged, and its turn is over.
 */
export function openPeriodic(options: PeriodicOptions): Periodic {
  const { store, name, everyMs, logger, clock = systemClock } = options;
  const leaseMs = options.leaseMs ?? Math.min(everyMs, 60_000);
  const longestMs = Math.max(everyMs, leaseMs);
  const id = `periodic-${name}`;
  const holder = randomBytes(8).toString('hex');
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let state: 'new' | 'started' | 'stopped' = 'new';

  const after = (ms: number): Date => new Date(clock.now().getTime() + ms);
  const write = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const cause: Cause = { actor: 'system', requestId: newId('request') };
    return store.transaction(cause, work);
  };

  /** Takes the task if it is due. */
  function take(): Promise<boolean> {
    const now = clock.now();
    const until = after(leaseMs);
    return write(async (tx) => {
      const row = await tx.leases.get(PLATFORM, id);
      if (!row) {
        await tx.leases.insert(PLATFORM, { _id: id, holder, until });
        return true;
      }
      if (stands(row.until, now, longestMs)) return false;
      const due = { _id: id, until: row.until };
      return (await tx.leases.updateOne(PLATFORM, due, { $set: { holder, until } })) !== undefined;
    });
  }

  /** Moves `until` if the task is still ours. */
  async function hold(until: Date): Promise<void> {
    await write((tx) => tx.leases.updateOne(PLATFORM, { _id: id, holder }, { $set: { until } }));
  }

  async function runOnce(): Promise<void> {
    const next = after(everyMs);
    const failed = (error: unknown) => logger.warn({ task: name, err: error }, 'periodic task could not be held');
    let holding = Promise.resolve();
    const beat = setInterval(() => {
      holding = hold(after(leaseMs)).catch(failed);
    }, leaseMs / 3);
    beat.unref();
    try {
      await options.run();
    } catch (error) {
      logger.error({ task: name, err: error }, 'periodic task failed');
    } finally {
      clearInterval(beat);
      await holding;
    }
    await hold(next);
  }

  async function turn(): Promise<void> {
    try {
      const row = await store.read.leases.get(PLATFORM, id);
      const due = !row || !stands(row.until, clock.now(), longestMs);
      if (due && (await take())) await runOnce();
    } catch (error) {
      logger.warn({ task: name, err: error }, 'periodic task could not be taken');
    }
  }

  /** Looks several times in an interval, so that a dead holder is followed soon; a look is one read. */
  function schedule(ms: number): void {
    if (state !== 'started') return;
    timer = setTimeout(() => {
      current = turn().finally(() => {
        current = undefined;
        schedule((Math.min(everyMs, leaseMs) / 4) * (0.75 + Math.random() / 2));
      });
    }, ms);
    timer.unref();
  }

  return {
    start() {
      if (state !== 'new') return;
      state = 'started';
      schedule(0);
    },
    async stop() {
      state = 'stopped';
      clearTimeout(timer);
      await current;
    },
  };
}
