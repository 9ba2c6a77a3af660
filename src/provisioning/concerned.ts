/** Who is concerned by a change of groups or mappings, and asking for them to be reconciled. */
import { findPeopleIn } from '../directory/index.ts';
import { enqueue } from '../queue/index.ts';
import type { ReadStore, Transaction } from '../store/index.ts';
import { chunks } from './chunks.ts';

const peoplePerJob = 100;

/** Asks for these accounts to be reconciled, each once. */
export async function reconcileLater(
  tx: Transaction,
  organizationId: string,
  accountIds: Iterable<string>,
): Promise<void> {
  const people = [...new Set(accountIds)];
  for (const chunk of chunks(people, peoplePerJob))
    await enqueue(tx, organizationId, 'reconcile', { people: [...chunk] });
}

/** The same for directory users; those who wait for adoption have no account to reconcile. */
export async function reconcileUsersLater(
  tx: Transaction,
  organizationId: string,
  userIds: readonly string[],
): Promise<void> {
  await reconcileLater(tx, organizationId, await findAccountsOf(tx, organizationId, userIds));
}

/** The accounts that these directory users are linked to. */
async function findAccountsOf(
  reads: ReadStore,
  organizationId: string,
  userIds: readonly string[],
): Promise<readonly string[]> {
  const accountIds = new Set<string>();
  for (const ids of chunks(userIds, 500)) {
    for (const { accountId } of await reads.directoryUsers.find(organizationId, { _id: { $in: ids } })) {
      if (accountId !== undefined) accountIds.add(accountId);
    }
  }
  return [...accountIds];
}

/** The accounts of the people in these groups, nested ones too. */
export async function findAccountsIn(
  reads: ReadStore,
  organizationId: string,
  groupIds: readonly string[],
): Promise<readonly string[]> {
  return findAccountsOf(reads, organizationId, await findPeopleIn(reads, organizationId, groupIds));
}

/** The accounts of whoever is in these groups or has a grant by these mappings. */
export async function findConcerned(
  reads: ReadStore,
  organizationId: string,
  of: { readonly groups: readonly string[]; readonly mappings: readonly string[] },
): Promise<readonly string[]> {
  const accounts = new Set(await findAccountsIn(reads, organizationId, of.groups));
  for (const sourceId of of.mappings) {
    const grants = await reads.grants.find(organizationId, { sourceId, source: 'mapping' });
    for (const { accountId } of grants) accounts.add(accountId);
  }
  return [...accounts];
}
