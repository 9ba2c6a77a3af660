/** What invited people are given, whichever way they come in: by the link, or brought by a directory or an IdP (MEM-2). */
import { caseKey } from '../lib/text.ts';
import type { Invitation, Member, Transaction } from '../store/index.ts';
import { findAccountEmails } from './accounts.ts';
import { findGrants, insertGrant } from './grants.ts';
import { closeInvitation, rolesOf } from './invitations.ts';
import { giveManualAdmin, refreshMemberRole } from './memberRole.ts';

/**
 * Gives a member what an invitation names, as manual grants of whoever has invited them: they outlive every mapping (MAP-2).
 * Projects that are gone are passed over; what the person was given there by hand before stays.
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
    if (!project || project.isDefault) continue;
    const given = await findGrants(tx, organizationId, { accountId, targetId });
    if (given.some(({ source }) => source === 'manual')) continue;
    await insertGrant(tx, organizationId, {
      accountId,
      target: 'project',
      targetId,
      role: role === 'admin' ? 'admin' : invited,
      source: 'manual',
      grantedBy,
    });
  }
}

/**
 * What the pending invitations of somebody mean who has just become a member by another way. One to an address that the
 * account has proven ends, and its roles are given: the person is adopted, once. One to an address that is only said of them
 * (`told`: outside of the verified domains an IdP's word proves none) goes on waiting for its link, which then leads to this
 * membership, and gives nothing before.
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
      await closeInvitation(tx, invitation, 'adopted', member._id);
      await giveInvitedRoles(tx, member, invitation);
    } else if (invitation.memberId !== member._id) {
      await tx.invitations.updateOne(organizationId, { _id: invitation._id }, { $set: { memberId: member._id } });
    }
  }
}
