/**
 * Where Gatehouse goes on somebody else's word: IdP metadata, issuers, and every endpoint that an issuer's metadata names. Nowhere but the public
 * internet, whatever a name resolves to at the moment; with bounds of size and time; nowhere that it was not sent (SSO-1).
 */
import { createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { refreshMetadataLater } from '../../src/sso/tasks.ts';
import type { Method, TestGatehouse } from '../support/gatehouse.ts';
import { idpCertificate } from '../support/idpCertificate.ts';
import { idpMetadata, serve } from './idpMetadata.ts';
import { type BrowserWorld, openBrowserWorld } from './oidc/browser.ts';
import { type EvilIdp, type Flaw, openEvilIdp, type Person } from './oidc/evilIdp.ts';

/** What names resolve to; those that no test has named are on loopback. */
const names = new Map<string, readonly string[]>();
const resolve = async (hostname: string) => names.get(hostname) ?? ['127.0.0.1'];

let idp: EvilIdp;
/** One that may reach private networks, and one that may not. */
let world: BrowserWorld;
let strict: BrowserWorld;

beforeAll(async () => {
  idp = await openEvilIdp();
  world = await openBrowserWorld({ resolve });
  strict = await openBrowserWorld({ resolve, env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'false' } });
});
beforeEach(() => {
  names.clear();
  idp.misbehave({});
});
afterAll(() => idp.close());

const port = () => new URL(idp.issuer).port;
/** Userinfo is asked, for the ID token names no address. */
const ann: Person = { sub: 'ann', name: 'Ann Lee' };

async function ask(gatehouse: TestGatehouse, status: number, method: Method, path: string, body?: object) {
  const answer = await gatehouse.operator(method, path).send(body);
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const homeOf = ({ organizationId }: BrowserWorld) => `/api/v1/organizations/${organizationId}`;
const connect = ({ gatehouse, ...place }: BrowserWorld, status: number, settings: object) =>
  ask(gatehouse, status, 'post', `/api/v1/organizations/${place.organizationId}/connections`, {
    name: 'IdP',
    ...settings,
  });
const bySaml = (metadataUrl: string) => ({ saml: { metadataUrl } });
const byOidc = (issuer: string) => ({ oidc: { issuer, clientId: 'gatehouse', clientSecret: 'client-secret' } });

/** How many refusals the audit tells of; what the last one says. */
async function told({ gatehouse, organizationId }: BrowserWorld) {
  const rows = await gatehouse.store.read.auditEvents.find(organizationId, { type: 'connection.refused' });
  return { count: rows.length, last: rows.toSorted((a, b) => (a._id < b._id ? -1 : 1)).at(-1) };
}

/** Both of what an Admin may give an address of are refused, and audited. */
async function refusesBoth(from: BrowserWorld, address: string): Promise<void> {
  const before = (await told(from)).count;
  for (const settings of [bySaml(`${address}/metadata`), byOidc(address)]) {
    const refused = await connect(from, 400, settings);
    expect(refused.code).toBe('address_refused');
    // Not what the name resolves to, nor whether anybody answers there.
    for (const found of [...names.values()].flat()) expect(refused.detail).not.toContain(found);
  }
  const after = await told(from);
  expect(after.count).toBe(before + 2);
  expect(after.last).toMatchObject({ outcome: 'refused', after: { code: 'address_refused' } });
}

/** Addresses that hand out credentials, or that are nobody's: never, also where private networks are allowed. */
const never: readonly string[] = [
  'http://169.254.169.254',
  'http://169.254.170.2',
  'http://[fe80::1]',
  'http://[fd00:ec2::254]',
  'http://100.100.100.200',
  'http://168.63.129.16',
  'http://192.0.0.192',
  'http://[::ffff:169.254.169.254]',
  'http://[64:ff9b::a9fe:a9fe]',
  'http://[2002:a9fe:a9fe::1]',
  'http://2852039166',
  'http://0xa9fea9fe',
  'http://0251.0376.0251.0376',
  'http://0.0.0.0',
  'http://224.0.0.1',
  'http://255.255.255.255',
];

/** Where only the public internet is to be reached. */
const withinOnly: readonly string[] = [
  'https://127.0.0.1',
  'https://127.1',
  'https://localhost',
  'https://[::1]',
  'https://[::ffff:127.0.0.1]',
  'https://10.0.0.1',
  'https://172.16.0.1',
  'https://192.168.1.1',
  'https://100.64.0.1',
  'https://[fc00::1]',
  'https://[::ffff:10.0.0.1]',
  'https://name-of-a-private-address.test',
  'http://idp.example',
];

describe('addresses that an Admin gives', () => {
  let honest: { readonly path: string; readonly metadataUrl: string };
  beforeAll(async () => {
    const base = await serve((_request, response) => response.end(idpMetadata({ certificates: [idpCertificate] })));
    const metadataUrl = `${base}/metadata`;
    const { id } = await connect(world, 201, bySaml(metadataUrl));
    honest = { path: `${homeOf(world)}/connections/${id}`, metadataUrl };
  });

  test.each(never)('%s is refused, whatever is allowed', async (address) => {
    await refusesBoth(world, address);
    await ask(world.gatehouse, 200, 'patch', honest.path, bySaml(honest.metadataUrl));
  });

  test.each(withinOnly)('%s is refused where private networks are not allowed', async (address) => {
    names.set('name-of-a-private-address.test', ['10.1.2.3']);
    await refusesBoth(strict, address);
    // Where they are, it is tried; nobody answers there.
    names.clear();
    expect((await connect(world, 400, bySaml(`${address}:9/metadata`))).code).toBe('remote_unreachable');
  });

  test('a name with one good address and one bad is refused', async () => {
    names.set('two-faced.test', ['127.0.0.1', '169.254.169.254']);
    await refusesBoth(world, `http://two-faced.test:${port()}`);
    names.set('two-faced.test', ['127.0.0.1']);
    const metadata = (honest: object) => ({ ...honest, issuer: `http://two-faced.test:${port()}` });
    idp.misbehave({ metadata });
    await connect(world, 201, byOidc(`http://two-faced.test:${port()}`));
  });

  test('a file, another protocol and a password are refused', async () => {
    for (const address of [
      'file:///etc/passwd',
      'ftp://idp.example',
      'gopher://127.0.0.1:6379/_',
      'http://a:b@127.0.0.1',
    ]) {
      expect((await connect(world, 400, bySaml(address))).code).toBe('address_refused');
      expect((await connect(world, 400, byOidc(address))).code).toBe('issuer_invalid');
    }
  });
});

describe('what answers there', () => {
  const page = idpMetadata({ certificates: [idpCertificate] });
  let base: string;
  let answer: Parameters<typeof serve>[0];
  beforeAll(async () => {
    base = await serve((request, response) => answer(request, response));
  });

  test.each<readonly [string, Parameters<typeof serve>[0], string]>([
    [
      'a redirect to a metadata service',
      (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
      'address_refused',
    ],
    [
      'a redirect to a file',
      (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      'address_refused',
    ],
    [
      'a redirect to itself',
      (_request, response) => response.writeHead(302, { location: '/again' }).end(),
      'remote_unreachable',
    ],
    [
      'an answer without end',
      (_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      },
      'remote_too_large',
    ],
    [
      'an answer that says how long it is',
      (_request, response) => response.writeHead(200, { 'content-length': '99999999999' }).end(),
      'remote_too_large',
    ],
    [
      'a compressed answer',
      (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      'remote_unreachable',
    ],
    [
      'an answer that drips',
      (_request, response) => {
        const drip = setInterval(() => response.write(' '), 300);
        response.on('close', () => clearInterval(drip));
      },
      'remote_unreachable',
    ],
  ])('metadata: %s is refused, and the same address taken once it answers', async (_title, bad, code) => {
    answer = bad;
    const before = (await told(world)).count;
    expect((await connect(world, 400, bySaml(`${base}/metadata`))).code).toBe(code);
    expect((await told(world)).count).toBe(before + 1);
    answer = (_request, response) => response.end(page);
    await connect(world, 201, bySaml(`${base}/metadata`));
  });

  test.each<readonly [string, Parameters<typeof serve>[0], RegExp]>([
    [
      'a redirect, also to where an honest one answers',
      (_request, response) =>
        response.writeHead(302, { location: `${idp.issuer}/.well-known/openid-configuration` }).end(),
      /^issuer_invalid$/,
    ],
    [
      'metadata without end',
      (_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      },
      /^remote_too_large$/,
    ],
    ['no answer', () => undefined, /^remote_unreachable$/],
    ['no JSON', (_request, response) => response.end('<html></html>'), /^issuer_invalid$/],
  ])('discovery: %s is refused, and the same issuer taken once it answers', async (_title, bad, code) => {
    answer = bad;
    expect((await connect(world, 400, byOidc(base))).code).toMatch(code);
    answer = (_request, response) => {
      const endpoints = { authorization_endpoint: `${base}/a`, token_endpoint: `${base}/t`, jwks_uri: `${base}/k` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ issuer: base, ...endpoints }));
    };
    await connect(world, 201, byOidc(base));
  });
});

const endpoints = ['token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const;
const pathOf = { token_endpoint: '/token', jwks_uri: '/jwks', userinfo_endpoint: '/userinfo' } as const;
/** The metadata names another address for this endpoint. */
const elsewhere = (endpoint: (typeof endpoints)[number], address: string): Flaw => ({
  metadata: (honest) => ({ ...honest, [endpoint]: address }),
});

async function signIn(flaw: Flaw) {
  idp.misbehave(flaw);
  return world.signIn(await world.connect(idp.issuer), idp, ann, flaw);
}

describe.each(endpoints)('the %s that the metadata names', (endpoint) => {
  const asked = () => idp.requests.filter(({ path }) => path === pathOf[endpoint]).length;

  test.each(never)('at %s is never asked', async (address) => {
    const bad = await signIn(elsewhere(endpoint, `${address}/x`));
    expect(await signIn({})).toMatchObject({ signedIn: true });
    expect(bad).toMatchObject({
      status: 403,
      signedIn: false,
      record: { outcome: 'refused', code: 'idp_unreachable' },
    });
    expect(bad.record?.detail).toMatch(/is not reached/);
    expect(bad.page).not.toMatch(/169\.254|reached|unreachable/);
  });

  test('at a name that has come to mean another address since (DNS rebinding)', async () => {
    const flaw = elsewhere(endpoint, `http://rebound.test:${port()}${pathOf[endpoint]}`);
    idp.misbehave(flaw);
    const connection = await world.connect(idp.issuer);
    const left = await world.start(connection);
    if (!('address' in left)) throw new Error(left.text);
    names.set('rebound.test', ['169.254.169.254']);
    const before = asked();
    const bad = await world.finish(idp.authorize(left.address, ann, flaw), left.cookie);
    expect(bad).toMatchObject({ signedIn: false, record: { code: 'idp_unreachable' } });
    expect(asked()).toBe(before);
    names.delete('rebound.test');
    expect(await world.signIn(connection, idp, ann, flaw)).toMatchObject({ signedIn: true });
    expect(asked()).toBeGreaterThan(before);
  });

  test('that redirects is not followed, wherever to', async () => {
    const base = await serve((_request, response) =>
      response.writeHead(307, { location: `${idp.issuer}${pathOf[endpoint]}` }).end(),
    );
    const before = asked();
    expect(await signIn(elsewhere(endpoint, base))).toMatchObject({ signedIn: false, record: { outcome: 'refused' } });
    expect(asked()).toBe(before);
  });
});

test('a token endpoint that answers drop by drop is given up in time', async () => {
  const base = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 300);
    response.on('close', () => clearInterval(drip));
  });
  expect(await signIn(elsewhere('token_endpoint', base))).toMatchObject({
    signedIn: false,
    record: { code: 'idp_unreachable' },
  });
  expect(await signIn({})).toMatchObject({ signedIn: true });
});

describe('a name that has come to mean another address since (DNS rebinding)', () => {
  test('is not read again as metadata: nothing changes, and it is told of', async () => {
    let readings = 0;
    const base = await serve((_request, response) => {
      readings += 1;
      response.end(idpMetadata({ certificates: [idpCertificate] }));
    });
    const { id } = await connect(world, 201, bySaml(`http://rebound.test:${new URL(base).port}/`));
    names.set('rebound.test', ['169.254.169.254']);
    const refresh = async (hours: number) => {
      const at = new Date(Date.now() + hours * 3_600_000);
      const cause = { actor: 'job:refresh', requestId: 'test' };
      await refreshMetadataLater(world.gatehouse.store, cause, { at, goOn: () => true });
      await world.gatehouse.queue?.idle();
      return (await ask(world.gatehouse, 200, 'get', `${homeOf(world)}/connections/${id}`)).saml;
    };
    const faulty = await refresh(7);
    expect(faulty.metadata.fault).toMatch(/is not reached/);
    expect(faulty.certificates).toHaveLength(1);
    expect(readings).toBe(1);
    names.delete('rebound.test');
    expect((await refresh(14)).metadata.fault).toBeUndefined();
    expect(readings).toBe(2);
  });

  test('is not asked for an issuer’s metadata at a sign-in', async () => {
    const issuer = `http://rebound.test:${port()}`;
    const flaw: Flaw = {
      metadata: (honest) => ({ ...honest, issuer, authorization_response_iss_parameter_supported: undefined }),
      claims: (honest) => ({ ...honest, iss: issuer }),
      callback: (url) => {
        url.searchParams.delete('iss');
        return url;
      },
    };
    idp.misbehave(flaw);
    names.set('rebound.test', ['169.254.169.254']);
    const connection = await world.connect(issuer, { announcesIss: false });
    expect(await world.signIn(connection, idp, ann, flaw)).toMatchObject({
      status: 403,
      signedIn: false,
      record: { code: 'idp_unreachable', detail: expect.stringMatching(/is not reached/) },
    });
    names.delete('rebound.test');
    expect(await world.signIn(connection, idp, ann, flaw)).toMatchObject({ signedIn: true });
  });
});

test('a port that answers nothing is given up in time, at a sign-in too', async () => {
  const silent = createServer();
  const silentPort = await new Promise<number>((opened) =>
    silent.listen(0, '127.0.0.1', () => opened((silent.address() as { port: number }).port)),
  );
  const connection = await world.connect(`http://127.0.0.1:${silentPort}`);
  expect(await world.signIn(connection, idp, ann)).toMatchObject({
    signedIn: false,
    record: { code: 'idp_unreachable' },
  });
  silent.close();
});

describe('an issuer that skips its own check', () => {
  test.each([
    '/.well-known/openid-configuration',
    '/.well-known/',
    '/x/.WELL-KNOWN/y',
    '/%2ewell-known/openid-configuration',
  ])('given with %s, it is refused when it is made, when it is changed, and at a sign-in', async (path) => {
    const before = (await told(world)).count;
    expect((await connect(world, 400, byOidc(idp.issuer + path))).code).toBe('issuer_invalid');
    const made = await connect(world, 201, byOidc(idp.issuer));
    const address = `${homeOf(world)}/connections/${made.id}`;
    const oidc = { issuer: idp.issuer + path };
    expect((await ask(world.gatehouse, 400, 'patch', address, { oidc })).code).toBe('issuer_invalid');
    expect((await told(world)).count).toBe(before + 2);
    expect((await told(world)).last?.detail).toMatch(/well-known/);
    const kept = await world.connect(idp.issuer + path);
    expect(await world.signIn(kept, idp, ann)).toMatchObject({
      signedIn: false,
      record: { code: 'issuer_mismatch', detail: expect.stringMatching(/well-known/) },
    });
    expect(await world.signIn(await world.connect(idp.issuer), idp, ann)).toMatchObject({ signedIn: true });
  });
});
