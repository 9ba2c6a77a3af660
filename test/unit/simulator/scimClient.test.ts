import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { inParallel } from '../../../src/simulator/parallel.ts';
import { openScimClient, ScimFailure } from '../../../src/simulator/scimClient.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

interface Answer {
  /** 0 breaks the connection. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A server that gives these answers in turn, the last one for ever; notes what it was asked. */
async function serve(...answers: readonly Answer[]) {
  const asked: { readonly method?: string | undefined; readonly headers: NodeJS.Dict<string | string[]> }[] = [];
  const listening = createServer((request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push({ method: request.method, headers: request.headers });
    if (!answer || answer.status === 0) return void request.socket.destroy();
    response.writeHead(answer.status, { 'Content-Type': 'application/scim+json', ...answer.headers });
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  });
  server = listening;
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const baseUrl = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/scim/v2/dir-1/`;
  return {
    asked,
    client: openScimClient({ baseUrl, token: 'ghd_secret', headers: { 'User-Agent': 'Test' }, tries: 3 }),
  };
}

const user = { id: 'usr-1' };

describe('a SCIM client', () => {
  test.each([
    ['is told to wait', { status: 429, headers: { 'Retry-After': '0' } }],
    ['meets a fault of the server', { status: 503 }],
    ['loses the connection', { status: 0 }],
  ])('repeats what %s', async (_, trouble) => {
    const { client, asked } = await serve(trouble, { status: 200, body: user });
    expect(await client.get('/Users/usr-1')).toEqual(user);
    expect([asked.length, client.sent]).toEqual([2, 2]);
  });

  test('gives up after its tries, and says what the last answer was', async () => {
    const { client, asked } = await serve({ status: 500, body: { detail: 'Broken' } });
    await expect(client.get('/Users/usr-1')).rejects.toMatchObject({ status: 500, detail: 'Broken' });
    expect(asked.length).toBe(3);
  });

  test('does not repeat what is refused, and hands on why', async () => {
    const { client, asked } = await serve({
      status: 409,
      body: { scimType: 'uniqueness', detail: 'userName is taken' },
    });
    const failure = await client.create('/Users', {}).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ScimFailure);
    expect(failure).toMatchObject({ status: 409, scimType: 'uniqueness', detail: 'userName is taken' });
    expect(asked.length).toBe(1);
  });

  test('shows its token and speaks application/scim+json', async () => {
    const { client, asked } = await serve({ status: 201, body: user });
    await client.create('/Users', { userName: 'a' });
    expect(asked[0]).toMatchObject({
      method: 'POST',
      headers: {
        authorization: 'Bearer ghd_secret',
        accept: 'application/scim+json',
        'content-type': expect.stringMatching(/^application\/scim\+json/),
        'user-agent': 'Test',
      },
    });
  });
});

describe('work in parallel', () => {
  test('never has more under way than its width, and keeps the order of results', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([5, 1, 4, 2, 3], 2, async (ms) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, ms));
      running -= 1;
      return ms * 10;
    });
    expect([results, most]).toEqual([[50, 10, 40, 20, 30], 2]);
  });

  test('begins nothing more after a failure', async () => {
    const begun: number[] = [];
    const work = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('refused');
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    await expect(work).rejects.toThrow('refused');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(begun).toEqual([1, 2]);
  });
});
