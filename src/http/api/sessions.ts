import { z } from 'zod';
import {
  countsIn,
  findAccount,
  findLiveSession,
  findOrganizationsOf,
  openSession,
  sessionTokenPrefix,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import { type Route, route } from '../route.ts';
import { emailInput, id, time } from './common.ts';

const introspection = z
  .strictObject({
    active: z.boolean(),
    sessionId: id.optional(),
    accountId: id.optional(),
    expiresAt: time.optional(),
    organizations: z
      .array(id)
      .optional()
      .meta({ description: 'those in which the session counts: where it was ended, it is worth nothing' }),
  })
  .meta({ id: 'Introspection' });

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/sessions',
    tag: 'Sessions',
    summary: 'Make a session for an account',
    description: 'A session that the operator made reads no secrets of the Owner (OWN-4).',
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
        const { session, token } = await openSession(tx, {
          accountId: account._id,
          proofs: [{ kind: 'operator', at: tx.at }],
        });
        const { _id, accountId, expiresAt } = session;
        return { id: _id, accountId, token, expiresAt: expiresAt.toISOString() };
      }),
  }),
  route({
    method: 'post',
    path: '/api/v1/sessions/introspect',
    tag: 'Sessions',
    summary: 'Ask whose session a token is, and where it counts',
    access: 'operator',
    readOnly: true,
    body: z.strictObject({ token: z.string().min(1).max(1000) }),
    status: 200,
    response: introspection,
    handle: async ({ body, reads }, { clock }) => {
      if (!body.token.startsWith(sessionTokenPrefix)) return { active: false };
      const session = await findLiveSession(reads, body.token, clock.now());
      if (!session) return { active: false };
      const { _id, accountId, expiresAt } = session;
      const belongings = await findOrganizationsOf(reads, accountId);
      const organizations = belongings
        .filter(({ organization, member }) => member?.status !== 'suspended' && countsIn(session, organization._id))
        .map(({ organization }) => organization._id);
      return { active: true, sessionId: _id, accountId, expiresAt: expiresAt.toISOString(), organizations };
    },
  }),
];
