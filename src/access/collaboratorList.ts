/** The list of a project's collaborators, each with every source of the access (MAP-2, PRJ-2, PRJ-5, PRJ-6). */
import { AppError } from '../errors.ts';
import type { Filter, Grant, Member, ReadStore } from '../store/index.ts';
import { findContacts } from './accounts.ts';
import { countsForMember, resolveStanding } from './decide.ts';
import { toGrantFacts, toMemberFacts } from './evaluate.ts';
import { findGrants, isByHand } from './grants.ts';
import type { Role } from './permissions.ts';

/** One source of a collaborator's access. */
interface AccessSource {
  readonly source: Grant['source'] | 'owner' | 'organization_role' | 'default_project';
  readonly role: Role;
  readonly mappingId?: string;
  readonly groupId?: string;
}

export interface Collaborator {
  readonly accountId: string;
  readonly name?: string;
  readonly email?: string;
  /** The effective role; absent while the person has no access (a suspended member). */
  readonly role?: Role;
  readonly external: boolean;
  readonly suspended: boolean;
  readonly sources: readonly AccessSource[];
}

/**
 * Everybody with access to a project and why. `explicitOnly` is what an External Collaborator may see (PRJ-6): who was
 * added by hand, with the role that they were given here; not who has access only as a member or Admin of the organization, nor what that
 * adds to a role, nor mappings and groups. Throws `not_found`.
 */
export async function listCollaborators(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  { explicitOnly = false }: { readonly explicitOnly?: boolean } = {},
): Promise<readonly Collaborator[]> {
  const [project, organization, all] = await Promise.all([
    reads.projects.get(organizationId, projectId),
    reads.organizations.get(organizationId, organizationId),
    findGrants(reads, organizationId, { targetId: projectId }),
  ]);
  if (!project || !organization) throw new AppError('not_found', `There is no project ${projectId}`);
  const { adminAccess } = organization.settings;
  const isDefault = project.isDefault === true;
  const grants = explicitOnly ? all.filter(isByHand) : all;
  const given = new Map<string, Grant[]>();
  for (const grant of grants) given.set(grant.accountId, [...(given.get(grant.accountId) ?? []), grant]);
  const granted = [...given.keys()];
  const inherits: Filter<Member>[] = isDefault ? [{}] : adminAccess === 'all' ? [{ role: 'admin' }] : [];
  const members = await reads.members.find(organizationId, {
    $or: [{ accountId: { $in: granted } }, ...(explicitOnly ? [] : inherits)],
  });
  const byAccount = new Map(members.map((member) => [member.accountId, member]));
  for (const [accountId, own] of given) {
    if (!byAccount.has(accountId)) continue;
    const counting = own.filter((grant) => countsForMember(grant, isDefault));
    if (counting.length > 0) given.set(accountId, counting);
    else given.delete(accountId);
  }
  const accountIds = [...new Set([...given.keys(), ...(explicitOnly ? [] : byAccount.keys())])];
  const contacts = await findContacts(reads, accountIds);
  const describe = (accountId: string): Collaborator => {
    const member = byAccount.get(accountId);
    const own = given.get(accountId) ?? [];
    const standing = resolveStanding({
      resource: { kind: 'project', isDefault },
      adminAccess,
      grants: own.map(toGrantFacts),
      ...(member && { member: explicitOnly ? plain(member) : toMemberFacts(member) }),
    });
    return {
      accountId,
      ...contacts.get(accountId),
      ...(standing.role && { role: standing.role }),
      external: !member,
      suspended: member?.status === 'suspended',
      sources: explicitOnly
        ? own.map(({ source, role }) => ({ source, role }))
        : [...(member ? inheritedSources(member, adminAccess, isDefault) : []), ...own.map(toSource)],
    };
  };
  return accountIds.map(describe);
}

/** A member as if they were no more than that in the organization. */
const plain = ({ status }: Member) => ({ role: 'member', status, owner: false }) as const;

function toSource(grant: Grant): AccessSource {
  const { source, role, sourceId, grantedBy } = grant;
  return source === 'mapping'
    ? { source, role, mappingId: sourceId, groupId: grantedBy.replace(/^group:/, '') }
    : { source, role };
}

function inheritedSources(row: Member, adminAccess: 'all' | 'joined', isDefault: boolean): AccessSource[] {
  const member = toMemberFacts(row);
  const sources: AccessSource[] = [];
  if (member.role === 'admin' && adminAccess === 'all') {
    sources.push({ source: member.owner ? 'owner' : 'organization_role', role: 'admin' });
  }
  if (isDefault) sources.push({ source: 'default_project', role: member.role });
  return sources;
}
