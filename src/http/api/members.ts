import { z } from 'zod';
import {
  addMember,
  type Contact,
  changeMemberRole,
  findAccount,
  findContacts,
  getMember,
  getOrganization,
  listMembers,
  removeMember,
} from '../../access/index.ts';
import { findUsersOfAccount } from '../../directory/index.ts';
import { AppError } from '../../errors.ts';
import { memberAdded } from '../../provisioning/index.ts';
import { comesBackBySignIn } from '../../sso/index.ts';
import type { Member, ReadStore } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
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

const member = z
  .strictObject({
    id,
    accountId: id,
    email: z.string().optional(),
    name: z.string().optional(),
    role,
    status: z.enum(['active', 'suspended']),
    source: z.enum(['owner', 'operator', 'invitation', 'scim', 'sso']),
    isOwner: z.boolean(),
    title: z.string().optional(),
    department: z.string().optional(),
    directoryId: id.optional(),
    directoryUserId: id.optional(),
    review: z.enum(['recycled_identity']).optional().meta({ description: 'what an Admin should look at' }),
    createdAt: time,
  })
  .meta({ id: 'Member' });

/** What the directory says of the person comes before what the account says (ACC-1). */
function present(row: Member, contact: Contact | undefined): z.output<typeof member> {
  const { profile } = row;
  const email = profile?.email ?? contact?.email;
  const name = profile?.displayName ?? contact?.name;
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
    createdAt: row.createdAt.toISOString(),
  };
}

async function presentOne(reads: ReadStore, row: Member): Promise<z.output<typeof member>> {
  return present(row, (await findContacts(reads, [row.accountId])).get(row.accountId));
}

const path = '/api/v1/organizations/{org}/members';
const oneMember = inOrganization.extend(idIn('member'));

export const memberRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag: 'Members',
    summary: 'List the members',
    access: { permission: 'member.list', on: 'organization' },
    params: inOrganization,
    query: pageQuery.extend({ role: roleInput.optional(), status: z.enum(['active', 'suspended']).optional() }),
    status: 200,
    response: listOf(member),
    handle: async ({ params, query, reads }) => {
      const page = await listMembers(reads, params.org, query);
      const accountIds = page.items.map(({ accountId }) => accountId);
      const contacts = await findContacts(reads, accountIds);
      return presentPage(page, (row) => present(row, contacts.get(row.accountId)));
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
    errors: ['account_not_found', 'already_a_member', 'member_suspended'],
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
    description:
      'Ends every project role and session of the person in the organization at once (MEM-3). `comesBack` says that the person may be back without anybody here doing something, `comesBackBy` by which ways (MEM-4): `push`, since a directory still holds them, and a push that says they are active makes them a member again; `sign_in`, since an active connection would let them in at their next sign-in.',
    access: { permission: 'member.remove', on: 'organization' },
    params: oneMember,
    status: 200,
    response: z.strictObject({
      removed: id,
      comesBack: z.boolean(),
      comesBackBy: z.array(z.enum(['push', 'sign_in'])),
    }),
    errors: ['owner_protected'],
    handle: ({ params, write }) =>
      write(async (tx) => {
        const { accountId } = await removeMember(tx, params.org, params.member);
        const pushed = (await findUsersOfAccount(tx, params.org, accountId)).length > 0;
        const signsIn = await comesBackBySignIn(tx, params.org, accountId);
        const comesBackBy = [...(pushed ? (['push'] as const) : []), ...(signsIn ? (['sign_in'] as const) : [])];
        return { removed: params.member, comesBack: comesBackBy.length > 0, comesBackBy };
      }),
  }),
];
