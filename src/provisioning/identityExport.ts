/** Who may enter a project's clusters, and with what (PRJ-7): the list that node agents follow. */
import { findStandingsOn, getProject, type Role } from '../access/index.ts';
import { batches } from '../directory/index.ts';
import { groupBy } from '../lib/groupBy.ts';
import { type DirectoryGroup, type Edge, type Member, PLATFORM, type ReadStore } from '../store/index.ts';
import { countingUsers } from './desired.ts';

/** One person who may enter. */
export interface ProjectIdentity {
  readonly accountId: string;
  /** The account's first proven address; what a directory says proves nothing here. */
  readonly email?: string;
  readonly name?: string;
  readonly role: Role;
  readonly external: boolean;
  /** Directory groups that hold a member, nested ones too, in the order of their ids. */
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  /** In the order of their fingerprints. */
  readonly sshKeys: readonly { readonly fingerprint: string; readonly publicKey: string; readonly name: string }[];
}

/** The permission without which nobody is on the list. */
const entering = 'cluster.ssh';

/** Everybody who may enter the project's clusters now, in the order of account ids. Throws `not_found`. */
export async function listIdentities(reads: ReadStore, projectId: string): Promise<readonly ProjectIdentity[]> {
  const { organizationId } = await getProject(reads, projectId);
  const entitled: Entitled[] = [];
  for await (const { accountId, decision } of findStandingsOn(reads, entering, { kind: 'project', id: projectId })) {
    if (decision.allowed && decision.role) {
      entitled.push({ accountId, role: decision.role, external: decision.via === 'external' });
    }
  }
  const listed: ProjectIdentity[] = [];
  for (const some of batches(entitled)) listed.push(...(await describe(reads, organizationId, some)));
  return listed;
}

interface Entitled {
  readonly accountId: string;
  readonly role: Role;
  readonly external: boolean;
}

async function describe(
  reads: ReadStore,
  organizationId: string,
  people: readonly Entitled[],
): Promise<readonly ProjectIdentity[]> {
  const ids = people.map(({ accountId }) => accountId);
  const those = { accountId: { $in: ids } };
  const [accounts, emails, keys, groupsOf] = await Promise.all([
    reads.accounts.find(PLATFORM, { _id: { $in: ids } }),
    reads.accountEmails.find(PLATFORM, { ...those, proven: true }),
    reads.sshKeys.find(PLATFORM, those, { sort: { fingerprint: 1 } }),
    findGroupsOfMembers(reads, organizationId, ids),
  ]);
  const names = new Map(accounts.map(({ _id, name }) => [_id, name]));
  const emailsOf = groupBy(emails, ({ accountId }) => accountId);
  const counting = keys.filter(({ onlyIn }) => onlyIn === undefined || onlyIn.includes(organizationId));
  const keysOf = groupBy(counting, ({ accountId }) => accountId);
  return people.map(({ accountId, role, external }) => {
    const name = names.get(accountId);
    const email = emailsOf.get(accountId)?.[0]?.email;
    return {
      accountId,
      ...(email !== undefined && { email }),
      ...(name !== undefined && { name }),
      role,
      external,
      groups: groupsOf.get(accountId) ?? [],
      sshKeys: (keysOf.get(accountId) ?? []).map((key) => ({
        fingerprint: key.fingerprint,
        publicKey: key.publicKey,
        name: key.name,
      })),
    };
  });
}

type Groups = ProjectIdentity['groups'];

/** The groups of these accounts as members of the organization, as far as they count for mappings (SCIM-3, SCIM-4). */
async function findGroupsOfMembers(
  reads: ReadStore,
  organizationId: string,
  accountIds: readonly string[],
): Promise<ReadonlyMap<string, Groups>> {
  const those = { accountId: { $in: accountIds } };
  const [members, users]: [readonly Member[], Awaited<ReturnType<ReadStore['directoryUsers']['find']>>] =
    await Promise.all([reads.members.find(organizationId, those), reads.directoryUsers.find(organizationId, those)]);
  const usersOf = groupBy(users, ({ accountId }) => accountId);
  const counting = new Map(
    members.map(({ accountId, directoryUserId }) => [
      accountId,
      countingUsers(usersOf.get(accountId) ?? [], directoryUserId),
    ]),
  );
  const parents = await findParents(reads, organizationId, [...counting.values()].flat());
  const known = new Map<string, DirectoryGroup>();
  for (const ids of batches([...new Set([...parents.values()].flat())])) {
    for (const group of await reads.directoryGroups.find(organizationId, { _id: { $in: ids } }))
      known.set(group._id, group);
  }
  return new Map(
    [...counting].map(([accountId, userIds]) => [
      accountId,
      climb(parents, userIds)
        .flatMap((id) => known.get(id) ?? [])
        .map(({ _id: id, displayName: name }) => ({ id, name })),
    ]),
  );
}

/** Of these and of every group above them: the groups that hold each directly. */
async function findParents(
  reads: ReadStore,
  organizationId: string,
  memberIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const parents = new Map<string, string[]>();
  for (let frontier = memberIds; frontier.length > 0; ) {
    const next = new Set<string>();
    for (const ids of batches(frontier)) {
      const edges: readonly Edge[] = await reads.edges.find(organizationId, { memberId: { $in: ids } });
      for (const { memberId, groupId } of edges) {
        parents.set(memberId, [...(parents.get(memberId) ?? []), groupId]);
        if (!parents.has(groupId)) next.add(groupId);
      }
    }
    frontier = [...next].filter((id) => !parents.has(id));
  }
  return parents;
}

/** Every group above these, each once, sorted. */
function climb(parents: ReadonlyMap<string, readonly string[]>, from: readonly string[]): readonly string[] {
  const above = new Set<string>();
  const ahead = [...from];
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    for (const group of parents.get(id) ?? []) {
      if (above.has(group)) continue;
      above.add(group);
      ahead.push(group);
    }
  }
  return [...above].sort();
}
