/** Loads the facts of a decision with the fewest indexed reads, and decides: the hot path of every permission check. */
import { groupBy } from '../lib/groupBy.ts';
import { type Grant, type Member, PLATFORM, type Project, type ReadStore } from '../store/index.ts';
import { decideKey, type KeyRow } from './apiKeys.ts';
import {
  type AccessFacts,
  type Decision,
  decideAccess,
  type GrantFacts,
  type KeyFacts,
  type ProjectRef,
  type ResourceRef,
} from './decide.ts';
import { isOwner } from './owner.ts';
import type { ResourceType } from './resourceTypes.ts';
import { type SessionProofs, worthIn } from './sessionWorth.ts';

/** An account on a thing, and the session that asks, where one does: what it is worth there counts too (SSO-5). */
export interface Asking {
  readonly accountId: string;
  readonly resource: ResourceRef;
  readonly session?: SessionProofs;
}

export interface Question extends Asking {
  /** A permission of the tables; any other text is denied with its own reason. */
  readonly permission: string;
}

/** Whether this account may do this here (PERM-5). Denies whatever is unknown; throws only where the store does. */
export async function evaluate(reads: ReadStore, question: Question): Promise<Decision> {
  return decideAccess(await loadFacts(reads, question), question.permission);
}

/** All that decisions about this account on this thing depend on, whatever the permission. */
export function loadFacts(reads: ReadStore, asking: Asking): Promise<AccessFacts> {
  return asking.resource.kind === 'organization'
    ? loadOrganizationFacts(reads, asking)
    : loadProjectFacts(reads, asking);
}

/** The same for an API key, which is of the state that it has at `now` (KEY-2). */
export async function loadKeyFacts(
  reads: ReadStore,
  key: KeyRow,
  { kind, id, registered }: ResourceRef,
  now: Date,
): Promise<KeyFacts> {
  const state = decideKey(key, now);
  const found = await (kind === 'organization' ? reads.organizations.get(id, id) : reads.projects.get(PLATFORM, id));
  if (!found) return { state };
  if (kind === 'organization') return { state, resource: { kind } };
  return { state, resource: { kind, own: id === key.projectId, ...(registered && { registered }) } };
}

const nothing = { adminAccess: 'all', grants: [] } as const satisfies AccessFacts;

/**
 * The organization of what is not there. Its rows are looked up all the same: else time would tell who asks whether another organization
 * has a thing of this id, or nobody (PRJ-1).
 */
const nowhere = 'org-00000000000000000000000000';

/** The membership and the organization, which may be closed; grants for who is no member. */
async function loadOrganizationFacts(
  reads: ReadStore,
  { accountId, resource: { id }, session }: Asking,
): Promise<AccessFacts> {
  const resource = { kind: 'organization' } as const;
  const [member, organization] = await Promise.all([
    reads.members.findOne(id, { accountId }),
    reads.organizations.get(id, id),
  ]);
  const grants = member ? [] : await reads.grants.find(id, { accountId });
  if (!organization) return nothing;
  return {
    ...nothing,
    resource,
    ...(member && { member: toMemberFacts(member) }),
    grants: grants.map(toGrantFacts),
    closed: organization.closedAt !== undefined,
    ...(session && { worth: worthIn(session, organization, member) }),
  };
}

/**
 * The project, membership and grants; the organization only for an Admin outside the default project, and for a session. The
 * membership is read before the grants: who is no member any more has lost them with it, in one transaction, and must not pass for an
 * External Collaborator by what was read before (MEM-1).
 */
async function loadProjectFacts(
  reads: ReadStore,
  { accountId, resource: { id, registered }, session }: Asking,
): Promise<AccessFacts> {
  const project = await reads.projects.get(PLATFORM, id);
  const organizationId = project?.organizationId ?? nowhere;
  const member = await reads.members.findOne(organizationId, { accountId });
  const grants = await reads.grants.find(organizationId, { accountId, targetId: id });
  const known = member && toMemberFacts(member);
  const inherits = known?.role === 'admin' && project?.isDefault !== true;
  const organization = inherits || session ? await reads.organizations.get(organizationId, organizationId) : undefined;
  if (!project || (session && !organization)) return nothing;
  return {
    resource: toProjectRef(project, registered),
    closed: project.organizationClosed === true,
    adminAccess: inherits ? (organization?.settings.adminAccess ?? 'joined') : 'all',
    grants: grants.map(toGrantFacts),
    ...(known && { member: known }),
    ...(session && organization && { worth: worthIn(session, organization, member) }),
  };
}

/** One project of several, with what decisions about one account on it depend on. */
export interface ProjectFacts {
  readonly project: Project;
  readonly facts: AccessFacts;
}

/**
 * The facts of an account on every project of the organization in which it may have a role, in the order of making: on
 * all others it has none.
 */
export async function loadFactsOfProjects(
  reads: ReadStore,
  organizationId: string,
  { accountId, session }: Omit<Asking, 'resource'>,
): Promise<readonly ProjectFacts[]> {
  const [organization, member] = await Promise.all([
    reads.organizations.get(organizationId, organizationId),
    reads.members.findOne(organizationId, { accountId }),
  ]);
  // after the membership, as in `loadProjectFacts`
  const grants = await reads.grants.find(organizationId, { accountId, target: 'project' });
  if (!organization) return [];
  const { adminAccess } = organization.settings;
  const known = member && toMemberFacts(member);
  const granted = [...new Set(grants.map(({ targetId }) => targetId))];
  const inherits = known?.role === 'admin' && adminAccess === 'all';
  const projects = await reads.projects.find(
    organizationId,
    inherits ? {} : { $or: [{ _id: { $in: granted } }, ...(known ? [{ isDefault: true }] : [])] },
  );
  const worth = session && { worth: worthIn(session, organization, member) };
  const byProject = groupBy(grants, ({ targetId }) => targetId);
  return projects.map((project) => ({
    project,
    facts: {
      resource: toProjectRef(project),
      closed: organization.closedAt !== undefined,
      adminAccess,
      grants: (byProject.get(project._id) ?? []).map(toGrantFacts),
      ...(known && { member: known }),
      ...worth,
    },
  }));
}

/** A member row as a decision sees it; the Owner is an Admin whatever the row or grants say (OWN-1). */
export function toMemberFacts(member: Member): NonNullable<AccessFacts['member']> {
  const owner = isOwner(member);
  return { role: owner ? 'admin' : member.role, status: member.status, owner };
}

/** A project row as a decision sees it; with the type of what is registered there, where it is asked on that. */
export function toProjectRef({ isDefault, archivedAt }: Project, registered?: ResourceType): ProjectRef {
  return {
    kind: 'project',
    isDefault: isDefault === true,
    archived: archivedAt !== undefined,
    ...(registered && { registered }),
  };
}

/** A grant row as a decision sees it. */
export function toGrantFacts(grant: Grant): GrantFacts {
  return { role: grant.role, source: grant.source, sourceId: grant.sourceId, grantedBy: grant.grantedBy };
}
