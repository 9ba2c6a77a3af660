/** A clock that was set back, or of a process that was ahead: what it has left in the outbox waits no longer than it may (OPS-2). */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { longestDelayMs } from '../../src/events/webhooks/schedule.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { enqueue, openEmbeddedQueue, pullBackJobs, type Queue } from '../../src/queue/index.ts';
import { jobs, lanes, longestRestMs } from '../../src/queue/jobs.ts';
import { type OutboxRow, PLATFORM, type Store } from '../../src/store/index.ts';
import { openRounds } from '../../workers/rounds.ts';
import { openTestStore } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { cause, effects, handleAll, insertRow, leaveEffect, orgA, orgB, rows } from './rig.ts';

const [minute, hour, year] = [60_000, 3_600_000, 365 * 86_400_000];
let aheadMs: number;
let store: Store;
let queue: Queue | undefined;

const clock = { now: () => new Date(Date.now() + aheadMs) };

beforeEach(async () => {
  aheadMs = 0;
  store = await openTestStore({ clock });
});

afterEach(async () => {
  await queue?.drain(1_000);
  queue = undefined;
  await store.close();
});

const pullBack = () => pullBackJobs(store, cause, { at: clock.now(), goOn: () => true });
const held = async () => (await store.read.leases.find(PLATFORM, {})).map(({ _id }) => _id);
const left = async () => (await rows(store)).map(({ _id }) => _id).sort();
const work = (): void => {
  const handlers = handleAll((job) => leaveEffect(store, job));
  queue = openEmbeddedQueue({ store, handlers, logger: silentLogger, clock, pollMs: 50 });
  queue.start();
};
const rounds = () => {
  const all = openRounds({ store, logger: silentLogger, clock, logDays: 30, eventDays: 30 });
  all.start();
  return all;
};
/** What stands in the outbox, as it was written by a clock that was so far ahead. */
const lay = (_id: string, row: Partial<OutboxRow>, dueInMs: number) =>
  insertRow(store, { _id, ...row, dueAt: new Date(Date.now() + dueInMs) });

test.each([
  ['an hour', hour],
  ['years', 10 * year],
])('a job that was asked for before the clock was set back by %s runs at once', async (_, stepMs) => {
  aheadMs = stepMs;
  for (const person of ['acc-1', 'acc-2']) {
    await store.transaction(cause, (tx) => enqueue(tx, orgA, 'reconcile', { people: [person] }));
  }
  const before = rounds();
  await until('its rounds are held', async () => (await held()).includes('periodic-pull-back-jobs'));
  await before.stop();
  aheadMs = 0;
  const after = rounds();
  work();
  await until('they have ended', async () => (await left()).length === 0);
  await after.stop();
  expect(await effects(store, orgA)).toEqual(['acc-1', 'acc-2']);
});

test('a job that a process with a clock ahead had taken, and died with, is taken by another one', async () => {
  await lay('job-taken', { taken: 1, lease: 'of one that is gone' }, hour);
  await lay('job-sent', { state: 'sending', taken: 1, lease: 'of one that is gone', organizationId: orgB }, hour);
  await pullBack();
  work();
  await until('they have ended', async () => (await left()).length === 0);
});

test('what rests as long as it may rests on, and what is parked stays so', async () => {
  await lay('job-leased', { lease: 'of somebody', taken: 1 }, 30_000);
  await lay('job-retried', { attempts: 9 }, 5 * minute);
  await lay('job-asked', {}, 2 * minute);
  await lay('job-to-send', { state: 'sending' }, 26 * hour);
  await lay('job-parked', { state: 'parked' }, year);
  const before = await rows(store);
  await pullBack();
  expect(await rows(store)).toEqual(before);
});

test('what lies beyond is due now, however many they are, each once', async () => {
  for (const state of lanes) await lay(`job-${state}`, { state }, longestRestMs[state] + 2 * minute);
  await store.transaction(cause, (tx) =>
    tx.outbox.insertMany(
      orgB,
      Array.from({ length: 1_200 }, (_, i) => ({
        _id: `job-${String(i).padStart(4, '0')}`,
        organizationId: orgB,
        job: 'reconcile',
        payload: { people: ['acc-1'] },
        state: 'waiting' as const,
        dueAt: new Date(Date.now() + year),
        attempts: 0,
      })),
    ),
  );
  await pullBack();
  const all = await rows(store);
  expect(all).toHaveLength(1_202);
  expect(all.filter(({ dueAt, version }) => dueAt > new Date() || version !== 2)).toEqual([]);
});

test('ends early where the process is about to', async () => {
  await lay('job-far', {}, year);
  await pullBackJobs(store, cause, { at: clock.now(), goOn: () => false });
  expect((await rows(store))[0]?.dueAt.getTime()).toBeGreaterThan(Date.now() + hour);
});

test('no retry of the catalogue rests longer than its lane says', () => {
  for (const job of Object.values(jobs)) {
    const lane = 'lane' in job ? job.lane : 'waiting';
    expect(job.retry.capMs).toBeLessThanOrEqual(longestRestMs[lane]);
  }
  expect(longestDelayMs).toBeLessThanOrEqual(longestRestMs.sending);
});
