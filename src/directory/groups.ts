/** Directory groups, without their members: those are edges (SCIM-4). */
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { caseKey, quoted } from '../lib/text.ts';
import type { DirectoryGroup, Filter, NewRow, Page, PageOptions, ReadStore, Transaction } from '../store/index.ts';
import { batches, removeEdgesIn, removeEdgesOf } from './edges.ts';
import type { DirectoryRef, GroupRecord } from './records.ts';
import type { ListQuery } from './users.ts';

/**
 * Stores a new group, empty. Two groups may have one name (RFC 7643 §4.2 asks for no uniqueness), unless their externalId
 * says that they are one: an IdP whose push was lost on the way back repeats it, and Entra's validator asks for a
 * refusal. Throws AppError `scim_uniqueness`.
 */
export async function insertGroup(
  tx: Transaction,
  directory: DirectoryRef,
  record: GroupRecord,
): Promise<DirectoryGroup> {
  await refuseRepeated(tx, directory, record);
  return tx.directoryGroups.insert(directory.organizationId, newGroup(directory, record));
}

async function refuseRepeated(
  tx: Transaction,
  { _id: directoryId, organizationId }: DirectoryRef,
  { displayName, externalId }: GroupRecord,
): Promise<void> {
  if (externalId === undefined) return;
  // of two at once the second sees the first
  await tx.directories.lock(organizationId, directoryId);
  const told = await tx.directoryGroups.find(organizationId, { directoryId, externalId });
  const twin = told.find((group) => group.displayName === displayName);
  if (!twin) return;
  throw new AppError(
    'scim_uniqueness',
    `This directory has the group ${quoted(displayName)} with the externalId ${quoted(externalId)} already. ` +
      'Find it by a filter on either and update it.',
    { details: { attribute: 'externalId', value: externalId, id: twin._id } },
  );
}

const newGroup = (directory: DirectoryRef, record: GroupRecord): NewRow<DirectoryGroup> => ({
  _id: newId('directoryGroup'),
  organizationId: directory.organizationId,
  directoryId: directory._id,
  displayName: record.displayName,
  displayNameKey: caseKey(record.displayName),
  ...(record.externalId !== undefined && { externalId: record.externalId }),
  attributes: record.attributes,
});

/**
 * The ids of the groups with these externalIds, which are names too: made, empty, where there is none. Two who name a new
 * group at once make one of it: the directory is locked before.
 */
export async function nameGroups(
  tx: Transaction,
  directory: DirectoryRef,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const { _id: directoryId, organizationId } = directory;
  const ids = new Set<string>();
  for (const batch of batches([...new Set(names)])) {
    const found = await tx.directoryGroups.find(organizationId, { directoryId, externalId: { $in: batch } });
    const known = new Map(found.map((group) => [group.externalId, group._id]));
    const missing = batch
      .filter((name) => !known.has(name))
      .map((name) => newGroup(directory, { displayName: name, externalId: name, attributes: {} }));
    if (missing.length > 0) {
      await tx.directories.lock(organizationId, directoryId);
      await tx.directoryGroups.insertMany(organizationId, missing);
    }
    for (const id of [...known.values(), ...missing.map(({ _id }) => _id)]) ids.add(id);
  }
  return ids;
}

/**
 * Makes the group say what `record` says; its members stay. Where it does already, nothing is written and `changed` is
 * false. Throws AppError `stale` where the row changed since `group` was read.
 */
export async function updateGroup(
  tx: Transaction,
  directory: DirectoryRef,
  group: DirectoryGroup,
  record: GroupRecord,
): Promise<{ readonly group: DirectoryGroup; readonly changed: boolean }> {
  const same =
    group.displayName === record.displayName &&
    group.externalId === record.externalId &&
    isDeepStrictEqual(group.attributes, record.attributes);
  if (same) return { group, changed: false };
  const updated = await tx.directoryGroups.updateOne(
    directory.organizationId,
    { _id: group._id, version: group.version },
    {
      $set: {
        displayName: record.displayName,
        displayNameKey: caseKey(record.displayName),
        attributes: record.attributes,
        ...(record.externalId !== undefined && { externalId: record.externalId }),
      },
      $unset: { ...(record.externalId === undefined && { externalId: true as const }) },
    },
  );
  if (!updated) throw new AppError('stale', `The group ${group._id} has changed meanwhile`);
  return { group: updated, changed: true };
}

/**
 * Removes the group with its memberships, those of its members and its own in other groups. Whom that concerns is to be
 * found before (findPeopleIn). Answers the groups that it was in directly.
 */
export async function deleteGroup(
  tx: Transaction,
  directory: DirectoryRef,
  group: DirectoryGroup,
): Promise<{ readonly groupIds: readonly string[] }> {
  const groupIds = await removeEdgesOf(tx, directory, group._id);
  await removeEdgesIn(tx, directory, group._id);
  await tx.directoryGroups.remove(directory.organizationId, { _id: group._id });
  return { groupIds };
}

/** The group of this directory; undefined where it has none by this id, also if another directory has. */
export async function findGroup(
  reads: ReadStore,
  directory: DirectoryRef,
  groupId: string,
): Promise<DirectoryGroup | undefined> {
  const group = await findGroupIn(reads, directory.organizationId, groupId);
  return group?.directoryId === directory._id ? group : undefined;
}

/** The group of this directory; throws AppError `not_found`. */
export async function getGroup(reads: ReadStore, directory: DirectoryRef, groupId: string): Promise<DirectoryGroup> {
  const group = await findGroup(reads, directory, groupId);
  if (!group) throw new AppError('not_found', `The directory has no group ${groupId}`);
  return group;
}

/** The group by its id in whichever directory of the organization; undefined where there is none. */
export function findGroupIn(
  reads: ReadStore,
  organizationId: string,
  groupId: string,
): Promise<DirectoryGroup | undefined> {
  return reads.directoryGroups.get(organizationId, groupId);
}

/** A directory's groups for the admin's list, in the order of making. */
export function pageGroups(
  reads: ReadStore,
  directory: DirectoryRef,
  page: PageOptions,
): Promise<Page<DirectoryGroup>> {
  return reads.directoryGroups.page(directory.organizationId, { directoryId: directory._id }, page);
}

/** Those of the directory's groups that match, and how many there are in all (RFC 7644 §3.4.2). */
export async function listGroups(
  reads: ReadStore,
  directory: DirectoryRef,
  { filter, sort, skip = 0, limit }: ListQuery<DirectoryGroup>,
): Promise<{ readonly total: number; readonly items: readonly DirectoryGroup[] }> {
  const own: Filter<DirectoryGroup> = { directoryId: directory._id };
  const matching: Filter<DirectoryGroup> = filter ? { $and: [own, filter] } : own;
  const count = () => reads.directoryGroups.count(directory.organizationId, matching);
  if (limit === 0) return { total: await count(), items: [] };
  const items = await reads.directoryGroups.find(directory.organizationId, matching, {
    ...(sort && { sort }),
    skip,
    limit,
  });
  // the last page tells the total by itself, and a look-up by userName is nothing else
  const last = items.length < limit && (items.length > 0 || skip === 0);
  return { total: last ? skip + items.length : await count(), items };
}
