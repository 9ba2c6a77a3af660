/** What another organization's IdP, or its invitation, must never open of an account (ACC-4, SSO-5, OWN-4, PRJ-7). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { settleSignIn } from '../../src/sso/index.ts';
import { buildWorld, expectStatus, type World } from '../http/world.ts';
import { type Browser, openBrowser } from '../sso/web/browser.ts';
import { browse, openConnection, openSessionOf, through } from '../sso/web/people.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { sshKeys } from '../support/sshKeys.ts';

let now = Date.now();
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url },
  });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
});

const ask = (status: number, method: Method, path: string, body?: object, actAs?: string) =>
  expectStatus(status, gatehouse.operator(method, path, actAs).send(body));

const invite = async (email: string) => {
  await ask(201, 'post', `/api/v1/organizations/${rival.organizationId}/invitations`, { email }, rival.admin.accountId);
  for (let count = 1; ; count += 1) {
    const link = (await mailbox.waitFor(email, count)).find(({ subject }) => subject.includes('invited'))?.link;
    if (link) return link;
  }
};

const keysAt = async (projectId: string, accountId: string): Promise<readonly object[]> => {
  const { items } = await ask(200, 'get', `/api/v1/projects/${projectId}/identities`);
  return items.find((one: { accountId: string }) => one.accountId === accountId)?.sshKeys;
};

const accepting = {
  'the API': (link: string) =>
    expectStatus(
      200,
      gatehouse.request.post('/api/v1/invitations/accept').send({ token: new URL(link).searchParams.get('token') }),
    ),
  'the page': async (link: string) => {
    const browser = openBrowser(gatehouse);
    const done = await browser.submit(await browser.open(link));
    expect([done.status, new URL(done.headers.location ?? '').pathname]).toEqual([303, '/signed-in']);
    return browser;
  },
} as const;

test.each(Object.keys(accepting) as readonly (keyof typeof accepting)[])(
  'who came in by an IdP before the first mailbox is proven, through %s, keeps nothing of the account: session, link, SSH key (ACC-4)',
  async (by) => {
    const victim = `victim-of-${by.slice(4).toLowerCase()}@people.example`;
    const link = await invite(victim);
    const connection = await openConnection(gatehouse, rival.organizationId);
    const settled = await gatehouse.store.transaction({ actor: 'system', requestId: 'req-test' }, (tx) =>
      settleSignIn(tx, connection, {
        subject: `sock of ${by}`,
        email: { address: victim, vouched: true },
        groups: { kind: 'unknown', why: 'absent' },
        received: {},
      }),
    );
    if (!('accountId' in settled) || settled.accountId === undefined) throw new Error('nobody was let in');
    const { accountId } = settled;
    const enter = () => openSessionOf(gatehouse, accountId, (at) => [through(connection, at, true)]);
    const { token } = await enter();
    const send = (method: Method, path: string, body: object, as = token) =>
      gatehouse.bearer(as, method, `/api/v1/me/${path}`).send(body);
    expect((await send('post', 'ssh-keys', { publicKey: sshKeys.ed25519.line })).status).toBe(201);
    const evil = `evil-to-${victim}`;
    expect((await send('post', 'emails', { email: evil })).status).toBe(202);
    const letter = (await mailbox.waitFor(evil)).at(-1)?.link ?? '';
    const proof = { token: new URL(letter).searchParams.get('token') };
    await accepting[by](link);
    expect((await send('post', 'emails/prove', proof)).status).toBe(401);
    const again = await enter();
    expect((await send('post', 'emails/prove', proof, again.token)).body.code).toBe('reauthentication_required');
    expect((await expectStatus(200, gatehouse.bearer(again.token, 'get', '/api/v1/me/ssh-keys'))).items).toEqual([]);
    const own = await openSessionOf(gatehouse, accountId, (at) => [{ kind: 'mailbox', at }]);
    expect((await send('post', 'emails/prove', proof, own.token)).body.code).toBe('link_expired');
  },
);

test("an SSH key that another organization's IdP adds opens none of this one's clusters; one by the mailbox opens all (PRJ-7)", async () => {
  const { accountId } = acme.admin;
  await ask(201, 'post', `/api/v1/organizations/${rival.organizationId}/members`, { accountId, role: 'admin' });
  const connection = await openConnection(gatehouse, rival.organizationId);
  const foreign = await openSessionOf(gatehouse, accountId, (at) => [through(connection, at)]);
  const own = await openSessionOf(gatehouse, accountId, (at) => [{ kind: 'mailbox', at }]);
  const add = (token: string, publicKey: string) =>
    expectStatus(201, gatehouse.bearer(token, 'post', '/api/v1/me/ssh-keys').send({ publicKey }));
  await add(foreign.token, sshKeys.ed25519.line);
  expect([(await keysAt(acme.projectId, accountId)).length, (await keysAt(rival.projectId, accountId)).length]).toEqual(
    [0, 1],
  );
  await add(own.token, sshKeys.rsa.line);
  expect([(await keysAt(acme.projectId, accountId)).length, (await keysAt(rival.projectId, accountId)).length]).toEqual(
    [1, 2],
  );
});

test('an SSH key that is added in a session of an invitation opens the clusters of who invited and no others; one added after a sign-in link opens all (PRJ-7)', async () => {
  const email = 'week-old@people.example';
  const { cookies } = await accepting['the page'](await invite(email));
  const token = cookies.get('gatehouse-session') ?? '';
  const { id: accountId } = await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me'));
  const collaborator = { email, external: true };
  await ask(201, 'post', `/api/v1/projects/${acme.projectId}/collaborators`, collaborator);
  const add = (as: string, publicKey: string) =>
    expectStatus(201, browse(gatehouse, as, 'post', '/api/v1/me/ssh-keys').send({ publicKey }));
  const opens = async (projectId: string) => (await keysAt(projectId, accountId))?.length;
  await add(token, sshKeys.ed25519.line);
  expect([await opens(acme.projectId), await opens(rival.defaultProjectId)]).toEqual([0, 1]);
  const own = await openSessionOf(gatehouse, accountId, (at) => [{ kind: 'mailbox', at }]);
  await add(own.token, sshKeys.rsa.line);
  expect([await opens(acme.projectId), await opens(rival.defaultProjectId)]).toEqual([1, 2]);
});

describe('somebody new who is honestly invited (MEM-2, ACC-5)', () => {
  const sessionOf = ({ cookies }: Browser) => cookies.get('gatehouse-session') ?? '';
  const change = (token: string, email: string) =>
    browse(gatehouse, token, 'post', '/api/v1/me/emails').send({ email });

  test('is signed in by the page, as a Member of that organization and of none else, and may do at once what a fresh sign-in may', async () => {
    const email = 'honest@people.example';
    const token = sessionOf(await accepting['the page'](await invite(email)));
    const me = await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me'));
    expect(me.emails).toEqual([{ email, proven: true }]);
    expect(me.organizations).toMatchObject([{ id: rival.organizationId, role: 'member', status: 'active' }]);
    const publicKey = sshKeys.ed25519.line;
    await expectStatus(201, browse(gatehouse, token, 'post', '/api/v1/me/ssh-keys').send({ publicKey }));
    expect((await change(token, 'second@people.example')).status).toBe(202);
    // the next sign-in is the same person's: nothing of theirs is lost
    await signInByLink(email);
    const { items } = await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me/ssh-keys'));
    expect(items).toHaveLength(1);
  });

  test('by a letter that has lain for a while changes no addresses before a link that was asked for is used (ACC-4)', async () => {
    const email = 'late@people.example';
    const link = await invite(email);
    now += 11 * 60_000;
    const token = sessionOf(await accepting['the page'](link));
    expect((await expectStatus(200, browse(gatehouse, token, 'get', '/api/v1/me'))).emails).toHaveLength(1);
    const refused = await change(token, 'passed-on@attacker.example');
    expect([refused.status, refused.body.code, refused.body.details?.proof]).toEqual([
      ...[403, 'reauthentication_required', 'mailbox'],
    ]);
    const deletion = await browse(gatehouse, token, 'delete', '/api/v1/me');
    expect([deletion.status, deletion.body.code]).toEqual([403, 'reauthentication_required']);
    const own = sessionOf(await signInByLink(email));
    expect((await change(own, 'second-late@people.example')).status).toBe(202);
  });

  async function signInByLink(email: string): Promise<Browser> {
    const before = mailbox.to(email).length;
    const browser = openBrowser(gatehouse);
    await browser.submit(await browser.open('/sign-in'), { email });
    const link = (await mailbox.waitFor(email, before + 1)).at(-1)?.link ?? '';
    const done = await browser.submit(await browser.open(link));
    expect(done.status).toBe(303);
    return browser;
  }
});

test("an invitation signs nobody in to an account that was there before: the Owner's stays shut (OWN-4, MEM-2)", async () => {
  const link = await invite(acme.owner.email);
  const browser = openBrowser(gatehouse);
  const done = await browser.submit(await browser.open(link));
  expect([done.status, new URL(done.headers.location ?? '').pathname]).toEqual([303, '/sign-in']);
  const cookies = ([] as string[]).concat(done.headers['set-cookie'] ?? []).join();
  expect(cookies).not.toMatch(/(__Host-gatehouse|gatehouse-session)=/);
  const members = await ask(200, 'get', `/api/v1/organizations/${rival.organizationId}/members`);
  expect(members.items.map((one: { accountId: string }) => one.accountId)).toContain(acme.owner.accountId);
});
