/** Random sequences of operations, run on both engines at once: answers, refusals and all rows must be the same. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../src/errors.ts';
import { type CollectionName, DuplicateKeyError, type Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { anyOperation, compared, type LooseTransaction, type Operation, scopeOf } from './operations.ts';

const cause = { actor: 'system', requestId: 'req-1' };
let now = new Date('2026-01-01T00:00:00.000Z');
const clock = { now: () => now };

let sqlite: Store;
let mongo: Store;

beforeAll(async () => {
  sqlite = await openTestStore({ engine: 'sqlite', clock });
  mongo = await openTestStore({ engine: 'mongodb', clock });
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
      },
    ),
    { numRuns: Number(process.env.GATEHOUSE_COMPARE_RUNS ?? 150), interruptAfterTimeLimit: 100_000 },
  );
}, 180_000);
