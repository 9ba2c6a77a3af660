import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { buildProcesses, type Running, type RunningWeb, startWeb, startWorker } from '../support/processes.ts';
import { databaseUri, giveBackDatabase, takeDatabase, testRedisUrl } from '../support/services.ts';
import { killWhileSending } from './killing.ts';

let database: string;
let web: RunningWeb;
let workers: readonly Running[] = [];
let env: Readonly<Record<string, string>>;
const operatorToken = 'operator-token-of-the-killed-workers';

const start = async (): Promise<void> => {
  workers = await Promise.all([startWorker(env), startWorker(env)]);
};

beforeAll(async () => {
  await buildProcesses();
  ({ database } = await takeDatabase());
  // One of Redis's numbered databases, so that queues of other suites are not in the way.
  const redis = new URL(testRedisUrl());
  redis.pathname = `/${1 + (process.pid % 15)}`;
  env = {
    MONGODB_URI: databaseUri(database),
    REDIS_URL: redis.href,
    GATEHOUSE_KEY: 'key-of-the-killed-workers-0123456789',
    GATEHOUSE_OPERATOR_TOKEN: operatorToken,
    GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true',
  };
  web = await startWeb(env);
  await start();
}, 180_000);

afterAll(async () => {
  await Promise.all([web, ...workers].map((one) => one?.kill()));
  giveBackDatabase(database);
});

test('over BullMQ, workers killed between sending and writing it down are followed by others, who send again (EVT-1, OPS-2)', async () => {
  const kill = async () => void (await Promise.all(workers.map((one) => one.kill())));
  await killWhileSending({ url: () => web.url, operatorToken, kill, start });
  for (const one of [web, ...workers]) expect(one.output).not.toContain('whsec_');
}, 240_000);
