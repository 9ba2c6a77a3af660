/** What the audit says of a refused sign-in (SSO-1, OPS-1). */
import type { ReadStore, SignInRecord } from '../../src/store/index.ts';

/** Throws unless the audit tells of this refusal once, by the reference that the person's page shows, and why. */
export async function verifyRefusalAudited(reads: ReadStore, record: SignInRecord | undefined): Promise<void> {
  if (record === undefined || (record.outcome !== 'refused' && record.outcome !== 'waiting')) return;
  const { organizationId, connectionId: targetId, reference, code, purpose } = record;
  const events = await reads.auditEvents.find(organizationId, { type: 'sign_in.refused', targetId });
  const own = events.filter(({ after }) => after?.reference === reference);
  const told = own.map(({ outcome, after }) => [outcome, after?.code, after?.purpose].join(' '));
  if (told.length === 1 && told[0] === `refused ${code} ${purpose}`) return;
  throw new Error(
    `the refusal ${reference} (${code}) should be in the audit once, but there is: ${told.join(', ') || 'nothing'}`,
  );
}
