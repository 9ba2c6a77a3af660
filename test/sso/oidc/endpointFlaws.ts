/** What an IdP's own endpoints may answer that no honest one does: tokens, userinfo, metadata and keys; one row, one flaw. */
import { generateKeyPairSync } from 'node:crypto';
import type { Json } from './evilIdp.ts';
import { bottomless, compact, type FlawRow } from './flaws.ts';

const html = '<html><body>Please try again later</body></html>';

/** The IdP's own endpoints. */
export const endpointFlaws: readonly FlawRow[] = [
  ['no ID token', { tokens: (honest) => ({ ...honest, id_token: undefined }) }, 'malformed'],
  ['an ID token that is an object', { tokens: (honest) => ({ ...honest, id_token: {} }) }, 'malformed'],
  ['an empty ID token', { tokens: (honest) => ({ ...honest, id_token: '' }) }, 'malformed'],
  ['no access token', { tokens: (honest) => ({ ...honest, access_token: undefined }) }, 'malformed'],
  ['an unknown token type', { tokens: (honest) => ({ ...honest, token_type: 'mac' }) }, 'malformed'],
  ['tokens in a list', { tokens: (honest) => [honest] }, 'malformed'],
  [
    'an OAuth error',
    {
      tokenEndpoint: (response) =>
        response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}'),
    },
    'idp_refused',
  ],
  [
    '401 with a challenge',
    { tokenEndpoint: (response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end() },
    'idp_refused',
  ],
  [
    'a page instead of tokens',
    { tokenEndpoint: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html) },
    'idp_unreachable',
  ],
  ['a server error', { tokenEndpoint: (response) => response.writeHead(500).end(html) }, 'idp_unreachable'],
  [
    'a redirect of the token endpoint',
    { tokenEndpoint: (response, _, idp) => response.writeHead(307, { location: `${idp.issuer}/elsewhere` }).end() },
    'idp_unreachable',
  ],
  ['tokens without end', { tokenEndpoint: (response) => floods(response) }, 'too_large'],
  ['a connection that breaks', { tokenEndpoint: (response) => response.destroy() }, 'idp_unreachable'],
  ['userinfo about somebody else', { userinfo: (honest) => ({ ...honest, sub: 'olivia' }) }, 'subject_invalid'],
  ['userinfo about nobody', { userinfo: (honest) => ({ ...honest, sub: undefined }) }, 'malformed'],
  [
    'userinfo of lists in lists without end',
    {
      userinfoEndpoint: (response, { sub }) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"sub":${JSON.stringify(sub)},"groups":${bottomless}}`),
    },
    'malformed',
  ],
  ['userinfo that is a list', { userinfo: (honest) => [honest] }, 'malformed'],
  [
    'userinfo as an unsigned JWT',
    {
      userinfoEndpoint: (response, honest) =>
        response.writeHead(200, { 'content-type': 'application/jwt' }).end(compact({ alg: 'none' }, honest)),
    },
    'algorithm_refused',
  ],
  ['userinfo without end', { userinfoEndpoint: (response) => floods(response) }, 'too_large'],
];

function floods(response: import('node:http').ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"filler":"');
  const block = 'x'.repeat(64 * 1024);
  const more = (): void => {
    while (!response.destroyed && response.write(block));
  };
  response.on('drain', more);
  more();
}

const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });

/** Metadata and keys: read anew for each of these. */
export const metadataFlaws: readonly FlawRow[] = [
  [
    'the metadata of another issuer',
    { metadata: (honest) => ({ ...honest, issuer: 'https://evil.example' }) },
    'issuer_mismatch',
  ],
  [
    'the metadata of another path of the host',
    { metadata: (honest) => ({ ...honest, issuer: `${honest.issuer}/other` }) },
    'issuer_mismatch',
  ],
  [
    'a template of an issuer, where no tenant is pinned',
    { metadata: (honest) => ({ ...honest, issuer: `${honest.issuer}/{tenantid}` }) },
    'issuer_mismatch',
  ],
  ['no issuer', { metadata: (honest) => ({ ...honest, issuer: undefined }) }, 'malformed'],
  ['no token endpoint', { metadata: (honest) => ({ ...honest, token_endpoint: undefined }) }, 'malformed'],
  [
    'a token endpoint that is a file',
    { metadata: (honest) => ({ ...honest, token_endpoint: 'file:///etc/passwd' }) },
    'malformed',
  ],
  [
    'an authorization endpoint that is a script',
    { metadata: (honest) => ({ ...honest, authorization_endpoint: 'javascript:alert(1)' }) },
    'malformed',
  ],
  [
    'an endpoint with a password',
    { metadata: (honest) => ({ ...honest, token_endpoint: 'http://a:b@127.0.0.1/' }) },
    'malformed',
  ],
  ['metadata in a list', { metadata: (honest) => [honest] as unknown as Json }, 'malformed'],
  ['huge metadata', { metadata: (honest) => ({ ...honest, filler: 'x'.repeat(300_000) }) }, 'too_large'],
  ['keys without end', { keys: (honest) => ({ keys: honest, filler: 'x'.repeat(300_000) }) }, 'too_large'],
  [
    '101 keys',
    {
      keys: ([key]) => ({
        keys: Array.from({ length: 101 }, (_, index) => ({ ...key, kid: index === 0 ? key?.kid : String(index) })),
      }),
    },
    'malformed',
  ],
  ['keys that are no list', { keys: ([key]) => ({ keys: key }) }, 'malformed'],
  ['no key', { keys: () => ({ keys: [] }) }, 'signature_invalid'],
  [
    'a key of 1024 bits',
    { keys: ([key]) => ({ keys: [{ ...weak, kid: key?.kid, alg: 'RS256' }] }) },
    'signature_invalid',
  ],
  ['a key without a number', { keys: ([key]) => ({ keys: [{ ...key, n: '' }] }) }, 'signature_invalid'],
  ['a key that changes nothing (e = 1)', { keys: ([key]) => ({ keys: [{ ...key, e: 'AQ' }] }) }, 'signature_invalid'],
  ['a key for encryption only', { keys: ([key]) => ({ keys: [{ ...key, use: 'enc' }] }) }, 'signature_invalid'],
  [
    'a secret key in the place of the public one',
    { keys: ([key]) => ({ keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: key?.kid, alg: 'RS256' }] }) },
    'signature_invalid',
  ],
];
