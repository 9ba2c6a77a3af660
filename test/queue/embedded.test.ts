import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.ts';
import { openGatehouse } from '../../src/gatehouse.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { openEmbeddedQueue } from '../../src/queue/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { openTestStore, testEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { ask, gate, handleAll, insertRow, leaveEffect, type Rig, rows } from './rig.ts';
import { queueSuite } from './suite.ts';

/** In process: on SQLite, and (with MongoDB and no Redis) on MongoDB. */
async function openRig(): Promise<Rig> {
  const store = await openTestStore();
  return {
    store,
    openQueue: (handlers, settings) => openEmbeddedQueue({ store, handlers, logger: silentLogger, ...settings }),
    close: () => store.close(),
  };
}

queueSuite(`${testEngine}, in process`, openRig, testEngine === 'sqlite' ? 10_000 : 1_000);

test('a drain gives back what was taken ahead: due at once, no attempt used up', async () => {
  const { store, openQueue, close } = await openRig();
  const wait = gate();
  let begun = 0;
  const handlers = handleAll(async (job) => {
    begun += 1;
    await wait.opened;
    await leaveEffect(store, job);
  });
  const queue = openQueue(handlers, { concurrency: 2 });
  for (let i = 0; i < 8; i++) await ask(store, `org-${i % 4}`, `acc-${i}`);
  queue.start();
  await until('two run and two are held', async () => {
    const held = (await rows(store)).filter((row) => row.lease !== undefined);
    return begun === 2 && held.length === 4;
  });
  const drained = queue.drain();
  await until('two are back', async () => (await rows(store)).filter((row) => row.lease !== undefined).length === 2);
  wait.open();
  await drained;
  const left = await rows(store);
  expect(left).toHaveLength(6);
  for (const row of left) expect(row).toMatchObject({ attempts: 0, state: 'waiting' });
  expect(left.filter(({ taken = 0 }) => taken !== 0)).toEqual([]);
  await close();
});

test('the next process on a data file goes on at once with what a killed one had taken, unless that may be what killed it (OPS-2)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-killed-'));
  const store = await openSqliteStore({ path: join(folder, 'gatehouse.db') });
  const soon = new Date(Date.now() + 3_600_000);
  await insertRow(store, { _id: 'job-taken', taken: 1, lease: 'of one that is gone', dueAt: soon });
  await insertRow(store, { _id: 'job-again', taken: 3, attempts: 9, lease: 'of one that is gone', dueAt: soon });
  await insertRow(store, { _id: 'job-suspicious', taken: 4, lease: 'of one that is gone', dueAt: soon });
  await insertRow(store, { _id: 'job-resting', attempts: 1, dueAt: soon });
  await insertRow(store, { _id: 'job-parked', attempts: 10, state: 'parked', dueAt: soon });
  await store.close();
  const next = await openGatehouse(readConfig({ GATEHOUSE_DATA: folder, GATEHOUSE_KEY: 'a key of the tests' }), {
    logger: silentLogger,
  });
  const left = async () => (await rows(next.store)).map(({ _id, state }) => `${_id} ${state}`).sort();
  const expected = ['job-parked parked', 'job-resting waiting', 'job-suspicious waiting'];
  await until('they have ended', async () => (await left()).join() === expected.join());
  await next.close();
  await rm(folder, { recursive: true });
});
