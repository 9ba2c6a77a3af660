import { newId } from '../../lib/ids.ts';
import type { AuditEvent, Transaction, Webhook } from '../../store/index.ts';
import { platformTrail } from '../audit.ts';
import type { DomainEvent } from '../catalog.ts';
import { isTold, tell } from '../telling.ts';
import { wakeWebhook } from './wake.ts';

interface Told {
  readonly audit: AuditEvent;
  readonly event: DomainEvent;
}

/**
 * Writes down which of these numbered events each webhook is to be told: those of the organization, and those that hear of all.
 * It is done in the transaction that ends its job, and therefore once.
 */
export async function fanOut(
  tx: Transaction,
  organizationId: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const rows = await tx.auditEvents.find(organizationId, { seq: { $gte: from, $lte: to } }, { sort: { seq: 1 } });
  const told = rows.flatMap((audit): readonly Told[] => {
    const event = isTold(audit) ? tell(audit) : undefined;
    return event ? [{ audit, event }] : [];
  });
  for (const listener of new Set([organizationId, platformTrail])) {
    for (const webhook of await tx.webhooks.find(listener, { enabled: true })) await addDeliveries(tx, webhook, told);
  }
}

async function addDeliveries(tx: Transaction, webhook: Webhook, told: readonly Told[]): Promise<void> {
  const { organizationId, _id, types } = webhook;
  const chosen = told.filter(({ event }) => types === undefined || types.includes(event.type));
  if (chosen.length === 0) return;
  await tx.webhookDeliveries.insertMany(
    organizationId,
    chosen.map(({ audit, event }) => newDelivery(tx, webhook, audit, event.type)),
  );
  await wakeWebhook(tx, organizationId, _id, tx.at);
}

/** The row of a delivery that is due at once. */
export const newDelivery = (
  { at }: Transaction,
  { organizationId, _id: webhookId }: Webhook,
  { organizationId: of, _id: auditId }: Pick<AuditEvent, '_id' | 'organizationId'>,
  type: DomainEvent['type'],
) =>
  ({
    _id: newId('webhookDelivery'),
    organizationId,
    webhookId,
    of,
    auditId,
    type,
    state: 'pending',
    attempts: 0,
    dueAt: at,
  }) as const;
