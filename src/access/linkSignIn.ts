/** A used link becomes a session: of the account whose mailbox it went to, or of a new one (ACC-5); the Owner's is announced. */
import { recordAudit } from '../events/index.ts';
import { enqueue } from '../queue/index.ts';
import { type MailedLink, PLATFORM, type Session, type Transaction } from '../store/index.ts';
import { createAccount, findAccountByProvenEmail } from './accounts.ts';
import { addMailbox, findAccountByMailbox, requireReauthentication } from './mailboxes.ts';
import { linkExpired, takeLink } from './mailedLinks.ts';
import { isOwner } from './owner.ts';
import { openSession, stepUpSession } from './sessions.ts';

export interface LinkUse {
  readonly token: string;
  /** The browser's session, where it has one: a proof is added to it where it is the same account's. */
  readonly sessionId?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly address?: string | undefined;
  /** When the mailbox was shown, where it is not now: how fresh the sign-in is counts from there. */
  readonly shownAt?: Date | undefined;
  /** The organization whose invitation has shown it, where one has. */
  readonly invitedTo?: string | undefined;
}

export interface LinkSignedIn {
  readonly session: Session;
  readonly token: string;
  readonly returnTo: string | undefined;
}

/** Signs in by a link. The token of the session is new in any case. Throws `link_expired`. */
export async function signInByLink(tx: Transaction, use: LinkUse): Promise<LinkSignedIn> {
  const link = await takeLink(tx, use.token, ({ purpose }) => purpose === 'sign_in' || purpose === 'register');
  const accountId = await accountOf(tx, link);
  await addMailbox(tx, accountId, link.email);
  return { ...(await signInByMailbox(tx, accountId, use)), returnTo: link.returnTo };
}

/** Signs in somebody who has just shown, by a link, that a mailbox of the account is theirs. An Owner's is announced. */
export async function signInByMailbox(
  tx: Transaction,
  accountId: string,
  { sessionId, userAgent, address, shownAt = tx.at, invitedTo }: Omit<LinkUse, 'token'>,
): Promise<Omit<LinkSignedIn, 'returnTo'>> {
  const proof = { kind: 'mailbox', at: shownAt, ...(invitedTo !== undefined && { invitedTo }) } as const;
  const opened =
    (sessionId !== undefined && (await stepUpSession(tx, sessionId, accountId, proof))) ||
    (await openSession(tx, { accountId, proofs: [proof], userAgent, address }));
  await tx.accounts.updateOne(PLATFORM, { _id: accountId }, { $set: { lastLinkSignInAt: tx.at } });
  await tellOrganizations(tx, accountId);
  return opened;
}

/**
 * Proves a further address by the token of a link that `askToProveEmail` has sent, under the same condition as asking: the account may
 * have got its first mailbox since, and with it its person (ACC-4). Throws what `askToProveEmail` does, `link_expired`, `email_taken`.
 */
export async function proveMailbox(
  tx: Transaction,
  accountId: string,
  session: Session | undefined,
  token: string,
): Promise<MailedLink> {
  await requireReauthentication(tx, accountId, session);
  const link = await takeLink(tx, token, (one) => one.purpose === 'prove_email' && one.accountId === accountId);
  await addMailbox(tx, accountId, link.email, session?._id);
  return link;
}

/** Whose mailbox it is by now: an account may have been made with it since the link was. */
async function accountOf(tx: Transaction, { email }: MailedLink): Promise<string> {
  const accountId = await findAccountByMailbox(tx, email);
  if (accountId !== undefined) return accountId;
  if (await findAccountByProvenEmail(tx, email)) throw linkExpired();
  return (await createAccount(tx, { email, provenBy: 'mailbox' }))._id;
}

/**
 * A way past the IdP is audited wherever the person is a member; the Owner's, which is always open, is told to every Admin, too
 * (OWN-5).
 */
async function tellOrganizations(tx: Transaction, accountId: string): Promise<void> {
  for (const member of await tx.members.find(PLATFORM, { accountId })) {
    const { organizationId, _id } = member;
    if (!isOwner(member)) {
      await recordAudit(tx, organizationId, {
        type: 'member.signed_in_by_link',
        targetKind: 'member',
        targetId: _id,
        after: { accountId },
        detail: 'The member has signed in by a mailed link, without the identity provider',
      });
      continue;
    }
    await recordAudit(tx, organizationId, {
      type: 'owner.signed_in_by_link',
      targetKind: 'member',
      targetId: _id,
      after: { accountId },
      detail: 'The Owner has signed in by a mailed link, without the identity provider',
    });
    await enqueue(tx, organizationId, 'announce-owner', { accountId, at: tx.at.toISOString() });
  }
}
