import { beforeAll, describe, expect, test } from '@jest/globals';
import { issueToken, revokeToken } from '../../../src/directory/index.ts';
import { addWorld, cause, ERROR, GROUP, openWorld, PATCH, type ScimWorld, USER } from '../setup.ts';
import { proves } from './proves.ts';

let world: ScimWorld;
let other: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
  other = await addWorld(world.gatehouse, 'Other');
});

const root = () => `/scim/v2/${world.directory._id}`;
const paths = ['/Users', '/Groups', '/Schemas', '/ResourceTypes', '/Me', '/Users/x', '/Nothing'];

describe('who asks (RFC 7644 §2)', () => {
  test.each(paths)(
    proves(
      '%s without credentials is 401 with a challenge, and says nothing else',
      '7644-2-01',
      '7644-2-05',
      '7644-3.12-06',
      '7644-2.2-01',
      '7643-9.3-01',
    ),
    async (path) => {
      const answer = await world.gatehouse.request.get(root() + path);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm=/);
      expect(answer.body).toEqual({ schemas: [ERROR], status: '401', detail: expect.any(String) });
    },
  );

  test(
    proves('ServiceProviderConfig is read without a token, tells of no directory, and takes no wrong one', '7643-5-17'),
    async () => {
      const { request, bearer } = world.gatehouse;
      const ask = (directoryId: string) => request.get(`/scim/v2/${directoryId}/ServiceProviderConfig`);
      const told = await ask(world.directory._id);
      expect([told.status, told.body]).toEqual([200, (await world.call('get', '/ServiceProviderConfig')).body]);
      const nowhere = 'dir-00000000000000000000000000';
      const none = await ask(nowhere);
      const elsewhere = JSON.stringify(told.body).replaceAll(world.directory._id, nowhere);
      expect([none.status, JSON.stringify(none.body)]).toEqual([200, elsewhere]);
      const path = `${root()}/ServiceProviderConfig`;
      for (const refused of [
        await bearer('wrong', 'get', path),
        await bearer(other.token, 'get', path),
        await request.get(path).set('Authorization', ''),
        await request.get(`${path}?access_token=${world.token}`),
        await request.post(path).send({}),
        await ask('nothing'),
      ])
        expect(refused.status).toBe(401);
      expect((await request.get(`${path}?filter=patch pr`)).status).toBe(403);
      expect((await request.head(path)).status).toBe(200);
    },
  );

  test(proves('the bearer token goes in the Authorization header, its scheme in any case', '7644-2-03'), async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const answer = await world.gatehouse.request
        .get(`${root()}/Users`)
        .set('Authorization', `${scheme} ${world.token}`);
      expect(answer.status).toBe(200);
    }
    const inQuery = await world.gatehouse.request.get(`${root()}/Users?access_token=${world.token}`);
    expect(inQuery.status).toBe(401);
  });

  test(proves("another directory's token is as good as none", '7644-2-02', '7644-2-04', '7644-6.1-01'), async () => {
    const foreign = await world.gatehouse.bearer(other.token, 'get', `${root()}/Users`);
    const wrong = await world.gatehouse.bearer('wrong', 'get', `${root()}/Users`);
    expect([foreign.status, foreign.body]).toEqual([401, wrong.body]);
  });

  test(proves('expired and revoked tokens are refused', '7644-2.1-01', '7644-2.1-02'), async () => {
    const issue = (name: string, expiresAt?: Date) =>
      world.gatehouse.store.transaction(cause, (tx) =>
        issueToken(tx, world.organizationId, world.directory._id, { name, ...(expiresAt && { expiresAt }) }),
      );
    const short = await issue('short', new Date(Date.now() + 300));
    const revoked = await issue('revoked');
    const status = async (token: string) =>
      (await world.gatehouse.bearer(token, 'get', `${root()}/Users?count=0`)).status;
    expect(await status(revoked.secret)).toBe(200);
    await world.gatehouse.store.transaction(cause, (tx) =>
      revokeToken(tx, world.organizationId, world.directory._id, revoked.token._id),
    );
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect([await status(short.secret), await status(revoked.secret)]).toEqual([401, 401]);
  });

  test(proves('tokens are long, random, and kept as hashes only', '7644-7.4-01', '7644-7.4-02'), async () => {
    expect(world.token.replace(/^\w+_/, '').length).toBeGreaterThanOrEqual(32);
    expect(world.token).not.toBe(other.token);
    const kept = await world.gatehouse.store.read.directoryTokens.find(world.organizationId, {});
    expect(kept.length).toBeGreaterThan(0);
    expect(JSON.stringify(kept)).not.toContain(world.token);
  });
});

describe('tenants (RFC 7644 §6)', () => {
  test(
    proves(
      "one tenant's resources are nothing in another, and its names are free there",
      '7644-6-01',
      '7644-6.1-01',
      '7644-6.2-01',
      '7644-6.2-02',
      '7643-3.1-09',
      '7644-2-02',
    ),
    async () => {
      const fields = { userName: 'same@acme.test', externalId: 'same' };
      const [here, there] = [await world.user(fields), await other.user(fields)];
      const group = await other.group({ members: [{ value: there.id }] });
      for (const path of [`/Users/${there.id}`, `/Groups/${group.id}`]) {
        for (const answer of [
          await world.call('get', path),
          await world.call('delete', path),
          await world.call(
            'put',
            path,
            path.startsWith('/U') ? { schemas: [USER], userName: 'x' } : { schemas: [GROUP], displayName: 'x' },
          ),
          await world.patch(path, { op: 'replace', path: 'externalId', value: 'x' }),
        ])
          expect(answer.status).toBe(404);
        expect((await other.call('get', path)).status).toBe(200);
      }
      const { body } = await world.call('get', '/Users?filter=externalId eq "same"');
      expect(body.Resources.map(({ id }: { id: string }) => id)).toEqual([here.id]);
      const members = await world.call('post', '/Groups', {
        schemas: [GROUP],
        displayName: 'x',
        members: [{ value: there.id }],
      });
      expect(members.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
    },
  );
});

describe('what is sent (RFC 7644 §3.8, §3.12, §7.7)', () => {
  const send = (type: string | undefined, body: string) => {
    const asked = world.gatehouse.bearer(world.token, 'post', `${root()}/Users`);
    return (type === undefined ? asked : asked.set('Content-Type', type)).send(body);
  };
  const valid = () => JSON.stringify({ schemas: [USER], userName: `${Math.random()}@acme.test` });

  test.each([
    ['application/scim+json', 201],
    ['application/scim+json; charset=utf-8', 201],
    ['application/json', 201],
    ['text/plain', 415],
    ['application/xml', 415],
  ])(proves('a body of %s: %i', '7644-3.8-02', '7644-3.8-03', '7644-3.8-08'), async (type, status) => {
    const answer = await send(type, valid());
    expect(answer.status).toBe(status);
    if (status === 415) expect(answer.body).toEqual({ schemas: [ERROR], status: '415', detail: expect.any(String) });
  });

  test.each<[string, string]>([
    ['half of JSON', '{"userName": "x'],
    ['no JSON', 'userName=x'],
    ['nothing', ''],
    ['a list', '[]'],
    ['a text', '"x"'],
    ["another message's schema", JSON.stringify({ schemas: [PATCH], userName: 'x' })],
    ['schemas that are no list', JSON.stringify({ schemas: USER, userName: 'x' })],
    ['endless nesting', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
    ['a way to the prototype', `{"schemas":["${USER}"],"userName":"x","__proto__":{"admin":true}}`],
  ])(
    proves('%s is 400 invalidSyntax', '7644-3.12-18', '7644-3.12-05', '7644-7.7-02', '7644-3.1-01'),
    async (_title, body) => {
      const answer = await send('application/scim+json', body);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ schemas: [ERROR], status: '400', scimType: 'invalidSyntax' });
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    },
  );

  test(proves('a body beyond the limit is 413, and the limit is said', '7644-3.12-11', '7644-7.7-02'), async () => {
    const answer = await send('application/json', JSON.stringify({ a: 'x'.repeat(9 * 1024 * 1024) }));
    expect(answer.body).toEqual({ schemas: [ERROR], status: '413', detail: expect.stringMatching(/\d{5,}/) });
  });

  test(proves('operators of the store and of SQL are values', '7644-7.7-01', '7644-3.4.2.2-33'), async () => {
    const title = '\'); DROP TABLE users; -- {"$gt": ""}';
    const { id } = await world.user({ title, nickName: '$where' });
    const found = await world.call('get', `/Users?filter=${encodeURIComponent(`title eq ${JSON.stringify(title)}`)}`);
    expect(found.body.Resources.map((one: { id: string }) => one.id)).toEqual([id]);
    expect((await world.call('post', '/Users', { schemas: [USER], userName: { $ne: '' } })).status).toBe(400);
  });

  test(
    proves(
      'every error has the Error schema, its status as text, a detail, and a keyword of Table 9 or none',
      '7644-3.1-02',
      '7644-3.12-01',
      '7644-3.12-02',
      '7644-3.12-03',
      '7644-3.12-04',
      '7644-3.12-24',
      '7644-3.2-03',
      '7644-3.2-04',
    ),
    async () => {
      const table =
        'invalidFilter tooMany uniqueness mutability invalidSyntax invalidPath noTarget invalidValue invalidVers sensitive';
      const answers = [
        await world.call('get', '/Users/none'),
        await world.call('get', '/Nothing'),
        await world.call('delete', '/Users'),
        await world.call('get', '/Users?filter=x'),
        await world.call('post', '/Users', { schemas: [USER] }),
        await world.call('get', '/Me'),
        await world.gatehouse.request.get(`${root()}/Users`),
      ];
      for (const { status, headers, body } of answers) {
        expect(status).toBeGreaterThanOrEqual(400);
        expect(headers['content-type']).toMatch(/^application\/scim\+json/);
        expect([body.schemas, body.status, body.detail]).toEqual([[ERROR], String(status), expect.stringMatching(/./)]);
        if (body.scimType !== undefined) expect(table.split(' ')).toContain(body.scimType);
      }
      expect(answers[2]?.headers.allow).toBe('GET, HEAD, POST');
    },
  );

  test(proves('no URI that is given holds anything personal', '7644-7.5-02'), async () => {
    const user = (await world.user({ userName: 'secret.person@acme.test', externalId: 'E-77' })) as {
      meta?: { location?: string };
    };
    expect(user.meta?.location).not.toMatch(/secret|acme\.test|E-77/);
  });
});

describe('international text (RFC 7644 §5)', () => {
  test(proves('userName compares without case beyond ASCII', '7644-5-01', '7643-4.1.1-03'), async () => {
    await world.user({ userName: 'ÉMILIE@ümlaut.test' });
    const again = await world.call('post', '/Users', { schemas: [USER], userName: 'émilie@ÜMLAUT.test' });
    expect(again.body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    const found = await world.call('get', `/Users?filter=${encodeURIComponent('userName eq "émilie@ümlaut.TEST"')}`);
    expect(found.body.totalResults).toBe(1);
  });

  test(
    proves(
      'a name in another Unicode normalization is the same or another one, in look-ups as in conflicts',
      '7644-5-02',
    ),
    async () => {
      const [composed, decomposed] = ['Zo\u00eb@acme.test', 'Zoe\u0308@acme.test'];
      await world.user({ userName: composed });
      const found = await world.call('get', `/Users?filter=${encodeURIComponent(`userName eq "${decomposed}"`)}`);
      const again = await world.call('post', '/Users', { schemas: [USER], userName: decomposed });
      expect(again.status).toBe(found.body.totalResults === 1 ? 409 : 201);
    },
  );
});
