import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue as BullQueue, type Job, Worker } from 'bullmq';
import { z } from 'zod';
import { systemClock } from '../lib/clock.ts';
import { PLATFORM } from '../store/index.ts';
import { channels, openRedis, rareLog } from './bullmq-redis.ts';
import type { EmbeddedQueueOptions } from './embedded.ts';
import { type Holdings, holdings, placesOfOne } from './holdings.ts';
import { type Lane, lanes } from './jobs.ts';
import { together } from './lanes.ts';
import { giveBack, type Held, renewLeases } from './leases.ts';
import type { Queue } from './queue.ts';
import { anyUnderWay, openRelay } from './relay.ts';
import { type Outcome, openRunner } from './run.ts';

export { openNudge } from './bullmq-nudge.ts';

export interface BullQueueOptions extends EmbeddedQueueOptions {
  readonly redisUrl: string;
  /** Processes with the same prefix work together. Default `gatehouse`. */
  readonly prefix?: string | undefined;
}

/** What BullMQ carries: which row, under which lease, and which relay waits for its end. The row says all the rest. */
const handed = z.object({ organizationId: z.string(), id: z.string(), lease: z.string(), relay: z.string() });
type Handed = z.output<typeof handed>;

/** BullMQ ignores an id that it still knows, so it names the lease, which is another for every attempt; it never holds a colon. */
const jobId = ({ row, lease }: Held): string => `${row._id}-${lease}`;

/** The names of the lanes in Redis. */
const names: Readonly<Record<Lane, string>> = { waiting: 'jobs', sending: 'sending' };

const oneTry = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;

/**
 * The queue of many processes: each has a relay, which leases rows and hands them to BullMQ, and a worker, which runs
 * what BullMQ hands to it. The lease makes any number of relays safe. BullMQ distributes and remembers nothing that
 * matters: what Redis loses is found by the relay that handed it over, or taken again when its lease has ended.
 */
export function openBullQueue(options: BullQueueOptions): Queue {
  const complain = rareLog(options.logger, 'trouble with Redis; jobs wait in the outbox');
  const ofLanes: Holdings[] = [];
  return together(lanes.map((lane) => openLane(options, lane, ofLanes, complain)));
}

function openLane(
  options: BullQueueOptions,
  lane: Lane,
  ofLanes: Holdings[],
  complain: (error: unknown) => void,
): Queue {
  const { store, logger, redisUrl, prefix = 'gatehouse', clock = systemClock } = options;
  const { concurrency = 16, leaseMs = 30_000, pollMs = 1_000 } = options;
  const relayId = randomBytes(8).toString('hex');
  const channel = channels(prefix);

  const commands = openRedis(redisUrl, 'impatient', complain);
  const workerRedis = openRedis(redisUrl, 'patient', complain);
  const subscriber = openRedis(redisUrl, 'patient', complain);

  let opened: BullQueue<Handed> | undefined;
  const queue = (): BullQueue<Handed> => {
    if (!opened) {
      opened = new BullQueue<Handed>(names[lane], {
        connection: commands,
        prefix,
        streams: { events: { maxLen: 100 } },
      });
      opened.on('error', complain);
    }
    return opened;
  };
  // At the end of a drain BullMQ is told that a handler which still runs is done with: its row's lease says otherwise.
  const abandon = new Set<() => void>();
  const workOrAbandon = (job: Job<unknown>): Promise<void> =>
    new Promise((resolve, reject) => {
      abandon.add(resolve);
      work(job)
        .then(resolve, reject)
        .finally(() => abandon.delete(resolve));
    });
  const worker = new Worker<Handed>(names[lane], workOrAbandon, {
    connection: workerRedis,
    prefix,
    concurrency,
    autorun: false,
    lockDuration: leaseMs,
    stalledInterval: leaseMs,
    runRetryDelay: 500,
  });
  worker.on('error', complain);

  const run = openRunner({ ...options, clock });
  const running = new Map<string, Held & { readonly ended: Promise<Outcome> }>();
  const waiting = holdings({ total: () => 2 * concurrency, each: () => placesOfOne(concurrency) });
  ofLanes.push(waiting);
  const relay = openRelay({
    store,
    logger,
    clock,
    lane,
    holdings: waiting,
    leaseMs,
    pollMs,
    isOurs: (row) => row.lease !== undefined && running.has(jobId({ row, lease: row.lease })),
    mayTakeSuspect: () => ofLanes.every(({ suspect }) => suspect === undefined),
    ready: () => commands.status === 'ready',
    accept: handOver,
  });
  let beat: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;

  async function handOver(taken: readonly Held[]): Promise<void> {
    try {
      await queue().addBulk(
        taken.map((held) => ({
          name: held.row.job,
          data: {
            organizationId: held.row.organizationId,
            id: held.row._id,
            lease: held.lease,
            relay: relayId,
          },
          opts: { ...oneTry, jobId: jobId(held) },
        })),
      );
    } catch (error) {
      complain(error);
      // One whose first contact failed never recovers; the next is opened when there is something to hand over.
      opened?.removeAllListeners().on('error', () => {});
      opened = undefined;
      for (const { row, lease } of taken) waiting.drop(row._id, lease);
      await giveBack(store, taken, clock.now()).catch(complain);
    }
  }

  /** Runs what BullMQ hands over, if its lease still stands: a job may come twice, or too late. */
  async function work({ data }: Job<unknown>): Promise<void> {
    const { organizationId, id, lease, relay: from } = handed.parse(data);
    const row = await store.read.outbox.get(organizationId, id);
    const held = row && row.lease === lease && { row, lease };
    // BullMQ takes it for stalled, where it has not heard of it for long.
    if (held && running.has(jobId(held))) return;
    // One that comes during a drain is for another process.
    if (held && draining) await giveBack(store, [held], clock.now());
    else if (held) {
      const ended = run(held);
      running.set(jobId(held), { ...held, ended });
      const outcome = await ended;
      running.delete(jobId(held));
      if (outcome.end === 'again') relay.wakeAt(outcome.dueAt);
    }
    if (from === relayId) relay.release(id, lease);
    else if (commands.status === 'ready') commands.publish(channel.ended(from), `${id} ${lease}`).catch(complain);
  }

  /** Keeps the leases of what runs here and of what waits in Redis; takes back what Redis has lost. */
  async function inspect(): Promise<void> {
    const until = new Date(clock.now().getTime() + leaseMs);
    await renewLeases(store, [...running.values()], until);
    const ours = waiting.all().filter((held) => !running.has(jobId(held)));
    if (ours.length === 0 || commands.status !== 'ready') return;
    const rows = await store.read.outbox.find(PLATFORM, { _id: { $in: ours.map(({ row }) => row._id) } });
    const leases = new Map(rows.map((row) => [row._id, row.lease]));
    const alive: Held[] = [];
    const missing: Held[] = [];
    for (const held of ours) {
      if (leases.get(held.row._id) !== held.lease) {
        relay.release(held.row._id, held.lease);
        continue;
      }
      const state = await queue().getJobState(jobId(held));
      if (state === 'unknown') missing.push(held);
      // An active one is kept by the process that runs it, so that its lease ends with that process.
      else if (state !== 'active') alive.push(held);
    }
    await renewLeases(store, alive, until);
    await giveBack(store, missing, clock.now());
    for (const { row, lease } of missing) waiting.drop(row._id, lease);
    if (missing.length > 0) relay.wake();
  }

  function look(): void {
    inspect().catch(complain);
  }

  async function listen(): Promise<void> {
    subscriber.on('message', (name: string, ended: string) => {
      const [id = '', lease = ''] = ended.split(' ');
      if (name === channel.nudge) relay.wake();
      else relay.release(id, lease);
    });
    await subscriber.subscribe(channel.nudge, channel.ended(relayId));
  }

  async function keepWorking(): Promise<void> {
    while (!draining) {
      await worker.run().catch(complain);
      if (!draining) await sleep(500);
    }
  }

  async function stop(timeoutMs: number): Promise<void> {
    await relay.stop();
    await worker.pause(true);
    await within(timeoutMs, Promise.all([...running.values()].map(({ ended }) => ended)));
    clearInterval(beat);
    if (running.size > 0) logger.warn({ jobs: running.size }, 'jobs still ran at the end of the drain');
    for (const leave of abandon) leave();
    // Without Redis the worker can only be closed by force: it would wait for an answer that nobody gives.
    await within(1_000, worker.close(workerRedis.status !== 'ready').catch(complain));
    for (const redis of [commands, workerRedis, subscriber]) redis.disconnect();
  }

  return {
    start() {
      if (beat || draining) return;
      beat = setInterval(look, leaseMs / 3);
      beat.unref();
      // After a lost connection Redis may have come back empty.
      commands.on('ready', () => {
        look();
        relay.wake();
      });
      listen().catch(complain);
      keepWorking().catch(complain);
      relay.start();
    },
    drain(timeoutMs = 10_000) {
      draining ??= stop(timeoutMs);
      return draining;
    },
    async idle() {
      while (running.size > 0 || (await anyUnderWay(store, clock.now()))) {
        relay.wake();
        await sleep(10);
      }
    },
  };
}

/** Resolves when `work` has ended, or after `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  await Promise.race([work, sleep(ms, undefined, { signal: late.signal }).catch(() => {})]);
  late.abort();
}
