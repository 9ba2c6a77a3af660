/** What other servers get wrong: one test or more for each line of it; racing PATCHes that lose members are in races.test.ts. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { issueToken } from '../../src/directory/index.ts';
import { openPerson } from '../http/world.ts';
import { addWorld, cause, ERROR, GROUP, openWorld, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const total = async (query: string): Promise<number> => (await world.call('get', `/${query}`)).body.totalResults;
const memberIds = async (id: string): Promise<string[]> =>
  ((await world.call('get', `/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value);

describe('what other servers get wrong', () => {
  test('removing one member, by filter or by list, removes that one and empties nothing', async () => {
    const [a, b, c] = [await world.user(), await world.user(), await world.user()];
    const group = await world.group({ members: [a, b, c].map(({ id }) => ({ value: id })) });
    await world.patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${a.id}"]` });
    expect(await memberIds(group.id)).toEqual([b.id, c.id].sort());
    await world.patch(`/Groups/${group.id}`, { op: 'Remove', path: 'members', value: [{ value: b.id }] });
    expect(await memberIds(group.id)).toEqual([c.id]);
  });

  test('a replace that names no members neither empties the group nor adds everyone', async () => {
    const a = await world.user();
    const group = await world.group({ members: [{ value: a.id }] });
    await world.patch(`/Groups/${group.id}`, { op: 'replace', value: { id: group.id, displayName: 'Renamed' } });
    await world.call('put', `/Groups/${group.id}`, { schemas: group.schemas, displayName: 'Renamed twice' });
    expect(await memberIds(group.id)).toEqual([a.id]);
    const empty = await world.group();
    await world.patch(`/Groups/${empty.id}`, { op: 'add', value: { displayName: 'Still empty' } });
    expect(await memberIds(empty.id)).toEqual([]);
  });

  test('a deactivated person is found, listed, and comes back by PATCH and by PUT under the same id (SCIM-3)', async () => {
    const user = await world.user({ userName: 'leaver@acme.test', externalId: 'leaver' });
    await world.patch(`/Users/${user.id}`, { op: 'replace', value: { active: false } });
    for (const filter of ['userName eq "leaver@acme.test"', 'externalId eq "leaver"', `id eq "${user.id}"`]) {
      expect(await total(`Users?filter=${filter}`)).toBe(1);
    }
    const back = await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'active', value: 'True' });
    expect(back.body).toMatchObject({ id: user.id, active: true });
    await world.call('put', `/Users/${user.id}`, { ...user, active: false });
    const again = await world.call('put', `/Users/${user.id}`, { ...user, active: true });
    expect(again.body).toMatchObject({ id: user.id, active: true });
  });

  test('after DELETE the userName is free at once, in any case, and the new resource has a new id (SCIM-3)', async () => {
    const user = await world.user({ userName: 'again@acme.test' });
    await world.call('delete', `/Users/${user.id}`);
    expect(await total('Users?filter=userName eq "again@acme.test"')).toBe(0);
    const next = await world.user({ userName: 'Again@acme.test' });
    expect(next.id).not.toBe(user.id);
  });

  test('a changed userName is the same person: one resource, the old name finds nobody', async () => {
    const user = await world.user({ userName: 'maiden@acme.test' });
    await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'userName', value: 'Married@acme.test' });
    expect(await total('Users?filter=userName eq "maiden@acme.test"')).toBe(0);
    const found = await world.call('get', '/Users?filter=userName eq "married@acme.test"');
    expect(found.body.Resources).toMatchObject([{ id: user.id, userName: 'Married@acme.test' }]);
  });

  test('userName and externalId are the same, letter by letter, in POST, GET and list', async () => {
    const sent = { userName: 'MiXed.Ünï@Acme.test', externalId: ' 00uABC ' };
    const made = await world.user(sent);
    const read = await world.call('get', `/Users/${made.id}`);
    const list = await world.call('get', `/Users?filter=${encodeURIComponent('userName eq "mixed.ÜNÏ@acme.test"')}`);
    for (const resource of [made, read.body, list.body.Resources[0]]) expect(resource).toMatchObject(sent);
  });

  test('a renamed group is found by its new name only', async () => {
    const group = await world.group({ displayName: 'Before' });
    await world.patch(`/Groups/${group.id}`, { op: 'Replace', path: 'displayName', value: 'After' });
    expect(await total('Groups?filter=displayName eq "Before"')).toBe(0);
    expect(await total('Groups?filter=displayName eq "After"')).toBe(1);
  });

  test('totalResults counts all that match, not the page', async () => {
    const { body } = await world.call('get', '/Users?count=1');
    expect(body.Resources).toHaveLength(1);
    expect(body.totalResults).toBeGreaterThan(5);
  });

  test('deleting a person or a group takes the memberships along', async () => {
    const user = await world.user();
    const inner = await world.group();
    const group = await world.group({ members: [{ value: user.id }, { value: inner.id }] });
    await world.call('delete', `/Users/${user.id}`);
    await world.call('delete', `/Groups/${inner.id}`);
    expect(await memberIds(group.id)).toEqual([]);
  });

  test('a group of 3,500 is pushed, read and changed whole', async () => {
    const { store } = world.gatehouse;
    const ids = await store.transaction(cause, async (tx) => {
      const made = Array.from({ length: 3500 }, (_, i) => `usr-${String(i).padStart(26, '0')}`);
      await tx.directoryUsers.insertMany(
        world.organizationId,
        made.map((_id) => ({
          _id,
          organizationId: world.organizationId,
          directoryId: world.directory._id,
          userName: _id,
          userNameKey: _id,
          active: true,
          attributes: {},
          link: 'waiting' as const,
        })),
      );
      return made;
    });
    const group = await world.group({ members: ids.map((value) => ({ value })) });
    const { body } = await world.call('get', `/Groups/${group.id}`);
    expect(body.members).toHaveLength(3500);
    const added = await world.patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${ids[7]}"]` });
    expect(added.status).toBe(204);
    expect(await memberIds(group.id)).toHaveLength(3499);
  });

  test('a hundred creates of one userName at once: one 201, the others 409', async () => {
    const body = { schemas: [USER], userName: 'race@acme.test' };
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.call('post', '/Users', body)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(99);
    expect(await total('Users?filter=userName eq "race@acme.test"')).toBe(1);
  });

  test('under parallel load of two tenants nothing is written or seen across', async () => {
    const other = await addWorld(world.gatehouse, 'Beta');
    const push = async (target: ScimWorld, name: string) => {
      const made = await target.user({ userName: `${name}@load.test`, title: target.organizationId });
      const read = await target.call('get', `/Users?filter=userName eq "${name}@load.test"`);
      return [made.title, read.body.totalResults, read.body.Resources[0].title];
    };
    const names = Array.from({ length: 40 }, (_, i) => `p${i}`);
    const seen = await Promise.all(names.flatMap((name) => [world, other].map((target) => push(target, name))));
    const expected = names.flatMap(() =>
      [world, other].map(({ organizationId }) => [organizationId, 1, organizationId]),
    );
    expect(seen).toEqual(expected);
    expect((await other.call('get', '/Users?count=0')).body.totalResults).toBe(40);
  });

  test.each(['add', 'Add', 'ADD'])('the operation %s adds, and its like replace and remove', async (add) => {
    const like = (op: string) =>
      add === 'ADD' ? op.toUpperCase() : add === 'Add' ? op[0]?.toUpperCase() + op.slice(1) : op;
    const user = await world.user();
    const group = await world.group();
    const path = `/Users/${user.id}`;
    const title = async () => (await world.call('get', path)).body.title;
    await world.patch(path, { op: add, path: 'title', value: 'Boss' });
    expect(await title()).toBe('Boss');
    await world.patch(path, { op: like('replace'), path: 'title', value: 'Clerk' });
    expect(await title()).toBe('Clerk');
    await world.patch(path, { op: like('remove'), path: 'title' });
    expect(await title()).toBeUndefined();
    await world.patch(`/Groups/${group.id}`, { op: add, path: 'members', value: [{ value: user.id }] });
    expect(await memberIds(group.id)).toEqual([user.id]);
    await world.patch(`/Groups/${group.id}`, { op: like('remove'), path: `members[value eq "${user.id}"]` });
    expect(await memberIds(group.id)).toEqual([]);
  });

  test('an operation that is none is refused, not passed over with 200', async () => {
    const user = await world.user();
    const answer = await world.patch(`/Users/${user.id}`, { op: 'upsert', path: 'title', value: 'Boss' });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidSyntax']);
    expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
  });

  test('externalId stays through PATCH and PUT of something else, and is changed where they name it', async () => {
    const made = await world.user({ externalId: '00uKept' });
    const path = `/Users/${made.id}`;
    await world.patch(path, { op: 'replace', path: 'title', value: 'Boss' });
    expect((await world.call('get', path)).body.externalId).toBe('00uKept');
    await world.call('put', path, { ...made, title: 'Clerk' });
    expect((await world.call('get', path)).body.externalId).toBe('00uKept');
    await world.patch(path, { op: 'replace', value: { externalId: '00uNext' } });
    expect([
      await total('Users?filter=externalId eq "00uKept"'),
      await total('Users?filter=externalId eq "00uNext"'),
    ]).toEqual([0, 1]);
    const group = await world.group({ externalId: 'g-kept' });
    await world.patch(`/Groups/${group.id}`, { op: 'replace', value: { displayName: 'Kept' } });
    expect((await world.call('get', '/Groups?filter=externalId eq "g-kept"')).body.Resources).toMatchObject([
      { id: group.id, displayName: 'Kept', externalId: 'g-kept' },
    ]);
  });

  test('a filter asks the attribute that it names, and one that nothing is known of is refused', async () => {
    const mine = await world.user({ userName: 'mine@acme.test', externalId: 'swap-a', title: 'swap-b' });
    const other = await world.user({ userName: 'swap-a', externalId: 'swap-b', title: 'mine@acme.test' });
    for (const [filter, expected] of [
      ['userName eq "swap-a"', other],
      ['externalId eq "swap-a"', mine],
      ['title eq "swap-b"', mine],
      ['externalId eq "swap-b"', other],
      ['title eq "mine@acme.test"', other],
    ] as const) {
      const { body } = await world.call('get', `/Users?filter=${filter}`);
      expect([filter, body.Resources.map(({ id }: { id: string }) => id)]).toEqual([filter, [expected.id]]);
    }
    const unknown = await world.call('get', '/Users?filter=nobodyKnows eq "mine@acme.test"');
    expect([unknown.status, unknown.body.scimType]).toEqual([400, 'invalidFilter']);
  });

  test('groups whose names differ in case or blanks only stay apart: by id, members, rename and DELETE', async () => {
    const [a, b] = [await world.user(), await world.user()];
    const lower = await world.group({ displayName: 'plant one', members: [{ value: a.id }] });
    const upper = await world.group({ displayName: 'Plant One', members: [{ value: b.id }] });
    const wide = await world.group({ displayName: 'plant  one' });
    expect(new Set([lower.id, upper.id, wide.id]).size).toBe(3);
    expect([
      await total('Groups?filter=displayName eq "plant one"'),
      await total('Groups?filter=displayName eq "plant  one"'),
    ]).toEqual([2, 1]);
    await world.patch(`/Groups/${wide.id}`, { op: 'add', path: 'members', value: [{ value: a.id }, { value: b.id }] });
    await world.patch(`/Groups/${upper.id}`, { op: 'remove', path: 'members' });
    expect([await memberIds(lower.id), await memberIds(upper.id)]).toEqual([[a.id], []]);
    await world.patch(`/Groups/${upper.id}`, { op: 'replace', path: 'displayName', value: 'Plant Two' });
    await world.call('delete', `/Groups/${wide.id}`);
    expect((await world.call('get', `/Groups/${lower.id}`)).body).toMatchObject({
      displayName: 'plant one',
      members: [{ value: a.id }],
    });
  });

  test('a push that comes too fast is 429 with Retry-After, never 409; nothing is made, and later it is 201', async () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    const slow = await openWorld({
      clock: { now: () => new Date(now) },
      env: { GATEHOUSE_SCIM_RATE: '50', GATEHOUSE_SCIM_BURST: '60' },
    });
    const push = (userName: string) => slow.call('post', '/Users', { schemas: [USER], userName });
    for (let i = 0; i < 60; i++) expect((await slow.call('get', '/ServiceProviderConfig')).status).toBe(200);
    for (const refused of [
      await push('fast@acme.test'),
      await push('fast@acme.test'),
      await slow.call('post', '/Groups', { schemas: [GROUP], displayName: 'Fast' }),
      await slow.call('put', '/Users/usr-x', { schemas: [USER], userName: 'fast@acme.test' }),
      await slow.patch('/Users/usr-x', { op: 'replace', path: 'active', value: false }),
      await slow.call('delete', '/Users/usr-x'),
    ]) {
      expect(refused.status).toBe(429);
      expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      expect(refused.body).toMatchObject({ schemas: [ERROR], status: '429' });
      expect(refused.body.scimType).toBeUndefined();
    }
    now += 1000;
    expect((await push('fast@acme.test')).status).toBe(201);
    const taken = await push('FAST@acme.test');
    expect([taken.status, taken.body.scimType]).toEqual([409, 'uniqueness']);
    expect((await slow.call('get', '/Users?count=0')).body.totalResults).toBe(1);
    expect((await slow.call('get', '/Groups?count=0')).body.totalResults).toBe(0);
  });

  test('a filter with thousands of backslashes is answered, and holds up nobody', async () => {
    const found = await world.user({ title: '\\'.repeat(500) });
    const ask = (filter: string) =>
      world.call('post', '/Users/.search', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        attributes: ['id'],
        filter,
      });
    const sound = `title eq "${'\\\\'.repeat(500)}"`;
    const [whole, open, inside, other] = await Promise.all([
      ask(sound),
      ask(`userName eq "${'\\'.repeat(5001)}`),
      ask(`emails[value eq "${'\\'.repeat(4001)}"]`),
      world.call('get', `/Users/${found.id}`),
    ]);
    expect(whole.body.Resources).toMatchObject([{ id: found.id }]);
    for (const refused of [open, inside])
      expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidFilter']);
    expect(other.status).toBe(200);
  });

  test('several tokens of a directory are valid at once (SCIM-1)', async () => {
    const { secret } = await world.gatehouse.store.transaction(cause, (tx) =>
      issueToken(tx, world.organizationId, world.directory._id, { name: 'second' }),
    );
    const path = `/scim/v2/${world.directory._id}/Users?count=0`;
    for (const token of [secret, world.token]) {
      expect((await world.gatehouse.bearer(token, 'get', path)).status).toBe(200);
    }
  });

  test('a token lives on when the Admin who made it is demoted, removed and signed out (SCIM-1)', async () => {
    const { gatehouse, organizationId, directory } = world;
    const home = `/api/v1/organizations/${organizationId}`;
    const person = await openPerson(gatehouse, 'leaving@people.test');
    const joined = await gatehouse
      .operator('post', `${home}/members`)
      .send({ accountId: person.accountId, role: 'admin' });
    expect(joined.status).toBe(201);
    const tokens = `${home}/directories/${directory._id}/tokens`;
    const issued = await gatehouse.bearer(person.token, 'post', tokens).send({ name: 'made by hand' });
    expect(issued.status).toBe(201);
    const works = async () => {
      const path = `/scim/v2/${directory._id}/Users`;
      const asked = gatehouse.bearer(issued.body.secret, 'post', path);
      const body = { schemas: [USER], userName: `${Math.random()}@acme.test` };
      return (await asked.type('application/scim+json').send(JSON.stringify(body))).status;
    };
    expect(await works()).toBe(201);
    const member = `${home}/members/${joined.body.id}`;
    expect((await gatehouse.operator('patch', member).send({ role: 'member' })).status).toBe(200);
    expect(await works()).toBe(201);
    expect((await gatehouse.operator('delete', member)).status).toBe(200);
    expect((await gatehouse.bearer(person.token, 'get', tokens)).status).toBe(401);
    expect(await works()).toBe(201);
  });
});
