import { proveDomain } from '../src/provisioning/index.ts';
import type { TakenJob } from '../src/queue/index.ts';
import { linkWaitingIdentities } from '../src/sso/tasks.ts';
import { causeOf, type Stack } from './stack.ts';

/** Proves the addresses of a verified domain's people, and adopts those who waited for it. */
export async function proveDomainOf({ store }: Stack, job: TakenJob<'prove-domain'>): Promise<void> {
  const cause = causeOf(job);
  const { organizationId, payload } = job;
  await proveDomain(store, cause, organizationId, payload.domain);
  await linkWaitingIdentities(store, cause, organizationId, payload.domain);
  await store.transaction(cause, (tx) => job.done(tx));
}
