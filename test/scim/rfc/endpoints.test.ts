import { beforeAll, describe, expect, test } from '@jest/globals';
import { ERROR, LIST, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves, rows } from './proves.ts';

let world: ScimWorld;
let user: { id: string };
beforeAll(async () => {
  world = await openWorld();
  user = await world.user({ userName: 'ann@acme.test' });
});

const ask = (path: string, headers: Record<string, string>, method: 'get' | 'head' | 'post' = 'get') =>
  world.gatehouse.request[method](`/scim/v2/${world.directory._id}${path}`)
    .set('Authorization', `Bearer ${world.token}`)
    .set(headers);

describe('media types (RFC 7644 §3.8)', () => {
  test.each([
    [rows('7644-3.8-06'), undefined, 'application/scim+json'],
    [rows('7644-3.8-06'), '*/*', 'application/scim+json'],
    [rows('7644-3.8-04', '7644-8-01'), 'application/scim+json', 'application/scim+json'],
    [rows('7644-3.8-04'), 'application/json, text/plain, */*', 'application/scim+json'],
    [rows('7644-3.8-04'), 'application/*;q=0.5', 'application/scim+json'],
    [rows('7644-3.8-05'), 'application/json', 'application/json'],
    [rows('7644-3.8-05'), 'text/html, APPLICATION/JSON; charset=utf-8', 'application/json'],
    [rows('7644-3.8-05'), 'application/scim+json;q=0, application/json', 'application/json'],
  ])('%s Accept: %s is answered as %s', async (_rows, accept, type) => {
    const answer = await ask(`/Users/${user.id}`, accept === undefined ? {} : { Accept: accept });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, `${type}; charset=utf-8`]);
    const refused = await ask('/Users/none', accept === undefined ? {} : { Accept: accept });
    expect([refused.status, refused.headers['content-type']]).toEqual([404, `${type}; charset=utf-8`]);
  });

  test.each(['text/html', 'application/xml', 'application/scim+json;q=0', 'image/*'])(
    proves('Accept: %s is 406 with a SCIM error, and a write is not made', '7644-3.8-07', '7644-3.12-24'),
    async (accept) => {
      const answer = await ask(`/Users/${user.id}`, { Accept: accept });
      expect(answer.status).toBe(406);
      expect(answer.headers['content-type']).toBe('application/scim+json; charset=utf-8');
      expect(answer.body).toEqual({ schemas: [ERROR], status: '406', detail: expect.stringMatching(/scim\+json/) });
      const before = (await world.call('get', '/Users?count=0')).body.totalResults;
      const body = JSON.stringify({ schemas: [USER], userName: `${Math.random()}@acme.test` });
      const write = await ask('/Users', { Accept: accept, 'Content-Type': 'application/scim+json' }, 'post').send(body);
      expect(write.status).toBe(406);
      expect((await world.call('get', '/Users?count=0')).body.totalResults).toBe(before);
    },
  );
});

describe('endpoints (RFC 7644 §3.2, §3.11, §3.13)', () => {
  test(proves('HEAD answers what GET does, without a body', '7644-3.2-05'), async () => {
    for (const path of [`/Users/${user.id}`, '/Users', '/Schemas', '/Users/none']) {
      const [get, head] = [await ask(path, {}), await ask(path, {}, 'head')];
      expect([head.status, head.text, head.headers.etag]).toEqual([get.status, undefined, get.headers.etag]);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    }
  });

  test(proves('a slash at the end changes nothing', '7644-3.2-02'), async () => {
    expect((await world.call('get', `/Users/${user.id}/`)).body).toEqual(
      (await world.call('get', `/Users/${user.id}`)).body,
    );
    expect((await world.call('get', '/Groups/')).body.schemas).toEqual([LIST]);
  });

  test.each(['get', 'post', 'put', 'patch', 'delete'] as const)(
    proves('%s /Me is 501: a token is not a person', '7644-3.11-02', '7644-3.11-03', '7644-3.12-13'),
    async (verb) => {
      for (const path of ['/Me', '/Me/', '/Me?attributes=id', '/me']) {
        const answer = await world.call(verb, path);
        expect(answer.status).toBe(501);
        expect(answer.body).toEqual({ schemas: [ERROR], status: '501', detail: expect.stringMatching(/\/Me/) });
      }
    },
  );

  test.each(['/scim/v1/Users', '/scim/v1', '/scim/v3/x/Users', '/scim/v1.1/Users'])(
    proves('%s is 400 invalidVers: version 2 is served', '7644-3.13-01', '7644-3.12-22'),
    async (path) => {
      const answer = await world.gatehouse.bearer(world.token, 'get', path);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ schemas: [ERROR], status: '400', scimType: 'invalidVers' });
    },
  );

  test(proves('an address above the directories is 404 with a SCIM error', '7644-3.2-04', '7644-3.12-08'), async () => {
    for (const path of ['/scim', '/scim/', '/scim/v2', '/scim/v2/', '/scim/other']) {
      const answer = await world.gatehouse.bearer(world.token, 'get', path);
      expect([answer.status, answer.body.schemas]).toEqual([404, [ERROR]]);
    }
  });

  test(proves('answers are kept by no cache', '7644-7.1-02'), async () => {
    for (const path of [`/Users/${user.id}`, '/Users', '/Users/none'])
      expect((await world.call('get', path)).headers['cache-control']).toBe('no-store');
  });
});
