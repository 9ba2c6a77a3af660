/** A person's and a group's life as an IdP pushes it (SCIM-3), over HTTP. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, openWorld, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const memberIds = async (id: string): Promise<string[]> =>
  ((await world.call('get', `/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value);
const found = async (filter: string): Promise<string[]> =>
  (await world.call('get', `/Users?filter=${encodeURIComponent(filter)}`)).body.Resources.map(
    ({ id }: { id: string }) => id,
  );

describe('a person (SCIM-3)', () => {
  test('deactivated, a person keeps id, userName and groups, is found by every filter, and comes back by PATCH or PUT', async () => {
    const user = await world.user({
      userName: 'away@acme.test',
      externalId: 'away',
      emails: [{ value: 'away@acme.test', type: 'work' }],
    });
    const group = await world.group({ members: [{ value: user.id }] });
    const off = await world.patch(`/Users/${user.id}`, { op: 'replace', value: { active: false } });
    expect(off.body).toMatchObject({ id: user.id, userName: 'away@acme.test', active: false });
    for (const filter of [
      'userName eq "AWAY@acme.test"',
      'externalId eq "away"',
      'emails[type eq "work"].value eq "away@acme.test"',
      `id eq "${user.id}" and active eq false`,
    ]) {
      expect(await found(filter)).toEqual([user.id]);
    }
    expect(await memberIds(group.id)).toEqual([user.id]);
    const again = await world.call('post', '/Users', { schemas: [USER], userName: 'Away@acme.test' });
    expect([again.status, again.body.scimType]).toEqual([409, 'uniqueness']);
    expect(again.body.detail).toContain('userName');
    const back = await world.call('put', `/Users/${user.id}`, { ...user, active: true });
    expect(back.body).toMatchObject({ id: user.id, active: true });
  });

  test('PUT without active leaves it as it was, both ways', async () => {
    const user = await world.user({ active: false });
    const { active: _, ...rest } = user;
    expect((await world.call('put', `/Users/${user.id}`, { ...rest, title: 'x' })).body.active).toBe(false);
    await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'active', value: true });
    expect((await world.call('put', `/Users/${user.id}`, { ...rest, title: 'y' })).body.active).toBe(true);
  });

  test('deleted, a person is in no group, cannot be found, and a POST makes a new id at once, in any case of the name', async () => {
    const user = await world.user({ userName: 'gone@acme.test', externalId: 'gone' });
    const group = await world.group({ members: [{ value: user.id }] });
    const nested = await world.group({ members: [{ value: user.id }, { value: group.id }] });
    expect((await world.call('delete', `/Users/${user.id}`)).status).toBe(204);
    expect(await memberIds(group.id)).toEqual([]);
    expect(await memberIds(nested.id)).toEqual([group.id]);
    for (const filter of ['userName eq "gone@acme.test"', 'externalId eq "gone"', `id eq "${user.id}"`]) {
      expect(await found(filter)).toEqual([]);
    }
    const put = await world.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] });
    expect([put.status, put.body.scimType]).toEqual([400, 'invalidValue']);
    const next = await world.user({ userName: 'GONE@acme.test', externalId: 'gone' });
    expect(next.id).not.toBe(user.id);
    expect(await found('externalId eq "gone"')).toEqual([next.id]);
    expect(await memberIds(group.id)).toEqual([]);
  });

  test('a changed userName and address are the same person, also of the same member of the organization', async () => {
    const user = await world.user({ userName: 'miss@acme.test', emails: [{ value: 'miss@acme.test', primary: true }] });
    const members = async () =>
      (await world.gatehouse.store.read.members.find(world.organizationId, {})).map(({ _id }) => _id);
    const before = await members();
    const renamed = await world.patch(
      `/Users/${user.id}`,
      { op: 'replace', path: 'userName', value: 'mrs@acme.test' },
      { op: 'replace', path: 'emails[primary eq true].value', value: 'mrs@acme.test' },
    );
    expect(renamed.body).toMatchObject({
      id: user.id,
      userName: 'mrs@acme.test',
      emails: [{ value: 'mrs@acme.test', primary: true }],
    });
    expect(await members()).toEqual(before);
    expect(await found('userName eq "miss@acme.test" or emails.value eq "miss@acme.test"')).toEqual([]);
    expect(await found('userName eq "mrs@acme.test" and emails.value eq "mrs@acme.test"')).toEqual([user.id]);
    await world.user({ userName: 'miss@acme.test' });
  });

  test('a change in the case of the own userName is no conflict', async () => {
    const user = await world.user({ userName: 'case@acme.test' });
    const changed = await world.patch(`/Users/${user.id}`, {
      op: 'replace',
      path: 'userName',
      value: 'Case@acme.test',
    });
    expect([changed.status, changed.body.userName]).toEqual([200, 'Case@acme.test']);
  });

  test.each([
    ['POST', (name: string) => world.call('post', '/Users', { schemas: [USER], userName: name })],
    [
      'PUT',
      async (name: string) =>
        world.call('put', `/Users/${(await world.user()).id}`, { schemas: [USER], userName: name }),
    ],
    [
      'PATCH',
      async (name: string) =>
        world.patch(`/Users/${(await world.user()).id}`, { op: 'replace', value: { userName: name } }),
    ],
  ])(
    'a userName that another has in another case: %s answers 409 uniqueness and changes nothing',
    async (verb, send) => {
      await world.user({ userName: `Taken.${verb}@acme.test` });
      const before = await world.call('get', '/Users?count=0');
      const answer = await send(`taken.${verb.toLowerCase()}@ACME.test`);
      expect([answer.status, answer.body.status, answer.body.scimType]).toEqual([409, '409', 'uniqueness']);
      const after = await world.call('get', '/Users?count=0');
      expect(after.body.totalResults - before.body.totalResults).toBe(verb === 'POST' ? 0 : 1);
      expect(await found(`userName eq "taken.${verb}@acme.test"`)).toHaveLength(1);
    },
  );

  test('two people with one address, and one without: all exist (ACC-3)', async () => {
    const emails = [{ value: 'shared@acme.test', type: 'work', primary: true }];
    const [a, b] = [await world.user({ emails }), await world.user({ emails })];
    const c = await world.user({ userName: 'no address at all' });
    expect(await found('emails.value eq "shared@acme.test"')).toEqual([a.id, b.id]);
    expect(await found('userName eq "no address at all" and not (emails pr)')).toEqual([c.id]);
  });
});

describe('a group', () => {
  test('members that do not exist are 400 invalidValue and named, and nothing changes, by every verb', async () => {
    const user = await world.user();
    const group = await world.group({ members: [{ value: user.id }] });
    const path = `/Groups/${group.id}`;
    const nobody = 'usr-00000000000000000000000000';
    const members = [{ value: user.id }, { value: nobody }];
    for (const answer of [
      await world.call('post', '/Groups', { displayName: 'X', members }),
      await world.call('put', path, { displayName: 'X', members }),
      await world.patch(
        path,
        { op: 'replace', path: 'displayName', value: 'X' },
        { op: 'add', path: 'members', value: members },
      ),
      await world.patch(path, { op: 'replace', value: { displayName: 'X', members } }),
    ]) {
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
      expect(answer.body.detail).toContain(nobody);
    }
    expect((await world.call('get', path)).body).toEqual(group);
    expect((await world.call('get', '/Groups?filter=displayName eq "X"')).body.totalResults).toBe(0);
  });

  test('deleted, it revokes what its mapping gave (MAP-2), and leaves the groups that it was in', async () => {
    const { gatehouse, organizationId } = world;
    const user = await world.user({
      userName: 'mapped@acme.test',
      emails: [{ value: 'mapped@acme.test', primary: true }],
    });
    const group = await world.group({ members: [{ value: user.id }] });
    const outer = await world.group({ members: [{ value: group.id }] });
    const home = `/api/v1/organizations/${organizationId}`;
    const project = await gatehouse.operator('post', `${home}/projects`).send({ name: 'Mapped' });
    const mapped = await gatehouse
      .operator('post', `${home}/mappings`)
      .send({ groupId: group.id, role: 'member', projectId: project.body.id });
    expect(mapped.status).toBe(201);
    const row = await gatehouse.store.read.directoryUsers.get(organizationId, user.id);
    const grants = async () => {
      await gatehouse.queue?.idle();
      const all = await gatehouse.store.read.grants.find(organizationId, { targetId: project.body.id });
      return all.filter(({ accountId }) => accountId === row?.accountId).length;
    };
    expect(await grants()).toBe(1);
    expect((await world.call('delete', `/Groups/${group.id}`)).status).toBe(204);
    expect(await grants()).toBe(0);
    expect(await memberIds(outer.id)).toEqual([]);
    expect((await world.call('get', `/Users/${user.id}`)).body).not.toHaveProperty('groups');
  });
});

describe('a password', () => {
  const secret = 'Tr0ub4dor&3';

  test('is accepted by every verb, kept nowhere, answered nowhere, and cannot be asked for', async () => {
    const { gatehouse, organizationId } = world;
    const user = await world.user({ password: secret, [ENTERPRISE]: { department: 'x' } });
    const put = await world.call('put', `/Users/${user.id}`, { ...user, password: secret });
    const patched = await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'password', value: secret });
    const added = await world.patch(`/Users/${user.id}`, { op: 'add', value: { PASSWORD: secret, title: 'x' } });
    const removed = await world.patch(`/Users/${user.id}`, { op: 'remove', path: 'password' });
    const read = await world.call('get', `/Users/${user.id}?attributes=password,userName`);
    const refused = await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'password', value: [secret] });
    expect([put, patched, added, removed, read, refused].map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200, 400,
    ]);
    for (const query of [
      `filter=password eq "${secret}"`,
      `filter=password co "Tr0"`,
      'filter=password pr',
      'sortBy=password',
    ]) {
      expect((await world.call('get', `/Users?${query.replace('&', '%26')}`)).status).toBe(400);
    }
    await gatehouse.flush();
    const { read: reads } = gatehouse.store;
    const stored = [
      await reads.provisioningLog.find(organizationId, {}),
      await reads.directoryUsers.find(organizationId, {}),
      await reads.history.find(organizationId, {}),
      await reads.auditEvents.find(organizationId, {}),
      await reads.outbox.find(organizationId, {}),
    ];
    const answered = [user, put, patched, added, removed, read, refused].map((one) => ('body' in one ? one.body : one));
    expect(JSON.stringify([stored, answered])).not.toMatch(/Tr0ub4dor/);
    expect(JSON.stringify(answered)).not.toMatch(/"password"/i);
  });

  test('a change of nothing but the password changes nothing, and says so in the log (SCIM-5)', async () => {
    const user = await world.user();
    const patched = await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'password', value: secret });
    expect([patched.status, patched.body]).toEqual([200, user]);
    const [row] = await world.gatehouse.store.read.provisioningLog.find(
      world.organizationId,
      {},
      { sort: { _id: -1 }, limit: 1 },
    );
    expect(row).toMatchObject({ outcome: 'no_effect', notes: ['password_not_kept'] });
  });
});
