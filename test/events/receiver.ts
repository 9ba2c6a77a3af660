/** A receiver of webhooks on loopback, as somebody builds one from the specification: it believes what is signed, and nothing else. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';
import { until } from '../support/until.ts';
import type { Heard } from './subscriber.ts';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: Heard;
  readonly at: number;
}

/** How a request is answered; the default is 204. */
export type Answer = (received: Received, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  answer(how: Answer | number): void;
  /** The requests, once there are so many. */
  waitFor(count: number, ms?: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

const open = new Set<() => Promise<void>>();
afterAll(async () => {
  for (const close of open) await close();
});

/** Listens on a port of its own, or on the one that is named, until the file ends. */
export async function openReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  let how: Answer = (_received, response) => response.writeHead(204).end();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      const one = { headers: request.headers, body, event: JSON.parse(body) as Heard, at: Date.now() };
      received.push(one);
      how(one, response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    if (!open.delete(close)) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  open.add(close);
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    received,
    answer(next) {
      how = typeof next === 'number' ? (_received, response) => response.writeHead(next).end(`says ${next}`) : next;
    },
    async waitFor(count, ms) {
      await until(`${count} requests`, () => received.length >= count, ms);
      return received;
    },
    close,
  };
}

/** Standard Webhooks, "Verifying signatures": any of the signatures, over id, timestamp and body, with the bytes of the secret. */
export function verifies(secret: string, { headers, body }: Received, now = Date.now()): boolean {
  const [id, timestamp, given] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  if (Math.abs(now / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return (given ?? '').split(' ').some((one) => {
    const [version, signature = ''] = one.split(',');
    const bytes = Buffer.from(signature, 'base64');
    return version === 'v1' && bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
}
