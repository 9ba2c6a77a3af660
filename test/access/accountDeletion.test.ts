/** The end of an account, over HTTP: what goes, what stays, who is refused, and who races (ACC-1, OWN-3, KEY-1, MEM-4). */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeEach(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const deleteByOperator = (accountId: string) => gatehouse.operator('delete', `/api/v1/accounts/${accountId}`);

describe('the deletion of an account', () => {
  test('is refused to an Owner, naming the organizations, closed ones too (OWN-3, ORG-2)', async () => {
    const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
    const refused = await gatehouse.bearer(owner.token, 'delete', '/api/v1/me');
    expect([refused.status, refused.body.code]).toEqual([409, 'account_owns_organizations']);
    expect(refused.body.details.organizations).toEqual([{ id: acme.organizationId, name: 'acme' }]);
    await expectStatus(200, gatehouse.operator('post', `${home}/close`).send({ confirm: 'acme' }));
    expect((await deleteByOperator(acme.owner.accountId)).body.code).toBe('account_owns_organizations');
  });

  test('needs the person’s own fresh sign-in (OWN-4)', async () => {
    expect((await gatehouse.operator('delete', '/api/v1/me', acme.member.email)).body.code).toBe('act_as_refused');
    expect((await gatehouse.bearer(acme.member.token, 'delete', '/api/v1/me')).status).toBe(403);
  });

  test('ends memberships, sessions and addresses, and leaves a tombstone and what the person made (KEY-1)', async () => {
    const person = await openPerson(gatehouse, acme.member.email, 'sign_in');
    const keys = `/api/v1/projects/${acme.defaultProjectId}/keys`;
    const key = await expectStatus(201, gatehouse.bearer(person.token, 'post', keys).send({ name: 'mine' }));
    await expectStatus(204, gatehouse.bearer(person.token, 'delete', '/api/v1/me'));
    expect((await gatehouse.bearer(person.token, 'get', '/api/v1/me')).status).toBe(401);
    expect((await gatehouse.operator('get', `${home}/members/${acme.member.memberId}`)).status).toBe(404);
    const tombstone = await expectStatus(200, gatehouse.operator('get', `/api/v1/accounts/${person.accountId}`));
    expect(tombstone).toMatchObject({ id: person.accountId, emails: [], deletedAt: expect.any(String) });
    expect(tombstone.name).toBeUndefined();
    const verified = await expectStatus(
      200,
      gatehouse.operator('post', '/api/v1/keys/verify').send({ key: key.secret }),
    );
    expect(verified.valid).toBe(true);
    expect((await deleteByOperator(person.accountId)).status).toBe(404);
    const again = await openPerson(gatehouse, acme.member.email);
    expect(again.accountId).not.toBe(person.accountId);
  });

  test('of a person whom a directory still has: only a push of active: true makes another account (MEM-4)', async () => {
    const push = (method: 'post' | 'put', path: string, active: boolean, title: string) =>
      gatehouse.bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}/Users${path}`).send({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: 'zoe',
        title,
        active,
      });
    const user = await expectStatus(201, push('post', '', true, 'one'));
    const member = async () =>
      (await gatehouse.store.read.members.find(acme.organizationId, { directoryUserId: user.id }))[0];
    const before = await member();
    await expectStatus(204, deleteByOperator(before?.accountId ?? ''));
    expect(await member()).toBeUndefined();
    await expectStatus(200, push('put', `/${user.id}`, false, 'two'));
    expect(await member()).toBeUndefined();
    await expectStatus(200, push('put', `/${user.id}`, true, 'three'));
    const after = await member();
    expect(after?.status).toBe('active');
    expect(after?.accountId).not.toBe(before?.accountId);
  });

  test('races with additions, and leaves no membership or grant of a deleted account', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { accountId, email } = await openPerson(gatehouse, `racer${round}@people.example`);
      const project = `/api/v1/projects/${acme.projectId}/collaborators`;
      await Promise.all([
        gatehouse.operator('post', `${home}/members`).send({ accountId }),
        deleteByOperator(accountId).then((answer) => expect(answer.status).toBe(204)),
        gatehouse.operator('post', project).send({ email, external: true }),
      ]);
      expect(await gatehouse.store.read.members.find(acme.organizationId, { accountId })).toEqual([]);
      expect(await gatehouse.store.read.grants.find(acme.organizationId, { accountId })).toEqual([]);
    }
  });
});
