/**
 * One-time links by mail (OWN-5, ACC-4, ACC-5): made and sent by a job, so that nobody who asks for one learns from the
 * answer, or its time, whether an account exists, and so that no secret rests anywhere but in the letter itself.
 */
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { equalSecrets, hashSecret, newSecret } from '../lib/secrets.ts';
import { caseKey } from '../lib/text.ts';
import { enqueue, type JobPayload, platformJobs } from '../queue/index.ts';
import { type MailedLink, PLATFORM, type ReadStore, type Transaction } from '../store/index.ts';
import { findAccountByProvenEmail, lockAccount, lockIfAlive } from './accounts.ts';
import { findAccountByMailbox } from './mailboxes.ts';

/** How long a link may be used. */
export const linkLifeMinutes = 10;
/** One that asks a person about themself: it may be an Admin who asks, while the person is asleep. */
const confirmationLifeMs = 24 * 60 * 60_000;

export interface LinkRequest {
  readonly email: string;
  /** Our base URL, which the link begins with. */
  readonly site: string;
  /** Checked already: one of the allowed places. */
  readonly returnTo?: string | undefined;
  /** The mark of the browser that asks. */
  readonly browser?: string | undefined;
  /** The domain has had too many letters: only the Owner of an organization gets one (OWN-5). */
  readonly ownersOnly?: boolean | undefined;
}

/** Asks for a link by which whoever has this mailbox signs in, or registers. Always the same work, whoever that is. */
export async function askForLink(
  tx: Transaction,
  { email, site, returnTo, browser, ownersOnly }: LinkRequest,
): Promise<void> {
  await enqueue(tx, platformJobs, 'mail-link', {
    purpose: 'sign_in',
    email,
    site,
    ...(returnTo !== undefined && { returnTo }),
    ...(browser !== undefined && { browserHash: hashSecret(browser) }),
    ...(ownersOnly && { ownersOnly }),
  });
}

export type NewLink =
  | { readonly kind: 'link'; readonly link: MailedLink; readonly token: string }
  /** The address is an account's that has mailboxes of its own, and this is none of them. */
  | { readonly kind: 'other_mailbox' }
  /** Nothing is to be sent. */
  | { readonly kind: 'nothing' };

/**
 * Makes the link that a job has been asked for: for the account whose mailbox the address is, or to make one. The token is
 * answered this once, and kept as a hash.
 */
export async function makeLink(tx: Transaction, asked: JobPayload<'mail-link'>): Promise<NewLink> {
  const { purpose, email, returnTo, browserHash } = asked;
  const accountId = purpose === 'sign_in' ? await findAccountByMailbox(tx, email) : asked.accountId;
  if (asked.ownersOnly && !(await isSomewhereOwner(tx, accountId))) return { kind: 'nothing' };
  if (accountId !== undefined && !(await lockIfAlive(tx, accountId))) return { kind: 'nothing' };
  if (purpose === 'sign_in' && accountId === undefined && (await findAccountByProvenEmail(tx, email))) {
    return { kind: 'other_mailbox' };
  }
  const token = newSecret('');
  const link = await tx.mailedLinks.insert(PLATFORM, {
    _id: newId('mailedLink'),
    purpose: purpose === 'sign_in' && accountId === undefined ? 'register' : purpose,
    email,
    emailKey: caseKey(email),
    ...(accountId !== undefined && { accountId }),
    tokenHash: hashSecret(token),
    ...(browserHash !== undefined && { browserHash }),
    ...(returnTo !== undefined && { returnTo }),
    expiresAt: new Date(tx.at.getTime() + linkLifeMinutes * 60_000),
  });
  return { kind: 'link', link, token };
}

async function isSomewhereOwner(reads: ReadStore, accountId: string | undefined): Promise<boolean> {
  if (accountId === undefined) return false;
  return (await reads.members.findOne(PLATFORM, { accountId, owner: true })) !== undefined;
}

export interface NewConfirmation extends Required<Pick<MailedLink, 'accountId' | 'askedIn' | 'about' | 'aboutId'>> {
  /** The mailbox, which the account has proven. */
  readonly email: string;
}

/** Makes a link by which the person of an account answers a question about themself (SCIM-3, SSO-6). Throws `not_found`. */
export async function makeConfirmationLink(
  tx: Transaction,
  { email, ...asked }: NewConfirmation,
): Promise<{ readonly link: MailedLink; readonly token: string }> {
  await lockAccount(tx, asked.accountId);
  const token = newSecret('');
  const link = await tx.mailedLinks.insert(PLATFORM, {
    _id: newId('mailedLink'),
    purpose: 'confirm',
    email,
    emailKey: caseKey(email),
    ...asked,
    tokenHash: hashSecret(token),
    expiresAt: new Date(tx.at.getTime() + confirmationLifeMs),
  });
  return { link, token };
}

/** The link of this token while it may be used. Looking at it uses nothing up. */
export async function findLink(reads: ReadStore, token: string, now: Date): Promise<MailedLink | undefined> {
  const link = await reads.mailedLinks.findOne(PLATFORM, { tokenHash: hashSecret(token) });
  return link !== undefined && link.usedAt === undefined && now < link.expiresAt ? link : undefined;
}

/** Whether the browser with this mark has asked for the link. */
export function isAskedBy({ browserHash }: Pick<MailedLink, 'browserHash'>, browser: string | undefined): boolean {
  return browserHash !== undefined && browser !== undefined && equalSecrets(browserHash, hashSecret(browser));
}

/**
 * Uses a link up, and with it the other ones of its mailbox for the same end. Of two at once one does: the other sees it
 * used when it is run again. Throws `link_expired`.
 */
export async function takeLink(
  tx: Transaction,
  token: string,
  allowed: (link: MailedLink) => boolean,
): Promise<MailedLink> {
  const link = await findLink(tx, token, tx.at);
  if (link === undefined || !allowed(link)) throw linkExpired();
  const taken = await tx.mailedLinks.updateOne(
    PLATFORM,
    { _id: link._id, version: link.version },
    { $set: { usedAt: tx.at } },
  );
  if (taken === undefined) throw linkExpired();
  const { emailKey, purpose, aboutId } = link;
  await tx.mailedLinks.remove(PLATFORM, {
    emailKey,
    purpose,
    ...(aboutId !== undefined && { aboutId }),
    usedAt: { $exists: false },
  });
  return taken;
}

export const linkExpired = () =>
  new AppError('link_expired', 'This link has been used, or is too old. Ask for a new one.');
