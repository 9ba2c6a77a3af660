/** Where the bills of an organization go (ORG-1): set by its Admins, seen by its members, not by who is from outside. */
import { beforeAll, expect, test } from '@jest/globals';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const set = (billingContact: unknown, as: string) => gatehouse.operator('patch', home, as).send({ billingContact });
const seenBy = async (as?: string): Promise<unknown> =>
  (await expectStatus(200, gatehouse.operator('get', home, as))).billingContact;

test('the billing contact is set by Admins, seen by members alone, audited, and taken away by null (ORG-1, PRJ-6)', async () => {
  const { accountId: admin } = acme.admin;
  const changed = await expectStatus(200, set('bills@acme.example', admin));
  expect(changed.billingContact).toBe('bills@acme.example');
  await expectStatus(403, set('mine@acme.example', acme.member.accountId));
  await expectStatus(400, set('no address', admin));
  await expectStatus(200, gatehouse.operator('patch', home, admin).send({ name: 'Acme' }));
  const external = await openPerson(gatehouse, 'outside@partner.example');
  await expectStatus(
    201,
    gatehouse
      .operator('post', `/api/v1/projects/${acme.projectId}/collaborators`)
      .send({ email: external.email, external: true }),
  );
  expect(await seenBy()).toBe('bills@acme.example');
  expect(await seenBy(acme.member.accountId)).toBe('bills@acme.example');
  expect(JSON.stringify((await gatehouse.operator('get', home, external.accountId)).body)).not.toContain('bills@');

  await expectStatus(200, set(null, admin));
  expect(await seenBy()).toBeUndefined();
  const { items } = await expectStatus(
    200,
    gatehouse.operator('get', `${home}/audit`).query({ type: 'organization.updated' }),
  );
  expect(
    items.map(({ before, after }: Record<string, Record<string, unknown>>) => [
      before?.billingContact,
      after?.billingContact,
    ]),
  ).toEqual([
    ['bills@acme.example', undefined],
    ['bills@acme.example', 'bills@acme.example'],
    [undefined, 'bills@acme.example'],
  ]);
});
