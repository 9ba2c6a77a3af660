import { reconcilePeople, reconcilePerson } from '../src/provisioning/index.ts';
import type { TakenJob } from '../src/queue/index.ts';
import { causeOf, type Stack } from './stack.ts';

/** Recomputes the mapped grants of the people named, one transaction each, the last together with the end of the job. */
export async function reconcile({ store }: Stack, job: TakenJob<'reconcile'>): Promise<void> {
  const { organizationId, payload } = job;
  const cause = causeOf(job);
  const [last, ...others] = payload.people;
  await reconcilePeople(store, cause, organizationId, others);
  await store.transaction(cause, async (tx) => {
    if (last !== undefined) await reconcilePerson(tx, organizationId, last);
    await job.done(tx);
  });
}
