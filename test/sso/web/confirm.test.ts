/** What only the person can say: "that is me", from their own mailbox, to whoever asks (SCIM-3, SSO-3, SSO-6). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openSealer } from '../../../src/lib/secrets.ts';
import { type Connection, PLATFORM } from '../../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../../support/mailbox.ts';
import { until } from '../../support/until.ts';
import { insertConnection } from '../oidc/direct.ts';
import { type EvilIdp, openEvilIdp } from '../oidc/evilIdp.ts';
import { type Browser, openBrowser } from './browser.ts';

let now = Date.UTC(2030, 0, 1);
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let idp: EvilIdp;
let connection: Connection;
let home: string;
let count = 0;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url, GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' },
  });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
  idp = await openEvilIdp();
  connection = await connect();
});
afterAll(() => idp.close());
beforeEach(() => {
  now += 20 * 60_000;
});

function connect(more: Partial<Connection> = {}): Promise<Connection> {
  const sealer = openSealer(gatehouse.secrets.key);
  return gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, async (tx) => {
    const { organizationId, _id } = await insertConnection(tx, sealer, acme.organizationId, { issuer: idp.issuer });
    const changed = await tx.connections.updateOne(organizationId, { _id }, { $set: more });
    if (!changed) throw new Error('no connection');
    return changed;
  });
}

/** Somebody with an account, whose domain is nobody's. */
async function outsider() {
  count += 1;
  return openPerson(gatehouse, `pat${count}@elsewhere.test`);
}

/** Through the IdP, which says this address of this subject. */
async function signIn(email: string, { through = connection, sub = email } = {}) {
  const browser = openBrowser(gatehouse);
  const left = await browser.open(`/sso/start?connection=${through._id}`);
  const seconds = Math.floor(now / 1000);
  const times = { iat: seconds, exp: seconds + 300 };
  const person = { sub, email, email_verified: true, preferred_username: email };
  const claims = (honest: object) => ({ ...honest, ...times });
  const back = idp.authorize(left.headers.location ?? '', person, { claims });
  return { browser, page: await browser.open(back.pathname + back.search) };
}

const askUrlIn = (text: string): string | undefined =>
  /href="([^"]*\/sign-in\/confirm\?ask=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&');

/** Asks on the page of the refused sign-in; answers the link of the letter. */
async function linkFor(email: string, browser: Browser, refusal: string): Promise<string> {
  const before = mailbox.to(email).length;
  const asked = await browser.submit(await browser.open(askUrlIn(refusal) ?? ''));
  expect([asked.status, asked.text.includes('If the account has a mailbox')]).toEqual([200, true]);
  return (await mailbox.waitFor(email, before + 1)).at(-1)?.link ?? '';
}

const audited = async (type: string) =>
  (await expectStatus(200, gatehouse.operator('get', `${home}/audit`).query({ type }))).items;
const identitiesOf = async (accountId: string) =>
  (await expectStatus(200, gatehouse.operator('get', `${home}/identities`).query({ accountId }))).items;

/** Pushes a person with this address; answers the id of the directory user. */
async function push(email: string): Promise<string> {
  const created = await gatehouse
    .bearer(acme.directoryToken.secret, 'post', `/scim/v2/${acme.directoryId}/Users`)
    .send({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: email,
      emails: [{ value: email, primary: true }],
      active: true,
    });
  expect(created.status).toBe(201);
  return created.body.id;
}

const ask = (body: object, by?: string) =>
  (by === undefined ? gatehouse.operator('post', asking()) : gatehouse.bearer(by, 'post', asking())).send(body);
const asking = () => `${home}/confirmations`;

describe('a sign-in outside of the verified domains', () => {
  test('waits, and is let in once the person has said so from their mailbox (SSO-3, SSO-6)', async () => {
    const { email, accountId } = await outsider();
    const { browser, page } = await signIn(email);
    expect(page.status).toBe(403);
    const link = await linkFor(email, browser, page.text);
    const question = await browser.open(link);
    for (const told of ['acme', 'IdP', idp.issuer, email]) expect(question.text).toContain(told);
    expect(question.text).not.toContain('<script');
    expect(await identitiesOf(accountId)).toMatchObject([{ link: 'waiting' }]);
    const done = await browser.submit(question);
    expect(done.status).toBe(200);
    expect(done.text).toContain(`/sso/start?connection=${connection._id}`);
    expect(browser.cookies.has('gatehouse-session')).toBe(false);
    expect(await identitiesOf(accountId)).toMatchObject([{ link: 'linked', subject: email }]);
    expect((await audited('identity.linked'))[0]).toMatchObject({
      actor: `account:${accountId}`,
      targetId: accountId,
      after: { confirmedBy: 'mailbox' },
    });
    const again = await signIn(email);
    expect([again.page.status, again.browser.cookies.has('gatehouse-session')]).toEqual([303, true]);
  });

  test('is asked about where only the person may answer, and shows nobody an account by the answer (ACC-4)', async () => {
    const { email } = await outsider();
    const { browser, page } = await signIn(email);
    const where = askUrlIn(page.text) ?? '';
    const form = await browser.open(where);
    const tampered = await browser.open(`${where.slice(0, -4)}AAAA`);
    expect([tampered.status, tampered.text.includes('too old')]).toEqual([400, true]);
    expect((await openBrowser(gatehouse).submit(form)).status).toBe(403);
    const answers = [];
    for (let time = 0; time < 8; time += 1) answers.push(await browser.submit(form));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    // five letters at once, and no more, whoever asks
    await mailbox.waitFor(email, 5);
    now += 31 * 60_000;
    expect((await browser.open(where)).status).toBe(400);
    expect(mailbox.to(email)).toHaveLength(5);
    const unknown = await signIn('nobody-yet@elsewhere.test');
    expect(unknown.page.status).toBe(303);
  });

  test('counts the word of that mailbox only: once, for a day, for this question (SSO-6)', async () => {
    const { email, accountId } = await outsider();
    const { browser, page } = await signIn(email);
    const link = await linkFor(email, browser, page.text);
    const second = await linkFor(email, browser, page.text);
    const token = new URL(link).searchParams.get('token') ?? '';
    const self = await openPerson(gatehouse, email, 'sign_in');
    const proof = await gatehouse.bearer(self.token, 'post', '/api/v1/me/emails/prove').send({ token });
    expect(proof.body.code).toBe('link_expired');
    expect((await gatehouse.store.read.sessions.find(PLATFORM, { accountId })).length).toBe(2);
    const scanner = openBrowser(gatehouse);
    for (let time = 0; time < 3; time += 1) expect((await scanner.open(link)).status).toBe(200);
    const question = await scanner.open(link);
    const other = await scanner.open(second);
    expect((await scanner.submit(question)).status).toBe(200);
    for (const page of [question, other]) expect((await scanner.submit(page)).status).toBe(400);

    const late = await outsider();
    const waiting = await signIn(late.email);
    const lateLink = await linkFor(late.email, waiting.browser, waiting.page.text);
    now += 24 * 60 * 60_000;
    expect((await waiting.browser.open(lateLink)).status).toBe(400);
    expect(await identitiesOf(late.accountId)).toMatchObject([{ link: 'waiting' }]);
  });

  test('is no longer asked about once an Admin has rejected it', async () => {
    const { email, accountId } = await outsider();
    const { browser, page } = await signIn(email);
    const link = await linkFor(email, browser, page.text);
    const question = await browser.open(link);
    const [{ id }] = await identitiesOf(accountId);
    await expectStatus(204, gatehouse.operator('delete', `${home}/identities/${id}`));
    expect((await browser.open(link)).status).toBe(400);
    expect((await browser.submit(question)).status).toBe(400);
    expect(await identitiesOf(accountId)).toEqual([]);
  });

  test('is asked about by an Admin, too: by nobody else, and only what the person has to answer', async () => {
    const { email, accountId } = await outsider();
    await signIn(email);
    const [{ id }] = await identitiesOf(accountId);
    expect((await ask({ identityId: id }, (await openPerson(gatehouse, acme.member.email)).token)).status).toBe(403);
    expect((await ask({ identityId: acme.waitingIdentityId })).body.code).toBe('nothing_to_confirm');
    expect((await ask({ identityId: 'idn-00000000000000000000000000' })).status).toBe(404);
    const rival = await buildWorld(gatehouse, `rival${count}`);
    expect((await ask({ identityId: id }, rival.admin.token)).status).toBe(404);
    await expectStatus(202, ask({ identityId: id }));
    const [letter] = await mailbox.waitFor(email);
    expect(letter?.text).not.toContain('acme');
    const browser = openBrowser(gatehouse);
    expect((await browser.submit(await browser.open(letter?.link ?? ''))).status).toBe(200);
    expect(await identitiesOf(accountId)).toMatchObject([{ link: 'linked' }]);
    expect((await ask({ identityId: id })).body.code).toBe('nothing_to_confirm');
  });

  test('is let in by itself once the domain is verified, unless the account is another subject already (SSO-3, SSO-6)', async () => {
    const domain = 'later.test';
    const [first, second] = [await openPerson(gatehouse, `a@${domain}`), await openPerson(gatehouse, `b@${domain}`)];
    await signIn(first.email);
    await signIn(second.email, { sub: 'another' });
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.identities.insert(acme.organizationId, {
        ...{ _id: 'idn-0000000000000000000000000z', organizationId: acme.organizationId, connectionId: connection._id },
        ...{ subject: 'the first', accountId: second.accountId, link: 'linked' },
      }),
    );
    await expectStatus(201, gatehouse.operator('post', `${home}/domains`).send({ domain }));
    await expectStatus(200, gatehouse.operator('post', `${home}/domains/${domain}/verify`).send({ force: true }));
    await until('the first is linked', async () => (await identitiesOf(first.accountId))[0]?.link === 'linked');
    await until('the second waits for an Admin', async () =>
      (await identitiesOf(second.accountId)).some((one: { reason?: string }) => one.reason === 'other_subject'),
    );
  });
});

describe('a pushed person who waits for adoption', () => {
  test('is adopted once they have said so from their mailbox, and comes in through the connection of the directory (SCIM-3)', async () => {
    const { email, accountId } = await outsider();
    const directoryUserId = await push(email);
    const through = await connect({ jit: false, directoryId: acme.directoryId });
    const waiting = await signIn(email, { through });
    expect(waiting.page.status).toBe(403);
    const link = await linkFor(email, waiting.browser, waiting.page.text);
    const question = await waiting.browser.open(link);
    expect(question.text).toContain('Okta');
    expect((await waiting.browser.submit(question)).status).toBe(200);
    const user = await gatehouse.store.read.directoryUsers.get(acme.organizationId, directoryUserId);
    expect(user).toMatchObject({ link: 'linked', accountId });
    const { items } = await expectStatus(200, gatehouse.operator('get', `${home}/members`).query({ limit: 200 }));
    expect(items.filter((one: { accountId: string }) => one.accountId === accountId)).toMatchObject([
      { status: 'active', source: 'scim' },
    ]);
    expect((await audited('confirmation.given'))[0]).toMatchObject({ targetId: accountId });
    const again = await signIn(email, { through });
    expect(again.page.status).toBe(303);
  });

  test('is asked by an Admin, and stays waiting where they say nothing', async () => {
    const { email } = await outsider();
    const directoryUserId = await push(email);
    await expectStatus(202, ask({ directoryUserId }));
    const [letter] = await mailbox.waitFor(email);
    expect((await openBrowser(gatehouse).open(letter?.link ?? '')).text).toContain('Is this you?');
    const user = await gatehouse.store.read.directoryUsers.get(acme.organizationId, directoryUserId);
    expect(user?.link).toBe('waiting');
  });
});
