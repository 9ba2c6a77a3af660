import { z } from 'zod';
import {
  issueServiceCredential,
  listServiceCredentials,
  revokeServiceCredential,
  serviceScopes,
} from '../../access/index.ts';
import type { ServiceCredential } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, nameInput, time } from './common.ts';

const scope = z.enum(serviceScopes).meta({
  description: 'which routes it opens; each route names its own',
});

const fields = {
  id,
  name: z.string(),
  scopes: z.array(z.string()),
  lastFour: z.string(),
  expiresAt: time.optional(),
  revokedAt: time.optional(),
  lastUsedAt: time.optional().meta({ description: 'exact to some seconds' }),
  createdAt: time,
};
const credential = z.strictObject(fields).meta({ id: 'ServiceCredential' });
const issued = z
  .strictObject({ ...fields, secret: z.string().meta({ description: 'shown this once' }) })
  .meta({ id: 'IssuedServiceCredential' });

const present = (row: ServiceCredential): z.output<typeof credential> => ({
  id: row._id,
  name: row.name,
  scopes: [...row.scopes],
  lastFour: row.lastFour,
  ...(row.expiresAt && { expiresAt: row.expiresAt.toISOString() }),
  ...(row.revokedAt && { revokedAt: row.revokedAt.toISOString() }),
  ...(row.lastUsedAt && { lastUsedAt: row.lastUsedAt.toISOString() }),
  createdAt: row.createdAt.toISOString(),
});

const path = '/api/v1/service-credentials';
const tag = 'Platform';

/** What the platform's own services ask with, so that none carries the operator's token (OPS-4). */
export const serviceCredentialRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Make a credential for a service of the platform',
    description:
      'Good for the routes that name one of its scopes, on all organizations, and for nothing else; it acts for nobody. Those made before stay valid: make the next one, hand it out, revoke the old one.',
    access: 'operator',
    body: z.strictObject({
      name: nameInput,
      scopes: z.array(scope).min(1).max(serviceScopes.length),
      expiresAt: time.optional(),
    }),
    status: 201,
    response: issued,
    handle: ({ body, write }) => {
      const { name, scopes } = body;
      const expiresAt = body.expiresAt === undefined ? undefined : new Date(body.expiresAt);
      return write(async (tx) => {
        const made = await issueServiceCredential(tx, { name, scopes, expiresAt });
        return { ...present(made.credential), secret: made.secret };
      });
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the service credentials, revoked and expired ones too',
    access: 'operator',
    status: 200,
    response: z.strictObject({ items: z.array(credential) }),
    handle: async ({ reads }) => ({ items: (await listServiceCredentials(reads)).map(present) }),
  }),
  route({
    method: 'delete',
    path: `${path}/{credential}`,
    tag,
    summary: 'Revoke a service credential',
    description: 'It is dead at once; the list keeps it.',
    access: 'operator',
    params: z.object(idIn('credential')),
    status: 200,
    response: credential,
    handle: ({ params, write }) => write(async (tx) => present(await revokeServiceCredential(tx, params.credential))),
  }),
];
