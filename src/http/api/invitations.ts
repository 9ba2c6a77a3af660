import { z } from 'zod';
import { getInvitation, listInvitations, revokeInvitation, rolesOf, stateOf } from '../../access/index.ts';
import { acceptInvitation, invite, inviteAgain } from '../../provisioning/index.ts';
import type { Invitation, ReadStore } from '../../store/index.ts';
import { demand } from '../authorize.ts';
import { type Principal, type Route, route } from '../route.ts';
import {
  emailInput,
  id,
  idIn,
  inOrganization,
  listOf,
  pageQuery,
  presentPage,
  role,
  roleInput,
  time,
} from './common.ts';

const state = z.enum(['pending', 'accepted', 'adopted', 'revoked', 'expired']);

const invitation = z
  .strictObject({
    id,
    email: z.string(),
    role,
    projects: z.array(z.strictObject({ projectId: id, role })),
    state: state.meta({
      description: '`adopted`: a directory or an IdP has brought the person first, who has the roles that it names',
    }),
    invitedBy: z.string(),
    memberId: id.optional().meta({ description: 'the member whom it has made, or whom it waits to be confirmed for' }),
    createdAt: time,
    expiresAt: time,
  })
  .meta({ id: 'Invitation' });

function present(row: Invitation, now: Date): z.output<typeof invitation> {
  const { role: given, projects } = rolesOf(row);
  return {
    id: row._id,
    email: row.email,
    role: given,
    projects: [...projects],
    state: stateOf(row, now),
    invitedBy: row.invitedBy,
    ...(row.memberId !== undefined && { memberId: row.memberId }),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
}

const path = '/api/v1/organizations/{org}/invitations';
const oneInvitation = inOrganization.extend(idIn('invitation'));
const access = { permission: 'member.invite', on: 'organization' } as const;

/** Whose session comes along with an acceptance, where one does; the operator is nobody here. */
const signedIn = (principal: Principal): string | undefined =>
  principal.kind === 'account' && principal.accountId !== '' ? principal.accountId : undefined;

/** An invitation gives no more than its sender could give at once: they may add people to each project that it names (PRJ-5). */
async function demandProjects(
  principal: Principal,
  projects: readonly { readonly projectId: string }[],
  reads: ReadStore,
  baseUrl: string,
): Promise<void> {
  for (const { projectId } of projects) {
    await demand(principal, 'collaborator.add', { kind: 'project', id: projectId }, reads, baseUrl);
  }
}

export const invitationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag: 'Members',
    summary: 'Invite somebody by email',
    description:
      'A letter with a link goes to the address; the link works once, for seven days (MEM-2). The account is made on acceptance, where there is none. `projects` gives roles in projects besides the default one; the sender may add people to each of them (`collaborator.add`). Refused while `membershipPolicy` is `sso` (`invitations_off`); what was sent before that stays acceptable.',
    access,
    params: inOrganization,
    body: z.strictObject({
      email: emailInput,
      role: roleInput.optional(),
      projects: z
        .array(z.strictObject({ projectId: id, role: roleInput.optional() }))
        .max(100)
        .optional(),
    }),
    status: 201,
    response: invitation,
    errors: [
      'invitations_off',
      'invitation_pending',
      'already_a_member',
      'member_suspended',
      'member_blocked',
      'default_project_protected',
      'project_archived',
      'rate_limited',
    ],
    handle: async ({ params, body, principal, write }, { baseUrl: site, limits, clock }) => {
      limits.invite(params.org, body.email);
      const { email, role: given = 'member', projects = [] } = body;
      const named = projects.map((one) => ({ projectId: one.projectId, role: one.role ?? 'member' }));
      const made = await write(async (tx) => {
        await demandProjects(principal, named, tx, site);
        return invite(tx, params.org, { email, role: given, projects: named, site });
      });
      return present(made, clock.now());
    },
  }),
  route({
    method: 'get',
    path,
    tag: 'Members',
    summary: 'List the invitations',
    description: 'What became of them is kept for 30 days after they could be accepted.',
    access,
    params: inOrganization,
    query: pageQuery.extend({ state: state.optional() }),
    status: 200,
    response: listOf(invitation),
    handle: async ({ params, query, reads }, { clock }) => {
      const now = clock.now();
      return presentPage(await listInvitations(reads, params.org, { ...query, now }), (row) => present(row, now));
    },
  }),
  route({
    method: 'get',
    path: `${path}/{invitation}`,
    tag: 'Members',
    summary: 'Read an invitation',
    access,
    params: oneInvitation,
    status: 200,
    response: invitation,
    handle: async ({ params, reads }, { clock }) =>
      present(await getInvitation(reads, params.org, params.invitation), clock.now()),
  }),
  route({
    method: 'post',
    path: `${path}/{invitation}/resend`,
    tag: 'Members',
    summary: 'Send an invitation again',
    description:
      'With a new link, good for seven days; the former one is dead at once. Refused as a new invitation would be. Whoever sends it stands for it: an invitation lets nobody in once its sender may no longer invite.',
    access,
    params: oneInvitation,
    status: 200,
    response: invitation,
    errors: [
      'invitations_off',
      'invitation_closed',
      'already_a_member',
      'member_suspended',
      'member_blocked',
      'project_archived',
      'rate_limited',
    ],
    handle: async ({ params, principal, write, reads }, { baseUrl: site, limits, clock }) => {
      limits.invite(params.org, (await getInvitation(reads, params.org, params.invitation)).email);
      const sent = await write(async (tx) => {
        const { projects } = rolesOf(await getInvitation(tx, params.org, params.invitation));
        const ids = projects.map(({ projectId }) => projectId);
        const left = await tx.projects.find(params.org, { _id: { $in: ids } });
        await demandProjects(
          principal,
          left.map(({ _id: projectId }) => ({ projectId })),
          tx,
          site,
        );
        return inviteAgain(tx, params.org, params.invitation, site);
      });
      return present(sent, clock.now());
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{invitation}`,
    tag: 'Members',
    summary: 'Revoke an invitation',
    description: 'Its link is worth nothing from then on.',
    access,
    params: oneInvitation,
    status: 204,
    errors: ['invitation_closed'],
    handle: async ({ params, write }) => {
      await write((tx) => revokeInvitation(tx, params.org, params.invitation));
      return undefined;
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/invitations/accept',
    tag: 'Members',
    summary: 'Accept an invitation by the token of its link',
    description:
      'Whoever has the token has the mailbox: it speaks for the account that has proven the address, or makes one (ACC-2, ACC-5). A session may come along; it must be of that account, else `invitation_of_another`: an address is added to an account only by its person, after a fresh link (ACC-4). Where links to the account go to other addresses, its session is asked for (`sign_in_required`). Nobody is signed in by this route; the page `/sign-in/invitation` signs in only an account that begins with the acceptance.',
    access: 'public',
    session: 'optional',
    body: z.strictObject({ token: z.string().min(1).max(200) }),
    status: 200,
    response: z.strictObject({
      organization: z.strictObject({ id, name: z.string() }),
      accountId: id,
      memberId: id,
      role,
    }),
    errors: [
      'not_found',
      'invitation_expired',
      'invitation_closed',
      'organization_closed',
      'invitation_of_another',
      'sign_in_required',
      'member_suspended',
      'member_blocked',
    ],
    handle: async ({ body, principal, write }) => {
      const { accountId, member, organization } = await write((tx) =>
        acceptInvitation(tx, body.token, signedIn(principal)),
      );
      return {
        organization: { id: organization._id, name: organization.name },
        accountId,
        memberId: member._id,
        role: member.role,
      };
    },
  }),
];
