/** The guarded client against real servers on loopback, and resolvers that lie. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { afterAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { AppError } from '../../../src/errors.ts';
import { type OutgoingOptions, openOutgoing } from '../../../src/lib/outgoing.ts';

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

/** A server on 127.0.0.1; answers its port and the requests that it has had. */
async function serve(listener: RequestListener): Promise<{ port: number; url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, requests };
}

const inside = (options: Partial<OutgoingOptions> = {}) => openOutgoing({ allowPrivate: true, ...options });
const outside = (options: Partial<OutgoingOptions> = {}) => openOutgoing({ allowPrivate: false, ...options });

async function codeOf(asked: Promise<Response>): Promise<string> {
  try {
    return `answered ${(await asked).status}`;
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

test('content with the beginning, it takes so much of a long answer and leaves the rest, and nothing of a compressed one', async () => {
  const long = 'x'.repeat(100_000);
  const { url } = await serve((request, response) => {
    if (request.url === '/endless') response.writeHead(200).write(long);
    else response.writeHead(202, { 'Content-Encoding': request.url === '/gzip' ? 'gzip' : 'identity' }).end(long);
  });
  const send = inside({ cut: true, limitBytes: 1_000 });
  for (const [path, status, text] of [
    ['/', 202, long.slice(0, 1_000)],
    ['/gzip', 202, ''],
    ['/endless', 200, long.slice(0, 1_000)],
  ] as const) {
    const response = await send(`${url}${path}`, { method: 'POST', body: '{}' });
    expect([path, response.status, await response.text()]).toEqual([path, status, text]);
  }
});

describe('what is asked and answered', () => {
  test('goes there and comes back whole', async () => {
    const { url, requests } = await serve((request, response) => {
      let sent = '';
      request.on('data', (part) => {
        sent += part;
      });
      request.on('end', () => {
        response.writeHead(201, { 'Content-Type': 'application/json', 'X-Twice': ['1', '2'] });
        response.end(JSON.stringify({ sent }));
      });
    });
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'a b' });
    const response = await inside()(`${url}/token?x=1`, {
      method: 'POST',
      body,
      headers: { Authorization: 'Basic x' },
    });
    expect(response).toBeInstanceOf(Response);
    expect([response.status, response.headers.get('content-type'), response.headers.get('x-twice')]).toEqual([
      201,
      'application/json',
      '1, 2',
    ]);
    expect(await response.json()).toEqual({ sent: 'grant_type=authorization_code&code=a+b' });
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/token?x=1',
      headers: {
        authorization: 'Basic x',
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
        'accept-encoding': 'identity',
      },
    });
  });

  test('is answered whatever the status, with or without a body', async () => {
    const { url } = await serve((request, response) => {
      response.writeHead(Number(request.url?.slice(1)));
      response.end();
    });
    const statuses = [];
    for (const status of [200, 204, 304, 400, 404, 500, 503])
      statuses.push((await inside()(`${url}/${status}`)).status);
    expect(statuses).toEqual([200, 204, 304, 400, 404, 500, 503]);
    expect(await codeOf(inside()(`${url}/999`))).toBe('remote_unreachable');
  });

  test('knows no proxy of the environment', async () => {
    const proxy = await serve((_request, response) => response.end('proxied'));
    const { url } = await serve((_request, response) => response.end('direct'));
    const before = process.env.HTTP_PROXY;
    process.env.HTTP_PROXY = proxy.url;
    try {
      expect(await (await inside()(url)).text()).toBe('direct');
    } finally {
      if (before === undefined) delete process.env.HTTP_PROXY;
      else process.env.HTTP_PROXY = before;
    }
    expect(proxy.requests).toEqual([]);
  });
});

describe('addresses that are not reached (docs/sso-threats.md, D17, D18)', () => {
  test.each([
    'http://1.1.1.1/',
    'ftp://1.1.1.1/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'gopher://1.1.1.1/',
    'https://user@1.1.1.1/',
    'https://user:password@1.1.1.1/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.0.0.1./',
    'https://１２７.0.0.1/',
    'https://0/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[fe80::1]/',
    'https://[fd00:ec2::254]/',
    'no address',
  ])('%s', async (address) => {
    expect(await codeOf(outside()(address))).toBe('address_refused');
  });

  test.each(['localhost', 'LOCALHOST'])('%s, by what its name resolves to', async (name) => {
    expect(await codeOf(outside()(`https://${name}/`))).toBe('address_refused');
  });

  test('a name of which one of several addresses is not public', async () => {
    const resolve = async () => ['1.1.1.1', '10.0.0.1'];
    expect(await codeOf(outside({ resolve })('https://idp.example/'))).toBe('address_refused');
  });

  test('a name that resolved to a public address before, and to a private one when it is connected to', async () => {
    const { port, requests } = await serve((_request, response) => response.end('secret'));
    const answers = ['8.8.8.8', '169.254.169.254'];
    const resolve = async () => [answers.shift() ?? '127.0.0.1'];
    const client = inside({ resolve });
    expect(await resolve()).toEqual(['8.8.8.8']);
    expect(await codeOf(client(`http://rebinding.example:${port}/`))).toBe('address_refused');
    expect(requests).toEqual([]);
    // The same client and name, once the resolver says what may be reached: each connection is judged by its own look-up.
    expect(await codeOf(client(`http://rebinding.example:${port}/`))).toBe('answered 200');
  });

  test('the metadata service, also where private networks are allowed', async () => {
    for (const address of ['http://169.254.169.254/', 'http://[fd00:ec2::254]/', 'http://0.0.0.0/']) {
      expect(await codeOf(inside()(address))).toBe('address_refused');
    }
  });

  test('and the refusal says nothing of what the name resolves to', async () => {
    const resolve = async () => ['10.11.12.13'];
    await expect(outside({ resolve })('https://inner.example/')).rejects.not.toThrow(/10\.11/);
  });
});

describe('redirects', () => {
  test('are answered, not followed, unless asked for', async () => {
    const target = await serve((_request, response) => response.end('there'));
    const { url } = await serve((_request, response) => response.writeHead(302, { Location: target.url }).end());
    const response = await inside()(url, { method: 'POST', body: 'secret' });
    expect([response.status, response.headers.get('location')]).toEqual([302, target.url]);
    expect(target.requests).toEqual([]);
  });

  test('are followed three times, without credentials, and not once more', async () => {
    const { url, requests } = await serve((request, response) => {
      const hop = Number(request.url?.slice(1));
      if (hop === 0) response.end('there');
      else response.writeHead(307, { Location: `/${hop - 1}` }).end();
    });
    const headers = { Authorization: 'Bearer x', Cookie: 'a=b', Accept: 'application/xml' };
    expect(await (await inside()(`${url}/3`, { follow: true, headers })).text()).toBe('there');
    expect(requests.map(({ headers: had }) => [had.authorization, had.cookie, had.accept])).toEqual([
      ['Bearer x', 'a=b', 'application/xml'],
      [undefined, undefined, 'application/xml'],
      [undefined, undefined, 'application/xml'],
      [undefined, undefined, 'application/xml'],
    ]);
    expect(await codeOf(inside()(`${url}/4`, { follow: true }))).toBe('remote_unreachable');
  });

  test.each(['http://169.254.169.254/', 'file:///etc/passwd', 'https://user:x@1.1.1.1/'])(
    'to %s are refused like the address itself',
    async (location) => {
      const { url } = await serve((_request, response) => response.writeHead(302, { Location: location }).end());
      expect(await codeOf(inside()(url, { follow: true }))).toBe('address_refused');
    },
  );

  test('never take a body along', async () => {
    await expect(inside()('http://127.0.0.1/', { follow: true, method: 'POST', body: 'x' })).rejects.toThrow(
      /only a GET/,
    );
  });
});

describe('bounds', () => {
  test('an answer that says that it is too long, and one that only is, are both cut off', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/said') response.setHeader('Content-Length', 11);
      response.write('01234');
      response.end('567890');
    });
    const client = inside({ limitBytes: 10 });
    expect(await codeOf(client(`${url}/said`))).toBe('remote_too_large');
    expect(await codeOf(client(`${url}/unsaid`))).toBe('remote_too_large');
    expect(await codeOf(inside({ limitBytes: 11 })(`${url}/unsaid`))).toBe('answered 200');
  });

  test('an answer without end is cut off', async () => {
    const { url } = await serve((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(await codeOf(inside()(url))).toBe('remote_too_large');
  });

  test('compression, which would hide the size, is refused', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(Buffer.from([31, 139])),
    );
    expect(await codeOf(inside()(url))).toBe('remote_unreachable');
  });

  test('the time is bounded for all of it: no answer, an answer that drips, redirects that drag on', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/silent') return;
      if (request.url === '/drip') {
        const drip = setInterval(() => response.write('x'), 20);
        response.on('close', () => clearInterval(drip));
        return;
      }
      setTimeout(() => response.writeHead(302, { Location: '/again' }).end(), 200);
    });
    const client = inside({ timeoutMs: 300 });
    for (const path of ['/silent', '/drip', '/drag']) {
      await expect(client(url + path, { follow: true })).rejects.toMatchObject({
        code: 'remote_unreachable',
        message: expect.stringContaining('within 0.3 s'),
      });
    }
  });

  test('a resolver that never answers is not waited for', async () => {
    const resolve = () => new Promise<readonly string[]>(() => undefined);
    expect(await codeOf(outside({ resolve, timeoutMs: 100 })('https://idp.example/'))).toBe('remote_unreachable');
  });

  test('a caller who gives up gets their own reason back', async () => {
    const { url } = await serve(() => undefined);
    const reason = new Error('given up');
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(reason), 50);
    await expect(inside()(url, { signal: giveUp.signal })).rejects.toBe(reason);
  });
});

describe('what cannot be read', () => {
  test('a port that nobody listens on', async () => {
    const { port } = await serve(() => undefined);
    closing.pop()?.();
    await expect(inside()(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'remote_unreachable',
      message: expect.stringContaining('refuses the connection'),
    });
  });

  test('a name without an address', async () => {
    expect(await codeOf(outside({ resolve: async () => [] })('https://idp.example/'))).toBe('remote_unreachable');
    const unknown = Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' });
    await expect(outside({ resolve: () => Promise.reject(unknown) })('https://idp.example/')).rejects.toMatchObject({
      code: 'remote_unreachable',
      message: 'idp.example cannot be read: its name is not known',
    });
  });

  test.each([
    ['what is not HTTP', 'hello\r\n\r\n'],
    ['an answer that breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['a header without end', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(100_000)}`],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ])('%s', async (_what, bytes) => {
    const server = createSocketServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(bytes));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    expect(await codeOf(inside()(`http://127.0.0.1:${port}/`))).toBe('remote_unreachable');
  });

  test('a certificate that nobody vouches for', async () => {
    const pems = await generate([{ name: 'commonName', value: 'localhost' }], { algorithm: 'sha256' });
    const server = createSecureServer({ key: pems.private, cert: pems.cert }, (_request, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    await expect(inside()(`https://localhost:${port}/`)).rejects.toMatchObject({
      code: 'remote_unreachable',
      message: expect.stringContaining('not one that is trusted'),
    });
  });
});
