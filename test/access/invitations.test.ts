/** Invitations over HTTP and SMTP, from the letter to the membership (MEM-2). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { settleSignIn } from '../../src/sso/index.ts';
import { PLATFORM } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openBrowser } from '../sso/web/browser.ts';
import { browse, openConnection, openSessionOf, through } from '../sso/web/people.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';

const day = 24 * 60 * 60_000;
let now = Date.UTC(2030, 0, 1);
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let home: string;
let counter = 0;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url },
  });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

beforeEach(() => {
  // rates fill up again between tests
  now += 60 * 60_000;
});

const fresh = (domain = 'people.example') => {
  counter += 1;
  return `person${counter}@${domain}`;
};
const by = (method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object) =>
  gatehouse.operator(method, path, acme.admin.accountId).send(body);
const send = (email: string, more: object = {}) => by('post', `${home}/invitations`, { email, ...more });
const invite = (email: string, more: object = {}) => expectStatus(201, send(email, more));
const accept = (token: string, session?: string) => {
  const path = '/api/v1/invitations/accept';
  const asked = session === undefined ? gatehouse.request.post(path) : gatehouse.bearer(session, 'post', path);
  return asked.send({ token });
};
const read = (id: string) => expectStatus(200, gatehouse.operator('get', `${home}/invitations/${id}`));
const codeOf = async (asked: ReturnType<typeof accept>) => {
  const { status, body } = await asked;
  return [status, body.code];
};

/** The link of the newest letter to this address, the `count`th one. */
async function linkTo(email: string, count = 1): Promise<string> {
  const { link } = (await mailbox.waitFor(email, count)).at(-1) ?? {};
  if (link === undefined) throw new Error('a letter without a link');
  return link;
}
const tokenTo = async (email: string, count = 1) => new URL(await linkTo(email, count)).searchParams.get('token') ?? '';

async function membersNamed(
  search: string,
): Promise<readonly { id: string; status: string; role: string; source: string; accountId?: string }[]> {
  const answer = await expectStatus(200, gatehouse.operator('get', `${home}/members`).query({ search, limit: 200 }));
  const rest =
    answer.nextCursor === undefined
      ? { items: [] }
      : await expectStatus(
          200,
          gatehouse.operator('get', `${home}/members`).query({ search, limit: 200, cursor: answer.nextCursor }),
        );
  return [...answer.items, ...rest.items];
}

const pushUser = (email: string, more: object = {}) =>
  gatehouse.bearer(acme.directoryToken.secret, 'post', `/scim/v2/${acme.directoryId}/Users`).send({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: email,
    emails: [{ value: email, primary: true }],
    active: true,
    ...more,
  });

describe('an invitation', () => {
  test('is mailed, and its acceptance makes account, address, membership and roles (MEM-2, ACC-2, ACC-5)', async () => {
    const email = fresh();
    const projects = [{ projectId: acme.projectId, role: 'admin' }];
    const sent = await invite(email, { projects });
    expect(sent).toMatchObject({ email, role: 'member', projects, state: 'pending' });
    expect(sent.expiresAt).toBe(new Date(now + 7 * day).toISOString());
    expect(await membersNamed(email)).toMatchObject([{ id: sent.id, status: 'invited', source: 'invitation' }]);
    const [letter] = await mailbox.waitFor(email);
    expect(letter?.subject).toBe('You are invited to acme');
    const done = await expectStatus(200, accept(await tokenTo(email)));
    expect(done).toMatchObject({ organization: { id: acme.organizationId, name: 'acme' }, role: 'member' });
    expect(await membersNamed(email)).toMatchObject([
      { id: done.memberId, status: 'active', source: 'invitation', accountId: done.accountId },
    ]);
    const account = await expectStatus(200, gatehouse.operator('get', `/api/v1/accounts/${done.accountId}`));
    expect(account.emails).toEqual([{ email, proven: true }]);
    const mine = await expectStatus(200, gatehouse.operator('get', '/api/v1/me/projects', done.accountId));
    expect(mine.items.map((one: { id: string; role: string }) => [one.id, one.role])).toEqual(
      expect.arrayContaining([
        [acme.defaultProjectId, 'member'],
        [acme.projectId, 'admin'],
      ]),
    );
    expect(await read(sent.id)).toMatchObject({ state: 'accepted', memberId: done.memberId });
    const audit = await expectStatus(200, gatehouse.operator('get', `${home}/audit`).query({ targetId: sent.id }));
    expect(audit.items.map(({ type }: { type: string }) => type)).toEqual(['invitation.accepted', 'invitation.sent']);
  });

  test('raises the role in a project that the person has by hand, and never lowers it (MEM-2, MAP-2)', async () => {
    const roleAfter = async (before: string, invited: string) => {
      const email = fresh();
      const person = await openPerson(gatehouse, email);
      const path = `/api/v1/projects/${acme.projectId}/collaborators`;
      await expectStatus(201, gatehouse.operator('post', path).send({ email, external: true, role: before }));
      await invite(email, { projects: [{ projectId: acme.projectId, role: invited }] });
      await expectStatus(200, accept(await tokenTo(email), person.token));
      const { accountId } = person;
      return gatehouse.store.read.grants.find(acme.organizationId, { accountId, targetId: acme.projectId });
    };
    const inviter = `account:${acme.admin.accountId}`;
    expect(await roleAfter('member', 'admin')).toMatchObject([{ source: 'manual', role: 'admin', grantedBy: inviter }]);
    expect(await roleAfter('admin', 'member')).toMatchObject([
      { source: 'manual', role: 'admin', grantedBy: 'operator' },
    ]);
  });

  test('keeps no token at rest, and none in the job that mails it', async () => {
    const email = fresh();
    await invite(email);
    const token = await tokenTo(email);
    const rows = await gatehouse.store.read.invitations.find(acme.organizationId, { email });
    const jobs = await gatehouse.store.read.outbox.find(PLATFORM, {});
    expect(JSON.stringify([rows, jobs])).not.toContain(token);
  });

  test('counts once, also for two at once; afterwards it says so (MEM-2)', async () => {
    const email = fresh();
    await invite(email, { role: 'admin' });
    const token = await tokenTo(email);
    const answers = await Promise.all([accept(token), accept(token), accept(token)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await codeOf(accept(token))).toEqual([409, 'invitation_closed']);
    expect(await membersNamed(email)).toMatchObject([{ status: 'active', role: 'admin' }]);
  });

  test('ends after seven days; sent again it is good for seven more, and the former link is dead at once (MEM-2)', async () => {
    const email = fresh();
    const { id } = await invite(email);
    const first = await tokenTo(email);
    now += 7 * day;
    expect(await codeOf(accept(first))).toEqual([409, 'invitation_expired']);
    expect((await read(id)).state).toBe('expired');
    const again = await expectStatus(200, by('post', `${home}/invitations/${id}/resend`));
    expect(again).toMatchObject({ id, state: 'pending', expiresAt: new Date(now + 7 * day).toISOString() });
    expect(await codeOf(accept(first))).toEqual([404, 'not_found']);
    await expectStatus(200, accept(await tokenTo(email, 2)));
  });

  test('that has expired makes room for another one to the same address', async () => {
    const email = fresh();
    const { id } = await invite(email);
    now += 7 * day;
    await invite(email);
    expect((await read(id)).state).toBe('expired');
    expect(await codeOf(by('post', `${home}/invitations/${id}/resend`))).toEqual([409, 'invitation_closed']);
  });

  test('is revoked, once, and worth nothing then; revoked and accepted at once, one of both holds (MEM-2)', async () => {
    const email = fresh();
    const { id } = await invite(email);
    const token = await tokenTo(email);
    const [accepted, revoked] = await Promise.all([accept(token), by('delete', `${home}/invitations/${id}`)]);
    const winner = accepted.status === 200 ? 'accepted' : 'revoked';
    expect([accepted.status, revoked.status].sort()).toEqual(winner === 'accepted' ? [200, 409] : [204, 409]);
    expect((await read(id)).state).toBe(winner);
    expect(await codeOf(by('delete', `${home}/invitations/${id}`))).toEqual([409, 'invitation_closed']);
    expect(await codeOf(accept(token))).toEqual([409, 'invitation_closed']);
    expect(await membersNamed(email)).toHaveLength(winner === 'accepted' ? 1 : 0);
  });

  test('is one for each address at a time, whatever its case, also for two at once', async () => {
    const email = fresh();
    const answers = await Promise.all([send(email), send(email.toUpperCase())]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    const first = answers.find(({ status }) => status === 201)?.body.id;
    const again = await send(email);
    expect([again.status, again.body.code, again.body.details]).toEqual([
      409,
      'invitation_pending',
      { invitationId: first },
    ]);
  });

  test('goes to External Collaborators, but not to members, suspended or not, nor into projects that are not its own (PRJ-1)', async () => {
    expect(await codeOf(send(acme.member.email))).toEqual([409, 'already_a_member']);
    const left = fresh('acme.example');
    await verifyDomain();
    const pushed = await expectStatus(201, pushUser(left, { active: false }));
    expect(pushed.active).toBe(false);
    expect(await codeOf(send(left))).toEqual([409, 'member_suspended']);
    expect(await codeOf(send(fresh(), { projects: [{ projectId: rival.projectId }] }))).toEqual([404, 'not_found']);
    const standard = [{ projectId: acme.defaultProjectId }];
    expect(await codeOf(send(fresh(), { projects: standard }))).toEqual([409, 'default_project_protected']);
    const outsider = await openPerson(gatehouse, fresh());
    await expectStatus(
      201,
      gatehouse
        .operator('post', `/api/v1/projects/${acme.projectId}/collaborators`)
        .send({ email: outsider.email, external: true }),
    );
    await invite(outsider.email);
    await expectStatus(200, accept(await tokenTo(outsider.email)));
    expect(await membersNamed(outsider.email)).toMatchObject([{ status: 'active', accountId: outsider.accountId }]);
  });

  test('is for Admins to send, and shows to nobody of another organization (MEM-3, PRJ-1)', async () => {
    const asMember = gatehouse.operator('post', `${home}/invitations`, acme.member.email).send({ email: fresh() });
    expect((await asMember).status).toBe(403);
    const { id } = await invite(fresh());
    for (const path of [
      `${home}/invitations/${id}`,
      `/api/v1/organizations/${rival.organizationId}/invitations/${id}`,
    ]) {
      expect((await gatehouse.operator('get', path, rival.owner.email)).status).toBe(404);
      expect((await gatehouse.operator('delete', path, rival.owner.email)).status).toBe(404);
    }
    expect((await read(id)).state).toBe('pending');
  });

  test('is refused where members come by SSO only; what was sent before stays acceptable (MEM-2)', async () => {
    const email = fresh();
    const { id } = await invite(email);
    const policy = (membershipPolicy: string) => by('patch', home, { settings: { membershipPolicy } });
    const before = (await membersNamed('acme.example')).length;
    await expectStatus(200, policy('sso'));
    expect(await codeOf(send(fresh()))).toEqual([403, 'invitations_off']);
    expect(await codeOf(by('post', `${home}/invitations/${id}/resend`))).toEqual([403, 'invitations_off']);
    await expectStatus(200, accept(await tokenTo(email)));
    expect(await membersNamed('acme.example')).toHaveLength(before);
    await expectStatus(200, policy('invitations'));
  });

  test('is refused where too many have gone to one address', async () => {
    const email = fresh();
    const { id } = await invite(email);
    const answers = [];
    for (let n = 0; n < 6; n += 1) answers.push(await by('post', `${home}/invitations/${id}/resend`));
    expect(answers.at(-1)?.status).toBe(429);
    expect(answers.at(-1)?.body.code).toBe('rate_limited');
  });
});

let verified = false;
async function verifyDomain(): Promise<void> {
  if (verified) return;
  verified = true;
  const domain = `${home}/domains/${acme.domain}/verify`;
  await expectStatus(200, gatehouse.operator('post', domain).send({ force: true }));
}

describe('whose an acceptance is (ACC-2, ACC-4)', () => {
  test('an account that has proven the address, with its session or without', async () => {
    for (const withSession of [true, false]) {
      const person = await openPerson(gatehouse, fresh(), 'sign_in');
      await invite(person.email);
      const done = await expectStatus(200, accept(await tokenTo(person.email), withSession ? person.token : undefined));
      expect(done.accountId).toBe(person.accountId);
    }
  });

  test('not another one that happens to be signed in: it adds the address itself first', async () => {
    const email = fresh();
    await invite(email);
    const token = await tokenTo(email);
    const other = await openPerson(gatehouse, fresh(), 'sign_in');
    expect(await codeOf(accept(token, other.token))).toEqual([409, 'invitation_of_another']);
    expect((await codeOf(accept(token, 'ghs_none')))[0]).toBe(401);
    expect(await gatehouse.store.read.accountEmails.findOne(PLATFORM, { emailKey: email })).toBeUndefined();
    // once the other account has proven it, the invitation is that account's
    const proven = {
      _id: newId('accountEmail'),
      accountId: other.accountId,
      email,
      emailKey: email,
      proven: true,
    } as const;
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.accountEmails.insert(PLATFORM, { ...proven, provenBy: 'mailbox', provenAt: tx.at }),
    );
    expect((await expectStatus(200, accept(token, other.token))).accountId).toBe(other.accountId);
  });

  test('an account with other mailboxes, whose address only an IdP has proven, signs in first: no IdP chooses where links go (ACC-4)', async () => {
    const person = await openPerson(gatehouse, fresh(), 'sign_in');
    const email = fresh();
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.accountEmails.insert(PLATFORM, {
        _id: newId('accountEmail'),
        accountId: person.accountId,
        ...{ email, emailKey: email, proven: true, provenBy: 'idp', provenAt: tx.at },
      }),
    );
    await invite(email);
    const token = await tokenTo(email);
    expect(await codeOf(accept(token))).toEqual([403, 'sign_in_required']);
    expect((await expectStatus(200, accept(token, person.token))).accountId).toBe(person.accountId);
    const row = await gatehouse.store.read.accountEmails.findOne(PLATFORM, { emailKey: email });
    expect(row?.provenBy).toBe('idp');
  });
});

describe('somebody invited whom an IdP brings first (MEM-2, SCIM-3)', () => {
  test('is adopted once: inside a verified domain the push takes the invitation, and its roles', async () => {
    await verifyDomain();
    const email = fresh('acme.example');
    const { id } = await invite(email, { role: 'admin', projects: [{ projectId: acme.projectId }] });
    const token = await tokenTo(email);
    await expectStatus(201, pushUser(email));
    const [member, ...others] = await membersNamed(email);
    expect(others).toEqual([]);
    expect(member).toMatchObject({ status: 'active', source: 'scim', role: 'admin' });
    expect(await read(id)).toMatchObject({ state: 'adopted', memberId: member?.id });
    expect(await codeOf(accept(token))).toEqual([409, 'invitation_closed']);
    const grants = await gatehouse.store.read.grants.find(acme.organizationId, { accountId: member?.accountId ?? '' });
    expect(grants.map(({ source, grantedBy }) => [source, grantedBy])).toEqual(
      Array(2).fill(['manual', `account:${acme.admin.accountId}`]),
    );
  });

  test('and the link, used first, leads to the same member', async () => {
    await verifyDomain();
    const email = fresh('acme.example');
    await invite(email, { role: 'admin' });
    const done = await expectStatus(200, accept(await tokenTo(email)));
    await expectStatus(201, pushUser(email));
    expect(await membersNamed(email)).toMatchObject([{ id: done.memberId, role: 'admin', source: 'invitation' }]);
  });

  test('push and acceptance at once make one member', async () => {
    await verifyDomain();
    for (let round = 0; round < 5; round += 1) {
      const email = fresh('acme.example');
      await invite(email, { role: 'admin' });
      const token = await tokenTo(email);
      const [pushed, accepted] = await Promise.all([pushUser(email), accept(token)]);
      expect(pushed.status).toBe(201);
      expect([200, 409]).toContain(accepted.status);
      expect(await membersNamed(email)).toMatchObject([{ status: 'active', role: 'admin' }]);
    }
  });

  test('outside of the verified domains the push proves nothing: the roles wait for the link, which finds the same member', async () => {
    const email = fresh('unverified.example');
    const { id } = await invite(email, { role: 'admin' });
    await expectStatus(201, pushUser(email));
    const [member, ...others] = await membersNamed(email);
    expect(others).toEqual([]);
    expect(member).toMatchObject({ role: 'member', source: 'scim' });
    expect(await read(id)).toMatchObject({ state: 'pending', memberId: member?.id });
    const done = await expectStatus(200, accept(await tokenTo(email)));
    expect(done).toMatchObject({ memberId: member?.id, accountId: member?.accountId, role: 'admin' });
    expect(await membersNamed(email)).toHaveLength(1);
  });

  test('a first sign-in adopts, too', async () => {
    await verifyDomain();
    const email = fresh('acme.example');
    const { id } = await invite(email, { role: 'admin' });
    const connection = await openConnection(gatehouse, acme.organizationId);
    const settled = await gatehouse.store.transaction({ actor: `idp:${connection._id}`, requestId: 'test' }, (tx) =>
      settleSignIn(tx, connection, {
        subject: email,
        email: { address: email, vouched: true },
        groups: { kind: 'unknown', why: 'absent' },
        received: {},
      }),
    );
    expect(settled.kind).toBe('signed_in');
    expect(await membersNamed(email)).toMatchObject([{ status: 'active', source: 'sso', role: 'admin' }]);
    expect((await read(id)).state).toBe('adopted');
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.connections.remove(acme.organizationId, { _id: connection._id }),
    );
  });
});

describe('the page of an invitation', () => {
  test('shows whose it is, uses nothing up, accepts by its button without scripts, and signs in', async () => {
    const email = fresh();
    await invite(email, { role: 'admin' });
    const browser = openBrowser(gatehouse);
    const link = await linkTo(email);
    for (let n = 0; n < 2; n += 1) {
      const page = await browser.open(link);
      expect(page.status).toBe(200);
      expect(page.text).toContain('Join acme');
      expect(page.text).toContain(email);
      expect(page.text).not.toContain('<script');
    }
    const done = await browser.submit(await browser.open(link));
    expect([done.status, done.headers.location]).toEqual([303, 'http://gatehouse.test/signed-in']);
    const me = await browse(gatehouse, browser.cookies.get('gatehouse-session') ?? '', 'get', '/api/v1/me');
    expect(me.body).toMatchObject({ emails: [{ email }], organizations: [{ id: acme.organizationId, role: 'admin' }] });
    expect((await browser.open('/signed-in')).text).toContain('acme');
    expect((await browser.open(link)).status).toBe(409);
  });

  test('in a browser of somebody else signs that one out, and only by the button that says so', async () => {
    const email = fresh();
    await invite(email);
    const other = await openPerson(gatehouse, fresh());
    const { id, token } = await openSessionOf(gatehouse, other.accountId);
    const browser = openBrowser(gatehouse);
    browser.cookies.set('gatehouse-session', token);
    const page = await browser.open(await linkTo(email));
    expect(page.text).toContain('signed in to another account');
    expect((await browser.submit(page, { leave: '' })).status).toBe(409);
    expect((await browser.submit(page)).status).toBe(303);
    const me = await browse(gatehouse, browser.cookies.get('gatehouse-session') ?? '', 'get', '/api/v1/me');
    expect(me.body.emails).toMatchObject([{ email }]);
    expect(await gatehouse.store.read.sessions.get(PLATFORM, id)).toBeUndefined();
  });

  test('asks an account whose links go elsewhere to sign in first, and leads back', async () => {
    const person = await openPerson(gatehouse, fresh());
    const email = fresh();
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.accountEmails.insert(PLATFORM, {
        _id: newId('accountEmail'),
        accountId: person.accountId,
        ...{ email, emailKey: email, proven: true, provenBy: 'idp', provenAt: tx.at },
      }),
    );
    await invite(email);
    const link = await linkTo(email);
    const browser = openBrowser(gatehouse);
    const page = await browser.open(link);
    expect(page.text).not.toContain('<form');
    expect(page.text).toContain('/sign-in?return_to=');
    const connection = await openConnection(gatehouse, rival.organizationId);
    const { token } = await openSessionOf(gatehouse, person.accountId, (at) => [through(connection, at)]);
    browser.cookies.set('gatehouse-session', token);
    expect((await browser.submit(await browser.open(link))).status).toBe(303);
    // the link proved no mailbox of the account: its session is what it was
    expect(browser.cookies.get('gatehouse-session')).toBe(token);
    expect(await membersNamed(email)).toHaveLength(0);
    const me = await browse(gatehouse, token, 'get', '/api/v1/me');
    expect(me.body.organizations.map((one: { id: string }) => one.id)).toContain(acme.organizationId);
  });

  test('of a token that is none says so', async () => {
    const browser = openBrowser(gatehouse);
    expect((await browser.open(`/sign-in/invitation?token=${'0'.repeat(64)}`)).status).toBe(404);
    expect((await browser.open('/sign-in/invitation')).status).toBe(404);
  });
});
