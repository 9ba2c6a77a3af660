/** Loads the facts of a decision with the fewest indexed reads, and decides: the hot path of every permission check. */
import { type Grant, type Member, PLATFORM, type ReadStore } from '../store/index.ts';
import { type AccessFacts, type Decision, decideAccess, type GrantFacts, type ResourceRef } from './decide.ts';
import { isOwner } from './owner.ts';
import { type SessionProofs, worthIn } from './sessionWorth.ts';

export interface Question {
  readonly accountId: string;
  /** A permission of the tables; any other text is denied with its own reason. */
  readonly permission: string;
  readonly resource: ResourceRef;
  /** The session that asks, where one does: what it is worth in the organization counts too (SSO-5). */
  readonly session?: SessionProofs;
}

/** Whether this account may do this here (PERM-5). Denies whatever is unknown; throws only where the store does. */
export async function evaluate(reads: ReadStore, question: Question): Promise<Decision> {
  const { resource, permission } = question;
  const facts =
    resource.kind === 'organization'
      ? await loadOrganizationFacts(reads, question)
      : await loadProjectFacts(reads, question);
  return decideAccess(facts, permission);
}

const nothing = { adminAccess: 'all', grants: [] } as const satisfies AccessFacts;

/** The membership alone, where it decides; the organization itself for who is none, and where a session asks. */
async function loadOrganizationFacts(
  reads: ReadStore,
  { accountId, resource: { id }, session }: Question,
): Promise<AccessFacts> {
  const resource = { kind: 'organization' } as const;
  const member = await reads.members.findOne(id, { accountId });
  if (member && !session) return { ...nothing, resource, member: toMemberFacts(member) };
  const organization = await reads.organizations.get(id, id);
  if (!organization) return nothing;
  const worth = session && { worth: worthIn(session, organization, member) };
  if (member) return { ...nothing, resource, member: toMemberFacts(member), ...worth };
  const grants = await reads.grants.find(id, { accountId });
  return { ...nothing, resource, grants: grants.map(toGrantFacts), ...worth };
}

/** The project, membership and grants; the organization only for an Admin outside the default project, and for a session. */
async function loadProjectFacts(
  reads: ReadStore,
  { accountId, resource: { id }, session }: Question,
): Promise<AccessFacts> {
  const project = await reads.projects.get(PLATFORM, id);
  if (!project) return nothing;
  const { organizationId } = project;
  const isDefault = project.isDefault === true;
  const [member, grants] = await Promise.all([
    reads.members.findOne(organizationId, { accountId }),
    reads.grants.find(organizationId, { accountId, targetId: id }),
  ]);
  const known = member && toMemberFacts(member);
  const facts: AccessFacts = {
    resource: { kind: 'project', isDefault },
    adminAccess: 'all',
    grants: grants.map(toGrantFacts),
    ...(known && { member: known }),
  };
  const inherits = known?.role === 'admin' && !isDefault;
  if (!inherits && !session) return facts;
  const organization = await reads.organizations.get(organizationId, organizationId);
  if (!organization) return session ? nothing : { ...facts, adminAccess: 'joined' };
  return {
    ...facts,
    ...(inherits && { adminAccess: organization.settings.adminAccess }),
    ...(session && { worth: worthIn(session, organization, member) }),
  };
}

/** A member row as a decision sees it; the Owner is an Admin whatever the row or grants say (OWN-1). */
export function toMemberFacts(member: Member): NonNullable<AccessFacts['member']> {
  const owner = isOwner(member);
  return { role: owner ? 'admin' : member.role, status: member.status, owner };
}

/** A grant row as a decision sees it. */
export function toGrantFacts(grant: Grant): GrantFacts {
  return { role: grant.role, source: grant.source, sourceId: grant.sourceId, grantedBy: grant.grantedBy };
}
