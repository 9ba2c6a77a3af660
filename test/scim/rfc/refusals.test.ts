import { beforeAll, describe, expect, test } from '@jest/globals';
import { issueToken, revokeToken } from '../../../src/directory/index.ts';
import {
  addWorld,
  cause,
  ENTERPRISE,
  ERROR,
  GROUP,
  openWorld,
  PATCH,
  type ScimWorld,
  USER,
  type Verb,
} from '../setup.ts';

let world: ScimWorld;
let other: ScimWorld;
let userId: string;
beforeAll(async () => {
  world = await openWorld();
  other = await addWorld(world.gatehouse, 'Other');
  userId = (await world.user({ userName: 'taken@acme.test' })).id;
});

const root = () => `/scim/v2/${world.directory._id}`;

describe('who asks (RFC 7644 §2): 401 with a challenge and a SCIM error', () => {
  const ask = async (authorization: string | undefined, path = `${root()}/Users`) => {
    const asked = world.gatehouse.request.get(path);
    return authorization === undefined ? asked : asked.set('Authorization', authorization);
  };
  const issue = (options: { name: string; expiresAt?: Date }) =>
    world.gatehouse.store.transaction(cause, (tx) =>
      issueToken(tx, world.organizationId, world.directory._id, options),
    );

  test.each<[string, () => string | undefined, RegExp, RegExp]>([
    ['no token', () => undefined, /^Bearer realm="gatehouse"$/, /Authorization header/],
    ['Basic', () => 'Basic dXNlcjpwYXNz', /^Bearer realm="gatehouse"$/, /Authorization header/],
    ['an empty bearer', () => 'Bearer ', /^Bearer realm="gatehouse"$/, /Authorization header/],
    ['a wrong token', () => 'Bearer ghd_wrong', /error="invalid_token"/, /not one of this directory's/],
    [
      "another directory's token",
      () => `Bearer ${other.token}`,
      /error="invalid_token"/,
      /not one of this directory's/,
    ],
    ['the operator token', () => `Bearer ${world.gatehouse.operatorToken}`, /error="invalid_token"/, /not one of/],
  ])('%s', async (_title, authorization, challenge, detail) => {
    const answer = await ask(authorization());
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(challenge);
    expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
    expect(answer.body).toEqual({ schemas: [ERROR], status: '401', detail: expect.stringMatching(detail) });
  });

  test('a directory that does not exist is not told from one with another token', async () => {
    const unknown = await ask(`Bearer ${world.token}`, '/scim/v2/dir-00000000000000000000000000/Users');
    const foreign = await ask(`Bearer ${world.token}`, `/scim/v2/${other.directory._id}/Users`);
    expect([unknown.status, unknown.body]).toEqual([401, foreign.body]);
  });

  test('expired and revoked tokens say so, and are in the log; the scheme is taken in any case', async () => {
    const past = await issue({ name: 'short', expiresAt: new Date(Date.now() + 1000) });
    const revoked = await issue({ name: 'old' });
    expect((await ask(`bearer ${revoked.secret}`)).status).toBe(200);
    await world.gatehouse.store.transaction(cause, (tx) =>
      revokeToken(tx, world.organizationId, world.directory._id, revoked.token._id),
    );
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect((await ask(`Bearer ${past.secret}`)).body.detail).toMatch(/"short" expired at/);
    expect((await ask(`Bearer ${revoked.secret}`)).body.detail).toMatch(/"old" has been revoked/);
  });

  test('what is said of addresses that do not exist needs a token too', async () => {
    expect((await ask(undefined, `${root()}/Nothing`)).status).toBe(401);
    expect((await ask(undefined, `${root()}/Users/x/y`)).status).toBe(401);
  });
});

describe('what is asked for', () => {
  test.each<[number, Verb, string, string | undefined]>([
    [404, 'get', '/Robots', undefined],
    [405, 'delete', '/', 'GET, HEAD'],
    [404, 'get', '/Users/x/y', undefined],
    [404, 'get', '/Users/usr-00000000000000000000000000', undefined],
    [404, 'get', '/Users/%00', undefined],
    [404, 'get', '/Users/__proto__', undefined],
    [404, 'get', '/Users/%E0%A4%A', undefined],
    [405, 'delete', '/Users', 'GET, HEAD, POST'],
    [405, 'put', '/Groups', 'GET, HEAD, POST'],
    [405, 'post', '/Users/usr-1', 'GET, HEAD, PUT, PATCH, DELETE'],
    [405, 'post', '/ServiceProviderConfig', 'GET, HEAD'],
  ])('%i for %s %s', async (status, verb, path, allow) => {
    const answer = await world.call(verb, path);
    expect(answer.status).toBe(status);
    expect(answer.headers.allow).toBe(allow);
    expect(answer.body).toEqual({ schemas: [ERROR], status: String(status), detail: expect.stringMatching(/./) });
  });

  test("another tenant's resources are not there (PRJ-1)", async () => {
    const foreign = await other.user({ userName: 'taken@acme.test' });
    const group = await world.group();
    const theirs = await other.group({ members: [{ value: foreign.id }] });
    for (const [verb, path, body] of [
      ['get', `/Users/${foreign.id}`],
      ['put', `/Users/${foreign.id}`, { schemas: [USER], userName: 'x' }],
      ['delete', `/Users/${foreign.id}`],
      ['get', `/Groups/${theirs.id}`],
      ['patch', `/Groups/${theirs.id}`, { schemas: [PATCH], Operations: [{ op: 'remove', path: 'members' }] }],
      ['delete', `/Groups/${theirs.id}`],
    ] as const) {
      expect((await world.call(verb, path, body)).status).toBe(404);
    }
    const answer = await world.patch(`/Groups/${group.id}`, {
      op: 'add',
      path: 'members',
      value: [{ value: foreign.id }],
    });
    expect(answer.body).toMatchObject({
      status: '400',
      scimType: 'invalidValue',
      detail: expect.stringContaining(foreign.id),
    });
    expect((await world.call('get', `/Users?filter=id eq "${foreign.id}"`)).body.totalResults).toBe(0);
    expect((await world.call('get', `/Groups?filter=members.value eq "${foreign.id}"`)).body.totalResults).toBe(0);
    expect((await world.call('get', `/Users?filter=groups.value eq "${theirs.id}"`)).body.totalResults).toBe(0);
    expect((await other.call('get', `/Users/${foreign.id}`)).status).toBe(200);
  });
});

describe('what is sent (OPS-1): a precise refusal, and nothing is changed', () => {
  const send = (verb: Verb, path: string, type: string | undefined, body: string | Buffer) => {
    const asked = world.gatehouse.bearer(world.token, verb, root() + path);
    if (type !== undefined) asked.set('Content-Type', type);
    // as it is: by itself superagent would write bytes out as JSON
    return Buffer.isBuffer(body) ? asked.serialize((bytes) => bytes).send(body) : asked.send(body);
  };
  const valid = (name: string) => JSON.stringify({ schemas: [USER], userName: name });

  test.each([
    ['application/scim+json', 201],
    ['application/scim+json; charset=utf-8', 201],
    ['application/json', 201],
    ['APPLICATION/JSON;charset="UTF-8"', 201],
    ['application/json; charset=latin1', 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonp', 415],
  ])('Content-Type %s → %i', async (type, status) => {
    const answer = await send('post', '/Users', type, valid(`type-${Math.random()}@acme.test`));
    expect(answer.status).toBe(status);
    if (status === 415) expect(answer.body).toEqual({ schemas: [ERROR], status: '415', detail: expect.any(String) });
  });

  test('a GET with a Content-Type is fine', async () => {
    const answer = await world.gatehouse
      .bearer(world.token, 'get', `${root()}/Users`)
      .set('Content-Type', 'application/scim+json');
    expect(answer.status).toBe(200);
  });

  test('a body beyond the limit is 413', async () => {
    const answer = await send('post', '/Users', 'application/json', JSON.stringify({ a: 'x'.repeat(9 * 1024 * 1024) }));
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ schemas: [ERROR], status: '413' });
  });

  const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`;
  const bodies: [string, string, string | Buffer][] = [
    ['nothing', 'invalidSyntax', ''],
    ['half of JSON', 'invalidSyntax', '{"userName": "x'],
    ['bytes that are no UTF-8', 'invalidSyntax', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a list', 'invalidSyntax', '[]'],
    ['a text', 'invalidSyntax', '"x"'],
    ['null', 'invalidSyntax', 'null'],
    ['endless nesting', 'invalidSyntax', deep],
    ['schemas that name nothing', 'invalidSyntax', '{"schemas":[],"userName":"x"}'],
    ["another resource type's schemas", 'invalidSyntax', JSON.stringify({ schemas: [GROUP], userName: 'x' })],
    ['schemas that are no list', 'invalidSyntax', JSON.stringify({ schemas: USER, userName: 'x' })],
    ['no userName', 'invalidValue', JSON.stringify({ schemas: [USER] })],
    ['an empty userName', 'invalidValue', JSON.stringify({ schemas: [USER], userName: ' ' })],
    ['a number as userName', 'invalidValue', JSON.stringify({ schemas: [USER], userName: 5 })],
    ['an operator as userName', 'invalidValue', JSON.stringify({ schemas: [USER], userName: { $ne: '' } })],
    [
      'an operator as externalId',
      'invalidValue',
      JSON.stringify({ schemas: [USER], userName: 'x', externalId: { $gt: '' } }),
    ],
    ['a NUL in a value', 'invalidValue', JSON.stringify({ schemas: [USER], userName: 'a\0b' })],
    ['a NUL in a name', 'invalidValue', JSON.stringify({ schemas: [USER], userName: 'a', 'b\0': 1 })],
    ['half a character', 'invalidValue', `{"schemas":["${USER}"],"userName":"a\\ud800"}`],
    ['a number beyond all bounds', 'invalidValue', `{"schemas":["${USER}"],"userName":"a","shoeSize":1e999}`],
    ['__proto__', 'invalidSyntax', `{"schemas":["${USER}"],"userName":"x","__proto__":{"admin":true}}`],
    ['__proto__ deep inside', 'invalidSyntax', `{"schemas":["${USER}"],"userName":"x","name":{"__proto__":{"a":1}}}`],
    ['constructor', 'invalidSyntax', `{"schemas":["${USER}"],"userName":"x","constructor":{"prototype":{"a":1}}}`],
    ['an attribute twice', 'invalidSyntax', `{"schemas":["${USER}"],"userName":"x","USERNAME":"y"}`],
    ['a boolean that is none', 'invalidValue', JSON.stringify({ schemas: [USER], userName: 'x', active: 'perhaps' })],
    ['a name that is no object', 'invalidValue', JSON.stringify({ schemas: [USER], userName: 'x', name: 'X' })],
    [
      'two primary addresses',
      'invalidValue',
      JSON.stringify({
        schemas: [USER],
        userName: 'x',
        emails: [1, 2].map((n) => ({ value: `${n}@x.test`, primary: true })),
      }),
    ],
  ];
  test.each(bodies)('%s → 400 %s', async (_title, scimType, body) => {
    const before = (await world.call('get', '/Users?count=0')).body.totalResults;
    const answer = await send('post', '/Users', 'application/scim+json', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ schemas: [ERROR], status: '400', scimType, detail: expect.stringMatching(/./) });
    expect((await world.call('get', '/Users?count=0')).body.totalResults).toBe(before);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  const long = 'x'.repeat(1025);
  test.each<[string, '/Users' | '/Groups', object, string]>([
    ['userName', '/Users', { userName: long }, 'userName may have at most 1024 characters; this one has 1025'],
    ['displayName', '/Users', { userName: 'x', displayName: long }, 'displayName may have at most 1024'],
    ['externalId', '/Users', { userName: 'x', externalId: long }, 'externalId may have at most 1024'],
    ['an address', '/Users', { userName: 'x', emails: [{ value: `${'x'.repeat(312)}@acme.test` }] }, 'at most 320'],
    ['displayName of a group', '/Groups', { displayName: long }, 'displayName may have at most 1024'],
    ['externalId of a group', '/Groups', { displayName: 'x', externalId: long }, 'externalId may have at most 1024'],
  ])('too long a text is 400 invalidValue with attribute and limit (SCIM-1): %s', async (_title, path, body, says) => {
    const answer = await world.call('post', path, body);
    expect(answer.body).toMatchObject({
      status: '400',
      scimType: 'invalidValue',
      detail: expect.stringContaining(says),
    });
  });

  test('the longest userName is taken as it is, also of characters of two units, and quoted cut in its conflict', async () => {
    const userName = '𝕏'.repeat(1024);
    expect((await world.user({ userName })).userName).toBe(userName);
    const again = await world.call('post', '/Users', { userName });
    expect(again.status).toBe(409);
    expect(again.body.detail.length).toBeLessThan(300);
    expect(again.body.detail).toContain('𝕏…"');
  });

  test('a body without schemas is taken for what its address asks for, one with others is refused (SCIM-2)', async () => {
    const made = await world.call('post', '/Users', {
      userName: 'bare@acme.test',
      [ENTERPRISE]: { department: 'R&D' },
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'R&D' } });
    const path = `/Users/${made.body.id}`;
    expect((await world.call('put', path, { userName: 'bare@acme.test' })).status).toBe(200);
    expect((await world.call('patch', path, { Operations: [{ op: 'add', path: 'title', value: 'x' }] })).status).toBe(
      200,
    );
    expect((await world.call('put', path, { schemas: [PATCH], userName: 'bare@acme.test' })).status).toBe(400);
  });

  test('a taken userName in any case is 409 uniqueness, names the attribute, also of a deactivated person (SCIM-3)', async () => {
    await world.patch(`/Users/${userId}`, { op: 'replace', path: 'active', value: false });
    const again = await world.call('post', '/Users', { schemas: [USER], userName: 'TAKEN@acme.test' });
    expect(again.status).toBe(409);
    expect(again.body).toEqual({
      schemas: [ERROR],
      status: '409',
      scimType: 'uniqueness',
      detail: expect.stringMatching(/userName.*deactivated/s),
    });
    const third = await world.user({ userName: 'third@acme.test' });
    const renamed = await world.patch(`/Users/${third.id}`, {
      op: 'replace',
      path: 'userName',
      value: 'Taken@Acme.test',
    });
    expect(renamed.body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    await world.patch(`/Users/${userId}`, { op: 'replace', path: 'active', value: true });
  });

  test('externalId is not unique; values that look like operators are values', async () => {
    await world.user({ externalId: 'same' });
    const { id } = await world.user({ externalId: 'same', title: '$where', nickName: '{"$ne":null}' });
    expect((await world.call('get', `/Users/${id}`)).body).toMatchObject({ title: '$where', nickName: '{"$ne":null}' });
    expect((await world.call('get', '/Users?filter=externalId eq "same"')).body.totalResults).toBe(2);
  });
});
