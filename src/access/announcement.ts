/** To whom the Owner's sign-in by link is told, and what each of them reads (OWN-5). */
import type { Mail } from '../lib/mail.ts';
import { enqueue } from '../queue/index.ts';
import type { ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails, findContacts } from './accounts.ts';
import { ownerSignInLetter } from './letters.ts';
import { mailboxesOf } from './mailboxes.ts';

export interface OwnerSignIn {
  readonly accountId: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Asks for one letter to each active Admin, so that each is tried again by itself. */
export async function announceToAdmins(tx: Transaction, organizationId: string, signIn: OwnerSignIn): Promise<void> {
  for (const { accountId } of await tx.members.find(organizationId, { role: 'admin', status: 'active' })) {
    await enqueue(tx, organizationId, 'mail-announcement', { ...signIn, to: accountId });
  }
}

/** The letter to one Admin; undefined for who is none any more, or has no address. */
export async function writeAnnouncement(
  reads: ReadStore,
  organizationId: string,
  { accountId, at, to }: OwnerSignIn & { readonly to: string },
): Promise<Mail | undefined> {
  const [organization, reader] = await Promise.all([
    reads.organizations.get(organizationId, organizationId),
    reads.members.findOne(organizationId, { accountId: to, role: 'admin', status: 'active' }),
  ]);
  const [mailbox] = mailboxesOf(await findAccountEmails(reads, to));
  if (!organization || !reader || !mailbox) return undefined;
  const contact = (await findContacts(reads, [accountId])).get(accountId);
  const owner = contact?.name ?? contact?.email ?? accountId;
  return ownerSignInLetter(mailbox.email, { organization: organization.name, owner, at });
}
