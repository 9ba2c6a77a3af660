/** Whether a domain that was verified by DNS still is: looked at every day, for domains change hands (SSO-3). */
import { enqueue } from '../queue/outbox.ts';
import { type Cause, type Domain, PLATFORM, type Store, type Transaction } from '../store/index.ts';
import { audit, isProven } from './domains.ts';

const hour = 3_600_000;

/** A check that comes sooner after the last one is a repetition. */
const sparedMs = 20 * hour;

/** So many days in a row without the record end the verification. */
export const missesToLose = 7;

/** What a check means for a verified claim. */
export type CheckDecision =
  | { readonly kind: 'keep'; readonly misses: 0 }
  | { readonly kind: 'warn'; readonly misses: number }
  | { readonly kind: 'lose' };

/** One look at the record: it is there, or it is missing once more. */
export function decideCheck(proven: boolean, misses: number): CheckDecision {
  if (proven) return { kind: 'keep', misses: 0 };
  return misses + 1 >= missesToLose ? { kind: 'lose' } : { kind: 'warn', misses: misses + 1 };
}

/** Whether a check of this claim is due; the operator's word needs none. */
export const isCheckDue = ({ verified, verifiedBy, checkedAt }: Domain, at: Date): boolean =>
  verified && verifiedBy === 'dns' && (checkedAt === undefined || at.getTime() - checkedAt.getTime() >= sparedMs);

/** Asks for a check of every verified domain of which one is due, by a job each. */
export async function checkDomainsLater(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  for await (const claim of store.read.domains.stream(PLATFORM, { verified: true })) {
    if (!goOn()) return;
    if (!isCheckDue(claim, at)) continue;
    const { organizationId, _id: domainId } = claim;
    await store.transaction(cause, (tx) => enqueue(tx, organizationId, 'check-domain', { domainId }));
  }
}

/** The claim to be checked; undefined where there is nothing to check, or no longer. */
export async function findClaimToCheck(
  reads: Store['read'],
  organizationId: string,
  domainId: string,
): Promise<Domain | undefined> {
  const claim = await reads.domains.get(organizationId, domainId);
  return claim?.verified && claim.verifiedBy === 'dns' ? claim : undefined;
}

/**
 * Writes what was found at the record's name of a claim that was read before. The first days without it are told of in the
 * audit; then the verification is lost: sign-ins no longer go this way, and its IdP proves no more addresses. Nothing is
 * written for a claim that has changed since, or was checked meanwhile.
 */
export async function settleCheck(tx: Transaction, read: Domain, found: readonly string[]): Promise<void> {
  const { organizationId, _id, domain } = read;
  const claim = await findClaimToCheck(tx, organizationId, _id);
  if (claim?.version !== read.version || !isCheckDue(claim, tx.at)) return;
  const decision = decideCheck(isProven(claim, found), claim.misses ?? 0);
  if (decision.kind === 'lose') {
    await tx.domains.updateOne(
      organizationId,
      { _id },
      { $set: { verified: false, checkedAt: tx.at }, $unset: { verifiedBy: true, verifiedAt: true, misses: true } },
    );
    await audit(tx, claim, 'domain.verification_lost', {
      before: { domain, verified: true, verifiedBy: 'dns' },
      after: { domain, verified: false },
      detail: `Its TXT record has been missing for ${missesToLose} days`,
    });
    return;
  }
  await tx.domains.updateOne(organizationId, { _id }, { $set: { checkedAt: tx.at, misses: decision.misses } });
  if (decision.kind === 'keep') return;
  const left = missesToLose - decision.misses;
  await audit(tx, claim, 'domain.record_missing', {
    after: { domain, misses: decision.misses, daysLeft: left },
    detail: `Its TXT record is missing; in ${left} ${left === 1 ? 'day' : 'days'} the domain is no longer verified`,
  });
}
