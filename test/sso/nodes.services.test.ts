/** Two web processes on one MongoDB: what counts once counts once among them (SSO-2). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type supertest from 'supertest';
import { openTestPlace } from '../support/engines.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { openBrowserWorld } from './oidc/browser.ts';
import { type EvilIdp, openEvilIdp, type Person } from './oidc/evilIdp.ts';
import { craftResponse } from './saml/craft.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from './saml/world.ts';

const env = { GATEHOUSE_KEY: 'one key of two processes 0123456789', GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' };
const nina: Person = { sub: 'nina', email: 'nina@acme.test', email_verified: true };
let idp: EvilIdp;
let world: SamlWorld;
let nodes: readonly [TestGatehouse, TestGatehouse];

beforeAll(async () => {
  idp = await openEvilIdp();
  const place = await openTestPlace('mongodb');
  world = await openSamlWorld({ place, env });
  nodes = [world.gatehouse, await openTestGatehouse({ place, env })];
});
afterAll(() => idp.close());

/** Sends a request to both processes, again and again, all at once; answers how many were signed in. */
async function admittedBy(send: (node: TestGatehouse) => supertest.Test): Promise<number> {
  const answers = await Promise.all([...nodes, ...nodes, ...nodes].map(send));
  for (const { status } of answers) expect([303, 403]).toContain(status);
  return answers.filter(
    ({ status, headers }) => status === 303 && /\bgatehouse-session=/.test(String(headers['set-cookie'])),
  ).length;
}

const post =
  ({ connection }: Pair, cookie: string, form: object) =>
  (node: TestGatehouse) =>
    node.request.post(`/sso/saml/${connection._id}/acs`).set('cookie', cookie).type('form').send(form);

describe('sent to both processes at once, three times each, it signs in once', () => {
  test('a response to a request of ours, which any of them has made', async () => {
    const pair = await world.connect();
    const left = await world.start(pair);
    const SAMLResponse = await craftResponse(pair.idp, pair.to, ann, { request: left.request.id, at: world.now() });
    expect(await admittedBy(post(pair, left.cookie, { SAMLResponse, RelayState: left.relayState }))).toBe(1);
  });

  test('a response that nobody asked for', async () => {
    const pair = await world.connect({ idpInitiated: true });
    const SAMLResponse = await craftResponse(pair.idp, pair.to, ann, { request: undefined, at: world.now() });
    expect(await admittedBy(post(pair, '', { SAMLResponse }))).toBe(1);
    const [first] = nodes;
    expect((await post(pair, '', { SAMLResponse })(first)).status).toBe(403);
  });

  test('the code of an OpenID provider, which is redeemed once', async () => {
    const place = await openTestPlace('mongodb');
    const one = await openBrowserWorld({ place, env });
    const connection = await one.connect(idp.issuer);
    const two = await openBrowserWorld({ place, env }, one.organizationId);
    const left = await one.start(connection);
    if (!('address' in left)) throw new Error(left.text);
    const url = idp.authorize(left.address, nina);
    const ended = await Promise.all([one, two, one, two, one, two].map((node) => node.finish(url, left.cookie)));
    expect(ended.filter(({ signedIn }) => signedIn)).toHaveLength(1);
    expect(idp.requests.filter(({ path }) => path === '/token')).toHaveLength(1);
    for (const { signedIn, status } of ended) expect(status).toBe(signedIn ? 303 : 403);
  });
});
