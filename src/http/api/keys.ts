import { z } from 'zod';
import { readDefaultKey, regenerateDefaultKey } from '../../access/index.ts';
import type { ApiKey } from '../../store/index.ts';
import { presenceOf } from '../authenticate.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, time } from './common.ts';

const defaultKey = z
  .strictObject({ id, projectId: id, secret: z.string(), lastFour: z.string(), updatedAt: time })
  .meta({ id: 'DefaultKey' });

const present = ({ key, secret }: { key: ApiKey; secret: string }): z.output<typeof defaultKey> => ({
  id: key._id,
  projectId: key.projectId,
  secret,
  lastFour: key.lastFour,
  updatedAt: key.updatedAt.toISOString(),
});

const whose =
  "For the Owner's own sign-in only: refused to the operator, with Gatehouse-Act-As, and to sessions that the operator made (OWN-4, KEY-3).";

export const keyRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/organizations/{org}/default-key',
    tag: 'Keys',
    summary: 'Read the Organization Default Key',
    description: whose,
    access: { permission: 'organization.read', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: defaultKey,
    handle: async ({ params, principal, reads }, { sealer }) =>
      present(await readDefaultKey(reads, sealer, params.org, presenceOf(principal, params.org))),
  }),
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/default-key/regenerate',
    tag: 'Keys',
    summary: 'Replace the Organization Default Key',
    description: `The old key is dead at once. ${whose}`,
    access: { permission: 'organization.read', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: defaultKey,
    handle: ({ params, principal, write }, { sealer }) =>
      write(async (tx) =>
        present(await regenerateDefaultKey(tx, sealer, params.org, presenceOf(principal, params.org))),
      ),
  }),
];
