/** The membership that follows from a push: decided by decide.ts, written through access/. */
import {
  findBlock,
  findGrants,
  findMember,
  insertMember,
  lockAccount,
  memberBlocked,
  reactivateMember,
  refreshMemberRole,
  removeGrants,
  setGovernance,
  setMemberProfile,
  suspendMember,
} from '../access/index.ts';
import { enqueue } from '../queue/index.ts';
import type { Block, DirectoryUser, Member, Transaction } from '../store/index.ts';
import { decideMembership, type Membership, type MembershipFacts } from './decide.ts';
import { decideRemoval, unlimited } from './guard.ts';
import { memberFacts } from './links.ts';
import type { Note } from './notes.ts';
import { profileOf } from './pushed.ts';

export interface Settling {
  readonly accountId: string;
  readonly identity: MembershipFacts['identity'];
  /** The primary address as pushed. */
  readonly address: string | undefined;
  readonly statesActive: boolean;
  /** The directory user has come with this very push, and so can be in no group yet. */
  readonly fresh?: boolean;
}

export interface Settled {
  readonly notes: readonly Note[];
  readonly memberId?: string;
  /** Whether the membership is another than before. */
  readonly changed: boolean;
  /** The member whom this directory user governs now; absent where it governs nobody. */
  readonly governed?: Member;
  /** Whether the person's mapped grants have been asked to be recomputed. */
  readonly reconciled: boolean;
}

/**
 * Decides and writes what a push does to the membership of the account that its directory user is linked to. Throws
 * `member_blocked` where it would bring in somebody who was removed with a block (MEM-4), and what access/ says.
 */
export async function settleMembership(tx: Transaction, user: DirectoryUser, settling: Settling): Promise<Settled> {
  const { organizationId, active } = user;
  const { accountId, identity, statesActive } = settling;
  // an account that was made in this very transaction is nobody's member yet
  const member = identity === 'new' ? undefined : await findMember(tx, organizationId, accountId);
  const block = member ? undefined : await findBlockOf(tx, organizationId, settling);
  const decided = decideMembership({
    identity,
    active,
    statesActive,
    blocked: block !== undefined,
    ...(member && { member: memberFacts(member, user._id) }),
  });
  const { note } = decided;
  if (decided.step === 'refuse' && block) throw memberBlocked(block);
  if (!decided.governs) return unsettled(tx, user, settling, member, note);
  if (member === undefined) return join(tx, user, settling, decided);
  const notes: Note[] = [];
  if (decided.recycled) {
    await takeEverything(tx, organizationId, accountId);
    notes.push('recycled_identity');
  }
  const changed = await changeStatus(tx, member, decided.step, notes);
  await setMemberProfile(tx, organizationId, member._id, profileOf(user, settling.address));
  const taken = member.directoryUserId !== user._id;
  if (taken || decided.recycled) await govern(tx, member, user, decided.recycled);
  if (taken) await enqueue(tx, organizationId, 'reconcile', { people: [accountId] });
  return { notes, memberId: member._id, changed: changed || taken, governed: member, reconciled: taken };
}

/** An account that has just been made is nobody's: then its address is all that is known of the person. */
async function findBlockOf(
  tx: Transaction,
  organizationId: string,
  { accountId, identity, address }: Settling,
): Promise<Block | undefined> {
  if (identity !== 'new') return findBlock(tx, organizationId, { accountId });
  return address === undefined ? undefined : findBlock(tx, organizationId, { address });
}

/** A directory user that does not govern: its groups may count from now on, if it has just been linked. */
async function unsettled(
  tx: Transaction,
  { organizationId }: DirectoryUser,
  { accountId, identity }: Settling,
  member: Member | undefined,
  note: Note | undefined,
): Promise<Settled> {
  const reconciled = identity !== 'known';
  if (reconciled) await enqueue(tx, organizationId, 'reconcile', { people: [accountId] });
  return { notes: note ? [note] : [], ...(member && { memberId: member._id }), changed: false, reconciled };
}

async function join(
  tx: Transaction,
  user: DirectoryUser,
  { accountId, identity, address, fresh }: Settling,
  decided: Membership,
): Promise<Settled> {
  const { organizationId, directoryId, _id: directoryUserId } = user;
  // one made in this very transaction is nobody else's to delete
  if (identity !== 'new') await lockAccount(tx, accountId);
  const profile = profileOf(user, address);
  const source = 'scim';
  const member = await insertMember(tx, organizationId, { accountId, source, directoryId, directoryUserId, profile });
  if (decided.status === 'suspended') await suspendMember(tx, organizationId, member._id);
  const reconciled = !(fresh && identity === 'new');
  if (reconciled) await enqueue(tx, organizationId, 'reconcile', { people: [accountId] });
  return { notes: [], memberId: member._id, changed: true, governed: member, reconciled };
}

/** Answers whether the status was changed. access/ refuses to suspend the Owner (OWN-1). */
async function changeStatus(
  tx: Transaction,
  member: Member,
  step: Membership['step'],
  notes: Note[],
): Promise<boolean> {
  const { organizationId, _id } = member;
  if (step === 'reactivate') await reactivateMember(tx, organizationId, _id);
  else if (step !== 'suspend') return false;
  else if (decideRemoval(unlimited, () => ({ removing: 1, removedBefore: 0, population: 1 })).kind === 'hold') {
    notes.push('removal_held');
    return false;
  } else await suspendMember(tx, organizationId, _id);
  return true;
}

/** Everything that the former holder of a name was given, from whatever source (SCIM-3). Mapped grants are recomputed. */
async function takeEverything(tx: Transaction, organizationId: string, accountId: string): Promise<void> {
  await removeGrants(tx, organizationId, await findGrants(tx, organizationId, { accountId }));
  await refreshMemberRole(tx, organizationId, accountId);
}

async function govern(tx: Transaction, member: Member, user: DirectoryUser, recycled: boolean): Promise<void> {
  await setGovernance(tx, member.organizationId, member._id, {
    directoryId: user.directoryId,
    directoryUserId: user._id,
    review: recycled ? 'recycled_identity' : member.review,
  });
}

/** Nobody governs the member any more; what was known of the deleted directory user may bring it back (SCIM-3). */
export async function depart(tx: Transaction, member: Member, user: DirectoryUser): Promise<void> {
  const { directoryId, userName, userNameKey, externalId } = user;
  await setGovernance(tx, member.organizationId, member._id, {
    departed: { directoryId, userName, userNameKey, ...(externalId !== undefined && { externalId }) },
    review: member.review,
  });
}
