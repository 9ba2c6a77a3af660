/** The event feeds (EVT-1): of one organization, and of all of them in one stream for the platform's services. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import {
  type DomainEvent,
  eventTypes,
  type FeedPage,
  type FeedQuery,
  findEnd,
  findEndOf,
  type Place,
  readFeed,
  readFeedOf,
  subscribableTypes,
} from '../../events/index.ts';
import type { ReadStore } from '../../store/index.ts';
import { invalidRequest } from '../errors.ts';
import { type ApiDeps, type Call, type Route, route } from '../route.ts';
import { id, inOrganization, time, waitFor } from './common.ts';

export const domainEvent = z
  .strictObject({
    id: id.meta({ description: 'the same on every feed, and the `webhook-id` of every delivery' }),
    type: z.enum(eventTypes),
    timestamp: time,
    organizationId: id.optional().meta({ description: 'absent where it is of the platform itself' }),
    sequence: z.int().meta({ description: 'rises within the organization, with gaps' }),
    actor: z.string().meta({ description: '`account:…`, `operator`, `service:…`, `directory:…`, `job:…`, `system`' }),
    data: z.record(z.string(), z.unknown()).meta({ description: 'what the type promises; fields may be added' }),
  })
  .meta({ id: 'Event' });

const presentEvent = (event: DomainEvent): z.output<typeof domainEvent> => ({ ...event, data: { ...event.data } });

const askEveryMs = 250;

/** One type or several, separated by commas. */
export const typesInput = z
  .string()
  .max(2_000)
  .transform((text) => text.split(',').map((type) => type.trim()))
  .pipe(z.array(z.enum(subscribableTypes)).min(1));

const query = z.strictObject({
  cursor: z.string().min(1).max(200).optional().meta({ description: '`cursor` of an answer: what comes after it' }),
  from: z
    .enum(['beginning', 'now'])
    .default('beginning')
    .meta({ description: 'where to begin without a cursor: with the oldest event that is kept, or after the newest' }),
  type: typesInput.optional().meta({ description: 'only these types, separated by commas' }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(100)
    .meta({ description: 'at most so many events, up to 200' }),
  wait: waitFor('an event where there is none yet'),
});

const answer = z.strictObject({
  items: z.array(domainEvent),
  cursor: z.string().meta({ description: 'where to read on; it moves past events of other types, too' }),
  more: z.boolean().meta({ description: 'whether there is more to be read at once' }),
});

/** A feed as its route reads it. */
interface Feed {
  /** Whose it is, in its cursors: one of another feed is none of this. */
  readonly name: string;
  end(): Promise<Place>;
  read(query: FeedQuery): Promise<FeedPage>;
}

const cursorOf = ({ name }: Feed, { position, seq }: Place): string =>
  Buffer.from(`${name}.${position}.${seq}`).toString('base64url');

function placeOf({ name }: Feed, cursor: string): Place {
  const [feed, position = '', seq = '', rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  if (feed !== name || rest !== undefined || !/^\d{1,15}$/.test(position) || !/^\d{1,15}$/.test(seq)) {
    const fault = { in: 'query', field: 'cursor', message: 'must be the `cursor` of an answer of this feed' } as const;
    throw invalidRequest('The cursor is not one that this feed has answered.', [fault]);
  }
  return { position: Number(position), seq: Number(seq) };
}

type FeedCall = Pick<Call<unknown, z.output<typeof query>, unknown>, 'query' | 'renew' | 'isGone'>;

/** Reads on, and waits for what is not there yet: the end of the feed is asked often, the feed itself once that has moved. */
async function follow(
  feed: Feed,
  { query, renew, isGone }: FeedCall,
  { clock, eventDays, isClosing }: ApiDeps,
): Promise<z.output<typeof answer>> {
  const { limit, type: types } = query;
  const keptFrom = new Date(clock.now().getTime() - eventDays * 86_400_000);
  let after = query.cursor === undefined ? undefined : placeOf(feed, query.cursor);
  if (after === undefined && query.from === 'now') after = await feed.end();
  const until = performance.now() + query.wait * 1_000;
  for (;;) {
    const page = await feed.read({ after, limit, types, keptFrom });
    after = page.place;
    if (page.items.length > 0 || page.more || !(await moves(feed, after, until, () => isClosing() || isGone()))) {
      return { items: page.items.map(presentEvent), cursor: cursorOf(feed, after), more: page.more };
    }
    await renew();
  }
}

/** Whether the feed goes on beyond this point before the time, or the waiting, is over. */
async function moves(feed: Feed, { position, seq }: Place, until: number, isOver: () => boolean): Promise<boolean> {
  for (let left = until - performance.now(); left > 0 && !isOver(); left = until - performance.now()) {
    await sleep(Math.min(askEveryMs, left));
    const end = await feed.end();
    if (end.position > position || (end.position === position && end.seq > seq)) return true;
  }
  return false;
}

const feedOf = (reads: ReadStore, organizationId: string): Feed => ({
  name: organizationId,
  end: () => findEndOf(reads, organizationId),
  read: (asked) => readFeedOf(reads, organizationId, asked),
});

const feedOfAll = (reads: ReadStore): Feed => ({
  name: 'all',
  end: () => findEnd(reads),
  read: (asked) => readFeed(reads, asked),
});

const promises =
  'In the order in which the events became visible, each at least once, none skipped. Read with the `cursor` of the answer before, at once where `more` is true, else with `wait`. Events are kept for GATEHOUSE_EVENT_DAYS (90); a cursor behind which some are no longer kept is answered 410 `cursor_expired`.';

export const eventRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/organizations/{org}/events',
    tag: 'Events',
    summary: 'Follow what happens in an organization',
    description: promises,
    access: { permission: 'audit.read', on: 'organization' },
    scope: 'events',
    params: inOrganization,
    query,
    status: 200,
    response: answer,
    errors: ['cursor_expired'],
    handle: (call, deps) => follow(feedOf(call.reads, call.params.org), call, deps),
  }),
  route({
    method: 'get',
    path: '/api/v1/events',
    tag: 'Events',
    summary: 'Follow what happens in all organizations',
    description: `For services of the platform. ${promises} The order is that of each organization; between organizations there is none to rely on.`,
    access: 'operator',
    scope: 'events',
    query,
    status: 200,
    response: answer,
    errors: ['cursor_expired'],
    handle: (call, deps) => follow(feedOfAll(call.reads), call, deps),
  }),
];
