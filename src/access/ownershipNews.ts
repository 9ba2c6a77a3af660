/** The letters to both sides of a transfer of the ownership (OWN-4), so that nothing of it happens behind anybody's back. */
import type { Mail } from '../lib/mail.ts';
import { enqueue, type JobPayload } from '../queue/index.ts';
import type { Member, ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails, findContacts } from './accounts.ts';
import { type OwnershipEvent, ownershipLetter } from './letters.ts';
import { mailboxesOf } from './mailboxes.ts';

/** The Owner as it was before, and the Admin whom it is about. */
interface Sides {
  readonly owner: Pick<Member, 'accountId'>;
  readonly heir: Pick<Member, 'accountId'>;
}

/** Asks for one letter to each side, so that each is tried again by itself. */
export async function tellSides(
  tx: Transaction,
  organizationId: string,
  event: OwnershipEvent,
  { owner, heir }: Sides,
): Promise<void> {
  const sides = { ownerAccountId: owner.accountId, heirAccountId: heir.accountId };
  for (const to of ['owner', 'heir'] as const)
    await enqueue(tx, organizationId, 'mail-ownership', { event, to, ...sides });
}

/** The letter to one side; undefined for who has no address, and where the organization is gone. */
export async function writeOwnershipLetter(
  reads: ReadStore,
  organizationId: string,
  { event, to, ownerAccountId, heirAccountId }: JobPayload<'mail-ownership'>,
): Promise<Mail | undefined> {
  const organization = await reads.organizations.get(organizationId, organizationId);
  const [mailbox] = mailboxesOf(await findAccountEmails(reads, to === 'owner' ? ownerAccountId : heirAccountId));
  if (!organization || !mailbox) return undefined;
  const contacts = await findContacts(reads, [ownerAccountId, heirAccountId]);
  return ownershipLetter(mailbox.email, {
    event,
    organization: organization.name,
    owner: contacts.get(ownerAccountId) ?? {},
    heir: contacts.get(heirAccountId) ?? {},
  });
}
