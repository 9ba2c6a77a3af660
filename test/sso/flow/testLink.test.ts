/** A connection is tried before anybody's sign-in depends on it, and its admin sees what the IdP sent (SSO-1). */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { findAccountByProvenEmail } from '../../../src/access/index.ts';
import { readSamlRequest } from '../../../src/simulator/index.ts';
import { craftResponse } from '../saml/craft.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from '../saml/world.ts';

let world: SamlWorld;
let pair: Pair;
let home: string;

beforeEach(async () => {
  world = await openSamlWorld();
  pair = await world.connect();
  const { organizationId, _id } = pair.connection;
  home = `/api/v1/organizations/${organizationId}/connections/${_id}`;
  await world.run((tx) => tx.connections.updateOne(organizationId, { _id }, { $set: { status: 'draft' } }));
});

const makeLink = async (): Promise<string> => {
  const { body } = await world.gatehouse.operator('post', `${home}/test`).expect(201);
  const { pathname, search } = new URL(body.url);
  return `${pathname}${search}`;
};

async function open(link: string) {
  const answer = await world.gatehouse.request.get(link).expect(303);
  const [cookie = ''] = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
  const url = new URL(answer.headers.location ?? '');
  return {
    request: readSamlRequest(url.searchParams.get('SAMLRequest') ?? '', 'redirect'),
    relayState: url.searchParams.get('RelayState') ?? '',
    cookie: cookie.split(';')[0] ?? '',
  };
}

const statusOf = async (): Promise<string> => (await world.gatehouse.operator('get', home).expect(200)).body.status;

describe('a test sign-in', () => {
  test('shows what the IdP sent and what would come of it, signs nobody in, and makes the draft tested', async () => {
    const left = await open(await makeLink());
    const response = await craftResponse(pair.idp, pair.to, ann, { request: left.request.id, at: world.now() });
    const ended = await world.post(pair, response, left);
    expect(ended).toMatchObject({ status: 200, signedIn: false });
    expect(ended.page).toContain('an account and a membership would be made');
    expect(ended.page).toContain('ann@acme.test');
    expect(ended.record).toMatchObject({ purpose: 'test', outcome: 'would_sign_in', code: 'create' });
    expect(await findAccountByProvenEmail(world.gatehouse.store.read, ann.email)).toBeUndefined();
    expect(await statusOf()).toBe('tested');
    const reference = ended.record?.reference;
    const path = `/api/v1/organizations/${pair.connection.organizationId}/sign-ins/${reference}`;
    const { body } = await world.gatehouse.operator('get', path).expect(200);
    expect(JSON.stringify(body.received)).toContain('ann@acme.test');
  });

  test('that fails tells the admin why, and leaves the draft a draft', async () => {
    const left = await open(await makeLink());
    const late = new Date(world.now().getTime() - 3_600_000);
    const response = await craftResponse(pair.idp, pair.to, ann, { request: left.request.id, at: late });
    const ended = await world.post(pair, response, left);
    expect(ended.signedIn).toBe(false);
    expect(ended.record).toMatchObject({ purpose: 'test', outcome: 'refused' });
    expect(ended.page).toContain('The test has failed');
    expect(ended.page).toContain(ended.record?.detail.slice(0, 12) ?? 'nothing');
    expect(await statusOf()).toBe('draft');
  });

  test('begins with a link that is good once, and is no answer of an IdP', async () => {
    const link = await makeLink();
    const state = new URL(link, 'http://x.test').searchParams.get('test') ?? '';
    const asAnswer = await world.gatehouse.request.get('/sso/oidc/callback').query({ state, code: 'c' });
    expect(asAnswer.status).toBe(404);
    const response = await craftResponse(pair.idp, pair.to, ann, { request: '_none', at: world.now() });
    expect(await world.post(pair, response, { relayState: state })).toMatchObject({ signedIn: false, status: 403 });
    await open(link);
    expect((await world.gatehouse.request.get(link)).status).toBe(400);
  });

  test('is asked for by who may manage sign-in, while the draft itself lets nobody begin', async () => {
    const elsewhere = home.replace(pair.connection.organizationId, await world.makeOrganization('other.test'));
    await world.gatehouse.operator('post', `${elsewhere}/test`).expect(404);
    expect((await world.gatehouse.request.get('/sso/start').query({ connection: pair.connection._id })).status).toBe(
      404,
    );
  });
});

test('a connection that is disabled is tried before it is switched on again, and lets nobody in meanwhile (SSO-1)', async () => {
  const { organizationId, _id } = pair.connection;
  const set = (status: 'active' | 'disabled') =>
    world.run((tx) => tx.connections.updateOne(organizationId, { _id }, { $set: { status } }));
  await set('active');
  const begun = await world.start(pair);
  await set('disabled');
  const response = await craftResponse(pair.idp, pair.to, ann, { request: begun.request.id, at: world.now() });
  const refused = await world.post(pair, response, begun);
  expect(refused).toMatchObject({ status: 403, signedIn: false });
  expect(refused.record).toMatchObject({ purpose: 'sign_in', outcome: 'refused', code: 'connection_not_active' });
  const left = await open(await makeLink());
  const tested = await craftResponse(pair.idp, pair.to, ann, { request: left.request.id, at: world.now() });
  const ended = await world.post(pair, tested, left);
  expect(ended).toMatchObject({ status: 200, signedIn: false });
  expect(ended.record).toMatchObject({ purpose: 'test', outcome: 'would_sign_in' });
  expect(await statusOf()).toBe('disabled');
});
