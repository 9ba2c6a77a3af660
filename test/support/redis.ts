/** A Redis server of a test's own, which may be stopped, started and emptied. Needs `redis-server` on the path. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { findFreePort } from '../../src/lib/freePort.ts';
import { until } from './until.ts';

interface OwnRedis {
  readonly url: string;
  /** Starts it, empty; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it in an orderly way, or in the middle of whatever it does. What it held is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Removes everything that it holds. */
  empty(): Promise<void>;
}

/** A server on a free port of the loopback address, started. It keeps nothing on disk. */
export async function openOwnRedis(): Promise<OwnRedis> {
  const port = await findFreePort(0);
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;

  async function ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => {});
    try {
      await redis.connect();
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }

  const redis: OwnRedis = {
    url,
    async start() {
      const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      const child = spawn('redis-server', options, { stdio: 'ignore' });
      server = child;
      const failed = new Promise<never>((_, reject) => child.once('error', reject));
      const answers = () =>
        ask((asked) => asked.ping()).then(
          () => true,
          () => false,
        );
      await Promise.race([until('Redis answers', answers), failed]);
    },
    async stop(signal = 'SIGTERM') {
      if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, 'exit');
      server.kill(signal);
      await ended;
    },
    empty: () => ask(async (asked) => void (await asked.flushall())),
  };
  await redis.start();
  return redis;
}
