/** Through an IdP with a session already: the proof is added, the token changes, and nobody else can do it (SSO-5, SSO-7). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openSealer } from '../../../src/lib/secrets.ts';
import { type Connection, PLATFORM } from '../../../src/store/index.ts';
import { buildWorld, expectStatus, type World } from '../../http/world.ts';
import { openTestGatehouse, type TestGatehouse, testBaseUrl } from '../../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../../support/mailbox.ts';
import { until } from '../../support/until.ts';
import { insertConnection } from '../oidc/direct.ts';
import { type EvilIdp, openEvilIdp } from '../oidc/evilIdp.ts';
import { type Browser, openBrowser } from './browser.ts';
import { browse, openSessionOf, through } from './people.ts';

let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let idp: EvilIdp;
let connection: Connection;
let home: string;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    env: {
      SMTP_URL: mailbox.url,
      GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true',
      GATEHOUSE_RETURN_ORIGINS: 'https://console.test',
    },
  });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
  await expectStatus(200, gatehouse.operator('post', `${home}/domains/${acme.domain}/verify`).send({ force: true }));
  idp = await openEvilIdp();
  const sealer = openSealer(gatehouse.secrets.key);
  connection = await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
    insertConnection(tx, sealer, acme.organizationId, { issuer: idp.issuer }),
  );
  await expectStatus(200, gatehouse.operator('patch', home).send({ settings: { ssoEnforced: true } }));
});
afterAll(() => idp.close());

const admin = () => ({ sub: 'admin', email: acme.admin.email, email_verified: true });
const member = () => ({ sub: 'member', email: acme.member.email, email_verified: true });

/** To the IdP and back, as this person of the IdP's. */
async function comeBack(browser: Browser, start: string, person: ReturnType<typeof admin>) {
  const left = await browser.open(start);
  const back = idp.authorize(left.headers.location ?? '', person, {});
  return browser.open(back.pathname + back.search);
}

/** The same where the IdP is told to ask again, and says that it has. */
async function forced(browser: Browser, start: string, person: ReturnType<typeof admin>) {
  const left = await browser.open(start);
  const asked = new URL(left.headers.location ?? '').searchParams;
  expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0']);
  const authTime = Math.floor(Date.now() / 1000) + 1;
  const back = idp.authorize(left.headers.location ?? '', { ...person, auth_time: authTime }, {});
  expect((await browser.open(back.pathname + back.search)).status).toBe(303);
}

async function browserWith(accountId: string) {
  const browser = openBrowser(gatehouse);
  const session = await openSessionOf(gatehouse, accountId);
  browser.cookies.set('gatehouse-session', session.token);
  return { browser, session };
}

/** Where the buttons of a page lead, as far as it is this path of ours. */
const linksTo = (path: string, page: string): readonly string[] =>
  [...page.matchAll(/<a class="button" href="([^"]*)"/g)]
    .map(([, href = '']) => href.replaceAll('&amp;', '&'))
    .filter((href) => href.startsWith(`${testBaseUrl}${path}`));

const tokenOf = (browser: Browser) => browser.cookies.get('gatehouse-session') ?? '';

describe('a session that needs a step-up', () => {
  test('gets it at the address that the refusal names, keeps its id, and changes its token (fixation)', async () => {
    const { browser, session } = await browserWith(acme.admin.accountId);
    const refused = await browse(gatehouse, session.token, 'get', `${home}/members`);
    const { signInUrl } = refused.body.details;
    const returnTo = encodeURIComponent('https://console.test/members');
    const done = await comeBack(browser, `${signInUrl}&return_to=${returnTo}`, admin());
    expect([done.status, done.headers.location]).toEqual([303, 'https://console.test/members']);
    expect(tokenOf(browser)).not.toBe(session.token);
    expect((await browse(gatehouse, session.token, 'get', '/api/v1/me')).status).toBe(401);
    await expectStatus(200, browse(gatehouse, tokenOf(browser), 'get', `${home}/members`));
    const row = await gatehouse.store.read.sessions.get(PLATFORM, session.id);
    expect(Object.keys(row?.proofs ?? {}).sort()).toEqual([connection._id, 'mailbox'].sort());
  });

  test('through which somebody else comes becomes a session of theirs, and leaves the first alone', async () => {
    const { browser, session } = await browserWith(acme.admin.accountId);
    await comeBack(browser, `/sso/start?connection=${connection._id}`, member());
    const me = await expectStatus(200, browse(gatehouse, tokenOf(browser), 'get', '/api/v1/me'));
    expect(me.id).toBe(acme.member.accountId);
    const first = await gatehouse.store.read.sessions.get(PLATFORM, session.id);
    expect(Object.keys(first?.proofs ?? {})).toEqual(['mailbox']);
  });

  test('that the operator made is never stepped up: the person gets one of their own (OWN-4)', async () => {
    const browser = openBrowser(gatehouse);
    browser.cookies.set('gatehouse-session', acme.admin.token);
    await comeBack(browser, `/sso/start?connection=${connection._id}`, admin());
    const { items } = await expectStatus(200, browse(gatehouse, tokenOf(browser), 'get', '/api/v1/me/sessions'));
    expect(items.find((one: { current: boolean }) => one.current)).toMatchObject({ madeBy: 'sign_in' });
    const made = await gatehouse.store.read.sessions.get(PLATFORM, acme.admin.sessionId);
    expect(made).toMatchObject({ madeBy: 'operator' });
  });

  test('whose part in the organization was ended counts again by the new proof alone (SSO-5)', async () => {
    const browser = openBrowser(gatehouse);
    await comeBack(browser, `/sso/start?connection=${connection._id}`, member());
    const there = await buildWorld(gatehouse, 'elsewhere');
    const members = gatehouse.operator('post', `/api/v1/organizations/${there.organizationId}/members`);
    await expectStatus(201, members.send({ accountId: acme.member.accountId }));
    await expectStatus(200, gatehouse.operator('delete', `${home}/members/${acme.member.memberId}/sessions`));
    expect((await browse(gatehouse, tokenOf(browser), 'get', home)).body.code).toBe('token_revoked');
    await comeBack(browser, `/sso/start?connection=${connection._id}`, member());
    await expectStatus(200, browse(gatehouse, tokenOf(browser), 'get', home));
  });
});

describe('a fresh sign-in', () => {
  /** The Owner offers the ownership to the Admin, by their mailbox; whatever was offered before is gone. */
  async function offered(world: World): Promise<string> {
    const there = `/api/v1/organizations/${world.organizationId}/ownership-transfer`;
    const { token } = await openSessionOf(gatehouse, world.owner.accountId);
    await browse(gatehouse, token, 'delete', there);
    await expectStatus(201, browse(gatehouse, token, 'post', there).send({ memberId: world.admin.memberId }));
    return there;
  }

  test('is asked for at the address that the refusal names, and the IdP asks the person again (OWN-4)', async () => {
    const path = await offered(acme);
    const browser = openBrowser(gatehouse);
    await comeBack(browser, `/sso/start?connection=${connection._id}`, admin());
    const accept = () => browse(gatehouse, tokenOf(browser), 'post', `${path}/accept`);
    const refused = await accept();
    expect([refused.status, refused.body.code]).toEqual([403, 'reauthentication_required']);
    const { signInUrl, mailedLinkUrl } = refused.body.details;
    expect(signInUrl).toBe(`${testBaseUrl}/sso/start?connection=${connection._id}&reauth=1`);
    expect(mailedLinkUrl).toBe(`${testBaseUrl}/sign-in?by=link`);
    await forced(browser, signInUrl, admin());
    await expectStatus(200, accept());
    await expectStatus(201, gatehouse.operator('post', path).send({ memberId: acme.owner.memberId, force: true }));
  });

  test('is none where the IdP does not say when it asked the person, however new its token; a mailed link is one (OWN-4)', async () => {
    const path = await offered(acme);
    const browser = openBrowser(gatehouse);
    const left = await browser.open(`/sso/start?connection=${connection._id}&reauth=1`);
    const asked = new URL(left.headers.location ?? '').searchParams;
    expect(JSON.parse(asked.get('claims') ?? '')).toEqual({ id_token: { auth_time: { essential: true } } });
    const back = idp.authorize(left.headers.location ?? '', admin(), {});
    expect((await browser.open(back.pathname + back.search)).status).toBe(403);
    expect(browser.cookies.has('gatehouse-session')).toBe(false);
    const { token } = await openSessionOf(gatehouse, acme.admin.accountId, (at) => [
      { kind: 'mailbox', at },
      through(connection, at),
    ]);
    await expectStatus(200, browse(gatehouse, token, 'post', `${path}/accept`));
    await expectStatus(201, gatehouse.operator('post', path).send({ memberId: acme.owner.memberId, force: true }));
  });

  test('is still asked for where the person chooses among several connections, by a button or by the address (OWN-4)', async () => {
    const many = await buildWorld(gatehouse, 'many');
    const there = `/api/v1/organizations/${many.organizationId}`;
    const verified = gatehouse.operator('post', `${there}/domains/${many.domain}/verify`).send({ force: true });
    await expectStatus(200, verified);
    const sealer = openSealer(gatehouse.secrets.key);
    const connections = await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, async (tx) => [
      await insertConnection(tx, sealer, many.organizationId, { issuer: idp.issuer }),
      await insertConnection(tx, sealer, many.organizationId, { issuer: idp.issuer }),
    ]);
    const path = await offered(many);
    const browser = openBrowser(gatehouse);
    const session = await openSessionOf(gatehouse, many.admin.accountId, (at) => [
      { kind: 'mailbox', at: new Date(at.getTime() - 11 * 60_000) },
    ]);
    browser.cookies.set('gatehouse-session', session.token);
    const refused = await browse(gatehouse, session.token, 'post', `${path}/accept`);
    expect(refused.body.code).toBe('reauthentication_required');
    const { signInUrl } = refused.body.details;
    expect(signInUrl).toBe(`${testBaseUrl}/sign-in?organization=many&reauth=1`);

    const page = await browser.open(signInUrl);
    const byAddress = await browser.submit(page, { email: many.admin.email, action: 'continue' });
    const [onward = ''] = linksTo('/sso/start', byAddress.text);
    for (const choice of [page, await browser.open(onward)]) {
      const ways = linksTo('/sso/start', choice.text);
      expect(ways.map((way) => new URL(way).searchParams.get('connection'))).toEqual(connections.map(({ _id }) => _id));
      for (const way of ways) {
        const asked = new URL((await browser.open(way)).headers.location ?? '').searchParams;
        expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0']);
      }
    }
    expect((await browser.open('/sign-in?organization=many&reauth=yes')).text).not.toContain('reauth');
  });
});

describe('what only the Owner may do', () => {
  const owner = () => ({ sub: 'owner', email: acme.owner.email, email_verified: true });
  const asks = (token: string) =>
    [
      browse(gatehouse, token, 'post', `${home}/ownership-transfer`).send({ memberId: acme.admin.memberId }),
      browse(gatehouse, token, 'get', `${home}/default-key`),
      browse(gatehouse, token, 'post', `${home}/default-key/regenerate`),
    ] as const;

  test('is refused to whoever comes as the Owner through the IdP, even asked anew: it takes their mailbox (OWN-4, KEY-3)', async () => {
    const browser = openBrowser(gatehouse);
    await comeBack(browser, `/sso/start?connection=${connection._id}`, owner());
    await forced(browser, `/sso/start?connection=${connection._id}&reauth=1`, owner());
    for (const asked of asks(tokenOf(browser))) {
      const { status, body } = await asked;
      expect([status, body.code]).toEqual([403, 'reauthentication_required']);
      expect(body.details).toEqual({ proof: 'mailbox', signInUrl: `${testBaseUrl}/sign-in?by=link` });
    }
    const audit = gatehouse.operator('get', `${home}/audit`).query({ type: 'default_key.regenerated' });
    expect((await expectStatus(200, audit)).items).toEqual([]);

    const page = await browser.open('/sign-in?by=link');
    expect(page.text).not.toContain('value="continue"');
    const before = mailbox.to(acme.owner.email).length;
    await browser.submit(page, { email: acme.owner.email, action: 'link' });
    const letters = await mailbox.waitFor(acme.owner.email, before + 1);
    const { link = '' } = letters.findLast((letter) => letter.link !== undefined) ?? {};
    expect((await browser.submit(await browser.open(link))).status).toBe(303);
    const statuses = [];
    for (const asked of asks(tokenOf(browser))) statuses.push((await asked).status);
    expect(statuses).toEqual([201, 200, 200]);
    await expectStatus(204, browse(gatehouse, tokenOf(browser), 'delete', `${home}/ownership-transfer`));
  });

  test('goes on with a link that was used long ago where nothing fresh is asked, and in this session only (KEY-3)', async () => {
    const longAgo = (at: Date) => [{ kind: 'mailbox', at: new Date(at.getTime() - 3 * 3_600_000) } as const];
    const { token } = await openSessionOf(gatehouse, acme.owner.accountId, longAgo);
    await expectStatus(200, browse(gatehouse, token, 'get', `${home}/default-key`));
    const stale = await browse(gatehouse, token, 'post', `${home}/ownership-transfer`).send({
      memberId: acme.admin.memberId,
    });
    expect(stale.body.code).toBe('reauthentication_required');
    const other = openBrowser(gatehouse);
    await comeBack(other, `/sso/start?connection=${connection._id}`, owner());
    expect((await browse(gatehouse, tokenOf(other), 'get', `${home}/default-key`)).status).toBe(403);
  });
});

describe('a change of how people sign in', () => {
  test('is told to the Owner by letter: made, activated, another certificate or secret, a key of ours (OWN-4, OPS-3)', async () => {
    const letters = () => mailbox.to(acme.owner.email).filter(({ subject }) => subject.startsWith('Signing in to'));
    const path = `${home}/connections`;
    const oidc = { issuer: idp.issuer, clientId: 'told', clientSecret: 'secret' };
    const made = await expectStatus(201, gatehouse.operator('post', path).send({ name: 'Evil', oidc }));
    const one = `${path}/${made.id}`;
    await expectStatus(200, gatehouse.operator('patch', one).send({ name: 'Renamed' }));
    await expectStatus(200, gatehouse.operator('patch', one).send({ status: 'active', force: true }));
    await expectStatus(200, gatehouse.operator('patch', one).send({ oidc: { clientSecret: 'another' } }));
    await expectStatus(201, gatehouse.operator('post', `${one}/keys`));
    await until(
      'four letters about the connection',
      () => letters().filter(({ text }) => text.includes(made.id)).length === 4,
    );
    const told = letters().map(({ text }) => text);
    for (const word of ['was made', 'was activated', 'was changed', 'keys towards']) {
      expect(told.some((text) => text.includes(word) && text.includes('By: operator'))).toBe(true);
    }
    expect(told.join()).not.toContain('Renamed');
  });
});

describe('an answer of the IdP', () => {
  test('that is brought to a browser which did not begin signs nobody in (login CSRF)', async () => {
    const attacker = openBrowser(gatehouse);
    const left = await attacker.open(`/sso/start?connection=${connection._id}`);
    const back = idp.authorize(left.headers.location ?? '', member(), {});
    const victim = openBrowser(gatehouse);
    await victim.open('/sign-in');
    const answer = await victim.open(back.pathname + back.search);
    expect(answer.status).toBe(403);
    expect(victim.cookies.has('gatehouse-session')).toBe(false);
    expect((await attacker.open(back.pathname + back.search)).status).toBe(303);
  });

  test('sets a cookie that scripts and other sites do not get', async () => {
    const browser = openBrowser(gatehouse);
    const done = await comeBack(browser, `/sso/start?connection=${connection._id}`, member());
    const lines = done.headers['set-cookie'] as unknown as string[];
    expect(lines.filter((line) => line.startsWith('gatehouse-session='))).toEqual([
      expect.stringMatching(/^gatehouse-session=ghs_[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });
});
