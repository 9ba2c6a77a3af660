/**
 * Our own keys towards an IdP, one set for each connection (SSO-1): they sign requests and client assertions, and decrypt
 * assertions. A new one is published as `next` before it is used, and the one before it stays as `former` until it is
 * removed: whatever the IdP has read last, what it sends can be read.
 */
import { createPublicKey, type JsonWebKey, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { tellOwner } from '../access/index.ts';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import type { Sealer } from '../lib/secrets.ts';
import type { Connection, ConnectionKey, ReadStore, Transaction } from '../store/index.ts';
import { audit } from './connectionAudit.ts';

/** A key pair with its self-signed certificate, all PEM; kept sealed only. */
export interface OpenKey {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface NewKey extends OpenKey {
  readonly expiresAt: Date;
}

/** So long that nobody has to hurry; IdPs that look at it at all are told in time (OPS-3). */
const lifeDays = 3 * 365;
const dayMs = 86_400_000;

/** Makes an RSA key of 2048 bits, which every IdP takes, and its certificate; outside of transactions, for it takes a while. */
export async function makeKey(at: Date): Promise<NewKey> {
  // Loaded here, since it takes long, and most processes never make a key.
  const { generate } = await import('selfsigned');
  const expiresAt = new Date(at.getTime() + lifeDays * dayMs);
  const made = await generate([{ name: 'commonName', value: 'Gatehouse' }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    // A clock that is behind ours must not find it to begin in the future.
    notBeforeDate: new Date(at.getTime() - dayMs),
    notAfterDate: expiresAt,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    ],
  });
  const certificate = new X509Certificate(made.cert);
  return { certificate: certificate.toString(), privateKey: made.private, expiresAt: new Date(certificate.validTo) };
}

/** Keeps a key, sealed. */
export function keepKey(
  tx: Transaction,
  sealer: Sealer,
  { organizationId, _id: connectionId }: Pick<Connection, '_id' | 'organizationId'>,
  state: ConnectionKey['state'],
  { certificate, privateKey, expiresAt }: NewKey,
): Promise<ConnectionKey> {
  return tx.connectionKeys.insert(organizationId, {
    _id: newId('connectionKey'),
    organizationId,
    connectionId,
    state,
    certificate,
    privateKey: sealer.seal(privateKey),
    expiresAt,
  });
}

const order: readonly ConnectionKey['state'][] = ['current', 'next', 'former'];

/** The connection's keys: the current one first, then the next, then former ones; what metadata and JWKS publish. */
export async function findKeys(
  reads: ReadStore,
  { organizationId, _id: connectionId }: Connection,
): Promise<readonly ConnectionKey[]> {
  const keys = await reads.connectionKeys.find(organizationId, { connectionId });
  return [...keys].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}

/** The key that signs what we send to the IdP. */
export async function openSigningKey(reads: ReadStore, sealer: Sealer, connection: Connection): Promise<OpenKey> {
  const [current] = await findKeys(reads, connection);
  if (current?.state !== 'current') throw new Error(`connection ${connection._id} has no current key`);
  return openKey(sealer, current);
}

/** Every key that the IdP may have encrypted for, the likeliest first. */
export async function openDecryptionKeys(
  reads: ReadStore,
  sealer: Sealer,
  connection: Connection,
): Promise<readonly OpenKey[]> {
  return (await findKeys(reads, connection)).map((key) => openKey(sealer, key));
}

const openKey = (sealer: Sealer, { certificate, privateKey }: ConnectionKey): OpenKey => ({
  certificate,
  privateKey: sealer.open(privateKey),
});

/** The JWK Set of our public keys (RFC 7517 §5), by which an OIDC issuer verifies our assertions (private_key_jwt). */
export async function publicJwks(
  reads: ReadStore,
  connection: Connection,
): Promise<{ readonly keys: readonly JsonWebKey[] }> {
  const keys = await findKeys(reads, connection);
  return { keys: await Promise.all(keys.map(({ certificate }) => publicJwk(certificate))) };
}

async function publicJwk(certificate: string): Promise<JsonWebKey> {
  const { kty, n, e } = createPublicKey(certificate).export({ format: 'jwk' });
  return { kty, n, e, use: 'sig', alg: 'RS256', kid: await keyId(certificate) };
}

/** The `kid` of a key in our JWKS: the thumbprint of RFC 7638. */
export function keyId(certificate: string): Promise<string> {
  return calculateJwkThumbprint(createPublicKey(certificate).export({ format: 'jwk' }) as { kty: string });
}

/** Publishes a key that will be used once it is activated. Throws `key_waiting`: there is one already. */
export async function addNextKey(
  tx: Transaction,
  sealer: Sealer,
  connection: Connection,
  made: NewKey,
): Promise<ConnectionKey> {
  const { organizationId, _id: connectionId } = connection;
  await lockConnection(tx, connection);
  const waiting = await tx.connectionKeys.findOne(organizationId, { connectionId, state: 'next' });
  if (waiting) throw new AppError('key_waiting', `Key ${waiting._id} is the next one already: activate or remove it`);
  const key = await keepKey(tx, sealer, connection, 'next', made);
  await auditKey(tx, connection, 'connection.key_added', key);
  return key;
}

/** The next key becomes the current one, which becomes a former one. Throws `not_found`: it is not the next one. */
export async function activateKey(tx: Transaction, connection: Connection, keyId: string): Promise<ConnectionKey> {
  const { organizationId, _id: connectionId } = connection;
  await lockConnection(tx, connection);
  await tx.connectionKeys.update(
    organizationId,
    { connectionId, state: 'current', _id: { $ne: keyId } },
    { $set: { state: 'former' } },
  );
  const key = await tx.connectionKeys.updateOne(
    organizationId,
    { _id: keyId, connectionId, state: 'next' },
    { $set: { state: 'current' } },
  );
  if (!key) throw new AppError('not_found', `The connection has no next key ${keyId}`);
  await auditKey(tx, connection, 'connection.key_activated', key);
  return key;
}

/** Ends a next or former key. Throws `not_found`, `key_in_use`: the current key is never removed. */
export async function removeKey(tx: Transaction, connection: Connection, keyId: string): Promise<void> {
  const { organizationId, _id: connectionId } = connection;
  await lockConnection(tx, connection);
  const key = await tx.connectionKeys.findOne(organizationId, { _id: keyId, connectionId });
  if (!key) throw new AppError('not_found', `The connection has no key ${keyId}`);
  if (key.state === 'current') throw new AppError('key_in_use', 'The current key stays until another one is activated');
  await tx.connectionKeys.remove(organizationId, { _id: keyId });
  await auditKey(tx, connection, 'connection.key_removed', key);
}

/** Changes of one connection's keys follow one another: there is one current key at every instant. */
async function lockConnection(tx: Transaction, { organizationId, _id }: Connection): Promise<void> {
  if (!(await tx.connections.lock(organizationId, _id))) throw new AppError('not_found', 'There is no such connection');
}

async function auditKey(
  tx: Transaction,
  connection: Connection,
  type: `connection.${string}`,
  { _id: key, expiresAt, certificate }: ConnectionKey,
): Promise<void> {
  const fingerprint = new X509Certificate(certificate).fingerprint256;
  const after = { keyId: key, fingerprint, expiresAt: expiresAt.toISOString() };
  await audit(tx, connection, type, { after });
  await tellOwner(tx, connection, 'keys');
}
