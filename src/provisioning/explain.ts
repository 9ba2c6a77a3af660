/** Explanations of access (PERM-6): each candidate with where it comes from, back to the push of an IdP. */
import {
  type Candidate,
  explainAccess,
  type FormerPerson,
  findFormerPerson,
  findHolder,
  type GrantFacts,
  getProject,
  loadFacts,
  type NoStanding,
  type ResourceRef,
  resolveStanding,
  type Standing,
} from '../access/index.ts';
import { AppError } from '../errors.ts';
import type { DirectoryUser, Edge, Grant, Member, ReadStore } from '../store/index.ts';
import { countingUsers } from './desired.ts';
import { findPrimaryUsers } from './links.ts';

/** One membership on the way from a directory user up to the group of a mapping. */
export interface Step {
  readonly groupId: string;
  readonly groupName?: string;
  readonly since: Date;
  /** Who put the person, or the group below, in: `directory:<id>` for a push. */
  readonly by: string;
  readonly requestId: string;
  /** The row of the provisioning log, while it is kept. */
  readonly logEntryId?: string;
}

/** What a mapping's grant stands on. */
export interface MappedFrom {
  readonly mappingId: string;
  readonly groupId: string;
  readonly groupName?: string;
  readonly directoryId?: string;
  readonly directoryName?: string;
  readonly directoryUserId?: string;
  readonly userName?: string;
  /** From the group that holds the person up to that of the mapping; empty where a job has not yet caught up. */
  readonly path: readonly Step[];
}

/** Where a grant comes from. */
export interface Origin {
  readonly grantId: string;
  readonly role: 'admin' | 'member';
  readonly since: Date;
  readonly grantedBy: string;
  readonly requestId: string;
  readonly mapping?: MappedFrom;
}

export interface ExplainedCandidate extends Omit<Candidate, 'grant'> {
  readonly origin?: Origin;
  /** Of an organization role: the grants that make somebody Admin (MAP-2). */
  readonly from?: readonly Origin[];
}

export interface Explanation {
  readonly member?: Member;
  /** Of who is neither member nor collaborator any more: how that ended. */
  readonly former?: FormerPerson;
  readonly standing: Standing | NoStanding;
  readonly candidates: readonly ExplainedCandidate[];
}

/**
 * Why this account has what it has on a thing of the organization; of somebody who was removed, that they were. Throws `not_found`
 * where the project is none of the organization's, and where the account never had anything to do with the organization.
 */
export async function explainAccount(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
  resource: ResourceRef,
): Promise<Explanation> {
  const [member, all] = await Promise.all([
    reads.members.findOne(organizationId, { accountId }),
    reads.grants.find(organizationId, { accountId }),
  ]);
  const gone = !member && all.length === 0;
  const former = gone ? await findFormerPerson(reads, organizationId, accountId) : undefined;
  if (gone && !former) throw new AppError('not_found', 'The organization has no such person');
  if (resource.kind === 'project' && (await getProject(reads, resource.id)).organizationId !== organizationId) {
    throw new AppError('not_found', `There is no project ${resource.id}`);
  }
  const facts = await loadFacts(reads, { accountId, resource });
  if (former) return { former, standing: resolveStanding(facts), candidates: candidatesOf(former) };
  const users = await reads.directoryUsers.find(organizationId, { accountId });
  const tell = (grant: Grant) => originOf(reads, grant, users, member);
  const ofOrganization = all.filter(({ target }) => target === 'organization');
  const rows = resource.kind === 'organization' ? [...all] : all.filter(({ targetId }) => targetId === resource.id);
  // Candidates that are grants come in the order of the grants; one that has come or gone between the two reads moves no other's origin.
  const takeRow = ({ source, sourceId, role }: GrantFacts): Grant | undefined => {
    const at = rows.findIndex((row) => row.source === source && row.sourceId === sourceId && row.role === role);
    return at < 0 ? undefined : rows.splice(at, 1)[0];
  };
  const candidates = await Promise.all(
    explainAccess(facts).map(async ({ grant, ...candidate }): Promise<ExplainedCandidate> => {
      if (candidate.source === 'organization_role' && candidate.role === 'admin') {
        return { ...candidate, from: await Promise.all(ofOrganization.map(tell)) };
      }
      const row = grant && takeRow(grant);
      return row ? { ...candidate, origin: await tell(row) } : candidate;
    }),
  );
  return { ...(member && { member }), standing: resolveStanding(facts), candidates };
}

/**
 * The account of whoever is meant by an address in this organization: who has it proven and is a member; else the member whom a
 * directory shows under it, proven or not; else who has it proven, and may have been here once. Takes the same look-ups whether
 * somebody elsewhere has it, or nobody (PRJ-1).
 */
export async function findAccountByAddress(
  reads: ReadStore,
  organizationId: string,
  address: string,
): Promise<string | undefined> {
  const holder = await findHolder(reads, address);
  const member = await reads.members.findOne(organizationId, { accountId: holder ?? nobody });
  const shown = await findShownAs(reads, organizationId, address);
  return member ? member.accountId : (shown ?? holder);
}

const nobody = 'acc-00000000000000000000000000';

async function findShownAs(reads: ReadStore, organizationId: string, address: string): Promise<string | undefined> {
  const found: DirectoryUser[] = [];
  for (const directory of await reads.directories.find(organizationId, {})) {
    found.push(...(await findPrimaryUsers(reads, directory, address)));
  }
  const linked = found.filter(({ link }) => link === 'linked');
  return (linked.find(({ conflict }) => conflict === undefined) ?? linked[0])?.accountId;
}

/** What the person had as a member gives nothing any more; it is told, so that the chain has its end. */
function candidatesOf({ was, role, endedAt, endedBy, block }: FormerPerson): readonly ExplainedCandidate[] {
  if (was !== 'member' || role === undefined) return [];
  const kept = block ? `, and is kept out since by the block ${block._id}` : '';
  const why = `The person was removed from the organization at ${endedAt.toISOString()} by ${endedBy}${kept}`;
  return [{ source: 'organization_role', role, outcome: 'void', why }];
}

async function originOf(
  reads: ReadStore,
  grant: Grant,
  users: readonly DirectoryUser[],
  member: Member | undefined,
): Promise<Origin> {
  const { _id: grantId, role, createdAt: since, grantedBy, changedBy, source } = grant;
  const mapping = source === 'mapping' && (await mappedFrom(reads, grant, users, member));
  return { grantId, role, since, grantedBy, requestId: changedBy.requestId, ...(mapping && { mapping }) };
}

async function mappedFrom(
  reads: ReadStore,
  { organizationId, sourceId: mappingId, grantedBy }: Grant,
  users: readonly DirectoryUser[],
  member: Member | undefined,
): Promise<MappedFrom> {
  const groupId = grantedBy.replace(/^group:/, '');
  const group = await reads.directoryGroups.get(organizationId, groupId);
  const directory = group && (await reads.directories.get(organizationId, group.directoryId));
  const edges = await findWay(reads, organizationId, countingUsers(users, member?.directoryUserId), groupId);
  const user = users.find(({ _id }) => _id === edges[0]?.memberId);
  return {
    mappingId,
    groupId,
    ...(group && { groupName: group.displayName, directoryId: group.directoryId }),
    ...(directory && { directoryName: directory.name }),
    ...(user && { directoryUserId: user._id, userName: user.userName }),
    path: await Promise.all(edges.map((edge) => stepOf(reads, edge))),
  };
}

async function stepOf(reads: ReadStore, edge: Edge): Promise<Step> {
  const { organizationId, groupId, createdAt, changedBy } = edge;
  const { actor: by, requestId } = changedBy;
  const [group, entry] = await Promise.all([reads.directoryGroups.get(organizationId, groupId), findPush(reads, edge)]);
  return {
    groupId,
    ...(group && { groupName: group.displayName }),
    since: createdAt,
    by,
    requestId,
    ...(entry && { logEntryId: entry._id }),
  };
}

/**
 * The logged request that made a membership. The client chooses its request's id, and may give the same one to many: the log
 * row is that of the same directory and group, written in the transaction that made the membership, at the same instant.
 */
function findPush(reads: ReadStore, { organizationId, directoryId, groupId, createdAt, changedBy }: Edge) {
  const { requestId } = changedBy;
  const same = {
    requestId,
    directoryId,
    createdAt,
    touched: { $elemMatch: { $eq: groupId } },
    outcome: 'applied',
  } as const;
  return reads.provisioningLog.findOne(organizationId, same);
}

/** The shortest way up from one of these users to the group; none where they are not in it. Cycles are harmless. */
async function findWay(
  reads: ReadStore,
  organizationId: string,
  userIds: readonly string[],
  groupId: string,
): Promise<readonly Edge[]> {
  const into = new Map<string, Edge>();
  for (let frontier = userIds; frontier.length > 0 && !into.has(groupId); ) {
    const next: string[] = [];
    for (const edge of await reads.edges.find(organizationId, { memberId: { $in: frontier } })) {
      if (into.has(edge.groupId)) continue;
      into.set(edge.groupId, edge);
      next.push(edge.groupId);
    }
    frontier = next;
  }
  const way: Edge[] = [];
  for (
    let edge = into.get(groupId);
    edge;
    edge = way[0]?.memberKind === 'Group' ? into.get(way[0].memberId) : undefined
  ) {
    way.unshift(edge);
  }
  return way;
}
