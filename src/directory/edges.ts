/**
 * Who is in which group: one row per membership, never an array in the group. Adding or removing one member costs the
 * same whatever the group's size (SCIM-4): nothing here counts or reads a whole group but a replacement of all members.
 */
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { quoted } from '../lib/text.ts';
import type { Edge, NewRow, Page, ReadStore, Transaction } from '../store/index.ts';
import type { DirectoryRef, MemberRef } from './records.ts';

/** How many ids go into one `$in`, and how many edges into one page. */
export const batchSize = 500;

/**
 * Puts these into the group; who is in it already is left alone. Answers those who were added.
 * Throws AppError `scim_invalid_value` naming the first id that is none of this directory's.
 */
export async function addMembers(
  tx: Transaction,
  directory: DirectoryRef,
  groupId: string,
  refs: readonly MemberRef[],
): Promise<readonly MemberRef[]> {
  const added = await insertEdges(tx, directory, groupId, refs);
  if (added.length > 0) await touchGroups(tx, directory, [groupId]);
  return added;
}

/** Takes these out of the group; ids that are not in it have no effect. Answers those who were taken out. */
export async function removeMembers(
  tx: Transaction,
  directory: DirectoryRef,
  groupId: string,
  memberIds: readonly string[],
): Promise<readonly MemberRef[]> {
  const removed: MemberRef[] = [];
  for (const ids of batches([...new Set(memberIds)])) {
    removed.push(...(await findMembersAmong(tx, directory.organizationId, groupId, ids)).map(refOf));
  }
  await removeEdges(tx, directory, groupId, removed);
  if (removed.length > 0) await touchGroups(tx, directory, [groupId]);
  return removed;
}

/**
 * Makes these the group's members and nobody else; who stays is not written. Answers the difference.
 * Throws AppError `scim_invalid_value` naming the first id that is none of this directory's.
 */
export async function replaceMembers(
  tx: Transaction,
  directory: DirectoryRef,
  groupId: string,
  refs: readonly MemberRef[],
): Promise<{ readonly added: readonly MemberRef[]; readonly removed: readonly MemberRef[] }> {
  const wanted = new Set(refs.map(({ id }) => id));
  const kept = new Set<string>();
  const removed: MemberRef[] = [];
  for await (const edge of streamMembers(tx, directory.organizationId, groupId)) {
    if (wanted.has(edge.memberId)) kept.add(edge.memberId);
    else removed.push(refOf(edge));
  }
  await removeEdges(tx, directory, groupId, removed);
  const missing = refs.filter(({ id }) => !kept.has(id));
  const added = await insertEdges(tx, directory, groupId, missing);
  if (added.length + removed.length > 0) await touchGroups(tx, directory, [groupId]);
  return { added, removed };
}

/** Removes all memberships in a group that is being deleted. */
export async function removeEdgesIn(tx: Transaction, { organizationId }: DirectoryRef, groupId: string): Promise<void> {
  for (;;) {
    const { items } = await findMemberPage(tx, organizationId, groupId, { limit: batchSize });
    const memberIds = items.map(({ memberId }) => memberId);
    if (memberIds.length > 0) await tx.edges.remove(organizationId, { groupId, memberId: { $in: memberIds } });
    if (memberIds.length < batchSize) return;
  }
}

/** Removes all memberships of a user or group that is being deleted. Answers the groups that it was in directly. */
export async function removeEdgesOf(
  tx: Transaction,
  directory: DirectoryRef,
  memberId: string,
): Promise<readonly string[]> {
  const groupIds = await findGroupsOf(tx, directory.organizationId, memberId);
  if (groupIds.length === 0) return [];
  await tx.edges.remove(directory.organizationId, { memberId });
  await touchGroups(tx, directory, groupIds);
  return groupIds;
}

/**
 * Makes these the groups that the member is in directly, and no others; memberships that stay are not written. One read and
 * one write for each batch, however many groups there are. Answers whether anything changed.
 */
export async function replaceGroupsOf(
  tx: Transaction,
  directory: DirectoryRef,
  member: MemberRef,
  groupIds: ReadonlySet<string>,
): Promise<boolean> {
  const { organizationId } = directory;
  const present = new Set(await findGroupsOf(tx, organizationId, member.id));
  const joined = [...groupIds].filter((groupId) => !present.has(groupId));
  const left = [...present].filter((groupId) => !groupIds.has(groupId));
  if (joined.length > 0) await lockMembers(tx, directory, [member]);
  for (const batch of batches(joined)) {
    await tx.edges.insertMany(
      organizationId,
      batch.map((groupId) => edgeOf(directory, groupId, member)),
    );
  }
  for (const batch of batches(left)) {
    await tx.edges.remove(organizationId, { memberId: member.id, groupId: { $in: batch } });
  }
  await touchGroups(tx, directory, [...joined, ...left]);
  return joined.length + left.length > 0;
}

/** The group's members in the order of their ids, a page at a time. */
export function findMemberPage(
  reads: Pick<ReadStore, 'edges'>,
  organizationId: string,
  groupId: string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<Edge>> {
  return reads.edges.page(organizationId, { groupId }, { sort: { memberId: 1 }, limit, cursor });
}

/** All members of the group in the order of their ids, read in pages. */
export async function* streamMembers(
  reads: Pick<ReadStore, 'edges'>,
  organizationId: string,
  groupId: string,
): AsyncGenerator<Edge> {
  let cursor: string | undefined;
  do {
    const page: Page<Edge> = await findMemberPage(reads, organizationId, groupId, { limit: batchSize, cursor });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** The memberships of this group that these ids have. */
export function findMembersAmong(
  reads: Pick<ReadStore, 'edges'>,
  organizationId: string,
  groupId: string,
  memberIds: readonly string[],
): Promise<readonly Edge[]> {
  return reads.edges.find(organizationId, { groupId, memberId: { $in: memberIds } });
}

/** The groups that this user or group is in directly. */
export async function findGroupsOf(
  reads: Pick<ReadStore, 'edges'>,
  organizationId: string,
  memberId: string,
): Promise<readonly string[]> {
  const edges = await reads.edges.find(organizationId, { memberId });
  return edges.map(({ groupId }) => groupId);
}

const refOf = ({ memberId, memberKind }: Edge): MemberRef => ({ id: memberId, kind: memberKind });

/** The items in lists of at most `batchSize`. */
export function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += batchSize) yield items.slice(start, start + batchSize);
}

async function insertEdges(
  tx: Transaction,
  directory: DirectoryRef,
  groupId: string,
  refs: readonly MemberRef[],
): Promise<readonly MemberRef[]> {
  const added: MemberRef[] = [];
  const distinct = [...new Map(refs.map((ref) => [ref.id, ref])).values()];
  for (const batch of batches(distinct)) {
    await verifyMembers(tx, directory, batch);
    const edges = await findMembersAmong(
      tx,
      directory.organizationId,
      groupId,
      batch.map(({ id }) => id),
    );
    const present = new Set(edges.map(({ memberId }) => memberId));
    const missing = batch.filter(({ id }) => !present.has(id));
    await lockMembers(tx, directory, missing);
    if (missing.length > 0) {
      await tx.edges.insertMany(
        directory.organizationId,
        missing.map((ref) => edgeOf(directory, groupId, ref)),
      );
    }
    added.push(...missing);
  }
  return added;
}

function edgeOf(directory: DirectoryRef, groupId: string, { id, kind }: MemberRef): NewRow<Edge> {
  return {
    _id: newId('edge'),
    organizationId: directory.organizationId,
    directoryId: directory._id,
    groupId,
    memberId: id,
    memberKind: kind,
  };
}

async function verifyMembers(tx: Transaction, directory: DirectoryRef, refs: readonly MemberRef[]): Promise<void> {
  const known = new Set<string>();
  for (const kind of ['User', 'Group'] as const) {
    const ids = refs.filter((ref) => ref.kind === kind).map(({ id }) => id);
    if (ids.length === 0) continue;
    const filter = { _id: { $in: ids }, directoryId: directory._id };
    const rows =
      kind === 'User'
        ? await tx.directoryUsers.find(directory.organizationId, filter)
        : await tx.directoryGroups.find(directory.organizationId, filter);
    for (const row of rows) known.add(row._id);
  }
  const unknown = refs.find(({ id }) => !known.has(id));
  if (unknown) {
    throw new AppError(
      'scim_invalid_value',
      `members: there is no ${unknown.kind} ${quoted(unknown.id)} in this directory`,
      {
        details: { attribute: 'members', value: unknown.id },
      },
    );
  }
}

/** Who joins must still be there when this commits: a deletion at the same time would leave a membership of nobody. */
async function lockMembers(
  tx: Transaction,
  { organizationId }: DirectoryRef,
  refs: readonly MemberRef[],
): Promise<void> {
  const users = refs.filter(({ kind }) => kind === 'User').map(({ id }) => id);
  const groups = refs.filter(({ kind }) => kind === 'Group').map(({ id }) => id);
  if (users.length > 0) await tx.directoryUsers.lockMany(organizationId, users);
  if (groups.length > 0) await tx.directoryGroups.lockMany(organizationId, groups);
}

async function removeEdges(
  tx: Transaction,
  { organizationId }: DirectoryRef,
  groupId: string,
  refs: readonly MemberRef[],
): Promise<void> {
  for (const batch of batches(refs)) {
    await tx.edges.remove(organizationId, { groupId, memberId: { $in: batch.map(({ id }) => id) } });
  }
}

/** A change of its members is a change of the group: `version` and `updatedAt` move (ETag, meta.lastModified). */
async function touchGroups(
  tx: Transaction,
  { organizationId }: DirectoryRef,
  groupIds: readonly string[],
): Promise<void> {
  for (const batch of batches(groupIds)) await tx.directoryGroups.update(organizationId, { _id: { $in: batch } }, {});
}
