/** Collaborators: who works in a project, by hand or by mapping, members and External Collaborators (PRJ-4, PRJ-6, MAP-2). */
import { AppError } from '../errors.ts';
import type { Grant, Member, Project, Transaction } from '../store/index.ts';
import { findAccountByProvenEmail, lockAccount } from './accounts.ts';
import { refuseBlocked } from './blocks.ts';
import { changeGrantRole, findGrants, insertGrant, isByHand, removeGrants } from './grants.ts';
import { findMember, refuseMapped, roleFromMapping } from './members.ts';
import { higherRole, type Role } from './permissions.ts';
import { lockOpenProject, lockProject } from './projects.ts';

export interface NewCollaborator {
  /** The account must exist: an account with this address proven (ACC-2). */
  readonly email: string;
  /** Member where absent. Kept as it is asked for; an organization Admin is Admin with any, for as long as they are one (PRJ-5). */
  readonly role?: Role | undefined;
  /** Says that the person is known to be from outside the organization. */
  readonly external?: boolean | undefined;
  /** Says that an External Collaborator asks: see `tellOutsider`. */
  readonly fromOutside?: boolean | undefined;
}

/**
 * Adds somebody to a project, at once (PRJ-4). Answers the grant.
 * Throws `not_found` (no such project here), `project_archived`, `account_not_found`, `member_suspended`, `member_blocked` (MEM-4),
 * `not_organization_member` (from outside, and not said to be external), `already_a_member` (said to be external, but a member),
 * `default_project_protected` (a member has access already), `already_a_collaborator`.
 */
export async function addCollaborator(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  input: NewCollaborator,
): Promise<Grant> {
  const project = await lockOpenProject(tx, organizationId, projectId);
  return input.fromOutside
    ? tellOutsider(addTo(tx, project, input), () => notAddable(input.email))
    : addTo(tx, project, input);
}

async function addTo(tx: Transaction, project: Project, input: NewCollaborator): Promise<Grant> {
  const { organizationId, _id: projectId } = project;
  const account = await findAccountByProvenEmail(tx, input.email);
  if (!account) {
    const message = `There is no account with the address ${input.email}: the person must have an account first`;
    throw new AppError('account_not_found', message);
  }
  const accountId = account._id;
  await lockAccount(tx, accountId);
  const member = await lockMember(tx, organizationId, accountId);
  if (!member) await refuseBlocked(tx, organizationId, accountId);
  refuseAddition(project, member, input);
  const existing = (await findGrants(tx, organizationId, { accountId, targetId: projectId })).filter(isByHand);
  if (existing.length > 0) throw new AppError('already_a_collaborator', 'This person is a collaborator already');
  return insertGrant(tx, organizationId, {
    accountId,
    target: 'project',
    targetId: projectId,
    role: input.role ?? 'member',
    source: 'manual',
    grantedBy: tx.cause.actor,
  });
}

function refuseAddition(project: Project, member: Member | undefined, { email, external }: NewCollaborator): void {
  if (!member && external !== true) {
    const message = `${email} is not a member of the organization: add them as an External Collaborator (external: true)`;
    throw new AppError('not_organization_member', message);
  }
  if (!member) return;
  if (member.status === 'suspended') {
    throw new AppError('member_suspended', `${email} is a suspended member of the organization`);
  }
  if (external === true) {
    throw new AppError('already_a_member', `${email} is a member of the organization, not external`);
  }
  if (project.isDefault) {
    throw new AppError(
      'default_project_protected',
      'Every member of the organization has access to the default project',
    );
  }
}

/** What tells who is a member of the organization, suspended or blocked. */
const telling: ReadonlySet<string> = new Set([
  'account_not_found',
  'not_organization_member',
  'already_a_member',
  'member_suspended',
  'member_blocked',
  'default_project_protected',
]);

/**
 * An External Collaborator who is Admin of the project adds and changes people like any Admin (PRJ-4), but has no member
 * list (PRJ-6): all that speaks of the organization is refused to them in the same words, whoever is meant; and there is
 * nothing for them but what was given by hand, which they change also where a mapping or the organization gives more. What remains
 * visible is whom they have added, for every collaborator is marked as external or not: it takes an addition, which is
 * audited and which everybody in the project sees, and no refusal.
 */
async function tellOutsider<T>(work: Promise<T>, refusal: () => AppError): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof AppError && telling.has(error.code) ? refusal() : error;
  }
}

const notAddable = (email: string): AppError =>
  new AppError(
    'account_not_found',
    `${email} cannot be added so: the person must have an account, and somebody from outside the organization is added with external: true. An Admin of the organization can say more`,
  );

/**
 * Gives a collaborator a role by hand. It is recorded also where a mapping gives the same, so that it outlives the
 * mapping (MAP-2); given by hand already, it changes nothing. Throws `not_found` (no such project or collaborator), `project_archived`,
 * `role_from_mapping` (MAP-2), `role_from_organization` (an organization Admin is Admin here, PRJ-5),
 * `default_project_protected` (the role of a member follows the organization role, PRJ-2).
 */
export async function changeCollaboratorRole(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  accountId: string,
  role: Role,
  options: Asker = {},
): Promise<readonly Grant[]> {
  await lockOpenProject(tx, organizationId, projectId);
  return changeRole(tx, organizationId, projectId, accountId, role, options);
}

/** Who asks: with `fromOutside` an External Collaborator (PRJ-6), for whom there is only what was given by hand. */
interface Asker {
  readonly fromOutside?: boolean;
}

async function changeRole(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  accountId: string,
  role: Role,
  options: Asker,
): Promise<readonly Grant[]> {
  const { project, member, grants } = await loadCollaborator(tx, organizationId, projectId, accountId, options);
  if (member && project.isDefault) {
    throw new AppError('default_project_protected', 'In the default project a role follows the organization role');
  }
  // To somebody from outside the refusal would tell who is an Admin of the organization: they lower what was given here.
  if (member?.role === 'admin' && role === 'member' && !options.fromOutside) throw roleFromOrganization();
  refuseMapped(grants, role);
  const byHand = grants.filter(isByHand);
  const given = byHand.reduce<Role | undefined>((best, grant) => higherRole(best, grant.role), undefined);
  if (given === role) return grants;
  const manual = grants.find((grant) => grant.source === 'manual');
  if (manual) await changeGrantRole(tx, organizationId, manual, role);
  else {
    const target = { target: 'project', targetId: projectId } as const;
    await insertGrant(tx, organizationId, { accountId, ...target, role, source: 'manual', grantedBy: tx.cause.actor });
  }
  const higher = grants.filter((grant) => grant.source === 'creator' && role === 'member');
  await removeGrants(tx, organizationId, higher);
  return findGrants(tx, organizationId, { accountId, targetId: projectId });
}

export interface RemovedCollaborator {
  readonly removed: readonly Grant[];
  /** What mappings still give: the person keeps that access. */
  readonly remaining: readonly Grant[];
}

/**
 * Takes away what a collaborator was given by hand, at once (PRJ-7); what a mapping gives stays and is answered (MAP-2).
 * Throws `not_found`, `default_project_protected` (PRJ-2); where nothing was given by hand, `role_from_mapping`, or
 * `role_from_organization` for an Admin who has never been added (PRJ-5).
 */
export async function removeCollaborator(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  accountId: string,
  options: Asker = {},
): Promise<RemovedCollaborator> {
  const { project, member, grants } = await loadCollaborator(tx, organizationId, projectId, accountId, options);
  if (member && project.isDefault) {
    throw new AppError('default_project_protected', 'A member cannot be taken out of the default project');
  }
  const removed = grants.filter(isByHand);
  const remaining = grants.filter((grant) => !isByHand(grant));
  if (removed.length === 0) throw roleFromMapping(remaining, 'The access of this person');
  await removeGrants(tx, organizationId, removed);
  return { removed, remaining };
}

async function loadCollaborator(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  accountId: string,
  { fromOutside = false }: Asker,
) {
  const project = await lockProject(tx, organizationId, projectId);
  const member = await lockMember(tx, organizationId, accountId);
  const given = await findGrants(tx, organizationId, { accountId, targetId: projectId });
  const grants = fromOutside ? given.filter((grant) => isByHand(grant) && !(member && project.isDefault)) : given;
  if (grants.length > 0 || (member && project.isDefault && !fromOutside)) return { project, member, grants };
  if (!fromOutside && member?.role === 'admin' && (await inheritAccess(tx, organizationId)))
    throw roleFromOrganization();
  throw new AppError('not_found', 'This person is not a collaborator of the project');
}

/** Whether Admins of the organization are Admin in its projects without having joined them (PRJ-5). */
async function inheritAccess(tx: Transaction, organizationId: string): Promise<boolean> {
  const organization = await tx.organizations.get(organizationId, organizationId);
  return organization?.settings.adminAccess === 'all';
}

const roleFromOrganization = () =>
  new AppError(
    'role_from_organization',
    'This person is an Admin of the organization, and therefore Admin in its projects: change their organization role',
  );

/** The membership must neither end nor be suspended while it is relied on; undefined for somebody from outside. */
async function lockMember(tx: Transaction, organizationId: string, accountId: string): Promise<Member | undefined> {
  const member = await findMember(tx, organizationId, accountId);
  return member && tx.members.lock(organizationId, member._id);
}
