import { beforeAll, describe, expect, test } from '@jest/globals';
import { ERROR, GROUP, openWorld, PATCH, type ScimWorld, USER, type Verb } from '../setup.ts';
import { proves } from './proves.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

/** One call with headers of its own. */
const send = async (verb: Verb, path: string, headers: Record<string, string>, body?: object) => {
  const { gatehouse, token, directory } = world;
  const asked = gatehouse.bearer(token, verb, `/scim/v2/${directory._id}${path}`).set(headers);
  return body === undefined ? asked : asked.type('application/scim+json').send(JSON.stringify(body));
};

type Made = Record<string, unknown> & { id: string };
const kinds: [string, string, () => Promise<Made>, (name: string) => object][] = [
  ['User', '/Users', () => world.user(), (name) => ({ schemas: [USER], userName: `${name}@acme.test`, title: name })],
  ['Group', '/Groups', () => world.group(), (name) => ({ schemas: [GROUP], displayName: name })],
];
const rename = (kind: string, name: string) => ({
  schemas: [PATCH],
  Operations: [{ op: 'replace', path: kind === 'User' ? 'title' : 'displayName', value: name }],
});

describe.each(kinds)('versions of a %s (RFC 7644 §3.14)', (kind, endpoint, make, body) => {
  test(
    proves(
      'POST, GET, HEAD, PUT and PATCH carry a weak ETag, which is meta.version of what they answer',
      '7643-3.1-19',
      '7643-5-13',
      '7644-3.3-10',
      '7644-3.5.1-11',
      '7644-3.5.2-20',
      '7644-3.14-01',
      '7644-3.14-02',
      '7644-3.14-03',
    ),
    async () => {
      const created = await world.call('post', endpoint, body(`etag-${kind}`));
      const path = `${endpoint}/${created.body.id}`;
      const answers = [
        created,
        await world.call('get', path),
        await world.call('put', path, body(`etag-put-${kind}`)),
        await world.call('patch', `${path}?attributes=meta`, rename(kind, 'Patched')),
        await world.call('get', path),
      ];
      for (const answer of answers) {
        expect(answer.headers.etag).toMatch(/^W\/"[^"]+"$/);
        expect(answer.headers.etag).toBe(answer.body.meta.version);
      }
      const last = answers.at(-1)?.headers.etag;
      const silent = await world.call('patch', path, rename(kind, 'Patched'));
      expect([
        silent.headers.etag,
        (
          await world.gatehouse.request
            .head(`/scim/v2/${world.directory._id}${path}`)
            .set('Authorization', `Bearer ${world.token}`)
        ).headers.etag,
      ]).toEqual([last, last]);
    },
  );

  test(
    proves(
      'the Content-Location of what is answered is its meta.location, and the resource is there',
      '7643-3.1-17',
      '7643-3.1-18',
    ),
    async () => {
      const created = await world.call('post', endpoint, body(`location-${kind}`));
      const path = `${endpoint}/${created.body.id}`;
      for (const answer of [
        created,
        await world.call('get', path),
        await world.call('put', path, body(`location-put-${kind}`)),
        await world.call('patch', `${path}?attributes=meta`, rename(kind, 'Patched')),
      ]) {
        expect(answer.headers['content-location']).toBe(`${world.base}${path}`);
        expect(answer.body.meta.location).toBe(answer.headers['content-location']);
      }
    },
  );

  test(
    proves('every change makes a new version, what changes nothing leaves it', '7644-3.14-04', '7644-3.14-05'),
    async () => {
      const made = await make();
      const path = `${endpoint}/${made.id}`;
      const versions = [(await world.call('get', path)).headers.etag];
      for (const change of [
        () => world.call('put', path, body(`version-${kind}`)),
        () => world.call('patch', path, rename(kind, 'once')),
        () => world.call('patch', path, rename(kind, 'twice')),
      ]) {
        await change();
        versions.push((await world.call('get', path)).headers.etag);
      }
      expect(new Set(versions).size).toBe(4);
      await world.call('patch', path, rename(kind, 'twice'));
      await world.call('put', path, (await world.call('get', path)).body);
      expect((await world.call('get', path)).headers.etag).toBe(versions.at(-1));
    },
  );

  test(
    proves(
      'If-None-Match spares the reader what it has: 304 with the ETag and no body; another version is answered',
      '7644-3.14-06',
      '7644-3.14-07',
      '7644-3.14-08',
      '7644-3.14-12',
      '7644-3.14-13',
    ),
    async () => {
      const { id } = await make();
      const path = `${endpoint}/${id}`;
      const { etag = '' } = (await world.call('get', path)).headers;
      for (const known of [etag, `W/"0", ${etag}`, etag.slice(2), '*']) {
        const answer = await send('get', path, { 'If-None-Match': known });
        expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, '', etag]);
        expect(answer.headers).not.toHaveProperty('content-type');
      }
      for (const other of ['W/"0"', '"x"', 'garbage', '']) {
        expect((await send('get', path, { 'If-None-Match': other })).status).toBe(200);
      }
    },
  );

  test(
    proves(
      'If-Match lets the present version through and makes any other 412: nothing is changed',
      '7644-3.12-10',
      '7644-3.14-09',
      '7644-3.14-10',
      '7644-3.14-11',
      '7644-3.14-12',
      '7644-3.14-13',
    ),
    async () => {
      const { id } = await make();
      const path = `${endpoint}/${id}`;
      const before = await world.call('get', path);
      for (const stale of ['W/"0"', '"0"', 'garbage']) {
        for (const answer of [
          await send('put', path, { 'If-Match': stale }, body('stale')),
          await send('patch', path, { 'If-Match': stale }, rename(kind, 'stale')),
          await send('delete', path, { 'If-Match': stale }),
        ]) {
          expect(answer.status).toBe(412);
          expect(answer.body).toEqual({ schemas: [ERROR], status: '412', detail: expect.stringMatching(/version/) });
        }
      }
      expect((await world.call('get', path)).body).toEqual(before.body);
      const { etag = '' } = before.headers;
      const put = await send('put', path, { 'If-Match': etag }, body(`fresh-${kind}`));
      expect(put.status).toBe(200);
      const patched = await send('patch', path, { 'If-Match': `"x", ${put.headers.etag}` }, rename(kind, 'fresh'));
      expect(patched.status).toBeLessThan(300);
      expect((await send('put', path, { 'If-Match': '*' }, body(`fresh-${kind}`))).status).toBe(200);
      const { etag: last = '' } = (await world.call('get', path)).headers;
      expect((await send('delete', path, { 'If-Match': last.slice(2) })).status).toBe(204);
      expect((await send('put', path, { 'If-Match': '*' }, body('gone'))).status).toBe(404);
    },
  );

  test(
    proves('If-None-Match forbids a write to the version that it names, * to any', '7644-3.14-15', '7644-7.1-01'),
    async () => {
      const { id } = await make();
      const path = `${endpoint}/${id}`;
      const { etag = '' } = (await world.call('get', path)).headers;
      for (const known of ['*', etag]) {
        expect((await send('put', path, { 'If-None-Match': known }, body('x'))).status).toBe(412);
        expect((await send('patch', path, { 'If-None-Match': known }, rename(kind, 'x'))).status).toBe(412);
        expect((await send('delete', path, { 'If-None-Match': known })).status).toBe(412);
      }
      expect((await world.call('get', path)).headers.etag).toBe(etag);
      expect((await send('delete', path, { 'If-None-Match': 'W/"0"' })).status).toBe(204);
    },
  );
});

test.each(kinds)('HEAD of a %s answers what GET does, without the body (RFC 9110 §9.3.2)', async (...of) => {
  const [, endpoint, make] = of;
  const path = `${endpoint}/${(await make()).id}`;
  const get = await world.call('get', path);
  const asked = world.gatehouse.request.head(`/scim/v2/${world.directory._id}${path}`);
  const head = await asked.set('Authorization', `Bearer ${world.token}`);
  for (const name of ['content-type', 'content-length', 'etag', 'content-location', 'cache-control'])
    expect([name, head.headers[name]]).toEqual([name, get.headers[name]]);
});

describe('conditions of those who read (RFC 9110 §13)', () => {
  test.each(kinds)('If-Match on GET and HEAD of a %s: 412 for another version, before If-None-Match', async (...of) => {
    const [, endpoint, make] = of;
    const { id } = await make();
    const path = `${endpoint}/${id}`;
    const { etag = '' } = (await world.call('get', path)).headers;
    for (const wanted of ['W/"0"', '"x"', 'garbage']) {
      const refused = await send('get', path, { 'If-Match': wanted, 'If-None-Match': etag });
      expect([refused.status, refused.body.status, refused.body.schemas]).toEqual([412, '412', [ERROR]]);
      const head = world.gatehouse.request.head(`/scim/v2/${world.directory._id}${path}`);
      expect((await head.set({ Authorization: `Bearer ${world.token}`, 'If-Match': wanted })).status).toBe(412);
    }
    for (const wanted of [etag, '*', `"x", ${etag}`, etag.slice(2)]) {
      expect((await send('get', path, { 'If-Match': wanted })).status).toBe(200);
      expect((await send('get', path, { 'If-Match': wanted, 'If-None-Match': etag })).status).toBe(304);
    }
    expect((await send('get', `${endpoint}/none`, { 'If-Match': '*' })).status).toBe(404);
  });

  test("a user's version that was seen without groups is the same version; one of other groups is not", async () => {
    const { id } = await world.user();
    await world.group({ members: [{ value: id }] });
    const path = `/Users/${id}`;
    const alone = String((await world.call('get', `${path}?excludedAttributes=groups`)).headers.etag);
    const before = String((await world.call('get', path)).headers.etag);
    await world.group({ members: [{ value: id }] });
    expect((await send('get', path, { 'If-Match': alone })).status).toBe(200);
    expect((await send('get', path, { 'If-Match': before })).status).toBe(412);
  });
});

describe('versions and memberships (RFC 7644 §3.14)', () => {
  test(
    proves("a change of its members, also by a member's end, is a new version of the Group", '7644-3.14-14'),
    async () => {
      const [ann, bob] = [await world.user(), await world.user()];
      const group = await world.group();
      const path = `/Groups/${group.id}`;
      const version = async () => String((await world.call('get', path)).headers.etag);
      const seen = [await version()];
      const add = { op: 'add', path: 'members', value: [{ value: ann.id }, { value: bob.id }] };
      for (const change of [
        () => world.patch(path, add),
        () => world.patch(path, { op: 'remove', path: `members[value eq "${bob.id}"]` }),
        () =>
          world.call('put', path, { schemas: [GROUP], displayName: group.displayName, members: [{ value: bob.id }] }),
        () => world.call('delete', `/Users/${bob.id}`),
      ]) {
        await change();
        seen.push(await version());
      }
      expect(new Set(seen).size).toBe(5);
      expect((await send('get', path, { 'If-None-Match': seen.at(-2) ?? '' })).status).toBe(200);
      expect((await send('patch', path, { 'If-Match': seen.at(-2) ?? '' }, rename('Group', 'x'))).status).toBe(412);
    },
  );

  test(
    proves(
      "a change of a User's groups is a new version of what is read, and stands in the way of no write",
      '7644-3.14-04',
      '7644-3.14-10',
      '7643-4.1.2-11',
      '7643-4.1.2-13',
    ),
    async () => {
      const ann = await world.user();
      const path = `/Users/${ann.id}`;
      const seen = [String((await world.call('get', path)).headers.etag)];
      const group = await world.group({ displayName: 'Inner', members: [{ value: ann.id }] });
      const see = async () => seen.push(String((await world.call('get', path)).headers.etag));
      await see();
      await world.patch(`/Groups/${group.id}`, { op: 'replace', path: 'displayName', value: 'Renamed' });
      await see();
      await world.group({ displayName: 'Outer', members: [{ value: group.id }] });
      await see();
      expect(new Set(seen).size).toBe(4);
      const read = await world.call('get', path);
      expect(read.body.meta.version).toBe(seen.at(-1));
      expect(read.body.groups.map(({ type }: { type: string }) => type)).toEqual(['direct', 'indirect']);
      const { Resources } = (await world.call('get', `/Users?filter=id eq "${ann.id}"`)).body;
      expect(Resources).toEqual([read.body]);
      expect((await send('get', path, { 'If-None-Match': seen.at(-2) ?? '' })).status).toBe(200);
      expect((await send('get', path, { 'If-None-Match': seen.at(-1) ?? '' })).status).toBe(304);
      const put = { schemas: [USER], userName: 'grouped@acme.test' };
      const written = await send('put', path, { 'If-Match': seen[1] ?? '' }, put);
      expect([written.status, written.headers.etag]).toEqual([200, written.body.meta.version]);
      expect((await send('put', path, { 'If-Match': seen.at(-1) ?? '' }, put)).status).toBe(412);
    },
  );
});
