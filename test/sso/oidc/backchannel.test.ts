/** Log-out tokens over HTTP: a good one ends exactly what it names, at once; every flawed one ends nothing. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CompactSign, SignJWT } from 'jose';
import { findConnectionOfToken } from '../../../src/sso/oidc/index.ts';
import { type Connection, PLATFORM, type Session } from '../../../src/store/index.ts';
import { verifyRefusalAudited } from '../refusedAudit.ts';
import { type BrowserWorld, openBrowserWorld } from './browser.ts';
import { type EvilIdp, type Json, newKey, openEvilIdp, type Person, type SigningKey } from './evilIdp.ts';
import { bottomless } from './flaws.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';
const now = () => Math.floor(Date.now() / 1000);
const ann: Person = { sub: 'ann', email: 'ann@acme.test', email_verified: true, name: 'Ann Lee' };
const ben: Person = { sub: 'ben', email: 'ben@acme.test', email_verified: true, name: 'Ben Ode' };

let world: BrowserWorld;
let idp: EvilIdp;
let connection: Connection;

beforeAll(async () => {
  world = await openBrowserWorld();
  idp = await openEvilIdp();
  connection = await world.connect(idp.issuer);
});
afterAll(() => idp.close());

const live = (): Promise<readonly Session[]> => world.gatehouse.store.read.sessions.find(PLATFORM, {});

beforeEach(async () => {
  await world.run((tx) => tx.sessions.remove(PLATFORM, {}));
});

async function signIn(person: Person, sid?: string, through = connection): Promise<void> {
  const ended = await world.signIn(through, idp, { ...person, ...(sid !== undefined && { sid }) });
  if (!ended.signedIn) throw new Error(ended.record?.detail);
}

const honest = (): Json => ({
  iss: idp.issuer,
  aud: 'gatehouse',
  iat: now(),
  exp: now() + 120,
  jti: randomUUID(),
  sub: 'ann',
  sid: 's-1',
  events: { [event]: {} },
});

const post = (token: unknown, path = `/sso/oidc/backchannel-logout/${connection._id}`) =>
  world.gatehouse.request.post(path).type('form').send({ logout_token: token });

/** The records of refused log-outs, in their order. */
const told = async () =>
  (await world.gatehouse.store.read.signInRecords.find(world.organizationId, { purpose: 'sign_out' })).toSorted(
    (a, b) => (a._id < b._id ? -1 : 1),
  );

const sign = (claims: Json, header: Json = { typ: 'logout+jwt' }, key?: SigningKey) => idp.sign(claims, header, key);

describe('a good log-out token (SSO-2)', () => {
  test('ends the session that it names, and no other', async () => {
    await signIn(ann, 's-1');
    await signIn(ann, 's-2');
    await signIn(ben, 's-3');
    const answer = await post(await sign(honest()));
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.text).toBe('');
    const left = (await live()).flatMap(({ proofs }) =>
      Object.values(proofs ?? {}).map((proof) => (proof as Json).index),
    );
    expect(left.sort()).toEqual(['s-2', 's-3']);
  });

  test('with a subject only ends all sessions that the IdP has proven of that person', async () => {
    await signIn(ann, 's-1');
    await signIn(ann, 's-2');
    await signIn(ann);
    await signIn(ben, 's-3');
    expect((await post(await sign({ ...honest(), sid: undefined }))).status).toBe(200);
    expect(await live()).toHaveLength(1);
  });

  test('with a sid only finds whose session it is', async () => {
    await signIn(ann, 's-1');
    await signIn(ben, 's-3');
    expect((await post(await sign({ ...honest(), sub: undefined }))).status).toBe(200);
    expect(await live()).toHaveLength(1);
  });

  test('without a typ, or with JWT, or for several audiences, is one too', async () => {
    for (const [claims, header] of [
      [honest(), {}],
      [honest(), { typ: 'JWT' }],
      [{ ...honest(), aud: ['other', 'gatehouse'] }, { typ: 'application/logout+jwt' }],
    ] as const) {
      await signIn(ann, 's-1');
      expect((await post(await sign(claims, header))).status).toBe(200);
      expect(await live()).toHaveLength(0);
    }
  });

  test('about nobody whom we know is taken, and ends nothing', async () => {
    await signIn(ann, 's-1');
    expect((await post(await sign({ ...honest(), sub: 'nobody', sid: 's-9' }))).status).toBe(200);
    expect(await live()).toHaveLength(1);
  });

  test('names people by their sub, also where the connection calls them by another claim (SSO-6)', async () => {
    const { _id, claims } = connection;
    const calls = (subject: Json) =>
      world.run((tx) =>
        tx.connections.update(world.organizationId, { _id }, { $set: { claims: { ...claims, ...subject } } }),
      );
    await calls({ subject: ['employee'] });
    const [cara, dan] = [
      { ...ben, sub: 'opaque-1', employee: 'opaque-2', email: 'cara@acme.test' },
      { ...ben, sub: 'opaque-2', employee: 'e-8', email: 'dan@acme.test' },
    ];
    for (const names of [{ sub: 'opaque-2', sid: undefined }, { sub: 'opaque-2' }, { sub: undefined }]) {
      await signIn(cara, 's-2');
      await signIn(dan, 's-1');
      expect((await post(await sign({ ...honest(), ...names }))).status).toBe(200);
      const left = (await live()).flatMap(({ proofs }) =>
        Object.values(proofs ?? {}).map((proof) => (proof as Json).subject),
      );
      expect(left).toEqual(['opaque-2']);
      await world.run((tx) => tx.sessions.remove(PLATFORM, {}));
    }
    await calls({});
  });

  test('leaves alone what another connection, or the operator, has proven', async () => {
    const other = await world.connect(idp.issuer, { clientId: 'gatehouse' });
    await signIn(ben, 's-1', other);
    await signIn(ann, 's-1');
    expect((await post(await sign({ ...honest(), sub: undefined }))).status).toBe(200);
    expect(await live()).toHaveLength(1);
  });

  test('is audited with what it ended (AUD-1)', async () => {
    await signIn(ann, 's-1');
    await post(await sign(honest()));
    const audit = await world.gatehouse.store.read.auditEvents.find(world.organizationId, {
      type: 'session.ended_by_idp',
    });
    expect(audit.at(-1)).toMatchObject({
      actor: `idp:${connection._id}`,
      after: { connectionId: connection._id, sessions: 1 },
    });
  });

  test('signed with a key that has just replaced another is accepted', async () => {
    await signIn(ann, 's-1');
    idp.rotate(await newKey('key-next'));
    expect((await post(await sign(honest()))).status).toBe(200);
    expect(await live()).toHaveLength(0);
  });
});

describe('a log-out token with one flaw is 400, and ends nothing', () => {
  const change = (claims: Json) => () => sign({ ...honest(), ...claims });
  const foreign = newKey('foreign');
  const compact = (header: Json, claims: Json) =>
    `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;

  test.each<readonly [string, () => unknown]>([
    ['no token', () => undefined],
    ['an empty token', () => ''],
    ['two tokens', async () => [await sign(honest()), await sign(honest())]],
    ['nonsense', () => 'nonsense'],
    ['a foreign signature', async () => sign(honest(), {}, await foreign)],
    ['a foreign key under a known kid', async () => sign(honest(), { kid: idp.key.kid }, await foreign)],
    ['no signature', () => compact({ alg: 'none', typ: 'logout+jwt' }, honest())],
    [
      'the client secret as HMAC key',
      async () => {
        const { SignJWT } = await import('jose');
        return new SignJWT(honest())
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode('client-secret'));
      },
    ],
    [
      'claims nested without end',
      async () => {
        const text = JSON.stringify({ ...honest(), address: '@' }).replace('"@"', bottomless);
        const header = { alg: idp.key.alg, kid: idp.key.kid, typ: 'logout+jwt' };
        return new CompactSign(new TextEncoder().encode(text)).setProtectedHeader(header).sign(idp.key.privateKey);
      },
    ],
    ['another issuer', change({ iss: 'https://evil.example' })],
    ['no issuer', change({ iss: undefined })],
    ['another audience', change({ aud: 'another' })],
    ['no audience', change({ aud: undefined })],
    ['no iat', change({ iat: undefined })],
    ['iat in the future', () => sign({ ...honest(), iat: now() + 600, exp: now() + 900 })],
    ['iat an hour ago', () => sign({ ...honest(), iat: now() - 3600 })],
    ['iat as a text', () => sign({ ...honest(), iat: String(now()) })],
    ['no exp', change({ exp: undefined })],
    ['expired', () => sign({ ...honest(), exp: now() - 120 })],
    ['not yet valid', () => sign({ ...honest(), nbf: now() + 600 })],
    ['no jti', change({ jti: undefined })],
    ['an empty jti', change({ jti: '' })],
    ['a jti that is a number', change({ jti: 7 })],
    ['no events', change({ events: undefined })],
    ['other events', change({ events: { 'http://schemas.openid.net/event/other': {} } })],
    ['events in a list', change({ events: [event] })],
    ['an event that is no object', change({ events: { [event]: true } })],
    ['a nonce', change({ nonce: 'n' })],
    ['an empty nonce', change({ nonce: '' })],
    ['neither sub nor sid', change({ sub: undefined, sid: undefined })],
    ['a sub that is an object', change({ sub: { $ne: null } })],
    ['a sid that is a list', change({ sid: ['s-1'] })],
    ['an empty sub', change({ sub: '', sid: undefined })],
    ['typ at+jwt', () => sign(honest(), { typ: 'at+jwt' })],
    ['typ secevent+jwt', () => sign(honest(), { typ: 'secevent+jwt' })],
    ['a critical extension', () => sign(honest(), { crit: ['urn:test'], 'urn:test': true })],
    [
      'an ID token',
      async () => sign({ iss: idp.issuer, aud: 'gatehouse', sub: 'ann', iat: now(), exp: now() + 60, nonce: 'n' }, {}),
    ],
  ])('%s', async (title, make) => {
    await signIn(ann, 's-1');
    const before = await told();
    const bad = await post(await make());
    // An Admin finds the reason in the record, and the audit leads there. Where there is no token, there is nothing to tell of.
    const records = (await told()).slice(before.length);
    expect(records).toHaveLength(/^(no token|two tokens)$/.test(title) ? 0 : 1);
    for (const record of records) {
      expect(record).toMatchObject({ outcome: 'refused', detail: expect.stringMatching(/^The log-out token: \S/) });
      expect(JSON.stringify(record)).not.toContain('eyJ');
      await verifyRefusalAudited(world.gatehouse.store.read, record);
    }
    expect(bad.status).toBe(400);
    expect(bad.body).toEqual({ error: 'invalid_request' });
    expect(bad.headers['cache-control']).toBe('no-store');
    expect(await live()).toHaveLength(1);
    expect((await post(await sign(honest()))).status).toBe(200);
    expect(await live()).toHaveLength(0);
  });

  test('a token that was used already, also when it comes twice at once', async () => {
    await signIn(ann, 's-1');
    const token = await sign(honest());
    const answers = await Promise.all([post(token), post(token), post(token)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
    await signIn(ann, 's-1');
    expect((await post(token)).status).toBe(400);
    expect(await live()).toHaveLength(1);
  });

  test('a token for one connection, posted to another one', async () => {
    const stranger = await openEvilIdp();
    const other = await world.connect(stranger.issuer);
    await signIn(ann, 's-1');
    expect((await post(await sign(honest()), `/sso/oidc/backchannel-logout/${other._id}`)).status).toBe(400);
    expect((await post(await stranger.sign({ ...honest(), iss: stranger.issuer }))).status).toBe(400);
    await stranger.close();
    expect(await live()).toHaveLength(1);
  });

  test('a token for a connection that does not exist', async () => {
    expect((await post(await sign(honest()), '/sso/oidc/backchannel-logout/con-none')).status).toBe(400);
  });

  test('many unknown keys do not make us ask the IdP for each', async () => {
    await signIn(ann, 's-1');
    const asked = () => idp.requests.filter(({ path }) => path === '/jwks').length;
    const before = asked();
    for (let index = 0; index < 20; index += 1) await post(await sign(honest(), { kid: `unknown-${index}` }));
    expect(asked() - before).toBeLessThanOrEqual(1);
    // Nor does a kind of key that is not there, whether it is named by an id, by a known one, or by none.
    const elliptic = await newKey('key-1', 'ES256');
    for (const kid of [undefined, 'key-1', 'unknown']) {
      for (let index = 0; index < 5; index += 1) {
        const token = await new SignJWT(honest())
          .setProtectedHeader({ alg: 'ES256', ...(kid && { kid }) })
          .sign(elliptic.privateKey);
        expect((await post(token)).status).toBe(400);
      }
    }
    expect(asked() - before).toBeLessThanOrEqual(1);
    const nameless = await new SignJWT(honest()).setProtectedHeader({ alg: 'RS256' }).sign(idp.key.privateKey);
    expect((await post(nameless)).status).toBe(200);
  });

  test('a body that is no form, in the protocol’s own form (OPS-1)', async () => {
    const { request } = world.gatehouse;
    const path = `/sso/oidc/backchannel-logout/${connection._id}`;
    const before = await told();
    for (const bad of [
      request
        .post(path)
        .type('form')
        .send(`logout_token=${'A'.repeat(400_000)}`),
      request.post(path).set('content-type', 'application/x-www-form-urlencoded; charset=utf-16').send('a=b'),
      request.post(path).send({ logout_token: 'x' }),
    ]) {
      const answer = await bad;
      expect([answer.status, answer.body]).toEqual([400, { error: 'invalid_request' }]);
    }
    // Two of them are forms that cannot be read; the third is no form, and holds no token.
    const records = (await told()).slice(before.length);
    expect(records.map(({ code }) => code)).toEqual(['too_large', 'malformed']);
    for (const record of records) await verifyRefusalAudited(world.gatehouse.store.read, record);
  });
});

describe('the address without a connection', () => {
  const path = '/sso/oidc/backchannel-logout';

  test('finds the one connection of issuer and client', async () => {
    const lone = await openEvilIdp();
    const through = await world.connect(lone.issuer);
    const ended = await world.signIn(through, lone, { ...ann, sid: 's-1' });
    expect(ended.signedIn).toBe(true);
    expect((await post(await lone.sign({ ...honest(), iss: lone.issuer }), path)).status).toBe(200);
    expect(await live()).toHaveLength(0);
    await lone.close();
  });

  test('finds it by any spelling of its issuer that the settings may have, Entra’s tenants too', async () => {
    const tenant = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d';
    const reads = world.gatehouse.store.read;
    const iss = `https://login.microsoftonline.com/${tenant}/v2.0`;
    const clientId = 'by-spelling';
    for (const issuer of [
      iss,
      iss.replace(tenant, tenant.toUpperCase()),
      'https://login.microsoftonline.com/common/v2.0',
    ]) {
      const made = await world.connect(issuer, { clientId, tenantId: tenant.toUpperCase() }, 'entra');
      const token = await sign({ ...honest(), iss, aud: clientId });
      expect((await findConnectionOfToken(reads, token))?._id).toBe(made._id);
      await world.gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
        tx.connections.remove(made.organizationId, { _id: made._id }),
      );
      expect(await findConnectionOfToken(reads, token)).toBeUndefined();
    }
  });

  test('takes no token that several connections may mean: each has an address of its own', async () => {
    await world.connect(idp.issuer);
    await signIn(ann, 's-1');
    expect((await post(await sign(honest()), path)).status).toBe(400);
    expect(await live()).toHaveLength(1);
  });
});
