import { z } from 'zod';
import {
  claimDomain,
  findDomains,
  forceVerifyDomain,
  getDomain,
  missesToLose,
  normalizeDomain,
  recordOf,
  removeDomain,
  verifyDomain,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { Domain } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { inOrganization, time } from './common.ts';

const domain = z
  .strictObject({
    domain: z.string(),
    verified: z.boolean(),
    verifiedBy: z.enum(['operator', 'dns']).optional(),
    verifiedAt: time.optional(),
    record: z
      .strictObject({ type: z.literal('TXT'), name: z.string(), value: z.string() })
      .optional()
      .meta({ description: 'what to publish in the DNS, and to leave there; claim again where it is absent' }),
    checkedAt: time.optional().meta({ description: 'when the record was last looked for' }),
    daysLeft: z.int().optional().meta({ description: 'the record is missing: so long the domain is still verified' }),
    createdAt: time,
  })
  .meta({ id: 'Domain' });

function present(row: Domain): z.output<typeof domain> {
  const record = recordOf(row);
  return {
    domain: row.domain,
    verified: row.verified,
    ...(row.verifiedBy && { verifiedBy: row.verifiedBy }),
    ...(row.verifiedAt && { verifiedAt: row.verifiedAt.toISOString() }),
    ...(record && { record: { type: 'TXT' as const, ...record } }),
    ...(row.checkedAt && { checkedAt: row.checkedAt.toISOString() }),
    ...(row.verified && row.misses && { daysLeft: missesToLose - row.misses }),
    createdAt: row.createdAt.toISOString(),
  };
}

const path = '/api/v1/organizations/{org}/domains';
const one = `${path}/{domain}` as const;
const domainName = z.string().trim().min(1).max(253);
const inDomain = inOrganization.extend({
  domain: domainName.refine((text) => normalizeDomain(text) !== undefined),
});
const access = { permission: 'sso.manage', on: 'organization' } as const;
const tag = 'Domains';

export const domainRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Claim a domain',
    description:
      'A claim is worth nothing until the domain is verified: publish `record` in the DNS, then verify. A second claim answers the first. Domains of mail providers and registries cannot be claimed.',
    access,
    params: inOrganization,
    body: z.strictObject({ domain: domainName }),
    status: 201,
    response: domain,
    errors: ['domain_shared'],
    handle: ({ params, body, write }) => write(async (tx) => present(await claimDomain(tx, params.org, body.domain))),
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the claimed domains',
    access,
    params: inOrganization,
    status: 200,
    response: z.strictObject({ items: z.array(domain) }),
    handle: async ({ params, reads }) => ({ items: (await findDomains(reads, params.org)).map(present) }),
  }),
  route({
    method: 'post',
    path: `${one}/verify`,
    tag,
    summary: 'Verify a claimed domain',
    description:
      "Looks for the claim's TXT record; the operator may do without by `force`. Proves the addresses of the domain's people, and resolves those who wait for it (ACC-2, SCIM-3). The record is looked for every day from then on, and missed for seven days in a row before the domain is no longer verified.",
    access,
    params: inDomain,
    body: z.strictObject({
      force: z.literal(true).optional().meta({ description: "on the operator's word; never looked for again" }),
    }),
    status: 200,
    response: domain,
    errors: ['domain_taken', 'domain_unproven', 'dns_unanswered', 'operator_only'],
    handle: async ({ params, body, principal, reads, write }, { lookUpTxt }) => {
      const claim = await getDomain(reads, params.org, params.domain);
      if (body.force) {
        if (principal.kind !== 'operator') throw new AppError('operator_only', 'Only the operator verifies by force.');
        return write(async (tx) => present(await forceVerifyDomain(tx, params.org, params.domain)));
      }
      const record = recordOf(claim);
      const found = record && !claim.verified ? await lookUpTxt(record.name) : [];
      return write(async (tx) => present(await verifyDomain(tx, params.org, params.domain, found)));
    },
  }),
  route({
    method: 'delete',
    path: one,
    tag,
    summary: 'Give a domain up',
    description: 'Addresses that it has proven stay proven; sign-ins by its addresses no longer find their way here.',
    access,
    params: inDomain,
    status: 204,
    handle: ({ params, write }) =>
      write(async (tx) => {
        await removeDomain(tx, params.org, params.domain);
        return undefined;
      }),
  }),
];
