/**
 * One job at a time is asked for by each webhook that something waits for: its time stands on the webhook (`wakeAt`), and one
 * that comes at another time is out of date. Whoever adds a delivery locks the webhook, so that the job which finds nothing more
 * to send does not end unseen.
 */
import { newId } from '../../lib/ids.ts';
import { enqueue } from '../../queue/index.ts';
import { type Cause, PLATFORM, type Store, type Transaction, type Webhook } from '../../store/index.ts';

/** Sends what waits at `at`, or, where the webhook rests, once that is over; nothing where it is disabled or gone. */
export async function wakeWebhook(tx: Transaction, organizationId: string, webhookId: string, at: Date): Promise<void> {
  const webhook = await tx.webhooks.lock(organizationId, webhookId);
  if (!webhook?.enabled) return;
  const time = laterOf(at, webhook.restUntil);
  if (webhook.wakeAt === undefined || webhook.wakeAt > time) await setWake(tx, webhook, time);
}

/** What is next where a round has ended: the webhook sleeps until the next delivery is due, or for good. */
export async function sleepUntilDue(tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  const webhook = await tx.webhooks.lock(organizationId, webhookId);
  if (!webhook?.enabled) return;
  const waiting = { webhookId, state: 'pending' } as const;
  const next = await tx.webhookDeliveries.findOne(organizationId, waiting, { sort: { dueAt: 1 } });
  if (next) await setWake(tx, webhook, laterOf(laterOf(next.dueAt, webhook.restUntil), tx.at));
  else await tx.webhooks.updateOne(organizationId, { _id: webhookId }, { $unset: { wakeAt: true } });
}

async function setWake(tx: Transaction, { organizationId, _id }: Webhook, wakeAt: Date): Promise<void> {
  await tx.webhooks.updateOne(organizationId, { _id }, { $set: { wakeAt } });
  const afterMs = Math.max(0, wakeAt.getTime() - tx.at.getTime());
  await enqueue(tx, organizationId, 'deliver', { webhookId: _id, wakeAt: wakeAt.toISOString() }, { afterMs });
}

const laterOf = (at: Date, other: Date | undefined): Date => (other && other > at ? other : at);

/** Longer than any job may run. */
const overdueMs = 20 * 60_000;

/** Wakes the webhooks whose job was given up: it did not come at its time, nor soon after. For a round. */
export async function wakeOverdue(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  const overdue = { enabled: true, wakeAt: { $lt: new Date(at.getTime() - overdueMs) } } as const;
  for (const { organizationId, _id } of await store.read.webhooks.find(PLATFORM, overdue)) {
    if (!goOn()) return;
    await store.transaction({ ...cause, requestId: newId('request') }, async (tx) => {
      const webhook = await tx.webhooks.lock(organizationId, _id);
      if (webhook?.enabled && webhook.wakeAt !== undefined && webhook.wakeAt <= at) await setWake(tx, webhook, tx.at);
    });
  }
}
