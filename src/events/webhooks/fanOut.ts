import { newId } from '../../lib/ids.ts';
import type { AuditEvent, Transaction, Webhook } from '../../store/index.ts';
import { platformTrail } from '../audit.ts';
import type { DomainEvent } from '../catalog.ts';
import { isTold, tell } from '../telling.ts';
import { wakeWebhooks } from './wake.ts';

interface Told {
  readonly audit: AuditEvent;
  readonly event: DomainEvent;
}

/**
 * Writes down which of these numbered events each webhook is to be told: those of the organization, and those that hear of all.
 * It is done in the transaction that ends its job, and therefore once; in few steps, however many webhooks there are.
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
    const webhooks = await tx.webhooks.find(listener, {});
    const chosen = webhooks.map((webhook) => ({ webhook, events: told.filter((one) => wants(webhook, one)) }));
    const concerned = chosen.filter(({ events }) => events.length > 0);
    if (concerned.length === 0) continue;
    const deliveries = concerned.flatMap(({ webhook, events }) =>
      events.map(({ audit, event }) => newDelivery(tx, webhook, audit, event.type)),
    );
    await tx.webhookDeliveries.insertMany(listener, deliveries);
    await wakeWebhooks(
      tx,
      listener,
      concerned.map(({ webhook }) => webhook),
    );
  }
}

/** One that has been disabled since it happened is told when it is enabled again. */
const wants = ({ types, enabled, disabledAt }: Webhook, { event, audit }: Told): boolean =>
  (enabled || (disabledAt !== undefined && disabledAt >= audit.createdAt)) && (types?.includes(event.type) ?? true);

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
