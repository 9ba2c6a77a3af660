/** Domains: claimed by organizations, verified by one at a time; only a verified one proves addresses (SSO-3, ACC-2). */
import { randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { enqueue } from '../queue/outbox.ts';
import { type Domain, type JsonObject, PLATFORM, type ReadStore, type Transaction } from '../store/index.ts';
import { isShared, normalizeDomain, parseDomain } from './domainNames.ts';

/** The TXT record that shows whose a domain is. */
export interface DomainRecord {
  readonly name: string;
  readonly value: string;
}

/** The record that verifies this claim, and no other organization's; absent for claims of earlier programs, until claimed again. */
export function recordOf({ domain, challenge }: Domain): DomainRecord | undefined {
  if (challenge === undefined) return undefined;
  return { name: `_gatehouse.${domain}`, value: `gatehouse-verification=${challenge}` };
}

/**
 * Notes that an organization says a domain is its own; worth nothing until verified. A second claim answers the first.
 * Throws `invalid_request`, `domain_shared` (a mail provider's, a registry's).
 */
export async function claimDomain(tx: Transaction, organizationId: string, text: string): Promise<Domain> {
  const domain = parseDomain(text);
  const challenge = randomBytes(16).toString('hex');
  const existing = await tx.domains.findOne(organizationId, { domain });
  if (existing) {
    if (existing.challenge !== undefined) return existing;
    return (await tx.domains.updateOne(organizationId, { _id: existing._id }, { $set: { challenge } })) ?? existing;
  }
  if (isShared(domain)) {
    throw new AppError(
      'domain_shared',
      `${domain} is no one organization's: people of many have addresses or names there`,
    );
  }
  const claim = { _id: newId('domain'), organizationId, domain, verified: false, challenge };
  const row = await tx.domains.insert(organizationId, claim);
  await audit(tx, row, 'domain.claimed', { after: { domain } });
  return row;
}

/** The claim; throws `invalid_request`, `not_found` (not claimed by this organization). */
export async function getDomain(reads: ReadStore, organizationId: string, text: string): Promise<Domain> {
  const domain = parseDomain(text);
  const claim = await reads.domains.findOne(organizationId, { domain });
  if (claim) return claim;
  throw new AppError('not_found', `The organization has not claimed the domain ${domain}`);
}

/**
 * Verifies a claimed domain on the operator's word, and asks for its people's addresses to be proven. A verified domain
 * stays as it is. Throws `invalid_request`, `not_found` (not claimed), `domain_taken` (verified by another organization).
 */
export async function forceVerifyDomain(tx: Transaction, organizationId: string, text: string): Promise<Domain> {
  const claim = await getDomain(tx, organizationId, text);
  return claim.verified ? claim : verify(tx, claim, 'operator');
}

/**
 * Verifies a claimed domain by what has been found at its record's name. A verified domain stays as it is. Throws
 * `not_found`, `domain_unproven` (the record is not among `found`), `domain_taken`.
 */
export async function verifyDomain(
  tx: Transaction,
  organizationId: string,
  text: string,
  found: readonly string[],
): Promise<Domain> {
  const claim = await getDomain(tx, organizationId, text);
  if (claim.verified) return claim;
  if (isProven(claim, found)) return verify(tx, claim, 'dns');
  const record = recordOf(claim);
  throw new AppError(
    'domain_unproven',
    record === undefined
      ? 'Claim the domain again: that answers the TXT record to publish'
      : `There is no TXT record ${record.value} at ${record.name} yet. A new record may take a while to be seen.`,
    { details: { ...(record && { record }), found: found.length } },
  );
}

/** Whether the claim's own record is among these. */
export function isProven(claim: Domain, found: readonly string[]): boolean {
  const record = recordOf(claim);
  return record !== undefined && found.some((text) => text.trim() === record.value);
}

async function verify(tx: Transaction, claim: Domain, by: 'operator' | 'dns'): Promise<Domain> {
  const { organizationId, domain, _id } = claim;
  if (await tx.domains.findOne(PLATFORM, { domain, verified: true })) {
    throw new AppError('domain_taken', `Another organization has verified the domain ${domain}`);
  }
  const verified = await tx.domains.updateOne(
    organizationId,
    { _id },
    {
      $set: { verified: true, verifiedBy: by, verifiedAt: tx.at, ...(by === 'dns' && { checkedAt: tx.at }) },
      $unset: { misses: true },
    },
  );
  await audit(tx, claim, 'domain.verified', {
    before: { domain, verified: false },
    after: { domain, verified: true, verifiedBy: by },
  });
  await enqueue(tx, organizationId, 'prove-domain', { domain });
  return verified ?? claim;
}

/**
 * Gives a claim up, verified or not. Addresses that it has proven stay proven; from now on its IdP proves no more of them.
 * Throws `invalid_request`, `not_found`.
 */
export async function removeDomain(tx: Transaction, organizationId: string, text: string): Promise<void> {
  const claim = await getDomain(tx, organizationId, text);
  await tx.domains.remove(organizationId, { _id: claim._id });
  await audit(tx, claim, 'domain.removed', { before: { domain: claim.domain, verified: claim.verified } });
}

/** All domains that an organization has claimed, in the order of claiming. */
export function findDomains(reads: ReadStore, organizationId: string): Promise<readonly Domain[]> {
  return reads.domains.find(organizationId, {});
}

/** Whether the address lies in a domain that this organization has verified: exactly that domain, not one below it. */
export async function ownsVerifiedDomain(reads: ReadStore, organizationId: string, email: string): Promise<boolean> {
  const at = email.lastIndexOf('@');
  const domain = at > 0 ? normalizeDomain(email.slice(at + 1)) : undefined;
  if (!domain) return false;
  return (await reads.domains.findOne(organizationId, { domain, verified: true })) !== undefined;
}

/** An audit event of a claim. */
export function audit(
  tx: Transaction,
  { organizationId, _id }: Domain,
  type: `domain.${string}`,
  states: { readonly before?: JsonObject; readonly after?: JsonObject; readonly detail?: string },
): Promise<void> {
  return recordAudit(tx, organizationId, { type, targetKind: 'domain', targetId: _id, ...states });
}
