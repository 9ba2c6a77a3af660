/** The event feeds over HTTP (EVT-1): complete, in order, followed from any point. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyAct, happen, setStage } from '../access/followers.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { type Method, openBuilt, type TestGatehouse } from '../support/gatehouse.ts';
import { ReadWatch } from '../support/readWatch.ts';
import { until } from '../support/until.ts';
import { type Heard, present, replay, settled } from './subscriber.ts';

interface Answer {
  readonly items: readonly Heard[];
  readonly cursor: string;
  readonly more: boolean;
}

const day = 86_400_000;
/** How far the clock is ahead. */
let ahead: number;
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let secret: string;
const watch = new ReadWatch();

const openWorld = openBuilt(async (gatehouse) => {
  const credentials = gatehouse.operator('post', '/api/v1/service-credentials');
  const made = await expectStatus(201, credentials.send({ name: 'billing', scopes: ['events'] }));
  return {
    acme: await buildWorld(gatehouse, 'acme'),
    rival: await buildWorld(gatehouse, 'rival'),
    secret: made.secret as string,
  };
});

beforeEach(async () => {
  ahead = 0;
  ({ gatehouse, acme, rival, secret } = await openWorld({
    rehearse: false,
    watch,
    clock: { now: () => new Date(Date.now() + ahead) },
  }));
  for (const { organizationId } of [acme, rival]) await settled(gatehouse.store, organizationId);
});

const home = () => `/api/v1/organizations/${acme.organizationId}`;
const feed = () => `${home()}/events`;
const all = '/api/v1/events';
const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const read = (path = feed(), query: object = {}): Promise<Answer> =>
  expectStatus(200, gatehouse.bearer(secret, 'get', path).query(query));

/** All of a feed, page by page. */
async function readAll(path = feed(), query: object = {}): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  let cursor: string | undefined;
  for (let more = true; more; ) {
    const page: Answer = await read(path, { ...query, ...(cursor !== undefined && { cursor }) });
    heard.push(...page.items);
    ({ cursor, more } = page);
  }
  return heard;
}

const collaborators = () => `/api/v1/projects/${acme.projectId}/collaborators`;

describe('the feed of an organization (EVT-1)', () => {
  test('tells all that has happened from the beginning, in order, by ids, with nothing of anybody’s mailbox', async () => {
    const events = await readAll();
    expect(events[0]).toEqual({
      id: expect.stringMatching(/^evt-[0-9a-z]{26}$/),
      type: 'organization.created',
      timestamp: expect.any(String),
      organizationId: acme.organizationId,
      sequence: 1,
      actor: 'operator',
      data: { name: 'acme', slug: 'acme' },
    });
    const types = events.map(({ type }) => type);
    for (const type of [
      ...['member.added', 'member.removed', 'member.blocked', 'project.created', 'key.created', 'resource.registered'],
      ...['directory.created', 'mapping.created', 'connection.created'],
    ]) {
      expect(types).toContain(type);
    }
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(JSON.stringify(events)).not.toContain('@');
    expect(JSON.stringify(events)).not.toContain(rival.organizationId);
  });

  test.each([1, 2, 7, 200])('is the same read in pages of %d', async (limit) => {
    expect(await readAll(feed(), { limit })).toEqual(await readAll());
  });

  test('is read by type, past all others', async () => {
    const events = await readAll();
    const chosen = ['member.added', 'project.created'];
    const some = await readAll(feed(), { type: chosen.join(', '), limit: 1 });
    expect(some).toEqual(events.filter(({ type }) => chosen.includes(type)));
    const answer = await gatehouse.bearer(secret, 'get', feed()).query({ type: 'member.vanished' });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });

  test('is followed from now on, and answered once something happens (PRJ-7)', async () => {
    const begin = await read(feed(), { from: 'now' });
    expect(begin).toEqual({ items: [], cursor: expect.any(String), more: false });
    const waiting = read(feed(), { cursor: begin.cursor, wait: 30 });
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    expect((await waiting).items).toMatchObject([
      {
        type: 'collaborator.added',
        data: { projectId: acme.projectId, accountId: acme.member.accountId, role: 'member' },
      },
    ]);
  });

  test.each([
    ['of this feed', () => feed(), 'cursor', 'auditChains.get'],
    ['of all', () => all, 'cursor', 'leases.get'],
    [
      'of a list of identities',
      () => `/api/v1/projects/${acme.projectId}/identities`,
      'since',
      'provisioningLog.findOne',
    ],
  ])('asks nothing more of the store once who waited has hung up: %s', async (_title, path, point, call) => {
    const { cursor } = await ask(200, 'get', path() === feed() || path() === all ? `${path()}?from=now` : path());
    const asked = gatehouse.operator('get', path()).query({ [point]: cursor, wait: 30 });
    const ended = asked.catch(() => {});
    await until('it waits', () => watch.last.filter((one) => one.startsWith(call)).length > 3);
    asked.abort();
    await ended;
    let before = -1;
    await until('nothing more is asked', async () => {
      const more = watch.last.length - before;
      before = watch.last.length;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return more === 0;
    });
  });

  test('that waits in vain moves on past what it was not asked for', async () => {
    const { cursor } = await read(feed(), { from: 'now' });
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    await settled(gatehouse.store, acme.organizationId);
    const told = await read(feed(), { cursor, type: 'member.removed', wait: 1 });
    expect(told.items).toEqual([]);
    expect(await read(feed(), { cursor: told.cursor })).toMatchObject({ items: [], more: false });
  });

  test('is for the organization’s Admins, and services with the scope (OPS-4)', async () => {
    expect((await gatehouse.bearer(acme.admin.token, 'get', feed())).status).toBe(200);
    expect((await gatehouse.bearer(acme.member.token, 'get', feed())).status).toBe(403);
    const other = await ask(201, 'post', '/api/v1/service-credentials', { name: 'x', scopes: ['identities'] });
    const refused = await gatehouse.bearer(other.secret, 'get', feed());
    expect([refused.status, refused.body.details.scope]).toEqual([403, 'events']);
  });

  test('a credential that is revoked meanwhile learns nothing any more (OPS-4)', async () => {
    const made = await ask(201, 'post', '/api/v1/service-credentials', { name: 'old', scopes: ['events'] });
    const { cursor } = await read(feed(), { from: 'now' });
    const waiting = gatehouse
      .bearer(made.secret, 'get', feed())
      .query({ cursor, wait: 30 })
      .then((answer) => answer);
    await ask(200, 'delete', `/api/v1/service-credentials/${made.id}`);
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    const answer = await waiting;
    expect([answer.status, answer.body.code]).toEqual([401, 'token_revoked']);
  });

  test.each(['wait=31', 'limit=0', 'limit=201', 'cursor=', 'cursor=nonsense', 'from=tomorrow', 'type='])(
    'refuses %s (OPS-1)',
    async (query) => {
      const answer = await gatehouse.bearer(secret, 'get', `${feed()}?${query}`);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    },
  );

  test('takes no cursor of another feed (PRJ-1)', async () => {
    const theirs = await read(`/api/v1/organizations/${rival.organizationId}/events`);
    for (const { cursor } of [theirs, await read(all)]) {
      const answer = await gatehouse.bearer(secret, 'get', feed()).query({ cursor });
      expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'cursor']);
    }
  });

  test('a cursor behind the end, as a backup leaves it that was put in the place of newer data, is answered 410', async () => {
    for (const path of [feed(), all]) {
      const { cursor } = await read(path, { from: 'now' });
      const [name, position, seq] = Buffer.from(cursor, 'base64url').toString().split('.').map(String);
      const beyond = path === all ? `${name}.${Number(position) + 2}.0` : `${name}.0.${Number(seq) + 1}`;
      const answer = await gatehouse
        .bearer(secret, 'get', path)
        .query({ cursor: Buffer.from(beyond).toString('base64url'), wait: 1 });
      expect([path, answer.status, answer.body.code]).toEqual([path, 410, 'cursor_expired']);
    }
  });

  test('what is no longer kept is not told, and a cursor from before it is answered 410, on both feeds', async () => {
    const early = { one: await read(feed(), { limit: 1 }), all: await read(all, { limit: 1 }) };
    ahead += 80 * day;
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    await settled(gatehouse.store, acme.organizationId);
    expect((await read(feed(), { cursor: early.one.cursor })).items.length).toBeGreaterThan(1);
    ahead += 20 * day;
    expect((await readAll()).map(({ type }) => type)).toEqual(['collaborator.added']);
    for (const [path, { cursor }] of [
      [feed(), early.one],
      [all, early.all],
    ] as const) {
      const answer = await gatehouse.bearer(secret, 'get', path).query({ cursor });
      expect([path, answer.status, answer.body.code]).toEqual([path, 410, 'cursor_expired']);
    }
    // who has read to the end has missed nothing, however long ago that was
    const { cursor } = await read(feed(), { from: 'now' });
    ahead += 100 * day;
    expect(await read(feed(), { cursor })).toMatchObject({ items: [], more: false });
  });
});

describe('the feed of all organizations (EVT-1, OPS-4)', () => {
  const ofOne = (events: readonly Heard[], organizationId: string) =>
    events.filter((event) => event.organizationId === organizationId);

  test.each([1, 3, 200])('has each organization’s own, in its order, read in pages of %d', async (limit) => {
    const events = await readAll(all, { limit });
    for (const { organizationId } of [acme, rival]) {
      expect(ofOne(events, organizationId)).toEqual(await readAll(`/api/v1/organizations/${organizationId}/events`));
    }
    const others = events.filter((event) => event.organizationId === undefined);
    expect(others).toEqual([]);
  });

  test('is followed from now on, and tells when an organization is gone, of which it tells nothing else then', async () => {
    const { cursor } = await read(all, { from: 'now' });
    const waiting = read(all, { cursor, wait: 30 });
    await ask(200, 'post', `/api/v1/organizations/${rival.organizationId}/close`, { confirm: 'rival' });
    const closed = await waiting;
    expect(closed.items).toMatchObject([{ type: 'organization.closed', organizationId: rival.organizationId }]);
    const deleted = read(all, { cursor: closed.cursor, type: 'organization.deleted', wait: 30 });
    await ask(202, 'delete', `/api/v1/organizations/${rival.organizationId}?confirm=rival`);
    expect((await deleted).items).toMatchObject([
      { type: 'organization.deleted', data: { organizationId: rival.organizationId, name: 'rival', slug: 'rival' } },
    ]);
    await gatehouse.queue?.idle();
    await until('its rows are gone', async () => {
      const rows = await gatehouse.store.read.auditEvents.count(rival.organizationId, {});
      return rows === 0;
    });
    const events = await readAll(all);
    expect(ofOne(events, rival.organizationId)).toEqual([]);
    expect(ofOne(events, acme.organizationId)).toEqual(await readAll());
  });

  test('is not for people, whoever they are', async () => {
    const refused = await gatehouse.bearer(acme.owner.token, 'get', all);
    expect([refused.status, refused.body.code]).toEqual([403, 'operator_only']);
  });
});

describe('whatever happens, in whatever order (EVT-1)', () => {
  const more = fc.oneof(
    anyAct.map((act) => ({ kind: 'act' as const, act })),
    fc.constantFrom('admin', 'member').map((role) => ({ kind: 'mapping' as const, role })),
    fc.nat({ max: 1 }).map((who) => ({ kind: 'transfer' as const, who })),
    fc.nat({ max: 3 }).map((who) => ({ kind: 'project' as const, who })),
    fc.record({ kind: fc.constant('unmap' as const), grants: fc.constantFrom('keep', 'revoke') }),
  );

  test('who has only heard the feed knows members, Owner, collaborators and their sources as they are', async () => {
    const stage = await setStage(gatehouse, acme);
    const { store } = gatehouse;
    const quietly = async (method: Method, path: string, body?: object) => {
      const answer = await gatehouse.operator(method, path).send(body);
      expect(answer.status).toBeLessThan(500);
      return answer.body;
    };
    const does = async (one: typeof more extends fc.Arbitrary<infer A> ? A : never): Promise<void> => {
      const mapping = async () => (await quietly('get', `${home()}/mappings`)).items[0];
      if (one.kind === 'act') return happen(gatehouse, stage, one.act);
      if (one.kind === 'mapping') {
        const known = await mapping();
        if (known) await quietly('patch', `${home()}/mappings/${known.id}`, { role: one.role, grants: 'keep' });
        else {
          const { groupId, projectId } = acme;
          await quietly('post', `${home()}/mappings`, { groupId, projectId, role: one.role });
        }
      } else if (one.kind === 'unmap') {
        const known = await mapping();
        if (known) await quietly('delete', `${home()}/mappings/${known.id}?grants=${one.grants}`);
      } else if (one.kind === 'transfer') {
        const memberId = one.who === 0 ? acme.owner.memberId : acme.admin.memberId;
        await quietly('post', `${home()}/ownership-transfer`, { memberId, force: true });
      } else {
        const { id } = await quietly('post', `${home()}/projects`, { name: `P${Math.random()}` });
        const { email } = stage.people[one.who] ?? {};
        const external = one.who === 2;
        await quietly('post', `/api/v1/projects/${id}/collaborators`, { email, role: 'member', external });
        if (one.who % 2 === 0) await quietly('delete', `/api/v1/projects/${id}`);
      }
    };
    const runs = store.engine === 'sqlite' ? 25 : 6;
    const story = fc.array(fc.array(more, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 6 });
    let heard: readonly Heard[] = [];
    let cursor: string | undefined;
    /** Reads on to the end; answers whether there was anything. */
    const hear = async (): Promise<boolean> => {
      const before = heard.length;
      await settled(store, acme.organizationId);
      for (let goesOn = true; goesOn; ) {
        const page: Answer = await read(feed(), { limit: 3, ...(cursor !== undefined && { cursor }) });
        heard = [...heard, ...page.items];
        ({ cursor, more: goesOn } = page);
      }
      return heard.length > before;
    };
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        // What happens at once commits in any order.
        for (const acts of steps) await Promise.all(acts.map(does));
        await quietly('post', `${home()}/restore`);
        await gatehouse.queue?.idle();
        await hear();
        // A job that is tried again later may change something between the two looks: then both are taken again.
        let [known, now] = [replay(heard), await present(store, acme.organizationId)];
        while (await hear()) [known, now] = [replay(heard), await present(store, acme.organizationId)];
        expect(known).toEqual(now);
      }),
      { numRuns: runs, endOnFailure: true },
    );
    // Enough has happened for the comparison to mean something.
    expect(heard.length).toBeGreaterThan(2 * runs);
  }, 300_000);

  test('every audit event of a kind that subscribers are told of becomes an event that keeps the catalogue', async () => {
    const { isTold, tell } = await import('../../src/events/telling.ts');
    const stage = await setStage(gatehouse, acme);
    await openPerson(gatehouse, 'somebody@people.example');
    for (const on of [true, false]) {
      await happen(gatehouse, stage, { who: 3, act: { kind: 'group', on } });
      await happen(gatehouse, stage, { who: 3, act: { kind: 'suspend', on } });
      await gatehouse.queue?.idle();
    }
    await ask(200, 'delete', `${home()}/members/${acme.member.memberId}/sessions`);
    await settled(gatehouse.store, acme.organizationId);
    const rows = await gatehouse.store.read.auditEvents.find(acme.organizationId, {});
    expect(rows.filter((row) => isTold(row) && tell(row) === undefined)).toEqual([]);
  });
});
