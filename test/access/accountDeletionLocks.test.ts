/**
 * What is tied to an account in a transaction that is not yet committed when the account is deleted (ACC-1, OWN-3): the deletion waits for
 * it, and takes it along. Each act is held just before its commit until the deletion is through, or has shown that it waits. On
 * MongoDB, without the account's lock, both would commit, and what was tied would outlive its account; SQLite's one writer never lets them overlap.
 */
import { beforeAll, expect, test } from '@jest/globals';
import {
  addCollaborator,
  addMember,
  addSshKey,
  claimEmail,
  createOrganization,
  makeConfirmationLink,
  makeLink,
  openSession,
  proveEmail,
} from '../../src/access/index.ts';
import { getDirectory, getUser, userRecordOf } from '../../src/directory/index.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { createPerson, updatePerson } from '../../src/provisioning/index.ts';
import { settleSignIn } from '../../src/sso/index.ts';
import { PLATFORM, type Transaction } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openConnection } from '../sso/web/people.ts';
import { openTestGatehouse, type TestGatehouse, testBaseUrl } from '../support/gatehouse.ts';
import { holdWhile } from '../support/held.ts';
import { sshKeys } from '../support/sshKeys.ts';
import { whatIsLeft } from './whatIsLeft.ts';

let gatehouse: TestGatehouse;
let acme: World;
let connection: Awaited<ReturnType<typeof openConnection>>;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  const verify = `/api/v1/organizations/${acme.organizationId}/domains/${acme.domain}/verify`;
  await expectStatus(200, gatehouse.operator('post', verify).send({ force: true }));
  connection = await openConnection(gatehouse, acme.organizationId);
});

const cause = { actor: 'system', requestId: 'req-test' };

/** Holds the transaction of `act` before its commit while the account is deleted; answers how the deletion ended. */
async function deleteMeanwhile(accountId: string, act: (tx: Transaction) => Promise<unknown>): Promise<number> {
  const deletion = () => gatehouse.operator('delete', `/api/v1/accounts/${accountId}`);
  return holdWhile(gatehouse.store, act, async () => (await deletion()).status);
}

const user = (email: string) => ({
  userName: email,
  active: true,
  emails: [{ value: email, type: 'work', primary: true }],
  attributes: { emails: [{ value: email, type: 'work', primary: true }] },
});

async function push(tx: Transaction, email: string) {
  return createPerson(tx, await getDirectory(tx, acme.organizationId, acme.directoryId), user(email));
}

type Act = (person: Person) => Promise<(tx: Transaction) => Promise<unknown>>;

const acts: Readonly<Record<string, Act>> = {
  'a membership': async ({ accountId }) => {
    return (tx) => addMember(tx, acme.organizationId, { accountId, source: 'operator' });
  },
  'a role in a project': async ({ email }) => {
    return (tx) => addCollaborator(tx, acme.organizationId, acme.projectId, { email, external: true });
  },
  'an address that nobody has proven': async ({ accountId }) => {
    return (tx) => claimEmail(tx, accountId, 'claimed@people.example');
  },
  'an address that is proven': async ({ accountId }) => {
    return (tx) => proveEmail(tx, accountId, 'proven@people.example', 'mailbox');
  },
  'a session': async ({ accountId }) => {
    return (tx) => openSession(tx, { accountId, proofs: [{ kind: 'mailbox', at: tx.at }] });
  },
  'a link that proves an address': async ({ accountId }) => {
    const asked = { purpose: 'prove_email', email: 'asked@people.example', site: testBaseUrl } as const;
    return (tx) => makeLink(tx, { ...asked, accountId });
  },
  'a link by which the person confirms': async ({ accountId, email }) => {
    const asked = { askedIn: acme.organizationId, about: 'identity', aboutId: acme.outsideIdentityId } as const;
    return (tx) => makeConfirmationLink(tx, { ...asked, accountId, email });
  },
  'an SSH key': async ({ accountId }) => {
    return (tx) => addSshKey(tx, accountId, undefined, { publicKey: sshKeys.ed25519.line });
  },
  'a pushed person, with a membership': async ({ email }) => {
    return (tx) => push(tx, email);
  },
  'a pushed person who is known and comes back': async ({ email }) => {
    const { user: row } = await gatehouse.store.transaction(cause, (tx) => push(tx, email));
    const { accountId } = row;
    const [member] = await gatehouse.store.read.members.find(acme.organizationId, { accountId: accountId ?? '' });
    const path = `/api/v1/organizations/${acme.organizationId}/members/${member?._id}`;
    await expectStatus(200, gatehouse.operator('delete', path));
    return async (tx) => {
      const before = await getUser(tx, await getDirectory(tx, acme.organizationId, acme.directoryId), row._id);
      const directory = await getDirectory(tx, acme.organizationId, acme.directoryId);
      return updatePerson(tx, directory, before, userRecordOf(before), { statesActive: true });
    };
  },
  "an IdP's subject": async ({ email }) => {
    const identity = { subject: email, email: { address: email, vouched: true }, received: {} } as const;
    return (tx) => settleSignIn(tx, connection, { ...identity, groups: { kind: 'unknown', why: 'absent' } });
  },
};

test.each(Object.entries(acts))(
  '%s goes with the account that is deleted before it is committed',
  async (name, prepare) => {
    const slug = name.replace(/\W+/g, '-');
    const person = await openPerson(gatehouse, `${slug}@${acme.domain}`.toLowerCase());
    const act = await prepare(person);
    expect(await deleteMeanwhile(person.accountId, act)).toBe(204);
    expect(await whatIsLeft(gatehouse, person.accountId)).toEqual({});
  },
);

test('an organization keeps its Owner, who is deleted before it is committed: the deletion is refused (OWN-3)', async () => {
  const { accountId, email } = await openPerson(gatehouse, 'founder@people.example');
  const sealer = openSealer('a key of this test 0123456789abcdef');
  const made = (tx: Transaction) => createOrganization(tx, sealer, { name: 'Founded', owner: { email } });
  expect(await deleteMeanwhile(accountId, made)).toBe(409);
  expect(await gatehouse.store.read.members.count(PLATFORM, { accountId, owner: true })).toBe(1);
  expect((await gatehouse.store.read.accounts.get(PLATFORM, accountId))?.deletedAt).toBeUndefined();
});
