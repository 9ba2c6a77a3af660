/** Domains: claimed by organizations, verified by one at a time; only a verified one proves addresses (SSO-3, ACC-2). */
import { domainToASCII } from 'node:url';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { enqueue } from '../queue/outbox.ts';
import { type Domain, PLATFORM, type ReadStore, type Transaction } from '../store/index.ts';

/** domainToASCII reads its input as part of a URL: it decodes `%61`, drops tabs, and stops at a slash. None of it gets there. */
const name = /^[\p{L}\p{M}\p{N}.-]+$/u;
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * The one form of a domain name: lower case, ASCII (`münchen.example` → `xn--mnchen-3ya.example`), no final dot.
 * Undefined where the text is no domain name of at least two labels, or an IP address.
 */
export function normalizeDomain(text: string): string | undefined {
  const given = text.trim().replace(/\.$/, '');
  const domain = name.test(given) ? domainToASCII(given) : '';
  const labels = domain.split('.');
  const last = labels.at(-1) ?? '';
  if (labels.length < 2 || domain.length > 253 || /^\d+$/.test(last)) return undefined;
  return labels.every((one) => label.test(one)) ? domain : undefined;
}

function parseDomain(text: string): string {
  const domain = normalizeDomain(text);
  if (domain) return domain;
  throw new AppError('invalid_request', `${JSON.stringify(text)} is not a domain name such as example.com`);
}

/** Notes that an organization says a domain is its own; worth nothing until verified. A second claim answers the first. */
export async function claimDomain(tx: Transaction, organizationId: string, text: string): Promise<Domain> {
  const domain = parseDomain(text);
  const existing = await tx.domains.findOne(organizationId, { domain });
  if (existing) return existing;
  const row = await tx.domains.insert(organizationId, {
    _id: newId('domain'),
    organizationId,
    domain,
    verified: false,
  });
  await recordAudit(tx, organizationId, {
    type: 'domain.claimed',
    targetKind: 'domain',
    targetId: row._id,
    after: { domain },
  });
  return row;
}

/**
 * Verifies a claimed domain on the operator's word, and asks for its people's addresses to be proven. A verified domain
 * stays as it is. Throws `invalid_request`, `not_found` (not claimed), `domain_taken` (verified by another organization).
 */
export async function forceVerifyDomain(tx: Transaction, organizationId: string, text: string): Promise<Domain> {
  const domain = parseDomain(text);
  const claim = await tx.domains.findOne(organizationId, { domain });
  if (!claim) throw new AppError('not_found', `The organization has not claimed the domain ${domain}`);
  if (claim.verified) return claim;
  if (await tx.domains.findOne(PLATFORM, { domain, verified: true })) {
    throw new AppError('domain_taken', `Another organization has verified the domain ${domain}`);
  }
  const verified = await tx.domains.updateOne(
    organizationId,
    { _id: claim._id },
    { $set: { verified: true, verifiedBy: 'operator', verifiedAt: tx.at } },
  );
  await recordAudit(tx, organizationId, {
    type: 'domain.verified',
    targetKind: 'domain',
    targetId: claim._id,
    before: { domain, verified: false },
    after: { domain, verified: true, verifiedBy: 'operator' },
  });
  await enqueue(tx, organizationId, 'prove-domain', { domain });
  return verified ?? claim;
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
