import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { silentLogger } from '../../src/lib/logger.ts';
import { openBullQueue, openNudge } from '../../src/queue/bullmq.ts';
import type { Queue } from '../../src/queue/index.ts';
import type { Store } from '../../src/store/index.ts';
import { openTestPlace, openTestStore, type TestPlace } from '../support/engines.ts';
import { openOwnRedis } from '../support/redis.ts';
import { testRedisUrl, uniquePrefix } from '../support/services.ts';
import { until } from '../support/until.ts';
import {
  ask,
  effects,
  handleAll,
  keepingLogger,
  leaveEffect,
  orgA,
  orgB,
  type QueueSettings,
  type Rig,
  rows,
} from './rig.ts';
import { queueSuite } from './suite.ts';

async function openRig(): Promise<Rig> {
  const store = await openTestStore({ engine: 'mongodb' });
  const prefix = uniquePrefix();
  return {
    store,
    openQueue: (handlers, settings) =>
      openBullQueue({ store, handlers, logger: silentLogger, redisUrl: testRedisUrl(), prefix, ...settings }),
    close: () => store.close(),
  };
}

queueSuite('MongoDB, over BullMQ', openRig, 1_000);

/** A way to Redis that can be cut. */
interface Wire {
  readonly url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

async function openWire(): Promise<Wire> {
  const target = new URL(testRedisUrl());
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const mend = async (): Promise<void> => {
    const next = createServer((socket) => {
      const far = connect(Number(target.port || 6379), target.hostname);
      for (const [one, other] of [
        [socket, far],
        [far, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => other.destroy());
      }
      socket.pipe(far).pipe(socket);
    });
    await new Promise<void>((resolve) => next.listen(port, '127.0.0.1', resolve));
    const address = next.address();
    if (typeof address === 'object' && address) port = address.port;
    server = next;
  };
  await mend();
  return {
    url: `redis://127.0.0.1:${port}`,
    mend,
    async cut() {
      const closing = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      await closing;
    },
  };
}

describe('a lost Redis loses nothing (OPS-2)', () => {
  let place: TestPlace;
  let store: Store;
  let prefix: string;
  let redis: Redis;
  let wire: Wire;
  let queues: Queue[] = [];

  beforeEach(async () => {
    place = await openTestPlace('mongodb');
    store = await place.open();
    prefix = uniquePrefix();
    redis = new Redis(testRedisUrl());
    wire = await openWire();
  });

  afterEach(async () => {
    for (const queue of queues) await queue.drain(1_000);
    queues = [];
    await wire.cut();
    redis.disconnect();
    await place.close();
  });

  const open = (settings: QueueSettings & { readonly redisUrl?: string } = {}): Queue => {
    const queue = openBullQueue({
      store,
      handlers: handleAll(async (job) => {
        await sleep(10);
        await leaveEffect(store, job);
      }),
      logger: silentLogger,
      redisUrl: wire.url,
      prefix,
      pollMs: 100,
      leaseMs: 1_200,
      ...settings,
    });
    queues.push(queue);
    queue.start();
    return queue;
  };
  const people = Array.from({ length: 60 }, (_, i) => `acc-${String(i).padStart(3, '0')}`);
  const askAll = () => Promise.all(people.map((person) => ask(store, orgA, person)));
  const empty = async (): Promise<void> => {
    const keys = await redis.keys(`${prefix}:*`);
    if (keys.length > 0) await redis.del(...keys);
  };

  test('Redis is emptied again and again while jobs wait and run: each has exactly one effect', async () => {
    const queue = open({ concurrency: 4 });
    open({ concurrency: 4 });
    await askAll();
    for (let i = 0; i < 5; i++) {
      await sleep(60);
      await empty();
    }
    await queue.idle();
    expect(await effects(store, orgA)).toEqual(people);
    expect(await rows(store)).toEqual([]);
  });

  test('the connection breaks while jobs run: they end, and the others run when it is back', async () => {
    const queue = open({ concurrency: 4 });
    await askAll();
    await until('some have run', async () => (await effects(store, orgA)).length > 4);
    await wire.cut();
    await sleep(300);
    await wire.mend();
    await queue.idle();
    expect(await effects(store, orgA)).toEqual(people);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'Redis is ended by %s and started empty, twice, while jobs wait and run: each has exactly one effect',
    async (signal) => {
      const own = await openOwnRedis();
      try {
        const queue = open({ concurrency: 4, redisUrl: own.url });
        open({ concurrency: 4, redisUrl: own.url });
        await askAll();
        for (let round = 1; round <= 2; round++) {
          await until('some have run', async () => (await effects(store, orgA)).length > 10 * round);
          await own.stop(signal);
          await ask(store, orgB, `acc-${round}`);
          await sleep(300);
          await own.start();
        }
        await queue.idle();
        expect(await effects(store, orgA)).toEqual(people);
        expect(await effects(store, orgB)).toEqual(['acc-1', 'acc-2']);
        expect(await rows(store)).toEqual([]);
        for (const each of queues) await each.drain(1_000);
      } finally {
        await own.stop();
      }
    },
  );

  test('Redis is emptied as a whole while jobs wait and run: each has exactly one effect', async () => {
    const own = await openOwnRedis();
    try {
      const queue = open({ concurrency: 4, redisUrl: own.url });
      await askAll();
      for (let i = 0; i < 5; i++) {
        await sleep(60);
        await own.empty();
      }
      await queue.idle();
      expect(await effects(store, orgA)).toEqual(people);
      await queue.drain(1_000);
    } finally {
      await own.stop();
    }
  });

  test('a queue that starts without Redis takes nothing, complains rarely, and works when Redis comes', async () => {
    await wire.cut();
    const { logger, lines } = keepingLogger();
    const queue = open({ logger });
    await ask(store, orgA, 'acc-1');
    await sleep(1_000);
    expect(await rows(store)).toMatchObject([{ attempts: 0 }]);
    expect(lines).toHaveLength(1);
    await wire.mend();
    await queue.idle();
    expect(await effects(store, orgA)).toEqual(['acc-1']);
  });

  test('a queue without Redis still drains in time', async () => {
    const queue = open();
    await ask(store, orgA, 'acc-1');
    await queue.idle();
    await wire.cut();
    await sleep(50);
    const began = performance.now();
    await queue.drain(1_000);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('a process that runs no jobs wakes the workers, and commits without Redis just the same', async () => {
    const web = await place.open();
    const { logger, lines } = keepingLogger();
    const nudge = openNudge({ store: web, redisUrl: wire.url, prefix, logger });
    open({ pollMs: 60_000, leaseMs: 60_000 });
    try {
      await until(
        'a job of the web process runs at once',
        async () => {
          await ask(web, orgA, 'acc-1');
          await sleep(100);
          return (await effects(store, orgA)).length > 0;
        },
        10_000,
      );
      await wire.cut();
      await ask(web, orgA, 'acc-2');
      await sleep(300);
      expect(lines.length).toBeLessThanOrEqual(1);
      await wire.mend();
      await until('the worker is back', async () => (await effects(store, orgA)).includes('acc-2'));
    } finally {
      nudge.close();
    }
  });
});
