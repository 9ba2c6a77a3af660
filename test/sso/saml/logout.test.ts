/** Log-out between us and a SAML IdP, begun by either (SSO-2), and our metadata (SSO-1). */
import { createVerify } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type supertest from 'supertest';
import { SignedXml } from 'xml-crypto';
import { findAccountByProvenEmail, findLiveSession, worthIn } from '../../../src/access/index.ts';
import {
  type LogoutFacts,
  newSamlId,
  readSamlRequest,
  type SamlKey,
  signForm,
  signRedirect,
  writeLogoutRequest,
  writeLogoutResponse,
} from '../../../src/simulator/index.ts';
import { craftResponse } from './craft.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from './world.ts';

let world: SamlWorld;
beforeAll(async () => {
  world = await openSamlWorld();
});

const sloUrl = (pair: Pair): string => pair.to.acsUrl.replace(/acs$/, 'slo');
const pathOf = (url: string): string => new URL(url).pathname;

interface SignedIn {
  readonly token: string;
  readonly cookies: string;
  readonly index: string;
}

/** A session of Ann's through this connection. */
async function signIn(pair: Pair, index = newSamlId(), person = ann): Promise<SignedIn> {
  const left = await world.start(pair);
  const response = await craftResponse(pair.idp, pair.to, person, {
    request: left.request.id,
    at: world.now(),
    craft: { facts: (facts) => ({ ...facts, sessionIndex: index }) },
  });
  const answer = await world.gatehouse.request
    .post(pathOf(pair.to.acsUrl))
    .set('cookie', left.cookie)
    .type('form')
    .send({ SAMLResponse: response, RelayState: left.relayState });
  const cookies = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
  const token = /gatehouse-session=([^;]+)/.exec(cookies.join('\n'))?.[1];
  if (token === undefined) throw new Error(`not signed in: ${answer.status} ${answer.text}`);
  return { token, cookies: `${left.cookie}; gatehouse-session=${token}`, index };
}

/** Whether the session is still worth something in the organization of the connection. */
async function counts(pair: Pair, { token }: SignedIn): Promise<boolean> {
  const { read } = world.gatehouse.store;
  const session = await findLiveSession(read, token, world.now());
  const organization = await read.organizations.get(pair.connection.organizationId, pair.connection.organizationId);
  const account =
    session && (await read.members.findOne(pair.connection.organizationId, { accountId: session.accountId }));
  return session !== undefined && organization !== undefined && worthIn(session, organization, account) === 'counts';
}

const factsOf = (pair: Pair, change: Partial<LogoutFacts> = {}): LogoutFacts => ({
  id: newSamlId(),
  issuer: pair.idp.entityId,
  destination: sloUrl(pair),
  at: world.now(),
  ...change,
});

type Binding = 'redirect' | 'post';

function send(pair: Pair, binding: Binding, xml: string, key: SamlKey = pair.idp.keys[0]): Promise<supertest.Response> {
  const path = pathOf(sloUrl(pair));
  const field = xml.includes(':LogoutResponse') ? 'SAMLResponse' : 'SAMLRequest';
  if (binding === 'redirect') return world.gatehouse.request.get(`${path}?${signRedirect(field, xml, key, 'theirs')}`);
  return world.gatehouse.request
    .post(path)
    .type('form')
    .send({ [field]: signForm(field, xml, key), RelayState: 'theirs' });
}

describe('the IdP ends a session', () => {
  test.each<Binding>(['redirect', 'post'])(
    'by %s: the one that it names, and it is told so, signed',
    async (binding) => {
      const pair = await world.connect({ saml: { sloBinding: binding } });
      const [here, there] = [await signIn(pair), await signIn(pair)];
      const facts = factsOf(pair);
      const answer = await send(pair, binding, writeLogoutRequest(facts, { nameId: ann.email, indexes: [here.index] }));
      expect([await counts(pair, here), await counts(pair, there)]).toEqual([false, true]);
      if (binding === 'redirect') {
        expect(answer.status).toBe(303);
        const url = new URL(answer.headers.location ?? '');
        expect(url.origin + url.pathname).toBe(pair.idp.sloUrl);
        expect(url.searchParams.get('RelayState')).toBe('theirs');
        const response = readSamlRequest(url.searchParams.get('SAMLResponse') ?? '', 'redirect');
        expect(response).toMatchObject({ kind: 'LogoutResponse', issuer: pair.to.entityId });
        expect(response.xml).toContain(`InResponseTo="${facts.id}"`);
        expect(response.xml).toContain('status:Success');
        const [signed, signature] = url.search.slice(1).split('&Signature=');
        const verifies = createVerify('RSA-SHA256')
          .update(signed ?? '')
          .verify(world.keys.own.certificate, decodeURIComponent(signature ?? ''), 'base64');
        expect(verifies).toBe(true);
      } else {
        expect(answer.status).toBe(200);
        expect(answer.text).toContain(`action="${pair.idp.sloUrl}"`);
        const field = /name="SAMLResponse" value="([^"]+)"/.exec(answer.text)?.[1] ?? '';
        const { xml, kind } = readSamlRequest(field, 'post');
        expect(kind).toBe('LogoutResponse');
        expect(xml).toContain(`InResponseTo="${facts.id}"`);
        expect(isSignedBy(xml, world.keys.own)).toBe(true);
      }
    },
  );

  test.each<Binding>(['redirect', 'post'])(
    'by %s: it is answered where it takes answers, and asked where it is asked (ResponseLocation)',
    async (binding) => {
      const sloResponseUrl = 'https://idp.example/slo/answers?of=1';
      const pair = await world.connect({ saml: { sloBinding: binding, sloResponseUrl } });
      const { index } = await signIn(pair);
      const answer = await send(
        pair,
        binding,
        writeLogoutRequest(factsOf(pair), { nameId: ann.email, indexes: [index] }),
      );
      const [field, to] =
        binding === 'redirect'
          ? [
              new URL(answer.headers.location ?? '').searchParams.get('SAMLResponse') ?? '',
              (answer.headers.location ?? '').split('&')[0],
            ]
          : [
              /name="SAMLResponse" value="([^"]+)"/.exec(answer.text)?.[1] ?? '',
              /action="([^"]+)"/.exec(answer.text)?.[1],
            ];
      expect(to).toBe(sloResponseUrl);
      expect(readSamlRequest(field, binding).xml).toContain(`Destination="${sloResponseUrl}"`);
    },
  );

  test('by its name for the person: all of them, but nobody else, and nothing elsewhere (SSO-5)', async () => {
    const pair = await world.connect();
    const other = await world.connect();
    const bea = { ...ann, email: 'bea@acme.test' };
    const ours = [await signIn(pair), await signIn(pair)];
    const elsewhere = [await signIn(other), await signIn(pair, newSamlId(), bea)];
    await send(pair, 'redirect', writeLogoutRequest(factsOf(pair), { nameId: ann.email }));
    for (const session of ours) expect(await counts(pair, session)).toBe(false);
    for (const session of elsewhere) expect(await counts(pair, session)).toBe(true);
  });

  test('by its session alone, where the connection knows people by an attribute', async () => {
    const subject = ['urn:oasis:names:tc:SAML:attribute:subject-id'];
    const pair = await world.connect({ vendor: 'shibboleth', claims: { subject } });
    const session = await signIn(pair, newSamlId(), { ...ann, id: 'by-attribute' });
    const passing = writeLogoutRequest(factsOf(pair), { nameId: '_passing', indexes: [session.index] });
    expect((await send(pair, 'post', passing)).status).toBe(303);
    expect(await counts(pair, session)).toBe(false);
  });

  test('by a NameID, where the connection knows people by an attribute: whoever it is, and not whom the attribute calls so', async () => {
    const pair = await world.connect({ vendor: 'keycloak', claims: { subject: ['email'] } });
    const [cleo, dora] = [
      { ...ann, id: 'dora@acme.test', email: 'cleo@acme.test' },
      { ...ann, id: 'id-of-dora', email: 'dora@acme.test' },
    ];
    const sessions = [await signIn(pair, newSamlId(), cleo), await signIn(pair, newSamlId(), dora)] as const;
    // Cleo's NameID is what Dora's attribute says.
    await send(pair, 'redirect', writeLogoutRequest(factsOf(pair), { nameId: 'dora@acme.test' }));
    expect([await counts(pair, sessions[0]), await counts(pair, sessions[1])]).toEqual([false, true]);
  });

  test('and hears the RelayState that it has signed, whatever else the address holds', async () => {
    const pair = await world.connect();
    const session = await signIn(pair);
    const xml = writeLogoutRequest(factsOf(pair), { nameId: ann.email, indexes: [session.index] });
    const signed = signRedirect('SAMLRequest', xml, pair.idp.keys[0]);
    const path = pathOf(sloUrl(pair));
    const answer = await world.gatehouse.request.get(`${path}?${signed}&%52elayState=evil&Relay%53tate=evil`);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).not.toContain('evil');
  });

  test('is written to the audit', async () => {
    const pair = await world.connect();
    await signIn(pair);
    await send(pair, 'redirect', writeLogoutRequest(factsOf(pair), { nameId: ann.email }));
    const account = await findAccountByProvenEmail(world.gatehouse.store.read, ann.email);
    const { read } = world.gatehouse.store;
    const events = await read.auditEvents.find(world.organizationId, {
      type: 'session.ended_by_idp',
      targetId: account?._id ?? '',
    });
    expect(events.map(({ after }) => after)).toContainEqual({ connectionId: pair.connection._id, sessions: 1 });
  });
});

describe('a request to end a session is refused, and the honest one ends it', () => {
  const minutes = (by: number) => new Date(world.now().getTime() + by * 60_000);
  type Flaw = (pair: Pair, index: string) => Promise<supertest.Response>;
  const honest = (pair: Pair, index: string, change: Partial<LogoutFacts> = {}) =>
    writeLogoutRequest(factsOf(pair, change), { nameId: ann.email, indexes: [index] });
  const get = (pair: Pair, query: string) => world.gatehouse.request.get(`${pathOf(sloUrl(pair))}?${query}`);
  const post = (pair: Pair, body: object) =>
    world.gatehouse.request
      .post(pathOf(sloUrl(pair)))
      .type('form')
      .send(body);
  const query = (pair: Pair, index: string, algorithm?: string) =>
    signRedirect('SAMLRequest', honest(pair, index), pair.idp.keys[0], undefined, algorithm);

  test.each<readonly [string, Flaw]>([
    ['unsigned, by redirect', (pair, index) => get(pair, query(pair, index).replace(/&SigAlg.*/, ''))],
    ['with an algorithm and no signature', (pair, index) => get(pair, query(pair, index).replace(/&Signature.*/, ''))],
    ['with an empty signature', (pair, index) => get(pair, query(pair, index).replace(/&Signature=.*/, '&Signature='))],
    [
      'unsigned, by form',
      (pair, index) => post(pair, { SAMLRequest: Buffer.from(honest(pair, index)).toString('base64') }),
    ],
    ['by a stranger, by redirect', (pair, index) => send(pair, 'redirect', honest(pair, index), world.keys.stranger)],
    ['by a stranger, by form', (pair, index) => send(pair, 'post', honest(pair, index), world.keys.stranger)],
    ['with another RelayState than was signed', (pair, index) => get(pair, `${query(pair, index)}&RelayState=evil`)],
    ['signed with SHA-1', (pair, index) => get(pair, query(pair, index, 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'))],
    ['signed with HMAC', (pair, index) => get(pair, query(pair, index).replace('rsa-sha256', 'hmac-sha256'))],
    ['with two requests in its address', (pair, index) => get(pair, `${query(pair, index)}&${query(pair, index)}`)],
    ['with a response beside it', (pair, index) => get(pair, `${query(pair, index)}&SAMLResponse=x`)],
    [
      'that was changed',
      (pair, index) =>
        post(pair, {
          SAMLRequest: Buffer.from(
            Buffer.from(signForm('SAMLRequest', honest(pair, 'x'), pair.idp.keys[0]), 'base64')
              .toString()
              .replace('>x<', `>${index}<`),
          ).toString('base64'),
        }),
    ],
    [
      'of another IdP',
      (pair, index) => send(pair, 'redirect', honest(pair, index, { issuer: 'https://evil.example' })),
    ],
    [
      'for somebody else',
      (pair, index) => send(pair, 'redirect', honest(pair, index, { destination: 'https://other.example/slo' })),
    ],
    ['of half an hour ago', (pair, index) => send(pair, 'redirect', honest(pair, index, { at: minutes(-30) }))],
    ['of the future', (pair, index) => send(pair, 'redirect', honest(pair, index, { at: minutes(5) }))],
    [
      'that has expired',
      (pair, index) =>
        send(pair, 'redirect', honest(pair, index).replace(' Version', ' NotOnOrAfter="2020-01-01T00:00:00Z" Version')),
    ],
    [
      'of version 1.1',
      (pair, index) => send(pair, 'redirect', honest(pair, index).replace('Version="2.0"', 'Version="1.1"')),
    ],
    ['with a document type', (pair, index) => send(pair, 'redirect', `<!DOCTYPE x>${honest(pair, index)}`)],
    [
      'with a comment',
      (pair, index) =>
        send(pair, 'redirect', honest(pair, index).replace('</saml:NameID>', '<!---->.evil</saml:NameID>')),
    ],
    ['that inflates without end', (pair) => send(pair, 'redirect', `<x>${'x'.repeat(5_000_000)}</x>`)],
    ['for nobody', (pair) => send(pair, 'redirect', writeLogoutRequest(factsOf(pair), {}))],
    ['without an id', (pair, index) => send(pair, 'redirect', honest(pair, index).replace(/ ID="[^"]*"/, ' ID=""'))],
    [
      'inside of another element',
      (pair, index) => send(pair, 'redirect', `<x:y xmlns:x="urn:x">${honest(pair, index)}</x:y>`),
    ],
    ['empty', (pair) => get(pair, '')],
  ])('%s', async (_title, flaw) => {
    const pair = await world.connect();
    const session = await signIn(pair);
    const refused = await flaw(pair, session.index);
    // The reference of the page leads the Admin to the reason, which is in the audit too (world.endOf looks there).
    const { status, page, record } = await world.endOf(refused);
    expect({ status, purpose: record?.purpose, outcome: record?.outcome }).toEqual({
      status: 403,
      purpose: 'sign_out',
      outcome: 'refused',
    });
    expect(record?.detail).toMatch(/\S/);
    expect(page).not.toContain(record?.detail);
    expect(page).not.toContain(record?.code);
    expect(await counts(pair, session)).toBe(true);
    expect((await send(pair, 'redirect', honest(pair, session.index))).status).toBe(303);
    expect(await counts(pair, session)).toBe(false);
  });

  test('sent again, it ends no later session; at once, one of them counts', async () => {
    const pair = await world.connect();
    const first = await signIn(pair);
    const once = writeLogoutRequest(factsOf(pair), { nameId: ann.email });
    const answers = await Promise.all([1, 2, 3, 4].map(() => send(pair, 'redirect', once)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 403, 403, 403]);
    expect(await counts(pair, first)).toBe(false);
    const second = await signIn(pair);
    expect((await send(pair, 'redirect', once)).status).toBe(403);
    expect(await counts(pair, second)).toBe(true);
  });

  test('that of one connection ends nothing at another of the same IdP', async () => {
    const entityId = 'https://shared.example/idp';
    const [one, two] = [await world.connect({ entityId }), await world.connect({ entityId })];
    const session = await signIn(two);
    const forOne = signRedirect(
      'SAMLRequest',
      writeLogoutRequest(factsOf(one), { nameId: ann.email }),
      one.idp.keys[0],
    );
    expect((await get(two, forOne)).status).toBe(403);
    expect(await counts(two, session)).toBe(true);
  });
});

describe('a person signs out here', () => {
  /** By the page's own form, as a browser does. */
  async function signOut({ cookies }: SignedIn): Promise<supertest.Response> {
    const page = await world.gatehouse.request.get('/sign-out').set('cookie', cookies);
    const form_token = /name="form_token" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    expect(page.headers['content-security-policy']).toContain("form-action 'self' https:;");
    return world.gatehouse.request
      .post('/sign-out')
      .set('cookie', cookies)
      .set('origin', 'http://gatehouse.test')
      .type('form')
      .send({ form_token });
  }

  test.each<Binding>(['redirect', 'post'])('and at the IdP, too, by %s', async (binding) => {
    const pair = await world.connect({ vendor: 'google', saml: { sloBinding: binding } });
    const session = await signIn(pair);
    const answer = await signOut(session);
    expect(await counts(pair, session)).toBe(false);
    let request: ReturnType<typeof readSamlRequest>;
    let state: string;
    if (binding === 'redirect') {
      expect(answer.status).toBe(303);
      const { searchParams } = new URL(answer.headers.location ?? '');
      expect(searchParams.get('Signature')).toBeTruthy();
      request = readSamlRequest(searchParams.get('SAMLRequest') ?? '', 'redirect');
      state = searchParams.get('RelayState') ?? '';
    } else {
      request = readSamlRequest(/name="SAMLRequest" value="([^"]+)"/.exec(answer.text)?.[1] ?? '', 'post');
      state = /name="RelayState" value="([^"]+)"/.exec(answer.text)?.[1] ?? '';
      expect(isSignedBy(request.xml, world.keys.own)).toBe(true);
    }
    expect(request.kind).toBe('LogoutRequest');
    expect(request.xml).toContain(`>${ann.email}</saml:NameID>`);
    expect(request.xml).toContain(`>${session.index}</`);

    const respond = (status: string, inResponseTo = request.id, relayState = state) => {
      const xml = writeLogoutResponse(factsOf(pair), inResponseTo, status);
      const query = signRedirect('SAMLResponse', xml, pair.idp.keys[0], relayState);
      return world.gatehouse.request.get(`${pathOf(sloUrl(pair))}?${query}`).set('cookie', session.cookies);
    };
    expect((await respond('Success', request.id, '0'.repeat(64))).status).toBe(403);
    expect(await respond('Success')).toMatchObject({
      status: 200,
      text: expect.stringContaining('You are signed out'),
    });
    expect((await respond('Success')).status).toBe(403);
  });

  test('an answer without our RelayState is known by the request that it answers, in the browser that asked, once', async () => {
    const pair = await world.connect({ vendor: 'entra' });
    const session = await signIn(pair);
    const { searchParams } = new URL((await signOut(session)).headers.location ?? '');
    const { id } = readSamlRequest(searchParams.get('SAMLRequest') ?? '', 'redirect');
    const respond = (inResponseTo: string, cookies: string, relayState?: string) => {
      const xml = writeLogoutResponse(factsOf(pair), inResponseTo, 'Success');
      const query = signRedirect('SAMLResponse', xml, pair.idp.keys[0], relayState);
      return world.gatehouse.request.get(`${pathOf(sloUrl(pair))}?${query}`).set('cookie', cookies);
    };
    expect((await respond(id, '')).status).toBe(403);
    expect((await respond(`_${'0'.repeat(64)}`, session.cookies)).status).toBe(403);
    expect((await respond('', session.cookies)).status).toBe(403);
    const done = await respond(id, session.cookies, '');
    expect(done).toMatchObject({ status: 200, text: expect.stringContaining('You are signed out') });
    expect((await respond(id, session.cookies)).status).toBe(403);
  });

  /** Signs out, and answers as the IdP does; `inside`: the status in its status. */
  async function answeredWith(pair: Pair, status: string, inside?: string): Promise<supertest.Response> {
    const session = await signIn(pair);
    const { searchParams } = new URL((await signOut(session)).headers.location ?? '');
    const { id } = readSamlRequest(searchParams.get('SAMLRequest') ?? '', 'redirect');
    const code = (name: string) => `<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${name}"`;
    const plain = writeLogoutResponse(factsOf(pair), id, status);
    const xml = inside
      ? plain.replace(/(<samlp:StatusCode [^>]*)\/>/, `$1>${code(inside)}/></samlp:StatusCode>`)
      : plain;
    const query = signRedirect('SAMLResponse', xml, pair.idp.keys[0], searchParams.get('RelayState') ?? '');
    return world.gatehouse.request.get(`${pathOf(sloUrl(pair))}?${query}`).set('cookie', session.cookies);
  }

  test('an IdP that could not reach every other service has ended its own session all the same', async () => {
    const pair = await world.connect({ vendor: 'google' });
    const done = await answeredWith(pair, 'Success', 'PartialLogout');
    expect(done).toMatchObject({ status: 200, text: expect.stringContaining('You are signed out') });
    expect((await answeredWith(pair, 'Success', 'RequestDenied')).status).toBe(403);
    expect((await answeredWith(pair, 'PartialLogout')).status).toBe(403);
    expect((await answeredWith(pair, 'Responder', 'PartialLogout')).status).toBe(403);
  });

  test('an IdP that did not do it is told of to the Admin', async () => {
    const pair = await world.connect({ vendor: 'google' });
    expect((await answeredWith(pair, 'Responder')).status).toBe(403);
    const { read } = world.gatehouse.store;
    const record = await read.signInRecords.findOne(world.organizationId, {
      connectionId: pair.connection._id,
      purpose: 'sign_out',
    });
    expect(record).toMatchObject({ code: 'idp_refused', detail: 'The IdP answers Responder' });
  });
});

describe('a form that cannot be read is answered with a page, not with JSON (OPS-1)', () => {
  const paths = () => world.connect().then((pair) => [pathOf(pair.to.acsUrl), pathOf(sloUrl(pair))]);
  const page = { 'content-type': 'text/html; charset=utf-8', 'x-frame-options': 'DENY' };

  test.each<readonly [string, number, (path: string) => supertest.Test]>([
    [
      'that is too large',
      413,
      (path) =>
        world.gatehouse.request
          .post(path)
          .type('form')
          .send(`SAMLResponse=${'A'.repeat(1_000_000)}`),
    ],
    [
      'with too many fields',
      413,
      (path) => world.gatehouse.request.post(path).type('form').send(Array(50).fill('a=b').join('&')),
    ],
    [
      'in another charset',
      415,
      (path) =>
        world.gatehouse.request
          .post(path)
          .set('content-type', 'application/x-www-form-urlencoded; charset=utf-16')
          .send('SAMLResponse=AAAA'),
    ],
    [
      'in an encoding that nobody knows',
      415,
      (path) => world.gatehouse.request.post(path).type('form').set('content-encoding', 'x').send('SAMLResponse=AAAA'),
    ],
    ['that is JSON', 403, (path) => world.gatehouse.request.post(path).send({ SAMLResponse: 'AAAA' })],
    ['that is empty', 403, (path) => world.gatehouse.request.post(path)],
  ])('%s', async (_title, status, ask) => {
    for (const path of await paths()) {
      const answer = await ask(path);
      expect([path.endsWith('slo') ? 'slo' : 'acs', answer.status]).toEqual([expect.any(String), status]);
      expect(answer.headers).toMatchObject(page);
      expect(answer.text).toMatch(/reference/);
      expect((await world.endOf(answer)).record).toMatchObject({ outcome: 'refused' });
    }
  });
});

describe('our metadata', () => {
  test('names the connection’s addresses and its current and next key, for signing and for encryption (SSO-1)', async () => {
    const pair = await world.connect();
    const { organizationId, _id: connectionId } = pair.connection;
    const bare = ({ certificate }: SamlKey) => certificate.replace(/-----[A-Z ]+-----|\s/g, '');
    const insert = (_id: string, state: 'next' | 'former', { certificate }: SamlKey) =>
      world.run((tx) =>
        tx.connectionKeys.insert(organizationId, {
          _id,
          organizationId,
          connectionId,
          state,
          certificate,
          privateKey: 'x',
          expiresAt: new Date('2049-01-01'),
        }),
      );
    await insert('cky-next', 'next', world.keys.next);
    await insert('cky-former', 'former', world.keys.stranger);
    const answer = await world.gatehouse.request.get(pathOf(pair.to.entityId)).buffer(true);
    expect(answer).toMatchObject({ status: 200, type: 'application/samlmetadata+xml' });
    const xml = answer.text ?? answer.body.toString();
    expect(xml).toContain(`entityID="${pair.to.entityId}"`);
    expect(xml).toContain(`Location="${pair.to.acsUrl}"`);
    expect(xml.split(`Location="${sloUrl(pair)}"`)).toHaveLength(3);
    expect(xml.split(bare(world.keys.own))).toHaveLength(3);
    expect(xml.split(bare(world.keys.next))).toHaveLength(3);
    expect(xml).not.toContain(bare(world.keys.stranger));
  });

  test('is there for a draft, and not for what is no connection of SAML', async () => {
    const pair = await world.connect();
    const { organizationId, _id } = pair.connection;
    await world.run((tx) => tx.connections.updateOne(organizationId, { _id }, { $set: { status: 'draft' } }));
    expect((await world.gatehouse.request.get(pathOf(pair.to.entityId))).status).toBe(200);
    expect((await world.gatehouse.request.get('/sso/saml/con-01jzzzzzzzzzzzzzzzzzzzzzzz/metadata')).status).toBe(404);
  });
});

function isSignedBy(xml: string, { certificate }: SamlKey): boolean {
  const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(xml)?.[0] ?? '';
  const verifier = new SignedXml({ publicCert: certificate });
  verifier.loadSignature(signature);
  return verifier.checkSignature(xml);
}
