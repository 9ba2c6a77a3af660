import { expect, test } from '@jest/globals';
import { silentLogger } from '../../src/lib/logger.ts';
import { openEmbeddedQueue } from '../../src/queue/index.ts';
import { openTestStore, testEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { ask, gate, handleAll, leaveEffect, type Rig, rows } from './rig.ts';
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
  await close();
});
