/** Why somebody has access, or has none (PERM-6): everything that could give a role, and what becomes of each. Pure. */
import { type AccessFacts, countsForMember, type GrantFacts, resolveStanding } from './decide.ts';
import type { Role } from './permissions.ts';

/** Something that could give a role here. */
export interface Candidate {
  readonly source: 'owner' | 'organization_role' | 'default_project' | GrantFacts['source'];
  /** The role that it gives, or would. */
  readonly role: Role;
  /** `wins`: the effective role comes from it; `same`: it gives the same role again; `void`: it gives nothing here. */
  readonly outcome: 'wins' | 'same' | 'lower' | 'void';
  readonly why: string;
  /** The grant that it is, where it is one. */
  readonly grant?: GrantFacts;
}

type Claim = Omit<Candidate, 'outcome' | 'why'> & { readonly void?: string };

/**
 * All candidates, in the order in which a decision looks at them. The one that wins is the one that an evaluation names as
 * its reason; sessions are left out of account.
 */
export function explainAccess(facts: AccessFacts): readonly Candidate[] {
  const { role } = resolveStanding(facts);
  let won = false;
  const closed = facts.closed ? 'The organization has been closed' : undefined;
  return claimsOf(facts).map(({ void: own, ...claim }): Candidate => {
    const why = own ?? closed;
    if (why !== undefined) return { ...claim, outcome: 'void', why };
    if (claim.role !== role) return { ...claim, outcome: 'lower', why: 'Another source gives the role Admin' };
    if (won)
      return {
        ...claim,
        outcome: 'same',
        why: 'It gives the same role; were the one that wins taken away, it would stay',
      };
    won = true;
    return { ...claim, outcome: 'wins', why: 'The effective role comes from it' };
  });
}

/** What could give a role, each with why it does not, where it does not. */
function claimsOf({ member, resource, adminAccess, grants }: AccessFacts): readonly Claim[] {
  if (!member) {
    return grants.map((grant): Claim => {
      if (resource?.kind !== 'project')
        return claim(grant, grant.role, 'A collaborator from outside has no right in the organization');
      if (grant.source === 'manual') return claim(grant, grant.role);
      return claim(grant, grant.role, 'The person is no member of the organization, without which it is worth nothing');
    });
  }
  const suspended = member.status === 'suspended' ? 'The person is a suspended member of the organization' : undefined;
  const own: Claim = { source: member.owner ? 'owner' : 'organization_role', role: member.role };
  if (resource?.kind !== 'project') return [withVoid(own, suspended)];
  const { isDefault } = resource;
  const given = grants.map((grant) => {
    const why = suspended ?? (countsForMember(grant, isDefault) ? undefined : followsOrganization);
    return claim(grant, member.role === 'admin' ? 'admin' : grant.role, why);
  });
  const inherits = member.role === 'admin' && adminAccess === 'all';
  const byDefault: Claim[] = isDefault ? [{ source: 'default_project', role: member.role }] : [];
  const first = inherits ? [own, ...byDefault] : [...byDefault, withVoid(own, notInherited(member.role))];
  return [...first.map((one) => withVoid(one, one.void ?? suspended)), ...given];
}

const followsOrganization = 'In the default project the role of a member follows the organization role';

function notInherited(role: Role): string {
  return role === 'admin'
    ? 'Admins of this organization have access only to the projects that they have joined (adminAccess)'
    : 'A Member of the organization has access to no project but the default one until added or mapped';
}

const claim = (grant: GrantFacts, role: Role, why?: string): Claim =>
  withVoid({ source: grant.source, role, grant }, why);

const withVoid = (one: Claim, why: string | undefined): Claim => (why === undefined ? one : { ...one, void: why });
