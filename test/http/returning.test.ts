/** Members whom the operator adds or removes while a directory has something to say of them. */
import { beforeEach, expect, test } from '@jest/globals';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { buildWorld, expectStatus, type World } from './world.ts';

let gatehouse: TestGatehouse;
let acme: World;
let members: string;
beforeEach(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
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
  expect(await ask(200, 'delete', `${members}/${pushed}`)).toEqual({ removed: pushed, comesBack: true });
  const byHand = await ask(201, 'post', members, { accountId });
  expect((await ask(200, 'delete', `${members}/${byHand.id}`)).comesBack).toBe(true);
  await scim(204, 'delete', `/Users/${id}`);
  const again = await ask(201, 'post', members, { accountId });
  expect((await ask(200, 'delete', `${members}/${again.id}`)).comesBack).toBe(false);
});
