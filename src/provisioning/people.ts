/**
 * What an IdP's push of a person does, in the transaction of the push itself (MEM-5): the directory user is written, the
 * account and its membership follow before the answer leaves.
 */
import { createProvisionedAccount, findMember, lockAccount, suspendMember } from '../access/index.ts';
import {
  deleteUser,
  insertUser,
  primaryEmail,
  setUserLink,
  type UserRecord,
  updateUser,
  userRecordOf,
} from '../directory/index.ts';
import { enqueue } from '../queue/index.ts';
import type { Directory, DirectoryUser, Transaction } from '../store/index.ts';
import { refreshConflict } from './conflicts.ts';
import { decideDeparture, decideIdentity, type Identity } from './decide.ts';
import { decideRemoval, unlimited } from './guard.ts';
import { loadIdentityFacts, memberFacts } from './links.ts';
import { depart, type Settled, type Settling, settleMembership } from './membership.ts';
import type { Note } from './notes.ts';
import { type Pushed, pushedBy } from './pushed.ts';

export interface PersonResult {
  /** The directory user as it is now. */
  readonly user: DirectoryUser;
  /** What was accepted without the effect that its sender may expect, or needs an eye (SCIM-5). */
  readonly notes: readonly Note[];
  /** The ids of the directory user, account and member that the push was about. */
  readonly touched: readonly string[];
}

/**
 * A person pushed for the first time: adopted, linked, made, or left waiting (ACC-2, ACC-3, SCIM-3). A POST states its
 * `active`. Throws `scim_uniqueness` (userName taken in this directory) and `owner_protected` (pushed as inactive, and
 * it is the Owner: OWN-2); then nothing of the transaction may remain.
 */
export async function createPerson(tx: Transaction, directory: Directory, record: UserRecord): Promise<PersonResult> {
  const pushed = pushedBy(record);
  const identity = decideIdentity(await loadIdentityFacts(tx, directory, pushed));
  const user = await insertUser(tx, directory, record, await resolveLink(tx, pushed, identity));
  const settled = await settle(tx, user, pushed, identity, { statesActive: record.active, fresh: true });
  return toResult(user, settled);
}

/**
 * A person pushed again, by PUT or PATCH. The link to the account stays, whatever userName and email become, and the
 * account's own addresses stay (ACC-4); one who waits, or whose address was somebody else's, is looked at anew. `statesActive`: the push itself says
 * `active: true`, and so may bring a removed member back (MEM-4).
 * Answers `changed: false` where the push was the state already. Throws as createPerson does.
 */
export async function updatePerson(
  tx: Transaction,
  directory: Directory,
  before: DirectoryUser,
  record: UserRecord,
  { statesActive }: { readonly statesActive: boolean },
): Promise<PersonResult & { readonly changed: boolean }> {
  const pushed = pushedBy(record);
  const updated = await updateUser(tx, directory, before, record);
  let { user } = updated;
  // Its account was deleted: nothing less than `active: true` makes another one (MEM-4).
  if (user.link === 'released' && !(user.active && statesActive)) {
    return { user, notes: ['removed_member_stays_out'], touched: [user._id], changed: updated.changed };
  }
  const identity = decideIdentity(await loadIdentityFacts(tx, directory, pushed, user));
  if (identity.kind !== 'known') user = await relink(tx, user, pushed, identity);
  else if (user.conflict !== undefined || primaryEmail(userRecordOf(before)) !== pushed.address) {
    user = await refreshConflict(tx, directory, user);
  }
  const settled = await settle(tx, user, pushed, identity, { statesActive });
  if (user.active !== before.active) await activityChanged(tx, user, settled);
  return {
    ...toResult(user, settled),
    changed: updated.changed || settled.changed || user.conflict !== before.conflict,
  };
}

/**
 * The groups of a directory user count while it is active, or governs its member (countingUsers): a governing one's
 * activity changes nobody's grants, and asks for no job. Its member, where not written, is locked, so that nobody else
 * begins to govern them unseen. Without a member a job is asked for: another directory may be making one just now.
 */
async function activityChanged(tx: Transaction, user: DirectoryUser, settled: Settled): Promise<void> {
  const { organizationId, accountId } = user;
  const { governed, changed, reconciled } = settled;
  if (governed && !changed) await tx.members.lock(organizationId, governed._id);
  if (governed || reconciled || accountId === undefined) return;
  await enqueue(tx, organizationId, 'reconcile', { people: [accountId] });
}

/**
 * A person deleted by the IdP: the member departs, suspended, with all grants kept for a return (SCIM-3). Where another
 * directory governs, only what the groups of this one gave goes. Throws `owner_protected` (OWN-2).
 */
export async function deletePerson(
  tx: Transaction,
  directory: Directory,
  user: DirectoryUser,
): Promise<Omit<PersonResult, 'user'>> {
  const { organizationId, accountId } = user;
  const member = accountId === undefined ? undefined : await findMember(tx, organizationId, accountId);
  const notes: Note[] = [];
  if (member && decideDeparture(memberFacts(member, user._id)) === 'depart') {
    const held = decideRemoval(unlimited, () => ({ removing: 1, removedBefore: 0, population: 1 })).kind === 'hold';
    if (held) notes.push('removal_held');
    else await suspendMember(tx, organizationId, member._id);
    await depart(tx, member, user);
  }
  await deleteUser(tx, directory, user);
  if (accountId !== undefined) await enqueue(tx, organizationId, 'reconcile', { people: [accountId] });
  return { notes, touched: defined([user._id, accountId, member?._id]) };
}

/**
 * Looks again at one who waits in the adoption queue, as if pushed anew (SCIM-3): after their domain was verified, or
 * the account that held the address has become a member, or has said from its mailbox that it is them (`confirmedBy`). Answers undefined where they still wait.
 */
export async function resolveWaitingPerson(
  tx: Transaction,
  directory: Directory,
  before: DirectoryUser,
  { confirmedBy }: { readonly confirmedBy?: string | undefined } = {},
): Promise<PersonResult | undefined> {
  const pushed = pushedBy(userRecordOf(before));
  const facts = await loadIdentityFacts(tx, directory, pushed, before);
  const identity = decideIdentity({ ...facts, ...(confirmedBy !== undefined && { confirmedBy }) });
  if (identity.kind === 'waiting' || identity.kind === 'known') return undefined;
  const user = await relink(tx, before, pushed, identity);
  return toResult(user, await settle(tx, user, pushed, identity, { statesActive: user.active }));
}

interface Link {
  readonly link: 'linked' | 'waiting';
  readonly accountId?: string;
  readonly conflict?: 'email_held_by_another';
}

/** The account that an identity stands for; a new one is made here. */
async function resolveLink(tx: Transaction, pushed: Pushed, identity: Identity): Promise<Link> {
  if (identity.kind === 'waiting') return { link: 'waiting' };
  const conflict = 'conflict' in identity && identity.conflict && ({ conflict: 'email_held_by_another' } as const);
  if (identity.kind !== 'new') {
    await lockAccount(tx, identity.accountId);
    return { link: 'linked', accountId: identity.accountId, ...conflict };
  }
  const { claim } = identity;
  const claimed = claim === 'none' || pushed.address === undefined ? undefined : pushed.address;
  const account = await createProvisionedAccount(
    tx,
    claimed === undefined ? {} : { email: { address: claimed, proven: claim === 'proven' } },
  );
  return { link: 'linked', accountId: account._id, ...conflict };
}

async function relink(
  tx: Transaction,
  user: DirectoryUser,
  pushed: Pushed,
  identity: Identity,
): Promise<DirectoryUser> {
  if (identity.kind === 'waiting') return user;
  return setUserLink(tx, user.organizationId, user._id, await resolveLink(tx, pushed, identity));
}

async function settle(
  tx: Transaction,
  user: DirectoryUser,
  pushed: Pushed,
  identity: Identity,
  push: Pick<Settling, 'statesActive' | 'fresh'>,
): Promise<Settled> {
  if (identity.kind === 'waiting' || user.accountId === undefined) {
    return { notes: ['waiting_for_adoption'], changed: false, reconciled: false };
  }
  return settleMembership(tx, user, {
    accountId: user.accountId,
    identity: identity.kind,
    address: pushed.address,
    ...push,
  });
}

function toResult(user: DirectoryUser, settled: Settled): PersonResult {
  const notes: Note[] = [...settled.notes];
  if (user.conflict !== undefined) notes.push(user.conflict);
  return { user, notes, touched: defined([user._id, user.accountId, settled.memberId]) };
}

const defined = (ids: readonly (string | undefined)[]): readonly string[] => ids.filter((id) => id !== undefined);
