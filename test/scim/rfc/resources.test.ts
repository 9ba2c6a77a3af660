import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, GROUP, openWorld, type ScimWorld, USER } from '../setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const full = {
  schemas: [USER, ENTERPRISE],
  userName: 'Full.Person@Acme.test',
  externalId: '00u1',
  displayName: 'Full Person',
  name: { formatted: 'Full Person', familyName: 'Person', givenName: 'Full', honorificPrefix: 'Dr.' },
  nickName: 'F',
  profileUrl: 'https://acme.test/full',
  title: 'True',
  locale: 'de-DE',
  active: true,
  emails: [
    { value: 'Full.Person@Acme.test', type: 'work', primary: true },
    { value: 'full@home.test', type: 'home', display: 'Home' },
  ],
  phoneNumbers: [{ value: '+49 1', type: 'mobile' }],
  addresses: [{ type: 'work', streetAddress: 'Main St 1', locality: 'Ulm', primary: true }],
  roles: [{ value: 'admin', displayName: 'kept although unknown' }],
  [ENTERPRISE]: { employeeNumber: '7', department: 'R&D', manager: { value: 'boss', $ref: '../Users/boss' } },
  'urn:example:params:scim:schemas:custom:2.0:User': { floor: 3, 'a.b': { $x: [1, '', true] }, '%': '' },
  shoeSize: 42,
};

describe('resources (RFC 7643 §3, RFC 7644 §3.3 to §3.6)', () => {
  test('POST answers 201 with Location and the resource as sent, custom extensions and unknown attributes included', async () => {
    const created = await world.call('post', '/Users', full);
    expect(created.status).toBe(201);
    expect(created.headers['content-type']).toBe('application/scim+json; charset=utf-8');
    const { id, meta, schemas, ...rest } = created.body;
    const { schemas: _, ...sent } = full;
    expect(rest).toEqual(sent);
    expect(schemas).toEqual(
      expect.arrayContaining([USER, ENTERPRISE, 'urn:example:params:scim:schemas:custom:2.0:User']),
    );
    expect(meta).toEqual({
      resourceType: 'User',
      created: expect.stringMatching(/^\d{4}-.*Z$/),
      lastModified: meta.created,
      location: `${world.base}/Users/${id}`,
      version: 'W/"1"',
    });
    expect(created.headers.location).toBe(meta.location);
    expect(created.headers.etag).toBe('W/"1"');

    const read = await world.call('get', `/Users/${id}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(created.body);
  });

  test('PUT replaces: what it does not name is gone, but active stays as it was (SCIM-3) and read-only parts are ignored', async () => {
    const { id } = await world.user({ title: 'Boss', externalId: 'x', active: false });
    const put = await world.call('put', `/Users/${id}`, {
      schemas: [USER],
      id: 'usr-other',
      userName: 'put@acme.test',
      groups: [{ value: 'grp-1' }],
      meta: { resourceType: 'User', version: 'W/"9"' },
      nickName: 'P',
    });
    expect(put.status).toBe(200);
    expect(put.body).toMatchObject({ id, userName: 'put@acme.test', nickName: 'P', active: false });
    expect(put.body).not.toHaveProperty('title');
    expect(put.body).not.toHaveProperty('externalId');
    expect(put.body).not.toHaveProperty('groups');
    expect(put.headers.etag).toBe('W/"2"');
    expect(Date.parse(put.body.meta.lastModified)).toBeGreaterThanOrEqual(Date.parse(put.body.meta.created));
  });

  test('a PUT or PATCH that changes nothing leaves meta untouched', async () => {
    const user = await world.user({ title: 'Boss', emails: [{ value: 'same@acme.test', type: 'work' }] });
    const put = await world.call('put', `/Users/${user.id}`, user);
    expect(put.body).toEqual(user);
    const patched = await world.patch(`/Users/${user.id}`, { op: 'Replace', path: 'title', value: 'Boss' });
    expect(patched.body).toEqual(user);
    const group = await world.group({ members: [{ value: user.id }] });
    const noop = await world.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] });
    expect(noop.status).toBe(204);
    expect((await world.call('get', `/Groups/${group.id}`)).body).toEqual(group);
  });

  test('DELETE answers 204 with no body; afterwards every verb answers 404, and lists are empty of it', async () => {
    const user = await world.user();
    const gone = await world.call('delete', `/Users/${user.id}`);
    expect([gone.status, gone.text]).toEqual([204, '']);
    for (const answer of [
      await world.call('get', `/Users/${user.id}`),
      await world.call('delete', `/Users/${user.id}`),
      await world.call('put', `/Users/${user.id}`, { schemas: [USER], userName: 'x@acme.test' }),
      await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'title', value: 'x' }),
    ]) {
      expect(answer.status).toBe(404);
      expect(answer.body).toEqual({ schemas: [ERROR], status: '404', detail: expect.stringContaining(user.id) });
    }
    const list = await world.call('get', `/Users?filter=id eq "${user.id}"`);
    expect(list.body).toMatchObject({ totalResults: 0, Resources: [] });
  });

  test('a failed PATCH changes nothing: operations are applied all or none', async () => {
    const user = await world.user({ title: 'Boss' });
    const answer = await world.patch(
      `/Users/${user.id}`,
      { op: 'replace', path: 'title', value: 'Changed' },
      { op: 'replace', path: 'id', value: 'x' },
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ status: '400', scimType: 'mutability' });
    expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
  });

  test('passwords are accepted and neither kept, returned nor logged', async () => {
    const { gatehouse, organizationId } = world;
    const secret = 'correct horse battery';
    const user = await world.user({ password: secret });
    const patched = await world.patch(
      `/Users/${user.id}`,
      { op: 'replace', path: 'password', value: secret },
      { op: 'replace', value: { password: secret, title: 'x' } },
    );
    expect(patched.status).toBe(200);
    expect(JSON.stringify([user, patched.body])).not.toContain(secret);
    const broken = await world.gatehouse
      .bearer(world.token, 'post', `/scim/v2/${world.directory._id}/Users`)
      .type('application/scim+json')
      .send(`{"password":"${secret}",}`);
    expect(broken.status).toBe(400);
    const rows = await gatehouse.store.read.provisioningLog.find(organizationId, {});
    const stored = await gatehouse.store.read.directoryUsers.find(organizationId, {});
    expect(JSON.stringify([rows, stored, broken.body])).not.toContain('horse');
    expect(rows.filter(({ notes }) => notes.includes('password_not_kept'))).toHaveLength(2);
  });

  test('attributes and excludedAttributes take URNs of extensions, known and custom, whole and in part (SCIM-1, §3.9)', async () => {
    const custom = 'urn:x:1.0:User';
    const enterprise = { department: 'R&D', division: 'D' };
    const { id } = await world.user({ title: 'Boss', [ENTERPRISE]: enterprise, [custom]: { floor: 3, 'wing.a': 1 } });
    const get = async (query: string) => {
      const { schemas: _, id: __, ...rest } = (await world.call('get', `/Users/${id}?${query}`)).body;
      return rest;
    };
    expect(await get(`attributes=${ENTERPRISE}`)).toEqual({ [ENTERPRISE]: enterprise });
    expect(await get(`attributes=${ENTERPRISE}:department`)).toEqual({ [ENTERPRISE]: { department: 'R&D' } });
    expect(await get(`attributes=${USER}:title`)).toEqual({ title: 'Boss' });
    expect(await get(`attributes=${custom}`)).toEqual({ [custom]: { floor: 3, 'wing.a': 1 } });
    expect(await get(`attributes=${custom}:floor`)).toEqual({ [custom]: { floor: 3 } });
    const without = await get(`excludedAttributes=${custom},${ENTERPRISE}:division`);
    expect(without).toMatchObject({ title: 'Boss', [ENTERPRISE]: { department: 'R&D' } });
    expect(without).not.toHaveProperty([custom]);
    expect(without[ENTERPRISE]).not.toHaveProperty('division');
  });

  test('a PUT of a Group and a PATCH of a User answer 200 with the whole resource (SCIM-2, RFC 7644 §3.5)', async () => {
    const user = await world.user({ title: 'Boss' });
    const patched = await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'title', value: 'Chief' });
    expect([patched.status, patched.body]).toMatchObject([
      200,
      { id: user.id, userName: user.userName, title: 'Chief' },
    ]);
    const group = await world.group();
    const body = { schemas: [GROUP], displayName: 'Put', members: [{ value: user.id }] };
    const put = await world.call('put', `/Groups/${group.id}`, body);
    expect([put.status, put.body]).toMatchObject([200, { id: group.id, ...body }]);
  });

  test('attributes and excludedAttributes choose what is answered, on every verb (§3.9)', async () => {
    const { id } = await world.user({
      title: 'Boss',
      name: { givenName: 'A', familyName: 'B' },
      emails: [{ value: 'sel@acme.test', type: 'work' }],
    });
    const only = await world.call('get', `/Users/${id}?attributes=USERNAME,name.givenName,emails.value`);
    expect(only.body).toEqual({
      schemas: [USER],
      id,
      userName: expect.any(String),
      name: { givenName: 'A' },
      emails: [{ value: 'sel@acme.test' }],
    });
    const without = await world.call('get', `/Users/${id}?excludedAttributes=title,name.givenName,id,emails.type,meta`);
    expect(without.body).toEqual({
      schemas: [USER],
      id,
      userName: expect.any(String),
      active: true,
      name: { familyName: 'B' },
      emails: [{ value: 'sel@acme.test' }],
    });
    const patched = await world.patch(`/Users/${id}?attributes=title`, { op: 'replace', path: 'title', value: 'X' });
    expect(patched.body).toEqual({ schemas: [USER], id, title: 'X' });
    const both = await world.call('get', `/Users/${id}?attributes=title&excludedAttributes=name`);
    expect(both.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
  });

  test('ETag: If-Match guards writes (412), If-None-Match spares reads (304), weak comparison (§3.14)', async () => {
    const group = await world.group();
    const path = `/scim/v2/${world.directory._id}/Groups/${group.id}`;
    const { gatehouse, token } = world;
    expect((await gatehouse.bearer(token, 'get', path).set('If-None-Match', 'W/"1"')).status).toBe(304);
    expect((await gatehouse.bearer(token, 'get', path).set('If-None-Match', 'W/"7"')).status).toBe(200);
    const body = { schemas: [GROUP], displayName: 'Renamed' };
    const stale = await gatehouse.bearer(token, 'put', path).set('If-Match', 'W/"7"').type('json').send(body);
    expect(stale.status).toBe(412);
    expect(stale.body).toMatchObject({ schemas: [ERROR], status: '412' });
    const fresh = await gatehouse.bearer(token, 'put', path).set('If-Match', 'W/"7", "1"').type('json').send(body);
    expect([fresh.status, fresh.headers.etag]).toEqual([200, 'W/"2"']);
    expect((await gatehouse.bearer(token, 'delete', path).set('If-Match', 'W/"1"')).status).toBe(412);
    expect((await gatehouse.bearer(token, 'delete', path).set('If-Match', '*')).status).toBe(204);
  });

  test('a change of its members is a new version of the group', async () => {
    const user = await world.user();
    const group = await world.group();
    await world.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: user.id }] });
    const read = await world.call('get', `/Groups/${group.id}`);
    expect(read.body.meta.version).not.toBe((group as { meta?: { version?: string } }).meta?.version);
  });
});
