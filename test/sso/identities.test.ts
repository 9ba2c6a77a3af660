/** Subjects that wait for a decision, over HTTP (SSO-3, SSO-6, OWN-1). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import type { IdentityRow } from '../../src/store/index.ts';
import { buildWorld, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

let gatehouse: TestGatehouse;
let world: World;
let home: string;
const connectionId = newId('connection');

async function addIdentity(accountId: string, more: Partial<IdentityRow>): Promise<string> {
  const { organizationId } = world;
  const _id = newId('identity');
  await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
    tx.identities.insert(organizationId, {
      ...{ _id, organizationId, connectionId, subject: _id, accountId, link: 'linked' },
      ...more,
    }),
  );
  return _id;
}

const waiting = (accountId: string, reason: NonNullable<IdentityRow['reason']> = 'other_subject') =>
  addIdentity(accountId, { link: 'waiting', reason });

const listed = async (query: Record<string, string>): Promise<readonly string[]> => {
  const { body } = await gatehouse.operator('get', `${home}/identities`).query(query).expect(200);
  return body.items.map(({ id }: { id: string }) => id);
};

beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  world = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${world.organizationId}`;
});

describe('a subject that waits', () => {
  test('is listed, and approved by an Admin in place of the one before (SSO-6)', async () => {
    const { accountId } = world.member;
    const before = await addIdentity(accountId, {});
    const id = await waiting(accountId);
    expect(await listed({ link: 'waiting', connectionId })).toEqual([id]);
    const answer = await gatehouse.bearer(world.admin.token, 'post', `${home}/identities/${id}/approve`).expect(200);
    expect(answer.body).toMatchObject({ id, accountId, link: 'linked' });
    expect(await listed({ connectionId, accountId })).toEqual([id]);
    expect(await listed({ connectionId })).not.toContain(before);
    await gatehouse.bearer(world.admin.token, 'post', `${home}/identities/${id}/approve`).expect(200);
  });

  test.each([
    ['outside of the verified domains', 'unverified_domain'],
    ['by an address that its IdP does not vouch for', 'address_not_vouched'],
  ] as const)('%s is approved by no Admin (SSO-3)', async (_what, reason) => {
    const id = await waiting(world.member.accountId, reason);
    const { items } = (await gatehouse.operator('get', `${home}/identities`).query({ link: 'waiting' })).body;
    expect(items.find((one: { id: string }) => one.id === id)).toMatchObject({ reason });
    const { body } = await gatehouse.bearer(world.admin.token, 'post', `${home}/identities/${id}/approve`).expect(409);
    expect(body.code).toBe('confirmation_required');
    await gatehouse.bearer(world.admin.token, 'delete', `${home}/identities/${id}`).expect(204);
    expect(await listed({ link: 'waiting', connectionId })).toEqual([]);
  });

  test('as the Owner is decided by the Owner and the operator only (OWN-1)', async () => {
    const { accountId, token } = world.owner;
    const linked = await addIdentity(accountId, {});
    const id = await waiting(accountId);
    const refused = await gatehouse.bearer(world.admin.token, 'post', `${home}/identities/${id}/approve`).expect(403);
    expect(refused.body.code).toBe('owner_protected');
    await gatehouse.bearer(world.admin.token, 'delete', `${home}/identities/${linked}`).expect(403);
    expect(await listed({ accountId, connectionId, link: 'linked' })).toEqual([linked]);
    await gatehouse.bearer(token, 'post', `${home}/identities/${id}/approve`).expect(200);
    expect(await listed({ accountId, connectionId })).toEqual([id]);
  });

  test('is nothing that a Member decides, nor another organization', async () => {
    const id = await waiting(world.member.accountId);
    const other = await buildWorld(gatehouse, 'other');
    const { token } = await openPerson(gatehouse, world.member.email);
    await gatehouse.bearer(token, 'post', `${home}/identities/${id}/approve`).expect(403);
    const elsewhere = `/api/v1/organizations/${other.organizationId}/identities/${id}`;
    await gatehouse.bearer(other.admin.token, 'post', `${elsewhere}/approve`).expect(404);
    await gatehouse.bearer(other.admin.token, 'delete', elsewhere).expect(404);
  });
});

test("unlinking ends the organization's part of the person's sessions at once (SSO-7)", async () => {
  const { accountId, token } = await openPerson(gatehouse, world.member.email);
  const id = await addIdentity(accountId, { connectionId: newId('connection') });
  await gatehouse.bearer(token, 'get', '/api/v1/me').expect(200);
  await gatehouse.bearer(world.admin.token, 'delete', `${home}/identities/${id}`).expect(204);
  expect((await gatehouse.bearer(token, 'get', `${home}/members`)).status).toBeGreaterThanOrEqual(401);
});
