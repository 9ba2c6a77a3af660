import { z } from 'zod';
import { approveIdentity, type Decider, listIdentities, unlinkIdentity } from '../../sso/index.ts';
import type { IdentityRow } from '../../store/index.ts';
import { type Principal, type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, pageQuery, presentPage, time } from './common.ts';

const link = z.enum(['linked', 'waiting']);

const identity = z
  .strictObject({
    id,
    connectionId: id,
    subject: z.string().meta({ description: "the IdP's name for the person" }),
    accountId: id.meta({ description: 'whose it is, or would be' }),
    link,
    reason: z
      .enum(['other_subject', 'unverified_domain', 'address_not_vouched'])
      .optional()
      .meta({ description: 'why it waits' }),
    email: z.string().optional().meta({ description: 'as the IdP claims it' }),
    displayName: z.string().optional(),
    firstSeenAt: time,
    lastSignInAt: time.optional(),
  })
  .meta({ id: 'Identity' });

function presentIdentity(row: IdentityRow): z.output<typeof identity> {
  const { _id, connectionId, subject, accountId, reason, email, displayName, createdAt, lastSignInAt } = row;
  return {
    ...{ id: _id, connectionId, subject, accountId, link: row.link },
    ...(reason !== undefined && { reason }),
    ...(email !== undefined && { email }),
    ...(displayName !== undefined && { displayName }),
    firstSeenAt: createdAt.toISOString(),
    ...(lastSignInAt && { lastSignInAt: lastSignInAt.toISOString() }),
  };
}

const deciderOf = (principal: Principal): Decider => ({
  accountId: principal.kind === 'account' ? principal.accountId : undefined,
});

const path = '/api/v1/organizations/{org}/identities';
const inIdentity = inOrganization.extend(idIn('identity'));
const access = { permission: 'sso.manage', on: 'organization' } as const;
const tag = 'Sign-in';

/** Whom IdPs' subjects are here (SSO-6). */
export const identityRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag,
    summary: "List whom the IdPs' subjects are here",
    description: 'With `link=waiting`: the sign-ins that wait for a decision, with the evidence.',
    access,
    params: inOrganization,
    query: pageQuery.extend({
      connectionId: id.optional(),
      accountId: id.optional(),
      link: link.optional(),
    }),
    status: 200,
    response: listOf(identity),
    handle: async ({ params, query, reads }) =>
      presentPage(await listIdentities(reads, params.org, query), presentIdentity),
  }),
  route({
    method: 'post',
    path: `${path}/{identity}/approve`,
    tag,
    summary: 'Let a waiting subject be the account',
    description:
      'It takes the place of the subject that the account has had on the connection. `confirmation_required`: outside of the verified domains no Admin decides; it waits until the domain is verified (SSO-3). About the account of the Owner, the Owner and the operator decide.',
    access,
    params: inIdentity,
    status: 200,
    response: identity,
    errors: ['confirmation_required', 'owner_protected'],
    handle: ({ params, principal, write }) =>
      write(async (tx) =>
        presentIdentity(await approveIdentity(tx, params.org, params.identity, deciderOf(principal))),
      ),
  }),
  route({
    method: 'delete',
    path: `${path}/{identity}`,
    tag,
    summary: 'Reject a waiting subject, or unlink one',
    description:
      "A subject that was linked can sign in no longer as this account, and the organization's part of the account's sessions ends.",
    access,
    params: inIdentity,
    status: 204,
    errors: ['owner_protected'],
    handle: async ({ params, principal, write }) => {
      await write((tx) => unlinkIdentity(tx, params.org, params.identity, deciderOf(principal)));
      return undefined;
    },
  }),
];
