/** Resources, PATCHes and filters made from the attribute table, over HTTP. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Attribute } from '../../src/scim/attributes.ts';
import { matches } from '../../src/scim/filter/match.ts';
import { parseFilter } from '../../src/scim/filter/parse.ts';
import { common } from '../../src/scim/schemas/common.ts';
import { enterprise } from '../../src/scim/schemas/enterprise.ts';
import { user, userType } from '../../src/scim/schemas/user.ts';
import { ENTERPRISE, openWorld, PATCH, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const shared = new Set(common.map(({ name }) => name));
const writable = (attributes: Iterable<Attribute>) =>
  [...attributes].filter(
    ({ name, mutability }) => !shared.has(name) && mutability === 'readWrite' && name !== 'userName',
  );
const core = writable(user.attributes.values());
const extension = writable(enterprise.attributes.values());

const text = fc.oneof(
  fc.constantFrom(
    'work',
    'Work',
    'home',
    'True',
    'ann@acme.test',
    'ANN@acme.test',
    'a.b',
    '$x',
    '%',
    ' ',
    '"',
    '\\',
    'ß',
    '𝄞',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0')),
);

const simple: Partial<Record<Attribute['type'], fc.Arbitrary<unknown>>> = {
  boolean: fc.boolean(),
  reference: fc.oneof(fc.webUrl(), fc.constantFrom('../Users/x', 'urn:x:y', '')),
  binary: fc.base64String({ maxLength: 12 }),
};

function anyValueOf(attribute: Attribute): fc.Arbitrary<unknown> {
  const one: fc.Arbitrary<unknown> =
    attribute.type === 'complex'
      ? fc.record(
          Object.fromEntries(
            writable(attribute.subAttributes?.values() ?? [])
              .filter(({ name }) => name !== 'primary')
              .map((sub) => [sub.name, anyValueOf(sub)]),
          ),
          { requiredKeys: [] },
        )
      : (simple[attribute.type] ?? text);
  return attribute.multiValued ? fc.array(one, { maxLength: 3 }) : one;
}

const fields = (attributes: readonly Attribute[]) =>
  fc.record(Object.fromEntries(attributes.map((entry) => [entry.name, anyValueOf(entry)])), { requiredKeys: [] });

const unknown = fc
  .dictionary(
    fc.oneof(fc.constantFrom('a.b', '$ref', '', '%', '%2E', 'x'), fc.string({ maxLength: 5 })),
    fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
    { maxKeys: 3 },
    // names that no body may hold are tested elsewhere
  )
  .filter((value) => !/\\u0000|"(?:__proto__|constructor|prototype|_bsontype)":/.test(JSON.stringify(value)));

const resource = fc
  .record({
    core: fields(core),
    enterprise: fields(extension),
    custom: unknown,
    externalId: fc.option(text, { nil: undefined }),
  })
  .map(({ core, enterprise, custom, externalId }) => ({
    ...core,
    ...(externalId !== undefined && { externalId }),
    [ENTERPRISE]: enterprise,
    'urn:example:fuzz:2.0:User': custom,
  }));

const named = (attributes: readonly Attribute[], prefix = '') =>
  attributes.flatMap((entry) => {
    const subs = writable(entry.subAttributes?.values() ?? []);
    const path = prefix + entry.name;
    const own = [{ path, value: anyValueOf(entry) }];
    const below = subs.flatMap((sub) => [
      { path: `${path}.${sub.name}`, value: anyValueOf(sub) },
      ...(entry.multiValued ? [{ path: `${path}[type eq "work"].${sub.name}`, value: anyValueOf(sub) }] : []),
    ]);
    return [...own, ...below];
  });

const operation = fc
  .constantFrom(...named(core), ...named(extension, `${ENTERPRISE}:`))
  .chain(({ path, value }) =>
    fc.record({ op: fc.constantFrom('add', 'Replace', 'remove'), path: fc.constant(path), value: fc.option(value) }),
  );

const literal = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : String(value));
const comparison = fc
  .constantFrom(
    ...named(core),
    ...named(extension, `${ENTERPRISE}:`),
    { path: 'userName', value: text },
    { path: 'externalId', value: text },
  )
  .filter(({ path }) => !path.includes('['))
  .chain(({ path }) =>
    fc.oneof(
      fc.constant(`${path} pr`),
      fc
        .record({ op: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'le'), value: fc.oneof(text, fc.boolean()) })
        .map(({ op, value }) => `${path} ${op} ${literal(value)}`),
    ),
  );
const filter = fc.oneof(
  comparison,
  fc.tuple(comparison, fc.constantFrom('and', 'or'), comparison).map((parts) => parts.join(' ')),
  comparison.map((inner) => `not (${inner})`),
);

describe('made from the attribute table', () => {
  test('what a POST, PUT or PATCH answers is what a GET answers; a failed one changes nothing; nothing is a 500', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        resource,
        resource,
        fc.array(operation, { minLength: 1, maxLength: 3 }),
        async (made, replaced, operations) => {
          const userName = `fuzz${++count}@acme.test`;
          const created = await world.call('post', '/Users', { schemas: [USER], ...made, userName });
          expect([created.status, created.body.detail]).toEqual([201, undefined]);
          const path = `/Users/${created.body.id}`;
          expect((await world.call('get', path)).body).toEqual(created.body);

          const put = await world.call('put', path, { schemas: [USER], ...replaced, userName });
          expect(put.status).toBe(200);
          const repeated = await world.call('put', path, { schemas: [USER], ...replaced, userName });
          expect(repeated.body).toEqual(put.body);

          const patched = await world.call('patch', path, { schemas: [PATCH], Operations: operations });
          expect([200, 400]).toContain(patched.status);
          expect((await world.call('get', path)).body).toEqual(patched.status === 200 ? patched.body : put.body);
        },
      ),
      { numRuns: 30, endOnFailure: true },
    );
  }, 120_000);

  test('a filter finds exactly those that it holds for', async () => {
    const { body } = await world.call('get', '/Users?count=200');
    const all: Record<string, unknown>[] = body.Resources;
    expect(all.length).toBe(body.totalResults);
    await fc.assert(
      fc.asyncProperty(filter, async (asked) => {
        const answer = await world.call('get', `/Users?count=200&attributes=id&filter=${encodeURIComponent(asked)}`);
        if (answer.status === 400) {
          expect(answer.body.scimType).toBe('invalidFilter');
          expect(() => parseFilter(userType, asked)).toThrow();
          return;
        }
        expect(answer.status).toBe(200);
        const condition = parseFilter(userType, asked);
        const expected = all.filter((one) => matches(condition, one)).map(({ id }) => id);
        expect(answer.body.Resources.map(({ id }: { id: string }) => id)).toEqual(expected);
      }),
      { numRuns: 120, endOnFailure: true },
    );
  }, 120_000);
});
