/** How much a request may say: long bodies of groups, long filters, large numbers, parameters that say two things (OPS-1). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import { openTurns } from '../../src/scim/turns.ts';
import { GROUP, openWorld, PATCH, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const MIB = 1024 * 1024;

const brotli = (text: string): Buffer => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });

let server: Server | undefined;
/** The port on which the service really listens. */
async function listening(): Promise<number> {
  if (server === undefined) {
    server = createServer(world.gatehouse.app).listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return (server.address() as AddressInfo).port;
}
afterAll(() => {
  server?.close();
  server?.closeAllConnections();
});

/** A call whose body is as long as `bytes`, by blanks behind the JSON. */
const padded = (verb: 'post' | 'put' | 'patch', path: string, body: object, bytes: number) =>
  world.gatehouse
    .bearer(world.token, verb, `/scim/v2/${world.directory._id}${path}`)
    .type('application/scim+json')
    .send(JSON.stringify(body).padEnd(bytes));

describe('bodies', () => {
  test('a group may be written with as much as its own GET answers: POST, PUT and PATCH take more than a user may be (SCIM-4)', async () => {
    const { id } = await world.user();
    const made = await padded('post', '/Groups', { schemas: [GROUP], displayName: 'Long' }, 20 * MIB);
    expect(made.status).toBe(201);
    const path = `/Groups/${made.body.id}`;
    const put = await padded('put', path, { ...made.body, members: [{ value: id }] }, 9 * MIB);
    expect([put.status, put.body.members?.length]).toEqual([200, 1]);
    const operation = { op: 'remove', path: `members[value eq "${id}"]` };
    expect((await padded('patch', path, { schemas: [PATCH], Operations: [operation] }, 9 * MIB)).status).toBe(204);
  });

  test('long bodies wait for each other, and each is answered', async () => {
    const { id } = await world.group();
    const put = (n: number) => padded('put', `/Groups/${id}`, { schemas: [GROUP], displayName: `v${n}` }, 9 * MIB);
    const answers = await Promise.all(Array.from({ length: 4 }, (_, n) => put(n)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  /** A raw call: supertest declares lengths. */
  async function raw(
    verb: string,
    path: string,
    chunks: Iterable<Buffer>,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const port = await listening();
    const asked = request({
      ...{
        port,
        host: '127.0.0.1',
        agent: false as const,
        method: verb,
        path: `/scim/v2/${world.directory._id}${path}`,
      },
      headers: { Authorization: `Bearer ${world.token}`, 'Content-Type': 'application/scim+json', ...headers },
    });
    const answered = once(asked, 'response');
    asked.on('error', () => undefined);
    for (const chunk of chunks) if (!asked.write(chunk)) await Promise.race([once(asked, 'drain'), answered]);
    asked.end();
    const [response] = (await answered) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    return { status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString() || '{}') };
  }
  const chunked = function* (text: string, size = 512 * 1024) {
    for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
  };
  const codings: [string, (text: string) => Iterable<Buffer>, Record<string, string>][] = [
    ['in chunks', chunked, {}],
    ['packed by gzip', (text) => [gzipSync(text)], { 'Content-Encoding': 'gzip' }],
    ['packed by deflate, in chunks', (text) => [deflateSync(text)], { 'Content-Encoding': 'deflate' }],
    ['packed by brotli', (text) => [brotli(text)], { 'Content-Encoding': 'br' }],
  ];

  test.each(codings)('a group may be as long where its body comes %s (SCIM-4)', async (_, pack, headers) => {
    const { id } = await world.user();
    const body = { schemas: [GROUP], displayName: 'Streamed', members: [{ value: id }] };
    const made = await raw('POST', '/Groups', pack(JSON.stringify(body).padEnd(20 * MIB)), headers);
    expect([made.status, made.body.members]).toEqual([201, [expect.objectContaining({ value: id })]]);
  });

  test.each(codings)(
    'what is longer than that is 413 where it comes %s, and changes nothing',
    async (_, pack, headers) => {
      const total = async () => (await world.call('get', '/Groups?count=0')).body.totalResults;
      const before = await total();
      const group = JSON.stringify({ schemas: [GROUP], displayName: 'Too long' });
      const answer = await raw('POST', '/Groups', pack(group.padEnd(32 * MIB + 1)), headers);
      expect([answer.status, answer.body.detail]).toEqual([413, `The body is larger than ${32 * MIB} bytes`]);
      const user = JSON.stringify({ schemas: [USER], userName: 'too.long' });
      const other = await raw('POST', '/Users', pack(user.padEnd(8 * MIB + 1)), headers);
      expect([other.status, other.body.detail]).toEqual([413, `The body is larger than ${8 * MIB} bytes`]);
      expect(await total()).toBe(before);
    },
  );

  test('a bomb is unpacked no further than to the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(512 * MIB), { level: 1 });
    const peak = process.memoryUsage().rss;
    const answer = await raw('POST', '/Groups', [bomb], { 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - peak).toBeLessThan(300 * MIB);
  });

  test('a body that is not what its coding says, or comes in an unknown one, is refused', async () => {
    const body = Buffer.from(JSON.stringify({ schemas: [USER], userName: 'broken' }));
    for (const [coding, bytes, status] of [
      ['gzip', body, 400],
      ['gzip', gzipSync(body).subarray(0, 30), 400],
      ['zstd', body, 415],
      ['identity', body, 201],
      ['', Buffer.from(JSON.stringify({ schemas: [USER], userName: 'unbroken' })), 201],
    ] as const)
      expect([coding, (await raw('POST', '/Users', [bytes], { 'Content-Encoding': coding })).status]).toEqual([
        coding,
        status,
      ]);
  });

  test.each([
    ['a user', '/Users', { schemas: [USER], userName: 'long' }, 8 * MIB + 1],
    ['a group', '/Groups', { schemas: [GROUP], displayName: 'Too long' }, 32 * MIB + 1],
  ])(
    '%s that is longer than the limit is 413, with the limit in its detail, and changes nothing',
    async (_, path, body, bytes) => {
      const total = async () => (await world.call('get', `${path}?count=0`)).body.totalResults;
      const before = await total();
      const answer = await padded('post', path, body, bytes);
      expect(await total()).toBe(before);
      expect([answer.status, answer.body.detail]).toEqual([413, `The body is larger than ${bytes - 1} bytes`]);
    },
  );

  test.each([
    ['numbers, which a store may keep in many more bytes', Array(1_100_000).fill(1)],
    ['a text', 'x'.repeat(2 * MIB)],
  ])('a resource that holds more than the stores have room for is refused: %s', async (_, filler) => {
    const answers = [
      await world.call('post', '/Users', { schemas: [USER], userName: 'filled', filler }),
      await world.call('post', '/Groups', { schemas: [GROUP], displayName: 'Filled', filler }),
      await world.patch(`/Users/${(await world.user()).id}`, { op: 'add', value: { filler } }),
    ];
    for (const { status, body } of answers) {
      expect([status, body.scimType]).toEqual([400, 'invalidValue']);
      expect(body.detail).toMatch(/^A resource may have 2097152 characters of attributes; these have \d+$/);
    }
  });

  test('what is just within the limit is kept and answered as it was sent, on every engine', async () => {
    const filler = Array(1_000_000).fill(1);
    const { id } = await world.user({ filler });
    const { text } = await world.call('get', `/Users/${id}?attributes=filler`);
    expect(text.includes(JSON.stringify(filler))).toBe(true);
    expect((await world.call('delete', `/Users/${id}`)).status).toBe(204);
  });
});

test('who asks for a turn gets it in order, beside others of its key; too many are refused at once', async () => {
  const turns = openTurns({ running: 1, waiting: 1, busy: 'full' });
  const first = await turns.enter('a');
  const entered: string[] = [];
  const second = turns.enter('a').then((leave) => {
    entered.push('second');
    return leave;
  });
  await expect(turns.enter('a')).rejects.toMatchObject({ code: 'directory_busy', message: 'full' });
  (await turns.enter('b'))();
  expect(entered).toEqual([]);
  first();
  first();
  const leave = await second;
  const third = turns.enter('a').then(() => entered.push('third'));
  await new Promise(setImmediate);
  expect(entered).toEqual(['second']);
  leave();
  await third;
});

test('whose turn does not come in time is refused, and stands in nobody’s way', async () => {
  const turns = openTurns({ running: 1, waiting: 2, patienceMs: 50, busy: 'full' });
  const leave = await turns.enter('a');
  await expect(turns.enter('a')).rejects.toMatchObject({ code: 'directory_busy' });
  const next = turns.enter('a');
  leave();
  (await next)();
  (await turns.enter('a'))();
});

describe('addresses', () => {
  test('the longest filter reaches the service, however it is encoded', async () => {
    const port = await world.gatehouse.listen(0);
    const ask = (filter: string) =>
      supertest(`http://127.0.0.1:${port}`)
        .get(`/scim/v2/${world.directory._id}/Users?filter=${filter}`)
        .set('Authorization', `Bearer ${world.token}`);
    const encoded = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
    const longest = encoded(`userName eq "${'x'.repeat(8192 - 14)}"`);
    expect((await ask(longest)).body).toMatchObject({ totalResults: 0 });
    expect((await ask(`${longest}%20`)).body).toMatchObject({ status: '400', scimType: 'invalidFilter' });
  });

  test.each([
    ['startIndex=99999999999999999999&count=5', { itemsPerPage: 0, Resources: [] }],
    ['startIndex=-99999999999999999999&count=1', { startIndex: 1, itemsPerPage: 1 }],
    ['count=99999999999999999999', { startIndex: 1 }],
    ['count=-99999999999999999999', { itemsPerPage: 0 }],
  ])('a number of any size is a number: %s', async (query, expected) => {
    await world.user();
    const { status, body } = await world.call('get', `/Users?${query}`);
    expect(status).toBe(200);
    expect(body).toMatchObject(expected);
    expect(body.totalResults).toBeGreaterThan(0);
  });

  test('so it is in a search by POST', async () => {
    const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], count: 1e30, startIndex: -1e30 };
    expect((await world.call('post', '/Users/.search', search)).body).toMatchObject({ startIndex: 1 });
    const half = await world.call('post', '/Users/.search', { ...search, count: 1.5 });
    expect(half.body).toMatchObject({ status: '400', detail: 'count must be a whole number' });
  });

  test('lists of names that are given several times are one list', async () => {
    const { id } = await world.user({ title: 'Captain', nickName: 'Cap' });
    const some = await world.call('get', `/Users/${id}?attributes=title&attributes=nickName`);
    expect(Object.keys(some.body).sort()).toEqual(['id', 'nickName', 'schemas', 'title']);
    const others = await world.call('get', `/Users/${id}?excludedAttributes=title&EXCLUDEDATTRIBUTES=nickName`);
    expect(others.body).not.toHaveProperty('title');
    expect(others.body).not.toHaveProperty('nickName');
  });

  test('a parameter that says two things is refused; what is said again, or to somebody else, is not', async () => {
    for (const query of ['filter=userName pr&Filter=title pr', 'count=1&count=2', 'sortBy=id&sortBy=title']) {
      const { status, body } = await world.call('get', `/Users?${query}`);
      expect([status, body.scimType, body.detail]).toEqual([400, 'invalidValue', expect.stringContaining('twice')]);
    }
    expect((await world.call('get', '/Users?count=1&count=1&flag=a&flag=b')).status).toBe(200);
  });
});
