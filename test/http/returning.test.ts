/** Members whom the operator adds or removes while a directory has something to say of them. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { settleSignIn } from '../../src/sso/index.ts';
import { openConnection } from '../sso/web/people.ts';
import { type Method, openBuilt, type TestGatehouse } from '../support/gatehouse.ts';
import { buildWorld, expectStatus, openPerson, type World } from './world.ts';

const openWorld = openBuilt(async (gatehouse) => ({ acme: await buildWorld(gatehouse, 'acme') }));
let gatehouse: TestGatehouse;
let acme: World;
let members: string;
beforeEach(async () => {
  ({ gatehouse, acme } = await openWorld());
  members = `/api/v1/organizations/${acme.organizationId}/members`;
});

const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const scim = (status: number, method: Method, path: string, body?: object) => {
  const asked = gatehouse.bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}${path}`);
  return expectStatus(status, asked.send(body));
};
const push = (email: string) =>
  scim(201, 'post', '/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: email,
    emails: [{ value: email, primary: true }],
    active: true,
  });
const memberOf = async (accountId: string): Promise<string> => {
  const { items } = await ask(200, 'get', members);
  return items.find((one: { accountId: string }) => one.accountId === accountId).id;
};
const linkOf = async (userId: string) => {
  const path = `/api/v1/organizations/${acme.organizationId}/directories/${acme.directoryId}/users`;
  const { items } = await ask(200, 'get', path);
  return items.find((one: { id: string }) => one.id === userId);
};

test('a removal says that the person comes back as long as a directory holds them, and no longer (MEM-4)', async () => {
  const { id } = await push('jane@elsewhere.example');
  const { accountId } = await linkOf(id);
  const pushed = await memberOf(accountId);
  expect(await ask(200, 'delete', `${members}/${pushed}`)).toEqual({
    removed: pushed,
    blocked: false,
    comesBack: true,
    comesBackBy: ['push'],
    message: expect.stringMatching(/^Removed, but not for good: a directory still holds the person/),
  });
  const byHand = await ask(201, 'post', members, { accountId });
  expect((await ask(200, 'delete', `${members}/${byHand.id}`)).comesBack).toBe(true);
  await scim(204, 'delete', `/Users/${id}`);
  const again = await ask(201, 'post', members, { accountId });
  expect((await ask(200, 'delete', `${members}/${again.id}`)).comesBack).toBe(false);
});

describe('a removal says that the next sign-in brings the person back (MEM-4)', () => {
  const home = () => `/api/v1/organizations/${acme.organizationId}`;
  const change = (body: object) => ask(200, 'patch', `${home()}/connections/${acme.connectionId}`, body);
  const cause = { actor: 'system', requestId: 'req-test' };
  const knows = (accountId: string, link: 'linked' | 'waiting' = 'linked') =>
    gatehouse.store.transaction(cause, (tx) =>
      tx.identities.insert(acme.organizationId, {
        _id: newId('identity'),
        organizationId: acme.organizationId,
        connectionId: acme.connectionId,
        subject: accountId,
        accountId,
        link,
      }),
    );
  /** Makes the account a member and removes it again. */
  const removal = async (accountId: string): Promise<readonly string[]> => {
    const { id } = await ask(201, 'post', members, { accountId });
    const { comesBack, comesBackBy } = await ask(200, 'delete', `${members}/${id}`);
    expect(comesBack).toBe(comesBackBy.length > 0);
    return comesBackBy;
  };

  test('where the person is known to an active connection that makes members', async () => {
    const { accountId } = await openPerson(gatehouse, 'jane@elsewhere.example');
    await knows(accountId);
    expect(await removal(accountId)).toEqual([]); // a draft lets nobody in
    await change({ status: 'active', force: true });
    expect(await removal(accountId)).toEqual(['sign_in']);
    await change({ jit: false });
    expect(await removal(accountId)).toEqual([]);
    await change({ jit: true });
    expect(await removal(accountId)).toEqual(['sign_in']);
    await change({ status: 'disabled' });
    expect(await removal(accountId)).toEqual([]);
  });

  test('where a proven address lies in a verified domain, and not before it is verified', async () => {
    const { accountId } = await openPerson(gatehouse, `jane@${acme.domain}`);
    const stranger = await openPerson(gatehouse, 'joe@elsewhere.example');
    await knows(stranger.accountId, 'waiting');
    await change({ status: 'active', force: true });
    expect(await removal(accountId)).toEqual([]);
    await ask(200, 'post', `${home()}/domains/${acme.domain}/verify`, { force: true });
    expect(await removal(accountId)).toEqual(['sign_in']);
    expect(await removal(stranger.accountId)).toEqual([]);
  });

  test('and speaks of no push where only sign-ins have told of the person and their groups (SSO-8)', async () => {
    const connection = await openConnection(gatehouse, acme.organizationId);
    await ask(200, 'post', `${home()}/domains/${acme.domain}/verify`, { force: true });
    const settled = await gatehouse.store.transaction(cause, (tx) =>
      settleSignIn(tx, connection, {
        subject: 'jane',
        email: { address: `jane@${acme.domain}`, vouched: true },
        groups: { kind: 'known', names: ['Engineers'] },
        received: {},
      }),
    );
    if (settled.kind !== 'signed_in') throw new Error(`the sign-in was ${settled.kind}`);
    const users = await gatehouse.store.read.directoryUsers.find(acme.organizationId, { accountId: settled.accountId });
    expect(users).toHaveLength(1);
    const told = await ask(200, 'delete', `${members}/${await memberOf(settled.accountId)}`);
    expect(told).toMatchObject({ comesBack: true, comesBackBy: ['sign_in'] });
  });

  test("where the connection's directory holds the person as active, beside its own push", async () => {
    const { id } = await push('jane@elsewhere.example');
    const { accountId } = await linkOf(id);
    await ask(200, 'delete', `${members}/${await memberOf(accountId)}`);
    await change({ directoryId: acme.directoryId });
    await change({ status: 'active', force: true });
    expect(await removal(accountId)).toEqual(['push', 'sign_in']);
    const other = await openPerson(gatehouse, 'joe@elsewhere.example');
    await knows(other.accountId);
    expect(await removal(other.accountId)).toEqual([]); // known, but not in the directory
    await scim(200, 'patch', `/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', value: { active: false } }],
    });
    expect(await removal(accountId)).toEqual(['push']);
  });
});

const putInGroup = (userId: string) =>
  scim(204, 'patch', `/Groups/${acme.groupId}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'add', path: 'members', value: [{ value: userId }] }],
  });
/** Whether jobs have given what the group of this person is mapped to. */
const isMapped = async (accountId: string): Promise<boolean> => {
  await gatehouse.queue?.idle();
  const { items } = await ask(200, 'get', `/api/v1/projects/${acme.projectId}/collaborators`);
  const found = items.find((one: { accountId: string }) => one.accountId === accountId);
  return found?.sources.some((one: { mappingId?: string }) => one.mappingId === acme.mappingId) ?? false;
};

test('a member added by the operator gets the mapped roles of their groups (MAP-3)', async () => {
  const { id } = await push('jane@elsewhere.example');
  const { accountId } = await linkOf(id);
  await ask(200, 'delete', `${members}/${await memberOf(accountId)}`);
  await putInGroup(id);
  expect(await isMapped(accountId)).toBe(false);
  await ask(201, 'post', members, { accountId });
  expect(await isMapped(accountId)).toBe(true);
});

test('one who waits in the adoption queue is adopted when the operator adds the person (SCIM-3)', async () => {
  const { accountId, email } = await openPerson(gatehouse, 'held@elsewhere.example');
  const { id } = await push(email);
  await putInGroup(id);
  expect((await linkOf(id)).link).toBe('waiting');
  const added = await ask(201, 'post', members, { accountId, role: 'admin' });
  expect(added).toMatchObject({ role: 'admin', status: 'active', source: 'operator', directoryUserId: id });
  expect(await linkOf(id)).toMatchObject({ link: 'linked', accountId });
  expect((await ask(200, 'get', `/api/v1/organizations/${acme.organizationId}/adoptions`)).items).toEqual([]);
  expect(await isMapped(accountId)).toBe(true);
});
