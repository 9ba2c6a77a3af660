/** Who somebody is said to be: emails that may be believed, tenants, groups, and what userinfo adds (SSO-3, SSO-6, SSO-8). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ClaimedGroups } from '../../../src/sso/identity.ts';
import { type Direct, openDirect } from './direct.ts';
import { type EvilIdp, type Flaw, type Json, openEvilIdp, type Person } from './evilIdp.ts';

let direct: Direct;
let idp: EvilIdp;

const ann: Person = { sub: 'ann', email: 'ann@acme.test', email_verified: true, name: 'Ann Lee' };
const claims = (change: Json): Flaw => ({ claims: (honest) => ({ ...honest, ...change }) });
const withoutIss = (url: URL): URL => {
  url.searchParams.delete('iss');
  return url;
};

beforeAll(async () => {
  direct = await openDirect();
  idp = await openEvilIdp();
});
afterAll(() => idp.close());

/** Signs in through a connection of its own; `shape` is how this IdP does it. */
async function accepts(shape: Flaw, person = ann) {
  const connection = await direct.connect(idp.issuer);
  const outcome = await direct.signIn(connection, idp, person, shape);
  if (outcome.identity === undefined) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome.identity;
}

describe('whether an email is vouched for (SSO-3)', () => {
  test.each<readonly [unknown, boolean]>([
    [true, true],
    [false, false],
    [undefined, false],
    ['true', false],
    ['false', false],
    [1, false],
    ['1', false],
    [null, false],
  ])('email_verified %p: %p', async (verified, vouched) => {
    const identity = await accepts({}, { ...ann, email_verified: verified });
    expect(identity.email).toEqual({ address: 'ann@acme.test', vouched });
  });

  test.each<readonly [string, Json]>([
    ['two addresses', { email: ['ann@acme.test', 'eve@evil.example'] }],
    ['an object', { email: { value: 'ann@acme.test' } }],
    ['a name with the address', { email: 'Ann <ann@acme.test>' }],
    ['a look-alike domain', { email: 'ann@аcme.test' }],
  ])('%s is no email', async (_title, change) => {
    expect((await accepts({}, { ...ann, ...change })).email).toBeUndefined();
  });

  test('email_verified says nothing of another claim that is mapped as the email', async () => {
    const connection = await direct.connect(idp.issuer, {}, 'custom', { email: ['upn'] });
    const { identity } = await direct.signIn(connection, idp, {
      ...ann,
      email: 'eve@evil.example',
      upn: 'ann@acme.test',
    });
    expect(identity?.email).toEqual({ address: 'ann@acme.test', vouched: false });
  });
});

describe('Microsoft Entra ID', () => {
  const tenantId = '0f3ac9a1-7a7b-4b4c-8a8e-1c2d3e4f5a6b';
  const dora: Person = {
    sub: 'dora',
    oid: '77e9',
    tid: tenantId,
    email: 'dora@acme.test',
    preferred_username: 'dora@acme.test',
  };
  const connect = () => direct.connect(idp.issuer, { tenantId }, 'entra');

  test.each<readonly [unknown, boolean]>([
    [undefined, false],
    [false, false],
    [0, false],
    ['0', false],
    ['true', false],
    [true, true],
    [1, true],
    ['1', true],
  ])('an email with xms_edov %p is vouched for: %p (nOAuth)', async (edov, vouched) => {
    const { identity } = await direct.signIn(await connect(), idp, { ...dora, xms_edov: edov });
    expect(identity).toMatchObject({
      subject: 'dora',
      immutableId: '77e9',
      email: { address: 'dora@acme.test', vouched },
    });
  });

  test('email_verified counts for nothing there', async () => {
    const { identity } = await direct.signIn(await connect(), idp, { ...dora, email_verified: true });
    expect(identity?.email?.vouched).toBe(false);
  });

  test.each<readonly [string, unknown]>([
    ['another tenant', '9188040d-6c67-4c5b-b112-36a304b66dad'],
    ['no tenant', undefined],
    ['a list with ours', [tenantId]],
  ])('a token of %s is refused', async (_title, tid) => {
    const connection = await connect();
    expect((await direct.signIn(connection, idp, { ...dora, tid })).code).toBe('issuer_mismatch');
    expect((await direct.signIn(connection, idp, dora)).identity?.subject).toBe('dora');
  });

  test('the shared issuer is filled with the pinned tenant, never with what the token says', async () => {
    const shared = await openEvilIdp({ path: '/organizations/v2.0' });
    const origin = new URL(shared.issuer).origin;
    shared.misbehave({
      metadata: (honest) => ({
        ...honest,
        issuer: `${origin}/{tenantid}/v2.0`,
        authorization_response_iss_parameter_supported: undefined,
      }),
    });
    const connection = await direct.connect(shared.issuer, { tenantId, announcesIss: false }, 'entra');
    const of = (tenant: string, tid = tenant): Flaw => ({
      claims: (honest) => ({ ...honest, iss: `${origin}/${tenant}/v2.0`, tid }),
      callback: withoutIss,
    });
    const outcomes = [];
    for (const flaw of [
      of(tenantId),
      of('evil'),
      of('evil', tenantId),
      of('{tenantid}', tenantId),
      of(tenantId, 'evil'),
    ]) {
      outcomes.push((await direct.signIn(connection, shared, dora, flaw)).code);
    }
    // A tenant's id is one in any case that an admin types; what tokens say is compared exactly.
    const typed = await direct.connect(
      shared.issuer,
      { tenantId: tenantId.toUpperCase(), announcesIss: false },
      'entra',
    );
    expect((await direct.signIn(typed, shared, dora, of(tenantId))).code).toBeUndefined();
    expect((await direct.signIn(typed, shared, dora, of(tenantId.toUpperCase()))).code).toBe('issuer_mismatch');
    const unpinned = await direct.connect(shared.issuer, {}, 'entra');
    outcomes.push((await direct.signIn(unpinned, shared, dora, of(tenantId))).code);
    await shared.close();
    expect(outcomes).toEqual([undefined, ...Array(5).fill('issuer_mismatch')]);
  });
});

describe('groups (SSO-8)', () => {
  test.each<readonly [string, Json, ClaimedGroups]>([
    ['a list', { groups: ['a', 'b'] }, { kind: 'known', names: ['a', 'b'] }],
    ['one group as a text', { groups: 'a' }, { kind: 'known', names: ['a'] }],
    ['an empty list', { groups: [] }, { kind: 'known', names: [] }],
    ['no claim', {}, { kind: 'unknown', why: 'absent' }],
    ['null', { groups: null }, { kind: 'unknown', why: 'absent' }],
    ['an object', { groups: { a: true } }, { kind: 'unknown', why: 'absent' }],
    ['a list with an object in it', { groups: ['a', { b: 1 }] }, { kind: 'unknown', why: 'absent' }],
    [
      "Entra's pointer to more",
      { _claim_names: { groups: 'src1' }, _claim_sources: {} },
      { kind: 'unknown', why: 'overage' },
    ],
    ['a pointer beside some', { groups: ['a'], _claim_names: { groups: 'src1' } }, { kind: 'unknown', why: 'overage' }],
    ['hasgroups', { hasgroups: true }, { kind: 'unknown', why: 'overage' }],
    ['hasgroups as a text', { hasgroups: 'true' }, { kind: 'unknown', why: 'overage' }],
    [
      'a pointer to something else',
      { groups: ['a'], _claim_names: { roles: 'src1' } },
      { kind: 'known', names: ['a'] },
    ],
  ])('%s', async (_title, change, groups) => {
    expect((await accepts({}, { ...ann, ...change })).groups).toEqual(groups);
  });
});

describe('userinfo', () => {
  const bare = (change: Json = {}): Flaw => ({
    claims: ({ email: _email, email_verified: _verified, name: _name, ...honest }) => ({ ...honest, ...change }),
  });

  test('fills in what the ID token leaves out', async () => {
    const identity = await accepts(bare(), { ...ann, groups: ['staff'] });
    expect(identity).toMatchObject({
      subject: 'ann',
      displayName: 'Ann Lee',
      email: { address: 'ann@acme.test', vouched: true },
      groups: { kind: 'known', names: ['staff'] },
    });
  });

  test('says whether the address is verified where the ID token names the same and does not, as with Okta', async () => {
    const shape = { ...bare({ email: 'Ann@acme.test' }) };
    expect((await accepts(shape)).email).toEqual({ address: 'Ann@acme.test', vouched: true });
  });

  test('never lends its email_verified to another address of the ID token', async () => {
    const shape = { ...bare({ email: 'olivia@acme.test' }) };
    expect((await accepts(shape)).email).toEqual({ address: 'olivia@acme.test', vouched: false });
  });

  test('signed as a JWT by the IdP is read', async () => {
    const shape: Flaw = {
      ...bare(),
      userinfoEndpoint: async (response, honest, { sign, issuer }) => {
        const token = await sign({ ...honest, iss: issuer, aud: 'gatehouse' });
        response.writeHead(200, { 'content-type': 'application/jwt' }).end(token);
      },
    };
    expect((await accepts(shape)).email?.address).toBe('ann@acme.test');
  });

  test('that does not answer is fatal only where the ID token has no address', async () => {
    const broken: Flaw = { userinfoEndpoint: (response) => void response.writeHead(503).end() };
    expect((await accepts(broken)).groups).toEqual({ kind: 'unknown', why: 'absent' });
    const connection = await direct.connect(idp.issuer);
    expect((await direct.signIn(connection, idp, ann, { ...bare(), ...broken })).code).toBe('idp_unreachable');
  });
});

test('a subject from another claim is that claim, or nobody (SSO-6)', async () => {
  const connection = await direct.connect(idp.issuer, {}, 'custom', { subject: ['employee_id'], email: ['email'] });
  const { identity } = await direct.signIn(connection, idp, { ...ann, employee_id: 'e-7' });
  expect(identity?.subject).toBe('e-7');
  expect((await direct.signIn(connection, idp, ann)).code).toBe('subject_invalid');
});

test('sid is kept for the IdP’s log-out', async () => {
  const hint = { idToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) };
  expect((await accepts(claims({ sid: 's-1' }))).idpSession).toEqual({ index: 's-1', ...hint });
  expect((await accepts(claims({ sid: 7 }))).idpSession).toEqual(hint);
});
