import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/index.ts';
import { type Holdings, holdings, placesOfOne } from './holdings.ts';
import { type Lane, lanes, type Retry } from './jobs.ts';
import { together } from './lanes.ts';
import { giveBack, type Held, renewLeases } from './leases.ts';
import type { Handlers, Queue } from './queue.ts';
import { anyUnderWay, openRelay } from './relay.ts';
import { openRunner } from './run.ts';

export interface EmbeddedQueueOptions {
  readonly store: Store;
  readonly handlers: Handlers;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** How many handlers of each lane run at once. Default 16. */
  readonly concurrency?: number | undefined;
  /** How long a row is out of others' reach without a sign of life. Default 30 s, renewed every third of it. */
  readonly leaseMs?: number | undefined;
  readonly pollMs?: number | undefined;
  /** Replaces what the catalogue says of every job. */
  readonly retry?: Partial<Retry> | undefined;
  readonly longestRunMs?: number | undefined;
}

/** Handlers that end faster than this are worth taking rows ahead for; slower rows are better left to other processes. */
const fastMs = 100;

/**
 * The queue of a single kind of process: takes rows from the outbox and runs their handlers here, each lane in places of its own.
 * Several processes on one store may do so at once.
 */
export function openEmbeddedQueue(options: EmbeddedQueueOptions): Queue {
  const ofLanes: Holdings[] = [];
  return together(lanes.map((lane) => openLane(options, lane, ofLanes)));
}

function openLane(options: EmbeddedQueueOptions, lane: Lane, ofLanes: Holdings[]): Queue {
  const { store, logger, clock = systemClock, concurrency = 16, leaseMs = 30_000, pollMs = 1_000 } = options;
  const mostOfOne = placesOfOne(concurrency);
  let usualMs = 0;
  const ahead = (): number => (usualMs < fastMs ? 2 : 1);
  const held = holdings({ total: () => concurrency * ahead(), each: () => mostOfOne * ahead() });
  ofLanes.push(held);
  const run = openRunner({ ...options, clock });
  const runningOf = new Map<string, number>();
  const running = new Map<Held, Promise<void>>();
  let ready: Held[] = [];
  let beat: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;

  const relay = openRelay({
    ...{ store, logger, clock, lane, holdings: held, leaseMs, pollMs, accept },
    isOurs: ({ _id, lease }) => held.holds(_id, lease),
    mayTakeSuspect: () => ofLanes.every(({ suspect }) => suspect === undefined),
  });

  function accept(taken: readonly Held[]): void {
    ready.push(...taken);
    fill();
  }

  function fill(): void {
    while (!draining && running.size < concurrency) {
      const next = choose();
      if (!next) return;
      running.set(next, runOne(next));
    }
  }

  /** The row, of those that wait here, whose organization has the fewest handlers running. */
  function choose(): Held | undefined {
    let best = -1;
    let fewest = mostOfOne;
    for (const [index, { row }] of ready.entries()) {
      const count = runningOf.get(row.organizationId) ?? 0;
      if (count < fewest) [best, fewest] = [index, count];
      if (fewest === 0) break;
    }
    return best === -1 ? undefined : ready.splice(best, 1)[0];
  }

  async function runOne(one: Held): Promise<void> {
    const { _id: id, organizationId } = one.row;
    runningOf.set(organizationId, (runningOf.get(organizationId) ?? 0) + 1);
    const began = performance.now();
    const outcome = await run(one);
    usualMs += (performance.now() - began - usualMs) / 8;
    const count = (runningOf.get(organizationId) ?? 1) - 1;
    if (count > 0) runningOf.set(organizationId, count);
    else runningOf.delete(organizationId);
    running.delete(one);
    fill();
    relay.release(id, one.lease);
    if (outcome.end === 'again') relay.wakeAt(outcome.dueAt);
  }

  function renew(): void {
    const until = new Date(clock.now().getTime() + leaseMs);
    renewLeases(store, held.all(), until).catch((error: unknown) => {
      logger.warn({ err: error }, 'leases could not be renewed');
    });
  }

  async function stop(timeoutMs: number): Promise<void> {
    await relay.stop();
    const back = ready;
    ready = [];
    await giveBack(store, back, clock.now()).catch((error: unknown) => {
      logger.warn({ err: error, jobs: back.length }, 'leases could not be given back; they end by themselves');
    });
    const deadline = new AbortController();
    await Promise.race([
      Promise.all(running.values()),
      sleep(timeoutMs, undefined, { signal: deadline.signal }).catch(() => {}),
    ]);
    deadline.abort();
    clearInterval(beat);
    if (running.size > 0) logger.warn({ jobs: running.size }, 'jobs still ran at the end of the drain');
  }

  return {
    start() {
      if (beat || draining) return;
      beat = setInterval(renew, leaseMs / 3);
      beat.unref();
      relay.start();
    },
    drain(timeoutMs = 10_000) {
      draining ??= stop(timeoutMs);
      return draining;
    },
    async idle() {
      while (held.size > 0 || (await anyUnderWay(store, clock.now()))) {
        relay.wake();
        await sleep(5);
      }
    },
  };
}
