/**
 * The addresses of an account that are its person's own mailboxes: where one-time links go, and how the person changes
 * them (ACC-2, ACC-4, OWN-5).
 */
import { AppError } from '../errors.ts';
import { caseKey } from '../lib/text.ts';
import { enqueue, platformJobs } from '../queue/index.ts';
import { type AccountEmail, PLATFORM, type ReadStore, type Session, type Transaction } from '../store/index.ts';
import { findAccountByProvenEmail, findAccountEmails, proveEmail } from './accounts.ts';
import { decideOwnSignIn, freshMs, mailboxProof, type PresenceOfAccount } from './presence.ts';
import { findSshKeys, removeSshKey } from './profile.ts';
import { endSessions } from './sessions.ts';
import { type Proof, proofsOf } from './sessionWorth.ts';

type Provenance = Pick<AccountEmail, 'proven' | 'provenBy'>;

/**
 * Those of an account's addresses that links are sent to: what its person or the operator has proven. What only an IdP has
 * proven counts where there is nothing else: its word opens one organization, a link opens them all, so that an IdP
 * must not choose where links go (ACC-4); but whoever has no other address, an Owner too, is not shut out (OWN-5).
 */
export function mailboxesOf<E extends Provenance>(emails: readonly E[]): readonly E[] {
  const proven = emails.filter((email) => email.proven);
  const own = proven.filter(({ provenBy }) => provenBy !== 'idp');
  return own.length > 0 ? own : proven;
}

/** The account whose mailbox this address is; undefined where it is nobody's, or one that gets no links. */
export async function findAccountByMailbox(reads: ReadStore, email: string): Promise<string | undefined> {
  const account = await findAccountByProvenEmail(reads, email);
  if (!account) return undefined;
  const mailboxes = mailboxesOf(await findAccountEmails(reads, account._id));
  return mailboxes.some(({ emailKey }) => emailKey === caseKey(email)) ? account._id : undefined;
}

/**
 * Whether a change of an account's own addresses is refused because its person has not signed in afresh (ACC-4). Where the
 * account has a mailbox, only a link to one counts: an IdP that could add an address could send itself links.
 */
export function decideAccountReauthentication(
  presence: PresenceOfAccount,
  proofs: readonly Proof[],
  hasMailbox: boolean,
  now: Date,
): AppError | undefined {
  const refusal = decideOwnSignIn(presence, 'Changing your addresses, or deleting your account,');
  if (refusal) return refusal;
  const counting = proofs.filter(
    (proof) => proof.kind === 'mailbox' || (proof.kind === 'connection' && proof.forced && !hasMailbox),
  );
  if (counting.some(({ at }) => now.getTime() - at.getTime() <= freshMs)) return undefined;
  const how = hasMailbox ? 'Have a one-time link sent to one of your addresses' : 'Sign in again';
  return new AppError('reauthentication_required', `${how}, use it, and repeat this within ten minutes`, {
    ...(hasMailbox && { details: { proof: mailboxProof } }),
  });
}

/** Throws what `decideAccountReauthentication` refuses by; answers the account's addresses. */
export async function requireReauthentication(tx: Transaction, accountId: string, session: Session | undefined) {
  const emails = await findAccountEmails(tx, accountId);
  const presence: PresenceOfAccount =
    session === undefined ? { kind: 'act_as', accountId } : { kind: 'session', accountId, madeBy: session.madeBy };
  const proofs = session === undefined ? [] : proofsOf(session);
  const refusal = decideAccountReauthentication(presence, proofs, mailboxesOf(emails).length > 0, tx.at);
  if (refusal) throw refusal;
  return emails;
}

/**
 * Asks for a link that proves a further address of the account, sent by a job; the answer is the same whether somebody else
 * has the address, and with `send` off, where it has had too many letters. Throws `act_as_refused`, `permission_denied`, `reauthentication_required`.
 */
export async function askToProveEmail(
  tx: Transaction,
  accountId: string,
  session: Session | undefined,
  { email, site, send }: { readonly email: string; readonly site: string; readonly send: boolean },
): Promise<void> {
  await requireReauthentication(tx, accountId, session);
  if (!send) return;
  await enqueue(tx, platformJobs, 'mail-link', { purpose: 'prove_email', email, accountId, site });
}

/**
 * Before the first own mailbox of an account is proven: whoever was signed in to it until then, by an IdP's word alone, may be somebody
 * else. Their sessions end, the links to further addresses that they have asked for are void, and their SSH keys are gone.
 */
async function dropUnprovenPast(tx: Transaction, accountId: string, except: string | undefined): Promise<void> {
  await endSessions(tx, accountId, except);
  await tx.mailedLinks.remove(PLATFORM, { accountId, purpose: 'prove_email', usedAt: { $exists: false } });
  for (const { _id } of await findSshKeys(tx, accountId)) await removeSshKey(tx, accountId, _id);
}

/** Marks the address of a link as the account's own; the session `by` has shown it. Throws `email_taken` where another account has it proven. */
export async function addMailbox(tx: Transaction, accountId: string, email: string, by?: string): Promise<void> {
  const emails = await findAccountEmails(tx, accountId);
  const own = emails.find(({ emailKey }) => emailKey === caseKey(email));
  if (!emails.some(({ proven, provenBy }) => proven && provenBy !== 'idp')) await dropUnprovenPast(tx, accountId, by);
  if (own?.proven) {
    await tx.accountEmails.updateOne(PLATFORM, { _id: own._id }, { $set: { provenBy: 'mailbox', provenAt: tx.at } });
  } else if (!(await proveEmail(tx, accountId, email, 'mailbox'))) {
    throw new AppError('email_taken', 'Another account has proven this address');
  }
}

/**
 * Takes an address off the account. Throws what `askToProveEmail` does, `not_found`, and `last_email`: a link must be able
 * to reach the person afterwards as it could before.
 */
export async function removeEmail(
  tx: Transaction,
  accountId: string,
  session: Session | undefined,
  emailId: string,
): Promise<void> {
  const emails = await requireReauthentication(tx, accountId, session);
  const email = emails.find(({ _id }) => _id === emailId);
  if (!email) throw new AppError('not_found', `There is no address ${emailId}`);
  const mailboxes = mailboxesOf(emails);
  if (mailboxes.length === 1 && mailboxes[0]?._id === emailId) {
    throw new AppError('last_email', 'This is the only address that links are sent to: prove another one first');
  }
  await tx.accountEmails.remove(PLATFORM, { _id: emailId });
}
