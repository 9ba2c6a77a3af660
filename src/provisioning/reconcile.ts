/**
 * Mapped grants as they should be, made so (MAP-3): recomputed from the directory as it is now, compared, the difference
 * applied, one transaction for each person. Lost, doubled or reordered calls change nothing in the result.
 */
import { applyMappedGrants, changeGrantRole, findMember, type MappedGrant } from '../access/index.ts';
import { findContainingGroups, findUsersOfAccount } from '../directory/index.ts';
import type { Cause, Grant, Mapping, Member, ReadStore, Store, Transaction } from '../store/index.ts';
import { chunks, forEach } from './chunks.ts';
import { countingUsers, desiredGrants } from './desired.ts';
import { differenceSize, diffGrants, type GrantDifference } from './diff.ts';
import { decideRemoval, unlimited } from './guard.ts';

/** The difference between what a person has by mappings and what they should have. Writes nothing. */
export async function findDifference(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
  member: Member | undefined,
): Promise<GrantDifference<Grant>> {
  const given = await reads.grants.find(organizationId, { accountId, source: 'mapping' });
  const desired = member ? await findDesired(reads, organizationId, member) : [];
  return diffGrants(desired, given);
}

async function findDesired(reads: ReadStore, organizationId: string, member: Member): Promise<readonly MappedGrant[]> {
  const users = await findUsersOfAccount(reads, organizationId, member.accountId);
  const counting = countingUsers(users, member.directoryUserId);
  if (counting.length === 0) return [];
  const groups = await findContainingGroups(reads, organizationId, counting);
  return desiredGrants(true, new Set(groups), await findMappingsOf(reads, organizationId, groups));
}

async function findMappingsOf(
  reads: ReadStore,
  organizationId: string,
  groups: readonly string[],
): Promise<readonly Mapping[]> {
  const found: Mapping[] = [];
  for (const ids of chunks(groups, 500)) {
    found.push(...(await reads.mappings.find(organizationId, { groupId: { $in: ids } })));
  }
  return found;
}

/**
 * Gives a person what mappings give, and takes back what they no longer give. The member's row is locked even where
 * nothing is to be done, so that of two runs at once the later one sees what the earlier one saw and wrote. Who is no
 * member keeps no mapped grant. Answers how many grants were added, changed and taken away.
 */
export async function reconcilePerson(tx: Transaction, organizationId: string, accountId: string): Promise<number> {
  const member = await findMember(tx, organizationId, accountId);
  if (member) await tx.members.lock(organizationId, member._id);
  const found = await findDifference(tx, organizationId, accountId, member);
  if (differenceSize(found) === 0) return 0;
  const difference = guarded(found);
  const { add, change, remove } = difference;
  await applyMappedGrants(tx, organizationId, accountId, { add, remove });
  for (const { grant, role } of change) await changeGrantRole(tx, organizationId, grant, role);
  return differenceSize(difference);
}

/** What the guard leaves of a difference: additions always, losses where it does not hold them (SCIM-6). */
function guarded(difference: GrantDifference<Grant>): GrantDifference<Grant> {
  const narrowed = difference.change.filter(({ role }) => role === 'member');
  const removing = difference.remove.length + narrowed.length;
  if (removing === 0) return difference;
  const decision = decideRemoval(unlimited, () => ({ removing, removedBefore: 0, population: removing }));
  if (decision.kind === 'apply') return difference;
  return { add: difference.add, change: difference.change.filter(({ role }) => role === 'admin'), remove: [] };
}

/** How many people are reconciled at a time: their commits share one write on SQLite, their round trips overlap on MongoDB. */
const atOnce = 16;

/** Reconciles these accounts, one transaction each; one that fails stops nobody else, and is thrown at the end. */
export async function reconcilePeople(
  store: Store,
  cause: Cause,
  organizationId: string,
  accountIds: readonly string[],
): Promise<void> {
  await forEach(accountIds, atOnce, (accountId) =>
    store.transaction(cause, (tx) => reconcilePerson(tx, organizationId, accountId)),
  );
}
