/** The one decision of the product: may this account, or this key, do that, here, and why (PERM-1…5, MEM-1, PRJ-2, PRJ-5, PRJ-6, KEY-2, RES-1). */
import type { KeyState } from './apiKeys.ts';
import {
  goesOnArchived,
  higherRole,
  isPermission,
  type Permission,
  permissionScope,
  type Role,
  rolesFor,
} from './permissions.ts';
import { isAskedOn, type ResourceType, resourceTypes } from './resourceTypes.ts';
import type { Worth } from './sessionWorth.ts';

/** A thing that permissions are asked on. */
export interface ResourceRef {
  readonly kind: 'organization' | 'project';
  readonly id: string;
  /** It is asked on a resource of this type that is registered in the project, whose permissions alone fit (RES-1). */
  readonly registered?: ResourceType;
}

/** One grant on the resource. `grantedBy` of a mapping's grant is `group:<id of the directory group>`. */
export interface GrantFacts {
  readonly role: Role;
  readonly source: 'manual' | 'mapping' | 'creator';
  readonly sourceId: string;
  readonly grantedBy: string;
}

/** A project as a decision sees it. */
export interface ProjectRef {
  readonly kind: 'project';
  readonly isDefault: boolean;
  readonly archived?: boolean;
  /** As in a `ResourceRef`. */
  readonly registered?: ResourceType;
}

/** All that a decision depends on. */
export interface AccessFacts {
  /** Absent where there is no such resource. */
  readonly resource?: { readonly kind: 'organization' } | ProjectRef;
  /** The account's membership of the resource's organization; absent where the account is no member. */
  readonly member?: { readonly role: Role; readonly status: 'active' | 'suspended'; readonly owner: boolean };
  /** The resource's organization is closed (ORG-2). */
  readonly closed?: boolean;
  /** The organization's setting of PRJ-5. */
  readonly adminAccess: 'all' | 'joined';
  /** The account's grants on this project; on an organization, for one who is no member: on any of its projects. */
  readonly grants: readonly GrantFacts[];
  /** What the session that asks is worth in the organization (SSO-5); absent where none asks. */
  readonly worth?: Worth;
}

/** Where an effective role comes from. */
type Via = 'owner' | 'organization_role' | 'default_project' | 'grant' | 'external' | 'key';

/** Stable codes of the AuthZEN answer's reason; the first line allow (or fall short of the permission's role), the others deny. */
export type ReasonCode =
  | 'owner'
  | 'organization_admin'
  | 'organization_member'
  | 'default_project'
  | 'granted_manually'
  | 'granted_by_mapping'
  | 'granted_as_creator'
  | 'external_collaborator'
  | 'key_of_project'
  | 'role_insufficient'
  | 'member_suspended'
  | 'not_a_member'
  | 'external_without_organization_role'
  | 'project_not_joined'
  | 'no_project_access'
  | 'key_of_other_project'
  | 'key_without_organization_role'
  | 'key_revoked'
  | 'key_expired'
  | 'project_archived'
  | 'organization_closed'
  | 'session_ended'
  | 'step_up_required'
  | 'unknown_permission'
  | 'unknown_resource'
  | 'unknown_subject'
  | 'permission_not_for_resource';

/** An effective role and the source that gives it. */
export interface Standing {
  readonly role: Role;
  readonly via: Via;
  readonly reason: ReasonCode;
  /** The source in words, for people. */
  readonly message: string;
}

/** Why an account has no role at all. */
export interface NoStanding {
  readonly role?: undefined;
  readonly reason: ReasonCode;
  readonly message: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: ReasonCode;
  readonly message: string;
  readonly role?: Role;
  readonly via?: Via;
}

const roleName: Readonly<Record<Role, string>> = { admin: 'Admin', member: 'Member' };

/** A refusal whose reason is no role of the account: also for those who must answer before there are facts. */
export function deny(reason: ReasonCode, message: string): Decision {
  return { allowed: false, reason, message };
}

/**
 * Whether the account of these facts has `permission`. Anything unknown denies with its own reason; nothing throws.
 */
export function decideAccess(facts: AccessFacts, permission: string): Decision {
  const asked = readQuestion(facts.resource, permission);
  if (typeof asked !== 'string') return asked;
  const standing = resolveStanding(facts);
  if (standing.role === undefined) return deny(standing.reason, standing.message);
  if (facts.worth === 'step_up') {
    return deny('step_up_required', 'The organization asks for a sign-in of its own: sign in there, and repeat this');
  }
  const decision = decideByRole(standing, asked);
  if (!decision.allowed || facts.resource?.kind !== 'project' || !facts.resource.archived) return decision;
  if (goesOnArchived(asked)) return decision;
  return deny('project_archived', 'The project is archived: one can read what is there and take it away');
}

/** All that a decision about an API key depends on. */
export interface KeyFacts {
  /** Absent where there is no such resource. `own`: the project that the key belongs to. */
  readonly resource?:
    | { readonly kind: 'organization' }
    | { readonly kind: 'project'; readonly own: boolean; readonly registered?: ResourceType };
  readonly state: KeyState;
}

/**
 * Whether the API key of these facts has `permission`: in its own project what a Member has, and nothing in any other or
 * on an organization (KEY-2). Whoever made it, and what became of them, says nothing here (KEY-1).
 */
export function decideKeyAccess({ resource, state }: KeyFacts, permission: string): Decision {
  const asked = readQuestion(resource, permission);
  if (typeof asked !== 'string') return asked;
  if (state !== 'live') return deadKeys[state];
  if (resource?.kind !== 'project') {
    return deny('key_without_organization_role', 'A key belongs to a project: it has no right in an organization');
  }
  if (!resource.own) return deny('key_of_other_project', 'The key belongs to another project');
  const message = 'API key of the project';
  return decideByRole({ role: 'member', via: 'key', reason: 'key_of_project', message }, asked);
}

const deadKeys: Readonly<Record<Exclude<KeyState, 'live'>, Decision>> = {
  revoked: deny('key_revoked', 'The key has been revoked'),
  expired: deny('key_expired', 'The key has expired'),
  project_archived: deny('project_archived', 'The project of the key is archived'),
  organization_closed: deny('organization_closed', 'The organization of the key is closed'),
};

/** The permission, or why nobody can have it: there is none of this name, or not on this, or there is no such resource. */
function readQuestion(
  resource: Pick<ResourceRef, 'kind' | 'registered'> | undefined,
  permission: string,
): Permission | Decision {
  if (!isPermission(permission))
    return deny('unknown_permission', `There is no permission ${JSON.stringify(permission)}`);
  if (resource === undefined) return deny('unknown_resource', 'There is no such organization or project');
  const { kind, registered } = resource;
  if (registered ? isAskedOn(registered, permission) : permissionScope(permission) === kind) return permission;
  const here = registered ? named(registered) : `the ${kind}`;
  return deny('permission_not_for_resource', `${permission} is asked on ${placesOf(permission)}, not on ${here}`);
}

/** In words, on what a permission is asked: an organization, a project, or also what is registered in one. */
function placesOf(permission: Permission): string {
  const types = resourceTypes.filter((type) => isAskedOn(type, permission)).map(named);
  return [`the ${permissionScope(permission)}`, ...types].join(' or ');
}

const named = (type: ResourceType): string => (type === 'evaluation' ? `an ${type}` : `a ${type}`);

function decideByRole({ role, via, reason, message }: Standing, permission: Permission): Decision {
  if (rolesFor(permission).includes(role)) {
    return { allowed: true, reason, message: `${roleName[role]}: ${message}`, role, via };
  }
  const told = `${permission} needs the role Admin; the role here is ${roleName[role]}: ${message}`;
  return { allowed: false, reason: 'role_insufficient', message: told, role, via };
}

/**
 * The effective role on a resource: the highest that any source gives, and that source (MAP-2). A member who is not
 * active has none and never counts as external (MEM-1). In a closed organization nobody has one (ORG-2).
 */
export function resolveStanding(facts: AccessFacts): Standing | NoStanding {
  const standing = standingWhileOpen(facts);
  if (standing.role === undefined || !facts.closed) return standing;
  return none('organization_closed', 'The organization has been closed');
}

function standingWhileOpen(facts: AccessFacts): Standing | NoStanding {
  const { member, resource } = facts;
  if (resource === undefined) return none('unknown_resource', 'There is no such organization or project');
  if (facts.worth === 'ended') return none('session_ended', 'The session has been ended in this organization');
  if (member?.status === 'suspended') {
    return none('member_suspended', 'The person is a suspended member of the organization');
  }
  if (resource.kind === 'organization') return member ? organizationStanding(member) : outside(facts.grants);
  if (!member) return externalStanding(facts.grants);
  return (
    highest([
      ...inherited(member, facts.adminAccess, resource.isDefault),
      ...countingGrants(facts.grants, resource.isDefault).map((one) => grantStanding(one, joinedRole(member, one))),
    ]) ??
    (member.role === 'admin'
      ? none('project_not_joined', 'Admins of this organization have access only to the projects that they have joined')
      : none('no_project_access', 'The person is a member of the organization, but not a collaborator of the project'))
  );
}

const none = (reason: ReasonCode, message: string): NoStanding => ({ reason, message });

type MemberFacts = NonNullable<AccessFacts['member']>;

function organizationStanding(member: MemberFacts): Standing {
  if (member.owner) return { role: 'admin', via: 'owner', reason: 'owner', message: 'Owner of the organization' };
  return member.role === 'admin'
    ? { role: 'admin', via: 'organization_role', reason: 'organization_admin', message: 'Admin of the organization' }
    : {
        role: 'member',
        via: 'organization_role',
        reason: 'organization_member',
        message: 'Member of the organization',
      };
}

/** An External Collaborator has no organization-level right (PRJ-6). */
function outside(grants: readonly GrantFacts[]): NoStanding {
  return grants.some(isExternalGrant)
    ? none('external_without_organization_role', 'An External Collaborator has no right in the organization itself')
    : none('not_a_member', 'The person is not a member of the organization');
}

/**
 * What a member has in a project without any grant: PRJ-5 for Admins, PRJ-2 in the default project. Where Admins must
 * join, so must the Owner, who is an Admin like the others here and can always change the setting.
 */
function inherited(member: MemberFacts, adminAccess: 'all' | 'joined', isDefault: boolean): Standing[] {
  if (member.role === 'admin' && adminAccess === 'all') return [organizationStanding(member)];
  if (!isDefault) return [];
  const message = 'every member of the organization has access to its default project';
  return [{ role: member.role, via: 'default_project', reason: 'default_project', message }];
}

/**
 * What a member's grants are worth: in the default project the role follows the organization role, whatever people have been
 * given there by hand, as External Collaborators, before they became members (PRJ-2).
 */
export const countsForMember = ({ source }: Pick<GrantFacts, 'source'>, inDefaultProject: boolean): boolean =>
  !inDefaultProject || source === 'mapping';

const countingGrants = (grants: readonly GrantFacts[], inDefaultProject: boolean): readonly GrantFacts[] =>
  grants.filter((grant) => countsForMember(grant, inDefaultProject));

/** An organization Admin who has joined a project is Admin there whatever role they were added with (PRJ-5). */
const joinedRole = (member: MemberFacts, grant: GrantFacts): Role => (member.role === 'admin' ? 'admin' : grant.role);

function grantStanding(grant: GrantFacts, role: Role): Standing {
  switch (grant.source) {
    case 'creator':
      return { role, via: 'grant', reason: 'granted_as_creator', message: 'creator of the project' };
    case 'manual':
      return { role, via: 'grant', reason: 'granted_manually', message: `added by ${grant.grantedBy}` };
    case 'mapping': {
      const message = `mapping ${grant.sourceId} of ${grant.grantedBy.replace(':', ' ')}`;
      return { role, via: 'grant', reason: 'granted_by_mapping', message };
    }
  }
}

/** Only what was added by hand makes somebody external: a mapping's or creator's grant is worth nothing without membership. */
const isExternalGrant = (grant: GrantFacts): boolean => grant.source === 'manual';

function externalStanding(grants: readonly GrantFacts[]): Standing | NoStanding {
  const standings = grants.filter(isExternalGrant).map(
    (grant): Standing => ({
      role: grant.role,
      via: 'external',
      reason: 'external_collaborator',
      message: `External Collaborator, added by ${grant.grantedBy}`,
    }),
  );
  return (
    highest(standings) ??
    none(
      'not_a_member',
      'The person is neither a member of the organization nor an External Collaborator of the project',
    )
  );
}

/** The first of those with the highest role. */
function highest(standings: readonly Standing[]): Standing | undefined {
  const role = standings.reduce<Role | undefined>((best, standing) => higherRole(best, standing.role), undefined);
  return standings.find((standing) => standing.role === role);
}
