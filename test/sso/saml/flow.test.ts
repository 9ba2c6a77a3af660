/** Around the message: replay, mix-up, other browsers, who began, where it leads (docs/sso-threats.md, A15, A16, B12 to B16, B25, B35, B36). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Clock } from '../../../src/lib/clock.ts';
import { samlVendors } from '../../../src/simulator/index.ts';
import { type Craft, craftResponse } from './craft.ts';
import { ann, type Left, openSamlWorld, type Pair, type SamlWorld } from './world.ts';

let world: SamlWorld;
let pair: Pair;
const late = { by: 0 };
const clock: Clock = { now: () => new Date(Date.now() + late.by) };

beforeAll(async () => {
  world = await openSamlWorld({ clock });
  pair = await world.connect();
});

const answer = (left: Left | undefined, at: Pair = pair, craft: Craft = {}, person = ann) =>
  craftResponse(at.idp, at.to, person, { request: left?.request.id, at: world.now(), craft });

/** How often somebody was let in. */
const admitted = (ended: readonly { readonly signedIn: boolean }[]) => ended.filter(({ signedIn }) => signedIn).length;

describe('a response counts once', () => {
  test('sent again, it is refused', async () => {
    const left = await world.start(pair);
    const response = await answer(left);
    expect(await world.post(pair, response, left)).toMatchObject({ status: 303, signedIn: true });
    const again = await world.post(pair, response, left);
    expect(again).toMatchObject({ status: 403, signedIn: false, record: { code: 'sign_in_expired' } });
  });

  test('sent eight times at once, it signs in once', async () => {
    const left = await world.start(pair);
    const response = await answer(left);
    expect(admitted(await Promise.all(Array.from({ length: 8 }, () => world.post(pair, response, left))))).toBe(1);
  });

  test('a refused one has used up the attempt: there is no second try', async () => {
    const left = await world.start(pair);
    expect(await world.post(pair, 'AAAA', left)).toMatchObject({ signedIn: false, record: { code: 'malformed' } });
    expect(await world.post(pair, await answer(left), left)).toMatchObject({
      signedIn: false,
      record: { code: 'sign_in_expired', detail: expect.stringMatching(/has had its answer/) },
    });
    expect(await world.signIn(pair)).toMatchObject({ signedIn: true });
  });

  test('that of an IdP which began counts once, too, also eight at once (SSO-2)', async () => {
    const open = await world.connect({ idpInitiated: true });
    const response = await answer(undefined, open);
    expect(admitted(await Promise.all(Array.from({ length: 8 }, () => world.post(open, response))))).toBe(1);
    expect(await world.post(open, response)).toMatchObject({ signedIn: false, record: { code: 'replayed' } });
    expect(await world.post(open, await answer(undefined, open))).toMatchObject({ signedIn: true });
  });

  test('an assertion that was used does not count in another response (SSO-2)', async () => {
    const open = await world.connect({ idpInitiated: true, vendor: 'ping' });
    let kept = '';
    const keep: Craft = { signedAssertion: (xml) => (kept = xml) };
    expect(await world.post(open, await answer(undefined, open, keep))).toMatchObject({ signedIn: true });
    const again = await answer(undefined, open, { signedAssertion: () => kept });
    expect(await world.post(open, again)).toMatchObject({ signedIn: false, record: { code: 'replayed' } });
  });
});

describe('a response belongs to one connection', () => {
  test('that of another connection of the same IdP and organization is refused there', async () => {
    const entityId = 'https://shared.example/idp';
    const [one, two] = [await world.connect({ entityId }), await world.connect({ entityId })];
    const left = await world.start(one);
    const response = await answer(left, one);
    expect(await world.post(two, response, left)).toMatchObject({
      signedIn: false,
      record: { code: 'sign_in_expired' },
    });
    expect(await world.post(one, response, left)).toMatchObject({ signedIn: true });
  });

  test('an answer to a request of the other connection is refused for its audience (SSO-3)', async () => {
    const entityId = 'https://shared.example/idp';
    const other = await world.makeOrganization('other.test');
    const [ours, theirs] = [
      await world.connect({ entityId }),
      await world.connect({ entityId, organizationId: other }),
    ];
    const left = await world.start(theirs);
    const forUs = await answer(left, ours);
    expect(await world.post(theirs, forUs, left)).toMatchObject({
      signedIn: false,
      record: { code: 'recipient_mismatch' },
    });
    const again = await world.start(theirs);
    const bea = { ...ann, email: 'bea@other.test' };
    expect(await world.post(theirs, await answer(again, theirs, {}, bea), again)).toMatchObject({ signedIn: true });
  });

  test('an assertion with its recipient put right is still for the other audience', async () => {
    const entityId = 'https://shared.example/idp';
    const [one, two] = [await world.connect({ entityId }), await world.connect({ entityId })];
    const left = await world.start(two);
    const forOne = await answer(left, two, { facts: (facts) => ({ ...facts, audience: one.to.entityId }) });
    expect(await world.post(two, forOne, left)).toMatchObject({
      signedIn: false,
      record: { code: 'audience_mismatch' },
    });
    expect(await world.signIn(two)).toMatchObject({ signedIn: true });
  });

  test('a connection that is not there, or speaks another protocol, has no ACS (PRJ-1)', async () => {
    const left = await world.start(pair);
    const response = await answer(left);
    const nowhere = { ...pair, connection: { ...pair.connection, _id: 'con-01jzzzzzzzzzzzzzzzzzzzzzzz' } };
    expect(await world.post(nowhere, response, left)).toMatchObject({ status: 404, signedIn: false });
    expect(await world.post(pair, response, left)).toMatchObject({ signedIn: true });
  });

  test('one that is disabled meanwhile lets nobody in (SSO-1)', async () => {
    const closing = await world.connect();
    const left = await world.start(closing);
    const { organizationId, _id } = closing.connection;
    const become = (status: 'active' | 'disabled') =>
      world.run((tx) => tx.connections.updateOne(organizationId, { _id }, { $set: { status } }));
    await become('disabled');
    expect(await world.post(closing, await answer(left, closing), left)).toMatchObject({
      status: 403,
      signedIn: false,
      record: { code: 'connection_not_active' },
    });
    await become('active');
    expect(await world.signIn(closing)).toMatchObject({ signedIn: true });
  });
});

describe('a response belongs to the browser that began (login CSRF)', () => {
  test.each<readonly [string, (other: Left) => string]>([
    ['without its cookie', () => ''],
    ['with the cookie of another', ({ cookie }) => cookie],
    ['with a cookie that is none', () => 'gatehouse-flow=x'],
  ])('%s it is refused, and left to the right one', async (_title, cookieOf) => {
    const left = await world.start(pair);
    const other = await world.start(pair);
    const response = await answer(left);
    const refused = await world.post(pair, response, { ...left, cookie: cookieOf(other) });
    expect(refused).toMatchObject({ signedIn: false, record: { code: 'sign_in_elsewhere' } });
    expect(await world.post(pair, response, left)).toMatchObject({ signedIn: true });
  });
});

describe('who begins (SSO-2)', () => {
  test('an IdP does not, unless the connection lets it', async () => {
    const refused = await world.post(pair, await answer(undefined));
    expect(refused).toMatchObject({ status: 403, signedIn: false, record: { code: 'unsolicited' } });
    const open = await world.connect({ idpInitiated: true });
    expect(await world.post(open, await answer(undefined, open))).toMatchObject({ signedIn: true });
  });

  test('where it may, it does not answer a request that did not come along', async () => {
    const open = await world.connect({ idpInitiated: true });
    const left = await world.start(open);
    const stolen = await answer(left, open);
    expect(await world.post(open, stolen)).toMatchObject({ signedIn: false, record: { code: 'request_mismatch' } });
    const inside = await answer(undefined, open, {
      assertion: (xml) =>
        xml.replace('<saml2:SubjectConfirmationData ', '<saml2:SubjectConfirmationData InResponseTo="_x" '),
    });
    expect(await world.post(open, inside)).toMatchObject({ signedIn: false, record: { code: 'request_mismatch' } });
    expect(await world.post(open, stolen, left)).toMatchObject({ signedIn: true });
    expect(await world.post(open, await answer(undefined, open))).toMatchObject({ signedIn: true });
  });

  test('an answer to a request of ours without InResponseTo is refused, though the IdP may begin', async () => {
    const open = await world.connect({ idpInitiated: true });
    const left = await world.start(open);
    const unasked = await answer(undefined, open);
    expect(await world.post(open, unasked, left)).toMatchObject({
      signedIn: false,
      record: { code: 'request_mismatch' },
    });
    expect(await world.post(open, unasked)).toMatchObject({ signedIn: true });
  });
});

describe('RelayState and where it all leads', () => {
  test.each(['https://evil.example/', '//evil.example', '/.//evil.example', 'javascript:alert(1)', '/console', ''])(
    'an IdP that begins leads nobody to %p',
    async (relayState) => {
      const open = await world.connect({ idpInitiated: true });
      const ended = await world.post(open, await answer(undefined, open), { relayState });
      expect(ended).toMatchObject({ status: 303, signedIn: true });
      expect(ended.location).not.toMatch(/evil|javascript/);
      expect(new URL(ended.location ?? '', 'http://gatehouse.test').host).toBe('gatehouse.test');
    },
  );

  test('a RelayState that nobody has given out takes no attempt', async () => {
    const left = await world.start(pair);
    const response = await answer(left);
    const relayState = '0'.repeat(64);
    expect(await world.post(pair, response, { ...left, relayState })).toMatchObject({ signedIn: false });
    expect(await world.post(pair, response, { ...left, relayState: 'https://evil.example/' })).toMatchObject({
      signedIn: false,
    });
    expect(await world.post(pair, response, left)).toMatchObject({ signedIn: true });
  });

  test('a request is random, asks for no way to sign in, and names the ACS of its connection', async () => {
    const [one, two] = [await world.start(pair), await world.start(pair)];
    expect(one.request.id).toMatch(/^_[0-9a-f]{40}$/);
    expect(one.request.id).not.toBe(two.request.id);
    expect(one.relayState).not.toBe(two.relayState);
    expect(one.request).toMatchObject({ issuer: pair.to.entityId, acsUrl: pair.to.acsUrl, forceAuthn: false });
    expect(one.request.xml).not.toMatch(/RequestedAuthnContext|localhost|127\.0\.0\.1/);
  });
});

describe('other doors to the ACS', () => {
  test('a response by redirect is none', async () => {
    const left = await world.start(pair);
    const SAMLResponse = await answer(left);
    const got = await world.gatehouse.request
      .get(`/sso/saml/${pair.connection._id}/acs`)
      .query({ SAMLResponse, RelayState: left.relayState })
      .set('cookie', left.cookie);
    expect(await world.endOf(got)).toMatchObject({ signedIn: false });
    expect([404, 405]).toContain(got.status);
    expect(await world.post(pair, SAMLResponse, left)).toMatchObject({ signedIn: true });
  });

  test.each<readonly [string, (field: string, state: string) => string]>([
    ['two responses', (field, state) => `SAMLResponse=${field}&SAMLResponse=${field}&RelayState=${state}`],
    ['two states', (field, state) => `SAMLResponse=${field}&RelayState=${state}&RelayState=${state}`],
    ['a response in brackets', (field, state) => `SAMLResponse[]=${field}&RelayState=${state}`],
    ['no response', (_field, state) => `RelayState=${state}`],
    ['an empty response', (_field, state) => `SAMLResponse=&RelayState=${state}`],
  ])('a form with %s is refused', async (_title, write) => {
    const left = await world.start(pair);
    const field = encodeURIComponent(await answer(left));
    const got = await world.gatehouse.request
      .post(`/sso/saml/${pair.connection._id}/acs`)
      .set('cookie', left.cookie)
      .type('form')
      .send(write(field, left.relayState));
    expect(await world.endOf(got)).toMatchObject({ status: 403, signedIn: false });
    expect(await world.signIn(pair)).toMatchObject({ signedIn: true });
  });

  test('a response as JSON is none', async () => {
    const left = await world.start(pair);
    const got = await world.gatehouse.request
      .post(`/sso/saml/${pair.connection._id}/acs`)
      .set('cookie', left.cookie)
      .send({ SAMLResponse: await answer(left), RelayState: left.relayState });
    expect(await world.endOf(got)).toMatchObject({ signedIn: false });
    expect(await world.post(pair, await answer(left), left)).toMatchObject({ signedIn: true });
  });
});

describe('a step-up', () => {
  test('asks the IdP to ask the person again, and holds it to that (SSO-5)', async () => {
    const left = await world.start(pair, { reauth: '1' });
    expect(left.request.forceAuthn).toBe(true);
    const old = new Date(world.now().getTime() - 30 * 60_000).toISOString();
    const stale = await answer(left, pair, { facts: (facts) => ({ ...facts, authnInstant: old }) });
    expect(await world.post(pair, stale, left)).toMatchObject({
      signedIn: false,
      record: { code: 'authentication_too_old' },
    });
    const again = await world.start(pair, { reauth: '1' });
    expect(await world.post(pair, await answer(again), again)).toMatchObject({ signedIn: true });
  });

  test('an ordinary sign-in takes a session that the IdP already had', async () => {
    const left = await world.start(pair);
    const old = new Date(world.now().getTime() - 8 * 3_600_000).toISOString();
    const response = await answer(left, pair, { facts: (facts) => ({ ...facts, authnInstant: old }) });
    expect(await world.post(pair, response, left)).toMatchObject({ signedIn: true });
  });
});

test('an attempt ends after ten minutes, whatever the message says', async () => {
  const left = await world.start(pair);
  late.by = 11 * 60_000;
  const ended = await world.post(pair, await answer(left), left);
  late.by = 0;
  expect(ended).toMatchObject({ signedIn: false, record: { code: 'sign_in_expired' } });
  const again = await world.start(pair);
  late.by = 9 * 60_000;
  const inTime = await world.post(pair, await answer(again), again);
  late.by = 0;
  expect(inTime).toMatchObject({ signedIn: true });
});

test('what was learnt of a refused message is in the record, not on the page (SSO-1)', async () => {
  const google = await world.connect({ vendor: 'google' });
  const past = new Date(world.now().getTime() - 200_000).toISOString();
  const { record, page } = await world.signIn(google, {
    facts: (facts) => ({ ...facts, audience: 'https://other.example', issueInstant: past }),
  });
  expect(record).toMatchObject({
    code: 'audience_mismatch',
    detail: `Audience: expected "${google.to.entityId}", found "https://other.example"`,
    received: {
      issuer: google.idp.entityId,
      nameId: { value: 'ann@acme.test', format: samlVendors.google.nameId(ann).format },
      clockDifferenceSeconds: expect.any(Number),
      encrypted: false,
      responseSignature: {
        algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
        certificate: {
          configured: true,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          expiresAt: expect.any(String),
        },
      },
      attributes: expect.arrayContaining([{ name: 'groups', count: 2, values: ann.groups }]),
    },
  });
  expect(Math.abs(Number(record?.received?.clockDifferenceSeconds) + 200)).toBeLessThan(30);
  for (const word of ['audience', 'Audience', 'other.example', 'idp.test', 'groups']) expect(page).not.toContain(word);
});

test('what is shown of a long value ends between two characters, so that there is a record (SSO-1)', async () => {
  const audience = `https://${'x'.repeat(247)}😀 and more`;
  const { record } = await world.signIn(pair, { facts: (facts) => ({ ...facts, audience }) });
  expect(record).toMatchObject({ code: 'audience_mismatch', received: { audiences: [`https://${'x'.repeat(247)}…`] } });
});
