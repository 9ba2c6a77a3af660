import { z } from 'zod';
import { changeMemberRole, listBlocks, removeBlock } from '../../access/index.ts';
import type { Block } from '../../store/index.ts';
import { authorize } from '../authorize.ts';
import { toProblem } from '../errors.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, pageQuery, presentPage, role, roleInput, time } from './common.ts';
import { removeAndTell } from './members.ts';

const most = 200;

const operation = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('set_role'), memberId: id, role: roleInput }),
  z.strictObject({ action: z.literal('remove'), memberId: id, block: z.boolean().optional() }),
]);

const result = z.strictObject({
  memberId: id,
  status: z.enum(['done', 'refused']),
  role: role.optional(),
  comesBack: z.boolean().optional(),
  comesBackBy: z.array(z.enum(['push', 'sign_in'])).optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
});

const block = z
  .strictObject({
    id,
    accountId: id,
    email: z.string().optional(),
    name: z.string().optional(),
    blockedBy: z.string(),
    createdAt: time,
    accountDeleted: z
      .literal(true)
      .optional()
      .meta({ description: 'the account was deleted: the block keeps its person out, and names nobody any more' }),
  })
  .meta({ id: 'Block' });

const presentBlock = (row: Block): z.output<typeof block> => ({
  id: row._id,
  accountId: row.accountId,
  ...(row.email !== undefined && { email: row.email }),
  ...(row.name !== undefined && { name: row.name }),
  blockedBy: row.blockedBy,
  createdAt: row.createdAt.toISOString(),
  ...(row.accountDeletedAt && { accountDeleted: true }),
});

const organization = '/api/v1/organizations/{org}';
const remove = { permission: 'member.remove', on: 'organization' } as const;

/** Many members at once, and those who are kept out. */
export const memberBulkRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: `${organization}/members/bulk`,
    tag: 'Members',
    summary: 'Change the roles of many members, or remove them',
    description: `At most ${most} operations, in their order, each by itself: one that is refused keeps none of the others from being done, and says why. Removals need the permission \`member.remove\` besides.`,
    access: { permission: 'member.update-role', on: 'organization' },
    params: inOrganization,
    body: z.strictObject({ operations: z.array(operation).min(1).max(most) }),
    status: 200,
    response: z.strictObject({ results: z.array(result) }),
    handle: async ({ params, body, principal, requestId, reads, write }, { baseUrl }) => {
      if (body.operations.some(({ action }) => action === 'remove')) {
        await authorize({ access: remove }, principal, params, reads, baseUrl);
      }
      const results: z.output<typeof result>[] = [];
      for (const one of body.operations) {
        const { memberId } = one;
        try {
          if (one.action === 'set_role') {
            const changed = await write((tx) => changeMemberRole(tx, params.org, memberId, one.role));
            results.push({ memberId, status: 'done', role: changed.role });
            continue;
          }
          const { comesBack, comesBackBy } = await write((tx) =>
            removeAndTell(tx, params.org, memberId, { block: one.block ?? false }),
          );
          results.push({ memberId, status: 'done', comesBack, comesBackBy });
        } catch (error) {
          const { problem, known } = toProblem(error, requestId, baseUrl);
          if (!known || problem.status >= 500) throw error;
          results.push({ memberId, status: 'refused', code: problem.code, detail: problem.detail ?? problem.title });
        }
      }
      return { results };
    },
  }),
  route({
    method: 'get',
    path: `${organization}/blocks`,
    tag: 'Members',
    summary: 'List those who were removed and blocked',
    access: remove,
    params: inOrganization,
    query: pageQuery,
    status: 200,
    response: listOf(block),
    handle: async ({ params, query, reads }) => presentPage(await listBlocks(reads, params.org, query), presentBlock),
  }),
  route({
    method: 'delete',
    path: `${organization}/blocks/{block}`,
    tag: 'Members',
    summary: 'Unblock somebody',
    description: 'Makes nobody a member: the next push, sign-in or invitation does (MEM-4).',
    access: remove,
    params: inOrganization.extend(idIn('block')),
    status: 204,
    handle: async ({ params, write }) => {
      await write((tx) => removeBlock(tx, params.org, params.block));
      return undefined;
    },
  }),
];
