/** Webhooks (EVT-1): the same routes for an organization's own, and for the platform's, which are told of all organizations. */
import { z } from 'zod';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  eventIdOf,
  getDelivery,
  getWebhook,
  listDeliveries,
  listWebhooks,
  platformTrail,
  removeDeliveries,
  replayDelivery,
  replayFailed,
  rotateSecret,
  subscribableTypes,
  tryWebhook,
} from '../../events/index.ts';
import { checkAddress } from '../../lib/outgoing.ts';
import type { Webhook, WebhookDelivery } from '../../store/index.ts';
import { type Access, type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, pageQuery, presentPage, time } from './common.ts';

const types = z
  .array(z.enum(subscribableTypes))
  .min(1)
  .max(subscribableTypes.length)
  .meta({ description: 'which events it is told' });
const url = z.string().max(2_000).meta({ description: 'https, on the public internet', format: 'uri' });
const description = z.string().trim().min(1).max(200);

const fields = {
  id,
  url: z.string(),
  description: z.string().optional(),
  types: z.array(z.string()).optional().meta({ description: 'all where absent' }),
  enabled: z.boolean(),
  disabledAt: time.optional(),
  disabledBecause: z
    .enum(['asked', 'gone', 'failing'])
    .optional()
    .meta({ description: '`gone`: its receiver answered 410; `failing`: nothing got through for five days' }),
  failingSince: time.optional().meta({ description: 'nothing has got through since then' }),
  formerSecretUntil: time.optional().meta({ description: 'until then the secrets before sign, too' }),
  createdAt: time,
};
const webhook = z.strictObject(fields).meta({ id: 'Webhook' });
const issued = z
  .strictObject({ ...fields, secret: z.string().meta({ description: '`whsec_…`, shown this once' }) })
  .meta({ id: 'IssuedWebhook' });

const present = (row: Webhook, now: Date): z.output<typeof webhook> => ({
  id: row._id,
  url: row.url,
  ...(row.description !== undefined && { description: row.description }),
  ...(row.types && { types: [...row.types] }),
  enabled: row.enabled,
  ...(row.disabledAt && { disabledAt: row.disabledAt.toISOString() }),
  ...(row.disabledBecause && { disabledBecause: row.disabledBecause }),
  ...(row.failingSince && { failingSince: row.failingSince.toISOString() }),
  ...(row.formerSecretUntil &&
    row.formerSecretUntil > now && { formerSecretUntil: row.formerSecretUntil.toISOString() }),
  createdAt: row.createdAt.toISOString(),
});

const delivery = z
  .strictObject({
    id,
    eventId: id.meta({ description: 'its `webhook-id`' }),
    type: z.string(),
    organizationId: id.optional().meta({ description: 'whose event it is; absent where it is of the platform itself' }),
    state: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.int().meta({ description: 'so far; since the last replay, where there was one' }),
    nextAttemptAt: time.optional(),
    lastAttempt: z
      .strictObject({
        at: time,
        ms: z.int(),
        status: z.int().optional().meta({ description: 'absent where there was no answer' }),
        error: z.string().optional(),
        body: z.string().optional().meta({ description: 'the beginning of the answer' }),
      })
      .optional(),
    replayedAt: time.optional(),
    createdAt: time,
  })
  .meta({ id: 'WebhookDelivery' });

function presentDelivery(row: WebhookDelivery): z.output<typeof delivery> {
  const { last } = row;
  return {
    id: row._id,
    eventId: eventIdOf(row.auditId),
    type: row.type,
    ...(row.of !== platformTrail && { organizationId: row.of }),
    state: row.state,
    attempts: row.attempts,
    ...(row.state === 'pending' && { nextAttemptAt: row.dueAt.toISOString() }),
    ...(last && { lastAttempt: { ...last, at: last.at.toISOString() } }),
    ...(row.replayedAt && { replayedAt: row.replayedAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
  };
}

const hour = 3_600_000;

/** Where a set of these routes stands, and who may call them. */
interface Place {
  readonly path: `/${string}`;
  readonly whose: string;
  readonly read: Access;
  readonly change: Access;
  /** The parameters of its path: the platform's has no organization. */
  readonly params: z.ZodObject<{ readonly org?: typeof inOrganization.shape.org }>;
}

/** Whose webhooks a path is about. */
const listenerOf = ({ org }: { readonly org?: unknown }): string => (typeof org === 'string' ? org : platformTrail);

function routesAt({ path, whose, read, change, params }: Place): readonly Route[] {
  const tag = 'Events';
  const one = params.extend(idIn('webhook'));
  const oneDelivery = one.extend(idIn('delivery'));
  return [
    route({
      method: 'post',
      path,
      tag,
      summary: `Make a webhook ${whose}`,
      description:
        'It is told what happens from now on, each event at least once, in no promised order (`sequence` gives it), by POST requests that are signed as Standard Webhooks describes. What is not answered 2xx within 15 seconds is sent again nine times in three days; redirects are not followed.',
      access: change,
      params,
      body: z.strictObject({
        url,
        description: description.optional(),
        types: types.optional(),
        enabled: z.boolean().default(true),
      }),
      status: 201,
      response: issued,
      errors: ['address_refused', 'too_many_webhooks'],
      handle: ({ params, body, write }, { sealer, allowPrivate, clock }) => {
        checkAddress(body.url, allowPrivate);
        return write(async (tx) => {
          const made = await createWebhook(tx, sealer, listenerOf(params), body);
          return { ...present(made.webhook, clock.now()), secret: made.secret };
        });
      },
    }),
    route({
      method: 'get',
      path,
      tag,
      summary: `List the webhooks ${whose}`,
      access: read,
      params,
      status: 200,
      response: z.strictObject({ items: z.array(webhook) }),
      handle: async ({ params, reads }, { clock }) => {
        const now = clock.now();
        return { items: (await listWebhooks(reads, listenerOf(params))).map((row) => present(row, now)) };
      },
    }),
    route({
      method: 'get',
      path: `${path}/{webhook}`,
      tag,
      summary: `Read a webhook ${whose}`,
      access: read,
      params: one,
      status: 200,
      response: webhook,
      handle: async ({ params, reads }, { clock }) =>
        present(await getWebhook(reads, listenerOf(params), params.webhook), clock.now()),
    }),
    route({
      method: 'patch',
      path: `${path}/{webhook}`,
      tag,
      summary: `Change a webhook ${whose}, disable or enable it`,
      description:
        'While it is disabled it is told nothing that happens; what waited for it goes on when it is enabled again. `null` for `types` means all.',
      access: change,
      params: one,
      body: z.strictObject({
        url: url.optional(),
        description: description.nullable().optional(),
        types: types.nullable().optional(),
        enabled: z.boolean().optional(),
      }),
      status: 200,
      response: webhook,
      errors: ['address_refused'],
      handle: ({ params, body, write }, { allowPrivate, clock }) => {
        if (body.url !== undefined) checkAddress(body.url, allowPrivate);
        return write(async (tx) =>
          present(await changeWebhook(tx, listenerOf(params), params.webhook, body), clock.now()),
        );
      },
    }),
    route({
      method: 'delete',
      path: `${path}/{webhook}`,
      tag,
      summary: `Remove a webhook ${whose}`,
      description: 'With its deliveries, also those that wait.',
      access: change,
      params: one,
      status: 204,
      handle: async ({ params, write }) => {
        const listener = listenerOf(params);
        await write((tx) => deleteWebhook(tx, listener, params.webhook));
        while (await write((tx) => removeDeliveries(tx, listener, params.webhook)));
        return undefined;
      },
    }),
    route({
      method: 'post',
      path: `${path}/{webhook}/rotate-secret`,
      tag,
      summary: `Give a webhook ${whose} another secret`,
      description:
        'For `overlapHours` (up to 168; 0 ends all former ones at once) each request is signed with both, and with those that still signed before, so that the receiver can be changed meanwhile.',
      access: change,
      params: one,
      body: z.strictObject({ overlapHours: z.number().min(0).max(168) }),
      status: 200,
      response: issued,
      handle: ({ params, body, write }, { sealer, clock }) =>
        write(async (tx) => {
          const overlapMs = Math.round(body.overlapHours * hour);
          const made = await rotateSecret(tx, sealer, listenerOf(params), params.webhook, overlapMs);
          return { ...present(made.webhook, clock.now()), secret: made.secret };
        }),
    }),
    route({
      method: 'post',
      path: `${path}/{webhook}/test`,
      tag,
      summary: `Send a trial event to a webhook ${whose}`,
      description:
        'An event of the type `webhook.test`, to this webhook only; what becomes of it shows among its deliveries.',
      access: change,
      params: one,
      status: 202,
      response: delivery,
      errors: ['webhook_disabled'],
      handle: ({ params, write }) =>
        write(async (tx) => presentDelivery(await tryWebhook(tx, listenerOf(params), params.webhook))),
    }),
    route({
      method: 'get',
      path: `${path}/{webhook}/deliveries`,
      tag,
      summary: `List the deliveries to a webhook ${whose}, newest first`,
      description: 'Kept for GATEHOUSE_EVENT_DAYS (90).',
      access: read,
      params: one,
      query: pageQuery.extend({
        state: z.enum(['pending', 'delivered', 'failed']).optional(),
        type: z.string().min(1).max(100).optional(),
      }),
      status: 200,
      response: listOf(delivery),
      handle: async ({ params, query, reads }) =>
        presentPage(await listDeliveries(reads, listenerOf(params), params.webhook, query), presentDelivery),
    }),
    route({
      method: 'get',
      path: `${path}/{webhook}/deliveries/{delivery}`,
      tag,
      summary: `Read a delivery to a webhook ${whose}`,
      access: read,
      params: oneDelivery,
      status: 200,
      response: delivery,
      handle: async ({ params, reads }) =>
        presentDelivery(await getDelivery(reads, listenerOf(params), params.webhook, params.delivery)),
    }),
    route({
      method: 'post',
      path: `${path}/{webhook}/deliveries/{delivery}/replay`,
      tag,
      summary: `Send a delivery to a webhook ${whose} again`,
      description: 'Under the same `webhook-id`, with all its attempts, whatever has become of it.',
      access: change,
      params: oneDelivery,
      status: 202,
      response: delivery,
      errors: ['webhook_disabled'],
      handle: ({ params, write }) =>
        write(async (tx) =>
          presentDelivery(await replayDelivery(tx, listenerOf(params), params.webhook, params.delivery)),
        ),
    }),
    route({
      method: 'post',
      path: `${path}/{webhook}/replay`,
      tag,
      summary: `Send all that has failed to a webhook ${whose} again`,
      description: 'Deliveries that were made since then and have failed for good.',
      access: change,
      params: one,
      body: z.strictObject({ since: time }),
      status: 202,
      response: z.strictObject({ replayed: z.int() }),
      errors: ['webhook_disabled'],
      handle: async ({ params, body, write }) => {
        const since = new Date(body.since);
        let replayed = 0;
        for (let more = true; more; ) {
          const part = await write((tx) => replayFailed(tx, listenerOf(params), params.webhook, since));
          replayed += part.replayed;
          more = part.more;
        }
        return { replayed };
      },
    }),
  ];
}

const inPlatform = z.object({});

export const webhookRoutes: readonly Route[] = [
  ...routesAt({
    path: '/api/v1/organizations/{org}/webhooks',
    whose: 'of an organization',
    read: { permission: 'audit.read', on: 'organization' },
    change: { permission: 'organization.update', on: 'organization' },
    params: inOrganization,
  }),
  ...routesAt({
    path: '/api/v1/webhooks',
    whose: 'of the platform',
    read: 'operator',
    change: 'operator',
    params: inPlatform,
  }),
];
