/**
 * What is not yet committed when somebody takes away what it relies on: whoever comes second waits for it, and sees it. On MongoDB,
 * without the locks of the rows that a transaction relies on and does not write, both would commit.
 */
import { beforeAll, expect, test } from '@jest/globals';
import {
  addCollaborator,
  applyMappedGrants,
  changeCollaboratorRole,
  changeMemberRole,
  createProject,
} from '../../src/access/index.ts';
import type { Transaction } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { holdWhile } from '../support/held.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));

type Member = Person & { readonly memberId: string };

/** What is given, each in a project of its own. */
const gifts: Readonly<Record<string, (tx: Transaction, member: Member, projectId: string) => Promise<unknown>>> = {
  'a role in a project (PRJ-4)': (tx, { email }, projectId) =>
    addCollaborator(tx, acme.organizationId, projectId, { email }),
  'another role there': (tx, { accountId }) =>
    changeCollaboratorRole(tx, acme.organizationId, acme.projectId, accountId, 'admin'),
  'a role in the organization': (tx, { memberId }) => changeMemberRole(tx, acme.organizationId, memberId, 'admin'),
  'a project of their own (PRJ-3)': (tx, { accountId }) =>
    createProject(tx, acme.organizationId, { name: 'Their own', creatorId: accountId }),
  'what a mapping gives (MAP-2)': (tx, { accountId }, projectId) =>
    applyMappedGrants(tx, acme.organizationId, accountId, {
      add: [
        { target: 'project', targetId: projectId, role: 'admin', mappingId: acme.mappingId, groupId: acme.groupId },
      ],
      remove: [],
    }),
};

test.each(Object.entries(gifts))(
  '%s goes with the member who is removed before it is committed (MEM-3)',
  async (name, give) => {
    const person = await openPerson(gatehouse, `${name.replace(/\W+/g, '-')}@people.example`.toLowerCase());
    const { id: memberId } = await ask(201, 'post', `${home}/members`, { accountId: person.accountId });
    await ask(201, 'post', `/api/v1/projects/${acme.projectId}/collaborators`, { email: person.email });
    const { id: projectId } = await ask(201, 'post', `${home}/projects`, { name: `For ${name}` });
    await holdWhile(
      gatehouse.store,
      (tx) => give(tx, { ...person, memberId }, projectId),
      () => ask(200, 'delete', `${home}/members/${memberId}`),
    );
    const { members, grants } = gatehouse.store.read;
    const { accountId } = person;
    expect(await members.findOne(acme.organizationId, { accountId })).toBeUndefined();
    expect(await grants.find(acme.organizationId, { accountId })).toEqual([]);
  },
);

test('multiProject is not switched off over a project that is just being made (PRJ-8)', async () => {
  const { id } = await ask(201, 'post', '/api/v1/organizations', {
    name: 'Growing',
    owner: { email: 'owner@growing.example' },
  });
  const off = () =>
    gatehouse.operator('patch', `/api/v1/organizations/${id}`).send({ settings: { multiProject: false } });
  const answer = await holdWhile(
    gatehouse.store,
    (tx) => createProject(tx, id, { name: 'Second' }),
    async () => (await off()).body,
  );
  expect(answer).toMatchObject({ status: 409, code: 'projects_remain' });
  expect(await gatehouse.store.read.projects.count(id, {})).toBe(2);
});
