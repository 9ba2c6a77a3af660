import { z } from 'zod';
import { listAudit, platformTrail, verifyAudit } from '../../events/index.ts';
import { listWaiting, type WaitingPerson } from '../../provisioning/index.ts';
import { findParked, replayParked } from '../../queue/index.ts';
import type { AuditEvent, OutboxRow } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, origin, pageQuery, presentPage, time } from './common.ts';
import { directoryUser, presentUser } from './directories.ts';

const facts = z.record(z.string(), z.unknown());

const auditEvent = z
  .strictObject({
    id,
    at: time,
    type: z.string(),
    actor: z.string(),
    onBehalfOf: id.optional(),
    requestId: z.string(),
    from: origin.optional(),
    outcome: z.enum(['done', 'refused']),
    targetKind: z.string(),
    targetId: z.string(),
    before: facts.optional(),
    after: facts.optional(),
    detail: z.string().optional(),
    seq: z.int().optional().meta({ description: "its number among the organization's events, given soon after" }),
    hash: z.string().optional().meta({ description: 'SHA-256 over the event and the hash of the one before' }),
  })
  .meta({ id: 'AuditEvent' });

function presentAuditEvent(row: AuditEvent): z.output<typeof auditEvent> {
  const { type, actor, requestId, targetKind, targetId } = row;
  return {
    id: row._id,
    at: row.createdAt.toISOString(),
    type,
    actor,
    ...(row.onBehalfOf !== undefined && { onBehalfOf: row.onBehalfOf }),
    requestId,
    ...(row.from && { from: row.from }),
    outcome: row.outcome,
    targetKind,
    targetId,
    ...(row.before && { before: row.before }),
    ...(row.after && { after: row.after }),
    ...(row.detail !== undefined && { detail: row.detail }),
    ...(row.seq !== undefined && { seq: row.seq }),
    ...(row.hash !== undefined && { hash: row.hash }),
  };
}

const verification = z
  .strictObject({
    verified: z.boolean(),
    count: z.int().meta({ description: 'how many events the unbroken part of the chain has' }),
    head: z.strictObject({ seq: z.int(), hash: z.string() }).optional(),
    firstBroken: z
      .strictObject({ seq: z.int(), fault: z.enum(['missing', 'changed']), id: id.optional() })
      .optional()
      .meta({ description: 'where the chain breaks: the number, and the event that is not what its hash says' }),
  })
  .meta({ id: 'AuditVerification' });

const parkedJob = z
  .strictObject({
    id,
    job: z.string(),
    payload: facts,
    attempts: z
      .int()
      .meta({ description: 'that came to an end, giving up included; those in which a process died are not counted' }),
    error: z.string().optional(),
    createdAt: time,
  })
  .meta({ id: 'ParkedJob' });

const presentJob = (row: OutboxRow): z.output<typeof parkedJob> => ({
  id: row._id,
  job: row.job,
  payload: row.payload,
  attempts: row.attempts,
  ...(row.error !== undefined && { error: row.error }),
  createdAt: row.createdAt.toISOString(),
});

const waitingPerson = z
  .strictObject({
    user: directoryUser,
    email: z.string().optional().meta({ description: 'the address as pushed' }),
    reason: z.enum(['account_exists_domain_not_verified', 'can_be_resolved']),
  })
  .meta({ id: 'WaitingPerson' });

const presentWaiting = ({ user, email, reason }: WaitingPerson): z.output<typeof waitingPerson> => ({
  user: presentUser(user),
  ...(email !== undefined && { email }),
  reason,
});

const path = '/api/v1/organizations/{org}';
const auditQuery = pageQuery.extend({ type: z.string().max(100).optional(), targetId: id.optional() });

/** What has happened, what waits, and what failed. */
export const recordRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: `${path}/adoptions`,
    tag: 'Provisioning',
    summary: 'List the people who wait for adoption',
    description:
      'Pushed people whose address belongs to an account, while the organization has not verified the domain (SCIM-3).',
    access: { permission: 'directory.manage', on: 'organization' },
    params: inOrganization,
    query: pageQuery,
    status: 200,
    response: listOf(waitingPerson),
    handle: async ({ params, query, reads }) =>
      presentPage(await listWaiting(reads, params.org, query), presentWaiting),
  }),
  route({
    method: 'get',
    path: `${path}/audit`,
    tag: 'Provisioning',
    summary: 'Read the audit trail, newest first',
    access: { permission: 'audit.read', on: 'organization' },
    params: inOrganization,
    query: auditQuery,
    status: 200,
    response: listOf(auditEvent),
    handle: async ({ params, query, reads }) =>
      presentPage(await listAudit(reads, params.org, query), presentAuditEvent),
  }),
  route({
    method: 'get',
    path: `${path}/audit/verify`,
    tag: 'Provisioning',
    summary: 'Follow the chain of audit events from the first to the head',
    description:
      'A changed, removed or reordered event breaks the chain (AUD-1). Keep `head` elsewhere: the event of that number must have that hash for ever. The hash is SHA-256 of the canonical JSON (RFC 8785) of the event as listed, without `hash`, with `organizationId`, and with the hash before it, or an empty text, as `previous`.',
    access: { permission: 'audit.read', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: verification,
    handle: ({ params, reads }) => verifyAudit(reads, params.org),
  }),
  route({
    method: 'get',
    path: `${path}/jobs/parked`,
    tag: 'Provisioning',
    summary: 'List the jobs that were given up after their last attempt',
    access: { permission: 'directory.manage', on: 'organization' },
    params: inOrganization,
    query: pageQuery,
    status: 200,
    response: listOf(parkedJob),
    handle: async ({ params, query, reads }) => presentPage(await findParked(reads, params.org, query), presentJob),
  }),
  route({
    method: 'post',
    path: `${path}/jobs/parked/{job}/replay`,
    tag: 'Provisioning',
    summary: 'Give a parked job all its attempts again',
    access: 'operator',
    params: inOrganization.extend(idIn('job')),
    status: 200,
    response: parkedJob,
    handle: ({ params, write }) => write(async (tx) => presentJob(await replayParked(tx, params.org, params.job))),
  }),
  route({
    method: 'get',
    path: '/api/v1/audit',
    tag: 'Platform',
    summary: "Read the platform's own audit trail, newest first",
    description:
      'What belongs to no organization: service credentials, sessions that the operator made, organizations that were deleted.',
    access: 'operator',
    query: auditQuery,
    status: 200,
    response: listOf(auditEvent),
    handle: async ({ query, reads }) => presentPage(await listAudit(reads, platformTrail, query), presentAuditEvent),
  }),
  route({
    method: 'get',
    path: '/api/v1/audit/verify',
    tag: 'Platform',
    summary: "Follow the chain of the platform's own audit events",
    description: 'As for an organization (AUD-1); `organizationId` is `platform` in what is hashed.',
    access: 'operator',
    status: 200,
    response: verification,
    handle: ({ reads }) => verifyAudit(reads, platformTrail),
  }),
];
