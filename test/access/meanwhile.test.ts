/**
 * Changes that are committed between two reads of one question (MEM-1, SCIM-3, KEY-3): it is answered as things stood before, or as
 * they stand after, and never by half of each. Each change is made before every single read in turn.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  addMember,
  createAccount,
  evaluate,
  findAccountsThatMay,
  findGrants,
  findProjects,
  findProjectsOf,
  findResources,
  type Presence,
  reactivateMember,
  readDefaultKey,
  removeGrants,
  suspendMember,
} from '../../src/access/index.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { listIdentities } from '../../src/provisioning/index.ts';
import type { ReadStore, Transaction } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { withChangeBefore } from '../support/betweenReads.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

const key = 'the key of this test 0123456789abcdef';
let gatehouse: TestGatehouse;
let acme: World;
let home: string;
let made = 0;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false, env: { GATEHOUSE_KEY: key } });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const commit = <T>(work: (tx: Transaction) => Promise<T>) =>
  gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, work);

/** No question has more reads than this. */
const most = 40;

interface Suspended {
  readonly accountId: string;
  readonly memberId: string;
}

/** A suspended member who was added to the project by hand. */
function suspend(): Promise<Suspended> {
  made += 1;
  const email = `person${made}@people.example`;
  return commit(async (tx) => {
    const { organizationId, projectId } = acme;
    const { _id: accountId } = await createAccount(tx, { email, provenBy: 'operator' });
    const { _id: memberId } = await addMember(tx, organizationId, { accountId, source: 'operator' });
    await addCollaborator(tx, organizationId, projectId, { email, role: 'admin' });
    await suspendMember(tx, organizationId, memberId);
    return { accountId, memberId };
  });
}

const project = () => ({ kind: 'project', id: acme.projectId }) as const;

/** Whether the person has anything in the project, by each way of asking. */
const questions: Readonly<Record<string, (reads: ReadStore, accountId: string) => Promise<boolean>>> = {
  'a permission check': async (reads, accountId) =>
    (await evaluate(reads, { accountId, permission: 'project.read', resource: project() })).allowed,
  'the search for resources': async (reads, accountId) =>
    (await findResources(reads, { kind: 'account', accountId }, 'project.read', 'project')).includes(acme.projectId),
  'the search for subjects': async (reads, accountId) => {
    for await (const found of findAccountsThatMay(reads, 'project.read', project()))
      if (found === accountId) return true;
    return false;
  },
  'the list of who may enter (PRJ-7)': async (reads, accountId) =>
    (await listIdentities(reads, acme.projectId)).some((one) => one.accountId === accountId),
  "the organization's projects": async (reads, accountId) =>
    (await findProjects(reads, acme.organizationId, accountId)).some((one) => one.project._id === acme.projectId),
  'the projects of all organizations': async (reads, accountId) =>
    (await findProjectsOf(reads, accountId)).some((one) => one.project._id === acme.projectId),
};

describe('nobody is let in who had nothing before and has nothing after', () => {
  const changes: Readonly<Record<string, (person: Suspended) => Promise<unknown>>> = {
    'a suspended member is removed (MEM-1)': ({ memberId }) => ask(200, 'delete', `${home}/members/${memberId}`),
    'a recycled one is let in again, without what the former was given (SCIM-3)': ({ accountId, memberId }) =>
      commit(async (tx) => {
        const { organizationId } = acme;
        await removeGrants(tx, organizationId, await findGrants(tx, organizationId, { accountId }));
        await reactivateMember(tx, organizationId, memberId);
      }),
  };

  describe.each(Object.entries(changes))('when %s', (_change, change) => {
    test.each(Object.entries(questions))('by %s', async (_question, asks) => {
      let happened = true;
      for (let number = 0; happened; number += 1) {
        expect(number).toBeLessThan(most);
        const person = await suspend();
        const meanwhile = withChangeBefore(gatehouse.store.read, number, () => change(person));
        expect([number, await asks(meanwhile.reads, person.accountId)]).toEqual([number, false]);
        happened = meanwhile.happened();
        if (!happened) await change(person);
      }
    });
  });
});

test('who was the Owner when they asked never reads what the next Owner has made of the Default Key (KEY-3)', async () => {
  const sealer = openSealer(key);
  const { organizationId, owner, admin } = acme;
  const reader: Presence = {
    kind: 'session',
    accountId: owner.accountId,
    madeBy: 'sign_in',
    authenticatedAt: new Date(),
    mailboxAt: new Date(),
  };
  const move = (memberId: string) => ask(201, 'post', `${home}/ownership-transfer`, { memberId, force: true });
  let happened = true;
  for (let number = 0; happened; number += 1) {
    expect(number).toBeLessThan(most);
    const { secret: before } = await readDefaultKey(gatehouse.store.read, sealer, organizationId, reader);
    const meanwhile = withChangeBefore(gatehouse.store.read, number, async () => {
      await move(admin.memberId);
      const { token } = await openPerson(gatehouse, admin.email, 'sign_in');
      await expectStatus(200, gatehouse.bearer(token, 'post', `${home}/default-key/regenerate`));
    });
    const told = await readDefaultKey(meanwhile.reads, sealer, organizationId, reader).then(
      ({ secret }) => secret,
      (error: { readonly code?: string }) => error.code,
    );
    happened = meanwhile.happened();
    expect([number, ['permission_denied', before].includes(told ?? '')]).toEqual([number, true]);
    if (happened) await move(owner.memberId);
  }
});
