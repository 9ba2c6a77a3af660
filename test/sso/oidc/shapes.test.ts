/** What honest IdPs send, each in its own way, is accepted and read for what it says. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keepKey, keyId, makeKey } from '../../../src/sso/keys.ts';
import { issuerFault } from '../../../src/sso/oidc/index.ts';
import { type Direct, openDirect } from './direct.ts';
import { type EvilIdp, type Flaw, type Json, newKey, openEvilIdp, type Person } from './evilIdp.ts';

let direct: Direct;
let idp: EvilIdp;

const ann: Person = { sub: 'ann', email: 'ann@acme.test', email_verified: true, name: 'Ann Lee' };
const now = () => Math.floor(Date.now() / 1000);
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
  const connection = await direct.connect(idp.issuer, { announcesIss: shape.callback !== withoutIss });
  idp.misbehave(shape);
  const outcome = await direct.signIn(connection, idp, person, shape);
  idp.misbehave({});
  if (outcome.identity === undefined) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome.identity;
}

describe('tokens of honest IdPs are accepted', () => {
  test.each<readonly [string, Flaw]>([
    ['one audience in a list', claims({ aud: ['gatehouse'] })],
    ['azp beside one audience', claims({ azp: 'gatehouse' })],
    ['several audiences, azp ours', claims({ aud: ['gatehouse', 'api'], azp: 'gatehouse' })],
    ['a clock 50 seconds ahead', { claims: (honest) => ({ ...honest, iat: now() + 50, nbf: now() + 50 }) }],
    ['a clock 50 seconds behind', { claims: (honest) => ({ ...honest, iat: now() - 350, exp: now() - 50 }) }],
    ['times with fractions', { claims: (honest) => ({ ...honest, iat: now() + 0.25, exp: now() + 300.75 }) }],
    ['no at_hash', claims({ at_hash: undefined })],
    ['typ JWT', { header: () => ({ typ: 'JWT' }) }],
    ['no kid, where there is one key', { header: () => ({ kid: undefined }) }],

    [
      'a redirect without iss, where the IdP does not send it',
      {
        metadata: (honest) => ({ ...honest, authorization_response_iss_parameter_supported: undefined }),
        callback: withoutIss,
      },
    ],
    ['session_state and other parameters', { callback: (url) => new URL(`${url.href}&session_state=x&scope=openid`) }],
    [
      'metadata that lists none beside RS256',
      {
        metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: ['none', 'RS256'] }),
      },
    ],
    [
      'metadata that lists no algorithm',
      {
        metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: undefined }),
      },
    ],
    [
      '100 keys, and one of a kind that nobody knows',
      {
        keys: ([key]) => ({
          keys: [key, { kty: 'XYZ', kid: 'x' }, ...Array.from({ length: 98 }, (_, i) => ({ ...key, kid: `k${i}` }))],
        }),
      },
    ],
    ['no userinfo endpoint', { metadata: (honest) => ({ ...honest, userinfo_endpoint: undefined }) }],
  ])('%s', async (_title, shape) => {
    await accepts(shape);
  });

  test.each(['RS384', 'PS256', 'ES256', 'ES512', 'EdDSA'])('signed with %s', async (alg) => {
    const before = idp.key;
    idp.rotate(await newKey('other', alg));
    try {
      await accepts({ metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: [alg] }) });
    } finally {
      idp.rotate(before);
    }
  });

  test('a subject of 255 characters with a blank and signs', async () => {
    const sub = `auth0|${'a'.repeat(243)} | x/y`.slice(0, 255);
    expect((await accepts({}, { ...ann, sub })).subject).toBe(sub);
  });

  test('a key that has replaced another a moment ago is found at once', async () => {
    const connection = await direct.connect(idp.issuer);
    expect((await direct.signIn(connection, idp, ann)).identity?.subject).toBe('ann');
    idp.rotate(await newKey('key-next'));
    expect((await direct.signIn(connection, idp, ann)).identity?.subject).toBe('ann');
  });

  test.each<[string, Flaw]>([
    ['of the same name', {}],
    [
      'without a name',
      {
        keys: (honest) => ({ keys: honest.map((jwk) => ({ ...jwk, kid: undefined })) }),
        header: () => ({ kid: undefined }),
      },
    ],
  ])(
    'a key that has replaced another %s is found at once, and another signature is refused still',
    async (_title, shape) => {
      idp.misbehave(shape);
      const connection = await direct.connect(idp.issuer);
      const name = idp.key.kid;
      expect((await direct.signIn(connection, idp, ann, shape)).identity?.subject).toBe('ann');
      idp.rotate(await newKey(name));
      expect((await direct.signIn(connection, idp, ann, shape)).identity?.subject).toBe('ann');
      const stranger = await newKey(name);
      const forged: Flaw = {
        ...shape,
        idToken: (_token, body) => idp.sign(body, shape.header?.(body) ?? {}, stranger),
      };
      expect((await direct.signIn(connection, idp, ann, forged)).code).toBe('signature_invalid');
      idp.misbehave({});
    },
  );

  test('two keys and no kid: the one that has signed is found', async () => {
    const other = await newKey('other');
    await accepts({ keys: (honest) => ({ keys: [other.jwk, ...honest] }), header: () => ({ kid: undefined }) });
  });

  test.each(['/tenant', '/tenant/'])('an issuer with the path %s', async (path) => {
    const tenant = await openEvilIdp({ path: path.replace(/\/$/, '') });
    const shape: Flaw = {
      metadata: (honest) => ({ ...honest, issuer: `${tenant.issuer.replace('/tenant', '')}${path}` }),
      claims: (honest) => ({ ...honest, iss: `${tenant.issuer.replace('/tenant', '')}${path}` }),
      callback: withoutIss,
    };
    const connection = await direct.connect(tenant.issuer.replace('/tenant', path), { announcesIss: false });
    tenant.misbehave({
      metadata: (honest) => ({
        ...shape.metadata?.(honest, tenant),
        authorization_response_iss_parameter_supported: false,
      }),
    });
    const outcome = await direct.signIn(connection, tenant, ann, shape);
    await tenant.close();
    expect(outcome.identity?.subject).toBe('ann');
  });
});

describe('the IdP is asked and answered as the standards say', () => {
  test('code, S256, state, nonce, response_mode=query, openid, and our configured redirect_uri', async () => {
    const connection = await direct.connect(idp.issuer, { scopes: ['email'] });
    await direct.signIn(connection, idp, ann, {}, { loginHint: 'ann@acme.test' });
    expect(idp.asked).toEqual({
      client_id: 'gatehouse',
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: 'https://gatehouse.example/sso/oidc/callback',
      scope: 'openid email',
      state: expect.any(String),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      login_hint: 'ann@acme.test',
    });
  });

  const tokenRequest = () => idp.requests.filter(({ path }) => path === '/token').at(-1);

  test('client_secret_basic, client_secret_post: as the IdP has the secret, whether it decodes it or not', async () => {
    const basic = await direct.connect(idp.issuer, { authentication: 'client_secret_basic' });
    await direct.signIn(basic, idp, ann);
    const plain = Buffer.from('gatehouse:client-secret').toString('base64');
    expect(tokenRequest()?.headers.authorization).toBe(`Basic ${plain}`);
    const clientSecret = direct.deps.sealer.seal("a b:c%d+e'");
    await direct.signIn(await direct.connect(idp.issuer, { clientSecret }), idp, ann);
    const encoded = Buffer.from('gatehouse:a+b%3Ac%25d%2Be%27').toString('base64');
    expect(tokenRequest()?.headers.authorization).toBe(`Basic ${encoded}`);
    const post = await direct.connect(idp.issuer, { authentication: 'client_secret_post' });
    await direct.signIn(post, idp, ann);
    expect(tokenRequest()?.headers.authorization).toBeUndefined();
    expect(tokenRequest()?.body.get('client_secret')).toBe('client-secret');
  });

  test("private_key_jwt: signed by the connection's own current key, for the token endpoint", async () => {
    const { decodeJwt, importX509, jwtVerify } = await import('jose');
    const connection = await direct.connect(idp.issuer, { authentication: 'private_key_jwt', clientSecret: undefined });
    const made = await makeKey(new Date());
    const { store, sealer } = direct.deps;
    await store.transaction({ actor: 'system', requestId: 'req-test' }, (tx) =>
      keepKey(tx, sealer, connection, 'current', made),
    );
    expect((await direct.signIn(connection, idp, ann)).identity?.subject).toBe('ann');
    const assertion = tokenRequest()?.body.get('client_assertion') ?? '';
    const verified = await jwtVerify(assertion, await importX509(made.certificate, 'RS256'), {
      issuer: 'gatehouse',
      subject: 'gatehouse',
      audience: `${idp.issuer}/token`,
    });
    expect(verified.protectedHeader).toMatchObject({
      alg: 'RS256',
      kid: await keyId(made.certificate),
      'x5t#S256': expect.any(String),
    });
    expect(decodeJwt(assertion).jti).toEqual(expect.any(String));
  });

  test('a sign-in that must be fresh asks for it, and believes it by auth_time only', async () => {
    const connection = await direct.connect(idp.issuer);
    const fresh = (shape: Flaw) => direct.signIn(connection, idp, ann, shape, { forceAuthn: true });
    await fresh({});
    expect(idp.asked).toMatchObject({ prompt: 'login', max_age: '0' });
    expect((await fresh(claims({ auth_time: now() }))).identity?.subject).toBe('ann');
    expect((await fresh(claims({ auth_time: now() - 600 }))).code).toBe('authentication_too_old');
    expect((await fresh({})).code).toBe('authentication_too_old');
    expect((await fresh(claims({ auth_time: now() + 50 }))).identity?.subject).toBe('ann');
    expect((await fresh(claims({ auth_time: now() + 600 }))).code).toBe('not_yet_valid');
    expect((await fresh(claims({ auth_time: 1e300 }))).code).toBe('not_yet_valid');
  });

  test('metadata is read once for many sign-ins, and again once the settings have changed', async () => {
    const count = () => idp.requests.filter(({ path }) => path.endsWith('openid-configuration')).length;
    const connection = await direct.connect(idp.issuer);
    const before = count();
    await direct.signIn(connection, idp, ann);
    await direct.signIn(connection, idp, ann);
    expect(count()).toBe(before + 1);
    await direct.signIn({ ...connection, version: connection.version + 1 }, idp, ann);
    expect(count()).toBe(before + 2);
  });
});

test.each([
  'https://idp.example/.well-known/openid-configuration',
  'https://idp.example/%2Ewell-known/openid-configuration',
  'https://idp.example/.well-known',
  'https://idp.example/?tenant=a',
  'https://idp.example/?',
  'https://idp.example/#a',
  'https://idp.example#',
  'https://user:secret@idp.example',
  'https://idp.example /a',
  'https:\\\\idp.example',
  'ftp://idp.example',
  'javascript:alert(1)',
  'idp.example',
  '',
])('%p is no issuer', async (issuer) => {
  expect(issuerFault(issuer)).toEqual(expect.any(String));
  const connection = await direct.connect(issuer || 'x');
  expect((await direct.signIn(connection, idp, ann)).code).toBe('issuer_mismatch');
});
