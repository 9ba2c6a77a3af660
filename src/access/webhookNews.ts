/** Whom it is told that a webhook was disabled by itself, and what each of them reads (EVT-1). */
import type { Mail } from '../lib/mail.ts';
import { enqueue } from '../queue/index.ts';
import type { ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails } from './accounts.ts';
import { mailboxesOf } from './mailboxes.ts';

/** Asks for one letter to each active Admin, so that each is tried again by itself; the platform's own webhooks have none. */
export async function announceWebhook(tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  for (const { accountId: to } of await tx.members.find(organizationId, { role: 'admin', status: 'active' })) {
    await enqueue(tx, organizationId, 'mail-webhook', { webhookId, to });
  }
}

/** The letter to one Admin; undefined where there is nothing to tell any more, or nobody to read it. */
export async function writeWebhookNews(
  reads: ReadStore,
  organizationId: string,
  { webhookId, to }: { readonly webhookId: string; readonly to: string },
): Promise<Mail | undefined> {
  const [organization, webhook, reader] = await Promise.all([
    reads.organizations.get(organizationId, organizationId),
    reads.webhooks.get(organizationId, webhookId),
    reads.members.findOne(organizationId, { accountId: to, role: 'admin', status: 'active' }),
  ]);
  const [mailbox] = mailboxesOf(await findAccountEmails(reads, to));
  if (!organization || !webhook || webhook.enabled || !reader || !mailbox) return undefined;
  const why =
    webhook.disabledBecause === 'gone'
      ? 'Its receiver has answered 410 Gone, which asks us to stop.'
      : 'Nothing has got through to it for five days, however often it was tried.';
  return {
    to: mailbox.email,
    subject: `A webhook of ${organization.name} was disabled`,
    text: [
      `In ${organization.name}, of which you are an Admin, a webhook was disabled: it is told nothing any more.`,
      `Webhook: ${webhookId}\nAt: ${webhook.disabledAt?.toISOString() ?? ''}`,
      why,
      'Look at its deliveries, see to its receiver, and enable it again. What has failed can be sent again; what has happened meanwhile is on the event feed.',
      '',
    ].join('\n\n'),
  };
}
