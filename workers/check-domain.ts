import { findClaimToCheck, recordOf, settleCheck } from '../src/access/index.ts';
import { hasCode } from '../src/errors.ts';
import type { TakenJob } from '../src/queue/index.ts';
import { causeOf, type Stack } from './stack.ts';

/** Looks for the TXT record of a verified domain, and writes what that means. Where the DNS does not answer, nothing does. */
export async function checkDomainOf({ store, lookUpTxt }: Stack, job: TakenJob<'check-domain'>): Promise<void> {
  const claim = await findClaimToCheck(store.read, job.organizationId, job.payload.domainId);
  const record = claim && recordOf(claim);
  const found = record && (await lookUpTxt(record.name).catch(unanswered));
  await store.transaction(causeOf(job), async (tx) => {
    if (claim && found) await settleCheck(tx, claim, found);
    await job.done(tx);
  });
}

function unanswered(error: unknown): undefined {
  if (!hasCode(error, 'dns_unanswered')) throw error;
  return undefined;
}
