/** The effective organization role of a member, kept on the member row: the highest organization grant, Admin for the Owner. */
import { recordAudit } from '../events/index.ts';
import type { Grant, Member, Transaction } from '../store/index.ts';
import { findGrants, insertGrant } from './grants.ts';
import { revokeInvitationsBy } from './invitations.ts';
import { endOfferTo } from './offerEnd.ts';
import { decideOwnerChange, isOwner, notOwner } from './owner.ts';
import { higherRole, type Role } from './permissions.ts';

/** Organization roles are grants too (MAP-2); without any, a member is Member; the Owner is always Admin (OWN-1). */
export function resolveMemberRole(member: Member, grants: readonly { readonly role: Role }[]): Role {
  if (isOwner(member)) return 'admin';
  return grants.reduce<Role>((role, grant) => higherRole(role, grant.role) ?? role, 'member');
}

/**
 * Brings `role` on the member row in line with the organization grants; whoever is Admin no longer takes the pending invitations
 * that they sent with them, and the ownership that they were offered (OWN-4). Answers the member as it is now; undefined where
 * the account is no member. Called by whoever has added or taken away an organization grant.
 */
export async function refreshMemberRole(
  tx: Transaction,
  organizationId: string,
  accountId: string,
): Promise<Member | undefined> {
  const member = await tx.members.findOne(organizationId, { accountId });
  if (!member) return undefined;
  const grants = await findGrants(tx, organizationId, { accountId, targetId: organizationId });
  const role = resolveMemberRole(member, grants);
  if (role === member.role) return member;
  const refusal = role === 'member' ? decideOwnerChange(member, 'demote') : undefined;
  if (refusal) throw refusal;
  const changed = await tx.members.updateOne(organizationId, { _id: member._id, ...notOwner() }, { $set: { role } });
  if (!changed) return member;
  await recordAudit(tx, organizationId, {
    type: 'member.role_changed',
    targetKind: 'member',
    targetId: member._id,
    before: { role: member.role },
    after: { role, accountId },
  });
  if (role === 'member') {
    await revokeInvitationsBy(tx, organizationId, accountId);
    await endOfferTo(tx, member, 'is no longer an Admin');
  }
  return changed;
}

/**
 * Admin of the organization by hand, beside whatever `grants` there are on it; false where it is given so already. `grantedBy`: who
 * is to stand for it, where that is not whoever causes the change.
 */
export async function giveManualAdmin(
  tx: Transaction,
  organizationId: string,
  accountId: string,
  grants: readonly Grant[],
  grantedBy: string = tx.cause.actor,
): Promise<boolean> {
  if (grants.some(({ source }) => source === 'manual')) return false;
  const target = { target: 'organization', targetId: organizationId } as const;
  await insertGrant(tx, organizationId, { accountId, ...target, role: 'admin', source: 'manual', grantedBy });
  return true;
}
