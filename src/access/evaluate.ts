/** Loads the facts of a decision with the fewest indexed reads, and decides: the hot path of every permission check. */
import { type Grant, type Member, PLATFORM, type ReadStore } from '../store/index.ts';
import { type AccessFacts, type Decision, decideAccess, type GrantFacts, type ResourceRef } from './decide.ts';
import { isOwner } from './owner.ts';

export interface Question {
  readonly accountId: string;
  /** A permission of the tables; any other text is denied with its own reason. */
  readonly permission: string;
  readonly resource: ResourceRef;
  /** Where a session asks: the organizations whose part of it has ended (`session.endedIn`). */
  readonly endedIn?: readonly string[];
}

/** Whether this account may do this here (PERM-5). Denies whatever is unknown; throws only where the store does. */
export async function evaluate(reads: ReadStore, question: Question): Promise<Decision> {
  const facts = await loadFacts(reads, question.accountId, question.resource, question.endedIn);
  return decideAccess(facts, question.permission);
}

const nothing = { adminAccess: 'all', grants: [] } as const satisfies AccessFacts;

/**
 * What a decision on this resource depends on. Reads: one or two for an organization; for a project the project,
 * membership and grants, and the organization's settings only for an Admin outside the default project.
 */
async function loadFacts(
  reads: ReadStore,
  accountId: string,
  resource: ResourceRef,
  endedIn: readonly string[] = [],
): Promise<AccessFacts> {
  return resource.kind === 'organization'
    ? loadOrganizationFacts(reads, accountId, resource.id, endedIn)
    : loadProjectFacts(reads, accountId, resource.id, endedIn);
}

async function loadOrganizationFacts(
  reads: ReadStore,
  accountId: string,
  organizationId: string,
  endedIn: readonly string[],
): Promise<AccessFacts> {
  const sessionEnded = endedIn.includes(organizationId);
  const resource = { kind: 'organization' } as const;
  const member = await reads.members.findOne(organizationId, { accountId });
  if (member) return { ...nothing, resource, member: toMemberFacts(member), sessionEnded };
  const organization = await reads.organizations.get(organizationId, organizationId);
  if (!organization) return nothing;
  const grants = await reads.grants.find(organizationId, { accountId });
  return { ...nothing, resource, grants: grants.map(toGrantFacts), sessionEnded };
}

async function loadProjectFacts(
  reads: ReadStore,
  accountId: string,
  projectId: string,
  endedIn: readonly string[],
): Promise<AccessFacts> {
  const project = await reads.projects.get(PLATFORM, projectId);
  if (!project) return nothing;
  const { organizationId } = project;
  const isDefault = project.isDefault === true;
  const [member, grants] = await Promise.all([
    reads.members.findOne(organizationId, { accountId }),
    reads.grants.find(organizationId, { accountId, targetId: projectId }),
  ]);
  const facts: AccessFacts = {
    resource: { kind: 'project', isDefault },
    adminAccess: 'all',
    grants: grants.map(toGrantFacts),
    sessionEnded: endedIn.includes(organizationId),
  };
  if (!member) return facts;
  const known = toMemberFacts(member);
  if (known.role !== 'admin' || isDefault) return { ...facts, member: known };
  const organization = await reads.organizations.get(organizationId, organizationId);
  return { ...facts, member: known, adminAccess: organization?.settings.adminAccess ?? 'joined' };
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
