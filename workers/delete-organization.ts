import { deleteOrganization } from '../src/access/index.ts';
import { enqueue, type TakenJob } from '../src/queue/index.ts';
import { causeOf, type Stack } from './stack.ts';

/** Longer than any request or transaction may take that was under way when the organization went. */
const lookAgainMs = 2 * 60_000;

/** Removes all rows of the organization, and looks once more later for what was written while it went. */
export async function deleteOrganizationOf({ store }: Stack, job: TakenJob<'delete-organization'>): Promise<void> {
  const { organizationId, payload } = job;
  await deleteOrganization(store, causeOf(job), organizationId, job.id);
  await store.transaction(causeOf(job), async (tx) => {
    await job.done(tx);
    if (!payload.last)
      await enqueue(tx, organizationId, 'delete-organization', { last: true }, { afterMs: lookAgainMs });
  });
}
