/**
 * The end of an account (ACC-1, OWN-3): whatever opens a door or names the person goes in one transaction. The row itself stays without
 * a name, so that what the person made, and the audit, still lead somewhere (KEY-1). What is audited stays as it was: the
 * chain would break. The former versions of memberships and the records of sign-ins, which may be many, are cleared by a job.
 */
import { AppError } from '../errors.ts';
import { platformTrail, recordAudit } from '../events/index.ts';
import { enqueue, platformJobs } from '../queue/index.ts';
import { type Cause, PLATFORM, type Store, type Transaction } from '../store/index.ts';
import { findAccountEmails, lockAccount } from './accounts.ts';
import { disguiseBlock } from './blocks.ts';
import { findGrantsEverywhere, removeGrants } from './grants.ts';
import { removeMember } from './members.ts';
import { endSessions } from './sessions.ts';

/** So many organizations are looked through in one read. */
const batch = 500;

/**
 * Deletes an account. Who asks has been decided by the caller. Throws `not_found`, and `account_owns_organizations`, naming
 * them, for an Owner (OWN-3), also of a closed organization that can still be restored (ORG-2).
 */
export async function deleteAccount(tx: Transaction, accountId: string): Promise<void> {
  // Whoever ties something to the account meets this transaction at its row.
  await lockAccount(tx, accountId);
  const members = await tx.members.find(PLATFORM, { accountId });
  await refuseOwners(
    tx,
    members.filter(({ owner }) => owner).map(({ organizationId }) => organizationId),
  );
  const proven = (await findAccountEmails(tx, accountId)).filter((email) => email.proven);
  const emailKeys = proven.map(({ emailKey }) => emailKey);
  for (const { organizationId, _id: memberId } of members) {
    await removeMember(tx, organizationId, memberId);
    // what was pending is revoked by now
    await tx.invitations.remove(organizationId, { state: { $ne: 'pending' }, memberId });
  }
  await forgetInvitations(tx, emailKeys);
  for (const grant of await findGrantsEverywhere(tx, accountId)) await removeGrants(tx, grant.organizationId, [grant]);
  await cutLoose(tx, accountId);
  await endEverySession(tx, accountId);
  await tx.mailedLinks.remove(PLATFORM, { $or: [{ accountId }, { emailKey: { $in: emailKeys } }] });
  await tx.accountEmails.remove(PLATFORM, { accountId });
  await tx.sshKeys.remove(PLATFORM, { accountId });
  await tx.accounts.updateOne(
    PLATFORM,
    { _id: accountId },
    { $set: { deletedAt: tx.at }, $unset: { name: true, lastLinkSignInAt: true } },
  );
  await recordAudit(tx, platformTrail, { type: 'account.deleted', targetKind: 'account', targetId: accountId });
  await enqueue(tx, platformJobs, 'erase-account', { accountId });
}

async function refuseOwners(tx: Transaction, owned: readonly string[]): Promise<void> {
  if (owned.length === 0) return;
  const rows = await tx.organizations.find(PLATFORM, { _id: { $in: owned } });
  const organizations = rows.map(({ _id: id, name }) => ({ id, name }));
  throw new AppError(
    'account_owns_organizations',
    `This account is the Owner of ${organizations.map(({ name }) => name).join(', ')}: transfer the ownership first`,
    { details: { organizations } },
  );
}

/** What has become of invitations to the person's addresses, also where they are a member no longer. One that waits is the mailbox's. */
async function forgetInvitations(tx: Transaction, emailKeys: readonly string[]): Promise<void> {
  const past = { emailKey: { $in: emailKeys }, state: { $ne: 'pending' } } as const;
  for (const { organizationId, _id } of await tx.invitations.find(PLATFORM, past)) {
    await tx.invitations.remove(organizationId, { _id });
  }
}

/**
 * Nobody's are the subjects and directory users that were this account: the next sign-in of a subject is somebody new, and a directory
 * user brings somebody in again by a push of `active: true` only, as another account (MEM-4). Blocks go on, without a name.
 */
async function cutLoose(tx: Transaction, accountId: string): Promise<void> {
  const ids = (await tx.organizations.find(PLATFORM, {})).map(({ _id }) => _id);
  for (let from = 0; from < ids.length; from += batch) {
    const theirs = { organizationId: { $in: ids.slice(from, from + batch) }, accountId };
    for (const { organizationId, _id, connectionId, link } of await tx.identities.find(PLATFORM, theirs)) {
      await tx.identities.remove(organizationId, { _id });
      await recordAudit(tx, organizationId, {
        type: link === 'linked' ? 'identity.unlinked' : 'identity.rejected',
        targetKind: 'account',
        targetId: accountId,
        before: { connectionId },
        detail: 'The account was deleted',
      });
    }
    for (const block of await tx.blocks.find(PLATFORM, theirs)) await disguiseBlock(tx, block);
    for (const { organizationId, _id } of await tx.directoryUsers.find(PLATFORM, theirs)) {
      await tx.directoryUsers.updateOne(
        organizationId,
        { _id },
        { $set: { link: 'released' }, $unset: { accountId: true, conflict: true, confirmed: true } },
      );
    }
  }
}

async function endEverySession(tx: Transaction, accountId: string): Promise<void> {
  const sessionIds = (await tx.sessions.find(PLATFORM, { accountId })).map(({ _id }) => _id);
  for (const { organizationId, _id } of await tx.idpSessions.find(PLATFORM, { sessionId: { $in: sessionIds } })) {
    await tx.idpSessions.remove(organizationId, { _id });
  }
  await endSessions(tx, accountId);
}

/**
 * Takes names, addresses and what a directory knew out of the former versions of a deleted account's memberships (when, by
 * whom and as what the person belonged stays), and removes the records of their sign-ins. One short transaction each; safe to repeat.
 */
export async function eraseTraces(store: Store, cause: Cause, accountId: string): Promise<void> {
  const former = { of: 'members', 'row.accountId': accountId };
  for await (const { organizationId, _id, row } of store.read.history.stream(PLATFORM, former)) {
    const { profile, departed, ...kept } = row;
    if (profile === undefined && departed === undefined) continue;
    await store.transaction(cause, (tx) => tx.history.updateOne(organizationId, { _id }, { $set: { row: kept } }));
  }
  for await (const { organizationId, _id } of store.read.signInRecords.stream(PLATFORM, { accountId })) {
    await store.transaction(cause, (tx) => tx.signInRecords.remove(organizationId, { _id }));
  }
}
