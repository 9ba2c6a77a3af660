/** Around the answer: whose browser, which attempt, which IdP, which network, and whose account (SSO-2, SSO-3, SSO-6). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAccount, findAccountByProvenEmail } from '../../../src/access/index.ts';
import { attemptLifeMs } from '../../../src/sso/attempts.ts';
import { type Connection, PLATFORM, type SignInRecord } from '../../../src/store/index.ts';
import { openTestPlace } from '../../support/engines.ts';
import { type BrowserWorld, openBrowserWorld } from './browser.ts';
import { type EvilIdp, type Flaw, openEvilIdp, type Person } from './evilIdp.ts';

const ann: Person = { sub: 'ann', email: 'ann@acme.test', email_verified: true, name: 'Ann Lee' };

let world: BrowserWorld;
let idp: EvilIdp;
let connection: Connection;
let ahead = 0;

beforeAll(async () => {
  world = await openBrowserWorld({ clock: { now: () => new Date(Date.now() + ahead) } });
  idp = await openEvilIdp();
  connection = await world.connect(idp.issuer);
});
afterAll(() => idp.close());

const count = () => world.gatehouse.store.read.sessions.count(PLATFORM, {});

async function begin(through = connection) {
  const left = await world.start(through);
  if (!('address' in left)) throw new Error(left.text);
  return left;
}

describe('an answer counts once, for the browser and the connection that it was asked for', () => {
  test('the same answer again is refused', async () => {
    const { address, cookie } = await begin();
    const url = idp.authorize(address, ann);
    expect((await world.finish(url, cookie)).signedIn).toBe(true);
    const again = await world.finish(url, cookie);
    expect(again).toMatchObject({ signedIn: false, status: 403, record: { code: 'sign_in_expired' } });
    expect(again.record?.detail).toMatch(/has had its answer/);
    // So is a second answer to the same sign-in, with a code of its own.
    const other = await world.finish(idp.authorize(address, ann), cookie);
    expect(other).toMatchObject({ signedIn: false, status: 403, record: { code: 'sign_in_expired' } });
  });

  test('of five at once one is let in', async () => {
    const before = await count();
    const { address, cookie } = await begin();
    const url = idp.authorize(address, ann);
    const ended = await Promise.all(Array.from({ length: 5 }, () => world.finish(url, cookie)));
    expect(ended.filter(({ signedIn }) => signedIn)).toHaveLength(1);
    expect(await count()).toBe(before + 1);
  });

  test.each<readonly [string, (url: URL) => void]>([
    ['no state', (url) => url.searchParams.delete('state')],
    ['an empty state', (url) => url.searchParams.set('state', '')],
    ['another state', (url) => url.searchParams.set('state', '0'.repeat(64))],
    ['the state twice', (url) => url.searchParams.append('state', url.searchParams.get('state') ?? '')],
    [
      'the state as an object',
      (url) => {
        url.searchParams.set('state[$ne]', '');
        url.searchParams.delete('state');
      },
    ],
  ])('%s is refused, and the honest answer still accepted', async (_title, change) => {
    const { address, cookie } = await begin();
    const honest = idp.authorize(address, ann);
    const bad = new URL(honest);
    change(bad);
    expect(await world.finish(bad, cookie)).toMatchObject({ signedIn: false, status: 400 });
    expect((await world.finish(honest, cookie)).signedIn).toBe(true);
  });

  test("another browser's answer is refused: without a cookie, with another, with another sign-in's (login CSRF)", async () => {
    const { address, cookie } = await begin();
    const url = idp.authorize(address, ann);
    const other = await begin();
    for (const foreign of [undefined, 'gatehouse-flow=', `gatehouse-flow=${'0'.repeat(64)}`, other.cookie]) {
      expect(await world.finish(url, foreign)).toMatchObject({ signedIn: false, status: 403 });
    }
    expect((await world.finish(url, cookie)).signedIn).toBe(true);
  });

  test('after ten minutes it is too late', async () => {
    const { address, cookie } = await begin();
    const url = idp.authorize(address, ann);
    ahead = attemptLifeMs + 1000;
    const late = await world.finish(url, cookie);
    ahead = 0;
    expect(late).toMatchObject({ signedIn: false, status: 403, record: { code: 'sign_in_expired' } });
    const again = await begin();
    ahead = attemptLifeMs - 60_000;
    const inTime = await world.finish(
      idp.authorize(again.address, ann, {
        claims: (honest) => ({ ...honest, iat: Number(honest.iat) + 540, exp: Number(honest.exp) + 540 }),
      }),
      again.cookie,
    );
    ahead = 0;
    expect(inTime).toMatchObject({ signedIn: true });
  });

  test("A's code with B's state never reaches B's token endpoint (mix-up, RFC 9207)", async () => {
    const evil = await openEvilIdp();
    const other = await world.connect(evil.issuer);
    const atEvil = await begin(other);
    const atHonest = await begin();
    // The evil IdP sends the victim on to the honest one, with its own state.
    const url = idp.authorize(atHonest.address, ann);
    url.searchParams.set('state', new URL(atEvil.address).searchParams.get('state') ?? '');
    const ended = await world.finish(url, atEvil.cookie);
    expect(ended).toMatchObject({ signedIn: false, record: { code: 'issuer_mismatch' } });
    expect(evil.requests.some(({ path }) => path === '/token')).toBe(false);
    expect((await world.signIn(other, evil, ann)).signedIn).toBe(true);
    await evil.close();
  });

  test('a code that was given for another sign-in is refused by its PKCE verifier', async () => {
    const [first, second] = [await begin(), await begin()];
    const stolen = idp.authorize(first.address, ann).searchParams.get('code') ?? '';
    const url = idp.authorize(second.address, ann);
    url.searchParams.set('code', stolen);
    expect(await world.finish(url, second.cookie)).toMatchObject({ signedIn: false, record: { code: 'idp_refused' } });
    const own = await begin();
    expect(await world.finish(idp.authorize(own.address, ann), own.cookie)).toMatchObject({ signedIn: true });
  });

  test('an ID token that was made for another sign-in is refused by its nonce', async () => {
    const [first, second] = [await begin(), await begin()];
    const nonce = new URL(first.address).searchParams.get('nonce');
    const url = idp.authorize(second.address, ann, { claims: (honest) => ({ ...honest, nonce }) });
    expect(await world.finish(url, second.cookie)).toMatchObject({
      signedIn: false,
      record: { code: 'request_mismatch' },
    });
    const own = await begin();
    expect(await world.finish(idp.authorize(own.address, ann), own.cookie)).toMatchObject({ signedIn: true });
  });

  test('a posted answer (form_post) has no address here', async () => {
    const { address, cookie } = await begin();
    const { search } = idp.authorize(address, ann);
    const form = Object.fromEntries(new URLSearchParams(search));
    const answer = await world.gatehouse.request.post('/sso/oidc/callback').set({ cookie }).type('form').send(form);
    expect(answer.status).toBe(404);
  });
});

describe('a test sign-in of an Admin (SSO-1)', () => {
  const path = () => `/api/v1/organizations/${world.organizationId}/connections/${connection._id}/test`;

  async function tryOut(flaw: Flaw = {}) {
    const { body } = await world.gatehouse.operator('post', path()).expect(201);
    const { pathname, search } = new URL(body.url);
    const left = await world.gatehouse.request.get(pathname + search).expect(303);
    const [cookie = ''] = ([] as string[]).concat(left.headers['set-cookie'] ?? []);
    return world.finish(idp.authorize(left.headers.location ?? '', ann, flaw), cookie.split(';')[0]);
  }

  const seen = (record: SignInRecord | undefined) => record?.received as Record<string, unknown> | undefined;

  test('shows the claims, by which key they are signed, how the clocks differ, and what would become of the person', async () => {
    const ended = await tryOut();
    expect(ended).toMatchObject({
      status: 200,
      signedIn: false,
      record: { purpose: 'test', outcome: 'would_sign_in' },
    });
    expect(seen(ended.record)).toMatchObject({
      signature: { algorithm: 'RS256', keyId: idp.key.kid },
      clockDifferenceSeconds: expect.any(Number),
      idToken: expect.arrayContaining([{ name: 'email', value: 'ann@acme.test' }]),
    });
    for (const word of ['The person would be', 'ann@acme.test', 'RS256', 'clockDifferenceSeconds']) {
      expect(ended.page).toContain(word);
    }
  });

  test('that fails shows the reason, and what is known of the token by then', async () => {
    const ended = await tryOut({
      claims: (honest) => ({ ...honest, iat: Number(honest.iat) - 900, exp: Number(honest.exp) + 900 }),
    });
    expect(ended).toMatchObject({ status: 200, signedIn: false, record: { purpose: 'test', code: 'expired' } });
    expect(Math.abs(Number(seen(ended.record)?.clockDifferenceSeconds) + 900)).toBeLessThan(30);
    expect(ended.page).toContain('issued 9');
    expect(ended.page).toContain('RS256');
  });
});

describe('mix-up: a hostile provider leads the browser on to an honest one (RFC 9700 §4.4)', () => {
  const sendNoIss: Flaw = {
    metadata: (honest) => ({ ...honest, authorization_response_iss_parameter_supported: undefined }),
    callback: (url) => {
      url.searchParams.delete('iss');
      return url;
    },
  };

  test.each([
    ['both without iss', false, false],
    ['the hostile one at the shared address', true, false],
    ['the honest one at the shared address', false, true],
    ['both at the shared address, the answer stripped of iss', true, true],
  ])('no code of the honest one reaches the hostile one: %s', async (_title, evilAnnounces, honestAnnounces) => {
    const [honest, evil] = [await openEvilIdp(), await openEvilIdp()];
    if (!evilAnnounces) evil.misbehave(sendNoIss);
    if (!honestAnnounces) honest.misbehave(sendNoIss);
    const good = await world.connect(honest.issuer, { announcesIss: honestAnnounces });
    const bad = await world.connect(evil.issuer, { announcesIss: evilAnnounces });
    const leave = async (through: Connection) => {
      const left = await world.start(through);
      if (!('address' in left)) throw new Error(left.text);
      return left;
    };
    const [attacker, victim] = [await leave(good), await leave(bad)];
    const led = new URL(attacker.address);
    led.searchParams.set('state', new URL(victim.address).searchParams.get('state') ?? '');
    const back = honest.authorize(led.href, ann, sendNoIss);
    const shared = new URL('/sso/oidc/callback', back);
    shared.search = back.search;
    for (const url of [back, shared]) {
      const ended = await world.finish(url, victim.cookie);
      expect(ended.signedIn).toBe(false);
    }
    for (const { requests } of [evil, honest]) expect(requests.filter(({ path }) => path === '/token')).toEqual([]);
    const own = honest.authorize(attacker.address, ann, honestAnnounces ? {} : sendNoIss);
    expect((await world.finish(own, attacker.cookie)).signedIn).toBe(true);
    await honest.close();
    await evil.close();
  });
});

test('the address to come back to is the configured one, whatever Host and proxies say', async () => {
  const answer = await world.gatehouse.request.get('/sso/start').query({ connection: connection._id }).set({
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.example',
  });
  const redirect = new URL(answer.headers.location ?? '').searchParams.get('redirect_uri');
  expect(redirect).toBe('http://gatehouse.test/sso/oidc/callback');
  const [cookie = ''] = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
  const url = idp.authorize(answer.headers.location ?? '', ann);
  const ended = await world.finish(url, cookie.split(';')[0], { 'x-forwarded-host': 'evil.example' });
  expect(ended.signedIn).toBe(true);
  expect(
    idp.requests
      .filter(({ path }) => path === '/token')
      .at(-1)
      ?.body.get('redirect_uri'),
  ).toBe(redirect);
});

describe('what the metadata names is reached through the guarded client (SSO-1)', () => {
  test.each<readonly [string, Flaw]>([
    [
      'a token endpoint at a metadata service',
      { metadata: (honest) => ({ ...honest, token_endpoint: 'http://169.254.169.254/latest' }) },
    ],
    ['keys at a metadata service', { metadata: (honest) => ({ ...honest, jwks_uri: 'http://169.254.169.254/jwks' }) }],
    [
      'userinfo at a metadata service',
      { metadata: (honest) => ({ ...honest, userinfo_endpoint: 'http://[fd00:ec2::254]/' }) },
    ],
  ])('%s is never asked', async (_title, flaw) => {
    const person = { ...ann, email: undefined };
    idp.misbehave(flaw);
    const bad = await world.signIn(await world.connect(idp.issuer), idp, person, flaw);
    idp.misbehave({});
    expect(bad).toMatchObject({ signedIn: false, record: { code: 'idp_unreachable' } });
    expect((await world.signIn(await world.connect(idp.issuer), idp, person)).signedIn).toBe(true);
  });

  test.each(['token_endpoint', 'jwks_uri', 'userinfo_endpoint'])(
    'a %s that never answers is given up',
    async (name) => {
      const { createServer } = await import('node:net');
      const silent = createServer();
      const port = await new Promise<number>((resolve) =>
        silent.listen(0, '127.0.0.1', () => resolve((silent.address() as { port: number }).port)),
      );
      const flaw: Flaw = { metadata: (honest) => ({ ...honest, [name]: `http://127.0.0.1:${port}/` }) };
      idp.misbehave(flaw);
      const bad = await world.signIn(await world.connect(idp.issuer), idp, { ...ann, email: undefined });
      idp.misbehave({});
      silent.close();
      expect(bad).toMatchObject({ signedIn: false, record: { code: 'idp_unreachable' } });
      const person = { ...ann, email: undefined };
      expect(await world.signIn(await world.connect(idp.issuer), idp, person)).toMatchObject({ signedIn: true });
    },
  );

  test('an issuer on loopback is refused where private networks are not allowed', async () => {
    const place = await openTestPlace();
    const env = { GATEHOUSE_KEY: 'one key of both processes 0123456789', GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'false' };
    const strict = await openBrowserWorld({ place, env });
    const through = await strict.connect(idp.issuer);
    const bad = await strict.signIn(through, idp, ann);
    expect(bad).toMatchObject({ signedIn: false, status: 403, record: { code: 'idp_unreachable' } });
    await strict.gatehouse.close();
    // The same connection, in the same data, by a process that may reach it.
    const open = { place, env: { ...env, GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' } };
    const lenient = await openBrowserWorld(open, strict.organizationId);
    expect(await lenient.signIn(through, idp, ann)).toMatchObject({ status: 303, signedIn: true });
  });
});

describe("no IdP comes into an account outside of its organization's proof (SSO-3, SSO-6)", () => {
  const victim = (address: string) => world.run((tx) => createAccount(tx, { email: address, provenBy: 'operator' }));

  const into = async (person: Person, through = connection): Promise<string | undefined> => {
    const ended = await world.signIn(through, idp, person);
    return ended.signedIn ? 'signed in' : ended.record?.code;
  };

  test('an email that the IdP does not vouch for opens no account: email_verified false, absent, "true"', async () => {
    const { _id } = await victim('vera@acme.test');
    for (const email_verified of [false, undefined, 'true', 1]) {
      const person = { sub: `vera-${String(email_verified)}`, email: 'vera@acme.test', email_verified };
      expect(await into(person)).toBe('address_not_vouched');
    }
    expect(await world.sessionsOf(_id)).toBe(0);
    expect(await into({ sub: 'vera', email: 'vera@acme.test', email_verified: true })).toBe('signed in');
    expect(await world.sessionsOf(_id)).toBe(1);
  });

  test('nor does one outside of the verified domains, however vouched for', async () => {
    const { _id } = await victim('walt@other.test');
    expect(await into({ sub: 'walt', email: 'walt@other.test', email_verified: true })).toBe('unverified_domain');
    expect(await world.sessionsOf(_id)).toBe(0);
  });

  test('nOAuth: an Entra tenant cannot claim an address without xms_edov', async () => {
    const tenantId = '0f3ac9a1-7a7b-4b4c-8a8e-1c2d3e4f5a6b';
    const entra = await world.connect(idp.issuer, { tenantId }, 'entra');
    const { _id } = await victim('xena@acme.test');
    const claims = { sub: 'xena', tid: tenantId, email: 'xena@acme.test', email_verified: true };
    expect(await into(claims, entra)).toBe('address_not_vouched');
    expect(await world.sessionsOf(_id)).toBe(0);
    expect(await into({ ...claims, sub: 'xena-2', xms_edov: true }, entra)).toBe('signed in');
    expect(await world.sessionsOf(_id)).toBe(1);
  });

  test('the same address under a new subject is a question, never a link', async () => {
    expect(await into({ sub: 'yuri', email: 'yuri@acme.test', email_verified: true })).toBe('signed in');
    expect(await into({ sub: 'yuri-2', email: 'yuri@acme.test', email_verified: true })).toBe('other_subject');
  });

  test('the same subject of another connection is another person', async () => {
    expect(await into({ sub: 'zoe', email: 'zoe@acme.test', email_verified: true })).toBe('signed in');
    const zoe = await findAccountByProvenEmail(world.gatehouse.store.read, 'zoe@acme.test');
    const other = await world.connect(idp.issuer);
    expect(await into({ sub: 'zoe' }, other)).toBe('signed in');
    expect(await world.sessionsOf(zoe?._id ?? '')).toBe(1);
  });
});
