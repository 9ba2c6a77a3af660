/**
 * Resources, PATCHes and filters made from the attribute tables, over HTTP, in a directory that has registered schemas
 * of its own. Every answer is judged by what that directory says in /Schemas and /ResourceTypes.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { caseKey } from '../../src/lib/text.ts';
import type { ResourceType } from '../../src/scim/attributes.ts';
import { matches } from '../../src/scim/filter/match.ts';
import { parseFilter } from '../../src/scim/filter/parse.ts';
import { openTypes, type ResourceTypes } from '../../src/scim/types.ts';
import { type Judge, judgeBy } from './fuzz/described.ts';
import { madeFrom, spoken } from './fuzz/made.ts';
import { addDirectory, GROUP, openWorld, PATCH, type ScimWorld, USER, type Verb } from './setup.ts';

const BADGE = 'urn:example:fuzz:badge:1.5:User';
const COST = 'urn:example:fuzz:cost:1.0:Group';

const every = (['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary'] as const).map((type) => ({
  name: `a-${type}`,
  type,
}));
const attributes = [
  { name: 'Number', type: 'string', caseExact: true, mutability: 'immutable' },
  { name: 'level', type: 'integer', required: true },
  ...every,
  { name: 'zones', type: 'string', multiValued: true, canonicalValues: ['north', 'south'] },
  { name: 'room', type: 'complex', subAttributes: [{ name: 'floor', type: 'integer', required: true }, ...every] },
  {
    name: 'visits',
    type: 'complex',
    multiValued: true,
    subAttributes: [{ name: 'value' }, { name: 'type' }, ...every],
  },
];

/**
 * A property that begins no more runs after some seconds: a machine that is busy makes fewer of them. fast-check's own
 * limit would leave the last run at work beside the next test.
 */
function bounded<T extends unknown[]>(run: (...given: T) => Promise<void>): (...given: T) => Promise<void> {
  let end: number | undefined;
  return async (...given) => {
    end ??= performance.now() + 15_000;
    if (performance.now() < end) await run(...given);
  };
}

let world: ScimWorld;
let types: ResourceTypes;
let judge: Judge;
let made: Record<'User' | 'Group', ReturnType<typeof madeFrom>>;
let count = 0;

/** A call whose answer is judged. */
async function ask(verb: Verb, path: string, body?: object) {
  const answer = await world.call(verb, path, body);
  expect({ verb, path, status: answer.status, faults: judge.faultsOf(answer) }).toEqual({
    verb,
    path,
    status: answer.status,
    faults: [],
  });
  return answer;
}

beforeAll(async () => {
  world = await openWorld();
  const { gatehouse, organizationId, directory } = world;
  const schemas = `/api/v1/organizations/${organizationId}/directories/${directory._id}/schemas`;
  for (const [urn, resourceType] of [
    [BADGE, 'User'],
    [COST, 'Group'],
  ]) {
    const answer = await gatehouse
      .operator('put', `${schemas}/${urn}`)
      .send({ name: 'Fuzz', resourceType, attributes });
    expect(answer.status).toBe(200);
  }
  const row = await gatehouse.store.read.directories.get(organizationId, directory._id);
  types = await openTypes(gatehouse.store.read).of(row ?? directory);
  judge = judgeBy((await world.call('get', '/Schemas')).body, (await world.call('get', '/ResourceTypes')).body);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await world.user()).id);
  for (let i = 0; i < 2; i++) ids.push((await world.group({ members: [{ value: ids[i] }] })).id);
  made = { User: madeFrom(types.User, { ids }), Group: madeFrom(types.Group, { ids }) };
});

/** The body of a resource: one of this name where it is a user. */
const bodyOf = (type: ResourceType, fields: object, userName: string) =>
  type.name === 'User' ? { schemas: [USER], ...fields, userName } : { schemas: [GROUP], ...fields };

/** Whether a group was made with the name and the externalId of one that is there: the same push once more (SCIM-2). */
const isRepeated = ({ status, body }: { status: number; body: { scimType?: string; detail?: string } }): boolean =>
  status === 409 && body.scimType === 'uniqueness' && /^This directory has the group /.test(body.detail ?? '');

test('the judge sees what is wrong: types, names, what is missing, never returned, null, or not said in schemas', async () => {
  const { body } = await ask('post', '/Users', bodyOf(types.User, { [BADGE]: { level: 1 } }, 'judged@acme.test'));
  const faults = (change: object) => judge.faultsOf({ status: 200, body: { ...body, ...change }, text: '' });
  expect(faults({})).toEqual([]);
  for (const change of [
    { title: 7 },
    { title: null },
    { Title: 'x' },
    { emails: [] },
    { emails: { value: 'x' } },
    { emails: [{ value: 'x', primary: 'true' }] },
    { emails: [{ primary: true }, { primary: true }] },
    { password: 'x' },
    { userName: undefined },
    { name: { GivenName: 'x' } },
    { meta: { ...body.meta, created: 'yesterday' } },
    { [BADGE]: { level: 1.5 } },
    { [BADGE]: {} },
    { [BADGE.toUpperCase()]: { level: 1 } },
    { schemas: [USER] },
  ]) {
    expect([
      change,
      faults(JSON.parse(JSON.stringify({ ...change, ...('userName' in change && { userName: null }) }))),
    ]).not.toEqual([change, []]);
  }
  expect(judge.faultsOf({ status: 500, body: {}, text: '{}' })).not.toEqual([]);
  expect(judge.faultsOf({ status: 400, body: { status: 400 }, text: '{}' })).not.toEqual([]);
});

describe.each(['User', 'Group'] as const)('%ss made from the attribute tables', (name) => {
  test('what a POST, PUT or PATCH answers is what a GET answers; a failed one changes nothing; nothing is a 500', async () => {
    const type = types[name];
    const { resource, operation } = made[name];
    const operations = fc.array(operation, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        resource,
        resource,
        operations,
        bounded(async (first, second, Operations) => {
          const userName = `fuzz${++count}@acme.test`;
          const created = await ask('post', type.endpoint, bodyOf(type, first, userName));
          if (isRepeated(created)) return;
          expect([created.status, created.body.detail]).toEqual([201, undefined]);
          const path = `${type.endpoint}/${created.body.id}`;
          expect((await ask('get', path)).body).toEqual(created.body);

          const put = await ask('put', path, bodyOf(type, second, userName));
          // what is immutable keeps its value (RFC 7644 §3.5.1)
          if (put.status !== 200) expect([put.status, put.body.scimType]).toEqual([400, 'mutability']);
          const held = await ask('get', path);
          expect(held.body).toEqual(put.status === 200 ? put.body : created.body);
          if (put.status === 200)
            expect((await ask('put', path, bodyOf(type, second, userName))).body).toEqual(put.body);

          const patched = await ask('patch', path, { schemas: [PATCH], Operations });
          expect([200, 204, 400]).toContain(patched.status);
          const after = await ask('get', path);
          if (patched.status === 400) expect(after.body).toEqual(held.body);
          if (patched.status === 200) expect(after.body).toEqual(patched.body);
          if (patched.status === 204) expect(after.body.meta.version).toBe(patched.headers.etag);
        }),
      ),
      { numRuns: 25, endOnFailure: true },
    );
  }, 120_000);

  test('whatever stands in an attribute: 201 or 200, or 400 and nothing has changed', async () => {
    const type = types[name];
    const { resource, nonsense } = made[name];
    const total = async () => (await ask('get', `${type.endpoint}?count=0`)).body.totalResults;
    await fc.assert(
      fc.asyncProperty(
        resource,
        nonsense,
        bounded(async (sound, odd) => {
          const userName = `odd${++count}@acme.test`;
          const before = await total();
          const created = await ask('post', type.endpoint, bodyOf(type, odd, userName));
          if (!isRepeated(created)) expect([201, 400]).toContain(created.status);
          expect(await total()).toBe(before + (created.status === 201 ? 1 : 0));
          const told =
            created.status === 201 ? created : await ask('post', type.endpoint, bodyOf(type, sound, userName));
          if (isRepeated(told)) return;
          const { body } = told;
          const path = `${type.endpoint}/${body.id}`;
          const put = await ask('put', path, bodyOf(type, odd, userName));
          expect([200, 400]).toContain(put.status);
          expect((await ask('get', path)).body).toEqual(put.status === 200 ? put.body : body);
        }),
      ),
      { numRuns: 20, endOnFailure: true },
    );
  }, 120_000);

  test('a filter finds exactly those that it holds for', async () => {
    const type = types[name];
    const { body } = await ask('get', `${type.endpoint}?count=200`);
    const all: Record<string, unknown>[] = body.Resources;
    expect(all.length).toBe(body.totalResults);
    let asks = 0;
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(
        made[name].filter,
        bounded(async (asked) => {
          asks += 1;
          const query = `count=200&filter=${encodeURIComponent(asked)}`;
          const answer = await ask('get', `${type.endpoint}?${query}`);
          if (answer.status === 400) {
            expect(answer.body.scimType).toBe('invalidFilter');
            expect(() => parseFilter(type, asked)).toThrow();
            return;
          }
          answered += 1;
          const condition = parseFilter(type, asked);
          expect(answer.body.Resources).toEqual(all.filter((one) => matches(condition, one)));
          expect(answer.body.totalResults).toBe(answer.body.Resources.length);
        }),
      ),
      { numRuns: 80, endOnFailure: true },
    );
    expect(answered).toBeGreaterThan(asks / 4);
  }, 120_000);
});

test('userNames of any shape, addresses shared or missing: all exist, and each conflict is reported, none an error (ACC-3)', async () => {
  const other = await addDirectory(world);
  const { gatehouse, organizationId } = world;
  const users = `/api/v1/organizations/${organizationId}/directories/${other.directory._id}/users`;
  const taken = new Map<string, string>();
  const holders = new Map<string, string>();
  const address = fc.constantFrom('shared@acme.test', 'SHARED@acme.test', 'other@acme.test', 'third@acme.test');
  const shape = fc.oneof(
    fc.constantFrom(
      'x',
      'Ann Lee',
      'ACME\\ann',
      'shared@acme.test',
      '00u1',
      '+49 30 1234',
      'ann@',
      '<ann>',
      '%',
      'a"b',
      ' x',
      '𝄞',
    ),
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((one) => !one.includes('\0') && one.trim() !== ''),
    spoken,
  );
  const person = fc.record({
    userName: shape,
    emails: fc.option(
      fc.tuple(address, fc.boolean()).map(([value, primary]) => [{ value, type: 'work', ...(primary && { primary }) }]),
      { nil: undefined },
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      person,
      bounded(async (fields) => {
        const answer = await other.call('post', '/Users', { schemas: [USER], ...fields });
        expect(judge.faultsOf(answer)).toEqual([]);
        const key = caseKey(fields.userName);
        if (taken.has(key)) {
          expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness']);
          return;
        }
        expect([answer.status, answer.body.detail]).toEqual([201, undefined]);
        const { id } = answer.body;
        taken.set(key, id);
        expect(answer.body.userName).toBe(fields.userName);
        expect((await other.call('get', `/Users/${id}`)).body).toEqual(answer.body);
        const found = await other.call(
          'get',
          `/Users?filter=${encodeURIComponent(`userName eq ${JSON.stringify(fields.userName)}`)}`,
        );
        expect(found.body.Resources).toEqual([answer.body]);
        const mail = fields.emails?.[0]?.value;
        const shared = mail !== undefined && holders.has(caseKey(mail));
        if (mail !== undefined && !shared) holders.set(caseKey(mail), id);
        const { body } = await gatehouse.operator('get', `${users}?limit=200`);
        const { link, conflict } = body.items.find((one: { id: string }) => one.id === id);
        expect([fields, link, conflict]).toEqual([fields, 'linked', shared ? 'email_held_by_another' : undefined]);
      }),
    ),
    { numRuns: 40, endOnFailure: true },
  );
  expect((await other.call('get', '/Users?count=0')).body.totalResults).toBe(taken.size);
}, 120_000);
