import { z } from 'zod';
import { claimDomain, findDomains, forceVerifyDomain } from '../../access/index.ts';
import type { Domain } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { inOrganization, time } from './common.ts';

const domain = z
  .strictObject({
    domain: z.string(),
    verified: z.boolean(),
    verifiedBy: z.enum(['operator', 'dns']).optional(),
    verifiedAt: time.optional(),
    createdAt: time,
  })
  .meta({ id: 'Domain' });

const present = (row: Domain): z.output<typeof domain> => ({
  domain: row.domain,
  verified: row.verified,
  ...(row.verifiedBy && { verifiedBy: row.verifiedBy }),
  ...(row.verifiedAt && { verifiedAt: row.verifiedAt.toISOString() }),
  createdAt: row.createdAt.toISOString(),
});

const path = '/api/v1/organizations/{org}/domains';
const domainName = z.string().trim().min(1).max(253);

export const domainRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag: 'Domains',
    summary: 'Claim a domain',
    description: 'A claim is worth nothing until the domain is verified. A second claim answers the first.',
    access: { permission: 'sso.manage', on: 'organization' },
    params: inOrganization,
    body: z.strictObject({ domain: domainName }),
    status: 201,
    response: domain,
    handle: ({ params, body, write }) => write(async (tx) => present(await claimDomain(tx, params.org, body.domain))),
  }),
  route({
    method: 'get',
    path,
    tag: 'Domains',
    summary: 'List the claimed domains',
    access: { permission: 'sso.manage', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: z.strictObject({ items: z.array(domain) }),
    handle: async ({ params, reads }) => ({ items: (await findDomains(reads, params.org)).map(present) }),
  }),
  route({
    method: 'post',
    path: `${path}/{domain}/verify`,
    tag: 'Domains',
    summary: 'Verify a claimed domain on the operator’s word',
    description: "Proves the addresses of the domain's people, and resolves those who wait for it (ACC-2, SCIM-3).",
    access: 'operator',
    params: inOrganization.extend({ domain: domainName }),
    body: z.strictObject({ force: z.literal(true) }),
    status: 200,
    response: domain,
    errors: ['domain_taken'],
    handle: ({ params, write }) => write(async (tx) => present(await forceVerifyDomain(tx, params.org, params.domain))),
  }),
];
