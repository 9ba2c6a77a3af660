/** The projects that an account has access to, and as what (PRJ-1, PRJ-2, PRJ-5, PRJ-6). */
import { groupBy } from '../lib/groupBy.ts';
import { type Grant, type Member, type Organization, PLATFORM, type Project, type ReadStore } from '../store/index.ts';
import { resolveStanding, type Standing } from './decide.ts';
import { toGrantFacts, toMemberFacts, toProjectRef } from './evaluate.ts';
import { findGrants, findGrantsEverywhere } from './grants.ts';
import { findMember } from './members.ts';

/** A project as one account sees it. */
export interface AccessibleProject {
  readonly project: Project;
  readonly organization: Organization;
  readonly standing: Standing;
  /** The account is an External Collaborator there (PRJ-6). */
  readonly external: boolean;
}

/** Which projects a list shows. */
export const projectStatuses = ['active', 'archived', 'all'] as const;

/** The test of a project for a list that shows these. */
export function hasStatus(status: (typeof projectStatuses)[number]): (project: Project) => boolean {
  return ({ archivedAt }) => status === 'all' || (archivedAt !== undefined) === (status === 'archived');
}

/** The projects of one organization that this account has access to, in the order of making. */
export async function findProjects(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
): Promise<readonly AccessibleProject[]> {
  const [organization, member] = await Promise.all([
    reads.organizations.get(organizationId, organizationId),
    findMember(reads, organizationId, accountId),
  ]);
  // after the membership, with which they end (MEM-1)
  const grants = await findGrants(reads, organizationId, { accountId });
  return findIn(reads, organization ? [organization] : [], member ? [member] : [], grants);
}

/**
 * The projects that an account has access to in all its organizations, but for those of `except` (ended sessions), by
 * organization and in the order of making. A fixed number of reads, however many organizations and projects there are.
 */
export async function findProjectsOf(
  reads: ReadStore,
  accountId: string,
  except: readonly string[] = [],
): Promise<readonly AccessibleProject[]> {
  const memberships = await reads.members.find(PLATFORM, { accountId });
  // after the memberships, with which they end (MEM-1)
  const everywhere = await findGrantsEverywhere(reads, accountId);
  const left = new Set(except);
  const counts = ({ organizationId }: Member | Grant): boolean => !left.has(organizationId);
  const [members, grants] = [memberships.filter(counts), everywhere.filter(counts)];
  const ids = [...new Set([...members, ...grants].map(({ organizationId }) => organizationId))];
  const organizations = ids.length === 0 ? [] : await reads.organizations.find(PLATFORM, { _id: { $in: ids } });
  return findIn(reads, organizations, members, grants);
}

/** Finds the candidates of these organizations (all projects, the default one, those with a grant) and keeps what gives access. */
async function findIn(
  reads: ReadStore,
  organizations: readonly Organization[],
  members: readonly Member[],
  grants: readonly Grant[],
): Promise<readonly AccessibleProject[]> {
  const memberIn = new Map(members.map((member) => [member.organizationId, member]));
  const wholes: string[] = [];
  const homes: string[] = [];
  for (const { _id, settings } of organizations) {
    const member = memberIn.get(_id);
    if (member?.status !== 'active') continue;
    const all = toMemberFacts(member).role === 'admin' && settings.adminAccess === 'all';
    (all ? wholes : homes).push(_id);
  }
  const given = groupBy(
    grants.filter(({ target }) => target === 'project'),
    ({ targetId }) => targetId,
  );
  const found = await Promise.all([
    wholes.length === 0 ? [] : reads.projects.find(PLATFORM, { organizationId: { $in: wholes } }),
    homes.length === 0 ? [] : reads.projects.find(PLATFORM, { organizationId: { $in: homes }, isDefault: true }),
    given.size === 0 ? [] : reads.projects.find(PLATFORM, { _id: { $in: [...given.keys()] } }),
  ]);
  const candidates = new Map(found.flat().map((project) => [project._id, project]));
  const organizationOf = new Map(organizations.map((organization) => [organization._id, organization]));
  const accessible = [...candidates.values()].flatMap((project): AccessibleProject[] => {
    const organization = organizationOf.get(project.organizationId);
    if (!organization) return [];
    const member = memberIn.get(project.organizationId);
    const standing = resolveStanding({
      resource: toProjectRef(project),
      closed: project.organizationClosed === true,
      adminAccess: organization.settings.adminAccess,
      grants: (given.get(project._id) ?? []).map(toGrantFacts),
      ...(member && { member: toMemberFacts(member) }),
    });
    return standing.role === undefined ? [] : [{ project, organization, standing, external: !member }];
  });
  return accessible.sort((a, b) => compareIds(a.organization, b.organization) || compareIds(a.project, b.project));
}

const compareIds = (a: { readonly _id: string }, b: { readonly _id: string }): number =>
  a._id === b._id ? 0 : a._id < b._id ? -1 : 1;
