import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contains, endsWith, type Sort, startsWith } from '../../src/store/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

type Model = Readonly<Record<string, unknown>>;

/** Few values, so that they meet; among them every pair that engines like to confuse. */
const texts = ['', 'a', 'A', 'ab', 'b', 'é', 'e\u0301', '～', '😀', '1', 'a\n', '.', '%', 'true'];
const numbers = [0, -1, 1, 1.5, 2, 1e15];
const dates = [-1, 0, 1, 1_767_225_600_000].map((ms) => new Date(ms));

const text = fc.constantFrom(...texts);
const number = fc.constantFrom(...numbers);
const date = fc.constantFrom(...dates);
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });

const free = fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.constant(undefined));
const row = fc.record({
  job: text,
  attempts: number,
  dueAt: date,
  error: optional(text),
  lease: optional(text),
  payload: fc.record({ x: free, y: fc.record({ z: free }) }),
});

const operators = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof(
    values,
    values.map(($eq) => ({ $eq })),
    values.map(($ne) => ({ $ne })),
    values.map(($gt) => ({ $gt })),
    fc.tuple(values, values).map(([$gte, $lt]) => ({ $gte, $lt })),
    values.map(($lte) => ({ $lte })),
    fc.array(values, { maxLength: 3 }).map(($in) => ({ $in })),
    fc.boolean().map(($exists) => ({ $exists })),
  );
const patterns = fc.tuple(fc.constantFrom(startsWith, endsWith, contains), text).map(([make, part]) => make(part));
const anyScalar = fc.oneof(text, number, fc.boolean());

const field = fc.oneof(
  fc.tuple(fc.constantFrom('job', 'error', 'lease'), fc.oneof(operators(text), patterns)),
  fc.tuple(fc.constant('attempts'), operators(number)),
  fc.tuple(fc.constant('dueAt'), operators(date)),
  fc.tuple(fc.constantFrom('payload.x', 'payload.y.z', 'payload.no'), fc.oneof(operators(anyScalar), patterns)),
);
const { filter } = fc.letrec<{ filter: Record<string, unknown> }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.array(field, { maxLength: 2 }).map((fields) => Object.fromEntries(fields)),
    fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(tie('filter'), { minLength: 1, maxLength: 3 }))
      .map(([logic, parts]) => ({ [logic]: parts })),
  ),
}));
const sort = fc
  .uniqueArray(fc.constantFrom('job', 'attempts', 'dueAt', 'error', 'lease'), { maxLength: 2 })
  .chain((names) =>
    fc.tuple(...names.map((name) => fc.constantFrom(1 as const, -1 as const).map((d) => [name, d] as const))),
  )
  .map((pairs): Sort => Object.fromEntries(pairs));

const valueAt = (from: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Model | undefined)?.[key], from);

/** By code point, as UTF-8 bytes compare: a way of its own, not the engines'. */
function compare(a: unknown, b: unknown): number | undefined {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a !== typeof b || a === null || b === null) return undefined;
  if (a instanceof Date || typeof a === 'number' || typeof a === 'boolean') return Number(a) - Number(b);
  return undefined;
}

function fulfils(value: unknown, operator: string, wanted: unknown): boolean {
  const order = compare(value, wanted);
  switch (operator) {
    case '$eq':
      return order === 0;
    case '$ne':
      return order !== 0;
    case '$gt':
      return order !== undefined && order > 0;
    case '$gte':
      return order !== undefined && order >= 0;
    case '$lt':
      return order !== undefined && order < 0;
    case '$lte':
      return order !== undefined && order <= 0;
    case '$in':
      return (wanted as readonly unknown[]).some((item) => compare(value, item) === 0);
    case '$exists':
      return (value !== undefined) === wanted;
    case '$regex':
      return typeof value === 'string' && new RegExp(String(wanted), 'u').test(value);
    default:
      throw new Error(`the model does not know ${operator}`);
  }
}

/** MongoDB's reading of a filter, as short as it can be said. */
function matches(of: Model, wanted: Model): boolean {
  return Object.entries(wanted).every(([key, condition]) => {
    const parts = condition as readonly Model[];
    if (key === '$and') return parts.every((part) => matches(of, part));
    if (key === '$or') return parts.some((part) => matches(of, part));
    if (key === '$nor') return !parts.some((part) => matches(of, part));
    const value = valueAt(of, key);
    if (typeof condition !== 'object' || condition instanceof Date) return fulfils(value, '$eq', condition);
    return Object.entries(condition as Model).every(([operator, operand]) => fulfils(value, operator, operand));
  });
}

function inOrder(all: readonly Model[], by: Sort): Model[] {
  return [...all].sort((a, b) => {
    for (const [name, direction] of [...Object.entries(by), ['_id', 1] as const]) {
      const [x, y] = [valueAt(a, name), valueAt(b, name)];
      const order = compare(x, y) ?? Number(x !== undefined) - Number(y !== undefined);
      if (order !== 0) return order * direction;
    }
    return 0;
  });
}

/** Random filters, sorts and pages over random rows answer what a few lines of plain JavaScript answer. */
export function modelSuite(open: OpenStore): void {
  describe('against a model', () => {
    const store = sharedStore(open);

    test('random filters and sorts find what the model finds, whole and in pages', async () => {
      const question = fc.tuple(filter, sort, fc.integer({ min: 1, max: 5 }));
      const property = fc.asyncProperty(
        fc.array(row, { maxLength: 20 }),
        fc.array(question, { minLength: 10, maxLength: 10 }),
        async (given, questions) => {
          const org = newOrganization();
          await write(store(), (tx) =>
            tx.outbox.insertMany(
              org,
              given.map((each) => rows.job(org, each as never)),
            ),
          );
          const stored: readonly Model[] = await store().read.outbox.find(org, {});
          for (const [where, by, limit] of questions) {
            const expected = inOrder(
              stored.filter((each) => matches(each, where)),
              by,
            );
            expect(await store().read.outbox.find(org, where as never, { sort: by })).toEqual(expected);
            expect(await store().read.outbox.count(org, where as never)).toBe(expected.length);
            const paged: Model[] = [];
            let cursor: string | undefined;
            do {
              const page = await store().read.outbox.page(org, where as never, { sort: by, limit, cursor });
              paged.push(...page.items);
              cursor = page.nextCursor;
            } while (cursor !== undefined);
            expect(paged).toEqual(expected);
          }
        },
      );
      await fc.assert(property, { numRuns: 60 });
    });
  });
}
