import { z } from 'zod';
import {
  createKey,
  decideKey,
  getDefaultProject,
  getProject,
  listKeys,
  type Maker,
  revokeKey,
} from '../../access/index.ts';
import type { ApiKey } from '../../store/index.ts';
import { demand } from '../authorize.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, inProject, listOf, nameInput, pageQuery, time } from './common.ts';
import { findMakersFor, maker } from './makers.ts';

const apiKey = z
  .strictObject({
    id,
    projectId: id,
    kind: z.enum(['project', 'default']).meta({ description: '`default`: the Organization Default Key (KEY-3)' }),
    name: z.string(),
    prefix: z.string(),
    lastFour: z.string(),
    status: z.enum(['live', 'revoked', 'expired', 'project_archived', 'organization_closed']),
    createdBy: maker.optional(),
    createdAt: time,
    expiresAt: time.optional(),
    revokedAt: time.optional(),
    lastUsedAt: time.optional().meta({ description: 'the last verification that it passed, some seconds late' }),
  })
  .meta({ id: 'ApiKey' });
const issuedKey = apiKey
  .extend({ secret: z.string().meta({ description: 'the key itself, shown this once' }) })
  .meta({ id: 'IssuedApiKey' });

const dates = ({ expiresAt, revokedAt, lastUsedAt }: ApiKey) => ({
  ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  ...(revokedAt && { revokedAt: revokedAt.toISOString() }),
  ...(lastUsedAt && { lastUsedAt: lastUsedAt.toISOString() }),
});

const present = (row: ApiKey, createdBy: Maker | undefined, now: Date): z.output<typeof apiKey> => ({
  id: row._id,
  projectId: row.projectId,
  kind: row.kind,
  name: row.name ?? 'Organization Default Key',
  prefix: row.prefix,
  lastFour: row.lastFour,
  status: decideKey(row, now),
  ...(createdBy && { createdBy }),
  createdAt: row.createdAt.toISOString(),
  ...dates(row),
});

const newKey = z.strictObject({
  name: nameInput,
  expiresAt: time.optional().meta({ description: 'when it ends by itself; without an end where absent' }),
});

const readNewKey = ({ name, expiresAt }: z.output<typeof newKey>) => ({
  name,
  expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
});

const path = '/api/v1/projects/{project}/keys';
const shownOnce = 'Its secret is in the answer and nowhere afterwards: only a hash is kept (KEY-1).';

export const projectKeyRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag: 'Keys',
    summary: 'Make an API key of a project',
    description: `${shownOnce} It outlives whoever made it.`,
    access: { permission: 'key.create', on: 'project' },
    params: inProject,
    body: newKey,
    status: 201,
    response: issuedKey,
    errors: ['project_archived'],
    handle: async (call, { clock }) => {
      const { params, body, write, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const { key, secret } = await write((tx) => createKey(tx, organizationId, params.project, readNewKey(body)));
      const makerOf = await findMakersFor(call, organizationId, params.project, [key]);
      return { ...present(key, makerOf(key), clock.now()), secret };
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/keys',
    tag: 'Keys',
    summary: 'Make an API key without naming a project',
    description: `It belongs to the default project, in which this needs \`key.create\` (PRJ-2). ${shownOnce}`,
    access: { permission: 'organization.read', on: 'organization' },
    params: inOrganization,
    body: newKey,
    status: 201,
    response: issuedKey,
    errors: ['project_archived'],
    handle: async (call, { clock, baseUrl }) => {
      const { params, body, principal, write, reads } = call;
      const project = await getDefaultProject(reads, params.org);
      const { key, secret } = await write(async (tx) => {
        await demand(principal, 'key.create', { kind: 'project', id: project._id }, tx, baseUrl);
        return createKey(tx, params.org, project._id, readNewKey(body));
      });
      const makerOf = await findMakersFor(call, params.org, project._id, [key]);
      return { ...present(key, makerOf(key), clock.now()), secret };
    },
  }),
  route({
    method: 'get',
    path,
    tag: 'Keys',
    summary: 'List the API keys of a project',
    description:
      'In the order of making, those that were revoked or have expired too, and in the default project the Organization Default Key. Never a secret (KEY-1).',
    access: { permission: 'key.list', on: 'project' },
    params: inProject,
    query: pageQuery,
    status: 200,
    response: listOf(apiKey),
    handle: async (call, { clock }) => {
      const { params, query, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const { items, nextCursor } = await listKeys(reads, organizationId, params.project, query);
      const makerOf = await findMakersFor(call, organizationId, params.project, items);
      const now = clock.now();
      return {
        items: items.map((row) => present(row, makerOf(row), now)),
        ...(nextCursor !== undefined && { nextCursor }),
      };
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{key}`,
    tag: 'Keys',
    summary: 'Revoke an API key of a project',
    description:
      'It is dead before the answer. A key that is revoked already is answered as it is. Nobody can revoke the Organization Default Key: its Owner regenerates it (KEY-3).',
    access: { permission: 'key.revoke', on: 'project' },
    params: inProject.extend(idIn('key')),
    status: 200,
    response: apiKey,
    errors: ['default_key_protected'],
    handle: async (call, { clock }) => {
      const { params, write, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const key = await write((tx) => revokeKey(tx, organizationId, params.project, params.key));
      const makerOf = await findMakersFor(call, organizationId, params.project, [key]);
      return present(key, makerOf(key), clock.now());
    },
  }),
];
