/**
 * What the Owner reads whenever a way to sign in is made or changed: whoever controls an IdP can speak for the people of its
 * domains, so that the Owner learns of it by the one channel that no IdP controls (OWN-4, OWN-5).
 */
import type { Mail } from '../lib/mail.ts';
import { enqueue, type JobPayload } from '../queue/index.ts';
import type { Connection, ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails, findContacts } from './accounts.ts';
import { mailboxesOf } from './mailboxes.ts';
import { findOwner } from './members.ts';

export type ConnectionChange = JobPayload<'tell-owner'>['change'];

const words: Readonly<Record<ConnectionChange, string>> = {
  created: 'a way to sign in was made. It lets nobody in before it is activated',
  activated: 'a way to sign in was activated: its identity provider now lets people in',
  changed:
    'the identity provider behind a way to sign in was changed: its name, addresses, certificates, secret or claims',
  keys: 'our own keys towards the identity provider of a way to sign in were changed',
};

/** Asks for a letter to the Owner, in the transaction of the change. */
export async function tellOwner(
  tx: Transaction,
  { organizationId, _id: connectionId }: Pick<Connection, '_id' | 'organizationId'>,
  change: ConnectionChange,
): Promise<void> {
  const { actor, onBehalfOf } = tx.cause;
  const by = onBehalfOf === undefined ? actor : `${actor} for ${onBehalfOf}`;
  await enqueue(tx, organizationId, 'tell-owner', { connectionId, change, by, at: tx.at.toISOString() });
}

/**
 * The letter; undefined where the organization is gone, or its Owner has no address. The connection is named by its id: its
 * name is a text that whoever made it has chosen.
 */
export async function writeConnectionNews(
  reads: ReadStore,
  organizationId: string,
  { connectionId, change, by, at }: JobPayload<'tell-owner'>,
): Promise<Mail | undefined> {
  const organization = await reads.organizations.get(organizationId, organizationId);
  const owner = await findOwner(reads, organizationId);
  const [mailbox] = owner === undefined ? [] : mailboxesOf(await findAccountEmails(reads, owner.accountId));
  if (!organization || !mailbox) return undefined;
  return {
    to: mailbox.email,
    subject: `Signing in to ${organization.name} has changed`,
    text: [
      `In ${organization.name}, of which you are the Owner, ${words[change]}.`,
      `Connection: ${connectionId}\nBy: ${await nameOf(reads, by)}\nAt: ${at}`,
      'If you did not expect this, ask who did it, look at the audit trail, and disable the connection. You can always sign in by a link to this mailbox.',
      '',
    ].join('\n\n'),
  };
}

/** An account by its address, anybody else as the audit calls them. */
async function nameOf(reads: ReadStore, by: string): Promise<string> {
  const accountId = /^account:(.+)$/.exec(by)?.[1];
  if (accountId === undefined) return by;
  return (await findContacts(reads, [accountId])).get(accountId)?.email ?? accountId;
}
