/**
 * How the ownership moves, and it moves in no other way (OWN-4): the Owner offers it to an active Admin, after a fresh
 * link to their own mailbox, and the Admin accepts, after a fresh sign-in; or the operator moves it. The mark leaves one member and reaches the other in one transaction,
 * under the unique index of the mark: there is exactly one Owner at every instant. Who was the Owner stays an Admin.
 */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import type { Member, OwnershipTransfer, ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails } from './accounts.ts';
import { findGrants } from './grants.ts';
import { mailboxesOf } from './mailboxes.ts';
import { giveManualAdmin } from './memberRole.ts';
import { findMember, findOwner, getMember } from './members.ts';
import { tellSides } from './ownershipNews.ts';
import {
  decideFreshOwnersSignIn,
  decideFreshSignIn,
  decideOwnersSignIn,
  decideOwnSignIn,
  type Presence,
  type PresenceOfAccount,
} from './presence.ts';

/** An offer that nobody has accepted ends after so long. */
const offerLastsMs = 7 * 24 * 60 * 60 * 1000;

/**
 * Whether a member cannot become the Owner: `heir_not_eligible` for all but active Admins, and for the Owner.
 * The rule stands on the mark itself, not on owner.ts: the two answer different questions.
 */
export function decideHeir(heir: Pick<Member, '_id' | 'role' | 'status'>, owner: Pick<Member, '_id'>) {
  const refuse = (message: string) =>
    new AppError('heir_not_eligible', message, { details: { memberId: heir._id, role: heir.role } });
  if (heir._id === owner._id) return refuse('This member is the Owner already');
  if (heir.status !== 'active') return refuse('Only an active member can become the Owner: this one is suspended');
  if (heir.role !== 'admin') return refuse('Only an Admin can become the Owner: make this member an Admin first');
  return undefined;
}

/** What a transfer that is accepted must fulfil, beside the fresh sign-in of who accepts it. */
export interface AcceptanceFacts {
  readonly transfer: Pick<OwnershipTransfer, 'fromMemberId' | 'toMemberId' | 'expiresAt'>;
  /** Who accepts, and who is the Owner now. */
  readonly heir: Pick<Member, '_id' | 'role' | 'status'>;
  readonly owner: Pick<Member, '_id'>;
  readonly now: Date;
}

/**
 * Whether an acceptance is refused: `permission_denied` (the offer is for somebody else), `transfer_expired`,
 * `not_found` (it was made by who is no longer the Owner), `heir_not_eligible`.
 */
export function decideAcceptance({ transfer, heir, owner, now }: AcceptanceFacts): AppError | undefined {
  if (heir._id !== transfer.toMemberId) return denied('The ownership is offered to another Admin');
  if (transfer.fromMemberId !== owner._id) return noOffer();
  if (now >= transfer.expiresAt) {
    return new AppError('transfer_expired', 'The offer of the ownership has expired: the Owner may make it again');
  }
  return decideHeir(heir, owner);
}

const denied = (message: string) => new AppError('permission_denied', message);
const noOffer = () => new AppError('not_found', 'No ownership is being offered in this organization');

/** The offer that waits for its answer; throws `not_found` where there is none, or none any more. */
export async function getOffer(reads: ReadStore, organizationId: string, now: Date): Promise<OwnershipTransfer> {
  const offer = await reads.ownershipTransfers.findOne(organizationId, {});
  if (!offer || now >= offer.expiresAt) throw noOffer();
  return offer;
}

/**
 * The Owner offers the ownership to an Admin. Nothing moves yet. Throws `permission_denied` (not the Owner, a session that
 * the operator made), `act_as_refused`, `reauthentication_required`, `not_found`, `heir_not_eligible`, and
 * `transfer_pending` while an earlier offer waits.
 */
export async function offerOwnership(
  tx: Transaction,
  organizationId: string,
  presence: Presence,
  memberId: string,
): Promise<OwnershipTransfer> {
  const owner = await getOwner(tx, organizationId);
  const who = requirePerson(presence, 'The operator moves the ownership with force: true');
  if (owner.accountId !== who.accountId) throw denied('Only the Owner can offer the ownership');
  refuseBy(decideFreshOwnersSignIn(who, tx.at, 'Offering the ownership'));
  // Whoever else moves the mark meanwhile meets this transaction at the row.
  await tx.members.lock(organizationId, owner._id);
  const heir = await getMember(tx, organizationId, memberId);
  refuseBy(decideHeir(heir, owner));
  const former = await tx.ownershipTransfers.findOne(organizationId, {});
  if (former && tx.at < former.expiresAt && former.fromMemberId === owner._id) {
    const { toMemberId } = former;
    throw new AppError('transfer_pending', `The ownership is offered to ${toMemberId} already: cancel that first`, {
      details: { toMemberId },
    });
  }
  if (former) await tx.ownershipTransfers.remove(organizationId, { _id: former._id });
  const offer = await tx.ownershipTransfers.insert(organizationId, {
    _id: newId('ownershipTransfer'),
    organizationId,
    fromMemberId: owner._id,
    toMemberId: memberId,
    expiresAt: new Date(tx.at.getTime() + offerLastsMs),
  });
  await record(tx, organizationId, 'ownership.offered', memberId, { from: owner._id });
  await tellSides(tx, organizationId, 'offered', { owner, heir });
  return offer;
}

/**
 * The Admin to whom the ownership is offered accepts it, and is the Owner. Answers the new Owner. Throws what
 * `decideAcceptance` says, `not_found`, `act_as_refused`, `reauthentication_required`, and `permission_denied` for
 * everybody else and for sessions that the operator made.
 */
export async function acceptOwnership(tx: Transaction, organizationId: string, presence: Presence): Promise<Member> {
  const transfer = await tx.ownershipTransfers.findOne(organizationId, {});
  if (!transfer) throw noOffer();
  const who = requirePerson(presence, 'Only the Admin to whom the ownership is offered can accept it');
  const heir = await findMember(tx, organizationId, who.accountId);
  if (!heir) throw noOffer();
  const owner = await getOwner(tx, organizationId);
  refuseBy(decideAcceptance({ transfer, heir, owner, now: tx.at }));
  refuseBy(decideFreshSignIn(who, tx.at, 'Accepting the ownership'));
  await requireMailbox(tx, heir);
  return move(tx, organizationId, 'accepted', { owner, heir });
}

/** The operator makes an active Admin the Owner at once (OWN-4); an offer ends by it. Throws `not_found`, `heir_not_eligible`. */
export async function forceOwnership(tx: Transaction, organizationId: string, memberId: string): Promise<Member> {
  const owner = await getOwner(tx, organizationId);
  const heir = await getMember(tx, organizationId, memberId);
  refuseBy(decideHeir(heir, owner));
  await requireMailbox(tx, heir);
  return move(tx, organizationId, 'forced', { owner, heir });
}

/**
 * Ends an offer: the Owner or the operator cancels it, the Admin to whom it was made declines it. Takes nothing from
 * anybody, and so needs no fresh sign-in; but the Owner's word is that of their mailbox. Throws `not_found`,
 * `permission_denied`, and of the Owner's sign-in what `decideOwnersSignIn` says.
 */
export async function endOffer(tx: Transaction, organizationId: string, presence: Presence): Promise<void> {
  const offer = await getOffer(tx, organizationId, tx.at);
  const declines = (await mayEnd(tx, offer, presence)) === 'heir';
  await tx.ownershipTransfers.remove(organizationId, { _id: offer._id });
  const type = declines ? 'ownership.offer_declined' : 'ownership.offer_cancelled';
  await record(tx, organizationId, type, offer.toMemberId, { from: offer.fromMemberId });
  await tellOfEnd(tx, offer, declines ? 'declined' : 'cancelled');
}

/** To the sides of an offer that has ended, as far as they are members. */
async function tellOfEnd(tx: Transaction, offer: OwnershipTransfer, event: 'declined' | 'cancelled'): Promise<void> {
  const { organizationId, fromMemberId, toMemberId } = offer;
  const owner = await tx.members.get(organizationId, fromMemberId);
  const heir = await tx.members.get(organizationId, toMemberId);
  if (owner && heir) await tellSides(tx, organizationId, event, { owner, heir });
}

async function mayEnd(reads: ReadStore, offer: OwnershipTransfer, presence: Presence): Promise<'heir' | 'other'> {
  if (presence.kind === 'operator') return 'other';
  const member = await findMember(reads, offer.organizationId, presence.accountId);
  if (member?._id === offer.toMemberId) return 'heir';
  const owner = await findOwner(reads, offer.organizationId);
  if (member !== undefined && member._id === owner?._id) {
    // Borrowed by the operator, who may cancel it in any case, the Owner's name needs no mailbox.
    const act = 'Cancelling the offer';
    if (decideOwnSignIn(presence, act) === undefined) refuseBy(decideOwnersSignIn(presence, act));
    return 'other';
  }
  throw denied('Only the Owner and the Admin to whom the ownership is offered can end the offer');
}

/** The Owner comes in by a mailed link when nothing else works (OWN-5): whoever becomes it must have where that can go. */
async function requireMailbox(reads: ReadStore, { _id: memberId, accountId }: Member): Promise<void> {
  if (mailboxesOf(await findAccountEmails(reads, accountId)).length > 0) return;
  const message = 'The Owner must have a proven address, to which a sign-in link can be sent: prove one first';
  throw new AppError('heir_not_eligible', message, { details: { memberId } });
}

/** The mark goes over. Both writes ask for what was decided upon: whoever was faster makes them find nothing. */
async function move(
  tx: Transaction,
  organizationId: string,
  event: 'accepted' | 'forced',
  { owner, heir }: { readonly owner: Member; readonly heir: Member },
): Promise<Member> {
  const offer = await tx.ownershipTransfers.findOne(organizationId, {});
  if (offer) await tx.ownershipTransfers.remove(organizationId, { _id: offer._id });
  // Who was offered it, and sees it go to somebody else, is told as well.
  if (offer && offer.toMemberId !== heir._id) await tellOfEnd(tx, offer, 'cancelled');
  const { accountId } = owner;
  const grants = await findGrants(tx, organizationId, { accountId, targetId: organizationId });
  await giveManualAdmin(tx, organizationId, accountId, grants);
  const former = await tx.members.updateOne(
    organizationId,
    { _id: owner._id, owner: true },
    { $unset: { owner: true } },
  );
  const now = await tx.members.updateOne(
    organizationId,
    { _id: heir._id, role: 'admin', status: 'active' },
    { $set: { owner: true } },
  );
  if (!former || !now) throw new AppError('stale', 'Owner or Admin were changed by somebody else meanwhile: try again');
  await record(tx, organizationId, 'ownership.transferred', heir._id, {
    from: owner._id,
    accounts: { from: accountId, to: heir.accountId },
  });
  await tellSides(tx, organizationId, event, { owner, heir });
  return now;
}

/** Throws `not_found` where there is no such organization: one without an Owner does not exist. */
async function getOwner(reads: ReadStore, organizationId: string): Promise<Member> {
  const owner = await findOwner(reads, organizationId);
  if (!owner) throw new AppError('not_found', `There is no organization ${organizationId}`);
  return owner;
}

function requirePerson(presence: Presence, message: string): PresenceOfAccount {
  if (presence.kind === 'operator') throw denied(message);
  return presence;
}

function refuseBy(refusal: AppError | undefined): void {
  if (refusal) throw refusal;
}

function record(
  tx: Transaction,
  organizationId: string,
  type: `ownership.${string}`,
  toMemberId: string,
  { from, accounts }: { readonly from: string; readonly accounts?: { readonly from: string; readonly to: string } },
): Promise<void> {
  const before = { ownerMemberId: from, ...(accounts && { accountId: accounts.from }) };
  const after = accounts && { ownerMemberId: toMemberId, accountId: accounts.to };
  return recordAudit(tx, organizationId, { type, targetKind: 'member', targetId: toMemberId, before, after });
}
