/** What was sent to webhooks, or is to be: seen, and sent again where somebody asks for it. */
import { AppError } from '../../errors.ts';
import type { Filter, Page, ReadStore, Transaction, WebhookDelivery } from '../../store/index.ts';
import { recordAudit } from '../audit.ts';
import { getWebhook } from './endpoints.ts';
import { wakeWebhook } from './wake.ts';

export interface DeliveryQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly state?: WebhookDelivery['state'] | undefined;
  readonly type?: string | undefined;
}

/** A webhook's deliveries, newest first. Throws `not_found`. */
export async function listDeliveries(
  reads: ReadStore,
  organizationId: string,
  webhookId: string,
  { limit, cursor, state, type }: DeliveryQuery,
): Promise<Page<WebhookDelivery>> {
  await getWebhook(reads, organizationId, webhookId);
  const filter: Filter<WebhookDelivery> = { webhookId, ...(state && { state }), ...(type !== undefined && { type }) };
  return reads.webhookDeliveries.page(organizationId, filter, { sort: { _id: -1 }, limit, cursor });
}

/** One of them; throws `not_found`. */
export async function getDelivery(
  reads: ReadStore,
  organizationId: string,
  webhookId: string,
  deliveryId: string,
): Promise<WebhookDelivery> {
  await getWebhook(reads, organizationId, webhookId);
  const delivery = await reads.webhookDeliveries.get(organizationId, deliveryId);
  if (delivery?.webhookId !== webhookId) throw new AppError('not_found', `The webhook has no delivery ${deliveryId}`);
  return delivery;
}

/**
 * Sends a delivery again, whatever has become of it, with all its attempts: under the same `webhook-id`, by which a receiver tells
 * that it has had it. Throws `not_found`, `webhook_disabled`.
 */
export async function replayDelivery(
  tx: Transaction,
  organizationId: string,
  webhookId: string,
  deliveryId: string,
): Promise<WebhookDelivery> {
  const delivery = await getDelivery(tx, organizationId, webhookId, deliveryId);
  await requireEnabled(tx, organizationId, webhookId);
  const changed = await tx.webhookDeliveries.updateOne(organizationId, { _id: deliveryId }, again(tx));
  await recordAudit(tx, organizationId, {
    type: 'webhook.replayed',
    targetKind: 'webhook',
    targetId: webhookId,
    after: { deliveryId },
  });
  await wakeWebhook(tx, organizationId, webhookId);
  return changed ?? delivery;
}

/** So many are changed in one transaction. */
const batch = 500;

/**
 * Sends again what has failed since an instant, as many as one transaction takes, oldest first. Answers how many; where that is the
 * most, there may be more. Throws `not_found`, `webhook_disabled`.
 */
export async function replayFailed(
  tx: Transaction,
  organizationId: string,
  webhookId: string,
  since: Date,
): Promise<{ readonly replayed: number; readonly more: boolean }> {
  await requireEnabled(tx, organizationId, webhookId);
  const failed = { webhookId, state: 'failed', createdAt: { $gte: since } } as const;
  const found = await tx.webhookDeliveries.find(organizationId, failed, { limit: batch });
  if (found.length === 0) return { replayed: 0, more: false };
  const those = { _id: { $in: found.map(({ _id }) => _id) } };
  const replayed = await tx.webhookDeliveries.update(organizationId, those, again(tx));
  await recordAudit(tx, organizationId, {
    type: 'webhook.replayed',
    targetKind: 'webhook',
    targetId: webhookId,
    after: { since: since.toISOString(), deliveries: replayed },
  });
  await wakeWebhook(tx, organizationId, webhookId);
  return { replayed, more: found.length === batch };
}

const again = ({ at }: Transaction) =>
  ({ $set: { state: 'pending', attempts: 0, dueAt: at, replayedAt: at } }) as const;

async function requireEnabled(tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  const { enabled } = await getWebhook(tx, organizationId, webhookId);
  if (!enabled) throw new AppError('webhook_disabled', 'The webhook is disabled: enable it first');
}

/** Removes deliveries of a webhook that is gone, as many as one transaction takes. Answers whether there may be more. */
export async function removeDeliveries(tx: Transaction, organizationId: string, webhookId: string): Promise<boolean> {
  const found = await tx.webhookDeliveries.find(organizationId, { webhookId }, { limit: batch });
  if (found.length > 0) {
    await tx.webhookDeliveries.remove(organizationId, { _id: { $in: found.map(({ _id }) => _id) } });
  }
  return found.length === batch;
}
