import { z } from 'zod';
import { approveIdentity, askToConfirm, getQuestion, listIdentities, unlinkIdentity } from '../../sso/index.ts';
import type { IdentityRow } from '../../store/index.ts';
import { presenceOf } from '../authenticate.ts';
import { type Route, route } from '../route.ts';
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
      'It takes the place of the subject that the account has had on the connection. `confirmation_required`: outside of the verified domains no Admin decides; it waits until the person confirms from their mailbox (`POST …/confirmations` asks them), or the domain is verified (SSO-3). About the account of the Owner, the Owner, who has used a mailed link in this session, and the operator decide.',
    access,
    params: inIdentity,
    status: 200,
    response: identity,
    errors: ['confirmation_required', 'owner_protected', 'reauthentication_required'],
    handle: ({ params, principal, write }) =>
      write(async (tx) =>
        presentIdentity(await approveIdentity(tx, params.org, params.identity, presenceOf(principal, params.org))),
      ),
  }),
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/confirmations',
    tag,
    summary: 'Ask a person by mail whether a subject, or a pushed person, that waits is them',
    description:
      "For what waits outside of the verified domains: an identity with the reason `unverified_domain`, or one of the adoption queue. A link goes to the account's own mailbox; with it the person sees who asks, and connects the account or not (SCIM-3, SSO-6). The answer is the same whether a letter leaves; too many for one mailbox do not.",
    access,
    params: inOrganization,
    body: z
      .strictObject({ identityId: id.optional(), directoryUserId: id.optional() })
      .refine(({ identityId, directoryUserId }) => (identityId === undefined) !== (directoryUserId === undefined), {
        message: 'name either identityId or directoryUserId',
      }),
    status: 202,
    response: z.strictObject({ asked: z.literal(true) }),
    errors: ['nothing_to_confirm'],
    handle: async ({ params, body: { identityId, directoryUserId = '' }, reads, write }, { baseUrl, limits }) => {
      const question =
        identityId === undefined
          ? ({ about: 'directory_user', id: directoryUserId } as const)
          : ({ about: 'identity', id: identityId } as const);
      const { address } = await getQuestion(reads, params.org, question);
      if (limits.mayMail(address ?? question.id)) {
        await write((tx) => askToConfirm(tx, params.org, question, baseUrl));
      }
      return { asked: true as const };
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{identity}`,
    tag,
    summary: 'Reject a waiting subject, or unlink one',
    description:
      "A subject that was linked can sign in no longer as this account, and the organization's part of the account's sessions ends. About the account of the Owner, as for approval.",
    access,
    params: inIdentity,
    status: 204,
    errors: ['owner_protected', 'reauthentication_required'],
    handle: async ({ params, principal, write }) => {
      await write((tx) => unlinkIdentity(tx, params.org, params.identity, presenceOf(principal, params.org)));
      return undefined;
    },
  }),
];
