/** What the letter of the RFCs asks beyond what identity providers send: every name once, every value once, nothing lost. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { listLog } from '../../src/directory/index.ts';
import { ENTERPRISE, GROUP, openWorld, PATCH, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const BADGES = 'urn:example:badges:2.0:User';
const refusal = (answer: { status: number; body: { scimType?: string } }) => [answer.status, answer.body.scimType];
const read = async (path: string) => (await world.call('get', path)).body;
const memberIds = async (id: string): Promise<string[]> =>
  ((await read(`/Groups/${id}`)).members ?? []).map(({ value }: { value: string }) => value);
const newestNotes = async () => {
  const page = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 1 });
  return page.items[0]?.notes;
};

describe('members', () => {
  test('are read inside of the core URN as beside it, by POST and PUT', async () => {
    const [a, b] = [await world.user(), await world.user()];
    const wrapped = (displayName: string, id: string) => ({
      schemas: [GROUP],
      [GROUP.toUpperCase()]: { displayName, MEMBERS: [{ value: id }] },
    });
    const made = await world.call('post', '/Groups', wrapped('Wrapped', a.id));
    expect([made.status, await memberIds(made.body.id)]).toEqual([201, [a.id]]);
    const put = await world.call('put', `/Groups/${made.body.id}`, wrapped('Wrapped', b.id));
    expect([put.status, await memberIds(made.body.id)]).toEqual([200, [b.id]]);
    const flat = { schemas: [GROUP], displayName: 'Flat', [`${GROUP}:members`]: [{ value: a.id }] };
    expect(await memberIds((await world.call('post', '/Groups', flat)).body.id)).toEqual([a.id]);
    const twice = await world.call('post', '/Groups', { ...flat, members: [{ value: b.id }] });
    expect(refusal(twice)).toEqual([400, 'invalidSyntax']);
  });

  test('are cleared by null as by [] in a PUT, and stay where it does not name them (RFC 7643 §2.5)', async () => {
    const a = await world.user();
    for (const none of [null, []]) {
      const { id } = await world.group({ displayName: 'Emptied', members: [{ value: a.id }] });
      const put = (more: object) => world.call('put', `/Groups/${id}`, { schemas: [GROUP], displayName: 'E', ...more });
      await put({});
      expect(await memberIds(id)).toEqual([a.id]);
      expect((await put({ members: none })).status).toBe(200);
      expect(await memberIds(id)).toEqual([]);
    }
  });

  test.each(['POST', 'PUT', 'PATCH'])(
    'whose type or $ref contradicts the value are what the value says, and %s notes it (SCIM-5)',
    async (verb) => {
      const [a, b] = [await world.user(), await world.user()];
      for (const [member, noted] of [
        [{ value: a.id, type: 'Group' }, true],
        [{ value: a.id, $ref: `${world.base}/Users/${b.id}` }, true],
        [{ value: a.id, $ref: `../Groups/${a.id}` }, true],
        [{ value: a.id, type: 'user', $ref: `../users/${a.id}`, display: 'Anybody' }, false],
      ] as const) {
        const { id } = await world.group();
        const body = { schemas: [GROUP], displayName: 'C', members: [member] };
        const answer =
          verb === 'POST'
            ? await world.call('post', '/Groups', body)
            : verb === 'PUT'
              ? await world.call('put', `/Groups/${id}`, body)
              : await world.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [member] });
        expect(answer.status).toBeLessThan(300);
        expect(await newestNotes()).toEqual(noted ? ['member_contradiction_ignored'] : []);
        const { members } = await read(`/Groups/${answer.body.id ?? id}`);
        expect(members).toMatchObject([{ value: a.id, type: 'User', $ref: `${world.base}/Users/${a.id}` }]);
      }
    },
  );
});

describe('what is unassigned', () => {
  test('PUT with active null or [] leaves it as it is, as one without it does: only true brings somebody back (MEM-4, RFC 7643 §2.5)', async () => {
    const { id, userName } = await world.user({ active: false });
    const put = (more: object) => world.call('put', `/Users/${id}`, { schemas: [USER], userName, ...more });
    expect((await put({})).body.active).toBe(false);
    for (const active of [null, []]) expect((await put({ active })).body.active).toBe(false);
    expect((await put({ active: true })).body.active).toBe(true);
  });

  test('schemas cannot be removed by PATCH; what adds to it is accepted, and noted (SCIM-5)', async () => {
    const { id } = await world.user();
    for (const operation of [
      { op: 'remove', path: 'schemas' },
      { op: 'remove', path: 'SCHEMAS', value: [USER] },
      { op: 'replace', path: 'schemas', value: [] },
    ])
      expect(refusal(await world.patch(`/Users/${id}`, operation))).toEqual([400, 'mutability']);
    for (const operation of [
      { op: 'add', path: 'schemas', value: [ENTERPRISE] },
      { op: 'replace', value: { schemas: [USER, ENTERPRISE] } },
    ]) {
      expect((await world.patch(`/Users/${id}`, operation)).status).toBe(200);
      expect(await newestNotes()).toEqual(['read_only_ignored']);
    }
  });
});

describe('a name', () => {
  test.each<object>([
    { foo: 'a', FOO: 'b' },
    { emails: [], EMAILS: [] },
    { name: { givenName: 'a' }, NAME: { familyName: 'b' } },
    { name: { givenName: 'a' }, 'name.GivenName': 'b' },
    { 'name.givenName': 'a', name: { GIVENNAME: 'b' } },
    { title: null, [`${USER}:title`]: 'b' },
    { [BADGES]: { badge: 1, BADGE: 2 } },
    { [BADGES]: { badge: 1 }, [`${BADGES.toUpperCase()}:BADGE`]: 2 },
    { [ENTERPRISE]: { department: 'a' }, [`${ENTERPRISE}:Department`]: 'b' },
    { SCHEMAS: [USER] },
  ])('given twice is refused, however it is spelled: POST %j', async (more) => {
    const answer = await world.call('post', '/Users', { schemas: [USER], userName: 'twice@acme.test', ...more });
    expect(refusal(answer)).toEqual([400, 'invalidSyntax']);
    expect(answer.body.detail).toContain('given twice');
    expect((await read('/Users?filter=userName eq "twice@acme.test"')).totalResults).toBe(0);
  });

  test.each<object>([
    { schemas: [PATCH], Operations: [{ op: 'replace', value: { title: 'a', TITLE: 'b' } }] },
    { schemas: [PATCH], Operations: [{ op: 'replace', value: { 'name.givenName': 'a', name: { givenName: 'b' } } }] },
    { schemas: [PATCH], Operations: [{ op: 'replace', value: { name: { givenName: 'a' }, 'NAME.givenName': 'b' } }] },
    { schemas: [PATCH], Operations: [{ op: 'replace', value: { title: 'a', [USER]: { Title: 'b' } } }] },
    { schemas: [PATCH], Operations: [{ op: 'replace', OP: 'add', path: 'title', value: 'a' }] },
    { schemas: [PATCH], Operations: [{ op: 'remove', path: 'title' }], operations: [] },
    { schemas: [PATCH], SCHEMAS: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'a' }] },
  ])('given twice is refused, however it is spelled: PATCH %j', async (body) => {
    const user = await world.user({ title: 'Boss' });
    const answer = await world.call('patch', `/Users/${user.id}`, body);
    expect([...refusal(answer), answer.body.detail]).toEqual([400, 'invalidSyntax', expect.stringContaining('twice')]);
    expect(await read(`/Users/${user.id}`)).toEqual(user);
  });

  test('may be flat beside its object where they say different things, in either order', async () => {
    const one = await world.user({ name: { givenName: 'A' }, 'name.familyName': 'B' });
    const other = await world.user({ 'name.familyName': 'B', name: { givenName: 'A' } });
    for (const { name } of [one, other]) expect(name).toEqual({ givenName: 'A', familyName: 'B' });
  });

  test('that no schema has is found by PATCH in any case, and so is the URN of its extension', async () => {
    const user = await world.user({ [BADGES]: { badge: 'a', more: { Depth: 1 } }, shoeSize: 40 });
    const path = `/Users/${user.id}`;
    const badges = async () => (await read(path))[BADGES];
    const at = (way: string, value: unknown, op = 'replace') => world.patch(path, { op, path: way, value });
    expect((await at(`${BADGES}:BADGE`, 'b')).status).toBe(200);
    expect(await badges()).toEqual({ badge: 'b', more: { Depth: 1 } });
    await at(BADGES.replace('urn', 'URN').toUpperCase(), { Badge: 'c', MORE: { DEPTH: 2 } }, 'add');
    expect(await badges()).toEqual({ badge: 'c', more: { Depth: 2 } });
    await world.patch(path, { op: 'replace', value: { [BADGES.replace('urn', 'URN')]: { BADGE: 'd' }, SHOESIZE: 41 } });
    expect(await read(path)).toMatchObject({ [BADGES]: { badge: 'd', more: { Depth: 2 } }, shoeSize: 41 });
    await world.patch(path, { op: 'remove', path: `${BADGES}:BADGE` }, { op: 'remove', path: 'shoesize' });
    const left = await read(path);
    expect([left[BADGES], left.shoeSize, left.SHOESIZE]).toEqual([{ more: { Depth: 2 } }, undefined, undefined]);
    const upper = await world.user({ [BADGES.replace('urn', 'URN')]: { badge: 'a' } });
    await world.patch(`/Users/${upper.id}`, { op: 'replace', path: `${BADGES}:badge`, value: 'b' });
    expect((await read(`/Users/${upper.id}`))[BADGES.replace('urn', 'URN')]).toEqual({ badge: 'b' });
  });
});

describe('a value and its type stand once in a list (RFC 7643 §2.4)', () => {
  const twice = [
    { value: 'a@acme.test', type: 'work', primary: true, display: 'first' },
    { value: 'b@acme.test', type: 'work' },
    { value: 'A@acme.test', type: 'WORK', display: 'later' },
  ];
  const once = [
    { value: 'A@acme.test', type: 'WORK', primary: true, display: 'later' },
    { value: 'b@acme.test', type: 'work' },
  ];

  test('after POST, PUT and PATCH: the later one counts, a primary one stays primary, and it is noted (SCIM-5)', async () => {
    const user = await world.user({ emails: twice });
    expect(await newestNotes()).toContain('repeated_value_ignored');
    const path = `/Users/${user.id}`;
    expect((await read(path)).emails).toEqual(once);
    await world.call('put', path, { schemas: [USER], userName: user.userName, title: 'x', emails: twice });
    expect((await read(path)).emails).toEqual(once);
    for (const operation of [
      { op: 'replace', path: 'emails', value: twice },
      { op: 'replace', value: { emails: twice } },
    ]) {
      await world.patch(path, { op: 'remove', path: 'emails' }, operation);
      expect((await read(path)).emails).toEqual(once);
    }
  });

  test('after a PATCH that makes two values one', async () => {
    const user = await world.user({
      emails: [
        { value: 'one@acme.test', type: 'home', primary: true },
        { value: 'one@acme.test', type: 'work', display: 'Work' },
      ],
    });
    const made = await world.patch(`/Users/${user.id}`, {
      op: 'replace',
      path: 'emails[type eq "home"].type',
      value: 'work',
    });
    expect(made.body.emails).toEqual([{ value: 'one@acme.test', type: 'work', primary: true, display: 'Work' }]);
    expect(await newestNotes()).toEqual(['repeated_value_ignored']);
  });
});

describe('a manager', () => {
  const $ref = '../Users/old';
  test.each<[string, object[], object]>([
    ['by value', [{ op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'new' }], { value: 'new' }],
    ['by object', [{ op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: 'new' } }], { value: 'new' }],
    ['by text', [{ op: 'replace', path: `${ENTERPRISE}:manager`, value: 'new' }], { value: 'new' }],
    ['by add', [{ op: 'add', path: `${ENTERPRISE}:manager`, value: [{ value: 'new' }] }], { value: 'new' }],
    ['without a path', [{ op: 'add', value: { [ENTERPRISE]: { manager: { value: 'new' } } } }], { value: 'new' }],
    ['to the same', [{ op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'old' }], { value: 'old', $ref }],
    [
      'with its own address',
      [
        { op: 'replace', path: `${ENTERPRISE}:manager.$ref`, value: '../Users/new' },
        { op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'new' },
      ],
      { value: 'new', $ref: '../Users/new' },
    ],
  ])('who is replaced %s leaves no $ref behind', async (_way, operations, expected) => {
    const user = await world.user({ [ENTERPRISE]: { manager: { value: 'old', $ref } } });
    const answer = await world.patch(`/Users/${user.id}`, ...operations);
    expect([answer.status, answer.body[ENTERPRISE].manager]).toEqual([200, expected]);
  });
});

describe('messages', () => {
  test('the data of a PATCH in a bulk may be the list of operations alone', async () => {
    const user = await world.user();
    const { body } = await world.call('post', '/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'PATCH', path: `/Users/${user.id}`, data: [{ op: 'replace', path: 'title', value: 'Boss' }] },
        { method: 'PUT', path: `/Users/${user.id}`, data: [{ op: 'replace', path: 'title', value: 'None' }] },
      ],
    });
    expect(body.Operations.map(({ status }: { status: string }) => status)).toEqual(['200', '400']);
    expect((await read(`/Users/${user.id}`)).title).toBe('Boss');
  });

  test('a plus in a query is a blank where its own parameter writes no blank as %20', async () => {
    const { id } = await world.user({ userName: 'plus+sign@acme.test' });
    const found = async (query: string) =>
      (await read(`/Users?${query}`)).Resources?.map((one: { id: string }) => one.id);
    expect(await found('filter=userName%20eq%20"plus+sign@acme.test"&attributes=id,+title')).toEqual([id]);
    expect(await found(`filter=id+eq+"${id}"&attributes=id,%20title`)).toEqual([id]);
  });
});
