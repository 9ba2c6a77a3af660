/** An offer of the ownership ends with what made its heir eligible: only an active Admin can become the Owner (OWN-4). */
import { recordAudit } from '../events/index.ts';
import type { Member, Transaction } from '../store/index.ts';
import { tellSides } from './ownershipNews.ts';

/**
 * Ends the offer to this Admin, if there is one, and tells both sides. `heir` is the member as they were before the change,
 * `why` what has become of them. Who was no Admin was offered nothing: then it reads nothing.
 */
export async function endOfferTo(
  tx: Transaction,
  heir: Member,
  why: 'is no longer a member' | 'is suspended' | 'is no longer an Admin',
): Promise<void> {
  if (heir.role !== 'admin') return;
  const { organizationId, _id: toMemberId } = heir;
  const offer = await tx.ownershipTransfers.findOne(organizationId, {});
  if (offer?.toMemberId !== toMemberId) return;
  await tx.ownershipTransfers.remove(organizationId, { _id: offer._id });
  await recordAudit(tx, organizationId, {
    type: 'ownership.offer_cancelled',
    targetKind: 'member',
    targetId: toMemberId,
    before: { ownerMemberId: offer.fromMemberId },
    detail: `The Admin to whom it was made ${why}`,
  });
  const owner = await tx.members.get(organizationId, offer.fromMemberId);
  if (owner) await tellSides(tx, organizationId, 'ended', { owner, heir });
}
