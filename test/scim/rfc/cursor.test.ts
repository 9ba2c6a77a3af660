/** Paging by cursor (RFC 9865), over HTTP on the engine at hand. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addWorld, ERROR, GROUP, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves } from './proves.ts';

let world: ScimWorld;
const names = ['Ann', 'bob', 'Cleo', 'dan', 'Eve', 'Fay', 'gus'];
beforeAll(async () => {
  world = await openWorld();
  for (const [i, name] of names.entries()) {
    await world.user({
      userName: `${name}@acme.test`,
      title: i % 2 ? 'Boss' : 'boss',
      active: i % 3 !== 0,
      ...(i < 5 && { name: { familyName: ['Lee', 'lee', 'Abe', 'Zoe', 'Émile'][i] } }),
    });
  }
  for (const displayName of ['One', 'Two', 'Three']) await world.group({ displayName });
});

interface Page {
  readonly status: number;
  readonly body: Record<string, unknown> & { Resources: { id: string; userName?: string; displayName?: string }[] };
}

const get = async (path: string): Promise<Page> => world.call('get', path) as unknown as Promise<Page>;

/** All pages of a query, in their order, and what the first one says. */
async function pages(path: string, target = world) {
  const all: Page['body'][] = [];
  for (let cursor = ''; ; ) {
    const { status, body } = await target.call('get', `${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`);
    expect(status).toBe(200);
    all.push(body);
    if (body.nextCursor === undefined) return all;
    cursor = body.nextCursor;
    expect(cursor).toMatch(/^[\w.~-]+$/);
    if (all.length > 500) throw new Error('the pages have no end');
  }
}

const labels = (all: readonly Page['body'][]) =>
  all.flatMap(({ Resources }) =>
    Resources.map(({ userName, displayName }) => (userName ?? displayName ?? '').split('@')[0]),
  );

describe('pages by cursor (RFC 9865 §2)', () => {
  test.each([
    ['/Users?count=3', 'Ann bob Cleo dan Eve Fay gus', 3],
    ['/Users?count=7', 'Ann bob Cleo dan Eve Fay gus', 1],
    ['/Users?count=1&sortBy=userName&sortOrder=descending', 'gus Fay Eve dan Cleo bob Ann', 7],
    ['/Users?count=2&sortBy=name.familyName', 'Cleo Ann bob dan Eve Fay gus', 4],
    ['/Users?count=2&sortBy=name.familyName&sortOrder=descending', 'Fay gus Eve dan Ann bob Cleo', 4],
    ['/Users?count=2&sortBy=active', 'Ann dan gus bob Cleo Eve Fay', 4],
    ['/Users?count=2&sortBy=active&sortOrder=descending', 'bob Cleo Eve Fay Ann dan gus', 4],
    ['/Users?count=2&sortBy=title', 'Ann bob Cleo dan Eve Fay gus', 4],
    ['/Users?count=3&sortBy=meta.created&sortOrder=descending', 'gus Fay Eve dan Cleo bob Ann', 3],
    ['/Users?count=2&sortBy=id', 'Ann bob Cleo dan Eve Fay gus', 4],
    ['/Users?count=2&filter=title eq "boss" and active eq true', 'bob Cleo Eve Fay', 2],
    ['/Users?count=2&filter=active eq true&sortBy=userName', 'bob Cleo Eve Fay', 2],
    ['/Groups?count=2', 'One Two Three', 2],
    ['/?count=4', 'Ann bob Cleo dan Eve Fay gus One Two Three', 3],
    ['/?count=3&sortBy=displayName&filter=displayName pr or userName sw "a"', 'One Three Two Ann', 2],
    [
      '/?count=1&sortBy=meta.resourceType&sortOrder=descending&filter=id pr',
      'Ann bob Cleo dan Eve Fay gus One Two Three',
      10,
    ],
  ])(
    proves(
      '%s → %s',
      '9865-2-01',
      '9865-2-02',
      '9865-2-03',
      '9865-2-06',
      '9865-2-07',
      '9865-2-09',
      '9865-2-11',
      '9865-2-13',
      '9865-2.2-01',
    ),
    async (path, expected, howMany) => {
      const all = await pages(path);
      expect(labels(all).join(' ')).toBe(expected);
      expect(all).toHaveLength(howMany);
      const total = expected.split(' ').length;
      for (const page of all) {
        expect(page).not.toHaveProperty('startIndex');
        expect(page).toMatchObject({ totalResults: total, itemsPerPage: page.Resources.length });
      }
    },
  );

  test('an empty result is one page without a cursor', async () => {
    const { body } = await get('/Users?cursor&filter=userName eq "nobody"');
    expect([body.totalResults, body.Resources, body.nextCursor]).toEqual([0, [], undefined]);
  });

  test(
    proves(
      'count above the most is answered with fewer, and without count there is a page',
      '9865-2-04',
      '9865-2-05',
      '9865-4-05',
      '9865-4-06',
    ),
    async () => {
      expect((await get('/Users?cursor=&count=100000')).body.itemsPerPage).toBe(7);
      expect((await get('/Users?cursor=')).body.itemsPerPage).toBe(7);
    },
  );

  test.each([
    ['cursor=x', 'invalidCursor'],
    ['cursor=%7B%7D', 'invalidCursor'],
    [`cursor=${'A'.repeat(9000)}`, 'invalidCursor'],
    [`cursor=${Buffer.from('["x","User","y",{}]').toString('base64url')}`, 'invalidCursor'],
    ['cursor=&count=0', 'invalidCount'],
    ['cursor=&count=-3', 'invalidCount'],
    ['cursor=&count=many', 'invalidCount'],
    ['cursor=&startIndex=1', 'invalidValue'],
  ])(
    proves(
      '%s is refused with %s (RFC 9865 §2.1)',
      '9865-2-14',
      '9865-2.1-01',
      '9865-2.1-02',
      '9865-2.1-03',
      '9865-2.1-05',
      '9865-2.4-03',
    ),
    async (query, scimType) => {
      const { status, body } = await get(`/Users?${query}`);
      expect(status).toBe(400);
      expect(body).toEqual({ schemas: [ERROR], status: '400', scimType, detail: expect.any(String) });
    },
  );

  test(
    proves(
      'a cursor belongs to its directory, endpoint, filter and order',
      '9865-2-10',
      '9865-5.2-01',
      '9865-5.2-02',
      '9865-5.2-03',
    ),
    async () => {
      const other = await addWorld(world.gatehouse, 'Beta');
      await other.user();
      const { body } = await get('/Users?cursor&count=2&sortBy=userName');
      const cursor = String(body.nextCursor);
      expect((await get(`/Users?cursor=${cursor}&sortBy=userName&count=1`)).status).toBe(200);
      for (const path of [
        `/Users?cursor=${cursor}`,
        `/Users?cursor=${cursor}&sortBy=userName&sortOrder=descending`,
        `/Users?cursor=${cursor}&sortBy=userName&filter=active eq true`,
        `/Groups?cursor=${cursor}&sortBy=displayName`,
        `/?cursor=${cursor}&sortBy=userName`,
      ]) {
        expect((await get(path)).body).toMatchObject({ status: '400', scimType: 'invalidCursor' });
      }
      const foreign = await other.call('get', `/Users?cursor=${cursor}&sortBy=userName`);
      expect(foreign.body).toMatchObject({ status: '400', scimType: 'invalidCursor' });
    },
  );

  test(
    proves(
      'ServiceProviderConfig says so (RFC 9865 §4)',
      '9865-4-01',
      '9865-4-02',
      '9865-4-03',
      '9865-4-04',
      '9865-4-05',
      '9865-4-06',
      '9865-2.5-01',
    ),
    async () => {
      const { body } = await world.call('get', '/ServiceProviderConfig');
      expect(body.pagination).toEqual({
        cursor: true,
        index: true,
        defaultPaginationMethod: 'index',
        defaultPageSize: 100,
        maxPageSize: 200,
      });
      expect(body.filter.maxResults).toBe(200);
    },
  );

  test('whoever stays is seen once, in any order, while others come and go between the pages', async () => {
    let made = 0;
    const scenario = fc.record({
      stayers: fc.array(fc.constantFrom('a', 'b', 'C', 'd', undefined), { minLength: 2, maxLength: 7 }),
      events: fc.array(fc.record({ come: fc.constantFrom('A', 'b', 'c', 'zz', undefined), go: fc.boolean() }), {
        maxLength: 4,
      }),
      sortBy: fc.constantFrom(
        '',
        '&sortBy=nickName',
        '&sortBy=userName&sortOrder=descending',
        '&sortBy=nickName&sortOrder=descending',
      ),
      filter: fc.constantFrom('&filter=active eq true', '&filter=locale eq "de"'),
      count: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ stayers, events, sortBy, filter, count }) => {
        const target = await addWorld(world.gatehouse, `Stay${++made}x${Math.random().toString(36).slice(2, 8)}`);
        const person = async (nickName: string | undefined) =>
          (await target.user({ locale: 'de', ...(nickName !== undefined && { nickName }) })).id;
        const staying: string[] = [];
        const going: string[] = [];
        for (const name of stayers) staying.push(await person(name));
        for (const { go, come } of events) if (go) going.push(await person(come));
        const seen: string[] = [];
        for (let cursor = '', page = 0; ; page++) {
          const { body } = await target.call('get', `/Users?count=${count}${sortBy}${filter}&cursor=${cursor}`);
          seen.push(...body.Resources.map(({ id }: { id: string }) => id));
          if (body.nextCursor === undefined || page > 50) break;
          cursor = body.nextCursor;
          const event = events[page];
          if (event) await person(event.come);
          const leaver = going.pop();
          if (leaver !== undefined) await target.call('delete', `/Users/${leaver}`);
        }
        expect(seen.filter((id) => staying.includes(id)).sort()).toEqual([...staying].sort());
        expect(new Set(seen).size).toBe(seen.length);
      }),
      { numRuns: 12 },
    );
  });
});

describe('queries by POST to /.search (RFC 7644 §3.4.3)', () => {
  const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
  const search = (path: string, body: object) => world.call('post', `${path}/.search`, { schemas: [SEARCH], ...body });

  test(
    proves(
      'it answers what GET answers, with the same parameters',
      '7644-3.4.3-01',
      '7644-3.4.3-04',
      '7644-3.4.3-05',
      '7644-3.4.3-06',
      '7644-3.4-01',
      '7644-7.5-01',
    ),
    async () => {
      const posted = await search('/Users', {
        filter: 'userName sw "e" or userName sw "a"',
        attributes: ['userName', 'active'],
        sortBy: 'userName',
        sortOrder: 'descending',
        startIndex: 2,
        count: 5,
      });
      const got = await get(
        '/Users?filter=userName sw "e" or userName sw "a"&attributes=userName,active&sortBy=userName&sortOrder=descending&startIndex=2&count=5',
      );
      expect(posted.status).toBe(200);
      expect(posted.body).toEqual(got.body);
      expect(posted.body).toMatchObject({ totalResults: 2, startIndex: 2, itemsPerPage: 1 });
      expect(Object.keys(posted.body.Resources[0]).sort()).toEqual(['active', 'id', 'schemas', 'userName']);
    },
  );

  test(proves('cursor and count stand in the body as well (RFC 9865 §3)', '9865-3-01'), async () => {
    const first = await search('/Users', { cursor: '', count: 4, excludedAttributes: ['meta', 'groups'] });
    const rest = await search('/Users', { cursor: first.body.nextCursor, count: 4, excludedAttributes: ['meta'] });
    expect(labels([first.body, rest.body])).toEqual(names);
    expect(rest.body).not.toHaveProperty('nextCursor');
    expect(first.body.Resources[0]).not.toHaveProperty('meta');
  });

  test(
    proves(
      'at the root it covers users and groups; an attribute that a type lacks has no value there (RFC 7644 §3.4.2.1)',
      '7644-3.4.2.1-01',
      '7644-3.4.2.1-02',
      '7644-3.4.3-02',
    ),
    async () => {
      const found = async (filter: string) => {
        const { body } = await search('', { filter, count: 50 });
        expect(body.totalResults).toBe(body.Resources.length);
        return labels([body]).join(' ');
      };
      expect(await found('meta.resourceType eq "Group"')).toBe('One Two Three');
      expect(await found('meta.resourceType eq "User" and userName sw "a"')).toBe('Ann');
      expect(await found('userName sw "b" or displayName eq "two"')).toBe('bob Two');
      expect(await found('userName pr')).toBe(names.join(' '));
      expect(await found('userName ne "ann@acme.test" and displayName pr')).toBe('One Two Three');
      expect(await found('userName eq null')).toBe('One Two Three');
      expect(await found('not (emails[type eq "work"])and members eq null and displayName pr')).toBe('One Two Three');
      const paged = await search('', { startIndex: 7, count: 2, attributes: ['displayName', 'userName'] });
      expect(paged.body).toMatchObject({ totalResults: 10, startIndex: 7, itemsPerPage: 2 });
      expect(labels([paged.body])).toEqual(['gus', 'One']);
      expect((await search('', { filter: 'shoeSize eq 1' })).body).toMatchObject({ scimType: 'invalidFilter' });
      expect((await search('', { sortBy: 'shoeSize' })).body).toMatchObject({ scimType: 'invalidValue' });
      expect((await search('', { count: 0 })).body).toMatchObject({ totalResults: 10, Resources: [] });
    },
  );

  test.each([
    [{ schemas: [USER] }, 'invalidSyntax'],
    [{ schemas: [GROUP] }, 'invalidSyntax'],
    [{ schemas: [SEARCH], filter: 5 }, 'invalidSyntax'],
    [{ schemas: [SEARCH], attributes: [5] }, 'invalidSyntax'],
    [{ schemas: [SEARCH], count: 'x' }, 'invalidValue'],
    [{ schemas: [SEARCH], cursor: '', count: 0 }, 'invalidCount'],
    [{ schemas: [SEARCH], filter: 'userName' }, 'invalidFilter'],
    [{ schemas: [SEARCH], attributes: ['id'], excludedAttributes: ['meta'] }, 'invalidValue'],
  ])('%j is refused with %s', async (body, scimType) => {
    const answer = await world.call('post', '/Users/.search', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ schemas: [ERROR], scimType });
  });

  test('other methods are refused with Allow, and what is searched is in the log (SCIM-5)', async () => {
    const answer = await world.call('get', '/Users/.search');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
    await search('/Groups', { filter: 'displayName eq "logged search"' });
    await expect(logged('logged search')).resolves.toMatchObject({ method: 'POST', outcome: 'read', status: 200 });
  });

  async function logged(text: string) {
    const { store } = world.gatehouse;
    for (let i = 0; i < 100; i++) {
      const rows = await store.read.provisioningLog.find(world.organizationId, {}, { sort: { _id: -1 }, limit: 20 });
      const row = rows.find(({ request }) => request?.includes(text));
      if (row) return row;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return undefined;
  }

  test(
    proves(
      'the body names the SearchRequest schema, and its faults have the errors of a query',
      '7644-3.4.3-03',
      '7644-3.4.3-07',
      '7644-3.1-02',
    ),
    async () => {
      const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
      for (const [body, scimType] of [
        [{ schemas: [USER] }, 'invalidSyntax'],
        [{ schemas: [SEARCH], filter: 7 }, 'invalidSyntax'],
        [{ schemas: [SEARCH], filter: 'userName' }, 'invalidFilter'],
        [{ schemas: [SEARCH], sortBy: 'shoeSize' }, 'invalidValue'],
        [{ schemas: [SEARCH], cursor: 'x' }, 'invalidCursor'],
        [{ schemas: [SEARCH], cursor: '', count: 0 }, 'invalidCount'],
      ] as const)
        for (const path of ['/Users/.search', '/.search'])
          expect((await world.call('post', path, body)).body).toMatchObject({
            schemas: [ERROR],
            status: '400',
            scimType,
          });
    },
  );

  test(proves('meta.resourceType chooses the type at the root', '7644-3.4.2.1-03'), async () => {
    for (const type of ['User', 'Group']) {
      const { body } = await get(`/?filter=${encodeURIComponent(`meta.resourceType eq "${type}"`)}`);
      const types = body.Resources.map(
        (one) => (one as unknown as { meta: { resourceType: string } }).meta.resourceType,
      );
      expect(new Set(types)).toEqual(new Set([type]));
    }
  });

  test(
    proves(
      'a query that names no method is paged by index, which is the default',
      '9865-2.4-01',
      '9865-2.4-02',
      '9865-2.5-01',
    ),
    async () => {
      const { status, body } = await get('/Users?count=2');
      expect([status, body.startIndex, body.nextCursor]).toEqual([200, 1, undefined]);
    },
  );

  test(
    proves(
      "a page by cursor is authorized as any request: after the token's end it is 401",
      '9865-5.2-02',
      '9865-5.3-01',
    ),
    async () => {
      const { body } = await get('/Users?cursor&count=2');
      const path = `/scim/v2/${world.directory._id}/Users?count=2&cursor=${String(body.nextCursor)}`;
      expect((await world.gatehouse.bearer(world.token, 'get', path)).status).toBe(200);
      expect((await world.gatehouse.bearer('ended', 'get', path)).status).toBe(401);
    },
  );
});
