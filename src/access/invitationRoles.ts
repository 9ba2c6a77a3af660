/** What invited people are given, whichever way they come in: by the link, or brought by a directory or an IdP (MEM-2). */
import { AppError } from '../errors.ts';
import { caseKey } from '../lib/text.ts';
import type { Invitation, Member, ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails } from './accounts.ts';
import { evaluate } from './evaluate.ts';
import { changeGrantRole, findGrants, insertGrant } from './grants.ts';
import { closeInvitation, inviterAccountOf, rolesOf } from './invitations.ts';
import { giveManualAdmin, refreshMemberRole } from './memberRole.ts';

/**
 * Whether an invitation still has somebody behind it: the operator, or a person who may invite to this day. What an Admin
 * sent before they were suspended, demoted or removed lets nobody in. The refusal is what the invited person reads.
 */
export async function decideInviter(reads: ReadStore, invitation: Invitation): Promise<AppError | undefined> {
  const accountId = inviterAccountOf(invitation);
  if (accountId === undefined) return undefined;
  const resource = { kind: 'organization', id: invitation.organizationId } as const;
  if ((await evaluate(reads, { accountId, permission: 'member.invite', resource })).allowed) return undefined;
  return new AppError(
    'invitation_closed',
    'Whoever sent this invitation may no longer invite to the organization: ask one of its Admins for a new one',
  );
}

/** Whether whoever stands for the invitation may add people to this project to this day. */
async function mayGive(reads: ReadStore, invitation: Invitation, id: string): Promise<boolean> {
  const accountId = inviterAccountOf(invitation);
  if (accountId === undefined) return true;
  const resource = { kind: 'project', id } as const;
  const { allowed, reason } = await evaluate(reads, { accountId, permission: 'collaborator.add', resource });
  // it has been archived since: the role is worth something again when the project is
  return allowed || reason === 'project_archived';
}

/**
 * Gives a member what an invitation names, as manual grants of whoever has invited them: they outlive every mapping (MAP-2).
 * Projects that are gone, or that those no longer add people to, are passed over; what the person was given there by hand before is raised, never lowered (MAP-2).
 */
export async function giveInvitedRoles(tx: Transaction, member: Member, invitation: Invitation): Promise<void> {
  const { organizationId, accountId } = member;
  const { invitedBy: grantedBy } = invitation;
  const { role, projects } = rolesOf(invitation);
  await tx.members.lock(organizationId, member._id);
  if (role === 'admin') {
    const grants = await findGrants(tx, organizationId, { accountId, targetId: organizationId });
    await giveManualAdmin(tx, organizationId, accountId, grants, grantedBy);
    await refreshMemberRole(tx, organizationId, accountId);
  }
  for (const { projectId: targetId, role: invited } of projects) {
    const project = await tx.projects.lock(organizationId, targetId);
    if (!project || project.isDefault || !(await mayGive(tx, invitation, targetId))) continue;
    const given = await findGrants(tx, organizationId, { accountId, targetId });
    const manual = given.find(({ source }) => source === 'manual');
    if (manual) {
      if (invited === 'admin') await changeGrantRole(tx, organizationId, manual, invited, grantedBy);
      continue;
    }
    await insertGrant(tx, organizationId, {
      accountId,
      target: 'project',
      targetId,
      role: invited,
      source: 'manual',
      grantedBy,
    });
  }
}

/**
 * What the pending invitations of somebody mean who has just become a member by another way. One to an address that the
 * account has proven ends, and its roles are given: the person is adopted, once. One to an address that is only said of them
 * (`told`: outside of the verified domains an IdP's word proves none) goes on waiting for its link, which then leads to this
 * membership, and gives nothing before. One that nobody stands behind any more gives nothing.
 */
export async function meetInvitations(tx: Transaction, member: Member, told: readonly string[]): Promise<void> {
  const { organizationId, accountId } = member;
  // One read where nobody is invited, which is nearly always.
  if (!(await tx.invitations.findOne(organizationId, { state: 'pending' }))) return;
  const emails = await findAccountEmails(tx, accountId);
  const proven = new Set(emails.filter((email) => email.proven).map(({ emailKey }) => emailKey));
  const keys = [...new Set([...emails.map(({ emailKey }) => emailKey), ...told.map(caseKey)])];
  const pending = await tx.invitations.find(organizationId, { state: 'pending', emailKey: { $in: keys } });
  for (const invitation of pending.filter(({ expiresAt }) => tx.at < expiresAt)) {
    if (proven.has(invitation.emailKey)) {
      if (await decideInviter(tx, invitation)) continue;
      await closeInvitation(tx, invitation, 'adopted', member._id);
      await giveInvitedRoles(tx, member, invitation);
    } else if (invitation.memberId !== member._id) {
      await tx.invitations.updateOne(organizationId, { _id: invitation._id }, { $set: { memberId: member._id } });
    }
  }
}
