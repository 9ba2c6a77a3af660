/** The provisioning log over the management API: found again, kept for a set time, sent again (SCIM-5). */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { addDirectory, addWorld, openWorld, PATCH, type ScimWorld, USER } from './setup.ts';

const day = 86_400_000;
let now = Date.parse('2030-01-01T00:00:00Z');
let world: ScimWorld;
let home: string;

beforeAll(async () => {
  world = await openWorld({ clock: { now: () => new Date(now) }, env: { GATEHOUSE_LOG_DAYS: '7' } });
  home = `/api/v1/organizations/${world.organizationId}/provisioning-log`;
});

interface Entry {
  readonly id: string;
  readonly [name: string]: unknown;
}

const search = async (query: Record<string, string> = {}, status = 200): Promise<Entry[]> => {
  const answer = await world.gatehouse.operator('get', home).query(query);
  expect([answer.status, answer.body.detail]).toEqual([status, status === 200 ? undefined : expect.any(String)]);
  return answer.body.items;
};
const newest = async (): Promise<Entry> => {
  const [entry] = await search({ limit: '1' });
  if (!entry) throw new Error('the log is empty');
  return entry;
};
const replay = async (id: string) => world.gatehouse.operator('post', `${home}/${id}/replay`);

describe('the provisioning log is searched (SCIM-5)', () => {
  test('by directory, outcome, status, method, what was touched, request and time; all that is asked holds', async () => {
    const other = await addDirectory(world);
    const user = await world.user({ userName: 'found@acme.test' });
    const early = new Date(now).toISOString();
    now += 60_000;
    const late = new Date(now).toISOString();
    await world.patch(`/Users/${user.id}`, { op: 'replace', path: 'title', value: 'Boss' });
    const refused = await world.call('post', '/Users', { schemas: [USER], userName: 'Found@acme.test' });
    await other.user({ userName: 'elsewhere@acme.test' });

    const shown = async (query: Record<string, string>) =>
      (await search(query)).map(({ method, status }) => `${method} ${status}`);
    expect(await shown({ directoryId: world.directory._id })).toEqual(['POST 409', 'PATCH 200', 'POST 201']);
    expect(await shown({ directoryId: other.directory._id })).toEqual(['POST 201']);
    expect(await shown({ outcome: 'refused' })).toEqual(['POST 409']);
    expect(await shown({ status: '409' })).toEqual(['POST 409']);
    expect(await shown({ method: 'patch' })).toEqual(['PATCH 200']);
    expect(await shown({ touched: user.id })).toEqual(['PATCH 200', 'POST 201']);
    expect(await shown({ touched: user.id, method: 'POST' })).toEqual(['POST 201']);
    expect(await shown({ requestId: refused.headers['x-request-id'] ?? '' })).toEqual(['POST 409']);
    expect(await shown({ to: late })).toEqual(['POST 201']);
    expect(await shown({ from: late })).toEqual(['POST 201', 'POST 409', 'PATCH 200']);
    expect(await shown({ from: early.replace('Z', '+00:00'), to: early })).toEqual([]);
    expect(await shown({ from: late, directoryId: world.directory._id, outcome: 'applied' })).toEqual(['PATCH 200']);
  });

  test('in pages, in which no row comes twice or is left out', async () => {
    const whole = (await search({ limit: '200' })).map(({ id }) => id);
    const paged: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined && paged.length <= whole.length; ) {
      const query = { limit: '1', ...(cursor && { cursor }) };
      const { body } = await world.gatehouse.operator('get', home).query(query);
      paged.push(...body.items.map(({ id }: Entry) => id));
      cursor = body.nextCursor;
    }
    expect(whole.length).toBeGreaterThan(3);
    expect(paged).toEqual(whole);
  });

  test.each([
    { status: 'many' },
    { status: '99' },
    { method: 'BREW' },
    { outcome: 'nice' },
    { from: 'yesterday' },
    { to: '2030-01-01' },
    { cursor: 'none' },
  ])('%j is refused (OPS-1)', async (query) => {
    await search(query as unknown as Record<string, string>, 400);
  });
});

describe('a refused or failed request is replayed (SCIM-5)', () => {
  test('with its method, address and body: the new row names the old one, and the change is there; audited', async () => {
    const taken = await world.user({ userName: 'taken@acme.test' });
    const body = { schemas: [USER], userName: 'Taken@acme.test', title: 'Second' };
    expect((await world.call('post', '/Users', body)).status).toBe(409);
    const refused = await newest();
    const again = await replay(refused.id);
    expect([again.status, again.body.status, again.body.replayOf]).toEqual([200, 409, refused.id]);

    await world.call('delete', `/Users/${taken.id}`);
    const answer = await replay(refused.id);
    expect(answer.body).toMatchObject({
      replayOf: refused.id,
      requestId: answer.headers['x-request-id'],
      method: 'POST',
      path: '/Users',
      status: 201,
      outcome: 'applied',
      request: refused.request,
    });
    expect(answer.body.tokenId).toBeUndefined();
    const { body: found } = await world.call('get', '/Users?filter=userName eq "taken@acme.test"');
    expect(found.Resources).toMatchObject([{ title: 'Second' }]);
    expect(answer.body.touched).toContain(found.Resources[0].id);
    expect(await search({ requestId: answer.body.requestId })).toEqual([answer.body]);
    expect((await search({ outcome: 'refused' })).find(({ id }) => id === refused.id)).toMatchObject({
      replayedBy: answer.body.requestId,
    });
    const events = await world.gatehouse.store.read.auditEvents.find(world.organizationId, {
      type: 'provisioning_log.replayed',
    });
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({
      actor: 'operator',
      targetId: refused.id,
      requestId: answer.body.requestId,
      detail: 'POST /Users',
    });
  });

  test('PATCH, PUT and DELETE too, with their preconditions', async () => {
    const group = await world.group();
    const user = await world.user();
    const member = { op: 'add', path: 'members', value: [{ value: 'usr-later' }] };
    expect((await world.patch(`/Groups/${group.id}`, member)).status).toBe(400);
    expect((await replay((await newest()).id)).body).toMatchObject({
      method: 'PATCH',
      status: 400,
      outcome: 'refused',
    });

    const path = `/scim/v2/${world.directory._id}/Users/${user.id}`;
    const { bearer } = world.gatehouse;
    const stale = await bearer(world.token, 'delete', path).set('If-Match', 'W/"other"');
    expect(stale.status).toBe(412);
    expect((await replay((await newest()).id)).body).toMatchObject({ method: 'DELETE', status: 412 });
    expect((await world.call('get', `/Users/${user.id}`)).status).toBe(200);

    const put = { schemas: [USER], userName: 'renamed@acme.test' };
    const blocker = await world.user({ userName: 'renamed@acme.test' });
    expect((await world.call('put', `/Users/${user.id}`, put)).status).toBe(409);
    const refused = await newest();
    await world.call('delete', `/Users/${blocker.id}`);
    expect((await replay(refused.id)).body).toMatchObject({
      method: 'PUT',
      status: 200,
      touched: expect.arrayContaining([user.id]),
    });
  });

  test('once: of two at the same time one is accepted, and no later one', async () => {
    const path = '/Groups';
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Twice' };
    // refused while the directory keeps no attribute that no schema has
    const setting = `/api/v1/organizations/${world.organizationId}/directories/${world.directory._id}`;
    await world.gatehouse.operator('patch', setting).send({ unknownAttributes: 'refuse' });
    expect((await world.call('post', path, { ...body, hue: 'blue' })).status).toBe(400);
    const refused = await newest();
    await world.gatehouse.operator('patch', setting).send({ unknownAttributes: 'keep' });
    const answers = await Promise.all([replay(refused.id), replay(refused.id), replay(refused.id)]);
    const seen = answers.map(({ status, body: said }) => (status === 200 ? said.status : said.code)).sort();
    expect(seen).toEqual([201, 'replay_not_possible', 'replay_not_possible']);
    expect((await replay(refused.id)).body).toMatchObject({ status: 409, code: 'replay_not_possible' });
    expect((await world.call('get', '/Groups?filter=displayName eq "Twice"')).body.totalResults).toBe(1);
  });

  test('not where it was accepted, is a read, a search, or leads nowhere: replay_not_possible', async () => {
    const refusedBy = async (entry: Entry) => {
      const { status, body } = await replay(entry.id);
      return [status, body.code];
    };
    const user = await world.user();
    expect(await refusedBy(await newest())).toEqual([409, 'replay_not_possible']);
    await world.call('get', '/Users/usr-unknown');
    await world.gatehouse.flush();
    expect(await newest()).toMatchObject({ method: 'GET', outcome: 'refused' });
    expect(await refusedBy(await newest())).toEqual([409, 'replay_not_possible']);
    for (const path of ['/Users/.search', '/.search', '/Bulk', '/Nothing', `/Users/${user.id}`]) {
      expect((await world.call('post', path, { filter: 'nonsense' })).status).toBeGreaterThanOrEqual(400);
      expect(await newest()).toMatchObject({ method: 'POST', path, outcome: 'refused' });
      expect(await refusedBy(await newest())).toEqual([409, 'replay_not_possible']);
    }
  });

  test('not where nobody knows who sent it: a token that has been revoked', async () => {
    const user = await world.user();
    const other = await addDirectory(world);
    const tokens = `/api/v1/organizations/${world.organizationId}/directories/${other.directory._id}/tokens`;
    const { body } = await world.gatehouse.operator('get', tokens);
    await world.gatehouse.operator('delete', `${tokens}/${body.items[0].id}`);
    expect((await other.call('delete', `/Users/${user.id}`)).status).toBe(401);
    await world.gatehouse.flush();
    const entry = await newest();
    expect(entry).toMatchObject({ method: 'DELETE', status: 401 });
    expect((await replay(entry.id)).body).toMatchObject({ status: 409, code: 'replay_not_possible' });
  });

  test('not where the log has a part only: redacted, cut, unreadable, of a Bulk: replay_incomplete', async () => {
    const { id } = await world.user({ userName: 'half@acme.test' });
    const double = { schemas: [USER], userName: 'half@acme.test' };
    const send: (() => Promise<unknown>)[] = [
      () => world.call('post', '/Users', { ...double, password: 'hunter2' }),
      () => world.call('post', '/Users', { ...double, 'urn:example:long': { text: 'x'.repeat(20_000) } }),
      () => world.call('post', `/Users?attributes=${'a'.repeat(3000)}`, double),
      () => world.call('post', '/Users?token=hunter2', double),
      async () =>
        world.gatehouse
          .bearer(world.token, 'post', `/scim/v2/${world.directory._id}/Users`)
          .type('application/scim+json')
          .send('{"userName":'),
      () =>
        world.call('post', '/Bulk', {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
          Operations: [
            {
              method: 'PATCH',
              path: `/Users/${id}`,
              data: {
                schemas: [PATCH],
                Operations: [{ op: 'add', path: 'members', value: [{ value: 'bulkId:none' }] }],
              },
            },
          ],
        }),
    ];
    for (const sent of send) {
      await sent();
      await world.gatehouse.flush();
      const entry = (await search({ outcome: 'refused', limit: '1' }))[0];
      const { body } = await replay(entry?.id ?? '');
      expect([entry?.path, body.status, body.code]).toEqual([entry?.path, 409, 'replay_incomplete']);
    }
    expect((await world.call('get', `/Users/${id}`)).status).toBe(200);
  });

  test('not from another organization, where it is not there (PRJ-1)', async () => {
    await world.call('delete', '/Users/usr-unknown');
    const entry = await newest();
    const rival = await addWorld(world.gatehouse, 'Rival');
    const foreign = `/api/v1/organizations/${rival.organizationId}/provisioning-log/${entry.id}/replay`;
    expect((await world.gatehouse.operator('post', foreign)).status).toBe(404);
    expect((await replay('log-00000000000000000000000000')).status).toBe(404);
  });
});

describe('the provisioning log is kept for GATEHOUSE_LOG_DAYS (SCIM-5)', () => {
  test('the sweep removes what is older, in every organization, and nothing else', async () => {
    const { gatehouse } = world;
    const beta = await addWorld(gatehouse, 'Beta');
    const ids = async ({ organizationId }: ScimWorld) =>
      (await gatehouse.store.read.provisioningLog.find(organizationId, {})).map(({ _id }) => _id);
    for (let i = 0; i < 3; i++) await beta.user();
    await gatehouse.store.transaction({ actor: 'system', requestId: 'req-test' }, async (tx) => {
      const [model] = await tx.provisioningLog.find(beta.organizationId, {}, { limit: 1 });
      if (!model) throw new Error('no row');
      const { version: _v, createdAt: _c, updatedAt: _u, ...rest } = model;
      const copies = Array.from({ length: 450 }, (_, i) => ({
        ...rest,
        _id: `log-${String(i).padStart(26, '0')}`,
      }));
      await tx.provisioningLog.insertMany(beta.organizationId, copies);
    });
    await gatehouse.flush();
    now += 6 * day;
    await world.user();
    await beta.user();
    await gatehouse.flush();
    const old = [...(await ids(world)), ...(await ids(beta))];
    now += 2 * day;
    const kept = old.length;
    await gatehouse.listen(0);
    const deadline = performance.now() + 60_000;
    const left = async () => [(await ids(world)).length, (await ids(beta)).length];
    for (let seen = await left(); String(seen) !== '1,1' && performance.now() < deadline; seen = await left()) {
      await sleep(50);
    }
    expect(kept).toBeGreaterThan(450);
    expect(await left()).toEqual([1, 1]);
    for (const id of [...(await ids(world)), ...(await ids(beta))]) expect(old).toContain(id);
  }, 90_000);
});
