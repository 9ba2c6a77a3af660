/** Assertions of an external issuer at the token endpoint: workload identity federation (SCIM-1, RFC 7523). */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { listLog } from '../../src/directory/index.ts';
import { openTestGatehouse, testBaseUrl } from '../support/gatehouse.ts';
import { addDirectory, addWorld, type ScimWorld } from './setup.ts';

const start = new Date('2030-01-01T00:00:00Z').getTime();
let now = start;
let world: ScimWorld;
let sibling: ScimWorld;

/** An issuer that publishes the keys that are in `published`, and how often it was asked for them. */
const published: object[] = [];
let asked = 0;
let answers = true;
const issuerServer = createServer((_request, response) => {
  asked++;
  if (!answers) response.writeHead(500).end();
  else response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: published }));
});
let jwksUri: string;
let one: CryptoKey;

async function publish(kid: string): Promise<CryptoKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  published.push({ ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' });
  return privateKey;
}

beforeAll(async () => {
  const gatehouse = await openTestGatehouse({
    clock: { now: () => new Date(now) },
    env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' },
  });
  world = await addWorld(gatehouse, 'Acme');
  sibling = await addDirectory(world);
  issuerServer.listen(0, '127.0.0.1');
  await once(issuerServer, 'listening');
  jwksUri = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}/keys`;
  one = await publish('one');
});
afterAll(() => {
  issuerServer.close();
});

const issuer = 'https://login.example/tenant/v2.0';
const subject = '0a1b2c3d-provisioning';
const audience = 'api://11111111-2222/.default';

const clientsOf = ({ organizationId, directory }: ScimWorld) =>
  `/api/v1/organizations/${organizationId}/directories/${directory._id}/oauth-clients`;

async function manage(method: 'get' | 'post' | 'delete', path: string, body?: object) {
  const answer = await world.gatehouse.operator(method, path).send(body);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

let made = 0;
/** A client that trusts the issuer about a subject of its own. */
async function trusting(fields: object = {}, of = world) {
  const own = `${subject}-${++made}`;
  const { client } = await manage('post', clientsOf(of), { name: 'Entra', secret: false });
  const home = `${clientsOf(of)}/${client.id}`;
  const trust = { name: 'Entra', issuer, subject: own, audience, jwksUri, ...fields };
  return { id: client.id, home, subject: own, trusted: await manage('post', `${home}/issuers`, trust) };
}

const seconds = () => Math.floor(now / 1000);
/** What Entra ID says of itself: no jti, an hour and five minutes, the audience without the end of the scope. */
const claims = (sub: string, changed: JWTPayload = {}): JWTPayload => ({
  aud: 'api://11111111-2222',
  iss: issuer,
  sub,
  iat: seconds(),
  nbf: seconds(),
  exp: seconds() + 3900,
  ...changed,
});
const sign = (payload: JWTPayload, kid = 'one', key: CryptoKey = one) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).sign(key);

function send(client_assertion: string, fields: Record<string, string> = {}, of = world) {
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
    ...fields,
  };
  return of.gatehouse.request.post(`/scim/v2/${of.directory._id}/oauth/token`).type('form').send(form);
}
const use = (token: string) => world.gatehouse.bearer(token, 'get', `/scim/v2/${world.directory._id}/Users?count=0`);

describe('an assertion of a trusted issuer', () => {
  test('gives an access token, as Entra ID asks for one; the trust notes its last use', async () => {
    const client = await trusting();
    const answer = await send(await sign(claims(client.subject)), { client_id: client.id, scope: 'scim' });
    expect([answer.status, answer.body]).toEqual([
      200,
      { access_token: expect.stringMatching(/^gha_/), token_type: 'Bearer', expires_in: 3600, scope: 'scim' },
    ]);
    expect((await use(answer.body.access_token)).status).toBe(200);
    const { issuers } = await manage('get', client.home);
    expect(issuers).toEqual([{ ...client.trusted, lastUsedAt: new Date(now).toISOString() }]);
  });

  test('may be sent again until it ends, without client_id too, and names the audience as it was agreed on', async () => {
    const client = await trusting();
    const assertion = await sign(claims(client.subject));
    const forms: Record<string, string>[] = [{ client_id: client.id }, {}, {}];
    for (const fields of forms) expect((await send(assertion, fields)).status).toBe(200);
    expect((await send(await sign(claims(client.subject, { aud: audience })))).status).toBe(200);
    now += 3961_000;
    expect((await send(assertion)).status).toBe(401);
  });

  test('without an agreed audience it is for the token endpoint or the directory', async () => {
    const client = await trusting({ audience: undefined });
    for (const aud of [`${testBaseUrl}/scim/v2/${world.directory._id}/oauth/token`, world.base])
      expect((await send(await sign(claims(client.subject, { aud })))).status).toBe(200);
    expect((await send(await sign(claims(client.subject)))).status).toBe(401);
  });

  test('trust that is taken back ends what was given for it, at once', async () => {
    const client = await trusting();
    const { access_token } = (await send(await sign(claims(client.subject)))).body;
    await manage('delete', `${client.home}/issuers/${client.trusted.id}`);
    expect((await use(access_token)).status).toBe(401);
    expect((await send(await sign(claims(client.subject)))).status).toBe(401);
  });

  test.each<[string, (sub: string) => JWTPayload]>([
    ['another issuer', (sub) => claims(sub, { iss: 'https://login.example/other/v2.0' })],
    ['another subject', (sub) => claims(`${sub}x`)],
    ['another audience', (sub) => claims(sub, { aud: 'api://another' })],
    ['two audiences', (sub) => claims(sub, { aud: ['api://11111111-2222', 'api://another'] })],
    ['no audience', (sub) => claims(sub, { aud: undefined })],
    ['no exp', (sub) => claims(sub, { exp: undefined })],
    ['an exp that has passed', (sub) => claims(sub, { exp: seconds() - 61 })],
    ['an exp days ahead', (sub) => claims(sub, { exp: seconds() + 2 * 86_400 })],
    ['an nbf to come', (sub) => claims(sub, { nbf: seconds() + 120 })],
    ['an iat to come', (sub) => claims(sub, { iat: seconds() + 120 })],
  ])('is refused with %s', async (_title, payload) => {
    now += 600_000;
    const client = await trusting();
    const answer = await send(await sign(payload(client.subject)), { client_id: client.id });
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });

  test('proves nothing by a key that the issuer does not publish, nor in another directory, nor for another client', async () => {
    now += 600_000;
    const [client, other] = [await trusting(), await trusting()];
    const stranger = (await generateKeyPair('RS256')).privateKey;
    for (const answer of [
      await send(await sign(claims(client.subject), 'one', stranger)),
      await send(await sign(claims(client.subject)), {}, sibling),
    ])
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    const swapped = await send(await sign(claims(client.subject)), { client_id: other.id });
    expect([swapped.status, swapped.body.error]).toEqual([400, 'invalid_request']);
    const again = { name: 'x', issuer, subject: client.subject, jwksUri };
    const twice = await world.gatehouse.operator('post', `${other.home}/issuers`).send(again);
    expect([twice.status, twice.body.code]).toEqual([409, 'oauth_issuer_exists']);
    await trusting({ subject: client.subject }, sibling);
  });
});

describe("the issuer's keys", () => {
  test('are read again when an unknown one is named, not more often than each half minute, and kept for minutes', async () => {
    now += 600_000;
    const client = await trusting();
    const before = asked;
    expect((await send(await sign(claims(client.subject)))).status).toBe(200);
    expect((await send(await sign(claims(client.subject)))).status).toBe(200);
    expect(asked).toBe(before + 1);
    const two = await publish('two');
    now += 31_000;
    expect((await send(await sign(claims(client.subject), 'two', two))).status).toBe(200);
    expect(asked).toBe(before + 2);
    for (let i = 0; i < 3; i++) expect((await send(await sign(claims(client.subject), 'none'))).status).toBe(401);
    expect(asked).toBe(before + 2);
    published.splice(0, 1);
    now += 600_000;
    expect((await send(await sign(claims(client.subject)))).status).toBe(401);
    expect((await send(await sign(claims(client.subject), 'two', two))).status).toBe(200);
    one = two;
  });

  test('that are known serve on while their address does not answer; an unknown one is 503, in the log too', async () => {
    now += 600_000;
    const client = await trusting();
    const signed = () => sign(claims(client.subject), 'two');
    expect((await send(await signed())).status).toBe(200);
    answers = false;
    try {
      now += 3600_000;
      expect((await send(await signed())).status).toBe(200);
      now += 86_400_000;
      const refused = await send(await signed(), { client_id: client.id });
      expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(refused.headers['retry-after']).toBe('1');
      await world.gatehouse.flush();
      const { items } = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 1 });
      expect(items).toMatchObject([{ path: '/oauth/token', status: 503, detail: refused.body.error_description }]);
    } finally {
      answers = true;
    }
    now += 31_000;
    expect((await send(await signed())).status).toBe(200);
  });

  test('are not read from what is no https address, where private networks are closed', async () => {
    const closed = await addWorld(await openTestGatehouse(), 'Closed');
    const home = clientsOf(closed);
    const { body } = await closed.gatehouse.operator('post', home).send({ name: 'x' });
    const trust = { name: 'x', issuer, subject, jwksUri };
    const answer = await closed.gatehouse.operator('post', `${home}/${body.client.id}/issuers`).send(trust);
    expect([answer.status, answer.body.code]).toEqual([400, 'address_refused']);
    const inside = { ...trust, jwksUri: 'https://127.0.0.1/keys' };
    await closed.gatehouse.operator('post', `${home}/${body.client.id}/issuers`).send(inside);
    const assertion = await sign(
      claims(subject, { exp: Math.floor(Date.now() / 1000) + 300, iat: undefined, nbf: undefined }),
      'two',
    );
    expect((await send(assertion, {}, closed)).status).toBe(503);
  });
});
