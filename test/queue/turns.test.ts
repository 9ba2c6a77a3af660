import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { findDueInTurn, type Turn } from '../../src/queue/turns.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { cause } from './rig.ts';

const now = new Date('2025-03-01T12:00:00Z');

describe('organizations in turn', () => {
  let store: Store;

  beforeAll(async () => {
    store = await openTestStore({ rehearse: false });
  });

  afterEach(async () => {
    await store.transaction(cause, async (tx) => {
      for (const row of await tx.outbox.find(PLATFORM, {}))
        await tx.outbox.remove(row.organizationId, { _id: row._id });
    });
  });

  afterAll(() => store.close());

  /** So many rows of each organization; `due` is in milliseconds from now. */
  const lay = (organizations: Readonly<Record<string, { count: number; due?: number; state?: 'parked' }>>) =>
    store.transaction(cause, async (tx) => {
      for (const [organizationId, { count, due = -1_000, state = 'waiting' as const }] of Object.entries(
        organizations,
      )) {
        const all = Array.from({ length: count }, (_, i) => ({
          _id: `job-${organizationId}-${due}-${String(i).padStart(4, '0')}`,
          organizationId,
          job: 'reconcile',
          payload: {},
          state,
          dueAt: new Date(now.getTime() + due + i),
          attempts: 0,
        }));
        await tx.outbox.insertMany(organizationId, all);
      }
    });

  const find = async (turn: Partial<Turn> = {}) => {
    const found = await findDueInTurn(store.read, {
      lane: 'waiting',
      after: '',
      now,
      room: 100,
      suspects: true,
      share: () => 100,
      ...turn,
    });
    return { ...found, order: found.rows.map((row) => row.organizationId).join(' ') };
  };

  test('what may end its processes is passed over while one of them is taken, and hides nothing that waits behind it', async () => {
    await lay({ 'org-a': { count: 40, due: -9_000 } });
    await store.transaction(cause, (tx) => tx.outbox.update('org-a', {}, { $set: { taken: 3 } }));
    await lay({ 'org-a': { count: 2 }, 'org-b': { count: 1 } });
    expect((await find({ suspects: false })).order).toBe('org-a org-a org-b');
    expect((await find({ room: 4 })).order).toBe('org-a org-a org-a org-a');
  });

  test('nothing is due in an empty outbox', async () => {
    expect(await find()).toMatchObject({ rows: [], last: '', unseen: false });
  });

  test('each organization gets a few rows, then the next, then the first again', async () => {
    await lay({ a: { count: 6 }, b: { count: 5 }, c: { count: 1 } });
    const { order, last, left } = await find();
    expect(order).toBe('a a a a b b b b c a a b');
    expect(last).toBe('b');
    expect([...left]).toEqual([]);
  });

  test('of one organization the row that has been due for longest comes first', async () => {
    await lay({ a: { count: 20 } });
    const { rows } = await find({ room: 15 });
    expect(rows.map((row) => row._id)).toEqual(
      Array.from({ length: 15 }, (_, i) => `job-a--1000-${String(i).padStart(4, '0')}`),
    );
  });

  test('the walk goes on after the organization that was served last, and comes round', async () => {
    await lay({ a: { count: 2 }, b: { count: 2 }, c: { count: 2 }, d: { count: 2 } });
    expect((await find({ after: 'b' })).order).toBe('c c d d a a b b');
    const first = await find({ room: 3 });
    expect([first.order, first.last]).toEqual(['a a b', 'b']);
    expect((await find({ room: 3, after: first.last })).order).toBe('c c d');
  });

  test('an organization gets no more than its share, and is known to have more', async () => {
    await lay({ a: { count: 30 }, b: { count: 1 } });
    const { order, left } = await find({ share: (organizationId) => (organizationId === 'a' ? 3 : 9) });
    expect(order).toBe('a a a b');
    expect([...left]).toEqual(['a']);
    expect((await find({ share: () => 0 })).rows).toEqual([]);
  });

  test('one organization alone may fill all the room', async () => {
    await lay({ a: { count: 50 } });
    const { rows, left } = await find({ room: 40 });
    expect(rows).toHaveLength(40);
    expect([...left]).toEqual(['a']);
  });

  test('rows that rest, that are leased, and that are parked are passed over', async () => {
    await lay({ a: { count: 300, due: 60_000 }, b: { count: 2 }, c: { count: 30, state: 'parked' }, d: { count: 1 } });
    await lay({ a: { count: 1, due: -5 } });
    expect((await find()).order).toBe('a b b d');
  });

  test('hundreds of organizations that rest do not hide one whose row is due', async () => {
    const resting = Array.from({ length: 200 }, (_, i) => [`a${String(i).padStart(3, '0')}`, { count: 9, due: 5_000 }]);
    await lay({ ...Object.fromEntries(resting), z: { count: 1 } });
    expect((await find()).order).toBe('z');
    expect((await find({ after: 'z' })).order).toBe('z');
    expect((await find({ after: 'a100' })).order).toBe('z');
  });

  test('a walk that ends because the room is full says that there may be others', async () => {
    await lay(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`a${i}`, { count: 4 }])));
    const { rows, unseen } = await find({ room: 8 });
    expect(rows).toHaveLength(8);
    expect(unseen).toBe(true);
  });
});
