/** Signing in by a mailed link, over HTTP and SMTP: who gets one, what it is worth, and what nobody can do with it. */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { askForLink } from '../../../src/access/index.ts';
import { PLATFORM } from '../../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../../http/world.ts';
import { openTestGatehouse, type TestGatehouse, testBaseUrl } from '../../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../../support/mailbox.ts';
import { until } from '../../support/until.ts';
import { type Browser, formOf, openBrowser } from './browser.ts';
import { browse, openConnection, openSessionOf, through } from './people.ts';

let now = new Date('2030-01-01T00:00:00Z').getTime();
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let browser: Browser;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url, GATEHOUSE_RETURN_ORIGINS: 'https://console.test' },
  });
  acme = await buildWorld(gatehouse, 'acme');
});

beforeEach(() => {
  // rates fill up again between tests
  now += 20 * 60_000;
  browser = openBrowser(gatehouse);
});

/** Asks for a link on the page; answers the page that follows. */
async function ask(email: string, { from = browser, query = '' } = {}): Promise<Response> {
  const page = await from.open(`/sign-in${query}`);
  return from.submit(page, { email, action: 'link' });
}

/** The newest link to this address, asked for now. */
async function linkTo(
  email: string,
  options: { readonly from?: Browser; readonly query?: string } = {},
): Promise<string> {
  const before = mailbox.to(email).length;
  expect((await ask(email, options)).status).toBe(200);
  const letters = await mailbox.waitFor(email, before + 1);
  const { link } = letters.at(-1) ?? {};
  if (link === undefined) throw new Error('a letter without a link');
  return link;
}

async function signIn(email: string): Promise<Response> {
  const page = await browser.open(await linkTo(email));
  return browser.submit(page);
}

const me = async (from = browser) => {
  const token = from.cookies.get('gatehouse-session') ?? '';
  return (await browse(gatehouse, token, 'get', '/api/v1/me')).body;
};

describe('a mailed link', () => {
  test('signs its mailbox in, in the browser that asked for it (ACC-5)', async () => {
    const page = await browser.open(await linkTo(acme.member.email));
    expect(page.text).toContain(`sign in as <strong>${acme.member.email}</strong>`);
    expect(page.text).not.toContain('another browser');
    const done = await browser.submit(page);
    expect([done.status, done.headers.location]).toEqual([303, `${testBaseUrl}/signed-in`]);
    expect((await me()).id).toBe(acme.member.accountId);
    const account = await browser.open('/signed-in');
    expect(account.text).toContain(acme.member.email);
    const [cookie] = (done.headers['set-cookie'] as unknown as string[]) ?? [];
    expect(cookie).toMatch(/^gatehouse-session=ghs_[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test('makes an account for a mailbox that has none, with the address proven by it (ACC-2, ACC-5)', async () => {
    const email = 'new@home.test';
    const page = await browser.open(await linkTo(email));
    expect(page.text).toContain('Make an account');
    const accounts = () => expectStatus(200, gatehouse.operator('get', '/api/v1/accounts').query({ email }));
    expect((await accounts()).items).toEqual([]);
    expect((await browser.submit(page)).status).toBe(303);
    const { id, emails } = await me();
    expect(emails).toEqual([{ email, proven: true }]);
    expect((await accounts()).items.map((one: { id: string }) => one.id)).toEqual([id]);
  });

  test('is not used up by opening it, however often and by whatever method reads it', async () => {
    const link = await linkTo(acme.member.email);
    const scanner = openBrowser(gatehouse);
    for (let time = 0; time < 3; time += 1) expect((await scanner.open(link)).status).toBe(200);
    expect((await gatehouse.request.head(link.replace(testBaseUrl, ''))).status).toBe(200);
    expect(scanner.cookies.has('gatehouse-session')).toBe(false);
    expect((await browser.submit(await browser.open(link))).status).toBe(303);
  });

  test('works once; every other link of the mailbox ends with it', async () => {
    const first = await linkTo(acme.member.email);
    const second = await linkTo(acme.member.email);
    const pages = [await browser.open(first), await browser.open(second)] as const;
    expect((await browser.submit(pages[0])).status).toBe(303);
    for (const link of [first, second]) expect((await browser.open(link)).status).toBe(400);
    const other = openBrowser(gatehouse);
    for (const [name, value] of browser.cookies) other.cookies.set(name, value);
    // The page was made before this sign-in: its form is no longer this browser's.
    expect((await other.submit(pages[1])).status).toBe(403);
  });

  test('used several times at once lets one in', async () => {
    const link = await linkTo(acme.member.email);
    const page = await browser.open(link);
    const form = formOf(page);
    const before = await gatehouse.store.read.sessions.count(PLATFORM, { accountId: acme.member.accountId });
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.post(form.action, form.fields)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, ...Array<number>(7).fill(400)]);
    const after = await gatehouse.store.read.sessions.count(PLATFORM, { accountId: acme.member.accountId });
    expect(after - before).toBe(1);
  });

  test('ends after ten minutes', async () => {
    const link = await linkTo(acme.member.email);
    const page = await browser.open(link);
    now += 10 * 60_000 - 1;
    expect((await browser.open(link)).status).toBe(200);
    now += 1;
    expect((await browser.open(link)).status).toBe(400);
    expect((await browser.submit(page)).status).toBe(400);
    expect(browser.cookies.has('gatehouse-session')).toBe(false);
  });

  test('in another browser says so, and whose it is, before it signs anybody in (login CSRF)', async () => {
    const link = await linkTo(acme.member.email);
    const other = openBrowser(gatehouse);
    const page = await other.open(link);
    expect(page.text).toContain('another browser');
    expect(page.text).toContain(acme.member.email);
    expect((await other.submit(page)).status).toBe(303);
  });

  test('is pressed on a page that this browser was given only (CSRF)', async () => {
    const link = await linkTo(acme.member.email);
    const token = new URL(link).searchParams.get('token') ?? '';
    const attacker = openBrowser(gatehouse);
    const { fields } = formOf(await attacker.open(link));
    await browser.open('/sign-in');
    const forged = [
      await browser.post('/sign-in/link', { token }),
      await browser.post('/sign-in/link', { token, form_token: 'v1.nonsense' }),
      await browser.post('/sign-in/link', { ...fields, token }),
      await openBrowser(gatehouse).post('/sign-in/link', { ...fields, token }),
    ];
    expect(forged.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    const own = formOf(await browser.open(link));
    const foreign = await browser.post(own.action, own.fields, { Origin: 'https://evil.test' });
    expect(foreign.status).toBe(403);
    expect(browser.cookies.has('gatehouse-session')).toBe(false);
    expect((await browser.post(own.action, own.fields)).status).toBe(303);
  });

  test('gives the browser a session of a new name, whatever one it had (fixation)', async () => {
    const planted = await openSessionOf(gatehouse, acme.admin.accountId);
    browser.cookies.set('gatehouse-session', planted.token);
    await signIn(acme.member.email);
    expect(browser.cookies.get('gatehouse-session')).not.toBe(planted.token);
    expect((await me()).id).toBe(acme.member.accountId);
    // of the same account: the proof is added, and the token that somebody may know is dead
    const own = await openSessionOf(gatehouse, acme.member.accountId, (at) => [
      { kind: 'connection', at, organizationId: 'org-1', connectionId: 'con-1', subject: 's' },
    ]);
    browser.cookies.set('gatehouse-session', own.token);
    await signIn(acme.member.email);
    expect((await browse(gatehouse, own.token, 'get', '/api/v1/me')).status).toBe(401);
    const row = await gatehouse.store.read.sessions.get(PLATFORM, own.id);
    expect(Object.keys(row?.proofs ?? {}).sort()).toEqual(['con-1', 'mailbox']);
  });

  test('leads back to where the person came from, and the page allows its form to go there', async () => {
    const query = `?return_to=${encodeURIComponent('https://console.test/projects?tab=1')}`;
    const page = await browser.open(await linkTo(acme.member.email, { query }));
    expect(page.headers['content-security-policy']).toContain("form-action 'self' https://console.test;");
    const done = await browser.submit(page);
    expect(done.headers.location).toBe('https://console.test/projects?tab=1');
  });

  test('is kept as a hash, and rests in no queue and no log (SSO-7)', async () => {
    const link = await linkTo(acme.member.email);
    const token = new URL(link).searchParams.get('token') ?? '';
    const rows = [
      ...(await gatehouse.store.read.mailedLinks.find(PLATFORM, {})),
      ...(await gatehouse.store.read.outbox.find(PLATFORM, {})),
    ];
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('that is none is refused, and guessing soon altogether', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const guess = attempt.toString(16).padStart(64, '0');
      statuses.push((await browser.open(`/sign-in/link?token=${guess}`)).status);
    }
    expect(statuses[0]).toBe(400);
    expect(statuses.at(-1)).toBe(429);
    expect((await browser.open('/sign-in/link')).status).toBe(429);
  });
});

describe('who gets a link', () => {
  test('the page says the same to everybody: nobody learns who has an account', async () => {
    const known = await ask(acme.member.email);
    const unknown = await ask('nobody@acme.example');
    const same = (page: Response, email: string) => page.text.replaceAll(email, 'X');
    expect(same(known, acme.member.email)).toBe(same(unknown, 'nobody@acme.example'));
    expect(known.status).toBe(unknown.status);
    expect(Object.keys(known.headers).sort()).toEqual(Object.keys(unknown.headers).sort());
  });

  test('the request does the same for everybody: it looks nobody up, and writes one job that names no account', async () => {
    const resting = await openTestGatehouse({ rehearse: false });
    const { member } = await buildWorld(resting, 'resting');
    await resting.queue?.drain();
    const before = await resting.store.read.outbox.count(PLATFORM, { job: 'mail-link' });
    for (const email of [member.email, 'nobody@resting.example']) {
      expect((await ask(email, { from: openBrowser(resting) })).status).toBe(200);
    }
    const rows = await resting.store.read.outbox.find(PLATFORM, { job: 'mail-link' });
    expect(rows.slice(before).map(({ payload }) => payload)).toEqual(
      [member.email, 'nobody@resting.example'].map((email) => ({
        purpose: 'sign_in',
        email,
        site: testBaseUrl,
        browserHash: expect.any(String),
      })),
    );
    expect(await resting.store.read.mailedLinks.count(PLATFORM, {})).toBe(0);
  });

  test('one mailbox gets five letters, then the page says the same and no letter comes', async () => {
    const email = 'flooded@home.test';
    for (let time = 0; time < 8; time += 1) {
      const page = await ask(email);
      expect([page.status, page.text.includes('Check your mail')]).toEqual([200, true]);
    }
    await mailbox.waitFor(email, 5);
    await gatehouse.queue?.idle();
    expect(mailbox.to(email)).toHaveLength(5);
    now += 2 * 60_000;
    await linkTo(email);
  });

  test('an unproven address is nobody’s: its mailbox makes an account of its own (ACC-2)', async () => {
    const { accountId } = await openPerson(gatehouse, 'holder@people.example');
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.accountEmails.insert(PLATFORM, {
        _id: 'eml-claimed',
        accountId,
        email: 'claimed@home.test',
        emailKey: 'claimed@home.test',
        proven: false,
      }),
    );
    await signIn('claimed@home.test');
    expect((await me()).id).not.toBe(accountId);
  });

  test('an address that only an IdP has proven gets none where the person has a mailbox (ACC-4)', async () => {
    const email = 'work@acme.example';
    const person = await openPerson(gatehouse, 'private@home.test');
    const prove = (id: string, accountId: string, address: string) =>
      gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
        tx.accountEmails.insert(PLATFORM, {
          _id: id,
          accountId,
          email: address,
          emailKey: address,
          proven: true,
          provenBy: 'idp',
          provenAt: tx.at,
        }),
      );
    await prove('eml-idp', person.accountId, email);
    expect((await ask(email)).status).toBe(200);
    const [letter] = await mailbox.waitFor(email);
    expect([letter?.link, letter?.text]).toEqual([undefined, expect.stringContaining('other addresses')]);
    // who has nothing else is not shut out, and has a mailbox from then on (OWN-5)
    const account = await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.accounts.insert(PLATFORM, { _id: 'acc-00000000000000000000000001' }),
    );
    await prove('eml-only', account._id, 'only@acme.example');
    await signIn('only@acme.example');
    expect((await me()).id).toBe(account._id);
    expect(await gatehouse.store.read.accountEmails.get(PLATFORM, 'eml-only')).toMatchObject({ provenBy: 'mailbox' });
  });

  test.each(['', 'nobody', 'a@b', 'a@b.test, c@d.test', 'a@b.test\r\nBcc: c@d.test', 'Jane <jane@acme.test>'])(
    'an entry like %j is answered with what is wrong with it (OPS-1)',
    async (email) => {
      const page = await ask(email);
      expect(page.status).toBe(400);
      expect(page.text).toContain('role="alert"');
      expect(page.text).toContain('aria-invalid="true"');
    },
  );

  test('a mail server that fails is tried again; one that knows nobody there ends the job', async () => {
    mailbox.refuse('550 no such user');
    await ask('gone@home.test');
    const mails = () => gatehouse.store.read.outbox.count(PLATFORM, { job: 'mail-link' });
    await until('the job to end', async () => (await mails()) === 0);
    expect(mailbox.to('gone@home.test')).toEqual([]);
    mailbox.refuse('451 try later');
    await ask('later@home.test');
    const waiting = () => gatehouse.store.read.outbox.findOne(PLATFORM, { job: 'mail-link' });
    await until('a failed attempt', async () => ((await waiting())?.attempts ?? 0) > 0);
    mailbox.refuse(undefined);
    now += 60_000;
    await mailbox.waitFor('later@home.test');
  });
});

describe('the Owner', () => {
  test('always gets in by a link, while SSO is enforced and its IdP is gone; every Admin is told (OWN-5)', async () => {
    const home = `/api/v1/organizations/${acme.organizationId}`;
    const okta = await openConnection(gatehouse, acme.organizationId);
    await expectStatus(200, gatehouse.operator('patch', home).send({ settings: { ssoEnforced: true } }));
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.connections.updateOne(acme.organizationId, { _id: okta._id }, { $set: { status: 'disabled' } }),
    );
    await signIn(acme.owner.email);
    const token = browser.cookies.get('gatehouse-session') ?? '';
    await expectStatus(200, browse(gatehouse, token, 'get', `${home}/members`));
    const { items } = await expectStatus(
      200,
      browse(gatehouse, token, 'get', `${home}/audit?type=owner.signed_in_by_link`),
    );
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ targetId: acme.owner.memberId, after: { accountId: acme.owner.accountId } });
    const [letter] = await mailbox.waitFor(acme.admin.email);
    expect([letter?.subject, letter?.link]).toEqual([expect.stringContaining('acme'), undefined]);
    await mailbox.waitFor(acme.owner.email, 2);
    expect(mailbox.to(acme.member.email).every(({ link }) => link !== undefined)).toBe(true);
  });

  test('gets one while the letters of the domain are used up, and nobody else does (OWN-5)', async () => {
    const before = [acme.owner, acme.member].map(({ email }) => mailbox.to(email).length);
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, async (tx) => {
      for (const { email } of [acme.member, acme.owner]) {
        await askForLink(tx, { email, site: testBaseUrl, ownersOnly: true });
      }
      await askForLink(tx, { email: 'new@acme.example', site: testBaseUrl, ownersOnly: true });
    });
    await mailbox.waitFor(acme.owner.email, (before[0] ?? 0) + 1);
    await until(
      'no job is left',
      async () => (await gatehouse.store.read.outbox.count(PLATFORM, { job: 'mail-link' })) === 0,
    );
    expect(mailbox.to(acme.member.email)).toHaveLength(before[1] ?? 0);
    expect(mailbox.to('new@acme.example')).toHaveLength(0);
  });

  test('is not the only one who is told of in the audit, with where they came from (AUD-1)', async () => {
    await signIn(acme.member.email);
    const home = `/api/v1/organizations/${acme.organizationId}`;
    const asked = gatehouse.operator('get', `${home}/audit`).query({ type: 'member.signed_in_by_link' });
    const { items } = await expectStatus(200, asked);
    expect(items[0]).toMatchObject({
      targetId: acme.member.memberId,
      after: { accountId: acme.member.accountId },
      from: { address: expect.stringMatching(/127\.0\.0\.1|::1/) },
    });
  });

  test('is the only one: a Member with a link has a session that is worth nothing there (SSO-5)', async () => {
    const home = `/api/v1/organizations/${acme.organizationId}`;
    await signIn(acme.admin.email);
    const token = browser.cookies.get('gatehouse-session') ?? '';
    const answer = await browse(gatehouse, token, 'get', home);
    expect([answer.status, answer.body.code]).toEqual([403, 'step_up_required']);
    const page = await browser.open('/signed-in');
    expect(page.text).toContain('sign in through acme');
  });
});

describe("one's own addresses", () => {
  const emails = '/api/v1/me/emails';
  const own = () => browser.cookies.get('gatehouse-session') ?? '';
  const send = (method: 'get' | 'post' | 'delete', path: string, body?: object) =>
    browse(gatehouse, own(), method, path).send(body);

  test('are added by a link that the same person opens (ACC-4)', async () => {
    await signIn('adder@home.test');
    await expectStatus(202, send('post', emails, { email: 'second@home.test' }));
    const [letter] = await mailbox.waitFor('second@home.test');
    const link = letter?.link ?? '';
    const stranger = openBrowser(gatehouse);
    const asked = await stranger.submit(await stranger.open(link));
    expect([asked.status, asked.headers.location]).toEqual([303, `${testBaseUrl}/sign-in`]);
    const other = await openSessionOf(gatehouse, acme.member.accountId);
    stranger.cookies.set('gatehouse-session', other.token);
    expect((await stranger.submit(await stranger.open(link))).status).toBe(400);
    const token = new URL(link).searchParams.get('token');
    const stolen = await browse(gatehouse, other.token, 'post', `${emails}/prove`).send({ token });
    expect([stolen.status, stolen.body.code]).toEqual([400, 'link_expired']);
    expect((await browser.submit(await browser.open(link))).status).toBe(200);
    const { items } = await expectStatus(200, send('get', emails));
    expect(items.map(({ email, getsLinks }: { email: string; getsLinks: boolean }) => [email, getsLinks])).toEqual([
      ['adder@home.test', true],
      ['second@home.test', true],
    ]);
    await expectStatus(204, send('delete', `${emails}/${items[0].id}`));
    const last = await send('delete', `${emails}/${items[1].id}`);
    expect([last.status, last.body.code]).toEqual([409, 'last_email']);
    const foreign = await send('delete', `${emails}/eml-00000000000000000000000000`);
    expect(foreign.status).toBe(404);
  });

  test("change after a fresh link only, and never on an IdP's word (ACC-4)", async () => {
    await signIn('careful@home.test');
    const ask = () => send('post', emails, { email: 'third@home.test' });
    now += 11 * 60_000;
    expect((await ask()).body.code).toBe('reauthentication_required');
    const okta = await openConnection(gatehouse, acme.organizationId);
    const { id } = await me();
    const byIdp = await openSessionOf(gatehouse, id, (at) => [through(okta, at, true)]);
    const refused = await browse(gatehouse, byIdp.token, 'post', emails).send({ email: 'third@home.test' });
    expect([refused.status, refused.body.code]).toEqual([403, 'reauthentication_required']);
    const borrowed = await gatehouse.operator('post', emails, id).send({ email: 'third@home.test' });
    expect([borrowed.status, borrowed.body.code]).toEqual([403, 'act_as_refused']);
    await signIn('careful@home.test');
    await expectStatus(202, ask());
    await mailbox.waitFor('third@home.test');
  });

  test('of somebody else cannot be taken, and asking tells nothing (ACC-2)', async () => {
    await signIn('taker@home.test');
    await expectStatus(202, send('post', emails, { email: acme.admin.email }));
    const letters = await mailbox.waitFor(acme.admin.email, mailbox.to(acme.admin.email).length);
    await until('the letter', () => mailbox.to(acme.admin.email).some(({ subject }) => subject.includes('Prove')));
    const { link = '' } = mailbox.to(acme.admin.email).at(-1) ?? {};
    expect(letters).toBeDefined();
    const answer = await browser.submit(await browser.open(link));
    expect(answer.status).toBe(409);
    expect((await me()).emails).toEqual([{ email: 'taker@home.test', proven: true }]);
  });
});
