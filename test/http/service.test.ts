/** The process itself: health, metrics, logs, request ids, errors, the graceful end. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openLogger } from '../../src/lib/logger.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { beginRequest } from './slowRequest.ts';
import { buildWorld, type World } from './world.ts';

const lines: string[] = [];
let gatehouse: TestGatehouse;
let acme: World;
beforeAll(async () => {
  gatehouse = await openTestGatehouse({ logger: openLogger('trace', { write: (line: string) => lines.push(line) }) });
  acme = await buildWorld(gatehouse, 'acme');
});

describe('health', () => {
  test('says that the process lives and is ready', async () => {
    for (const path of ['/livez', '/readyz']) {
      const answer = await gatehouse.request.get(path);
      expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    }
  });

  test('says so where the store does not answer, and lives on', async () => {
    const broken = await openTestGatehouse();
    await broken.store.close();
    const answer = await broken.request.get('/readyz');
    expect([answer.status, answer.body.code]).toEqual([503, 'store_unavailable']);
    expect(answer.headers['retry-after']).toBe('1');
    expect((await broken.request.get('/livez')).status).toBe(200);
  });
});

describe('metrics', () => {
  test('count requests by the template of their route, so that ids are no labels', async () => {
    await gatehouse.operator('get', `/api/v1/organizations/${acme.organizationId}`);
    await gatehouse.bearer(acme.directoryToken.secret, 'get', `/scim/v2/${acme.directoryId}/Users/usr-1`);
    await gatehouse.request.get('/no/such/place');
    const { text } = await gatehouse.request.get('/metrics');
    expect(text).toContain('method="GET",route="/api/v1/organizations/{org}",status="200"');
    expect(text).toMatch(/route="\/scim\/v2\/\{directoryId\}\/Users\/[:{]id\}?",status="404"/);
    expect(text).toContain('route="none",status="404"');
    expect(text).not.toMatch(/org-|dir-|usr-/);
  });

  test('tell how many jobs wait and are parked', async () => {
    const { text } = await gatehouse.request.get('/metrics');
    expect(text).toMatch(/gatehouse_outbox_jobs\{state="waiting"\} \d/);
    expect(text).toContain('gatehouse_outbox_jobs{state="parked"} 1');
  });
});

describe('request ids', () => {
  test.each(['abc', 'req-1:2/3+4=5._', 'x'.repeat(128)])('are taken from outside: %s', async (id) => {
    const answer = await gatehouse.request.get('/livez').set('X-Request-Id', id);
    expect(answer.headers['x-request-id']).toBe(id);
  });

  test.each(['', 'two words', 'x'.repeat(129), '<script>', '\xfc'])('are made anew instead of %j', async (id) => {
    const answer = await gatehouse.request.get('/livez').set('X-Request-Id', id);
    expect(answer.headers['x-request-id']).toMatch(/^req-[0-9a-z]{22,}$/);
  });

  test('differ, and stand in the body of an error and in the log', async () => {
    const answer = await gatehouse.request.get('/api/v1/me');
    const { requestId } = answer.body;
    expect(answer.headers['x-request-id']).toBe(requestId);
    await sleep(10);
    expect(lines.some((line) => JSON.parse(line).requestId === requestId)).toBe(true);
    expect((await gatehouse.request.get('/api/v1/me')).body.requestId).not.toBe(requestId);
  });
});

test('the log holds no token, no key, no body and no query', async () => {
  const owner = acme.owner;
  await gatehouse.bearer(owner.token, 'get', `/api/v1/me`);
  await gatehouse.operator('get', '/api/v1/accounts').query({ email: 'query@secret.example' });
  await gatehouse.operator('post', '/api/v1/accounts').send({ email: 'body@secret.example' });
  await gatehouse.bearer('ghs_wrong-but-secret', 'get', '/api/v1/me');
  await sleep(10);
  const log = lines.join('');
  expect(log).toContain('"route":"/api/v1/accounts"');
  const { organizationId } = acme;
  const key = await gatehouse.store.read.apiKeys.findOne(organizationId, { kind: 'default' });
  for (const secret of [
    gatehouse.operatorToken,
    owner.token,
    acme.directoryToken.secret,
    key?.sealed ?? 'none',
    'secret.example',
    'wrong-but-secret',
  ]) {
    expect(log).not.toContain(secret);
  }
});

describe('addresses that are none', () => {
  test.each([
    '/',
    '/api',
    '/api/v1',
    '/api/v2/accounts',
    '/api/v1/accounts/a/b/c',
    '/access/v1/nothing',
    '/favicon.ico',
  ])('%s is a problem with 404', async (path) => {
    const answer = await gatehouse.request.get(path);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ status: 404, code: 'route_not_found', detail: expect.stringContaining(path) });
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  test.each(['/api/v1/accounts/%', '/api/v1/accounts/%ff', '/api/v1/organizations/%c0%80/members'])(
    '%s, encoded wrongly, is a problem with 400',
    async (path) => {
      const answer = await gatehouse.operator('get', path);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    },
  );

  test('of SCIM are answered in the form of SCIM', async () => {
    const answer = await gatehouse.request.get('/scim/v2');
    expect(answer.status).toBe(404);
    expect(answer.body.schemas).toEqual(['urn:ietf:params:scim:api:messages:2.0:Error']);
  });
});

test('a fault of our own is a 500 with the id of the request and nothing else; the log has the rest', async () => {
  const broken = await openTestGatehouse({
    logger: openLogger('error', { write: (line: string) => lines.push(line) }),
  });
  const { store } = broken;
  Object.defineProperty(store.read, 'accountEmails', {
    value: {
      findOne() {
        throw new TypeError('a fault with the secret hunter2');
      },
    },
  });
  const answer = await broken.operator('get', '/api/v1/accounts').query({ email: 'a@b.example' });
  expect(answer.status).toBe(500);
  expect(Object.keys(answer.body).sort()).toEqual(['code', 'requestId', 'status', 'title', 'type']);
  expect(answer.body).toMatchObject({ code: 'internal_error', title: 'Internal error' });
  expect(lines.some((line) => line.includes('hunter2') && line.includes(answer.body.requestId))).toBe(true);
});

test('answers carry the headers that keep browsers safe, and none that tells what runs here', async () => {
  for (const path of ['/docs', '/livez', '/api/v1/me']) {
    const { headers } = await gatehouse.request.get(path);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['strict-transport-security']).toBeUndefined();
  }
  const secure = await openTestGatehouse({ env: { GATEHOUSE_URL: 'https://gatehouse.example' } });
  expect((await secure.request.get('/livez')).headers['strict-transport-security']).toContain('max-age=');
});

describe('the graceful end', () => {
  test('finishes what has begun, takes nothing new, and is not ready meanwhile', async () => {
    const ending = await openTestGatehouse();
    const port = await ending.listen(0);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    const body = { email: 'last@acme.example' };
    const slow = await beginRequest(port, 'POST', '/api/v1/accounts', ending.operatorToken, body);
    const closed = ending.close();
    await sleep(20);
    const unready = await ending.request.get('/readyz');
    expect([unready.status, unready.body.code]).toEqual([503, 'shutting_down']);
    expect((await ending.request.get('/livez')).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
    const answer = await slow.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(answer).toMatch(/^Connection: close\r$/im);
    await closed;
    await expect(ending.store.ping()).rejects.toThrow();
  });

  test('serves on for the configured time, not ready, and asks every connection to close (OPS-5)', async () => {
    const ending = await openTestGatehouse({ env: { GATEHOUSE_DRAIN_SECONDS: '3' } });
    const port = await ending.listen(0);
    const began = performance.now();
    const closed = ending.close();
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([ready.status, ready.headers.get('connection')]).toEqual([503, 'close']);
    const headers = { Authorization: `Bearer ${ending.operatorToken}`, 'Content-Type': 'application/json' };
    const body = JSON.stringify({ email: 'late@acme.example' });
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/accounts`, { method: 'POST', headers, body });
    expect([answer.status, answer.headers.get('connection')]).toEqual([201, 'close']);
    await closed;
    expect(performance.now() - began).toBeGreaterThan(2_900);
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  });

  test('ends idle connections at once', async () => {
    const ending = await openTestGatehouse();
    const port = await ending.listen(0);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    const ended = once(socket, 'close');
    socket.resume();
    await sleep(50);
    const before = performance.now();
    await ending.close();
    await ended;
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});
