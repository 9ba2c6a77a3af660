/** How a form may come to the ACS, and how not: media types, encodings, doubled and strange fields (docs/sso-threats.md, B20, B25; OPS-1). */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type supertest from 'supertest';
import { craftResponse } from './craft.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from './world.ts';

const form = 'application/x-www-form-urlencoded';
let world: SamlWorld;
let pair: Pair;

beforeAll(async () => {
  world = await openSamlWorld();
  pair = await world.connect({ vendor: 'ping' });
});

interface Sent {
  readonly response: string;
  readonly state: string;
}

const path = () => `/sso/saml/${pair.connection._id}/acs`;
const bodyOf = ({ response, state }: Sent): string =>
  new URLSearchParams({ SAMLResponse: response, RelayState: state }).toString();
/** By a request that has only its address and cookie yet. */
type Send = (request: supertest.Test, sent: Sent) => supertest.Test;
const typed =
  (type: string, write: (sent: Sent) => string | object = bodyOf): Send =>
  (request, sent) =>
    request.set('content-type', type).send(write(sent));
const written = (write: (sent: Sent) => string): Send => typed(form, write);
/** As bytes, which the client must not take for text. */
const encoded =
  (encoding: string, pack: (body: string) => Buffer): Send =>
  (request, sent) => {
    request.set('content-type', form).set('content-encoding', encoding);
    request.serialize((packed) => packed as unknown as string);
    return request.send(pack(bodyOf(sent)));
  };

async function send(post: Send) {
  const left = await world.start(pair);
  const response = await craftResponse(pair.idp, pair.to, ann, { request: left.request.id, at: world.now() });
  const sent = { response, state: left.relayState };
  const ended = await world.endOf(await post(world.gatehouse.request.post(path()).set('cookie', left.cookie), sent));
  // What could not be read has taken nothing: the honest form still ends the sign-in.
  const after = await world.post(pair, response, left);
  return { ended, after };
}

describe('a form is refused that comes', () => {
  test.each<readonly [string, number, Send]>([
    ['as plain text', 403, typed('text/plain')],
    [
      'as JSON',
      403,
      typed('application/json', ({ response: SAMLResponse, state: RelayState }) => ({ SAMLResponse, RelayState })),
    ],
    ['as XML', 403, typed('application/xml', ({ response }) => Buffer.from(response, 'base64').toString())],
    [
      'in parts',
      403,
      (request, { response, state }) => request.field('SAMLResponse', response).field('RelayState', state),
    ],
    ['in UTF-16', 415, typed(`${form}; charset=utf-16`)],
    ['in UTF-7', 415, typed(`${form}; charset=utf-7`)],
    ['compressed by something that nobody knows', 415, encoded('lzma', (body) => Buffer.from(body))],
    ['as gzip that is none', 400, encoded('gzip', (body) => Buffer.from(body))],
    ['as a bomb', 413, encoded('gzip', (body) => gzipSync(`${body}&x=${'x'.repeat(20_000_000)}`))],
    [
      'as a bomb of another kind',
      413,
      encoded('br', (body) => brotliCompressSync(`${body}&x=${'x'.repeat(20_000_000)}`)),
    ],
    ['too large', 413, written((sent) => `${bodyOf(sent)}&x=${'x'.repeat(950_000)}`)],
    ['with more fields than any form has', 413, written((sent) => `${bodyOf(sent)}${'&x=1'.repeat(30)}`)],
    ['with two responses', 403, written((sent) => `${bodyOf(sent)}&SAMLResponse=AAAA`)],
    ['with two responses, one of them empty', 403, written((sent) => `SAMLResponse=&${bodyOf(sent)}`)],
    ['with two states', 403, written((sent) => `${bodyOf(sent)}&RelayState=x`)],
    [
      'with its response in small letters',
      403,
      written((sent) => bodyOf(sent).replace('SAMLResponse', 'samlresponse')),
    ],
    ['with its response in a list', 403, written((sent) => bodyOf(sent).replace('SAMLResponse', 'SAMLResponse[0]'))],
    [
      'with its response in a prototype',
      403,
      written((sent) => bodyOf(sent).replace('SAMLResponse', '__proto__[SAMLResponse]')),
    ],
    [
      'with an artifact in the place of a response',
      403,
      written((sent) => bodyOf(sent).replace('SAMLResponse', 'SAMLart')),
    ],
    ['with its signs unescaped', 403, written((sent) => `SAMLResponse=${sent.response.replace('/', '+/')}`)],
  ])('%s', async (_title, status, post) => {
    const { ended, after } = await send(post);
    expect({ status: ended.status, signedIn: ended.signedIn }).toEqual({ status, signedIn: false });
    // Told of to the Admin, and (world.endOf has looked) in the audit.
    expect(ended.record).toMatchObject({ purpose: 'sign_in', outcome: 'refused', detail: expect.stringMatching(/\S/) });
    expect(ended.page).not.toContain(ended.record?.detail);
    expect(ended.page).not.toMatch(/Error:|at .*\.ts|node_modules/);
    expect(after).toMatchObject({ signedIn: true });
  });

  test('by an address: its response, and its state, count from the form alone', async () => {
    const left = await world.start(pair);
    const response = await craftResponse(pair.idp, pair.to, ann, { request: left.request.id, at: world.now() });
    const { request } = world.gatehouse;
    const asked = (query: object, body: object) =>
      request.post(path()).query(query).set('cookie', left.cookie).type('form').send(body);
    for (const [query, body] of [
      [{ SAMLResponse: response, RelayState: left.relayState }, {}],
      [{ SAMLResponse: response }, { RelayState: left.relayState }],
      [{ RelayState: left.relayState }, { SAMLResponse: response }],
    ] as const) {
      expect(await world.endOf(await asked(query, body))).toMatchObject({ status: 403, signedIn: false });
    }
    const other = { RelayState: '0'.repeat(64), SAMLResponse: 'AAAA' };
    const honest = { SAMLResponse: response, RelayState: left.relayState };
    expect(await world.endOf(await asked(other, honest))).toMatchObject({ status: 303, signedIn: true });
  });

  test('by another method', async () => {
    const { request } = world.gatehouse;
    for (const method of ['get', 'put', 'patch', 'delete'] as const) {
      const answer = await request[method](path()).set('x-http-method-override', 'POST');
      expect([404, 405]).toContain(answer.status);
    }
  });
});

test.each<readonly [string, Send]>([
  ['with its charset', typed(`${form}; charset=UTF-8`)],
  ['compressed', encoded('gzip', (body) => gzipSync(body))],
  ['with fields that nobody asked for', written((sent) => `${bodyOf(sent)}&session_state=x&__proto__[x]=1`)],
  [
    'in another order',
    written(({ response, state }) => `RelayState=${state}&SAMLResponse=${encodeURIComponent(response)}`),
  ],
])('a form is taken that comes %s', async (_title, post) => {
  expect((await send(post)).ended).toMatchObject({ status: 303, signedIn: true });
});
