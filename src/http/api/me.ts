import { z } from 'zod';
import type { Belonging, Worth } from '../../access/index.ts';
import {
  endSession,
  endSessions,
  findAccountEmails,
  findOrganizationsOf,
  findProjectsOf,
  findSessions,
  getAccount,
  worthIn,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import { findStepUpUrl } from '../../sso/index.ts';
import type { ReadStore } from '../../store/index.ts';
import { type Principal, type Route, route } from '../route.ts';
import { accountEmail } from './accounts.ts';
import { id, idIn, listOf, role } from './common.ts';
import { presentAccessibles, project, statusQuery } from './projects.ts';
import { presentSession, session } from './sessions.ts';

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
    session: z.enum(['counts', 'step_up']),
    signInUrl: z.string().optional().meta({ description: 'where one signs in to make the session count (SSO-5)' }),
  })
  .meta({
    id: 'Belonging',
    description:
      'An External Collaborator sees the name of an organization only (PRJ-6), and so does a session that needs a step-up there.',
  });

const presentBelonging = (
  { organization, member, external }: Belonging,
  signInUrl: string | undefined,
): z.output<typeof belonging> => ({
  id: organization._id,
  name: organization.name,
  external,
  session: signInUrl === undefined ? 'counts' : 'step_up',
  ...(signInUrl !== undefined && { signInUrl }),
  ...(member &&
    signInUrl === undefined && {
      slug: organization.slug,
      memberId: member._id,
      role: member.role,
      status: member.status,
      isOwner: member.owner === true,
    }),
});

const ownSession = session.extend({ current: z.boolean() }).meta({ id: 'OwnSession' });

/** The person who asks; `self` routes have no other principal. */
export function personOf(principal: Principal): Extract<Principal, { kind: 'account' }> {
  if (principal.kind === 'account') return principal;
  throw new AppError('permission_denied', 'The operator is no person.');
}

/** What the session that asks is worth where its person belongs; borrowed rights ask without one. */
const worthAt = (principal: Principal, { organization, member }: Belonging): Worth => {
  const { session: asking } = personOf(principal);
  return asking === undefined ? 'counts' : worthIn(asking, organization, member);
};

/** The organizations of the person who asks in which the session counts for nothing, or for nothing yet (SSO-5). */
export async function findWorthlessOrganizations(principal: Principal, reads: ReadStore): Promise<readonly string[]> {
  const belongings = await findOrganizationsOf(reads, personOf(principal).accountId);
  return belongings.filter((one) => worthAt(principal, one) !== 'counts').map(({ organization }) => organization._id);
}

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
    handle: async ({ principal, reads }, { baseUrl }) => {
      const { accountId } = personOf(principal);
      const account = await getAccount(reads, accountId);
      const emails = await findAccountEmails(reads, accountId);
      const belongings = await findOrganizationsOf(reads, accountId);
      const worths = belongings
        .map((one) => ({ one, worth: worthAt(principal, one) }))
        .filter(({ worth }) => worth !== 'ended');
      const organizations = worths.map(async ({ one, worth }) => {
        if (worth === 'counts') return presentBelonging(one, undefined);
        return presentBelonging(one, await findStepUpUrl(reads, baseUrl, one.organization._id, accountId));
      });
      return {
        id: accountId,
        ...(account.name !== undefined && { name: account.name }),
        emails: emails.map(({ email, proven }) => ({ email, proven })),
        organizations: await Promise.all(organizations),
      };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/me/projects',
    tag: 'Me',
    summary: 'List the projects that one has access to, in all organizations',
    access: 'self',
    query: statusQuery,
    status: 200,
    response: listOf(project),
    handle: async ({ principal, query, reads }) => {
      const { accountId } = personOf(principal);
      const except = await findWorthlessOrganizations(principal, reads);
      const found = await findProjectsOf(reads, accountId, except);
      return presentAccessibles(found, query);
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/me/sessions',
    tag: 'Me',
    summary: "List one's sessions",
    access: 'self',
    status: 200,
    response: z.strictObject({ items: z.array(ownSession) }),
    handle: async ({ principal, reads }, { clock }) => {
      const person = personOf(principal);
      const rows = await findSessions(reads, person.accountId, clock.now());
      return { items: rows.map((row) => ({ ...presentSession(row), current: row._id === person.session?._id })) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/me/sessions',
    tag: 'Me',
    summary: "End all of one's sessions but the one that asks",
    access: 'self',
    status: 200,
    response: z.strictObject({ ended: z.int() }),
    handle: async ({ principal, write }) => {
      const person = personOf(principal);
      return { ended: await write((tx) => endSessions(tx, person.accountId, person.session?._id)) };
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
