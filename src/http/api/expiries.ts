/** Nothing expires by surprise (OPS-3). */
import { z } from 'zod';
import {
  type Expiry,
  expiryKinds,
  listExpiries,
  listPlatformExpiries,
  warningDays,
  warningOf,
} from '../../sso/index.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, time } from './common.ts';

const expiry = z
  .strictObject({
    kind: z.enum(expiryKinds),
    id: z.string().meta({ description: "a certificate's is its SHA-256 fingerprint" }),
    name: z.string(),
    connectionId: id.optional(),
    directoryId: id.optional(),
    projectId: id.optional(),
    expiresAt: time,
    warn: z
      .union(warningDays.map((days) => z.literal(days)))
      .optional()
      .meta({ description: 'the warning that is due: so many days or less are left; 0: it has expired' }),
  })
  .meta({ id: 'Expiry' });

function present(found: readonly Expiry[], at: Date): { items: z.output<typeof expiry>[] } {
  return {
    items: found.map(({ expiresAt, ...told }) => {
      const warn = warningOf(expiresAt, at);
      return { ...told, expiresAt: expiresAt.toISOString(), ...(warn !== undefined && { warn }) };
    }),
  };
}

export const expiryRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/organizations/{org}/expiries',
    tag: 'Organizations',
    summary: 'List everything that expires, the nearest end first',
    description:
      'Signing certificates of IdPs, keys of connections, client secrets at OpenID providers, SCIM tokens, secrets and keys of OAuth clients, API keys of projects, as far as they have an end. Each warning (30, 14, 7 days, a day, the end) is told of in the audit once, as `expiry.warned`.',
    access: { permission: 'audit.read', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: z.strictObject({ items: z.array(expiry) }),
    handle: async ({ params, reads }, { clock }) => present(await listExpiries(reads, params.org), clock.now()),
  }),
  route({
    method: 'get',
    path: '/api/v1/expiries',
    tag: 'Platform',
    summary: "List what of the platform's own expires, the nearest end first",
    description: 'Credentials of services. Each warning is told of once in `GET /api/v1/audit`.',
    access: 'operator',
    status: 200,
    response: z.strictObject({ items: z.array(expiry) }),
    handle: async ({ reads }, { clock }) => present(await listPlatformExpiries(reads), clock.now()),
  }),
];
