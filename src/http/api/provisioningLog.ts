import { z } from 'zod';
import { listLog } from '../../directory/index.ts';
import type { ProvisioningLogEntry } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, pageQuery, presentPage, time } from './common.ts';

const outcome = z.enum(['applied', 'read', 'no_effect', 'refused', 'failed']);

const logEntry = z
  .strictObject({
    id,
    at: time,
    directoryId: id,
    requestId: z.string(),
    tokenId: id.optional(),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    outcome,
    scimType: z.string().optional(),
    detail: z.string().optional(),
    notes: z.array(z.string()),
    touched: z.array(z.string()).meta({ description: 'ids of what the request changed or read' }),
    request: z.string().optional(),
    response: z.string().optional(),
    durationMs: z.number(),
    replayOf: id.optional().meta({ description: 'the entry whose request this one sent again' }),
    replayedBy: z.string().optional().meta({ description: 'the request id of the replay that was accepted' }),
  })
  .meta({ id: 'ProvisioningLogEntry' });

function presentLogEntry(row: ProvisioningLogEntry): z.output<typeof logEntry> {
  const { directoryId, requestId, method, path, status, durationMs } = row;
  return {
    id: row._id,
    at: row.createdAt.toISOString(),
    directoryId,
    requestId,
    ...(row.tokenId !== undefined && { tokenId: row.tokenId }),
    method,
    path,
    status,
    outcome: row.outcome,
    ...(row.scimType !== undefined && { scimType: row.scimType }),
    ...(row.detail !== undefined && { detail: row.detail }),
    notes: [...row.notes],
    touched: [...row.touched],
    ...(row.request !== undefined && { request: row.request }),
    ...(row.response !== undefined && { response: row.response }),
    durationMs,
    ...(row.replayOf !== undefined && { replayOf: row.replayOf }),
    ...(row.replayedBy !== undefined && { replayedBy: row.replayedBy }),
  };
}

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const logQuery = pageQuery.extend({
  directoryId: id.optional(),
  outcome: outcome.optional(),
  status: z.coerce.number().int().min(100).max(599).optional(),
  method: z
    .string()
    .toUpperCase()
    .pipe(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']))
    .optional()
    .meta({ description: 'in any case' }),
  touched: id.optional().meta({ description: 'the id of what a request changed or read' }),
  requestId: z.string().min(1).max(200).optional(),
  from: instant.optional().meta({ description: 'from this instant on' }),
  to: instant.optional().meta({ description: 'before this instant' }),
});

const path = '/api/v1/organizations/{org}/provisioning-log';
const access = { permission: 'directory.manage', on: 'organization' } as const;
const tag = 'Provisioning';

/** What the directories' IdPs have sent (SCIM-5). */
export const provisioningLogRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag,
    summary: 'Search the SCIM requests of the directories, newest first',
    description:
      'Entries for which all that is asked holds. Reads are noted some moments late, in batches; changes at once (SCIM-5). Entries are kept for GATEHOUSE_LOG_DAYS.',
    access,
    params: inOrganization,
    query: logQuery,
    status: 200,
    response: listOf(logEntry),
    handle: async ({ params, query, reads }) => presentPage(await listLog(reads, params.org, query), presentLogEntry),
  }),
  route({
    method: 'post',
    path: `${path}/{entry}/replay`,
    tag,
    summary: 'Send a refused or failed SCIM request again',
    description:
      'The recorded method, address, preconditions and body, as the directory that sent them. Answers the new entry, whatever came of the request; one that is accepted is sent once only. `replay_incomplete`: the log does not hold the whole request (secrets are redacted, long bodies cut). `replay_not_possible`: it was accepted, came without a valid token, or writes no user or group.',
    access,
    params: inOrganization.extend(idIn('entry')),
    status: 200,
    response: logEntry,
    errors: ['replay_not_possible', 'replay_incomplete'],
    handle: async ({ params, write, requestId }, { replay }) => {
      const row = await write((tx) => replay.begin(tx, params.org, params.entry));
      return presentLogEntry(await replay.send(row, requestId));
    },
  }),
];
