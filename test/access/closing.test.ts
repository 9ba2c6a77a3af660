/** Closing an organization, over HTTP: all access ends at once, and comes back whole, or the organization goes (ORG-2). */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createKey, createProject, deleteClosedLater } from '../../src/access/index.ts';
import { createDirectory } from '../../src/directory/index.ts';
import type { Transaction } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openBrowser } from '../sso/web/browser.ts';
import { openConnection } from '../sso/web/people.ts';
import { openBuilt, type TestGatehouse } from '../support/gatehouse.ts';
import { holdWhile } from '../support/held.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { until } from '../support/until.ts';

const day = 24 * 60 * 60_000;
let now: number;
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let home: string;

const openWorld = openBuilt(async (gatehouse) => ({
  acme: await buildWorld(gatehouse, 'acme'),
  rival: await buildWorld(gatehouse, 'rival'),
}));

beforeEach(async () => {
  now = Date.UTC(2030, 0, 1);
  mailbox = await openMailbox();
  ({ gatehouse, acme, rival } = await openWorld({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url },
  }));
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const close = (token?: string) =>
  (token === undefined
    ? gatehouse.operator('post', `${home}/close`)
    : gatehouse.bearer(token, 'post', `${home}/close`)
  ).send({ confirm: 'acme' });
const restore = () => gatehouse.operator('post', `${home}/restore`);

/** What people, keys, IdPs and browsers get in the organization, by what they ask. */
async function accesses(secret: string, connectionId: string): Promise<Readonly<Record<string, unknown>>> {
  const evaluate = async (type: string, id: string, name: string) => {
    const body = { subject: { type: 'user', id: acme.member.accountId }, action: { name }, resource: { type, id } };
    return (await expectStatus(200, gatehouse.operator('post', '/access/v1/evaluation').send(body))).decision;
  };
  const me = await expectStatus(200, gatehouse.operator('get', '/api/v1/me', acme.member.accountId));
  const mine = await expectStatus(200, gatehouse.operator('get', '/api/v1/me/projects', acme.member.accountId));
  const verified = await expectStatus(200, gatehouse.operator('post', '/api/v1/keys/verify').send({ key: secret }));
  const users = `/scim/v2/${acme.directoryId}/Users`;
  return {
    organization: (await gatehouse.operator('get', home, acme.member.accountId)).status,
    project: (await gatehouse.operator('get', `/api/v1/projects/${acme.defaultProjectId}`, acme.member.accountId))
      .status,
    onOrganization: await evaluate('organization', acme.organizationId, 'organization.read'),
    onProject: await evaluate('project', acme.defaultProjectId, 'project.read'),
    organizations: me.organizations.length,
    projects: mine.items.length,
    key: verified.valid,
    push: (await gatehouse.bearer(acme.directoryToken.secret, 'get', users)).status,
    signIn: (await openBrowser(gatehouse).open(`/sso/start?connection=${connectionId}`)).status,
  };
}

/** Whether what is read alone where access is asked for says that the organization is closed, each and every row. */
async function expectMarked(closed: boolean): Promise<void> {
  for (const name of ['projects', 'directories', 'apiKeys'] as const) {
    const rows: readonly { readonly organizationClosed?: boolean }[] = await gatehouse.store.read[name].find(
      acme.organizationId,
      {},
    );
    expect(rows.map(({ organizationClosed = false }) => organizationClosed)).toEqual(rows.map(() => closed));
  }
}

describe('a closed organization (ORG-2)', () => {
  test('gives no access to anybody from the very answer on, and all of it again once it is restored', async () => {
    const keys = `/api/v1/projects/${acme.defaultProjectId}/keys`;
    const made = await expectStatus(201, gatehouse.operator('post', keys).send({ name: 'gateway' }));
    const secret: string = made.secret;
    const connection = await openConnection(gatehouse, acme.organizationId);
    const invited = await expectStatus(
      201,
      gatehouse.operator('post', `${home}/invitations`).send({ email: 'late@people.example' }),
    );
    const [letter] = await mailbox.waitFor('late@people.example');
    const token = new URL(letter?.link ?? '').searchParams.get('token');
    const open = await accesses(secret, connection._id);
    expect(open).toMatchObject({
      ...{ organization: 200, project: 200, onOrganization: true, onProject: true },
      ...{ organizations: 1, projects: 1, key: true, push: 200 },
    });
    const closed = await expectStatus(200, close());
    expect(closed).toEqual({
      id: acme.organizationId,
      closedAt: new Date(now).toISOString(),
      deleteAt: new Date(now + 30 * day).toISOString(),
    });
    expect(await accesses(secret, connection._id)).toEqual({
      ...{ organization: 403, project: 403, onOrganization: false, onProject: false },
      ...{ organizations: 0, projects: 0, key: false, push: 403, signIn: 403 },
    });
    const refused = await gatehouse.operator('get', home, acme.admin.accountId);
    expect(refused.body.code).toBe('organization_closed');
    const scim = await gatehouse.bearer(acme.directoryToken.secret, 'get', `/scim/v2/${acme.directoryId}/Users`);
    expect(scim.body).toMatchObject({ status: '403', detail: expect.stringContaining('closed') });
    const page = await openBrowser(gatehouse).open(`/sso/start?connection=${connection._id}`);
    expect(page.text).toContain('The organization has been closed');
    const accepted = await gatehouse.request.post('/api/v1/invitations/accept').send({ token });
    expect([accepted.status, accepted.body.code]).toEqual([403, 'organization_closed']);
    await expectStatus(200, restore());
    expect(await accesses(secret, connection._id)).toEqual(open);
    expect((await gatehouse.operator('get', `${home}/invitations/${invited.id}`)).body.state).toBe('pending');
    const audit = await expectStatus(
      200,
      gatehouse.operator('get', `${home}/audit`).query({ targetId: acme.organizationId }),
    );
    expect(audit.items.map(({ type }: { type: string }) => type)).toEqual(
      expect.arrayContaining(['organization.closed', 'organization.restored']),
    );
  });

  test('gives no access token to the OAuth clients of its directories, until it is restored (SCIM-1)', async () => {
    const clients = `${home}/directories/${acme.directoryId}/oauth-clients`;
    const { client, secret } = await expectStatus(201, gatehouse.operator('post', clients).send({ name: 'Entra' }));
    const fetchToken = (clientSecret: string) =>
      gatehouse.request
        .post(`/scim/v2/${acme.directoryId}/oauth/token`)
        .type('form')
        .send({ grant_type: 'client_credentials', client_id: client.id, client_secret: clientSecret });
    await expectStatus(200, fetchToken(secret.secret));
    await expectStatus(200, close());
    const refused = await fetchToken(secret.secret);
    expect([refused.status, refused.body]).toEqual([
      400,
      { error: 'unauthorized_client', error_description: expect.stringContaining('closed') },
    ]);
    // who has not shown the secret is not told even that
    expect((await fetchToken('wrong')).body.error).toBe('invalid_client');
    await expectStatus(200, restore());
    await expectStatus(200, fetchToken(secret.secret));
  });

  test('shows to strangers what it always showed: nothing; and leaves other organizations alone (PRJ-1)', async () => {
    const before = await gatehouse.operator('get', home, rival.owner.accountId);
    await expectStatus(200, close());
    const after = await gatehouse.operator('get', home, rival.owner.accountId);
    expect([before.status, after.status, after.body.code]).toEqual([404, 404, 'not_found']);
    const theirs = `/api/v1/organizations/${rival.organizationId}`;
    await expectStatus(200, gatehouse.operator('get', theirs, rival.member.accountId));
    expect(
      (await gatehouse.bearer(rival.directoryToken.secret, 'get', `/scim/v2/${rival.directoryId}/Users`)).status,
    ).toBe(200);
  });

  test('is looked at, restored and deleted by the operator, who changes nothing else in it', async () => {
    await expectStatus(200, close());
    expect((await expectStatus(200, gatehouse.operator('get', home))).deleteAt).toBe(
      new Date(now + 30 * day).toISOString(),
    );
    for (const asked of [
      gatehouse.operator('patch', home).send({ name: 'Other' }),
      gatehouse.operator('post', `${home}/directories`).send({ name: 'Entra' }),
      gatehouse.operator('post', `/api/v1/projects/${acme.projectId}/keys`).send({ name: 'key' }),
      close(),
    ]) {
      const answer = await asked;
      expect([answer.status, answer.body.code]).toEqual([403, 'organization_closed']);
    }
    await expectStatus(200, restore());
    expect((await restore()).body.code).toBe('not_closed');
  });

  test('was closed by its Owner, after a link to their own mailbox, or by the operator; by nobody else (OWN-4)', async () => {
    const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
    const admin = await openPerson(gatehouse, acme.admin.email, 'sign_in');
    const unnamed = await gatehouse.bearer(owner.token, 'post', `${home}/close`).send({ confirm: 'other' });
    expect(unnamed.status).toBe(400);
    for (const [asked, code] of [
      [close(admin.token), 'permission_denied'],
      [close(acme.owner.token), 'permission_denied'],
      [gatehouse.operator('post', `${home}/close`, acme.owner.accountId).send({ confirm: 'acme' }), 'act_as_refused'],
    ] as const) {
      const answer = await asked;
      expect([answer.status, answer.body.code]).toEqual([403, code]);
    }
    now += 11 * 60_000;
    expect((await close(owner.token)).body.code).toBe('reauthentication_required');
    await expectStatus(200, close((await openPerson(gatehouse, acme.owner.email, 'sign_in')).token));
    const [letter] = await mailbox.waitFor(acme.admin.email);
    expect(letter?.subject).toBe('acme has been closed');
    expect(letter?.text).toContain(new Date(now + 30 * day).toISOString().slice(0, 10));
  });

  test('is closed once by two at once, and restored or closed, whichever comes last', async () => {
    const answers = await Promise.all([close(), close(), close()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
    await Promise.all([restore(), restore(), close()]);
    const row = await gatehouse.store.read.organizations.get(acme.organizationId, acme.organizationId);
    await expectMarked(row?.closedAt !== undefined);
  });

  test.each<[string, (tx: Transaction) => Promise<unknown>]>([
    ['a directory', (tx) => createDirectory(tx, acme.organizationId, { name: 'Late' })],
    ['a project', (tx) => createProject(tx, acme.organizationId, { name: 'Late' })],
    ['a key', (tx) => createKey(tx, acme.organizationId, acme.projectId, { name: 'Late' })],
  ])('shuts %s, too, that is being made when it is closed', async (_, make) => {
    const closed = await holdWhile(gatehouse.store, make, async () => (await close()).status);
    expect(closed).toBe(200);
    await expectMarked(true);
  });

  test('is deleted once its 30 days are over, and not restored any more then', async () => {
    const round = () =>
      deleteClosedLater(
        gatehouse.store,
        { actor: 'job:delete-closed', requestId: 'test' },
        { at: new Date(now), goOn: () => true },
      );
    const isThere = async () => (await gatehouse.operator('get', home)).status === 200;
    await expectStatus(200, close());
    now += 30 * day - 1;
    await round();
    await gatehouse.queue?.idle();
    expect(await isThere()).toBe(true);
    now += 1;
    const late = await restore();
    expect([late.status, late.body.code]).toEqual([409, 'grace_over']);
    await Promise.all([round(), round()]);
    await until('the organization is gone', async () => !(await isThere()));
    expect((await gatehouse.operator('get', `/api/v1/organizations/${rival.organizationId}`)).status).toBe(200);
  });
});

describe("the platform's trail", () => {
  const trail = async (type: string) =>
    (await expectStatus(200, gatehouse.operator('get', '/api/v1/audit').query({ type }))).items;

  test('keeps which organization was deleted, and by whom, when its own has gone with it (ORG-2, AUD-1)', async () => {
    // asked for several times before the job has come to it, it is told once
    const asked = await Promise.all([1, 2, 3].map(() => gatehouse.operator('delete', home).query({ confirm: 'acme' })));
    const statuses = asked.map(({ status }) => status);
    expect(statuses).toContain(202);
    expect(statuses.filter((status) => status !== 202 && status !== 404)).toEqual([]);
    const theirs = `/api/v1/organizations/${rival.organizationId}/close`;
    await expectStatus(200, gatehouse.operator('post', theirs).send({ confirm: 'rival' }));
    now += 31 * day;
    const at = new Date(now);
    for (let round = 0; round < 2; round += 1) {
      await deleteClosedLater(gatehouse.store, { actor: 'system', requestId: 'round' }, { at, goOn: () => true });
    }
    const told = (await trail('organization.deleted')).map(({ targetId, actor, before }: Record<string, unknown>) => [
      targetId,
      actor,
      before,
    ]);
    expect(told).toEqual([
      [rival.organizationId, 'system', { name: 'rival', slug: 'rival' }],
      [acme.organizationId, 'operator', { name: 'acme', slug: 'acme' }],
    ]);
  });

  test('tells of every session that the operator makes for somebody (AUD-1)', async () => {
    const { accountId } = acme.member;
    const made = await expectStatus(201, gatehouse.operator('post', '/api/v1/sessions').send({ accountId }));
    expect(await trail('session.made')).toMatchObject([
      { actor: 'operator', targetId: accountId, after: { sessionId: made.id } },
    ]);
    expect(JSON.stringify(await trail('session.made'))).not.toContain(made.token);
  });
});
