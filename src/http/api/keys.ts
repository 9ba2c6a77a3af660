import { z } from 'zod';
import { type KeyReader, readDefaultKey, regenerateDefaultKey } from '../../access/index.ts';
import type { ApiKey } from '../../store/index.ts';
import { type Principal, type Route, route } from '../route.ts';
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

/** The principal with all that OWN-4 depends on. */
function readerOf(principal: Principal): KeyReader {
  if (principal.kind === 'operator') return { kind: 'operator' };
  const { accountId, session } = principal;
  return session ? { kind: 'session', accountId, madeBy: session.madeBy } : { kind: 'act_as', accountId };
}

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
      present(await readDefaultKey(reads, sealer, params.org, readerOf(principal))),
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
      write(async (tx) => present(await regenerateDefaultKey(tx, sealer, params.org, readerOf(principal)))),
  }),
];
