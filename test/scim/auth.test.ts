/** Who may send SCIM requests: the forms of a token, and what a refusal says (SCIM-1, RFC 6750). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { issueToken, listLog, listTokens, revokeToken, rotateToken } from '../../src/directory/index.ts';
import { openTestGatehouse } from '../support/gatehouse.ts';
import { addWorld, cause, ERROR, type ScimWorld } from './setup.ts';

const start = new Date('2030-01-01T00:00:00Z').getTime();
let now = start;
let world: ScimWorld;
let rival: ScimWorld;

beforeAll(async () => {
  const gatehouse = await openTestGatehouse({ clock: { now: () => new Date(now) } });
  world = await addWorld(gatehouse, 'Acme');
  rival = await addWorld(gatehouse, 'Rival');
});

const path = (suffix = '/Users?count=0') => `/scim/v2/${world.directory._id}${suffix}`;
const ask = (authorization: string | undefined, suffix?: string) => {
  const asked = world.gatehouse.request.get(path(suffix));
  return authorization === undefined ? asked : asked.set('Authorization', authorization);
};
const issue = (name: string, expiresAt?: Date) =>
  world.gatehouse.store.transaction(cause, (tx) =>
    issueToken(tx, world.organizationId, world.directory._id, { name, expiresAt }),
  );
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function expectRefusal(asked: ReturnType<typeof ask>, challenge: string): Promise<string> {
  const answer = await asked;
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toBe(challenge);
  expect(answer.body).toMatchObject({ schemas: [ERROR], status: '401', detail: expect.any(String) });
  return answer.body.detail;
}
const invalid = (why: string) => `Bearer realm="gatehouse", error="invalid_token", error_description="${why}"`;

describe('a token', () => {
  test.each<[string, (token: string) => string]>([
    ['Bearer', (token) => `Bearer ${token}`],
    ['bearer, in any case, with blanks', (token) => `bEARER   ${token} `],
    ['Basic, as the password under any name (Okta)', (token) => basic('okta', token)],
    ['Basic, under no name', (token) => basic('', token)],
    ['no scheme: the text of a custom header field', (token) => token],
  ])('is taken as %s', async (_title, header) => {
    expect((await ask(header(world.token))).status).toBe(200);
  });

  test('is not found where there is none: no error code in the challenge (RFC 6750 §3)', async () => {
    await expectRefusal(ask(undefined), 'Bearer realm="gatehouse"');
    for (const header of ['Bearer', 'Bearer a b', 'Basic !', 'Basic', basic('x', 'password'), 'Digest x', 'ghd_short'])
      await expectRefusal(ask(header), 'Bearer realm="gatehouse"');
  });

  test.each(['ghd_wrong', 'gha_wrong', `ghd_${'0'.repeat(64)}`, `gha_${'0'.repeat(64)}`, 'x'])(
    '%s is unknown',
    (token) => expectRefusal(ask(`Bearer ${token}`), invalid('token invalid')),
  );

  test('of another directory, and a directory that does not exist, are told from nothing else (PRJ-1)', async () => {
    const foreign = await expectRefusal(ask(`Bearer ${rival.token}`), invalid('token invalid'));
    const none = world.gatehouse.request.get('/scim/v2/dir-00000000000000000000000000/Users');
    expect(await expectRefusal(none.set('Authorization', `Bearer ${world.token}`), invalid('token invalid'))).toBe(
      foreign,
    );
  });

  test('that has expired or been revoked says so, and is in the log (SCIM-5)', async () => {
    const [short, gone] = [await issue('short', new Date(now + 1000)), await issue('gone')];
    const { store } = world.gatehouse;
    await store.transaction(cause, (tx) => revokeToken(tx, world.organizationId, world.directory._id, gone.token._id));
    expect((await ask(`Bearer ${short.secret}`)).status).toBe(200);
    now += 1000;
    await expectRefusal(ask(`Bearer ${short.secret}`), invalid('token expired'));
    await expectRefusal(ask(`Bearer ${gone.secret}`), invalid('token revoked'));
    await world.gatehouse.flush();
    const { items } = await listLog(store.read, world.organizationId, { limit: 2, outcome: 'refused' });
    expect(items.map(({ detail }) => detail)).toEqual([
      expect.stringContaining('"gone" has been revoked'),
      expect.stringContaining('"short" expired'),
    ]);
  });

  test('in the address is refused, with and without a header', async () => {
    for (const [header, status] of [[undefined, 401] as const, [`Bearer ${world.token}`, 400] as const]) {
      const answer = await ask(header, `/Users?count=0&access_token=${world.token}`);
      expect([answer.status, answer.body.detail]).toEqual([status, expect.stringContaining('Authorization header')]);
    }
  });

  test('has its last use on record; several are valid at once', async () => {
    const second = await issue('second');
    for (const token of [world.token, second.secret]) expect((await ask(`Bearer ${token}`)).status).toBe(200);
    await world.gatehouse.flush();
    const tokens = await listTokens(world.gatehouse.store.read, world.organizationId, world.directory._id);
    expect(tokens.find(({ name }) => name === 'second')?.lastUsedAt).toEqual(new Date(now));
  });
});

describe('rotation', () => {
  const rotate = (tokenId: string, endsAt: Date) =>
    world.gatehouse.store.transaction(cause, (tx) =>
      rotateToken(tx, world.organizationId, world.directory._id, tokenId, { endsAt }),
    );

  test('gives a new token, and the old one until the overlap ends', async () => {
    const old = await issue('main');
    const { secret, token, former } = await rotate(old.token._id, new Date(now + 60_000));
    expect([token.name, former.expiresAt]).toEqual(['main', new Date(now + 60_000)]);
    for (const one of [old.secret, secret]) expect((await ask(`Bearer ${one}`)).status).toBe(200);
    now += 60_000;
    expect((await ask(`Bearer ${old.secret}`)).status).toBe(401);
    expect((await ask(`Bearer ${secret}`)).status).toBe(200);
  });

  test('never gives the old one more time than it has', async () => {
    const old = await issue('short', new Date(now + 1000));
    const { former } = await rotate(old.token._id, new Date(now + 60_000));
    expect(former.expiresAt).toEqual(new Date(now + 1000));
    now += 1000;
    await expect(rotate(old.token._id, new Date(now + 1000))).rejects.toMatchObject({ code: 'invalid_request' });
    const other = await issue('other');
    await expect(rotate(other.token._id, new Date(now))).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(rotate('dtk-none', new Date(now + 1))).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('ServiceProviderConfig lists the ways in', async () => {
  const { authenticationSchemes } = (await ask(`Bearer ${world.token}`, '/ServiceProviderConfig')).body;
  expect(authenticationSchemes.map(({ type, primary }: Record<string, unknown>) => [type, primary])).toEqual([
    ['oauthbearertoken', true],
    ['oauth2', false],
    ['httpbasic', false],
  ]);
});
