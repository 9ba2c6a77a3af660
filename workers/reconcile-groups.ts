import { findConcerned, reconcileLater } from '../src/provisioning/index.ts';
import type { TakenJob } from '../src/queue/index.ts';
import { causeOf, type Stack } from './stack.ts';

/** Finds whom the groups and mappings concern now, and asks for each of them to be reconciled. */
export async function reconcileGroups({ store }: Stack, job: TakenJob<'reconcile-groups'>): Promise<void> {
  const { organizationId, payload } = job;
  await store.transaction(causeOf(job), async (tx) => {
    await reconcileLater(tx, organizationId, await findConcerned(tx, organizationId, payload));
    await job.done(tx);
  });
}
