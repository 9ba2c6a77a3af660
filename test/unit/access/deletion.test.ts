/** Deleting an organization leaves no row of it, in any collection that there is (ORG-2); walked over the schemas. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import {
  createAccount,
  createOrganization,
  deleteOrganization,
  openSession,
  proofsOf,
} from '../../../src/access/index.ts';
import { newId } from '../../../src/lib/ids.ts';
import { type Field, readFields } from '../../../src/store/fields.ts';
import {
  type NewRow,
  organizationCollections,
  PLATFORM,
  type Row,
  type Store,
  type Transaction,
} from '../../../src/store/index.ts';
import { type CollectionName, collections } from '../../../src/store/schemas/index.ts';
import { buildWorld } from '../../http/world.ts';
import { anyRow } from '../../store/anyRow.ts';
import { movableClock } from '../../store/support.ts';
import { openTestStore } from '../../support/engines.ts';
import { openTestGatehouse } from '../../support/gatehouse.ts';
import { sealer, writeTo } from './world.ts';

const cause = { actor: 'operator', requestId: 'req-test' };

interface Rows {
  insertMany(scope: string, rows: readonly object[]): Promise<void>;
  count(scope: unknown, filter: object): Promise<number>;
  find(scope: unknown, filter: object): Promise<readonly object[]>;
}
const inTransaction = (tx: Transaction, name: CollectionName): Rows => tx[name] as unknown as Rows;
const inStore = (store: Store, name: CollectionName): Rows => store.read[name] as unknown as Rows;

/** Every row of every collection that names the organization, wherever in it. */
async function mentions(store: Store, organizationId: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of Object.keys(collections) as CollectionName[]) {
    for (const row of await inStore(store, name).find(PLATFORM, {})) {
      const text = JSON.stringify(row);
      if (text.includes(organizationId)) found.push(`${name}: ${text}`);
    }
  }
  return found;
}

/** An organization with a row in every collection that organizations have, and some with more than one. */
async function fill(store: Store, name: string, people: number): Promise<string> {
  const { organization, owner } = await writeTo(store, (tx) =>
    createOrganization(tx, sealer, { name, owner: { email: `owner@${name}.example` } }),
  );
  const organizationId = organization._id;
  await writeTo(store, async (tx) => {
    for (const collection of organizationCollections) {
      if ((await inTransaction(tx, collection).count(organizationId, {})) > 0) continue;
      await inTransaction(tx, collection).insertMany(organizationId, [anyRow(collection, organizationId)]);
    }
    await tx.members.insertMany(
      organizationId,
      Array.from({ length: people }, () => ({
        ...{ _id: newId('member'), organizationId, accountId: newId('account') },
        ...({ role: 'member', status: 'active', source: 'scim' } as const),
      })),
    );
    await openSession(tx, { accountId: owner.accountId, proofs: [{ kind: 'operator', at: tx.at }] });
  });
  for (const collection of organizationCollections) {
    expect([collection, await inStore(store, collection).count(organizationId, {})]).not.toEqual([collection, 0]);
  }
  return organizationId;
}

/** A person of several organizations, with a session in which the parts of these have ended, vouched for by an IdP of each. */
const signIn = (store: Store, endedIn: readonly string[]) =>
  writeTo(store, async (tx) => {
    const account = await createAccount(tx, { email: `${newId('account')}@people.example`, provenBy: 'operator' });
    const proofs = endedIn.map((organizationId) => {
      const by = { connectionId: `con-${organizationId}`, subject: 'subject' };
      return { kind: 'connection', at: tx.at, organizationId, ...by } as const;
    });
    const { session } = await openSession(tx, { accountId: account._id, proofs });
    await tx.sessions.updateOne(PLATFORM, { _id: session._id }, { $set: { endedIn } });
    return { account, session };
  });

/** The fields of the platform's collections that may name an organization, and those that never do. */
const platformFields: Readonly<
  Record<string, { readonly name: readonly string[]; readonly never: readonly string[] }>
> = {
  accounts: { name: [], never: ['name'] },
  accountEmails: { name: [], never: ['accountId', 'email', 'emailKey'] },
  sshKeys: { name: ['onlyIn'], never: ['accountId', 'name', 'type', 'publicKey', 'fingerprint'] },
  sessions: { name: ['endedIn', 'proofs'], never: ['accountId', 'tokenHash', 'userAgent', 'address'] },
  leases: { name: [], never: ['holder'] },
  keyChecks: { name: [], never: ['sealed'] },
  serviceCredentials: { name: [], never: ['name', 'scopes', 'hash', 'lastFour'] },
  mailedLinks: {
    name: ['askedIn'],
    never: ['email', 'emailKey', 'accountId', 'aboutId', 'tokenHash', 'browserHash', 'returnTo'],
  },
};

test('of every field that no organization owns it is known whether it may name one', () => {
  const speaking = (name: CollectionName) =>
    [...readFields(collections[name].schema)]
      .filter(([field, { field: of }]) => !['_id', 'changedBy'].includes(field) && canHoldText(of))
      .map(([field]) => field)
      .sort();
  const found = (Object.keys(collections) as CollectionName[])
    .filter((name) => collections[name].scope === 'platform')
    .map((name) => [name, speaking(name)]);
  const known = Object.entries(platformFields).map(([name, of]) => [name, [...of.name, ...of.never].sort()]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(known));
});

const canHoldText = (field: Field): boolean =>
  (field.kind === 'text' && field.allowed === undefined) || ['free', 'list', 'object'].includes(field.kind);

test('no row of it remains anywhere, and none of another organization is missing', async () => {
  const store = await openTestStore();
  const acme = await fill(store, 'acme', 450);
  const rival = await fill(store, 'rival', 3);
  const { account, session } = await signIn(store, [rival, acme]);
  const { session: only } = await signIn(store, [acme]);
  const key = await writeTo(store, async (tx) => {
    const link = (askedIn: string) =>
      ({ ...anyRow('mailedLinks', ''), askedIn }) as unknown as NewRow<Row<'mailedLinks'>>;
    await tx.mailedLinks.insertMany(PLATFORM, [link(acme), link(acme), link(rival)]);
    const whole = { ...anyRow('sshKeys', ''), onlyIn: [rival, acme] } as unknown as NewRow<Row<'sshKeys'>>;
    return tx.sshKeys.insert(PLATFORM, whole);
  });
  const before = await mentions(store, rival);
  await deleteOrganization(store, cause, acme);
  expect(await mentions(store, acme)).toEqual([]);
  const isUnchanged = (row: string) => !/^(sessions|sshKeys):/.test(row);
  expect((await mentions(store, rival)).filter(isUnchanged)).toEqual(before.filter(isUnchanged));
  expect((await store.read.sshKeys.get(PLATFORM, key._id))?.onlyIn).toEqual([rival]);
  expect(await store.read.accounts.get(PLATFORM, account._id)).toEqual(account);
  const kept = await store.read.sessions.get(PLATFORM, session._id);
  expect([kept?.endedIn, kept && proofsOf(kept)]).toEqual([
    [rival],
    [expect.objectContaining({ organizationId: rival })],
  ]);
  expect(await store.read.sessions.get(PLATFORM, only._id)).toBeUndefined();
});

test('what opens its doors goes before anything else, and with its people the last session that counts nowhere', async () => {
  const store = await openTestStore();
  const acme = await fill(store, 'acme', 450);
  const owner = await store.read.members.findOne(acme, { owner: true });
  const sessions = () => store.read.sessions.count(PLATFORM, { accountId: owner?.accountId ?? '' });
  expect(await sessions()).toBe(1);
  const people = await store.read.members.count(acme, {});
  let deleting = true;
  const deletion = deleteOrganization(store, cause, acme).finally(() => {
    deleting = false;
  });
  let looks = 0;
  while (deleting) {
    // The doors are counted after the people: there may be fewer by now, never more.
    if ((await store.read.members.count(acme, {})) < people) {
      looks += 1;
      for (const name of ['directoryTokens', 'oauthSecrets', 'oauthKeys', 'oauthTokens', 'apiKeys'] as const) {
        expect([name, await inStore(store, name).count(acme, {})]).toEqual([name, 0]);
      }
    }
    await sleep(1);
  }
  await deletion;
  expect(looks).toBeGreaterThan(0);
  expect(await sessions()).toBe(0);
});

/** The store, where the transaction of this number, counted from one, finds no database. */
function failingAt(store: Store, number: number): { readonly store: Store; count(): number } {
  let count = 0;
  const transaction: Store['transaction'] = (...given) => {
    count += 1;
    return count === number ? Promise.reject(new Error('the process died')) : store.transaction(...given);
  };
  return { store: { ...store, read: store.read, transaction }, count: () => count };
}

test('wherever it is interrupted, the Owner stays as long as the organization, and the next run finishes it', async () => {
  const store = await openTestStore({ rehearse: false });
  const whole = failingAt(store, 0);
  await deleteOrganization(whole.store, cause, await fill(store, 'measured', 1));
  const points = whole.count();
  expect(points).toBeGreaterThan(organizationCollections.length);
  // Some of all points, the last transaction of the first pass and its neighbours among them.
  for (let point = 1; point <= points; point += store.engine === 'sqlite' ? 1 : 9) {
    const organizationId = await fill(store, `org${point}`, 1);
    await expect(deleteOrganization(failingAt(store, point).store, cause, organizationId)).rejects.toThrow('died');
    const [organization, owners, projects] = await Promise.all([
      store.read.organizations.count(organizationId, {}),
      store.read.members.count(organizationId, { owner: true }),
      store.read.projects.count(organizationId, { isDefault: true }),
    ]);
    expect([owners, projects]).toEqual([organization, organization]);
    await deleteOrganization(store, cause, organizationId);
    expect(await mentions(store, organizationId)).toEqual([]);
  }
}, 120_000);

async function until(what: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await sleep(50);
  }
}

test('the operator deletes one by its slug: a job removes it, and looks again for what came meanwhile', async () => {
  const clock = movableClock(Date.now());
  const gatehouse = await openTestGatehouse({ rehearse: false, clock });
  const { store } = gatehouse;
  const acme = await buildWorld(gatehouse, 'acme');
  const path = `/api/v1/organizations/${acme.organizationId}`;
  for (const query of ['', '?confirm=', '?confirm=rival']) {
    const refused = await gatehouse.operator('delete', `${path}${query}`);
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
  }
  expect((await gatehouse.operator('get', path)).status).toBe(200);
  expect((await gatehouse.operator('delete', `${path}?confirm=acme`)).status).toBe(202);
  await until(async () => (await gatehouse.operator('get', path)).status === 404);
  const users = `/scim/v2/${acme.directoryId}/Users`;
  expect((await gatehouse.bearer(acme.directoryToken.secret, 'get', users)).status).toBe(401);
  const lastLook = { job: 'delete-organization', 'payload.last': true } as const;
  await until(async () => (await store.read.outbox.count(acme.organizationId, lastLook)) === 1);
  const late = anyRow('provisioningLog', acme.organizationId) as NewRow<Row<'provisioningLog'>>;
  await writeTo(store, (tx) => tx.provisioningLog.insert(acme.organizationId, late));
  // The platform's own trail tells of the deletion, and goes on telling (AUD-1).
  const told = (mention: string) =>
    mention.startsWith('auditEvents: ') && mention.includes('"organizationId":"platform"');
  const ofItsOwn = async () => (await mentions(store, acme.organizationId)).filter((mention) => !told(mention));
  expect(await ofItsOwn()).toHaveLength(2);
  clock.move(3 * 60_000);
  await until(async () => (await ofItsOwn()).length === 0);
  expect(await mentions(store, acme.organizationId)).toEqual([
    expect.stringContaining('"type":"organization.deleted"'),
  ]);
});
