/**
 * IdPs' metadata, read again on schedule (SSO-1): new signing certificates are taken before the IdP uses them, gone ones are
 * dropped. What cannot be read, or is another IdP's, changes nothing and is told of.
 */
import { isDeepStrictEqual } from 'node:util';
import { tellOwner } from '../access/index.ts';
import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import { enqueue } from '../queue/index.ts';
import {
  type Cause,
  type Connection,
  type JsonObject,
  PLATFORM,
  type Store,
  type Transaction,
} from '../store/index.ts';
import { describeCertificate } from './certificates.ts';
import { audit } from './connectionAudit.ts';
import { fetchMetadata } from './fetchMetadata.ts';
import { type IdpMetadata, readIdpMetadata } from './metadata.ts';
import { type SamlSettings, samlOf } from './settings.ts';

const hour = 3_600_000;

/** Well within the time for which IdPs publish a new certificate before they use it. */
const everyMs = 6 * hour;

/** What reading metadata works with. */
export interface RefreshDeps {
  readonly outgoing: Outgoing;
  readonly allowPrivate: boolean;
}

/** What has come of a reading. */
export type Reading =
  | { readonly kind: 'read'; readonly idp: IdpMetadata }
  | { readonly kind: 'fault'; readonly fault: string };

/** Whether the metadata of a connection is to be read again. */
export function isRefreshDue(connection: Connection, at: Date): boolean {
  if (connection.protocol !== 'saml' || samlOf(connection).metadataUrl === undefined) return false;
  const { metadata } = connection;
  return metadata === undefined || at.getTime() - metadata.readAt.getTime() >= everyMs;
}

/** Asks for the metadata of every connection of which it is due to be read, by a job each. */
export async function refreshMetadataLater(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  for await (const connection of store.read.connections.stream(PLATFORM, { protocol: 'saml' })) {
    if (!goOn()) return;
    if (!isRefreshDue(connection, at)) continue;
    const { organizationId, _id: connectionId } = connection;
    await store.transaction(cause, (tx) => enqueue(tx, organizationId, 'refresh-metadata', { connectionId }));
  }
}

/** Reads the metadata at its address. A refusal is a reading too; anything else is thrown. */
export async function readMetadata(
  { outgoing, allowPrivate }: RefreshDeps,
  { entityId, metadataUrl }: SamlSettings,
  at: Date,
): Promise<Reading | undefined> {
  if (metadataUrl === undefined) return undefined;
  try {
    const idp = readIdpMetadata(await fetchMetadata(outgoing, metadataUrl), { at, allowPrivate });
    if (idp.entityId === entityId) return { kind: 'read', idp };
    return { kind: 'fault', fault: `The metadata is now that of another IdP: ${JSON.stringify(idp.entityId)}` };
  } catch (error) {
    if (error instanceof AppError) return { kind: 'fault', fault: error.message };
    throw error;
  }
}

/**
 * Writes what a reading means for the connection as it was when its metadata was asked for; one that has changed since is
 * left to the next turn. What the Admin has chosen (signed requests, encryption, format) stays. Told to the audit: what
 * has changed, and a fault when it begins, changes or ends.
 */
export async function settleReading(tx: Transaction, read: Connection, reading: Reading): Promise<void> {
  const { organizationId, _id, version, metadata: last } = read;
  const before = samlOf(read);
  if (reading.kind === 'fault') {
    const faultSince = last?.faultSince ?? tx.at;
    const metadata = { readAt: tx.at, fault: reading.fault, faultSince };
    const noted = await tx.connections.updateOne(organizationId, { _id, version }, { $set: { metadata } });
    if (!noted || last?.fault === reading.fault) return;
    await audit(tx, read, 'connection.metadata_failed', { detail: reading.fault });
    return;
  }
  const { ssoUrl, ssoBinding, sloUrl, sloBinding, sloResponseUrl, certificates } = reading.idp;
  const { sloUrl: _slo, sloBinding: _binding, sloResponseUrl: _answers, ...kept } = before;
  const after: SamlSettings = {
    ...kept,
    ssoUrl,
    ssoBinding,
    ...(sloUrl !== undefined && { sloUrl, sloBinding }),
    ...(sloResponseUrl !== undefined && { sloResponseUrl }),
    certificates,
  };
  const changed = !isDeepStrictEqual(after, before);
  const noted = await tx.connections.updateOne(
    organizationId,
    { _id, version },
    { $set: { metadata: { readAt: tx.at }, ...(changed && { saml: after }) } },
  );
  if (!noted) return;
  if (last?.fault !== undefined) await audit(tx, read, 'connection.metadata_recovered', {});
  if (!changed) return;
  await audit(tx, read, 'connection.metadata_refreshed', { before: told(before), after: told(after) });
  await tellOwner(tx, read, 'changed');
}

const told = ({ ssoUrl, ssoBinding, sloUrl, sloResponseUrl, certificates }: SamlSettings): JsonObject => ({
  ssoUrl,
  ssoBinding,
  ...(sloUrl !== undefined && { sloUrl }),
  ...(sloResponseUrl !== undefined && { sloResponseUrl }),
  certificates: certificates.map(({ pem }) => describeCertificate(pem).fingerprint),
});
