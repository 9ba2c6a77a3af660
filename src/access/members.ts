/** Memberships: who belongs to an organization, as what, and since which source (MEM-1, MEM-3, MEM-5). */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import type { Grant, Member, ReadStore, Transaction } from '../store/index.ts';
import { lockAccount } from './accounts.ts';
import { insertBlock, refuseBlocked } from './blocks.ts';
import { findGrants, isByHand, removeGrants } from './grants.ts';
import { meetInvitations } from './invitationRoles.ts';
import { revokeInvitationsBy, revokeInvitationsOf } from './invitations.ts';
import { giveManualAdmin, refreshMemberRole } from './memberRole.ts';
import { endOfferTo } from './offerEnd.ts';
import { decideOwnerChange, isOwner, notOwner, type OwnerChange } from './owner.ts';
import type { Role } from './permissions.ts';
import { endSessionsIn } from './sessions.ts';

/** What a member shows of the directory's data on the person (ACC-1). */
export type MemberProfile = NonNullable<Member['profile']>;

/** The member; throws `not_found`, also for a member of another organization. */
export async function getMember(reads: ReadStore, organizationId: string, memberId: string): Promise<Member> {
  const member = await reads.members.get(organizationId, memberId);
  if (!member) throw new AppError('not_found', `There is no member ${memberId} in this organization`);
  return member;
}

/** The membership of an account, whatever its status. */
export function findMember(reads: ReadStore, organizationId: string, accountId: string): Promise<Member | undefined> {
  return reads.members.findOne(organizationId, { accountId });
}

/** The one member who is the Owner. */
export function findOwner(reads: ReadStore, organizationId: string): Promise<Member | undefined> {
  return reads.members.findOne(organizationId, { owner: true });
}

export interface NewMember {
  readonly accountId: string;
  readonly source: Exclude<Member['source'], 'owner'>;
  /** Admin is given as a manual organization grant; Member where absent. */
  readonly role?: Role | undefined;
  readonly directoryId?: string | undefined;
  readonly directoryUserId?: string | undefined;
  readonly profile?: MemberProfile | undefined;
  /** Addresses that an IdP tells of the person, besides the profile's. */
  readonly told?: readonly string[] | undefined;
}

/**
 * Makes an account a member, active at once; what it had as an External Collaborator stays, but in the default project.
 * Throws `not_found` (no such account), `already_a_member`, `member_suspended`, `member_blocked`.
 */
export async function addMember(tx: Transaction, organizationId: string, input: NewMember): Promise<Member> {
  const account = await lockAccount(tx, input.accountId);
  const existing = await findMember(tx, organizationId, account._id);
  if (existing?.status === 'suspended') {
    const message =
      'This person is a suspended member of the organization: the identity provider lets them in again; else remove the member first';
    throw new AppError('member_suspended', message, { details: { memberId: existing._id } });
  }
  if (existing) {
    throw new AppError('already_a_member', 'This person is a member of the organization already', {
      details: { memberId: existing._id },
    });
  }
  await refuseBlocked(tx, organizationId, account._id);
  return insertMember(tx, organizationId, input);
}

/**
 * The same for an account of which the caller has seen, in this transaction, that it exists and is no member. Where a race
 * has made it one since, the unique index says so. Pending invitations of the person end, and give what they name (MEM-2). What the
 * person was given by hand in the default project ends: from now on their role there follows the organization role (PRJ-2).
 */
export async function insertMember(tx: Transaction, organizationId: string, input: NewMember): Promise<Member> {
  const { accountId, source, directoryId, directoryUserId, profile } = input;
  const role = input.role ?? 'member';
  const member = await tx.members.insert(organizationId, {
    _id: newId('member'),
    organizationId,
    accountId,
    role,
    status: 'active',
    source,
    ...(directoryId && { directoryId }),
    ...(directoryUserId && { directoryUserId }),
    ...(profile && { profile }),
  });
  await recordAudit(tx, organizationId, {
    type: 'member.added',
    targetKind: 'member',
    targetId: member._id,
    after: { accountId, role, status: 'active', source },
  });
  await leaveDefaultProjectToRole(tx, member);
  if (role === 'admin') await giveManualAdmin(tx, organizationId, accountId, []);
  await meetInvitations(tx, member, [...(profile?.email === undefined ? [] : [profile.email]), ...(input.told ?? [])]);
  return member;
}

async function leaveDefaultProjectToRole(tx: Transaction, { organizationId, accountId }: Member): Promise<void> {
  const grants = await findGrants(tx, organizationId, { accountId });
  // Only a former External Collaborator has any: one read for everybody else.
  if (grants.length === 0) return;
  const project = await tx.projects.findOne(organizationId, { isDefault: true });
  const there = grants.filter(({ targetId }) => targetId === project?._id);
  await removeGrants(tx, organizationId, there.filter(isByHand));
}

/**
 * Gives a member an organization role by hand. Admin is recorded as a manual grant also where a mapping gives it
 * already, so that it outlives the mapping (MAP-2); asked for again, it changes nothing, nor does it for the Owner.
 * Throws `not_found`, `owner_protected` (OWN-1), and `role_from_mapping` where a mapping gives Admin: only the mapping
 * or its group can take that away (MAP-2).
 */
export async function changeMemberRole(
  tx: Transaction,
  organizationId: string,
  memberId: string,
  role: Role,
): Promise<Member> {
  const member = await getMember(tx, organizationId, memberId);
  if (role === 'admin' && isOwner(member)) return member;
  await tx.members.lock(organizationId, memberId);
  const { accountId } = member;
  const grants = await findGrants(tx, organizationId, { accountId, targetId: organizationId });
  if (role === 'admin') {
    if (!(await giveManualAdmin(tx, organizationId, accountId, grants))) return member;
  } else {
    refuseOwner(member, 'demote');
    refuseMapped(grants, 'member');
    await removeGrants(tx, organizationId, grants);
  }
  return (await refreshMemberRole(tx, organizationId, accountId)) ?? member;
}

/** Throws `role_from_mapping`, naming the mappings, where mapped grants hold a higher role than `role` (MAP-2). */
export function refuseMapped(grants: readonly Grant[], role: Role): void {
  const holders = grants.filter((grant) => grant.source === 'mapping' && grant.role === 'admin');
  if (role === 'admin' || holders.length === 0) return;
  throw roleFromMapping(holders, 'Admin');
}

/** The refusal to take away by hand what mappings give: names each mapping and its group. */
export function roleFromMapping(holders: readonly Grant[], what: string): AppError {
  const names = holders.map((grant) => `${grant.sourceId} (${grant.grantedBy.replace(':', ' ')})`).join(', ');
  const advice = 'Change the mapping, or take the person out of the group at the identity provider';
  return new AppError('role_from_mapping', `${what} comes from mapping ${names}. ${advice}.`, {
    details: { mappings: holders.map((grant) => grant.sourceId) },
  });
}

/**
 * Ends a membership: every grant, session and pending invitation in the organization goes with it, at once (MEM-3), those that the
 * person sent too, and so does the ownership that the person was offered; what they made stays. With `block` nobody brings them back until they are unblocked
 * (MEM-4). Answers the member as it was. Throws `not_found`, `owner_protected`.
 */
export async function removeMember(
  tx: Transaction,
  organizationId: string,
  memberId: string,
  { block = false }: { readonly block?: boolean | undefined } = {},
): Promise<Member> {
  const member = await getMember(tx, organizationId, memberId);
  refuseOwner(member, 'remove');
  const { accountId, role, status, source } = member;
  await removeGrants(tx, organizationId, await findGrants(tx, organizationId, { accountId }));
  refuseUnless(await tx.members.remove(organizationId, { _id: memberId, ...notOwner() }));
  await endSessionsIn(tx, organizationId, accountId);
  await revokeInvitationsOf(tx, member);
  if (role === 'admin') await revokeInvitationsBy(tx, organizationId, accountId);
  await endOfferTo(tx, member, 'is no longer a member');
  if (block) await insertBlock(tx, member);
  await recordAudit(tx, organizationId, {
    type: 'member.removed',
    targetKind: 'member',
    targetId: memberId,
    before: { accountId, role, status, source },
  });
  return member;
}

/**
 * Denies a member everything in the organization, at once, and ends their sessions there (MEM-1, MEM-5), and an offer of the
 * ownership to them (OWN-4). Grants are kept for the return. A suspended member stays as they are. Throws `not_found`, `owner_protected`.
 */
export async function suspendMember(tx: Transaction, organizationId: string, memberId: string): Promise<Member> {
  const member = await getMember(tx, organizationId, memberId);
  refuseOwner(member, 'suspend');
  if (member.status === 'suspended') return member;
  const suspended = await changeStatus(tx, member, 'suspended');
  await endSessionsIn(tx, organizationId, member.accountId);
  await endOfferTo(tx, member, 'is suspended');
  return suspended;
}

/** Ends a suspension: membership, mapped roles and manual grants are worth again what they were (MEM-5). Throws `not_found`. */
export async function reactivateMember(tx: Transaction, organizationId: string, memberId: string): Promise<Member> {
  const member = await getMember(tx, organizationId, memberId);
  return member.status === 'active' ? member : changeStatus(tx, member, 'active');
}

async function changeStatus(tx: Transaction, member: Member, status: Member['status']): Promise<Member> {
  const { organizationId, _id } = member;
  const changed = await tx.members.updateOne(organizationId, { _id, ...notOwner() }, { $set: { status } });
  if (!changed) throw changedMeanwhile();
  await recordAudit(tx, organizationId, {
    type: status === 'suspended' ? 'member.suspended' : 'member.reactivated',
    targetKind: 'member',
    targetId: _id,
    before: { status: member.status },
    after: { status, accountId: member.accountId },
  });
  return changed;
}

function refuseOwner(member: Member, change: OwnerChange): void {
  const refusal = decideOwnerChange(member, change);
  if (refusal) throw refusal;
}

function refuseUnless(changed: number): void {
  if (changed === 0) throw changedMeanwhile();
}

const changedMeanwhile = () => new AppError('stale', 'The member was changed by somebody else meanwhile: try again');
