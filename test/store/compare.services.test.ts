/** Random sequences of operations, run on both engines at once: answers, refusals and all rows must be the same. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../src/errors.ts';
import {
  type CollectionName,
  contains,
  DuplicateKeyError,
  endsWith,
  type Store,
  startsWith,
} from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { anyOperation, compared, type LooseTransaction, type Operation, scopeOf } from './operations.ts';

const cause = { actor: 'system', requestId: 'req-1' };
let now = new Date('2026-01-01T00:00:00.000Z');
const clock = { now: () => now };

let sqlite: Store;
let mongo: Store;

beforeAll(async () => {
  sqlite = await openTestStore({ engine: 'sqlite', clock });
  mongo = await openTestStore({ engine: 'mongodb', clock, rehearse: true });
});

afterAll(async () => {
  await sqlite.close();
  await mongo.close();
});

/** What an error is to a caller: which one, and what it tells a program. */
function describeError(error: unknown): unknown {
  if (error instanceof AppError) return { refused: 'AppError', code: error.code };
  if (error instanceof DuplicateKeyError) return { refused: error.name, collection: error.collection };
  if (error instanceof Error && error.name.endsWith('Error') && error.name !== 'Error') return { refused: error.name };
  throw error;
}

const settle = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    return { answer: await call };
  } catch (error) {
    return describeError(error);
  }
};

const outside = (store: Store): LooseTransaction => store.read as unknown as LooseTransaction;

/** All rows of all collections that the operations touch; the ids of history rows are each engine's own. */
async function dump(store: Store): Promise<unknown> {
  const read = outside(store);
  const rows = await Promise.all(
    [...compared, 'history' as CollectionName].map(async (name) => [
      name,
      await read[name].find(scopeOf(name, 'all'), {}),
    ]),
  );
  const tables = Object.fromEntries(rows) as Record<string, readonly Record<string, unknown>[]>;
  const texts = (tables.history ?? []).map(({ _id, ...rest }) => JSON.stringify(rest, sorted)).sort();
  return { ...tables, history: texts };
}

const sorted = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

const empty = (store: Store): Promise<unknown> =>
  store.transaction(cause, async (tx) => {
    const loose = tx as unknown as LooseTransaction;
    for (const name of [...compared, 'history' as CollectionName]) {
      for (const organization of ['org-a', 'org-b']) await loose[name].remove(scopeOf(name, organization), {});
    }
  });

/** Runs steps in one transaction; a step that fails ends it, and the answers of those before are lost with it. */
const runTogether = (store: Store, steps: readonly Operation[]): Promise<unknown> =>
  store.transaction(cause, async (tx) => {
    const answers: unknown[] = [];
    for (const step of steps) answers.push(await step.run(tx as unknown as LooseTransaction));
    return answers;
  });

test('both engines answer random transactions, filters and pages alike, document for document', async () => {
  let sequences = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyOperation, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 }),
      async (transactions) => {
        await Promise.all([empty(sqlite), empty(mongo)]);
        for (const steps of transactions) {
          now = new Date(now.getTime() + 1);
          const reads = steps.filter((step) => step.reads);
          const [a, b] = await Promise.all([settle(runTogether(sqlite, steps)), settle(runTogether(mongo, steps))]);
          expect(b).toEqual(a);
          for (const step of reads) {
            const answers = await Promise.all([settle(step.run(outside(sqlite))), settle(step.run(outside(mongo)))]);
            expect(answers[1]).toEqual(answers[0]);
          }
        }
        expect(await dump(mongo)).toEqual(await dump(sqlite));
        sequences += 1;
      },
    ),
    { numRuns: Number(process.env.GATEHOUSE_COMPARE_RUNS ?? 100), interruptAfterTimeLimit: 100_000 },
  );
  // On a slow machine there are fewer, but never so few that they say nothing.
  expect(sequences).toBeGreaterThanOrEqual(20);
}, 180_000);

const held: readonly unknown[] = [
  null,
  'a',
  '',
  'a\n',
  'b',
  0,
  1,
  2,
  1.5,
  true,
  false,
  {},
  [],
  [null],
  ['a'],
  ['b', 'a'],
  [1, 'a', true],
  [[]],
  [['a']],
  [[1, 2], 3],
  [['a'], 'b'],
  { y: 'a' },
  { y: null },
  { y: ['a', 'b'] },
  { y: { y: 'a' } },
  [{ y: 'a' }],
  [{ y: 'a' }, { y: 'b' }],
  [{ y: ['a'] }],
  [{ y: [['a']] }],
  [[{ y: 'a' }]],
  [{}, { y: 1 }],
  { 0: 'a' },
  [{ 0: 'a' }],
  { y: [{ y: 'a' }, { y: 2 }] },
  [{ y: [{ y: 'a' }] }],
  { 0: { y: 'a' } },
  [['b', 'a'], ['a']],
  [
    { y: 'a', x: 1 },
    { y: 'b', x: 2 },
  ],
  'A',
  '😀',
  '～',
  9_007_199_254_740_991,
  -1,
  [0, -1],
]; // prettier-ignore

const asked: readonly unknown[] = [
  'a',
  0,
  1,
  true,
  { $ne: 'a' },
  { $ne: 1 },
  { $in: ['a', 1] },
  { $in: [] },
  { $gt: 'a' },
  { $gte: 'a' },
  { $lt: 'b' },
  { $lte: 1 },
  { $gt: 0, $lt: 2 },
  { $gt: false },
  { $lt: '😀' },
  { $exists: true },
  { $exists: false },
  startsWith('a'),
  endsWith('a'),
  contains(''),
  { $elemMatch: { $eq: 'a' } },
  { $elemMatch: { $ne: 'a' } },
  { $elemMatch: { $gt: 0, $lt: 2 } },
  { $elemMatch: { $in: ['a', 1] } },
  { $elemMatch: { $exists: true } },
  { $elemMatch: { $elemMatch: { $eq: 'a' } } },
  { $elemMatch: { y: 'a' } },
  { $elemMatch: endsWith('a') },
  { $elemMatch: { y: { $ne: 'a' } } },
  { $elemMatch: { y: { $exists: false } } },
  { $elemMatch: { 'y.y': 'a' } },
  { $elemMatch: { 0: 'a' } },
  { $elemMatch: { y: { $elemMatch: { y: 'a' } } } },
  { $elemMatch: { y: 'a', x: 2 } },
  { $elemMatch: { $or: [{ y: 'a' }, { x: 2 }] } },
  { $elemMatch: { $nor: [{ y: 'a' }] } },
  { $elemMatch: { y: { $elemMatch: { $eq: 'a' } } } },
]; // prettier-ignore

const paths = ['x', 'x.y', 'x.0', 'x.1', 'x.y.y', 'x.0.y', 'x.y.0', 'x.0.0', 'z'];

test('a path into free-form data means the same on both engines, through lists, lists of lists and numbers', async () => {
  await Promise.all([empty(sqlite), empty(mongo)]);
  const rows = [{}, ...held.map((x) => ({ x }))].map((payload, i) => ({
    _id: `job-${i}`,
    organizationId: 'org-a',
    job: 'reconcile',
    payload,
    state: 'waiting' as const,
    dueAt: now,
    attempts: 0,
  }));
  for (const store of [sqlite, mongo]) await store.transaction(cause, (tx) => tx.outbox.insertMany('org-a', rows));
  const found = async (store: Store, filter: Record<string, unknown>): Promise<unknown> => {
    const matching = (await settle(outside(store).outbox.find('org-a', filter as never))) as {
      answer?: readonly { payload: unknown }[];
    };
    return matching.answer?.map(({ payload }) => JSON.stringify(payload)) ?? matching;
  };
  const differences: unknown[] = [];
  for (const path of paths) {
    for (const given of asked) {
      const filter = { [`payload.${path}`]: given };
      const [a, b] = await Promise.all([found(sqlite, filter), found(mongo, filter)]);
      if (JSON.stringify(a) !== JSON.stringify(b))
        differences.push(
          `${JSON.stringify(filter)} sqlite+ ${(a as string[]).filter((t) => !(b as string[]).includes(t))} mongo+ ${(b as string[]).filter((t) => !(a as string[]).includes(t))}`,
        );
    }
  }
  expect(differences).toEqual([]);
});
