import { z } from 'zod';
import { keyReasons, readDefaultKey, regenerateDefaultKey, verifyKey } from '../../access/index.ts';
import type { ApiKey } from '../../store/index.ts';
import { presenceOf } from '../authenticate.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, time } from './common.ts';

const defaultKey = z
  .strictObject({ id, projectId: id, secret: z.string(), lastFour: z.string(), updatedAt: time })
  .meta({ id: 'DefaultKey' });

const present = ({ key, secret }: { key: ApiKey; secret: string }): z.output<typeof defaultKey> => ({
  id: key._id,
  projectId: key.projectId,
  secret,
  lastFour: key.lastFour,
  updatedAt: key.updatedAt.toISOString(),
});

const verdict = z
  .strictObject({
    valid: z.boolean(),
    reason: z.enum(keyReasons).meta({ description: '`key_of_project` where it is valid; else why it is not' }),
    keyId: id.optional(),
    kind: z.enum(['project', 'default']).optional(),
    project: id.optional().meta({ description: 'the project that the key belongs to' }),
    organization: id.optional(),
    expiresAt: time.optional(),
  })
  .meta({ id: 'KeyVerdict', description: 'Of a key that there is not, nothing but the reason is answered.' });

const whose =
  'For the Owner only, in a session in which they have used a mailed link, since the word of an IdP is not theirs: refused to the operator, with Gatehouse-Act-As, and to sessions that the operator made (OWN-4, KEY-3).';

export const keyRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/keys/verify',
    tag: 'Keys',
    summary: 'Ask whether an API key is good',
    description:
      'For gateways, on every request of theirs. The answer is always 200, and `valid` says it. Name the `project` whose things the key is to open: a key of another project is not valid there (KEY-2). What has been revoked is not valid from the answer to the revocation on. The Organization Default Key is one of the default project.',
    access: 'operator',
    scope: 'keys.verify',
    readOnly: true,
    body: z.strictObject({
      key: z.string().min(1).max(8192).meta({ description: 'the secret, as the client has sent it' }),
      project: z.string().min(1).max(64).optional().meta({ description: 'the id of the project' }),
    }),
    status: 200,
    response: verdict,
    handle: async ({ body, reads }, { clock, keyUses }) => {
      const now = clock.now();
      const { reason, key } = await verifyKey(reads, { secret: body.key, projectId: body.project }, now);
      if (!key) return { valid: false, reason };
      const valid = reason === 'key_of_project';
      if (valid) keyUses.note(key, now);
      return {
        valid,
        reason,
        keyId: key._id,
        kind: key.kind,
        project: key.projectId,
        organization: key.organizationId,
        ...(key.expiresAt && { expiresAt: key.expiresAt.toISOString() }),
      };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/organizations/{org}/default-key',
    tag: 'Keys',
    summary: 'Read the Organization Default Key',
    description: whose,
    access: { permission: 'organization.read', on: 'organization' },
    whoMay: 'The Owner.',
    params: inOrganization,
    status: 200,
    response: defaultKey,
    errors: ['act_as_refused', 'reauthentication_required'],
    handle: async ({ params, principal, reads }, { sealer }) =>
      present(await readDefaultKey(reads, sealer, params.org, presenceOf(principal, params.org))),
  }),
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/default-key/regenerate',
    tag: 'Keys',
    summary: 'Replace the Organization Default Key',
    description: `The old key is dead at once. ${whose}`,
    access: { permission: 'organization.read', on: 'organization' },
    whoMay: 'The Owner.',
    params: inOrganization,
    status: 200,
    response: defaultKey,
    errors: ['act_as_refused', 'reauthentication_required'],
    handle: ({ params, principal, write }, { sealer }) =>
      write(async (tx) =>
        present(await regenerateDefaultKey(tx, sealer, params.org, presenceOf(principal, params.org))),
      ),
  }),
];
