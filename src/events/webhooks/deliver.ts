/** Sending what waits for one webhook: rounds of a few attempts at once, each round written down before the next one begins. */
import { AppError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Outgoing } from '../../lib/outgoing.ts';
import type { Sealer } from '../../lib/secrets.ts';
import { cut, printable } from '../../lib/text.ts';
import type { Cause, Store, Transaction, Webhook, WebhookDelivery } from '../../store/index.ts';
import { tell } from '../telling.ts';
import { disableWebhook, signingSecrets } from './endpoints.ts';
import { isHopeless, isSameFailing, readRetryAfter, restAfter, retryDelay } from './schedule.ts';
import { signatureHeaders } from './signature.ts';

export interface Sending {
  readonly store: Store;
  readonly clock: Clock;
  readonly sealer: Sealer;
  /** For webhooks: patient, and content with the beginning of an answer. */
  readonly sendOut: Outgoing;
}

/** The guarded client as webhooks need it: what Standard Webhooks asks of a sender, and the beginning of an answer. */
export const forWebhooks = { timeoutMs: 15_000, limitBytes: 4_096, cut: true } as const;

/** So many attempts at once, to one webhook. */
const atOnce = 8;
/** After so long others get a turn. */
const turnMs = 10_000;
/** So much of an answer is kept. */
const keptCharacters = 1_000;

interface Attempt {
  readonly delivery: WebhookDelivery;
  readonly last: NonNullable<WebhookDelivery['last']>;
  readonly askedMs: number | undefined;
}

/**
 * Sends until nothing is due, nothing gets through, or others should have a turn. What was sent and not written down,
 * because the process died, is sent again (at least once).
 */
export async function deliverDue(
  sending: Sending,
  cause: Cause,
  organizationId: string,
  webhookId: string,
): Promise<void> {
  const { store, clock } = sending;
  const began = performance.now();
  for (let goesOn = true; goesOn && performance.now() - began < turnMs; ) {
    const webhook = await store.read.webhooks.get(organizationId, webhookId);
    if (!webhook?.enabled) return;
    const due = { webhookId, state: 'pending', dueAt: { $lte: clock.now() } } as const;
    const deliveries = await store.read.webhookDeliveries.find(organizationId, due, {
      sort: { dueAt: 1 },
      limit: atOnce,
    });
    if (deliveries.length === 0) return;
    const attempts = await Promise.all(deliveries.map((delivery) => attempt(sending, webhook, delivery)));
    goesOn = await store.transaction(cause, (tx) =>
      writeRound(
        tx,
        webhook,
        deliveries,
        attempts.flatMap((one) => one ?? []),
      ),
    );
  }
}

/** One attempt; undefined where the event is gone, with its organization. */
async function attempt(
  { store, clock, sealer, sendOut }: Sending,
  webhook: Webhook,
  delivery: WebhookDelivery,
): Promise<Attempt | undefined> {
  const audit = await store.read.auditEvents.get(delivery.of, delivery.auditId);
  const event = audit && tell(audit);
  if (event === undefined) return undefined;
  const at = clock.now();
  const body = JSON.stringify(event);
  const timestamp = Math.floor(at.getTime() / 1_000);
  const signed = signatureHeaders(signingSecrets(sealer, webhook, at), { id: event.id, timestamp, body });
  const began = performance.now();
  const ended = () => ({ at, ms: Math.round(performance.now() - began) });
  try {
    const response = await sendOut(webhook.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body,
    });
    const text = cut(printable(await response.text()), keptCharacters);
    return {
      delivery,
      last: { ...ended(), status: response.status, ...(text !== '' && { body: text }) },
      askedMs: readRetryAfter(response.headers.get('retry-after'), at),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { delivery, last: { ...ended(), error: error.message }, askedMs: undefined };
  }
}

const gotThrough = ({ last: { status } }: Attempt): boolean => status !== undefined && status >= 200 && status < 300;

/**
 * Writes down how a round has ended, for its deliveries and for the webhook. Answers whether to go on at once. An attempt of what somebody
 * has asked to be sent again meanwhile does not count: it goes out anew, at once.
 */
async function writeRound(
  tx: Transaction,
  { organizationId, _id: webhookId }: Webhook,
  deliveries: readonly WebhookDelivery[],
  attempts: readonly Attempt[],
): Promise<boolean> {
  const tried = new Set(attempts.map(({ delivery }) => delivery._id));
  const lost = deliveries.filter(({ _id }) => !tried.has(_id)).map(({ _id }) => _id);
  if (lost.length > 0) await tx.webhookDeliveries.remove(organizationId, { _id: { $in: lost } });
  const present = await tx.webhookDeliveries.find(organizationId, { _id: { $in: [...tried] } });
  const versions = new Map(present.map(({ _id, version }) => [_id, version]));
  const counting = attempts.filter(({ delivery: { _id, version } }) => versions.get(_id) === version);
  await tx.webhookDeliveries.updateEach(
    organizationId,
    counting.map((one) => ({ id: one.delivery._id, change: { $set: outcomeOf(one, tx.at), $inc: { attempts: 1 } } })),
  );
  const webhook = await tx.webhooks.lock(organizationId, webhookId);
  if (!webhook?.enabled) return false;
  if (attempts.some(({ last }) => last.status === 410)) {
    await disableWebhook(tx, webhook, 'gone');
    return false;
  }
  if (attempts.some(gotThrough)) {
    if (webhook.failures > 0) await recover(tx, webhook);
    return true;
  }
  if (attempts.length === 0 || counting.length < attempts.length) return true;
  await noteFailure(tx, webhook, Math.max(0, ...attempts.map(({ askedMs }) => askedMs ?? 0)));
  return false;
}

function outcomeOf(one: Attempt, now: Date): Partial<Pick<WebhookDelivery, 'state' | 'dueAt' | 'last'>> {
  const { delivery, last, askedMs } = one;
  if (gotThrough(one)) return { state: 'delivered', last };
  const delay = retryDelay(delivery.attempts + 1, Math.random(), askedMs);
  if (delay === undefined) return { state: 'failed', last };
  return { dueAt: new Date(now.getTime() + delay), last };
}

async function recover(tx: Transaction, { organizationId, _id }: Webhook): Promise<void> {
  const healthy = { $set: { failures: 0 }, $unset: { failingSince: true, restUntil: true } } as const;
  await tx.webhooks.updateOne(organizationId, { _id }, healthy);
}

/** Nothing got through: the webhook rests, longer each time, so that one which answers slowly or never takes nobody else's places. */
async function noteFailure(tx: Transaction, webhook: Webhook, askedMs: number): Promise<void> {
  const goesOn = webhook.restUntil === undefined || isSameFailing(webhook.restUntil, tx.at);
  const failures = goesOn ? webhook.failures + 1 : 1;
  const failingSince = (goesOn ? webhook.failingSince : undefined) ?? tx.at;
  const restUntil = new Date(tx.at.getTime() + restAfter(failures, Math.random(), askedMs));
  const { organizationId, _id } = webhook;
  await tx.webhooks.updateOne(organizationId, { _id }, { $set: { failures, failingSince, restUntil } });
  if (isHopeless(failures, failingSince, tx.at)) await disableWebhook(tx, webhook, 'failing');
}
