import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, GROUP, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves } from './proves.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const put = (path: string, body: object) => world.call('put', path, body);

describe('PUT (RFC 7644 §3.5.1)', () => {
  test(
    proves(
      'replaces what it names, clears what it does not, but active and members; answers 200 with the whole resource',
      '7644-3.2-01',
      '7644-3.5-01',
      '7644-3.5.1-01',
      '7644-3.5.1-02',
      '7644-3.5.1-07',
    ),
    async () => {
      const user = await world.user({
        title: 'Boss',
        externalId: 'x',
        active: false,
        [ENTERPRISE]: { department: 'R&D' },
      });
      const answer = await put(`/Users/${user.id}`, { schemas: [USER], userName: 'put@acme.test', nickName: 'P' });
      expect(answer.status).toBe(200);
      const { meta, ...rest } = answer.body;
      expect(rest).toEqual({ schemas: [USER], id: user.id, userName: 'put@acme.test', nickName: 'P', active: false });
      expect(meta.created).toBe((user as { meta?: { created?: string } }).meta?.created);
      const group = await world.group({ members: [{ value: user.id }], externalId: 'g' });
      const renamed = await put(`/Groups/${group.id}`, { schemas: [GROUP], displayName: 'Put' });
      expect(renamed.body).toMatchObject({ displayName: 'Put', members: [{ value: user.id }] });
      expect(renamed.body).not.toHaveProperty('externalId');
    },
  );

  test(
    proves('what was read can be put: nothing changes by it', '7644-3.5.1-09', '7644-3.5.1-04', '7644-3.14-05'),
    async () => {
      const user = await world.user({
        title: 'T',
        emails: [{ value: 'same@acme.test', primary: true }],
        [ENTERPRISE]: { department: 'D' },
      });
      const group = await world.group({ members: [{ value: user.id }] });
      for (const path of [`/Users/${user.id}`, `/Groups/${group.id}`]) {
        const read = await world.call('get', path);
        const answer = await put(path, read.body);
        expect([answer.status, answer.body, answer.headers.etag]).toEqual([200, read.body, read.headers.etag]);
      }
    },
  );

  test(
    proves('read-only attributes in it are ignored', '7644-3.5.1-04', '7643-4.1.2-14', '7643-4.3-05', '7643-7-13'),
    async () => {
      const { id } = await world.user();
      const { body } = await put(`/Users/${id}`, {
        schemas: [USER, ENTERPRISE],
        id: 'other',
        userName: 'readonly@acme.test',
        groups: [{ value: 'grp-x' }],
        meta: { resourceType: 'Robot', version: 'W/"9"' },
        [ENTERPRISE]: { manager: { value: 'm', displayName: 'not mine to say' } },
      });
      expect(body).toMatchObject({ id, meta: { resourceType: 'User' }, [ENTERPRISE]: { manager: { value: 'm' } } });
      expect(body).not.toHaveProperty('groups');
      expect(JSON.stringify(body)).not.toContain('not mine to say');
    },
  );

  test(proves('creates nothing: an unknown id is 404', '7644-3.5.1-03', '7644-3.12-08'), async () => {
    for (const [path, body] of [
      ['/Users/mine', { schemas: [USER], userName: 'mine@acme.test' }],
      ['/Groups/mine', { schemas: [GROUP], displayName: 'mine' }],
    ] as const) {
      expect((await put(path, body)).body).toEqual({ schemas: [ERROR], status: '404', detail: expect.any(String) });
      expect((await world.call('get', path)).status).toBe(404);
    }
  });

  test(proves('must name what is required', '7644-3.5.1-08', '7643-7-21'), async () => {
    const [user, group] = [await world.user(), await world.group()];
    expect((await put(`/Users/${user.id}`, { schemas: [USER], title: 'x' })).body).toMatchObject({
      status: '400',
      scimType: 'invalidValue',
    });
    expect((await put(`/Groups/${group.id}`, { schemas: [GROUP] })).body).toMatchObject({
      status: '400',
      scimType: 'invalidValue',
    });
    expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
  });

  test(proves("somebody else's userName is 409 uniqueness", '7644-3.5.1-10', '7644-3.12-16'), async () => {
    const [ann, bob] = [await world.user({ userName: 'ann@acme.test' }), await world.user()];
    const answer = await put(`/Users/${bob.id}`, { schemas: [USER], userName: 'ANN@acme.test' });
    expect(answer.body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    expect((await put(`/Users/${ann.id}`, { schemas: [USER], userName: 'ANN@acme.test' })).status).toBe(200);
  });

  test(
    proves('attributes and excludedAttributes choose what POST and PUT answer', '7644-3.9-06', '7644-3.9-07'),
    async () => {
      const body = { schemas: [USER], userName: 'chosen@acme.test', title: 'T', nickName: 'N' };
      const posted = await world.call('post', '/Users?attributes=userName', body);
      expect([posted.status, posted.body]).toEqual([
        201,
        { schemas: [USER], id: expect.any(String), userName: body.userName },
      ]);
      expect(posted.headers.location).toBe(`${world.base}/Users/${posted.body.id}`);
      const { id } = posted.body;
      expect((await put(`/Users/${id}?attributes=title`, body)).body).toEqual({ schemas: [USER], id, title: 'T' });
      const without = await put(`/Users/${id}?excludedAttributes=title,meta,id`, body);
      expect(without.body).toEqual({ schemas: [USER], id, userName: body.userName, nickName: 'N', active: true });
      const group = await world.call('post', '/Groups?excludedAttributes=members', {
        schemas: [GROUP],
        displayName: 'G',
        members: [{ value: id }],
      });
      expect([group.status, group.body.members]).toEqual([201, undefined]);
    },
  );
});

describe('DELETE (RFC 7644 §3.6)', () => {
  test.each([
    ['User', '/Users', () => world.user()],
    ['Group', '/Groups', () => world.group()],
  ] as const)(
    proves(
      'a %s is gone with 204: every verb is 404, no list has it',
      '7644-3.2-01',
      '7644-3.6-01',
      '7644-3.6-02',
      '7644-3.6-03',
      '7644-3.6-05',
      '7644-3.4.1-02',
      '7644-3.12-08',
    ),
    async (kind, endpoint, make) => {
      const { id } = await make();
      const path = `${endpoint}/${id}`;
      const gone = await world.call('delete', path);
      expect([gone.status, gone.text]).toEqual([204, '']);
      const body =
        kind === 'User' ? { schemas: [USER], userName: 'x@acme.test' } : { schemas: [GROUP], displayName: 'x' };
      for (const answer of [
        await world.call('get', path),
        await put(path, body),
        await world.patch(path, { op: 'replace', path: 'externalId', value: 'x' }),
        await world.call('delete', path),
      ]) {
        expect(answer.status).toBe(404);
        expect(answer.body).toEqual({ schemas: [ERROR], status: '404', detail: expect.stringMatching(/./) });
      }
      const list = await world.call('get', endpoint);
      expect(list.body.Resources.map((one: { id: string }) => one.id)).not.toContain(id);
      expect((await world.call('get', `${endpoint}?filter=id eq "${id}"`)).body).toMatchObject({ totalResults: 0 });
    },
  );

  test(proves("what is deleted stands in no one's way", '7644-3.6-04'), async () => {
    const fields = { userName: 'phoenix@acme.test', externalId: 'phoenix' };
    const first = await world.user(fields);
    await world.call('delete', `/Users/${first.id}`);
    const second = await world.user(fields);
    expect(second.id).not.toBe(first.id);
  });

  test(proves('a deleted User or Group is in no Group any more', '7644-3.6-06'), async () => {
    const [user, inner] = [await world.user(), await world.group()];
    const { id } = await world.group({ members: [{ value: user.id }, { value: inner.id }] });
    await world.call('delete', `/Users/${user.id}`);
    await world.call('delete', `/Groups/${inner.id}`);
    expect((await world.call('get', `/Groups/${id}`)).body).not.toHaveProperty('members');
  });
});
