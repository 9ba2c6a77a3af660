/**
 * One job at a time is asked for by each webhook that something waits for: its time stands on the webhook (`wakeAt`), and one
 * that comes at another time is out of date. Whoever adds a delivery locks the webhook, so that the job which finds nothing more
 * to send does not end unseen.
 */
import { furthest } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import { enqueueMany } from '../../queue/index.ts';
import { type Cause, PLATFORM, type Store, type Transaction, type Webhook } from '../../store/index.ts';
import { longestDelayMs, longestRestMs } from './schedule.ts';

/**
 * Sends what waits for these webhooks, as they were read in this transaction, now, or, where one rests, once that is over; where one is
 * disabled, not before it is enabled again. None of them may be changed meanwhile.
 */
export async function wakeWebhooks(
  tx: Transaction,
  organizationId: string,
  webhooks: readonly Webhook[],
): Promise<void> {
  const times = webhooks.map((webhook) => ({ webhook, wakeAt: laterOf(tx.at, webhook.restUntil) }));
  const asleep = times.filter(
    ({ webhook, wakeAt }) => webhook.enabled && (webhook.wakeAt === undefined || webhook.wakeAt > wakeAt),
  );
  const awake = times.filter((one) => !asleep.includes(one));
  if (awake.length > 0) {
    await tx.webhooks.lockMany(
      organizationId,
      awake.map(({ webhook }) => webhook._id),
    );
  }
  await setWake(tx, organizationId, asleep);
}

/** The same for one, at once even where it rests: somebody asks for it, who knows more. Nothing where it is disabled or gone. */
export async function wakeWebhook(tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  const rested = { $unset: { restUntil: true } } as const;
  const webhook = await tx.webhooks.updateOne(organizationId, { _id: webhookId, enabled: true }, rested);
  if (webhook) await wakeWebhooks(tx, organizationId, [webhook]);
}

/** What is next where a round has ended: the webhook sleeps until the next delivery is due, or for good. */
export async function sleepUntilDue(tx: Transaction, organizationId: string, webhookId: string): Promise<void> {
  const webhook = await tx.webhooks.lock(organizationId, webhookId);
  if (!webhook?.enabled) return;
  const waiting = { webhookId, state: 'pending' } as const;
  const next = await tx.webhookDeliveries.findOne(organizationId, waiting, { sort: { dueAt: 1 } });
  const wakeAt = next && laterOf(laterOf(next.dueAt, webhook.restUntil), tx.at);
  if (wakeAt) await setWake(tx, organizationId, [{ webhook, wakeAt }]);
  else await tx.webhooks.updateOne(organizationId, { _id: webhookId }, { $unset: { wakeAt: true } });
}

async function setWake(
  tx: Transaction,
  organizationId: string,
  times: readonly { readonly webhook: Webhook; readonly wakeAt: Date }[],
): Promise<void> {
  if (times.length === 0) return;
  await tx.webhooks.updateEach(
    organizationId,
    times.map(({ webhook, wakeAt }) => ({ id: webhook._id, change: { $set: { wakeAt } } })),
  );
  const jobs = times.map(({ webhook, wakeAt }) => ({
    payload: { webhookId: webhook._id, wakeAt: wakeAt.toISOString() },
    afterMs: Math.max(0, wakeAt.getTime() - tx.at.getTime()),
  }));
  await enqueueMany(tx, organizationId, 'deliver', jobs);
}

const laterOf = (at: Date, other: Date | undefined): Date => (other && other > at ? other : at);

/** Longer than any job may run. */
const overdueMs = 20 * 60_000;

/**
 * Wakes the webhooks whose job was given up: it did not come at its time, nor soon after; and those that wait for a time which no rest
 * can reach, since the clock has been set back. For a round.
 */
export async function wakeOverdue(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  const overdue = new Date(at.getTime() - overdueMs);
  const wakes = furthest(at, longestDelayMs);
  const rests = furthest(at, longestRestMs);
  const wrong = [{ wakeAt: { $lt: overdue } }, { wakeAt: { $gt: wakes } }, { restUntil: { $gt: rests } }];
  for (const { organizationId, _id } of await store.read.webhooks.find(PLATFORM, { enabled: true, $or: wrong })) {
    if (!goOn()) return;
    await store.transaction({ ...cause, requestId: newId('request') }, async (tx) => {
      const webhook = await tx.webhooks.lock(organizationId, _id);
      if (!webhook?.enabled) return;
      const { wakeAt, restUntil } = webhook;
      const far = { webhookId: _id, state: 'pending', dueAt: { $gt: wakes } } as const;
      await tx.webhookDeliveries.update(organizationId, far, { $set: { dueAt: at } });
      const restsTooLong = restUntil !== undefined && restUntil > rests;
      if (restsTooLong) await tx.webhooks.updateOne(organizationId, { _id }, { $unset: { restUntil: true } });
      if (wakeAt !== undefined && (wakeAt <= at || wakeAt > wakes || restsTooLong)) {
        await setWake(tx, organizationId, [{ webhook, wakeAt: tx.at }]);
      }
    });
  }
}
