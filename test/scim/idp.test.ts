/**
 * Plays the exchanges of idp/*.json against a fresh Gatehouse: the shapes of what identity providers send and look for
 * (SCIM-2). `{{name}}` stands for what an earlier answer was saved as; `body` is what the answer holds at least,
 * `absent` what it does not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openWorld, type ScimWorld } from './setup.ts';

interface Exchange {
  readonly title: string;
  readonly send: readonly [method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string];
  readonly contentType?: string;
  /** Another token than the directory's. */
  readonly token?: string;
  readonly body?: object;
  readonly answer: { readonly status: number; readonly body?: object; readonly absent?: readonly string[] };
  /** Name → dotted path in the answer. */
  readonly save?: Readonly<Record<string, string>>;
}

interface Recording {
  readonly client: string;
  readonly exchanges: readonly Exchange[];
}

const folder = new URL('./idp/', import.meta.url);
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name): Recording => JSON.parse(readFileSync(new URL(name, folder), 'utf8')));

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((held: unknown, key) => (held as Record<string, unknown> | undefined)?.[key], value);

function fill(exchange: Exchange, saved: Readonly<Record<string, string>>): Exchange {
  return JSON.parse(
    JSON.stringify(exchange).replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = saved[name];
      if (value === undefined) throw new Error(`nothing was saved as ${name}`);
      return JSON.stringify(value).slice(1, -1);
    }),
  );
}

describe.each(recordings)('$client works as it is (SCIM-2)', ({ exchanges }) => {
  let world: ScimWorld;
  const saved: Record<string, string> = {};

  beforeAll(async () => {
    world = await openWorld();
  });

  test.each(exchanges.map((exchange) => [exchange.title, exchange] as const))('%s', async (_title, recorded) => {
    const {
      send,
      body,
      answer,
      save = {},
      contentType = 'application/scim+json; charset=utf-8',
      token = world.token,
    } = fill(recorded, saved);
    const [method, path] = send;
    const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
    const asked = world.gatehouse.bearer(token, verb, `/scim/v2/${world.directory._id}${path}`);
    asked.set('Content-Type', contentType);
    const received = body ? await asked.send(JSON.stringify(body)) : await asked;

    expect([received.status, received.status < 400 ? '' : received.text]).toEqual([
      answer.status,
      answer.status < 400 ? '' : received.text,
    ]);
    if (answer.body) expect(received.body).toMatchObject(answer.body);
    for (const name of answer.absent ?? []) expect(at(received.body, name)).toBeUndefined();
    if (received.text) expect(received.headers['content-type']).toMatch(/^application\/scim\+json/);
    for (const [name, where] of Object.entries(save)) saved[name] = String(at(received.body, where));
  });
});
