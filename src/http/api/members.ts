import { z } from 'zod';
import {
  addMember,
  changeMemberRole,
  describeMembers,
  findAccount,
  findMember,
  getMember,
  getOrganization,
  type Listed,
  listPeople,
  removeMember,
} from '../../access/index.ts';
import { isPushed } from '../../directory/index.ts';
import { AppError } from '../../errors.ts';
import { memberAdded } from '../../provisioning/index.ts';
import { comesBackBySignIn } from '../../sso/index.ts';
import type { Invitation, Member, ReadStore, Transaction } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { emailInput, id, idIn, inOrganization, listOf, pageQuery, role, roleInput, time } from './common.ts';
import { personOf } from './me.ts';

const sources = z.enum(['owner', 'operator', 'invitation', 'scim', 'sso']);

const member = z
  .strictObject({
    id: id.meta({ description: 'of the member, or of the invitation' }),
    accountId: id.optional().meta({ description: 'absent for somebody invited' }),
    email: z.string().optional(),
    name: z.string().optional(),
    role,
    status: z.enum(['active', 'suspended', 'invited']),
    source: sources,
    isOwner: z.boolean(),
    title: z.string().optional(),
    department: z.string().optional(),
    directoryId: id.optional(),
    directoryUserId: id.optional(),
    review: z.enum(['recycled_identity']).optional().meta({ description: 'what an Admin should look at' }),
    lastSignInAt: time.optional().meta({
      description: "by a link, or through one of the organization's connections; sign-ins elsewhere are not told",
    }),
    invitationExpiresAt: time.optional(),
    createdAt: time,
  })
  .meta({ id: 'Member' });

function present(listed: Listed): z.output<typeof member> {
  if (listed.kind === 'invited') return presentInvited(listed.invitation);
  const { member: row, name, email, lastSignInAt } = listed;
  const { profile } = row;
  return {
    id: row._id,
    accountId: row.accountId,
    ...(email !== undefined && { email }),
    ...(name !== undefined && { name }),
    role: row.role,
    status: row.status,
    source: row.source,
    isOwner: row.owner === true,
    ...(profile?.title !== undefined && { title: profile.title }),
    ...(profile?.department !== undefined && { department: profile.department }),
    ...(row.directoryId !== undefined && { directoryId: row.directoryId }),
    ...(row.directoryUserId !== undefined && { directoryUserId: row.directoryUserId }),
    ...(row.review !== undefined && { review: row.review }),
    ...(lastSignInAt !== undefined && { lastSignInAt: lastSignInAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
  };
}

const presentInvited = (row: Invitation): z.output<typeof member> => ({
  id: row._id,
  email: row.email,
  role: row.role,
  status: 'invited',
  source: 'invitation',
  isOwner: false,
  invitationExpiresAt: row.expiresAt.toISOString(),
  createdAt: row.createdAt.toISOString(),
});

async function presentOne(reads: ReadStore, row: Member): Promise<z.output<typeof member>> {
  const [listed] = await describeMembers(reads, row.organizationId, [row]);
  if (!listed) throw new Error(`member ${row._id} cannot be described`);
  return present(listed);
}

const path = '/api/v1/organizations/{org}/members';
const oneMember = inOrganization.extend(idIn('member'));

const removal = z
  .strictObject({
    removed: id,
    blocked: z.boolean(),
    comesBack: z.boolean(),
    comesBackBy: z.array(z.enum(['push', 'sign_in'])),
    message: z.string().meta({ description: 'the same in a sentence, for people' }),
  })
  .meta({ id: 'Removal' });

const returning =
  '`comesBack` says that the person may be back without anybody here doing something, `comesBackBy` by which ways (MEM-4): `push`, since a directory still holds them, and a push that says they are active makes them a member again; `sign_in`, since an active connection would let them in at their next sign-in.';

const back = {
  push: 'a directory still holds the person, and a push that says they are active makes them a member again',
  sign_in: 'an active connection would let them in at their next sign-in',
} as const;

/** Removes a member, and says by which ways the identity provider would bring the person back (MEM-4). */
export async function removeAndTell(
  tx: Transaction,
  organizationId: string,
  memberId: string,
  { block = false }: { readonly block?: boolean } = {},
): Promise<z.output<typeof removal>> {
  const { accountId } = await removeMember(tx, organizationId, memberId, { block });
  const told = { removed: memberId, blocked: block };
  if (block) {
    return {
      ...told,
      comesBack: false,
      comesBackBy: [],
      message: 'Removed and blocked: nobody comes back before being unblocked.',
    };
  }
  const pushed = await isPushed(tx, organizationId, accountId);
  const signsIn = await comesBackBySignIn(tx, organizationId, accountId);
  const comesBackBy = [...(pushed ? (['push'] as const) : []), ...(signsIn ? (['sign_in'] as const) : [])];
  const message =
    comesBackBy.length === 0
      ? 'Removed. No directory or connection brings the person back.'
      : `Removed, but not for good: ${comesBackBy.map((way) => back[way]).join('; ')}. Take the person away at the identity provider, or remove with block.`;
  return { ...told, comesBack: comesBackBy.length > 0, comesBackBy, message };
}

export const memberRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag: 'Members',
    summary: 'List the members, and those who are invited',
    description:
      'In the order of joining, invitations last. `search` finds part of a name or an address, in any case; a page of a search may be short, or empty, and go on.',
    access: { permission: 'member.list', on: 'organization' },
    params: inOrganization,
    query: pageQuery.extend({
      search: z.string().trim().min(1).max(200).optional(),
      role: roleInput.optional(),
      status: z.enum(['active', 'suspended', 'invited']).optional(),
      source: sources.optional(),
    }),
    status: 200,
    response: listOf(member),
    handle: async ({ params, query, reads }, { clock }) => {
      const { items, nextCursor } = await listPeople(reads, params.org, query, clock.now());
      return { items: items.map(present), ...(nextCursor !== undefined && { nextCursor }) };
    },
  }),
  route({
    method: 'post',
    path,
    tag: 'Members',
    summary: 'Add an account as a member',
    description:
      'The account must exist: it is named by its id or by a proven email (ACC-2). Mapped roles follow at once, and a directory user who waits for this person is adopted (MAP-3, SCIM-3).',
    access: 'operator',
    params: inOrganization,
    body: z
      .strictObject({ accountId: id.optional(), email: emailInput.optional(), role: roleInput.optional() })
      .refine(({ accountId, email }) => (accountId === undefined) !== (email === undefined), {
        message: 'name either accountId or email',
      }),
    status: 201,
    response: member,
    errors: ['account_not_found', 'already_a_member', 'member_suspended', 'member_blocked'],
    handle: async ({ params, body, write, reads }) => {
      const added = await write(async (tx) => {
        const named = body.accountId ?? body.email ?? '';
        const account = await findAccount(tx, named);
        if (!account) throw new AppError('account_not_found', `There is no account ${named}.`);
        await getOrganization(tx, params.org);
        const { _id } = await addMember(tx, params.org, {
          accountId: account._id,
          source: 'operator',
          role: body.role,
        });
        await memberAdded(tx, params.org, account._id);
        return getMember(tx, params.org, _id);
      });
      return presentOne(reads, added);
    },
  }),
  route({
    method: 'get',
    path: `${path}/{member}`,
    tag: 'Members',
    summary: 'Read a member',
    access: { permission: 'member.list', on: 'organization' },
    params: oneMember,
    status: 200,
    response: member,
    handle: async ({ params, reads }) => presentOne(reads, await getMember(reads, params.org, params.member)),
  }),
  route({
    method: 'patch',
    path: `${path}/{member}`,
    tag: 'Members',
    summary: "Change a member's organization role",
    description:
      'The Owner is always Admin (OWN-1). Admin that comes from a mapping is taken away at the mapping or in its group (MAP-2).',
    access: { permission: 'member.update-role', on: 'organization' },
    params: oneMember,
    body: z.strictObject({ role: roleInput }),
    status: 200,
    response: member,
    errors: ['owner_protected', 'role_from_mapping'],
    handle: async ({ params, body, write, reads }) =>
      presentOne(reads, await write((tx) => changeMemberRole(tx, params.org, params.member, body.role))),
  }),
  route({
    method: 'delete',
    path: `${path}/{member}`,
    tag: 'Members',
    summary: 'Remove a member',
    description: `Ends every project role, session and pending invitation of the person in the organization at once (MEM-3). ${returning} With \`block=true\` nobody brings them back until they are unblocked (\`…/blocks\`).`,
    access: { permission: 'member.remove', on: 'organization' },
    params: oneMember,
    query: z.strictObject({ block: z.enum(['true', 'false']).optional() }),
    status: 200,
    response: removal,
    errors: ['owner_protected'],
    handle: ({ params, query, write }) =>
      write((tx) => removeAndTell(tx, params.org, params.member, { block: query.block === 'true' })),
  }),
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/leave',
    tag: 'Members',
    summary: 'Leave an organization',
    description: `Ends one's own membership as its removal does (MEM-3); what one has made stays. The Owner cannot leave (OWN-3). ${returning}`,
    access: { permission: 'organization.read', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: removal,
    errors: ['owner_protected'],
    handle: ({ params, principal, write }) => {
      const { accountId } = personOf(principal);
      return write(async (tx) => {
        const own = await findMember(tx, params.org, accountId);
        if (!own) throw new AppError('not_found', `There is no organization ${params.org}.`);
        return removeAndTell(tx, params.org, own._id);
      });
    },
  }),
];
