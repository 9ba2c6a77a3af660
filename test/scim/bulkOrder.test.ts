/** The order in which a bulk stands does not matter where its references decide it (RFC 7644 §3.7.1). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OPERATION_LIMIT } from '../../src/scim/bulk/operations.ts';
import { orderOf } from '../../src/scim/bulk/order.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { proves } from './rfc/proves.ts';
import { addWorld, ENTERPRISE, GROUP, type ScimWorld, USER } from './setup.ts';

/** `from[i]`: what i depends on. */
const graph = fc
  .integer({ min: 1, max: 12 })
  .chain((size) => fc.array(fc.array(fc.nat(size - 1), { maxLength: 3 }), { minLength: size, maxLength: size }));

describe('the order of operations', () => {
  test('each comes once; after all that it depends on, or in one group with it', () => {
    fc.assert(
      fc.property(graph, (from) => {
        const order = orderOf(from.length, (index) => from[index] ?? []);
        expect(order.flat().sort((a, b) => a - b)).toEqual(from.map((_, index) => index));
        const place = new Map(order.flatMap((group, at) => group.map((index) => [index, at] as const)));
        for (const [index, needs] of from.entries()) {
          for (const need of needs) expect(place.get(need)).toBeLessThanOrEqual(place.get(index) ?? -1);
        }
        const reaches = (start: number, goal: number, seen = new Set<number>()): boolean =>
          (from[start] ?? []).some((next) => next === goal || (!seen.has(next) && reaches(next, goal, seen.add(next))));
        for (const group of order) {
          for (const a of group) for (const b of group) if (a !== b) expect(reaches(a, b)).toBe(true);
        }
      }),
    );
  });

  test('a chain and a circle of as many as a bulk may hold are put in order', () => {
    const last = OPERATION_LIMIT - 1;
    const chain = orderOf(OPERATION_LIMIT, (index) => (index < last ? [index + 1] : []));
    expect(chain.flat()).toEqual(Array.from({ length: OPERATION_LIMIT }, (_, index) => last - index));
    expect(orderOf(OPERATION_LIMIT, (index) => [(index + 1) % OPERATION_LIMIT])).toHaveLength(1);
  });

  test('what waits for a later one moves back; all else stays where it stands', () => {
    const needs = [[2], [], [], [0]];
    expect(orderOf(4, (index) => needs[index] ?? [])).toEqual([[1], [2], [0], [3]]);
  });

  test('without references it is that of the request', () => {
    expect(orderOf(4, () => [])).toEqual([[0], [1], [2], [3]]);
  });
});

interface Shape {
  readonly users: readonly { readonly manager: number | undefined }[];
  readonly groups: readonly { readonly members: readonly number[]; readonly nested: readonly number[] }[];
}

const shape: fc.Arbitrary<Shape> = fc.record({
  users: fc.array(fc.record({ manager: fc.option(fc.nat(4), { nil: undefined }) }), { minLength: 1, maxLength: 5 }),
  groups: fc.array(
    fc.record({ members: fc.array(fc.nat(4), { maxLength: 4 }), nested: fc.array(fc.nat(3), { maxLength: 3 }) }),
    { minLength: 1, maxLength: 4 },
  ),
});

/** The operations of a shape: people, then groups, with a change of each person and group that names it by its bulkId. */
function operationsOf({ users, groups }: Shape): readonly object[] {
  const known = (count: number) => (index: number) => index < count;
  return [
    ...users.flatMap(({ manager }, index) => [
      {
        method: 'POST',
        path: '/Users',
        bulkId: `u${index}`,
        data: {
          schemas: [USER],
          userName: `u${index}`,
          ...(manager !== undefined &&
            known(users.length)(manager) && { [ENTERPRISE]: { manager: { value: `bulkId:u${manager}` } } }),
        },
      },
      {
        method: 'PATCH',
        path: `/Users/bulkId:u${index}`,
        data: { Operations: [{ op: 'replace', path: 'title', value: `Title ${index}` }] },
      },
    ]),
    ...groups.map(({ members, nested }, index) => ({
      method: 'POST',
      path: '/Groups',
      bulkId: `g${index}`,
      data: {
        schemas: [GROUP],
        displayName: `g${index}`,
        members: [
          ...members.filter(known(users.length)).map((member) => ({ value: `bulkId:u${member}` })),
          ...nested.filter(known(groups.length)).map((member) => ({ value: `bulkId:g${member}` })),
        ],
      },
    })),
  ];
}

/** What the directory holds, by names instead of ids. */
async function stateOf({ call }: ScimWorld): Promise<unknown> {
  const { Resources: users } = (await call('get', '/Users')).body;
  const { Resources: groups } = (await call('get', '/Groups')).body;
  const names = new Map<string, string>();
  for (const { id, userName, displayName } of [...users, ...groups]) names.set(id, userName ?? displayName);
  const nameOf = (id: string | undefined) => (id === undefined ? undefined : (names.get(id) ?? `unknown ${id}`));
  return {
    users: users
      .map((user: Record<string, { manager?: { value?: string } }> & { userName: string; title: string }) => [
        user.userName,
        user.title,
        nameOf(user[ENTERPRISE]?.manager?.value),
      ])
      .sort(),
    groups: groups
      .map(({ displayName, members = [] }: { displayName: string; members?: { value: string }[] }) => [
        displayName,
        members.map(({ value }) => nameOf(value)).sort(),
      ])
      .sort(),
  };
}

describe('a bulk in any order', () => {
  let gatehouse: TestGatehouse;
  beforeAll(async () => {
    gatehouse = await openTestGatehouse();
  });
  afterAll(() => gatehouse.close());

  test(proves('leaves the same directory, circles and all', '7644-3.7-12'), async () => {
    const until = performance.now() + 15_000;
    let worlds = 0;
    const run = async (Operations: readonly object[]) => {
      const world = await addWorld(gatehouse, `Order${++worlds}`);
      const { body } = await world.call('post', '/Bulk', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations,
      });
      const failed = body.Operations.filter(({ status }: { status: string }) => !status.startsWith('2'));
      return { failed, count: body.Operations.length, state: await stateOf(world) };
    };
    const orders = shape.chain((one) => {
      const operations = operationsOf(one);
      return fc.tuple(
        fc.constant(operations),
        fc.shuffledSubarray([...operations], { minLength: operations.length, maxLength: operations.length }),
      );
    });
    await fc.assert(
      fc.asyncProperty(orders, async ([operations, shuffled]) => {
        if (performance.now() > until) return;
        const [one, other] = [await run(operations), await run(shuffled)];
        expect([one.failed, other.failed]).toEqual([[], []]);
        expect(other).toEqual({ ...one, count: operations.length });
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});
