/** The IdP that `npm run dev` brings, gone through page by page as a browser does (DEV-1). */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findFreePort } from '../../../src/lib/freePort.ts';
import {
  connectSamlIdp,
  makeSamlKey,
  openPlatform,
  openSamlIdpServer,
  type SamlIdpServer,
  samlVendors,
} from '../../../src/simulator/index.ts';
import { openTestGatehouse, type TestGatehouse } from '../../support/gatehouse.ts';
import { ann } from './world.ts';

let gatehouse: TestGatehouse;
let server: SamlIdpServer;
let base: string;

beforeAll(async () => {
  const port = await findFreePort(3300);
  base = `http://localhost:${port}`;
  gatehouse = await openTestGatehouse({ env: { GATEHOUSE_URL: base, GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' } });
  await gatehouse.listen(port);
  const key = await makeSamlKey('idp');
  server = await openSamlIdpServer({ vendor: samlVendors.okta, keys: [key], people: [ann], port: 0, gatehouse: base });
});
afterAll(() => server.close());

const field = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? '';
const go = (url: string, init: RequestInit = {}) => fetch(url, { redirect: 'manual', ...init });
const form = (fields: Readonly<Record<string, string>>, cookie = ''): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers: { cookie, origin: base },
});

test('a person is chosen on its page, comes in, and is signed out on both sides', async () => {
  const platform = openPlatform(base, gatehouse.operatorToken);
  const made = await gatehouse
    .operator('post', '/api/v1/organizations')
    .send({ name: 'Acme', owner: { email: 'owner@acme.test' } });
  const organizationId = String(made.body.id);
  const connectionId = await connectSamlIdp(platform, organizationId, server);

  const left = await go(`${base}/sso/start?connection=${connectionId}`);
  const mark = left.headers.get('set-cookie')?.split(';')[0] ?? '';
  const chooser = await (await go(left.headers.get('location') ?? '')).text();
  expect(chooser).toContain('Ann Lee');
  const names = ['request', 'issuer', 'RelayState'] as const;
  const chosen = Object.fromEntries(names.map((name) => [name, field(chooser, name)]));
  const answer = await (await go(`${server.idp.ssoUrl}/answer`, form({ ...chosen, person: '0' }))).text();
  const acs = /action="([^"]+)"/.exec(answer)?.[1] ?? '';
  const response = { SAMLResponse: field(answer, 'SAMLResponse'), RelayState: field(answer, 'RelayState') };
  const come = await go(acs, form(response, mark));
  expect(come.status).toBe(303);
  const session = /gatehouse-session=[^;]+/.exec(come.headers.getSetCookie().join('\n'))?.[0] ?? '';
  expect(session).not.toBe('');

  const cookie = `${mark}; ${session}`;
  const page = await (await go(`${base}/sign-out`, { headers: { cookie } })).text();
  const leaving = await go(`${base}/sign-out`, form({ form_token: field(page, 'form_token') }, cookie));
  const atIdp = await go(leaving.headers.get('location') ?? '');
  const back = await go(atIdp.headers.get('location') ?? '', { headers: { cookie } });
  expect(back.status).toBe(200);
  expect(await back.text()).toContain('You are signed out');
});

test('it gives out its metadata, and answers nobody whom it does not know', async () => {
  expect(await (await go(server.metadataUrl)).text()).toContain(`entityID="${server.idp.entityId}"`);
  const stranger = await openSamlIdpServer({ vendor: samlVendors.okta, keys: server.idp.keys, people: [], port: 0 });
  const { body } = await gatehouse.operator('get', '/api/v1/organizations');
  const connection = (await gatehouse.store.read.connections.find(String(body.items[0].id), {}))[0];
  const left = await go(`${base}/sso/start?connection=${connection?._id}`);
  const refused = await go((left.headers.get('location') ?? '').replace(server.idp.ssoUrl, stranger.idp.ssoUrl));
  expect(refused.status).toBe(400);
  await stranger.close();
});

test('an IdP of a Gatehouse needs nothing entered: any of its connections is known by its metadata, nobody else’s (DEV-1)', async () => {
  const key = await makeSamlKey('learning');
  // Encrypts, with the certificate of the connection's metadata.
  const vendor = samlVendors.shibboleth;
  const learning = await openSamlIdpServer({ vendor, keys: [key], people: [ann], port: 0, gatehouse: base });
  const made = await gatehouse
    .operator('post', '/api/v1/organizations')
    .send({ name: 'Learner', owner: { email: 'owner@learner.test' } });
  const connections = `/api/v1/organizations/${made.body.id}/connections`;
  const body = { name: 'IdP', preset: vendor.preset, saml: { metadataUrl: learning.metadataUrl } };
  const { id, status } = (await gatehouse.operator('post', connections).send(body)).body;
  expect(status).toBe('draft');
  const { url } = (await gatehouse.operator('post', `${connections}/${id}/test`)).body;
  const begun = await go(url);
  const mark = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
  const chooser = await (await go(begun.headers.get('location') ?? '')).text();
  const chosen = Object.fromEntries(['request', 'issuer', 'RelayState'].map((name) => [name, field(chooser, name)]));
  const answer = await (await go(`${learning.idp.ssoUrl}/answer`, form({ ...chosen, person: '0' }))).text();
  const response = { SAMLResponse: field(answer, 'SAMLResponse'), RelayState: field(answer, 'RelayState') };
  const told = await go(/action="([^"]+)"/.exec(answer)?.[1] ?? '', form(response, mark));
  expect([told.status, await told.text()]).toEqual([200, expect.stringContaining('Ann')]);
  const foreign = {
    ...chosen,
    issuer: `${base.replace('localhost', '127.0.0.1')}/sso/saml/${id}/metadata`,
    person: '0',
  };
  expect((await go(`${learning.idp.ssoUrl}/answer`, form(foreign))).status).toBe(400);
  await learning.close();
});
