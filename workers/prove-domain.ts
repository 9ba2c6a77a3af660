import { proveDomain } from '../src/provisioning/index.ts';
import type { TakenJob } from '../src/queue/index.ts';
import { causeOf, type Stack } from './stack.ts';

/** Proves the addresses of a verified domain's people, and adopts those who waited for it. */
export async function proveDomainOf({ store }: Stack, job: TakenJob<'prove-domain'>): Promise<void> {
  const cause = causeOf(job);
  await proveDomain(store, cause, job.organizationId, job.payload.domain);
  await store.transaction(cause, (tx) => job.done(tx));
}
