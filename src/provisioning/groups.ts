/**
 * What an IdP's push of a group does: its record and edges are written, and exactly those people whose groups have
 * changed are asked to be reconciled, in the same transaction (MAP-3). Whether a mapping is concerned is left to the
 * job: a look from here could miss one that is being made at the same time.
 */
import {
  addMembers,
  deleteGroup as deleteDirectoryGroup,
  findPeopleIn,
  type GroupRecord,
  insertGroup,
  type MemberRef,
  removeMembers,
  replaceMembers,
  updateGroup as updateDirectoryGroup,
} from '../directory/index.ts';
import { enqueue } from '../queue/index.ts';
import type { Directory, DirectoryGroup, Transaction } from '../store/index.ts';
import { bindMappings } from './binding.ts';
import { reconcileUsersLater } from './concerned.ts';
import type { Note } from './notes.ts';

export interface GroupResult {
  /** The group as it is now. */
  readonly group: DirectoryGroup;
  /** False where the push was the state already. */
  readonly changed: boolean;
  readonly notes: readonly Note[];
}

/** What a push says about a group's members: one of the three, or a mixture of adding and removing. */
export interface MemberChange {
  readonly add?: readonly MemberRef[];
  /** Ids; those that are not in the group have no effect. */
  readonly remove?: readonly string[];
  /** These and nobody else. Cannot be mixed with the others. */
  readonly replace?: readonly MemberRef[];
}

/**
 * A group pushed for the first time. Mappings of a deleted group with the same externalId are bound to it (MAP-1).
 * Throws `scim_invalid_value` naming a member that the directory does not have, `scim_uniqueness` where the group is
 * there by this name and externalId.
 */
export async function createGroup(
  tx: Transaction,
  directory: Directory,
  record: GroupRecord,
  members: readonly MemberRef[],
): Promise<GroupResult> {
  const group = await insertGroup(tx, directory, record);
  const notes = await bindMappings(tx, group);
  const added = await addMembers(tx, directory, group._id, members);
  await changedMembers(tx, group, added);
  return { group: await current(tx, group), changed: true, notes };
}

/** A group renamed or otherwise told anew; its members stay. Throws `stale`. */
export async function updateGroup(
  tx: Transaction,
  directory: Directory,
  before: DirectoryGroup,
  record: GroupRecord,
): Promise<GroupResult> {
  const { group, changed } = await updateDirectoryGroup(tx, directory, before, record);
  const notes = group.externalId === before.externalId ? [] : await bindMappings(tx, group);
  return { group, changed, notes };
}

/** Members added, taken out or replaced; `moved` are those who were not so before. Throws `scim_invalid_value` naming one that the directory does not have. */
export async function changeMembers(
  tx: Transaction,
  directory: Directory,
  group: DirectoryGroup,
  change: MemberChange,
): Promise<GroupResult & { readonly moved: readonly MemberRef[] }> {
  const moved: MemberRef[] = [];
  if (change.replace) {
    const { added, removed } = await replaceMembers(tx, directory, group._id, change.replace);
    moved.push(...added, ...removed);
  }
  if (change.remove?.length) moved.push(...(await removeMembers(tx, directory, group._id, change.remove)));
  if (change.add?.length) moved.push(...(await addMembers(tx, directory, group._id, change.add)));
  if (moved.length === 0) return { group, changed: false, notes: [], moved };
  await changedMembers(tx, group, moved);
  return { group: await current(tx, group), changed: true, notes: [], moved };
}

/**
 * A group deleted: what mappings of it gave is taken back. The mappings stay, bound to what it was, for a group with
 * the same externalId to come (MAP-1).
 */
export async function deleteGroup(tx: Transaction, directory: Directory, group: DirectoryGroup): Promise<void> {
  const { organizationId, _id } = group;
  const people = await findPeopleIn(tx, organizationId, [_id]);
  await deleteDirectoryGroup(tx, directory, group);
  await reconcileUsersLater(tx, organizationId, people);
}

/** The people of moved groups are found by the job: there may be many, and who joins or leaves meanwhile is told too. */
async function changedMembers(tx: Transaction, group: DirectoryGroup, moved: readonly MemberRef[]): Promise<void> {
  const { organizationId } = group;
  const groups = moved.filter(({ kind }) => kind === 'Group').map(({ id }) => id);
  const users = moved.filter(({ kind }) => kind === 'User').map(({ id }) => id);
  await reconcileUsersLater(tx, organizationId, users);
  if (groups.length > 0) await enqueue(tx, organizationId, 'reconcile-groups', { groups });
}

async function current(tx: Transaction, group: DirectoryGroup): Promise<DirectoryGroup> {
  return (await tx.directoryGroups.get(group.organizationId, group._id)) ?? group;
}
