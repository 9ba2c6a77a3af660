/** A verified identity becomes an account, a membership, and its roles: in the transaction that will open the session. */
import {
  addMember,
  createProvisionedAccount,
  findMember,
  lockAccount,
  setGovernance,
  setMemberProfile,
} from '../access/index.ts';
import { findUsersOfAccount, getDirectory } from '../directory/index.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { memberAdded, reconcilePerson, resolveWaitingPerson } from '../provisioning/index.ts';
import type { Connection, Transaction } from '../store/index.ts';
import { noteClaimedGroups } from './claimedGroups.ts';
import type { Question } from './confirmations.ts';
import { findIdentity, findVouchingDomain, loadSignInFacts } from './facts.ts';
import type { Identity } from './identity.ts';
import { decideSignIn, type QueueReason, type SignInDecision, type SignInRefusal } from './jit.ts';

/** What came of a sign-in. `waiting`: noted in the adoption queue. `question`: what the person may confirm from their mailbox. */
export type Settled =
  | { readonly kind: 'signed_in'; readonly accountId: string }
  | { readonly kind: 'waiting'; readonly reason: QueueReason; readonly question?: Question }
  | { readonly kind: 'refused'; readonly reason: SignInRefusal; readonly question?: Question };

/**
 * Decides and writes what becomes of one who comes through this connection (SSO-4, SSO-6). Roles from groups are applied
 * here, before any session exists (SSO-8). A refusal writes nothing.
 */
export async function settleSignIn(tx: Transaction, connection: Connection, identity: Identity): Promise<Settled> {
  let facts = await loadSignInFacts(tx, connection, identity);
  // The account of this directory user was deleted: who signs in is given another one, as by a push of active: true.
  if (facts.pushed?.link === 'released' && facts.pushed.active && facts.pushed.userId !== undefined && !facts.blocked) {
    await bringBack(tx, connection, facts.pushed.userId);
    facts = await loadSignInFacts(tx, connection, identity);
  }
  const decision = decideSignIn(facts);
  switch (decision.kind) {
    case 'refuse': {
      const { reason } = decision;
      const id = reason === 'waiting_for_adoption' ? facts.pushed?.userId : undefined;
      return { kind: 'refused', reason, ...(id !== undefined && { question: { about: 'directory_user', id } }) };
    }
    case 'queue': {
      const { accountId, reason } = decision;
      const id = await keepIdentity(tx, connection, identity, { accountId, reason });
      return {
        kind: 'waiting',
        reason,
        ...(reason === 'unverified_domain' && { question: { about: 'identity', id } }),
      };
    }
    default: {
      const accountId = await accountOf(tx, decision, identity);
      await keepIdentity(tx, connection, identity, { accountId });
      await join(tx, connection, identity, accountId, decision);
      await noteClaimedGroups(tx, connection, identity, accountId);
      await reconcilePerson(tx, connection.organizationId, accountId);
      return { kind: 'signed_in', accountId };
    }
  }
}

async function bringBack(tx: Transaction, { organizationId }: Connection, userId: string): Promise<void> {
  const user = await tx.directoryUsers.get(organizationId, userId);
  if (user) await resolveWaitingPerson(tx, await getDirectory(tx, organizationId, user.directoryId), user);
}

type Admitted = Exclude<SignInDecision, { kind: 'refuse' | 'queue' }>;

async function accountOf(tx: Transaction, decision: Admitted, identity: Identity): Promise<string> {
  if (decision.kind !== 'create') return decision.accountId;
  const { email, displayName: name } = identity;
  const claims = decision.claim === 'proven' && email !== undefined;
  const account = await createProvisionedAccount(tx, {
    name,
    ...(claims && { email: { address: email.address, proven: true } }),
  });
  return account._id;
}

/**
 * Binds the subject to the account, or notes the question that somebody has to answer; tells the audit of either, once. Answers
 * the id of the row.
 */
async function keepIdentity(
  tx: Transaction,
  connection: Connection,
  identity: Identity,
  { accountId, reason }: { readonly accountId: string; readonly reason?: QueueReason },
): Promise<string> {
  const { organizationId, _id: connectionId } = connection;
  const link = reason === undefined ? 'linked' : 'waiting';
  const shown = {
    ...(identity.email && { email: identity.email.address }),
    ...(identity.displayName !== undefined && { displayName: identity.displayName }),
  };
  await lockAccount(tx, accountId);
  const before = await findIdentity(tx, connection, identity.subject);
  const fields = { accountId, link, ...(reason && { reason }), ...shown } as const;
  const domain = link === 'linked' ? await findVouchingDomain(tx, organizationId, accountId) : undefined;
  const seen = link === 'linked' ? { lastSignInAt: tx.at, ...(domain !== undefined && { domain }) } : {};
  const _id = before?._id ?? newId('identity');
  if (before === undefined) {
    // Who comes for the first time while the connection is switched off must not slip through: nothing of theirs is locked by it.
    await tx.connections.lock(organizationId, connectionId);
    const { subject } = identity;
    await tx.identities.insert(organizationId, { _id, organizationId, connectionId, subject, ...fields, ...seen });
  } else {
    await tx.identities.updateOne(
      organizationId,
      { _id },
      { $set: { ...fields, ...seen }, ...(reason === undefined && { $unset: { reason: true } }) },
    );
  }
  if (before?.link === link && before.accountId === accountId) return _id;
  await recordAudit(tx, organizationId, {
    type: link === 'linked' ? 'identity.linked' : 'identity.waiting',
    targetKind: 'account',
    targetId: accountId,
    after: { connectionId, subject: identity.subject, ...(reason && { reason }) },
  });
  return _id;
}

/** A membership for who is to have one; the member shows what the IdP says where no directory governs (ACC-1). */
async function join(
  tx: Transaction,
  connection: Connection,
  identity: Identity,
  accountId: string,
  decision: Admitted,
): Promise<void> {
  const { organizationId } = connection;
  if (decision.kind === 'create' || decision.membership === 'add') {
    const { _id } = await addMember(tx, organizationId, {
      accountId,
      source: 'sso',
      ...(identity.email && { told: [identity.email.address] }),
    });
    await governAgain(tx, connection, accountId, _id);
    await memberAdded(tx, organizationId, accountId);
  }
  const member = await findMember(tx, organizationId, accountId);
  if (member === undefined || member.directoryUserId !== undefined) return;
  const name = nameOf(identity);
  await setMemberProfile(tx, organizationId, member._id, {
    ...member.profile,
    ...(name !== undefined && { displayName: name }),
    ...(identity.email && { email: identity.email.address }),
  });
}

/** Who was removed here and comes back through a directory's connection is that directory's again (MEM-4, SCIM-3). */
async function governAgain(
  tx: Transaction,
  connection: Connection,
  accountId: string,
  memberId: string,
): Promise<void> {
  const { organizationId, directoryId } = connection;
  if (directoryId === undefined) return;
  const users = await findUsersOfAccount(tx, organizationId, accountId);
  const user = users.find((one) => one.directoryId === directoryId);
  if (user) await setGovernance(tx, organizationId, memberId, { directoryId, directoryUserId: user._id });
}

function nameOf({ displayName, givenName, familyName }: Identity): string | undefined {
  if (displayName !== undefined) return displayName;
  const parts = [givenName, familyName].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}
