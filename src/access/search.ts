/**
 * Searches over decisions (PERM-5): who may do this here, where may they do it, what may they do. Each answers exactly the
 * candidates that an evaluation allows, in the order of their ids, from the first beyond `after` on.
 */
import { groupBy } from '../lib/groupBy.ts';
import {
  type ApiKey,
  type Filter,
  type Grant,
  type Member,
  PLATFORM,
  type Project,
  type ReadStore,
} from '../store/index.ts';
import { decideKey, type KeyRow } from './apiKeys.ts';
import { type Decision, decideAccess, decideKeyAccess, type ReasonCode, type ResourceRef } from './decide.ts';
import { loadFacts, loadFactsOfProjects, loadKeyFacts, toGrantFacts, toMemberFacts, toProjectRef } from './evaluate.ts';
import { findOrganizationsOf } from './organizations.ts';
import { type Permission, permissionsOn } from './permissions.ts';
import type { SessionProofs } from './sessionWorth.ts';

/** Who is asked about: an account, with the session that asks where one does, or an API key at an instant. */
export type Subject =
  | { readonly kind: 'account'; readonly accountId: string; readonly session?: SessionProofs }
  | { readonly kind: 'key'; readonly key: KeyRow; readonly at: Date };

/** Loads what decisions about this subject on this thing depend on; answers the decision of each permission. */
export async function prepareDecisions(
  reads: ReadStore,
  subject: Subject,
  resource: ResourceRef,
): Promise<(permission: string) => Decision> {
  if (subject.kind === 'key') {
    const facts = await loadKeyFacts(reads, subject.key, resource, subject.at);
    return (permission) => decideKeyAccess(facts, permission);
  }
  const { accountId, session } = subject;
  const facts = await loadFacts(reads, { accountId, resource, ...(session && { session }) });
  return (permission) => decideAccess(facts, permission);
}

/** What may be done here by these decisions, in the order of the names; and where that is nothing, why. */
export function findActions(
  kind: ResourceRef['kind'],
  decide: (permission: string) => Decision,
): { readonly actions: readonly Permission[]; readonly why: Decision } {
  const decided = permissionsOn(kind).map((permission) => ({ permission, decision: decide(permission) }));
  const actions = decided.filter(({ decision }) => decision.allowed).map(({ permission }) => permission);
  const why = decided.find(({ decision }) => decision.reason !== 'permission_not_for_resource') ?? decided[0];
  if (!why) throw new Error(`no permission is asked on a ${kind}`);
  return { actions: actions.sort(), why: why.decision };
}

/** The decision about who is nothing anywhere, on some thing of this kind or type. */
export function decideForNobody({ kind, registered }: Omit<ResourceRef, 'id'>, permission: string): Decision {
  const resource = kind === 'organization' ? { kind } : { kind, isDefault: false, ...(registered && { registered }) };
  return decideAccess({ resource, adminAccess: 'all', grants: [] }, permission);
}

const hopeless: ReadonlySet<ReasonCode> = new Set([
  'unknown_permission',
  'unknown_resource',
  'permission_not_for_resource',
]);

/** Whether a decision about nobody would be the same about anybody. */
export const isHopeless = ({ reason }: Decision): boolean => hopeless.has(reason);

/** The ids of the organizations, or projects, on which the subject may do this. */
export async function findResources(
  reads: ReadStore,
  subject: Subject,
  permission: string,
  kind: ResourceRef['kind'],
): Promise<readonly string[]> {
  if (subject.kind === 'key') {
    const id = subject.key.projectId;
    const may = kind === 'project' && (await prepareDecisions(reads, subject, { kind, id }))(permission).allowed;
    return may ? [id] : [];
  }
  const belongings = await findOrganizationsOf(reads, subject.accountId);
  const found: string[] = [];
  for (const { organization } of belongings) {
    const { _id: id } = organization;
    if (kind === 'organization') {
      if ((await prepareDecisions(reads, subject, { kind, id }))(permission).allowed) found.push(id);
      continue;
    }
    for (const { project, facts } of await loadFactsOfProjects(reads, id, subject)) {
      if (decideAccess(facts, permission).allowed) found.push(project._id);
    }
  }
  return found.sort();
}

/** How many candidates are looked at together. */
const batch = 500;

/** The accounts that may do this here. */
export async function* findAccountsThatMay(
  reads: ReadStore,
  permission: string,
  resource: ResourceRef,
  after = '',
): AsyncGenerator<string> {
  const found = findStandingsOn(reads, permission, resource, after);
  for await (const { accountId, decision } of found) if (decision.allowed) yield accountId;
}

/** The decision about everybody who may have a role here; nobody else has any. */
export async function* findStandingsOn(
  reads: ReadStore,
  permission: string,
  resource: ResourceRef,
  after = '',
): AsyncGenerator<{ readonly accountId: string; readonly decision: Decision }> {
  const candidates =
    resource.kind === 'organization' ? membersOf(reads, resource.id, after) : collaboratorsOf(reads, resource, after);
  for await (const { accountId, decide } of candidates) yield { accountId, decision: decide(permission) };
}

interface Candidate {
  readonly accountId: string;
  readonly decide: (permission: string) => Decision;
}

/** Only members may have anything in an organization (PRJ-6). */
async function* membersOf(reads: ReadStore, organizationId: string, after: string): AsyncGenerator<Candidate> {
  const organization = await reads.organizations.get(organizationId, organizationId);
  if (!organization) return;
  const common = {
    resource: { kind: 'organization' },
    closed: organization.closedAt !== undefined,
    adminAccess: 'all',
    grants: [],
  } as const;
  let last: string | undefined = after;
  while (last !== undefined) {
    const beyond = { accountId: { $gt: last } };
    const members: readonly Member[] = await reads.members.find(organizationId, beyond, byAccount);
    for (const member of members) {
      const facts = { ...common, member: toMemberFacts(member) };
      yield { accountId: member.accountId, decide: (permission) => decideAccess(facts, permission) };
    }
    last = members.length < batch ? undefined : members.at(-1)?.accountId;
  }
}

const byAccount = { sort: { accountId: 1 }, limit: batch } as const;

/** Who inherits access to the project, and whoever has a grant on it. */
async function* collaboratorsOf(
  reads: ReadStore,
  { id: projectId, registered }: ResourceRef,
  after: string,
): AsyncGenerator<Candidate> {
  const project = await reads.projects.get(PLATFORM, projectId);
  if (!project) return;
  const { organizationId } = project;
  const organization = await reads.organizations.get(organizationId, organizationId);
  const adminAccess = organization?.settings.adminAccess ?? 'joined';
  const resource = toProjectRef(project, registered);
  const closed = project.organizationClosed === true;
  let last: string | undefined = after;
  while (last !== undefined) {
    const { ids, complete } = await findCandidates(reads, project, adminAccess, last);
    const those = { accountId: { $in: ids } };
    const members = await reads.members.find(organizationId, those);
    // after the memberships, with which they end (MEM-1)
    const grants = await reads.grants.find(organizationId, { ...those, targetId: projectId });
    const memberOf = new Map(members.map((member) => [member.accountId, toMemberFacts(member)]));
    const grantsOf = groupBy(grants, ({ accountId }) => accountId);
    for (const accountId of ids) {
      const member = memberOf.get(accountId);
      const own = (grantsOf.get(accountId) ?? []).map(toGrantFacts);
      const facts = { resource, closed, adminAccess, grants: own, ...(member && { member }) };
      yield { accountId, decide: (permission) => decideAccess(facts, permission) };
    }
    last = complete ? undefined : ids.at(-1);
  }
}

/** The next accounts beyond `after` that may have access; `complete`: there are no others. */
async function findCandidates(
  reads: ReadStore,
  { _id, organizationId, isDefault }: Project,
  adminAccess: 'all' | 'joined',
  after: string,
): Promise<{ readonly ids: readonly string[]; readonly complete: boolean }> {
  const beyond = { accountId: { $gt: after } };
  const inheriting: Filter<Member> | undefined = isDefault
    ? beyond
    : adminAccess === 'all'
      ? { ...beyond, role: 'admin' }
      : undefined;
  const [members, grants]: [readonly Member[], readonly Grant[]] = await Promise.all([
    inheriting ? reads.members.find(organizationId, inheriting, byAccount) : [],
    reads.grants.find(organizationId, { ...beyond, targetId: _id }, byAccount),
  ]);
  // Of a list that was cut nobody is known beyond its end: the shorter reach of the two is as far as this goes.
  const ends = [members, grants].flatMap((list) => (list.length < batch ? [] : (list.at(-1)?.accountId ?? [])));
  const reach = ends.sort()[0];
  const ids = [...new Set([...members, ...grants].map(({ accountId }) => accountId))].sort();
  return { ids: ids.filter((id) => reach === undefined || id <= reach), complete: reach === undefined };
}

/** The API keys that may do this here. */
export async function* findKeysThatMay(
  reads: ReadStore,
  permission: string,
  resource: ResourceRef,
  { after = '', at }: { readonly after?: string; readonly at: Date },
): AsyncGenerator<string> {
  const project = resource.kind === 'project' ? await reads.projects.get(PLATFORM, resource.id) : undefined;
  if (!project) return;
  const { registered } = resource;
  const facts = { kind: 'project', own: true, ...(registered && { registered }) } as const;
  let last: string | undefined = after;
  while (last !== undefined) {
    const beyond = { projectId: project._id, _id: { $gt: last } };
    const keys: readonly ApiKey[] = await reads.apiKeys.find(project.organizationId, beyond, { limit: batch });
    for (const key of keys) {
      if (decideKeyAccess({ resource: facts, state: decideKey(key, at) }, permission).allowed) yield key._id;
    }
    last = keys.length < batch ? undefined : keys.at(-1)?._id;
  }
}
