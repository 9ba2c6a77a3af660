import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { findRecords } from '../../sso/index.ts';
import type { SignInRecord } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, listOf, origin, pageQuery, presentPage, time } from './common.ts';

const outcome = z.enum(['signed_in', 'would_sign_in', 'refused', 'waiting']);

const signInRecord = z
  .strictObject({
    reference: z.string().meta({ description: 'what the page of the person shows' }),
    at: time,
    connectionId: id,
    purpose: z.enum(['sign_in', 'test', 'sign_out']),
    outcome,
    code: z.string().meta({ description: 'why, as a stable word' }),
    detail: z.string().meta({ description: 'why, in a sentence, with what was expected and found' }),
    subject: z.string().optional().meta({ description: "the IdP's name for the person" }),
    accountId: id.optional(),
    from: origin.optional(),
    received: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'what the IdP sent, without secrets: claims, certificate, algorithms, clock' }),
  })
  .meta({ id: 'SignInRecord' });

function presentRecord(row: SignInRecord): z.output<typeof signInRecord> {
  const { reference, createdAt, connectionId, purpose, outcome, code, detail, subject, accountId, received } = row;
  return {
    ...{ reference, at: createdAt.toISOString(), connectionId, purpose, outcome, code, detail },
    ...(subject !== undefined && { subject }),
    ...(accountId !== undefined && { accountId }),
    ...(row.from && { from: row.from }),
    ...(received !== undefined && { received: received as Record<string, unknown> }),
  };
}

const path = '/api/v1/organizations/{org}/sign-ins';
const access = { permission: 'sso.manage', on: 'organization' } as const;
const tag = 'Sign-in';

/** What became of sign-ins: the answer to "it does not let me in". */
export const signInRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag,
    summary: 'List what became of sign-ins, newest first',
    description: 'Sign-ins and tests of connections, refused ones with the reason. Kept for GATEHOUSE_LOG_DAYS.',
    access,
    params: inOrganization,
    query: pageQuery.extend({ connectionId: id.optional(), outcome: outcome.optional() }),
    status: 200,
    response: listOf(signInRecord),
    handle: async ({ params, query, reads }) => {
      const { limit, cursor, ...filter } = query;
      const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      return presentPage(await findRecords(reads, params.org, given, { limit, cursor }), presentRecord);
    },
  }),
  route({
    method: 'get',
    path: `${path}/{reference}`,
    tag,
    summary: 'Read what became of a sign-in, by the reference on its page',
    access,
    params: inOrganization.extend({ reference: z.string().regex(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/i) }),
    status: 200,
    response: signInRecord,
    handle: async ({ params, reads }) => {
      const reference = params.reference.toUpperCase();
      const { items } = await findRecords(reads, params.org, { reference }, { limit: 1 });
      const [row] = items;
      if (row === undefined) throw new AppError('not_found', `No sign-in has the reference ${reference}.`);
      return presentRecord(row);
    },
  }),
];
