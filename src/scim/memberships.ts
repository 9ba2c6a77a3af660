/** Memberships as SCIM shows them: the elements of a user's `groups` and of a group's `members`. */
import type { DirectoryGroup, Edge, ReadStore } from '../store/index.ts';
import type { Resource } from './input.ts';
import { type BaseUrl, displayOf, groupOfUser, memberOfGroup } from './representation.ts';

export type MembershipReads = Pick<ReadStore, 'edges' | 'directoryUsers' | 'directoryGroups'>;

/** How many ids go into one look-up. */
const BATCH = 500;

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}

/** Reads the groups that users are in, many users at a time; what it has learnt of groups it keeps for the next ones. */
export interface GroupsReader {
  /** The groups of each of these users: direct ones, then those that hold them at any depth, each once. Users without any are absent. */
  of(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly Resource[]>>;
}

/** Cycles of groups are harmless: each group is visited once. */
export function groupsReader(reads: MembershipReads, base: BaseUrl, organizationId: string): GroupsReader {
  const parents = new Map<string, readonly string[]>();
  const holders = new Map<string, ReadonlySet<string>>();
  const groups = new Map<string, DirectoryGroup>();

  async function edgesOf(memberIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, string[]>();
    for (const ids of batches(memberIds)) {
      for (const { memberId, groupId } of await reads.edges.find(organizationId, { memberId: { $in: ids } })) {
        const own = found.get(memberId);
        if (own) own.push(groupId);
        else found.set(memberId, [groupId]);
      }
    }
    return found;
  }

  /** Learns which groups hold these, upwards to the end. */
  async function climb(groupIds: readonly string[]): Promise<void> {
    for (let level = groupIds.filter((id) => !parents.has(id)); level.length > 0; ) {
      const found = await edgesOf(level);
      for (const id of level) parents.set(id, found.get(id) ?? []);
      level = [...new Set(level.flatMap((id) => parents.get(id) ?? []))].filter((id) => !parents.has(id));
    }
  }

  async function name(groupIds: readonly string[]): Promise<void> {
    for (const ids of batches(groupIds.filter((id) => !groups.has(id)))) {
      for (const group of await reads.directoryGroups.find(organizationId, { _id: { $in: ids } }))
        groups.set(group._id, group);
    }
  }

  /** All groups that hold this one, itself among them only where it is in a cycle. */
  function holdersOf(groupId: string): ReadonlySet<string> {
    const known = holders.get(groupId);
    if (known) return known;
    const found = new Set<string>();
    const queue = [groupId];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      for (const parent of parents.get(id) ?? []) {
        if (found.has(parent)) continue;
        found.add(parent);
        queue.push(parent);
      }
    }
    holders.set(groupId, found);
    return found;
  }

  return {
    async of(userIds) {
      const direct = await edgesOf(userIds);
      await climb([...new Set([...direct.values()].flat())]);
      const whole = new Map<string, { readonly own: ReadonlySet<string>; readonly through: ReadonlySet<string> }>();
      const all = new Set<string>();
      for (const [userId, groupIds] of direct) {
        const own = new Set(groupIds);
        const through = new Set<string>();
        for (const id of groupIds) for (const holder of holdersOf(id)) if (!own.has(holder)) through.add(holder);
        whole.set(userId, { own, through });
        for (const id of [...own, ...through]) all.add(id);
      }
      await name([...all]);
      const shown = (ids: ReadonlySet<string>, type: 'direct' | 'indirect'): Resource[] =>
        [...ids].sort().flatMap((id) => {
          const group = groups.get(id);
          return group ? [groupOfUser(base, group, type)] : [];
        });
      const answer = new Map<string, readonly Resource[]>();
      for (const [userId, { own, through }] of whole)
        answer.set(userId, [...shown(own, 'direct'), ...shown(through, 'indirect')]);
      return answer;
    },
  };
}

/** Members of groups as elements, in the order of the edges; their names are read where `display` is wanted. */
export async function membersAt(
  reads: MembershipReads,
  base: BaseUrl,
  organizationId: string,
  edges: readonly Pick<Edge, 'memberId' | 'memberKind'>[],
  display: boolean,
): Promise<readonly Resource[]> {
  if (!display) return edges.map((edge) => memberOfGroup(base, edge));
  const names = new Map<string, string>();
  for (const batch of batches(edges)) {
    const ids = (kind: Edge['memberKind']) => [
      ...new Set(batch.filter(({ memberKind }) => memberKind === kind).map(({ memberId }) => memberId)),
    ];
    const [users, groups] = [ids('User'), ids('Group')];
    if (users.length > 0) {
      for (const row of await reads.directoryUsers.find(organizationId, { _id: { $in: users } }))
        names.set(row._id, displayOf(row));
    }
    if (groups.length > 0) {
      for (const row of await reads.directoryGroups.find(organizationId, { _id: { $in: groups } }))
        names.set(row._id, displayOf(row));
    }
  }
  return edges.map((edge) => memberOfGroup(base, edge, names.get(edge.memberId)));
}
