/** What other servers get wrong, as far as it is not proved in rfc/, idp.test.ts, filter.test.ts or patch.test.ts already. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { issueToken } from '../../src/directory/index.ts';
import { addWorld, cause, openWorld, type ScimWorld, USER } from './setup.ts';

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

  test('several tokens of a directory are valid at once; they belong to the organization, not to a person (SCIM-1)', async () => {
    const { secret } = await world.gatehouse.store.transaction(cause, (tx) =>
      issueToken(tx, world.organizationId, world.directory._id, { name: 'second' }),
    );
    const path = `/scim/v2/${world.directory._id}/Users?count=0`;
    for (const token of [secret, world.token]) {
      expect((await world.gatehouse.bearer(token, 'get', path)).status).toBe(200);
    }
  });
});
