/** What attackers and careless IdPs send to an OpenID Connect relying party: one row, one flaw, and the fault that it is. */
import { CompactSign, SignJWT } from 'jose';
import type { SignInFaultCode } from '../../../src/sso/protocol.ts';
import { b64, type EvilIdp, type Flaw, type Json, type SigningKey } from './evilIdp.ts';

export type FlawRow = readonly [title: string, flaw: Flaw, code: SignInFaultCode];

const now = (): number => Math.floor(Date.now() / 1000);
const claims = (change: Json): Flaw => ({ claims: (honest) => ({ ...honest, ...change }) });
const without = (name: string): Flaw => ({ claims: (honest) => ({ ...honest, [name]: undefined }) });
const header = (change: Json): Flaw => ({ header: () => change });
const callback = (change: (url: URL, idp: EvilIdp) => void): Flaw => ({
  callback: (url, _asked, idp) => {
    change(url, idp);
    return url;
  },
});
const query = (change: Record<string, string>): Flaw =>
  callback((url) => {
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value);
  });

/** An unsigned or otherwise self-made token of these claims. */
export const compact = (head: Json, body: Json, signature = ''): string => `${b64(head)}.${b64(body)}.${signature}`;

const parts = (token: string): [string, string, string] => token.split('.') as [string, string, string];

/** A claim that is written as this text, as JSON can and JSON.stringify cannot; really signed. */
function written(name: string, value: string): Flaw['idToken'] {
  return async (_signed, body, idp) => {
    const text = JSON.stringify({ ...body, [name]: '@' }).replace('"@"', value);
    const signer = new CompactSign(new TextEncoder().encode(text));
    return signer.setProtectedHeader({ alg: idp.key.alg, kid: idp.key.kid }).sign(idp.key.privateKey);
  };
}

/** A time that never comes. */
const endless = (name: string) => written(name, '1e999');

/** Lists in lists: short enough to be read, and too deep to be written. */
export const bottomless = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;

/** Time, issuer, audience and subject, claim by claim. */
export const claimFlaws: readonly FlawRow[] = [
  ['another issuer', claims({ iss: 'https://evil.example' }), 'issuer_mismatch'],
  ['the issuer with a slash more', { claims: (honest) => ({ ...honest, iss: `${honest.iss}/` }) }, 'issuer_mismatch'],
  [
    'the issuer in capitals',
    { claims: (honest) => ({ ...honest, iss: String(honest.iss).toUpperCase() }) },
    'issuer_mismatch',
  ],
  ['no issuer', without('iss'), 'claims_refused'],
  ['an issuer that is a list', { claims: (honest) => ({ ...honest, iss: [honest.iss] }) }, 'claims_refused'],
  ['another audience', claims({ aud: 'another-client' }), 'audience_mismatch'],
  ['no audience', without('aud'), 'claims_refused'],
  ['an empty list of audiences', claims({ aud: [] }), 'audience_mismatch'],
  ['an audience that is an object', claims({ aud: { gatehouse: true } }), 'claims_refused'],
  ['an audience that only begins like us', claims({ aud: 'gatehouse2' }), 'audience_mismatch'],
  ['several audiences without azp', claims({ aud: ['gatehouse', 'another-client'] }), 'audience_mismatch'],
  ['several audiences, azp another', claims({ aud: ['gatehouse', 'b'], azp: 'b' }), 'audience_mismatch'],
  ['an audience that is no text beside ours', claims({ aud: ['gatehouse', 7], azp: 'gatehouse' }), 'audience_mismatch'],
  ['one audience, azp another', claims({ azp: 'another-client' }), 'audience_mismatch'],
  ['azp that is a list', claims({ azp: ['gatehouse'] }), 'audience_mismatch'],
  ['expired', { claims: (honest) => ({ ...honest, iat: now() - 500, exp: now() - 120 }) }, 'expired'],
  ['no expiry', without('exp'), 'claims_refused'],
  ['an expiry that is a text', { claims: (honest) => ({ ...honest, exp: String(now() + 300) }) }, 'claims_refused'],
  ['an expiry beyond all numbers', { idToken: endless('exp') }, 'claims_refused'],
  ['not yet valid', { claims: (honest) => ({ ...honest, nbf: now() + 600 }) }, 'not_yet_valid'],
  ['nbf that is a text', claims({ nbf: 'tomorrow' }), 'claims_refused'],
  [
    'issued in the future',
    { claims: (honest) => ({ ...honest, iat: now() + 600, exp: now() + 900 }) },
    'not_yet_valid',
  ],
  [
    'issued an hour ago, valid for a year',
    { claims: (honest) => ({ ...honest, iat: now() - 3600, exp: now() + 31e6 }) },
    'expired',
  ],
  ['no time of issue', without('iat'), 'claims_refused'],
  ['a time of issue that is a text', claims({ iat: 'now' }), 'claims_refused'],
  ['auth_time that is a text', claims({ auth_time: 'now' }), 'claims_refused'],
  ['another nonce', claims({ nonce: 'another' }), 'request_mismatch'],
  ['an empty nonce', claims({ nonce: '' }), 'request_mismatch'],
  ['a nonce that is a list', { claims: (honest) => ({ ...honest, nonce: [honest.nonce] }) }, 'request_mismatch'],
  ['no nonce', without('nonce'), 'claims_refused'],
  ['no subject', without('sub'), 'claims_refused'],
  ['an empty subject', claims({ sub: '' }), 'subject_invalid'],
  ['a subject that is a number', claims({ sub: 42 }), 'claims_refused'],
  ['a subject that is a list', claims({ sub: ['ann'] }), 'claims_refused'],
  ['a subject of 256 characters', claims({ sub: 'a'.repeat(256) }), 'subject_invalid'],
  ['a subject padded in front', claims({ sub: ' ann' }), 'subject_invalid'],
  ['a subject padded at the end', claims({ sub: 'ann ' }), 'subject_invalid'],
  ['a subject with NUL', claims({ sub: 'ann\0' }), 'subject_invalid'],
  ['a subject with a line break', claims({ sub: 'ann\nadmin' }), 'subject_invalid'],
  ['a subject with an invisible letter', claims({ sub: 'a\u200bnn' }), 'subject_invalid'],
  ['a subject with a look-alike letter', claims({ sub: 'аnn' }), 'subject_invalid'],
  ['at_hash of another access token', claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'claims_refused'],
  ['at_hash that is no text', claims({ at_hash: true }), 'claims_refused'],
  ['c_hash of another code', claims({ c_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'claims_refused'],
  ['s_hash of another state', claims({ s_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'claims_refused'],
  ['groups in groups without end', { idToken: written('groups', bottomless) }, 'malformed'],
  [
    'a claim of objects in objects',
    { idToken: written('address', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) },
    'malformed',
  ],
  [
    'events, as log-out tokens have',
    claims({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
    'malformed',
  ],
  ['an access token by its token_use', claims({ token_use: 'access' }), 'malformed'],
  ['an access token by what its payload calls it', claims({ typ: 'Bearer' }), 'malformed'],
];

/** Signatures, algorithms and headers. `foreign` is a key that the IdP has never published. */
export const signatureFlaws = (foreign: SigningKey, sameKid: SigningKey, ec: SigningKey): readonly FlawRow[] => [
  ['alg none', { idToken: (_, body) => compact({ alg: 'none' }, body) }, 'algorithm_refused'],
  ['alg None', { idToken: (_, body) => compact({ alg: 'None' }, body) }, 'algorithm_refused'],
  [
    'alg none with the honest signature',
    { idToken: (token, body) => compact({ alg: 'none' }, body, parts(token)[2]) },
    'algorithm_refused',
  ],
  [
    'alg none, which the metadata lists',
    {
      metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: ['none', 'RS256'] }),
      idToken: (_, body) => compact({ alg: 'none' }, body),
    },
    'algorithm_refused',
  ],
  ['HS256 with the published key as the secret', { idToken: hmacOfPublicKey }, 'algorithm_refused'],
  [
    'HS256 with the client secret, which the metadata lists',
    {
      metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: ['HS256', 'RS256'] }),
      idToken: (_, body) =>
        new SignJWT(body).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode('client-secret')),
    },
    'algorithm_refused',
  ],
  [
    'only HS256 in the metadata',
    { metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: ['HS256'] }) },
    'algorithm_refused',
  ],
  [
    'an algorithm that the metadata does not list',
    {
      metadata: (honest) => ({ ...honest, id_token_signing_alg_values_supported: ['ES256'] }),
    },
    'algorithm_refused',
  ],
  [
    'no algorithm',
    { idToken: (token) => `${b64({ kid: 'key-1' })}.${parts(token)[1]}.${parts(token)[2]}` },
    'algorithm_refused',
  ],
  ['a key that is not published', { signWith: foreign }, 'signature_invalid'],
  ['a foreign key under the published kid', { signWith: sameKid }, 'signature_invalid'],
  ['a foreign key, and no kid', { signWith: sameKid, header: () => ({ kid: undefined }) }, 'signature_invalid'],
  ['an unknown kid', header({ kid: 'key-2' }), 'signature_invalid'],
  ['a kid that is a path', header({ kid: '../../../dev/null' }), 'signature_invalid'],
  [
    'a kid that is a number',
    { idToken: async (token) => `${b64({ alg: 'RS256', kid: 1 })}.${parts(token)[1]}.${parts(token)[2]}` },
    'signature_invalid',
  ],
  [
    'the foreign key in the header (jwk)',
    { signWith: foreign, header: () => ({ jwk: foreign.jwk }) },
    'signature_invalid',
  ],
  [
    'the address of a foreign key (jku)',
    { signWith: foreign, header: () => ({ jku: 'https://evil.example/jwks' }) },
    'signature_invalid',
  ],
  [
    'the address of a foreign certificate (x5u)',
    { signWith: foreign, header: () => ({ x5u: 'https://evil.example/x' }) },
    'signature_invalid',
  ],
  ['a foreign certificate (x5c)', { signWith: foreign, header: () => ({ x5c: ['MIIB'] }) }, 'signature_invalid'],
  ['an EC key that is not published', { signWith: ec }, 'signature_invalid'],
  ['a critical extension', header({ crit: ['urn:test'], 'urn:test': true }), 'malformed'],
  ['typ at+jwt', header({ typ: 'at+jwt' }), 'malformed'],
  ['typ application/at+jwt', header({ typ: 'application/AT+JWT' }), 'malformed'],
  ['typ logout+jwt', header({ typ: 'logout+jwt' }), 'malformed'],
  ['typ dpop+jwt', header({ typ: 'dpop+jwt' }), 'malformed'],
  ['typ secevent+jwt', header({ typ: 'secevent+jwt' }), 'malformed'],
  ['a typ that is no text', { header: () => ({ typ: 7 }) }, 'malformed'],
  ['no signature', { idToken: (token) => `${parts(token)[0]}.${parts(token)[1]}.` }, 'signature_invalid'],
  ['a signature cut short', { idToken: (token) => token.slice(0, -20) }, 'signature_invalid'],
  [
    'a claim changed after signing',
    {
      idToken: (token, body) => `${parts(token)[0]}.${b64({ ...body, sub: 'olivia' })}.${parts(token)[2]}`,
    },
    'signature_invalid',
  ],
  ['a signature with padding', { idToken: (token) => `${token}==` }, 'malformed'],
  ['a line break behind the token', { idToken: (token) => `${token}\n` }, 'malformed'],
  ['a token of two parts', { idToken: (token) => token.split('.').slice(0, 2).join('.') }, 'malformed'],
  ['an encrypted token', { idToken: (token) => `${token}.x.y` }, 'malformed'],
  [
    'a payload that is no JSON',
    { idToken: (token) => `${parts(token)[0]}.${b64('nonsense')}.${parts(token)[2]}` },
    'malformed',
  ],
  [
    'a payload that is a list',
    { idToken: (token, body) => `${parts(token)[0]}.${b64([body])}.${parts(token)[2]}` },
    'malformed',
  ],
  [
    'a header that is no object',
    { idToken: (token) => `${b64('[]')}.${parts(token)[1]}.${parts(token)[2]}` },
    'malformed',
  ],
  ['a token longer than 128 KiB', claims({ filler: 'x'.repeat(140_000) }), 'too_large'],
];

const hmacOfPublicKey: Flaw['idToken'] = async (_signed, body, idp) => {
  const { exportSPKI, importJWK } = await import('jose');
  const pem = await exportSPKI((await importJWK(idp.key.jwk, 'RS256', { extractable: true })) as CryptoKey);
  return new SignJWT(body).setProtectedHeader({ alg: 'HS256', kid: idp.key.kid }).sign(new TextEncoder().encode(pem));
};

/** The redirect back. */
export const callbackFlaws: readonly FlawRow[] = [
  [
    'no iss, though the IdP says that it always sends it (RFC 9207)',
    callback((url) => url.searchParams.delete('iss')),
    'issuer_mismatch',
  ],
  ['an empty iss', query({ iss: '' }), 'issuer_mismatch'],
  ['the iss of another IdP', query({ iss: 'https://evil.example' }), 'issuer_mismatch'],
  [
    'another iss, where the IdP does not say that it sends it',
    {
      metadata: (honest) => ({ ...honest, authorization_response_iss_parameter_supported: undefined }),
      ...query({ iss: 'https://evil.example' }),
    },
    'issuer_mismatch',
  ],
  ['iss twice', callback((url) => url.searchParams.append('iss', 'https://evil.example')), 'malformed'],
  ['code twice', callback((url) => url.searchParams.append('code', 'another')), 'malformed'],
  [
    'error twice',
    callback((url) => {
      url.search += '&error=a&error=b';
    }),
    'malformed',
  ],
  ['no code', callback((url) => url.searchParams.delete('code')), 'malformed'],
  ['an empty code', query({ code: '' }), 'malformed'],
  ['a code that nobody was given', query({ code: 'guessed' }), 'idp_refused'],
  ['a code and an error', query({ error: 'access_denied' }), 'idp_refused'],
  [
    'an error',
    callback((url) => {
      url.searchParams.delete('code');
      url.searchParams.set('error', 'access_denied');
    }),
    'idp_refused',
  ],
  [
    'an error with markup',
    callback((url) => {
      url.searchParams.delete('code');
      url.searchParams.set('error', '<script>alert(1)</script>');
      url.searchParams.set('error_description', '<img src=x onerror=alert(1)>');
    }),
    'idp_refused',
  ],
  ['an ID token in the query (hybrid flow)', query({ id_token: 'a.b.c' }), 'malformed'],
  ['a JARM response', query({ response: 'a.b.c' }), 'malformed'],
  [
    'the code in the fragment',
    callback((url) => {
      url.hash = `code=${url.searchParams.get('code')}`;
      url.searchParams.delete('code');
    }),
    'malformed',
  ],
];
