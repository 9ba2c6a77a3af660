/** The public keys of OAuth clients, which verify their JWT assertions (private_key_jwt, RFC 7523). */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { AppError } from '../../errors.ts';
import { newId } from '../../lib/ids.ts';
import type { JsonObject, OAuthClient, OAuthKey, Transaction } from '../../store/index.ts';
import { recordClient, requireFuture } from './clients.ts';

/** A key in its plainest form: nothing but what makes it the key that it is. */
export interface PublicKey {
  readonly jwk: JsonObject;
  /** Its `kid` where the JWK has one, else its thumbprint (RFC 7638). */
  readonly keyId: string;
}

const leastBits = 2048;
const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/**
 * Reads a public key from a JWK, or from PEM text (a public key or a certificate). Throws AppError `invalid_request` for
 * anything else: a private key, which nobody should have sent, a symmetric one, a kind or size that is not used to sign.
 */
export async function readPublicKey(
  given: { readonly jwk: JsonObject } | { readonly pem: string },
): Promise<PublicKey> {
  const key = 'pem' in given ? fromPem(given.pem) : fromJwk(given.jwk);
  requireStrong(key);
  const jwk = key.export({ format: 'jwk' }) as JWK;
  const named = 'jwk' in given ? kidOf(given.jwk) : undefined;
  return { jwk: { ...jwk }, keyId: named ?? (await calculateJwkThumbprint(jwk)) };
}

function kidOf({ kid }: JsonObject): string | undefined {
  if (kid === undefined) return undefined;
  if (typeof kid === 'string' && kid !== '' && kid.length <= 256) return kid;
  throw refuse('jwk.kid must be a text of at most 256 characters');
}

function fromPem(pem: string): KeyObject {
  if (/PRIVATE KEY/.test(pem)) throw refuse('This is a private key: keep it with the IdP and send the public key only');
  try {
    return createPublicKey(pem);
  } catch {
    throw refuse('pem must be a public key or a certificate, beginning with -----BEGIN');
  }
}

function fromJwk(jwk: JsonObject): KeyObject {
  if (['d', 'p', 'q', 'k', 'oth'].some((part) => Object.hasOwn(jwk, part))) {
    throw refuse('This is a private or secret key: keep it with the IdP and send the public key only');
  }
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    throw refuse('jwk must be a public key as RFC 7517 describes it');
  }
}

function requireStrong({ asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject): void {
  const fit =
    (kind === 'rsa' && (details?.modulusLength ?? 0) >= leastBits) ||
    (kind === 'ec' && curves.has(details?.namedCurve)) ||
    kind === 'ed25519';
  if (!fit) throw refuse(`The key must be RSA of at least ${leastBits} bits, EC on P-256, P-384 or P-521, or Ed25519`);
}

const refuse = (message: string): AppError => new AppError('invalid_request', message);

/** Adds a key beside those that are there. Throws AppError `invalid_request` (expiry), `oauth_key_exists`. */
export async function addClientKey(
  tx: Transaction,
  client: OAuthClient,
  { name, key, expiresAt }: { readonly name: string; readonly key: PublicKey; readonly expiresAt?: Date | undefined },
): Promise<OAuthKey> {
  requireFuture(tx, expiresAt);
  const { organizationId, _id: clientId, directoryId } = client;
  await tx.oauthClients.lock(organizationId, clientId);
  const { keyId, jwk } = key;
  if (await tx.oauthKeys.findOne(organizationId, { clientId, keyId })) {
    throw new AppError('oauth_key_exists', 'The client has a key of this kid already');
  }
  const row = await tx.oauthKeys.insert(organizationId, {
    _id: newId('oauthKey'),
    organizationId,
    directoryId,
    clientId,
    name,
    keyId,
    jwk,
    ...(expiresAt && { expiresAt }),
  });
  await recordClient(tx, client, 'client_key_added', { after: { keyId: row._id, kid: keyId, name } });
  return row;
}

/** Removes a key: it, and every access token that was given for it, ends at once. Throws AppError `not_found`. */
export async function removeClientKey(tx: Transaction, client: OAuthClient, id: string): Promise<void> {
  const { organizationId } = client;
  const key = await tx.oauthKeys.get(organizationId, id);
  if (key?.clientId !== client._id) throw new AppError('not_found', `The client has no key ${id}`);
  await tx.oauthKeys.remove(organizationId, { _id: id });
  await tx.oauthTokens.remove(organizationId, { credentialId: id });
  await recordClient(tx, client, 'client_key_removed', { before: { keyId: id, kid: key.keyId, name: key.name } });
}
