/** What is refused before there is a sign-in to keep a record of: told to the audit and the log by the reference of its page, and never in a number that nobody reads. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { platformTrail } from '../../src/events/index.ts';
import { openLogger } from '../../src/lib/logger.ts';
import { makeTestLink } from '../../src/sso/index.ts';
import type { AuditEvent, Connection } from '../../src/store/index.ts';
import { testBaseUrl } from '../support/gatehouse.ts';
import { type BrowserWorld, openBrowserWorld } from './oidc/browser.ts';
import { type EvilIdp, openEvilIdp, type Person } from './oidc/evilIdp.ts';
import { verifyRefusalPage } from './refusalPage.ts';
import { formOf, openBrowser } from './web/browser.ts';

const ann: Person = { sub: 'ann', email: 'ann@acme.test', email_verified: true, name: 'Ann Lee' };
const lines: string[] = [];
let now = Date.UTC(2030, 0, 1);
let world: BrowserWorld;
let idp: EvilIdp;
let connection: Connection;
let draft: Connection;

beforeAll(async () => {
  const logger = openLogger('info', { write: (line) => void lines.push(line) });
  world = await openBrowserWorld({ logger, clock: { now: () => new Date(now) } });
  idp = await openEvilIdp();
  connection = await world.connect(idp.issuer);
  const made = await world.connect(idp.issuer);
  const changed = await world.run((tx) =>
    tx.connections.updateOne(made.organizationId, { _id: made._id }, { $set: { status: 'draft' } }),
  );
  draft = changed ?? made;
});
afterAll(() => idp.close());

const ask = () => world.gatehouse.request;
const junk = '0'.repeat(64);

async function trailOf(trail: string): Promise<readonly AuditEvent[]> {
  const events = await world.gatehouse.store.read.auditEvents.find(trail, {
    type: { $in: ['sign_in.refused', 'sign_in.limited'] },
  });
  return events.toSorted((a, b) => (a._id < b._id ? -1 : 1));
}

/** What log and audit tell of the request that was refused by this page. */
async function toldOf(page: Response) {
  const reference = /<code>([^<]*)<\/code>/.exec(page.text)?.[1] ?? String(page.headers['x-request-id']);
  const [organization, platform] = [await trailOf(world.organizationId), await trailOf(platformTrail)];
  const of = (events: readonly AuditEvent[]) => events.filter(({ after }) => after?.reference === reference);
  const logged = lines.map((line) => JSON.parse(line)).filter((line) => line.reference === reference);
  return { reference, organization: of(organization), platform: of(platform), logged };
}

/** The request with the flaw, what it is refused with, and the same without it. */
interface Row {
  readonly send: () => PromiseLike<Response>;
  readonly status: number;
  readonly code: string;
  readonly of: 'organization' | 'platform';
  readonly honest: () => Promise<{ readonly status: number }>;
}

const signsIn = () => world.signIn(connection, idp, soon(ann));
/** The IdP's clock is that of the machine, ours is not. */
const soon = (person: Person): Person => ({
  ...person,
  iat: Math.floor(now / 1000),
  exp: Math.floor(now / 1000) + 300,
});
const opens = (path: string) => async () => ask().get(path);
const begins = () => ask().get('/sso/start').query({ connection: connection._id });

const rows: Readonly<Record<string, Row>> = {
  'a response for a SAML connection that is not there': {
    send: () => ask().post('/sso/saml/con-x/acs').type('form').send({ SAMLResponse: 'PHg+' }),
    ...{ status: 404, code: 'not_found', of: 'platform', honest: signsIn },
  },
  'a response for one that speaks OpenID Connect': {
    send: () => ask().post(`/sso/saml/${connection._id}/acs`).type('form').send({ SAMLResponse: 'PHg+' }),
    ...{ status: 404, code: 'not_found', of: 'organization', honest: signsIn },
  },
  'a code for a connection that is not there': {
    send: () => ask().get(`/sso/oidc/con-x/callback?code=c&state=${junk}`),
    ...{ status: 404, code: 'not_found', of: 'platform', honest: signsIn },
  },
  'a code for a state that nobody has given out': {
    send: () => ask().get(`/sso/oidc/callback?code=c&state=${junk}`),
    ...{ status: 400, code: 'sign_in_expired', of: 'platform', honest: signsIn },
  },
  'a code without a state': {
    send: () => ask().get('/sso/oidc/callback?code=c'),
    ...{ status: 400, code: 'sign_in_expired', of: 'platform', honest: signsIn },
  },
  'a beginning at a connection that is not there': {
    send: () => ask().get('/sso/start?connection=con-x'),
    ...{ status: 404, code: 'not_found', of: 'platform', honest: begins },
  },
  'a beginning at one whose name holds what no text may': {
    send: () => ask().get('/sso/start?connection=%00'),
    ...{ status: 404, code: 'not_found', of: 'platform', honest: begins },
  },
  'a beginning at one that is a draft': {
    send: () => ask().get('/sso/start').query({ connection: draft._id }),
    ...{ status: 404, code: 'not_found', of: 'organization', honest: begins },
  },
  'a beginning that is to lead to somebody else': {
    send: () => ask().get('/sso/start').query({ connection: connection._id, return_to: 'https://evil.test/' }),
    ...{ status: 400, code: 'invalid_request', of: 'organization', honest: begins },
  },
  'the link of a test, a second time': {
    async send() {
      const { url } = await world.run((tx) => makeTestLink(tx, connection, testBaseUrl));
      const path = url.replace(testBaseUrl, '');
      await ask().get(path);
      return ask().get(path);
    },
    ...{ status: 400, code: 'sign_in_expired', of: 'organization' },
    async honest() {
      const { url } = await world.run((tx) => makeTestLink(tx, connection, testBaseUrl));
      return ask().get(url.replace(testBaseUrl, ''));
    },
  },
  'a request to log out of a SAML connection that is not there': {
    send: () => ask().get('/sso/saml/con-x/slo?SAMLRequest=AAAA'),
    ...{ status: 404, code: 'not_found', of: 'platform', honest: signsIn },
  },
  'a form that no page of ours has given': {
    send: () => ask().post('/sign-in').type('form').send({ email: 'ann@home.test', action: 'link' }),
    ...{ status: 403, code: 'form_expired', of: 'platform' },
    async honest() {
      const browser = openBrowser(world.gatehouse);
      return browser.submit(await browser.open('/sign-in'), { email: 'ann@home.test', action: 'link' });
    },
  },
  'a form that another site has sent': {
    async send() {
      const browser = openBrowser(world.gatehouse);
      const { action, fields } = formOf(await browser.open('/sign-in'));
      return browser.post(action, { ...fields, email: 'ann@home.test' }, { Origin: 'https://evil.test' });
    },
    ...{ status: 403, code: 'form_expired', of: 'platform', honest: opens('/sign-in') },
  },
  'a mailed link that nobody was sent': {
    send: () => ask().get(`/sign-in/link?token=${junk}`),
    ...{ status: 400, code: 'link_expired', of: 'platform', honest: opens('/sign-in') },
  },
};

describe('is told of by the reference of its page', () => {
  test.each(Object.entries(rows))('%s', async (_title, { send, status, code, of, honest }) => {
    now += 3_600_000;
    const page = await send();
    expect(page.status).toBe(status);
    verifyRefusalPage(page);
    const told = await toldOf(page);
    expect(told[of]).toMatchObject([{ type: 'sign_in.refused', outcome: 'refused', after: { code } }]);
    expect(told[of === 'platform' ? 'organization' : 'platform']).toEqual([]);
    expect(told.logged).toMatchObject([{ code, requestId: told.reference }]);
    expect([200, 303]).toContain((await honest()).status);
  });

  test('a log-out token that is for no connection here, in the protocol’s own form', async () => {
    now += 3_600_000;
    const token = await idp.sign({ iss: 'https://nobody.test', aud: 'gatehouse' });
    const answer = await ask().post('/sso/oidc/backchannel-logout').type('form').send({ logout_token: token });
    expect([answer.status, answer.body]).toEqual([400, { error: 'invalid_request' }]);
    expect((await toldOf(answer)).platform).toMatchObject([{ outcome: 'refused', after: { code: 'invalid_request' } }]);
  });

  test('and readable by the operator, who is given the reference', async () => {
    now += 3_600_000;
    const page = await ask().get('/sso/start?connection=con-y');
    const { reference } = await toldOf(page);
    const { body } = await world.gatehouse.operator('get', '/api/v1/audit?type=sign_in.refused').expect(200);
    expect(body.items[0]).toMatchObject({ outcome: 'refused', after: { reference, path: '/sso/start' } });
  });
});

describe('however much there is of it', () => {
  test('a hundred are told at once, then one a minute, which says how many were not (SSO-2)', async () => {
    now += 24 * 3_600_000;
    const before = (await trailOf(platformTrail)).length;
    for (let sent = 0; sent < 200; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, () => ask().get('/sso/start?connection=con-x')));
    }
    expect((await trailOf(platformTrail)).length).toBe(before + 100);
    now += 61_000;
    await ask().get('/sso/start?connection=con-x');
    const after = await trailOf(platformTrail);
    expect(after.length).toBe(before + 101);
    expect(after.at(-1)?.after).toMatchObject({ untold: 100 });
    // An organization's own trail is not held up by what belongs to nobody.
    const page = await ask().get('/sso/start').query({ connection: draft._id, return_to: 'https://evil.test/' });
    expect((await toldOf(page)).organization).toEqual([]);
    const known = await ask().get('/sso/start').query({ connection: draft._id });
    expect((await toldOf(known)).organization).toHaveLength(1);
    expect(await signsIn()).toMatchObject({ signedIn: true });
  });

  test('that there is too much is told, too, and not each time (429)', async () => {
    now += 24 * 3_600_000;
    const before = (await trailOf(platformTrail)).filter(({ type }) => type === 'sign_in.limited').length;
    const pages: Response[] = [];
    for (let guess = 0; guess < 45; guess += 1) pages.push(await ask().get(`/sign-in/link?token=${guess}`));
    const limited = pages.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThan(20);
    for (const page of limited) verifyRefusalPage(page);
    const told = (await trailOf(platformTrail)).filter(({ type }) => type === 'sign_in.limited').slice(before);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(10);
    expect(told[0]).toMatchObject({ outcome: 'refused', after: { code: 'rate_limited', path: '/sign-in/link' } });
  });
});

describe('a sign-in that an OpenID provider begins (OpenID Connect Core §4)', () => {
  test('leaves for it, with the name that it suggests, and comes back to where it is to end', async () => {
    now += 24 * 3_600_000;
    const query = { connection: connection._id, iss: idp.issuer, login_hint: 'ann@acme.test', target_link_uri: '/x' };
    const left = await ask().get('/sso/start').query(query);
    expect(left.status).toBe(303);
    const address = new URL(left.headers.location ?? '');
    expect(address.searchParams.get('login_hint')).toBe('ann@acme.test');
    const [cookie = ''] = ([] as string[]).concat(left.headers['set-cookie'] ?? []);
    const { pathname, search } = idp.authorize(address.href, soon(ann));
    const back = await ask()
      .get(pathname + search)
      .set('cookie', cookie.split(';')[0] ?? '');
    expect([back.status, back.headers.location]).toEqual([303, `${testBaseUrl}/x`]);
  });

  test('may say more than is understood, and comes as a form, too', async () => {
    now += 24 * 3_600_000;
    const said = { iss: idp.issuer, login_hint: 'ann@acme.test', target_link_uri: '/x', lti_message_hint: 'm' };
    const asked = { connection: connection._id, source: 'tile' };
    const left = await ask()
      .get('/sso/start')
      .query({ ...asked, ...said });
    expect([left.status, new URL(left.headers.location ?? '').origin]).toEqual([303, idp.issuer]);
    const posted = await ask().post('/sso/start').query(asked).set('Origin', idp.issuer).type('form').send(said);
    expect(posted.status).toBe(303);
    const onward = new URL(posted.headers.location ?? '');
    expect(onward.href.startsWith(`${testBaseUrl}/sso/start?connection=${connection._id}&`)).toBe(true);
    const again = await ask().get(onward.pathname + onward.search);
    expect([again.status, new URL(again.headers.location ?? '').searchParams.get('login_hint')]).toEqual([
      303,
      'ann@acme.test',
    ]);
    const twice = await ask().post('/sso/start').query(asked).type('form').send('iss=a&iss=b');
    expect(twice.status).toBe(400);
    verifyRefusalPage(twice);
    const elsewhere = await ask().get(`${onward.pathname}${onward.search}&iss=https://evil.test`);
    expect(elsewhere.status).toBe(400);
    verifyRefusalPage(elsewhere);
  });

  test('is refused where another one begins it, and where it is to end elsewhere', async () => {
    now += 24 * 3_600_000;
    const start = (query: object) =>
      ask()
        .get('/sso/start')
        .query({ connection: connection._id, ...query });
    const another = await start({ iss: 'https://evil.test' });
    verifyRefusalPage(another);
    expect(another.status).toBe(403);
    const reference = /<code>([^<]*)<\/code>/.exec(another.text)?.[1] ?? '';
    const record = await world.gatehouse.store.read.signInRecords.findOne(world.organizationId, { reference });
    expect(record).toMatchObject({ code: 'issuer_mismatch', outcome: 'refused' });
    const elsewhere = await start({ iss: idp.issuer, target_link_uri: 'https://evil.test/' });
    expect(elsewhere.status).toBe(400);
    verifyRefusalPage(elsewhere);
    expect((await start({ iss: idp.issuer })).status).toBe(303);
  });
});
