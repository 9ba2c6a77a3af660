/** How we show the IdP's token endpoint who we are: a shared secret, or a key of the connection's own. */
import { X509Certificate } from 'node:crypto';
import { importPKCS8 } from 'jose';
import { type ClientAuth, ClientSecretPost, modifyAssertion, PrivateKeyJwt } from 'openid-client';
import type { Connection } from '../../store/index.ts';
import { keyId, openSigningKey } from '../keys.ts';
import { SignInFault, type SsoDeps } from '../protocol.ts';
import type { OidcSettings } from '../settings.ts';

/** What private_key_jwt is signed with: the one RSA algorithm that every IdP with such clients takes. */
const assertionAlgorithm = 'RS256';

/** Reads the secret or key when it is used, so that a key that was replaced meanwhile is the new one. */
export function authenticateAs(deps: SsoDeps, connection: Connection, settings: OidcSettings): ClientAuth {
  return async (server, client, body, headers) => {
    const authenticate = await chooseAuthentication(deps, connection, settings, server.token_endpoint);
    await authenticate(server, client, body, headers);
  };
}

async function chooseAuthentication(
  deps: SsoDeps,
  connection: Connection,
  { authentication, clientSecret }: OidcSettings,
  tokenEndpoint: string | undefined,
): Promise<ClientAuth> {
  if (authentication === 'private_key_jwt') return signWithKey(deps, connection, tokenEndpoint);
  if (clientSecret === undefined) throw new SignInFault('idp_refused', 'The connection has no client secret');
  const secret = deps.sealer.open(clientSecret);
  return authentication === 'client_secret_basic' ? basic(secret) : ClientSecretPost(secret);
}

/**
 * RFC 6749 §2.3.1. openid-client would encode every sign, as `-` and `.`, which is allowed and which IdPs that do not decode
 * take for another secret; only what has to be encoded is.
 */
function basic(secret: string): ClientAuth {
  return (_server, { client_id: clientId }, _body, headers) => {
    const pair = `${formEncode(clientId)}:${formEncode(secret)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
  };
}

const formEncode = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

/**
 * A JWT by the connection's current key (RFC 7523), for the token endpoint: Okta and Entra want its address as `aud`, and the
 * key is this connection's alone, so that no other server takes what this one is given. Entra finds the key by `x5t#S256`.
 */
async function signWithKey({ store, sealer }: SsoDeps, connection: Connection, audience: string | undefined) {
  const { certificate, privateKey } = await openSigningKey(store.read, sealer, connection);
  const key = await importPKCS8(privateKey, assertionAlgorithm);
  const kid = await keyId(certificate);
  return PrivateKeyJwt(
    { key, kid },
    {
      [modifyAssertion](header, payload) {
        header['x5t#S256'] = thumbprintOf(certificate);
        if (audience !== undefined) payload.aud = audience;
      },
    },
  );
}

/** RFC 7515 §4.1.8. */
const thumbprintOf = (certificate: string): string =>
  Buffer.from(new X509Certificate(certificate).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
