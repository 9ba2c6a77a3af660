import { z } from 'zod';
import { getConnection, nameClaimGroup } from '../../sso/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization } from './common.ts';

/** Groups that sign-ins of a connection name (SSO-8), before the first of them has. */
export const claimGroupRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/connections/{connection}/groups',
    tag: 'Connections',
    summary: 'Name a group that sign-ins will claim, so that it can be mapped ahead of the first one',
    description:
      'By the very name, or id, that the IdP puts into its group claim. A group that is known is answered as it is. Only for connections without a directory, since there the directory says who is in which group.',
    access: { permission: 'sso.manage', on: 'organization' },
    params: inOrganization.extend(idIn('connection')),
    body: z.strictObject({ name: z.string().trim().min(1).max(1024) }),
    status: 201,
    response: z.strictObject({ id, directoryId: id, name: z.string() }).meta({ id: 'ClaimGroup' }),
    handle: ({ params, body: { name }, write }) =>
      write(async (tx) => {
        const connection = await getConnection(tx, params.org, params.connection);
        return { ...(await nameClaimGroup(tx, connection, name)), name };
      }),
  }),
];
