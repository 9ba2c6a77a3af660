/** Webhooks: the addresses that an organization, or the platform, wants told of events (EVT-1), and their secrets. */
import { AppError } from '../../errors.ts';
import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/secrets.ts';
import { enqueue } from '../../queue/index.ts';
import type { Change, JsonObject, ReadStore, Transaction, Webhook } from '../../store/index.ts';
import { platformTrail, recordAudit } from '../audit.ts';
import { trialType } from '../catalog.ts';
import { trialAudit } from '../telling.ts';
import { newDelivery } from './fanOut.ts';
import { newWebhookSecret } from './signature.ts';
import { sleepUntilDue, wakeWebhook } from './wake.ts';

/** Of one organization. */
const mostWebhooks = 20;

export interface NewWebhook {
  readonly url: string;
  readonly description?: string | undefined;
  /** All where absent. */
  readonly types?: readonly string[] | undefined;
  readonly enabled: boolean;
}

export interface IssuedSecret {
  readonly webhook: Webhook;
  /** Shown this once; it is kept sealed. */
  readonly secret: string;
}

/** Makes a webhook; it is told what happens from now on. Its address has been checked. Throws `too_many_webhooks`. */
export async function createWebhook(
  tx: Transaction,
  sealer: Sealer,
  organizationId: string,
  { url, description, types, enabled }: NewWebhook,
): Promise<IssuedSecret> {
  if (organizationId !== platformTrail) await tx.organizations.lock(organizationId, organizationId);
  if ((await tx.webhooks.count(organizationId, {})) >= mostWebhooks) {
    throw new AppError('too_many_webhooks', `There are ${mostWebhooks} webhooks already: remove one first`);
  }
  const secret = newWebhookSecret();
  const webhook = await tx.webhooks.insert(organizationId, {
    _id: newId('webhook'),
    organizationId,
    url,
    enabled,
    secret: sealer.seal(secret),
    createdBy: tx.cause.actor,
    failures: 0,
    ...(description !== undefined && { description }),
    ...(types && { types: [...types] }),
    ...(!enabled && { disabledAt: tx.at, disabledBecause: 'asked' }),
  });
  await audit(tx, webhook, 'webhook.created', { after: described(webhook) });
  return { webhook, secret };
}

/** The webhook; throws `not_found`, also for another organization's (PRJ-1). */
export async function getWebhook(reads: ReadStore, organizationId: string, webhookId: string): Promise<Webhook> {
  const webhook = await reads.webhooks.get(organizationId, webhookId);
  if (!webhook) throw new AppError('not_found', `There is no webhook ${webhookId} here`);
  return webhook;
}

/** All of an organization's, in the order of making: there are few. */
export function listWebhooks(reads: ReadStore, organizationId: string): Promise<readonly Webhook[]> {
  return reads.webhooks.find(organizationId, {});
}

export interface WebhookChange {
  readonly url?: string | undefined;
  readonly description?: string | null | undefined;
  readonly types?: readonly string[] | null | undefined;
  readonly enabled?: boolean | undefined;
}

/**
 * Changes what is given. Disabled, it is told nothing that happens meanwhile; what waited for it waits on, and goes out in its time
 * once it is enabled again. Throws `not_found`.
 */
export async function changeWebhook(
  tx: Transaction,
  organizationId: string,
  webhookId: string,
  { url, description, types, enabled }: WebhookChange,
): Promise<Webhook> {
  const before = await getWebhook(tx, organizationId, webhookId);
  const switched = enabled === undefined || enabled === before.enabled ? {} : switchOf(enabled, tx.at);
  await tx.webhooks.updateOne(
    organizationId,
    { _id: webhookId },
    {
      $set: {
        ...(url !== undefined && { url }),
        ...(typeof description === 'string' && { description }),
        ...(Array.isArray(types) && { types: [...types] }),
        ...switched.$set,
      },
      $unset: {
        ...(description === null && { description: true as const }),
        ...(types === null && { types: true as const }),
        ...switched.$unset,
      },
    },
  );
  if (enabled && !before.enabled) await sleepUntilDue(tx, organizationId, webhookId);
  const after = await getWebhook(tx, organizationId, webhookId);
  const type = before.enabled === after.enabled ? 'updated' : after.enabled ? 'enabled' : 'disabled';
  await audit(tx, after, `webhook.${type}`, { before: described(before), after: described(after) });
  return after;
}

const health = { failingSince: true, restUntil: true, wakeAt: true } as const;

function switchOf(enabled: boolean, at: Date): Pick<Change<Webhook>, '$set' | '$unset'> {
  if (enabled) {
    return { $set: { enabled, failures: 0 }, $unset: { ...health, disabledAt: true, disabledBecause: true } };
  }
  return { $set: { enabled, disabledAt: at, disabledBecause: 'asked' }, $unset: health };
}

/** Ends it by itself: the receiver has said that it is gone, or nothing has got through for days. The Admins are told. */
export async function disableWebhook(tx: Transaction, webhook: Webhook, because: 'gone' | 'failing'): Promise<void> {
  const { organizationId, _id: webhookId } = webhook;
  const change = {
    $set: { enabled: false, disabledAt: tx.at, disabledBecause: because },
    $unset: { wakeAt: true },
  } as const;
  if (!(await tx.webhooks.updateOne(organizationId, { _id: webhookId, enabled: true }, change))) return;
  await audit(tx, webhook, 'webhook.disabled', {
    before: described(webhook),
    after: { enabled: false, because },
    detail: because === 'gone' ? 'Its receiver answers 410: it is gone' : 'Nothing has got through to it for five days',
  });
  await enqueue(tx, organizationId, 'announce-webhook', { webhookId });
}

/** Removes it; its deliveries are removed apart, with `removeDeliveries`. Throws `not_found`. */
export async function deleteWebhook(tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  const webhook = await getWebhook(tx, organizationId, webhookId);
  await tx.webhooks.remove(organizationId, { _id: webhookId });
  await audit(tx, webhook, 'webhook.deleted', { before: described(webhook) });
}

/** How many former secrets sign beside the present one at most: each makes the header longer. */
const maxFormer = 5;

/** The secrets that sign at that instant, the newest first. */
export function signingSecrets(sealer: Sealer, webhook: Webhook, at: Date): readonly string[] {
  const { secret, formerSecret, formerSecretUntil } = webhook;
  const former =
    formerSecret && formerSecretUntil && formerSecretUntil > at ? sealer.open(formerSecret).split(' ') : [];
  return [sealer.open(secret), ...former];
}

/**
 * Gives it another secret; all that have signed until now sign beside that for `overlapMs`: whoever asks a second time,
 * having missed the answer, takes from the receiver none that it knows. Throws `not_found`.
 */
export async function rotateSecret(
  tx: Transaction,
  sealer: Sealer,
  organizationId: string,
  webhookId: string,
  overlapMs: number,
): Promise<IssuedSecret> {
  const before = await getWebhook(tx, organizationId, webhookId);
  const secret = newWebhookSecret();
  const formerSecretUntil = new Date(tx.at.getTime() + overlapMs);
  const overlap = overlapMs > 0;
  const formerSecret = sealer.seal(signingSecrets(sealer, before, tx.at).slice(0, maxFormer).join(' '));
  const webhook = await tx.webhooks.updateOne(
    organizationId,
    { _id: webhookId, version: before.version },
    overlap
      ? { $set: { secret: sealer.seal(secret), formerSecret, formerSecretUntil } }
      : { $set: { secret: sealer.seal(secret) }, $unset: { formerSecret: true, formerSecretUntil: true } },
  );
  if (!webhook) throw new AppError('stale', 'The webhook was changed by somebody else meanwhile: try again');
  await audit(tx, webhook, 'webhook.secret_rotated', {
    after: overlap ? { formerSecretUntil: formerSecretUntil.toISOString() } : {},
  });
  return { webhook, secret };
}

/** Asks for a trial delivery, to this webhook only. Answers it. Throws `not_found`, `webhook_disabled`. */
export async function tryWebhook(tx: Transaction, organizationId: string, webhookId: string) {
  const webhook = await getWebhook(tx, organizationId, webhookId);
  if (!webhook.enabled) throw new AppError('webhook_disabled', 'The webhook is disabled: nothing is sent to it');
  const auditId = newId('audit');
  await recordAudit(tx, organizationId, {
    id: auditId,
    type: trialAudit,
    targetKind: 'webhook',
    targetId: webhookId,
  });
  const row = newDelivery(tx, webhook, { _id: auditId, organizationId }, trialType);
  const delivery = await tx.webhookDeliveries.insert(organizationId, row);
  await wakeWebhook(tx, organizationId, webhookId);
  return delivery;
}

/** What the audit says of a webhook: of its address the origin, for the rest of it may hold a secret of the receiver's. */
const described = ({ url, types, enabled }: Webhook): JsonObject => ({
  origin: new URL(url).origin,
  enabled,
  ...(types && { types }),
});

/** An audit event about a webhook. */
async function audit(
  tx: Transaction,
  { organizationId, _id }: Webhook,
  type: `webhook.${string}`,
  states: { readonly before?: JsonObject; readonly after?: JsonObject; readonly detail?: string },
): Promise<void> {
  await recordAudit(tx, organizationId, { type, targetKind: 'webhook', targetId: _id, ...states });
}
