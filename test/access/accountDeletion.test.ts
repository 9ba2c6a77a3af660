/** The end of an account, over HTTP: what goes, what stays, and who is refused (ACC-1, OWN-3, KEY-1, MEM-4). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { makeLink } from '../../src/access/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { sweepOrganization } from '../../src/provisioning/index.ts';
import { settleSignIn } from '../../src/sso/index.ts';
import { PLATFORM, rowsByName } from '../../src/store/index.ts';
import { type CollectionName, collections } from '../../src/store/schemas/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openConnection } from '../sso/web/people.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { sshKeys } from '../support/sshKeys.ts';
import { until } from '../support/until.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const cause = { actor: 'system', requestId: 'req-test' };
const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const deleteByOperator = (accountId: string) => gatehouse.operator('delete', `/api/v1/accounts/${accountId}`);
const push = (method: 'post' | 'put', path: string, userName: string, user: object) =>
  gatehouse
    .bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}/Users${path}`)
    .send({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName, ...user });
const memberOf = async (directoryUserId: string) =>
  (await gatehouse.store.read.members.find(acme.organizationId, { directoryUserId }))[0];
const signIn = (subject: string, address: string, connection: Awaited<ReturnType<typeof openConnection>>) =>
  gatehouse.store.transaction(cause, (tx) =>
    settleSignIn(tx, connection, {
      subject,
      email: { address, vouched: true },
      groups: { kind: 'unknown', why: 'absent' },
      received: {},
    }),
  );

/** Any collection. */
interface Readable {
  find(scope: typeof PLATFORM, filter: object): Promise<readonly { readonly of?: string }[]>;
}

/** Where a text still stands, as the beginning of a word (a random key holds any letters once in a while): collections, and of former versions those of which. */
async function whereIs(text: string): Promise<readonly string[]> {
  const word = new RegExp(`(?<![a-z0-9+/])${text}`, 'i');
  const found = new Set<string>();
  for (const name of Object.keys(collections) as readonly CollectionName[]) {
    for (const row of await rowsByName<Readable>(gatehouse.store.read, name).find(PLATFORM, {})) {
      const where = name === 'history' ? `history of ${row.of}` : name;
      if (word.test(JSON.stringify(row))) found.add(where);
    }
  }
  return [...found].sort();
}

describe('the deletion of an account', () => {
  test('is refused to an Owner, naming the organizations, closed ones too (OWN-3, ORG-2)', async () => {
    const owner = await openPerson(gatehouse, 'owner@closing.example', 'sign_in');
    const made = await ask(201, 'post', '/api/v1/organizations', { name: 'Closing', owner: { email: owner.email } });
    const refused = await gatehouse.bearer(owner.token, 'delete', '/api/v1/me');
    expect([refused.status, refused.body.code]).toEqual([409, 'account_owns_organizations']);
    expect(refused.body.details.organizations).toEqual([{ id: made.id, name: 'Closing' }]);
    await ask(200, 'post', `/api/v1/organizations/${made.id}/close`, { confirm: 'closing' });
    expect((await deleteByOperator(owner.accountId)).body.code).toBe('account_owns_organizations');
    expect((await gatehouse.bearer(owner.token, 'get', '/api/v1/me')).status).toBe(200);
  });

  test('needs the person’s own fresh sign-in (OWN-4)', async () => {
    expect((await gatehouse.operator('delete', '/api/v1/me', acme.member.email)).body.code).toBe('act_as_refused');
    expect((await gatehouse.bearer(acme.member.token, 'delete', '/api/v1/me')).status).toBe(403);
  });

  test('ends memberships, sessions and addresses, and leaves a tombstone and what the person made (KEY-1)', async () => {
    const person = await openPerson(gatehouse, 'maker@people.example', 'sign_in');
    const { id: memberId } = await ask(201, 'post', `${home}/members`, { accountId: person.accountId });
    const keys = `/api/v1/projects/${acme.defaultProjectId}/keys`;
    const resources = `/api/v1/projects/${acme.defaultProjectId}/resources`;
    const key = await expectStatus(201, gatehouse.bearer(person.token, 'post', keys).send({ name: 'mine' }));
    const file = { type: 'file', name: 'weights' };
    const resource = await expectStatus(201, gatehouse.bearer(person.token, 'post', resources).send(file));
    await expectStatus(204, gatehouse.bearer(person.token, 'delete', '/api/v1/me'));
    expect((await gatehouse.bearer(person.token, 'get', '/api/v1/me')).status).toBe(401);
    expect((await gatehouse.operator('get', `${home}/members/${memberId}`)).status).toBe(404);
    const tombstone = await ask(200, 'get', `/api/v1/accounts/${person.accountId}`);
    expect(tombstone).toMatchObject({ id: person.accountId, emails: [], deletedAt: expect.any(String) });
    expect((await ask(200, 'post', '/api/v1/keys/verify', { key: key.secret })).valid).toBe(true);
    const deleted = { kind: 'account', accountId: person.accountId, deleted: true };
    const made = async (path: string, id: string) =>
      (await ask(200, 'get', path)).items.find((one: { id: string }) => one.id === id).createdBy;
    expect([await made(keys, key.id), await made(resources, resource.id)]).toEqual([deleted, deleted]);
    expect((await deleteByOperator(person.accountId)).status).toBe(404);
    expect((await openPerson(gatehouse, person.email)).accountId).not.toBe(person.accountId);
  });

  test('is seen by the next permission check, the identity export and the search (PRJ-7, PERM-5)', async () => {
    const { accountId } = await openPerson(gatehouse, 'exported@people.example');
    await ask(201, 'post', `${home}/members`, { accountId });
    const path = `/api/v1/projects/${acme.defaultProjectId}/identities`;
    const exported = async () => {
      const answer = await gatehouse.operator('get', path);
      return { etag: answer.headers.etag, in: JSON.stringify(answer.body).includes(accountId) };
    };
    const question = {
      subject: { type: 'user', id: accountId },
      action: { name: 'project.read' },
      resource: { type: 'project', id: acme.defaultProjectId },
    };
    const before = await exported();
    expect([before.in, (await ask(200, 'post', '/access/v1/evaluation', question)).decision]).toEqual([true, true]);
    await expectStatus(204, deleteByOperator(accountId));
    const after = await exported();
    expect([after.in, (await ask(200, 'post', '/access/v1/evaluation', question)).decision]).toEqual([false, false]);
    expect(after.etag).not.toBe(before.etag);
    const search = { ...question, subject: { type: 'user' } };
    expect(JSON.stringify(await ask(200, 'post', '/access/v1/search/subject', search))).not.toContain(accountId);
  });
});

test('no name and no address of the person is left but in what IdPs have told and in the audit, whose chain holds (ACC-1, AUD-1)', async () => {
  const email = 'zora.quill@people.example';
  const { accountId, token } = await openPerson(gatehouse, email, 'sign_in');
  const as = (status: number, method: Method, path: string, body: object) =>
    expectStatus(status, gatehouse.bearer(token, method, path).send(body));
  await as(200, 'patch', '/api/v1/me', { name: 'Zora Quill' });
  await as(201, 'post', '/api/v1/me/ssh-keys', { publicKey: sshKeys.ed25519.line, name: 'quill laptop' });
  // an Admin who was invited, removed, and came again by a push; blocked elsewhere; from outside in a third place
  const invited = await ask(201, 'post', `${home}/invitations`, { email, role: 'admin' });
  const { id: first } = await ask(201, 'post', `${home}/members`, { accountId });
  expect((await ask(200, 'get', `${home}/invitations/${invited.id}`)).state).toBe('adopted');
  await ask(200, 'delete', `${home}/members/${first}`);
  await ask(201, 'post', `${home}/domains`, { domain: 'people.example' });
  await ask(200, 'post', `${home}/domains/people.example/verify`, { force: true });
  const user = { displayName: 'Z. Quill', emails: [{ value: email, primary: true }], active: true };
  const pushed = await expectStatus(201, push('post', '', 'zora.quill', user));
  expect((await memberOf(pushed.id))?.accountId).toBe(accountId);
  await expectStatus(200, push('put', `/${pushed.id}`, 'zora.quill', { ...user, title: 'Quill of quills' }));
  const there = `/api/v1/organizations/${rival.organizationId}`;
  await ask(201, 'post', `${there}/invitations`, { email });
  const { id: second } = await ask(201, 'post', `${there}/members`, { accountId });
  await ask(200, 'delete', `${there}/members/${second}?block=true`);
  await ask(201, 'post', `/api/v1/projects/${acme.projectId}/collaborators`, { email });
  const connection = await openConnection(gatehouse, acme.organizationId);
  expect(await signIn('quill', email, connection)).toMatchObject({ accountId });
  await gatehouse.store.transaction(cause, async (tx) => {
    await makeLink(tx, { purpose: 'sign_in', email, site: 'http://gatehouse.test' });
    await makeLink(tx, { purpose: 'prove_email', email: 'quill@elsewhere.example', accountId, site: 'http://x.test' });
    await tx.signInRecords.insert(acme.organizationId, {
      ...{ _id: newId('signInRecord'), organizationId: acme.organizationId, connectionId: connection._id, accountId },
      ...{ reference: 'QUILL-11111', purpose: 'sign_in', outcome: 'signed_in', code: 'linked', detail: 'Zora Quill' },
    });
  });
  expect(await whereIs('quill')).toEqual(
    expect.arrayContaining(['accountEmails', 'accounts', 'blocks', 'history of members', 'identities', 'invitations']),
  );

  // the first removal has ended the former session with the last access
  const again = await openPerson(gatehouse, email, 'sign_in');
  await expectStatus(204, gatehouse.bearer(again.token, 'delete', '/api/v1/me'));
  await until('the erasing job has run', async () => {
    const jobs = await gatehouse.store.read.outbox.find(PLATFORM, { job: 'erase-account' });
    return jobs.length === 0;
  });
  await until('the letters asked for are sent', async () => {
    return (await gatehouse.store.read.outbox.find(PLATFORM, { job: 'mail-invitation' })).length === 0;
  });
  const told = ['directoryEmails', 'directoryUsers', 'history of directoryUsers', 'provisioningLog'];
  expect((await whereIs('quill')).filter((name) => !told.includes(name))).toEqual(['auditEvents']);
  const versions = await gatehouse.store.read.history.find(PLATFORM, { of: 'members', 'row.accountId': accountId });
  expect(versions.length).toBeGreaterThan(2);
  for (const organization of [home, there]) {
    await until('every event is numbered', async () => {
      const { items } = await ask(200, 'get', `${organization}/audit?limit=1`);
      return items[0].seq !== undefined;
    });
    expect((await ask(200, 'get', `${organization}/audit/verify`)).verified).toBe(true);
  }
  const { items: ended } = await ask(200, 'get', `${home}/audit?type=member.removed&limit=1`);
  expect(ended).toMatchObject([{ actor: `account:${accountId}`, before: { accountId } }]);
  const { items: platform } = await ask(200, 'get', '/api/v1/audit?type=account.deleted&limit=1');
  expect(platform).toMatchObject([{ actor: `account:${accountId}`, targetId: accountId }]);
});

describe('a block', () => {
  test('outlives the account of its person, without a name, and keeps whoever has the address out (MEM-4)', async () => {
    const email = 'blocked@deleted.example';
    await ask(201, 'post', `${home}/domains`, { domain: 'deleted.example' });
    await ask(200, 'post', `${home}/domains/deleted.example/verify`, { force: true });
    const { accountId } = await openPerson(gatehouse, email);
    const { id } = await ask(201, 'post', `${home}/members`, { accountId });
    await ask(200, 'delete', `${home}/members/${id}?block=true`);
    await expectStatus(204, deleteByOperator(accountId));
    const { items } = await ask(200, 'get', `${home}/blocks`);
    const block = items.find((one: { accountId: string }) => one.accountId === accountId);
    expect(block).toEqual({
      ...{ id: block.id, accountId, blockedBy: 'operator', createdAt: block.createdAt, accountDeleted: true },
    });
    const pushed = await push('post', '', 'blocked', { emails: [{ value: email, primary: true }], active: true });
    expect([pushed.status, pushed.body.detail]).toEqual([403, expect.stringContaining('blocked')]);
    const connection = await openConnection(gatehouse, acme.organizationId);
    expect(await signIn('blocked', email, connection)).toMatchObject({ kind: 'refused' });
    const again = await openPerson(gatehouse, email);
    expect(await signIn('blocked', email, connection)).toMatchObject({ kind: 'refused' });
    const invited = await gatehouse.operator('post', `${home}/invitations`).send({ email });
    const added = await gatehouse.operator('post', `${home}/members`).send({ accountId: again.accountId });
    expect([invited.body.code, added.body.code]).toEqual(['member_blocked', 'member_blocked']);
    await ask(204, 'delete', `${home}/blocks/${block.id}`);
    await ask(201, 'post', `${home}/members`, { accountId: again.accountId });
  });
});

describe('a directory user whose account was deleted', () => {
  test('brings somebody in again, as another account, by a push of active: true only (MEM-4)', async () => {
    const user = await expectStatus(201, push('post', '', 'zoe', { title: 'one', active: true }));
    const before = await memberOf(user.id);
    await expectStatus(204, deleteByOperator(before?.accountId ?? ''));
    expect(await memberOf(user.id)).toBeUndefined();
    await expectStatus(200, push('put', `/${user.id}`, 'zoe', { title: 'two', active: false }));
    expect(await memberOf(user.id)).toBeUndefined();
    await expectStatus(200, push('put', `/${user.id}`, 'zoe', { title: 'three', active: true }));
    const after = await memberOf(user.id);
    expect(after?.status).toBe('active');
    expect(after?.accountId).not.toBe(before?.accountId);
  });

  test('of a sign-in gives its next account the roles of the groups that the sign-in claims (SSO-8)', async () => {
    const connection = await openConnection(gatehouse, acme.organizationId);
    const group = await ask(201, 'post', `${home}/connections/${connection._id}/groups`, { name: 'gpu' });
    await ask(201, 'post', `${home}/mappings`, { groupId: group.id, projectId: acme.projectId, role: 'admin' });
    const enter = async () => {
      const groups = { kind: 'known', names: ['gpu'] } as const;
      const settled = await gatehouse.store.transaction(cause, (tx) =>
        settleSignIn(tx, connection, { subject: 'claimed', groups, received: {} }),
      );
      if (settled.kind !== 'signed_in') throw new Error(`not let in: ${JSON.stringify(settled)}`);
      const of = { subject: { type: 'user', id: settled.accountId }, action: { name: 'project.update' } };
      const asked = { ...of, resource: { type: 'project', id: acme.projectId } };
      return { ...settled, admin: (await ask(200, 'post', '/access/v1/evaluation', asked)).decision };
    };
    const before = await enter();
    await expectStatus(204, deleteByOperator(before.accountId));
    const after = await enter();
    expect([before.admin, after.admin, after.accountId === before.accountId]).toEqual([true, true, false]);
  });

  test('is shown as released, stays out whatever groups, sweeps and verified domains say, and can be deleted (MEM-4, MAP-3)', async () => {
    const emails = [{ value: 'yann@acme.example', primary: true }];
    const user = await expectStatus(201, push('post', '', 'yann', { emails, active: true }));
    const before = await memberOf(user.id);
    await expectStatus(204, deleteByOperator(before?.accountId ?? ''));
    const { items } = await ask(200, 'get', `${home}/directories/${acme.directoryId}/users`);
    const shown = items.find((one: { id: string }) => one.id === user.id);
    expect([shown.link, shown.accountId]).toEqual(['released', undefined]);
    const scim = `/scim/v2/${acme.directoryId}`;
    const bySecret = (method: Method, path: string) =>
      gatehouse.bearer(acme.directoryToken.secret, method, scim + path);
    await expectStatus(
      200,
      bySecret('patch', `/Groups/${acme.groupId}?attributes=id`).send({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'add', path: 'members', value: [{ value: user.id }] }],
      }),
    );
    await ask(200, 'post', `${home}/domains/acme.example/verify`, { force: true });
    await sweepOrganization(gatehouse.store, cause, acme.organizationId);
    await until('no job waits', async () => {
      const asked = { state: 'waiting', job: { $in: ['reconcile', 'reconcile-groups', 'prove-domain'] } } as const;
      return (await gatehouse.store.read.outbox.find(acme.organizationId, asked)).length === 0;
    });
    expect(await memberOf(user.id)).toBeUndefined();
    expect((await gatehouse.store.read.directoryUsers.get(acme.organizationId, user.id))?.link).toBe('released');
    expect((await gatehouse.operator('get', '/api/v1/accounts').query({ email: emails[0]?.value })).body.items).toEqual(
      [],
    );
    expect((await bySecret('delete', `/Users/${user.id}`)).status).toBe(204);
  });
});
