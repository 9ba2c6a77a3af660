import { z } from 'zod';
import type { Belonging } from '../../access/index.ts';
import {
  endSession,
  findAccountEmails,
  findOrganizationsOf,
  findProjectsOf,
  findSessions,
  getAccount,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import { type Principal, type Route, route } from '../route.ts';
import { accountEmail } from './accounts.ts';
import { id, idIn, role, time } from './common.ts';
import { presentProject, project } from './projects.ts';

const belonging = z
  .strictObject({
    id,
    name: z.string(),
    external: z.boolean(),
    slug: z.string().optional(),
    memberId: id.optional(),
    role: role.optional(),
    status: z.enum(['active', 'suspended']).optional(),
    isOwner: z.boolean().optional(),
  })
  .meta({ id: 'Belonging', description: 'An External Collaborator sees the name of an organization only (PRJ-6).' });

const presentBelonging = ({ organization, member, external }: Belonging): z.output<typeof belonging> => ({
  id: organization._id,
  name: organization.name,
  external,
  ...(member && {
    slug: organization.slug,
    memberId: member._id,
    role: member.role,
    status: member.status,
    isOwner: member.owner === true,
  }),
});

const session = z.strictObject({
  id,
  current: z.boolean(),
  madeBy: z.enum(['operator', 'sign_in']),
  createdAt: time,
  idleExpiresAt: time,
  expiresAt: time,
});

/** The person who asks; `self` routes have no other principal. */
function personOf(principal: Principal): Extract<Principal, { kind: 'account' }> {
  if (principal.kind === 'account') return principal;
  throw new AppError('permission_denied', 'The operator is no person.');
}

const endedIn = (principal: Principal): readonly string[] => personOf(principal).session?.endedIn ?? [];

export const meRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/me',
    tag: 'Me',
    summary: 'Read who one is, and where one belongs',
    access: 'self',
    status: 200,
    response: z.strictObject({
      id,
      name: z.string().optional(),
      emails: z.array(accountEmail),
      organizations: z.array(belonging),
    }),
    handle: async ({ principal, reads }) => {
      const { accountId } = personOf(principal);
      const account = await getAccount(reads, accountId);
      const emails = await findAccountEmails(reads, accountId);
      const ended = endedIn(principal);
      const belongings = await findOrganizationsOf(reads, accountId);
      return {
        id: accountId,
        ...(account.name !== undefined && { name: account.name }),
        emails: emails.map(({ email, proven }) => ({ email, proven })),
        organizations: belongings.filter((one) => !ended.includes(one.organization._id)).map(presentBelonging),
      };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/me/projects',
    tag: 'Me',
    summary: 'List the projects that one has access to, in all organizations',
    access: 'self',
    status: 200,
    response: z.strictObject({ items: z.array(project) }),
    handle: async ({ principal, reads }) => {
      const found = await findProjectsOf(reads, personOf(principal).accountId, endedIn(principal));
      return { items: found.map((one) => presentProject(one.project, one.standing.role)) };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/me/sessions',
    tag: 'Me',
    summary: "List one's sessions",
    access: 'self',
    status: 200,
    response: z.strictObject({ items: z.array(session) }),
    handle: async ({ principal, reads }, { clock }) => {
      const person = personOf(principal);
      const rows = await findSessions(reads, person.accountId, clock.now());
      return {
        items: rows.map((row) => ({
          id: row._id,
          current: row._id === person.session?._id,
          madeBy: row.madeBy,
          createdAt: row.createdAt.toISOString(),
          idleExpiresAt: row.idleExpiresAt.toISOString(),
          expiresAt: row.expiresAt.toISOString(),
        })),
      };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/me/sessions/{session}',
    tag: 'Me',
    summary: "End one of one's sessions",
    access: 'self',
    params: z.object(idIn('session')),
    status: 204,
    handle: async ({ params, principal, write }) => {
      await write((tx) => endSession(tx, personOf(principal).accountId, params.session));
      return undefined;
    },
  }),
];
