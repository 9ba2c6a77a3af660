import { deliverDue, fanOut, sleepUntilDue } from '../src/events/index.ts';
import type { TakenJob } from '../src/queue/index.ts';
import type { Transaction } from '../src/store/index.ts';
import { causeOf, type Stack } from './stack.ts';

/**
 * Writes down what each webhook is to be told of new events. Those of all organizations wake the platform's webhooks, and would
 * turn each other away there.
 */
export async function fanOutOf({ store }: Stack, job: TakenJob<'fan-out'>): Promise<void> {
  const write = async (tx: Transaction): Promise<void> => {
    await fanOut(tx, job.organizationId, job.payload);
    await job.done(tx);
  };
  await store.transaction(causeOf(job), write, { line: 'fan-out' });
}

/** Sends what waits for a webhook, and asks for the next job; one that the webhook does not wait for any more does nothing. */
export async function deliver(stack: Stack, job: TakenJob<'deliver'>): Promise<void> {
  const { organizationId, payload } = job;
  const { webhookId } = payload;
  const webhook = await stack.store.read.webhooks.get(organizationId, webhookId);
  const awaited = webhook?.wakeAt?.toISOString() === payload.wakeAt;
  if (awaited) await deliverDue(stack, causeOf(job), organizationId, webhookId);
  await stack.store.transaction(causeOf(job), async (tx) => {
    if (awaited) await sleepUntilDue(tx, organizationId, webhookId);
    await job.done(tx);
  });
}
