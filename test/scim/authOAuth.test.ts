/** The token endpoint of a directory: client credentials in, a short-lived access token out (SCIM-1, RFC 6749, RFC 7523). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { listLog } from '../../src/directory/index.ts';
import { openTestGatehouse, testBaseUrl } from '../support/gatehouse.ts';
import { addWorld, type ScimWorld } from './setup.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const start = new Date('2030-01-01T00:00:00Z').getTime();
let now = start;
let world: ScimWorld;
let sibling: ScimWorld;

beforeAll(async () => {
  const gatehouse = await openTestGatehouse({ clock: { now: () => new Date(now) } });
  world = await addWorld(gatehouse, 'Acme');
  sibling = await addWorld(gatehouse, 'Sibling');
});

interface Client {
  readonly id: string;
  readonly secret: string;
  readonly secretId: string;
}

const clientsOf = ({ organizationId, directory }: ScimWorld) =>
  `/api/v1/organizations/${organizationId}/directories/${directory._id}/oauth-clients`;
const manage = async (method: 'get' | 'post' | 'delete', path: string, body?: object) => {
  const answer = await world.gatehouse.operator(method, path).send(body);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.body;
};
async function makeClient(fields: object = {}, of = world): Promise<Client> {
  const { client, secret } = await manage('post', clientsOf(of), { name: 'IdP', ...fields });
  return { id: client.id, secret: secret?.secret, secretId: secret?.id };
}

const endpoint = (of = world) => `/scim/v2/${of.directory._id}/oauth/token`;
type Fields = Record<string, string> | string;
function fetchToken(fields: Fields, { authorization, of = world }: { authorization?: string; of?: ScimWorld } = {}) {
  const asked = of.gatehouse.request.post(endpoint(of)).type('application/x-www-form-urlencoded');
  if (authorization !== undefined) asked.set('Authorization', authorization);
  const form = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
  return asked.send(form);
}
const credentials = ({ id, secret }: Client) => ({ client_id: id, client_secret: secret });
const grant = { grant_type: 'client_credentials' };
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const use = (token: string, of = world) =>
  of.gatehouse.bearer(token, 'get', `/scim/v2/${of.directory._id}/Users?count=0`);
async function tokenOf(fields: Fields): Promise<string> {
  const answer = await fetchToken(fields);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body.access_token;
}

async function expectError(asked: ReturnType<typeof fetchToken>, status: number, error: string): Promise<string> {
  const answer = await asked;
  expect([answer.status, answer.body.error]).toEqual([status, error]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect([answer.headers['cache-control'], answer.headers.pragma]).toEqual(['no-store', 'no-cache']);
  expect(answer.headers['www-authenticate']).toBe(
    status === 401 ? 'Basic realm="gatehouse", charset="UTF-8"' : undefined,
  );
  return answer.body.error_description;
}

describe('client credentials', () => {
  test.each<[string, (client: Client) => ReturnType<typeof fetchToken>]>([
    ['client_secret_post', (client) => fetchToken({ ...grant, ...credentials(client) })],
    ['client_secret_basic', ({ id, secret }) => fetchToken(grant, { authorization: basic(id, secret) })],
    [
      'client_secret_basic with both parts encoded as in a form, and client_id beside it',
      ({ id, secret }) =>
        fetchToken(
          { ...grant, client_id: id, scope: 'scim' },
          { authorization: basic(id.replaceAll('-', '%2D'), secret.replaceAll('_', '%5f')) },
        ),
    ],
  ])('give an access token by %s', async (_title, ask) => {
    const answer = await ask(await makeClient());
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^gha_[0-9a-f]{64}$/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'scim',
    });
    expect([answer.headers['cache-control'], answer.headers.pragma]).toEqual(['no-store', 'no-cache']);
    expect((await use(answer.body.access_token)).status).toBe(200);
  });

  test('an access token ends after an hour, and no later than the secret', async () => {
    const lasting = await tokenOf({ ...grant, ...credentials(await makeClient()) });
    const brief = await fetchToken({
      ...grant,
      ...credentials(await makeClient({ secretExpiresAt: new Date(now + 60_000).toISOString() })),
    });
    expect(brief.body.expires_in).toBe(60);
    now += 60_000;
    const ended = await use(brief.body.access_token);
    expect([ended.status, ended.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="gatehouse", error="invalid_token", error_description="token expired"',
    ]);
    now += 3540_000 - 1;
    expect((await use(lasting)).status).toBe(200);
    now += 1;
    expect((await use(lasting)).status).toBe(401);
  });

  test('an access token is good for its directory only, and opens nothing else', async () => {
    const token = await tokenOf({ ...grant, ...credentials(await makeClient()) });
    expect((await use(token, sibling)).status).toBe(401);
    expect((await world.gatehouse.bearer(token, 'get', clientsOf(world))).status).toBe(401);
    const asBasic = world.gatehouse.request.get(`/scim/v2/${world.directory._id}/Users`);
    expect((await asBasic.set('Authorization', basic('x', token))).status).toBe(401);
  });

  test('several secrets are valid at once; revoking one ends its access tokens at once, and only its', async () => {
    const client = await makeClient();
    const home = `${clientsOf(world)}/${client.id}`;
    const second = await manage('post', `${home}/secrets`, { name: 'second' });
    const [one, two] = [
      await tokenOf({ ...grant, ...credentials(client) }),
      await tokenOf({ ...grant, client_id: client.id, client_secret: second.secret }),
    ];
    const { secrets } = await manage('get', home);
    expect(secrets.map(({ name, lastUsedAt }: Record<string, string>) => [name, lastUsedAt])).toEqual([
      ['first', new Date(now).toISOString()],
      ['second', new Date(now).toISOString()],
    ]);
    await manage('delete', `${home}/secrets/${client.secretId}`);
    expect([(await use(one)).status, (await use(two)).status]).toEqual([401, 200]);
    const why = await expectError(fetchToken({ ...grant, ...credentials(client) }), 401, 'invalid_client');
    expect(why).toContain('revoked');
    await manage('delete', home);
    expect((await use(two)).status).toBe(401);
    const gone = fetchToken({ ...grant, client_id: client.id, client_secret: second.secret });
    await expectError(gone, 401, 'invalid_client');
  });

  test('secrets and tokens are kept as hashes only, and neither is in the log or the audit', async () => {
    const client = await makeClient();
    const token = await tokenOf({ ...grant, ...credentials(client) });
    await use(token);
    await world.gatehouse.flush();
    const { read } = world.gatehouse.store;
    const of = world.organizationId;
    const kept = JSON.stringify([
      await read.oauthSecrets.find(of, {}),
      await read.oauthTokens.find(of, {}),
      await read.auditEvents.find(of, {}),
      await read.provisioningLog.find(of, {}),
    ]);
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(client.secret);
    const { items } = await listLog(read, of, { limit: 2 });
    expect(items.map(({ tokenId, path }) => [tokenId, path])).toEqual([
      [client.id, '/Users?count=0'],
      [client.id, '/oauth/token'],
    ]);
  });
});

describe('refusals (RFC 6749 §5.2)', () => {
  test('an unknown client, a wrong secret, and the client of another directory are told from nothing else', async () => {
    const client = await makeClient();
    const foreign = await makeClient({}, sibling);
    const other = await makeClient();
    const descriptions = new Set<string>();
    for (const wrong of [
      { id: 'ocl-00000000000000000000000000', secret: client.secret },
      { id: client.id, secret: `ghc_${'0'.repeat(64)}` },
      { id: client.id, secret: other.secret },
      { id: foreign.id, secret: foreign.secret },
    ]) {
      const { id, secret } = wrong;
      const posted = fetchToken({ ...grant, client_id: id, client_secret: secret });
      descriptions.add(await expectError(posted, 401, 'invalid_client'));
      descriptions.add(
        await expectError(fetchToken(grant, { authorization: basic(id, secret) }), 401, 'invalid_client'),
      );
    }
    expect(descriptions.size).toBe(1);
    const nowhere = world.gatehouse.request.post('/scim/v2/dir-none/oauth/token').type('form');
    const answer = await nowhere.send({ ...grant, ...credentials(client) });
    expect([answer.status, answer.body.error_description]).toEqual([401, [...descriptions][0]]);
  });

  test.each<[string, (client: Client) => ReturnType<typeof fetchToken>, number, string]>([
    ['no grant_type', (client) => fetchToken(credentials(client)), 400, 'invalid_request'],
    [
      'another grant_type',
      (client) => fetchToken({ grant_type: 'password', ...credentials(client) }),
      400,
      'unsupported_grant_type',
    ],
    [
      'another scope',
      (client) => fetchToken({ ...grant, scope: 'scim admin', ...credentials(client) }),
      400,
      'invalid_scope',
    ],
    ['no authentication', () => fetchToken(grant), 401, 'invalid_client'],
    ['a client without secret', ({ id }) => fetchToken({ ...grant, client_id: id }), 401, 'invalid_client'],
    [
      'an empty secret, which is none',
      ({ id }) => fetchToken({ ...grant, client_id: id, client_secret: '' }),
      401,
      'invalid_client',
    ],
    ['Bearer', () => fetchToken(grant, { authorization: 'Bearer x' }), 401, 'invalid_client'],
    ['Basic without a colon', () => fetchToken(grant, { authorization: 'Basic eA==' }), 401, 'invalid_client'],
    ['Basic that is not encoded', () => fetchToken(grant, { authorization: basic('%zz', 'x') }), 401, 'invalid_client'],
    [
      'two ways at once',
      (client) => fetchToken({ ...grant, ...credentials(client) }, { authorization: basic(client.id, client.secret) }),
      400,
      'invalid_request',
    ],
    [
      'another client_id than that of the header',
      (client) => fetchToken({ ...grant, client_id: 'x' }, { authorization: basic(client.id, client.secret) }),
      400,
      'invalid_request',
    ],
    [
      'a parameter given twice',
      (client) =>
        fetchToken(`grant_type=client_credentials&${new URLSearchParams(credentials(client))}&grant_type=password`),
      400,
      'invalid_request',
    ],
    ['percent signs that are none', () => fetchToken('grant_type=%zz'), 400, 'invalid_request'],
    ['a large body', () => fetchToken(`grant_type=client_credentials&x=${'x'.repeat(17_000)}`), 400, 'invalid_request'],
    ['an assertion of an unknown type', () => fetchToken({ ...grant, client_assertion: 'x' }), 400, 'invalid_request'],
  ])('%s: %j', async (_title, ask, status, error) => {
    await expectError(ask(await makeClient()), status, error);
  });

  test('another content type, parameters in the address, another method', async () => {
    const client = await makeClient();
    const json = world.gatehouse.request.post(endpoint()).send({ ...grant, ...credentials(client) });
    await expectError(json, 400, 'invalid_request');
    const query = new URLSearchParams({ ...grant, ...credentials(client) });
    const asked = world.gatehouse.request.post(`${endpoint()}?${query}`).type('form').send(grant);
    await expectError(asked, 400, 'invalid_request');
    const get = await world.gatehouse.request.get(endpoint());
    expect([get.status, get.headers.allow, get.body.error]).toEqual([405, 'POST', 'invalid_request']);
  });

  test('those of a known client are in the provisioning log, with the reason (SCIM-5)', async () => {
    const client = await makeClient({ secretExpiresAt: new Date(now + 1000).toISOString() });
    now += 1000;
    const why = await expectError(fetchToken({ ...grant, ...credentials(client) }), 401, 'invalid_client');
    expect(why).toContain("The client secret 'first' has expired");
    await world.gatehouse.flush();
    const { items } = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 1 });
    expect(items).toMatchObject([{ path: '/oauth/token', status: 401, outcome: 'refused', detail: why }]);
  });

  test('guessing is slowed down by client and address; the right secret counts all the same, and others at the address', async () => {
    const [target, other] = [await makeClient(), await makeClient()];
    const guess = () => fetchToken({ ...grant, client_id: target.id, client_secret: 'guess' });
    let answer = await guess();
    for (let tries = 1; answer.status === 401 && tries < 50; tries++) answer = await guess();
    expect([answer.status, answer.body.error]).toEqual([429, 'temporarily_unavailable']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await fetchToken({ ...grant, ...credentials(target) })).status).toBe(200);
    expect((await fetchToken({ ...grant, ...credentials(other) })).status).toBe(200);
    expect((await guess()).status).toBe(429);
    now += Number(answer.headers['retry-after']) * 1000;
    expect((await guess()).status).toBe(401);
  });
});

describe('private_key_jwt (RFC 7523)', () => {
  let client: Client;
  let pair: { publicKey: CryptoKey; privateKey: CryptoKey };
  let kid: string;
  let jti = 0;

  beforeAll(async () => {
    client = await makeClient({ secret: false });
    pair = await generateKeyPair('RS256', { extractable: true });
    const pem = await exportSPKI(pair.publicKey);
    ({ kid } = await manage('post', `${clientsOf(world)}/${client.id}/keys`, { name: 'rsa', pem }));
  });

  const seconds = () => Math.floor(now / 1000);
  const claims = (changed: JWTPayload = {}): JWTPayload => ({
    iss: client.id,
    sub: client.id,
    aud: testBaseUrl + endpoint(),
    exp: seconds() + 300,
    iat: seconds(),
    nbf: seconds(),
    jti: `jti-${++jti}`,
    ...changed,
  });
  const sign = (payload: JWTPayload, header: object = {}, key: CryptoKey | Uint8Array = pair.privateKey) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(key);
  const send = (client_assertion: string, fields: Record<string, string> = {}) =>
    fetchToken({ ...grant, client_assertion_type: JWT_BEARER, client_assertion, ...fields });

  test('gives an access token; the key notes its last use', async () => {
    const answer = await send(await sign(claims()), { client_id: client.id });
    expect(answer.status).toBe(200);
    expect((await use(answer.body.access_token)).status).toBe(200);
    const { keys } = await manage('get', `${clientsOf(world)}/${client.id}`);
    expect(keys).toMatchObject([{ name: 'rsa', kid, lastUsedAt: new Date(now).toISOString() }]);
  });

  test.each<[string, () => JWTPayload]>([
    ['the issuer as audience', () => claims({ aud: world.base })],
    ['one audience as a list', () => claims({ aud: [testBaseUrl + endpoint()] })],
    ['no iat and no nbf', () => claims({ iat: undefined, nbf: undefined })],
    ['a clock that is half a minute ahead', () => claims({ iat: seconds() + 30, nbf: seconds() + 30 })],
  ])('takes %s', async (_title, payload) => {
    expect((await send(await sign(payload()))).status).toBe(200);
  });

  test.each<[string, () => JWTPayload]>([
    ['another audience', () => claims({ aud: testBaseUrl })],
    ['the audience with a slash more', () => claims({ aud: `${testBaseUrl}${endpoint()}/` })],
    ['two audiences', () => claims({ aud: [testBaseUrl + endpoint(), 'https://other.example'] })],
    ['no audience', () => claims({ aud: undefined })],
    ['another issuer', () => claims({ iss: 'somebody' })],
    ['no issuer', () => claims({ iss: undefined })],
    ['no subject', () => claims({ sub: undefined })],
    ['another subject', () => claims({ sub: 'ocl-00000000000000000000000000' })],
    ['no exp', () => claims({ exp: undefined })],
    ['an exp that has passed', () => claims({ exp: seconds() - 61 })],
    ['an exp too far ahead', () => claims({ exp: seconds() + 3700 })],
    ['an nbf to come', () => claims({ nbf: seconds() + 120 })],
    ['an iat to come', () => claims({ iat: seconds() + 120 })],
    ['an iat long ago', () => claims({ iat: seconds() - 4000 })],
    ['no jti', () => claims({ jti: undefined })],
    ['an empty jti', () => claims({ jti: '' })],
  ])('refuses %s', async (_title, payload) => {
    now += 120_000; // past what slows guessing down
    await expectError(send(await sign(payload())), 401, 'invalid_client');
  });

  test('an assertion counts once, also where it is sent several times at once', async () => {
    now += 600_000;
    const assertion = await sign(claims());
    const answers = await Promise.all([1, 2, 3, 4].map(() => send(assertion)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
    expect(await expectError(send(assertion), 401, 'invalid_client')).toContain('jti');
  });

  test('none, symmetric algorithms and other keys prove nothing', async () => {
    now += 600_000;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const pem = new TextEncoder().encode(await exportSPKI(pair.publicKey));
    const stranger = await generateKeyPair('RS256');
    for (const forged of [
      `${part({ alg: 'none', kid })}.${part(claims())}.`,
      await sign(claims(), { alg: 'HS256' }, pem),
      await sign(claims(), {}, stranger.privateKey),
      await sign(claims(), { kid: 'another' }),
      'a.b.c',
      'nonsense',
    ])
      await expectError(send(forged), 401, 'invalid_client');
  });

  test('a key is found by its kid among several; without one only where there is no other; removed, it ends', async () => {
    now += 600_000;
    const second = await generateKeyPair('ES256', { extractable: true });
    const home = `${clientsOf(world)}/${client.id}/keys`;
    expect((await send(await sign(claims(), { kid: undefined }))).status).toBe(200);
    const jwk = { ...(await exportJWK(second.publicKey)), kid: 'second' };
    const added = await manage('post', home, { name: 'ec', jwk });
    expect(added.kid).toBe('second');
    const signed = () => sign(claims(), { alg: 'ES256', kid: 'second' }, second.privateKey);
    const answer = await send(await signed());
    expect(answer.status).toBe(200);
    await expectError(send(await sign(claims(), { kid: undefined })), 401, 'invalid_client');
    await manage('delete', `${home}/${added.id}`);
    expect((await use(answer.body.access_token)).status).toBe(401);
    await expectError(send(await signed()), 401, 'invalid_client');
    expect((await send(await sign(claims()))).status).toBe(200);
  });

  test('an expired key proves nothing; the client of another directory does not', async () => {
    now += 600_000;
    const short = await makeClient({ secret: false });
    const pem = await exportSPKI(pair.publicKey);
    const expiresAt = new Date(now + 1000).toISOString();
    await manage('post', `${clientsOf(world)}/${short.id}/keys`, { name: 'k', pem, expiresAt });
    const own = (changed: JWTPayload = {}) => sign(claims({ iss: short.id, sub: short.id, ...changed }));
    expect((await send(await own())).body.expires_in).toBe(1);
    const elsewhere = await own({ aud: testBaseUrl + endpoint(sibling) });
    const asked = fetchToken(
      { ...grant, client_assertion_type: JWT_BEARER, client_assertion: elsewhere },
      { of: sibling },
    );
    await expectError(asked, 401, 'invalid_client');
    now += 1000;
    await expectError(send(await own()), 401, 'invalid_client');
  });
});
