/** The meaning of filters, asked of the real thing: what a list answers is what the condition says of every resource. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { matches } from '../../src/scim/filter/match.ts';
import { parseFilter } from '../../src/scim/filter/parse.ts';
import { standardTypes } from '../../src/scim/types.ts';
import { ENTERPRISE, openWorld, type ScimWorld } from './setup.ts';

type Resource = Record<string, unknown> & { id: string };

jest.setTimeout(180_000);

let world: ScimWorld;
const all: Record<'User' | 'Group', Resource[]> = { User: [], Group: [] };

beforeAll(async () => {
  world = await openWorld();
  const people: string[] = [];
  const texts = ['Ann', 'ann', 'Bob', 'Émile', 'z\\"q', '😀', 'Ａ'];
  for (let i = 0; i < 14; i++) {
    const text = texts[i % texts.length] ?? '';
    const { id } = await world.user({
      userName: `${text}${i}@Acme.test`,
      active: i % 3 !== 0,
      ...(i % 2 && { externalId: `X-${text}` }),
      ...(i % 4 && { displayName: `${text} Lee` }),
      ...(i % 5 && { title: i % 2 ? 'Boss' : 'boss of All' }),
      ...(i % 3 === 1 && { nickName: i % 2 ? '' : text }),
      ...(i % 3 && { name: { familyName: text, givenName: `G${i % 4}` } }),
      ...(i % 4 === 1 && { profileUrl: `https://example.com/${i % 2 ? 'A' : 'a'}` }),
      ...(i % 2 && {
        emails: [
          { value: `${text}@Acme.test`, type: 'work', primary: true },
          ...(i % 4 === 1 ? [{ value: 'shared@home.test', type: 'home' }] : [{ type: 'other' }]),
        ],
      }),
      ...(i % 5 === 2 && { [ENTERPRISE]: { department: 'R&D', manager: { value: people[0] ?? 'x' } } }),
    });
    people.push(id);
  }
  const groups: string[] = [];
  for (let i = 0; i < 6; i++) {
    const own = people.filter((_, at) => i > 0 && at % (i + 1) === 0).map((value) => ({ value }));
    const inner = i > 2 ? [{ value: groups[i - 2] ?? '' }] : [];
    const { id } = await world.group({
      displayName: ['Ann', 'ann', 'Plant', 'plant B', 'Ops', '😀'][i],
      ...(i % 2 && { externalId: `G-${i}` }),
      members: [...own, ...inner],
    });
    groups.push(id);
  }
  // a circle, and a group in itself
  await world.patch(`/Groups/${groups[1]}`, {
    op: 'add',
    path: 'members',
    value: [{ value: groups[3] }, { value: groups[1] }],
  });
  for (const type of ['User', 'Group'] as const)
    all[type] = (await world.call('get', `${standardTypes[type].endpoint}?count=200`)).body.Resources;
});

const quoted = (text: string) => JSON.stringify(text);
const textOps = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'];

/** One comparison: an attribute, and values of which some are near what resources have. */
function comparison(type: 'User' | 'Group'): fc.Arbitrary<string> {
  const value = fc.constantFrom(
    'Ann',
    'ANN',
    'a',
    '',
    'émile',
    'shared@home.test',
    'boss',
    'X-Ann',
    '😀',
    'z\\"q',
    'Ａ',
    'lee',
    'work',
    'direct',
    'indirect',
    'G-1',
    'User',
    'group',
    'usr-',
    'plant',
    'https://example.com/A',
    'R&D',
  );
  const id = fc.nat(30).map((at) => {
    const ids = [...all.User, ...all.Group].map((resource) => resource.id);
    return ids[at % ids.length] ?? 'none';
  });
  const text = (names: string[], values: fc.Arbitrary<string> = value) =>
    fc
      .tuple(fc.constantFrom(...names), fc.constantFrom(...textOps), values)
      .map(([name, op, given]) => `${name} ${op} ${quoted(given)}`);
  const instant = fc.nat(20).map((at) => {
    const metas = [...all.User, ...all.Group].map(({ meta }) => String((meta as Record<string, unknown>).lastModified));
    return (metas[at % metas.length] ?? '').replace('Z', at % 2 ? 'Z' : '+00:00');
  });
  const dates = fc
    .tuple(
      fc.constantFrom('meta.created', 'meta.lastModified'),
      fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le'),
      instant,
    )
    .map(([name, op, at]) => `${name} ${op} ${quoted(at)}`);
  const present = (names: string[]) =>
    fc.tuple(fc.constantFrom(...names), fc.constantFrom('pr', 'eq null', 'ne null')).map((parts) => parts.join(' '));
  if (type === 'Group') {
    const members = ['members', 'members.value', 'members.type', 'members.display', 'members.$ref'];
    return fc.oneof(
      text(['displayName', 'externalId', 'id', 'meta.resourceType', 'schemas']),
      text(members),
      text(['members', 'members.value', 'id'], id),
      present(['externalId', 'members', 'members.display', 'meta']),
      dates,
      element('members', ['value', 'type', 'display'], fc.oneof(value, id)),
    );
  }
  return fc.oneof(
    text([
      'userName',
      'externalId',
      'id',
      'displayName',
      'title',
      'nickName',
      'name.familyName',
      'profileUrl',
      'schemas',
      'meta.version',
    ]),
    text(['emails', 'emails.value', 'emails.type', 'groups.type', 'groups.display', `${ENTERPRISE}:department`]),
    text(['groups', 'groups.value', 'id', `${ENTERPRISE}:manager.value`], id),
    fc
      .tuple(
        fc.constantFrom('active', 'emails.primary'),
        fc.constantFrom('eq', 'ne'),
        fc.constantFrom('true', 'false', '"True"'),
      )
      .map((parts) => parts.join(' ')),
    present([
      'externalId',
      'displayName',
      'nickName',
      'name',
      'emails',
      'emails.value',
      'groups',
      `${ENTERPRISE}:department`,
      'title',
    ]),
    dates,
    element('emails', ['value', 'type'], value),
    element('groups', ['value', 'type', 'display'], fc.oneof(value, id)),
  );
}

function element(name: string, subs: string[], values: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const inner = fc
    .tuple(fc.constantFrom(...subs), fc.constantFrom(...textOps), values)
    .map(([sub, op, given]) => `${sub} ${op} ${quoted(given)}`);
  return fc
    .tuple(inner, inner, fc.constantFrom('and', 'or', 'not', ''))
    .map(([a, b, join]) => `${name}[${join === '' ? a : join === 'not' ? `not (${a})` : `${a} ${join} ${b}`}]`);
}

const filterOf = (type: 'User' | 'Group') => {
  const one = comparison(type);
  const { whole } = fc.letrec<{ whole: string }>((tie) => ({
    whole: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      one,
      fc.tuple(tie('whole'), fc.constantFrom('and', 'or', 'AND'), tie('whole')).map((parts) => parts.join(' ')),
      tie('whole').map((inner) => `not (${inner})`),
      tie('whole').map((inner) => `(${inner})`),
    ),
  }));
  return whole;
};

describe('what a list answers is what the filter says of every resource (SCIM-1)', () => {
  test.each(['User', 'Group'] as const)('%s', async (type) => {
    await fc.assert(
      fc.asyncProperty(filterOf(type), async (filter) => {
        const condition = parseFilter(standardTypes[type], filter);
        const expected = all[type].filter((resource) => matches(condition, resource)).map(({ id }) => id);
        const answer = await world.call(
          'get',
          `${standardTypes[type].endpoint}?count=200&filter=${encodeURIComponent(filter)}`,
        );
        expect([answer.status, answer.body.detail]).toEqual([200, undefined]);
        expect(answer.body.Resources.map(({ id }: Resource) => id)).toEqual(expected);
        expect(answer.body.totalResults).toBe(expected.length);
      }),
      { numRuns: 100 },
    );
  });

  test('filters as deep as they may be are answered; deeper ones are refused at once', async () => {
    const nested = (depth: number) =>
      `${'active eq true and (title pr or not ('.repeat(depth)}userName pr${'))'.repeat(depth)}`;
    const ask = (filter: string) => world.call('get', `/Users?filter=${encodeURIComponent(filter)}`);
    expect((await ask(nested(7))).status).toBe(200);
    expect((await ask(`not (${nested(7)})`)).status).toBe(200);
    expect((await ask(nested(8))).body).toMatchObject({ status: '400', scimType: 'invalidFilter' });
    expect((await ask(nested(200))).body).toMatchObject({ status: '400', scimType: 'invalidFilter' });
  });
});

describe('an order over any attribute puts each resource in its place once (RFC 7644 §3.4.2.3)', () => {
  test.each([
    ['User', 'name.familyName'],
    ['User', 'emails'],
    ['User', 'emails.type'],
    ['User', 'profileUrl'],
    ['User', 'active'],
    ['User', 'externalId'],
    ['User', 'displayName'],
    ['User', `${ENTERPRISE}:department`],
    ['User', 'meta.lastModified'],
    ['User', 'groups.display'],
    ['Group', 'members'],
    ['Group', 'members.display'],
    ['Group', 'displayName'],
  ] as const)('%s by %s', async (type, sortBy) => {
    const path = standardTypes[type].endpoint;
    const orders: string[][] = [];
    for (const sortOrder of ['ascending', 'descending']) {
      const whole = await world.call('get', `${path}?count=200&sortBy=${sortBy}&sortOrder=${sortOrder}`);
      const ids = whole.body.Resources.map(({ id }: Resource) => id);
      const paged: string[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await world.call(
          'get',
          `${path}?count=3&sortBy=${sortBy}&sortOrder=${sortOrder}&cursor=${cursor}`,
        );
        paged.push(...body.Resources.map(({ id }: Resource) => id));
        if (body.nextCursor === undefined) break;
        cursor = body.nextCursor;
      }
      expect(paged).toEqual(ids);
      expect([...ids].sort()).toEqual(all[type].map(({ id }) => id).sort());
      orders.push(ids);
    }
    const lacks = (id: string) =>
      !matches(
        parseFilter(standardTypes[type], `${sortBy} pr`),
        all[type].find((one) => one.id === id),
      );
    const [up = [], down = []] = orders;
    const without = up.filter(lacks).length;
    expect(up.slice(up.length - without).every(lacks)).toBe(true);
    expect(down.slice(0, without).every(lacks)).toBe(true);
  });
});
