/** Groups in groups (SCIM-4): who is in them at any depth. Each group is visited once, so that cycles are harmless. */
import type { Edge, ReadStore } from '../store/index.ts';
import { batches, batchSize, streamMembers } from './edges.ts';

type EdgeReads = Pick<ReadStore, 'edges'>;

/** The ids of the directory users in these groups, directly or through groups in them; each once. */
export async function findPeopleIn(
  reads: EdgeReads,
  organizationId: string,
  groupIds: readonly string[],
): Promise<readonly string[]> {
  const people = new Set<string>();
  const visited = new Set(groupIds);
  for (let frontier = [...visited]; frontier.length > 0; ) {
    const next: string[] = [];
    for await (const { memberId, memberKind } of membersOfAll(reads, organizationId, frontier)) {
      if (memberKind === 'User') people.add(memberId);
      else if (!visited.has(memberId)) {
        visited.add(memberId);
        next.push(memberId);
      }
    }
    frontier = next;
  }
  return [...people];
}

/** The ids of the groups that these users or groups are in, directly or through groups that are in them; each once. */
export async function findContainingGroups(
  reads: EdgeReads,
  organizationId: string,
  memberIds: readonly string[],
): Promise<readonly string[]> {
  const groups = new Set<string>();
  for (let frontier: readonly string[] = memberIds; frontier.length > 0; ) {
    const next: string[] = [];
    for (const ids of batches(frontier)) {
      for (const { groupId } of await reads.edges.find(organizationId, { memberId: { $in: ids } })) {
        if (groups.has(groupId)) continue;
        groups.add(groupId);
        next.push(groupId);
      }
    }
    frontier = next;
  }
  return [...groups];
}

/** The memberships in all these groups: small groups many at a time, large ones page by page. */
async function* membersOfAll(
  reads: EdgeReads,
  organizationId: string,
  groupIds: readonly string[],
): AsyncGenerator<Edge> {
  for (const ids of batches(groupIds)) {
    const few = await reads.edges.find(organizationId, { groupId: { $in: ids } }, { limit: batchSize + 1 });
    if (few.length <= batchSize) yield* few;
    else for (const groupId of ids) yield* streamMembers(reads, organizationId, groupId);
  }
}
