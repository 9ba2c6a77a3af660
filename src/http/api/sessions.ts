import { z } from 'zod';
import {
  type Belonging,
  countsIn,
  endSessionsIn,
  findAccount,
  findLiveSession,
  findOrganizationsOf,
  findSession,
  findSessions,
  getMember,
  getOrganization,
  openSession,
  proofsOf,
  sessionTokenPrefix,
  type Worth,
  worthIn,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import { platformTrail, recordAudit } from '../../events/index.ts';
import { findStepUpUrl } from '../../sso/index.ts';
import type { ReadStore, Session } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { noteUse } from '../sessionUse.ts';
import { emailInput, id, idIn, inOrganization, time } from './common.ts';

const proof = z
  .strictObject({
    kind: z.enum(['operator', 'mailbox', 'connection']),
    at: time,
    organizationId: id.optional(),
    connectionId: id.optional(),
  })
  .meta({ id: 'Proof', description: 'one way in which the person has shown who they are' });

export const session = z
  .strictObject({
    id,
    madeBy: z.enum(['operator', 'sign_in']),
    proofs: z.array(proof),
    userAgent: z.string().optional(),
    address: z.string().optional(),
    createdAt: time,
    idleExpiresAt: time,
    expiresAt: time,
  })
  .meta({ id: 'Session' });

/** A session as its person sees it; with `organizationId` as that organization does: without what others have proven. */
export function presentSession(row: Session, organizationId?: string): z.output<typeof session> {
  const proofs = proofsOf(row).filter(
    (one) => one.kind !== 'connection' || organizationId === undefined || one.organizationId === organizationId,
  );
  return {
    id: row._id,
    madeBy: row.madeBy,
    proofs: proofs.map((one) => ({
      kind: one.kind,
      at: one.at.toISOString(),
      ...(one.kind === 'connection' && { organizationId: one.organizationId, connectionId: one.connectionId }),
    })),
    ...(row.userAgent !== undefined && { userAgent: row.userAgent }),
    ...(row.address !== undefined && { address: row.address }),
    createdAt: row.createdAt.toISOString(),
    idleExpiresAt: row.idleExpiresAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
}

const standing = z
  .strictObject({
    organizationId: id,
    session: z.enum(['counts', 'step_up', 'ended']),
    signInUrl: z.string().optional().meta({ description: 'where the person signs in to make the session count' }),
  })
  .meta({ id: 'SessionStanding' });

/** What the session is worth where its person belongs, and where to go where that is not enough (SSO-5). */
async function presentStanding(
  reads: ReadStore,
  baseUrl: string,
  row: Session,
  { organization, member }: Belonging,
): Promise<z.output<typeof standing>> {
  const organizationId = organization._id;
  const worth: Worth = member?.status === 'suspended' ? 'ended' : worthIn(row, organization, member);
  if (worth !== 'step_up') return { organizationId, session: worth };
  const signInUrl = await findStepUpUrl(reads, baseUrl, organizationId, row.accountId);
  return { organizationId, session: worth, signInUrl };
}

const introspection = z
  .strictObject({
    active: z.boolean(),
    sessionId: id.optional(),
    accountId: id.optional(),
    expiresAt: time.optional(),
    organizations: z.array(id).optional().meta({ description: 'those in which the session counts' }),
    standings: z
      .array(standing)
      .optional()
      .meta({ description: 'every organization of the person: the session counts, needs a step-up, or was ended' }),
  })
  .meta({ id: 'Introspection' });

const memberSessions = '/api/v1/organizations/{org}/members/{member}/sessions';

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/sessions',
    tag: 'Sessions',
    summary: 'Make a session for an account',
    description:
      'A session that the operator made reads no secrets of the Owner (OWN-4), has to come through the connection where SSO is enforced, as any other (SSO-5), and stands in the audit of the platform.',
    access: 'operator',
    body: z
      .strictObject({ accountId: id.optional(), email: emailInput.optional() })
      .refine(({ accountId, email }) => (accountId === undefined) !== (email === undefined), {
        message: 'name either accountId or email',
      }),
    status: 201,
    response: z.strictObject({ id, accountId: id, token: z.string(), expiresAt: time }),
    errors: ['account_not_found'],
    handle: ({ body, write }) =>
      write(async (tx) => {
        const named = body.accountId ?? body.email ?? '';
        const account = await findAccount(tx, named);
        if (!account) throw new AppError('account_not_found', `There is no account ${named}.`);
        const { session: opened, token } = await openSession(tx, {
          accountId: account._id,
          proofs: [{ kind: 'operator', at: tx.at }],
        });
        const { _id, accountId, expiresAt } = opened;
        // it speaks for the person wherever they belong, and so is told in no single organization
        await recordAudit(tx, platformTrail, {
          type: 'session.made',
          targetKind: 'account',
          targetId: accountId,
          after: { sessionId: _id, expiresAt: expiresAt.toISOString() },
        });
        return { id: _id, accountId, token, expiresAt: expiresAt.toISOString() };
      }),
  }),
  route({
    method: 'post',
    path: '/api/v1/sessions/introspect',
    tag: 'Sessions',
    summary: 'Ask whose session a token is, and where it counts',
    description: 'A question about a session counts as use of it: it does not idle away in a service that asks here.',
    access: 'operator',
    scope: 'introspect',
    readOnly: true,
    body: z.strictObject({ token: z.string().min(1).max(1000) }),
    status: 200,
    response: introspection,
    handle: async ({ body, reads }, deps) => {
      const { clock, baseUrl } = deps;
      if (!body.token.startsWith(sessionTokenPrefix)) return { active: false };
      const found = await findLiveSession(reads, body.token, clock.now());
      if (!found) return { active: false };
      noteUse(found, deps);
      const { _id, accountId, expiresAt } = found;
      const belongings = await findOrganizationsOf(reads, accountId);
      const standings = await Promise.all(belongings.map((one) => presentStanding(reads, baseUrl, found, one)));
      return {
        active: true,
        sessionId: _id,
        accountId,
        expiresAt: expiresAt.toISOString(),
        organizations: standings.filter((one) => one.session === 'counts').map((one) => one.organizationId),
        standings,
      };
    },
  }),
  route({
    method: 'get',
    path: memberSessions,
    tag: 'Sessions',
    summary: "List a member's sessions that count in the organization",
    access: { permission: 'sso.manage', on: 'organization' },
    params: inOrganization.extend(idIn('member')),
    status: 200,
    response: z.strictObject({ items: z.array(session) }),
    handle: async ({ params, reads }, { clock }) => {
      const member = await getMember(reads, params.org, params.member);
      const organization = await getOrganization(reads, params.org);
      const rows = await findSessions(reads, member.accountId, clock.now());
      const counting = rows.filter((row) => worthIn(row, organization, member) === 'counts');
      return { items: counting.map((row) => presentSession(row, params.org)) };
    },
  }),
  route({
    method: 'delete',
    path: memberSessions,
    tag: 'Sessions',
    summary: "End the organization's part of all sessions of a member",
    description: 'In other organizations the sessions go on; the person may sign in here again at once (SSO-5).',
    access: { permission: 'sso.manage', on: 'organization' },
    params: inOrganization.extend(idIn('member')),
    status: 200,
    response: z.strictObject({ ended: z.int() }),
    handle: ({ params, write }) =>
      write(async (tx) => {
        const { _id, accountId } = await getMember(tx, params.org, params.member);
        const live = (await findSessions(tx, accountId, tx.at)).filter((row) => countsIn(row, params.org));
        await endSessionsIn(tx, params.org, accountId);
        await recordAudit(tx, params.org, {
          type: 'member.sessions_ended',
          targetKind: 'member',
          targetId: _id,
          after: { ended: live.length, accountId },
        });
        return { ended: live.length };
      }),
  }),
  route({
    method: 'delete',
    path: `${memberSessions}/{session}`,
    tag: 'Sessions',
    summary: "End the organization's part of one session of a member",
    description: 'In other organizations it goes on. 404 for a session that does not count here.',
    access: { permission: 'sso.manage', on: 'organization' },
    params: inOrganization.extend({ ...idIn('member'), ...idIn('session') }),
    status: 204,
    handle: ({ params, write }) =>
      write(async (tx) => {
        const member = await getMember(tx, params.org, params.member);
        const organization = await getOrganization(tx, params.org);
        const row = await findSession(tx, params.session, tx.at);
        if (row?.accountId !== member.accountId || worthIn(row, organization, member) !== 'counts') {
          throw new AppError('not_found', `The member has no session ${params.session} that counts here.`);
        }
        await endSessionsIn(tx, params.org, member.accountId, ({ _id }) => _id === row._id);
        await recordAudit(tx, params.org, {
          type: 'member.session_ended',
          targetKind: 'member',
          targetId: member._id,
          after: { sessionId: row._id, accountId: member.accountId },
        });
        return undefined;
      }),
  }),
];
