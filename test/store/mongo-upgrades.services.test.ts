/** Processes that start at once on MongoDB: one of them upgrades the data, the others wait for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type Migration, migrations as ours, versionAfter } from '../../src/store/migrations.ts';
import { openTestPlace, type TestPlace } from '../support/engines.ts';
import { emptyDatabase, onDatabase } from './firstLight.ts';

const next = versionAfter(ours) + 1;

const version = (place: TestPlace): Promise<unknown> =>
  onDatabase(
    place,
    async (database) =>
      (await database.collection<{ _id: string; reached: number }>('leases').findOne({ _id: 'data' }))?.reached,
  );

/** Takes its time; `at` counts how many run at the same moment. */
function slow(at: { now: number; most: number; runs: number }): Migration {
  return {
    version: next,
    what: 'take a while',
    async mongodb() {
      at.runs += 1;
      at.now += 1;
      at.most = Math.max(at.most, at.now);
      await sleep(700);
      at.now -= 1;
    },
  };
}

test('of several that start on old data one upgrades it, and none serves before', async () => {
  const place = await openTestPlace('mongodb');
  await (await place.open()).close();
  const at = { now: 0, most: 0, runs: 0 };
  const opened = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const store = await place.open({ migrations: [...ours, slow(at)] });
      return { store, running: at.now };
    }),
  );
  expect(at).toEqual({ now: 0, most: 1, runs: 1 });
  expect(opened.map(({ running }) => running)).toEqual([0, 0, 0, 0]);
  expect(await version(place)).toBe(next);
});

test('of several that start on an empty database none migrates anything, and all find it made', async () => {
  const place = await openTestPlace('mongodb');
  await emptyDatabase(place);
  await onDatabase(place, (database) => database.createCollection('leases'));
  const at = { now: 0, most: 0, runs: 0 };
  const stores = await Promise.all([1, 2, 3].map(() => place.open({ migrations: [...ours, slow(at)] })));
  for (const store of stores) await store.ping();
  expect(at.runs).toBe(0);
  expect(await version(place)).toBe(next);
  // The next test that is given this database finds one of this program's version.
  await emptyDatabase(place);
});

test('data of the first program, which took no note of its version, has the first version', async () => {
  const place = await openTestPlace('mongodb');
  await (await place.open()).close();
  await onDatabase(place, (database) => database.collection<{ _id: string }>('leases').deleteOne({ _id: 'data' }));
  await (await place.open({ migrations: [] })).close();
  expect(await version(place)).toBe(1);
});
