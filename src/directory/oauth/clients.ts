/** OAuth 2.0 clients of directories (SCIM-1, RFC 6749 §4.4): owned by the organization, whoever made them. */
import { AppError } from '../../errors.ts';
import { recordAudit } from '../../events/index.ts';
import { newId } from '../../lib/ids.ts';
import type { OAuthClient, OAuthIssuer, OAuthKey, OAuthSecret, ReadStore, Transaction } from '../../store/index.ts';
import { getDirectory } from '../directories.ts';

/** A client with all that it can authenticate with, revoked and expired ones too. */
export interface ClientCredentials {
  readonly client: OAuthClient;
  readonly secrets: readonly OAuthSecret[];
  readonly keys: readonly OAuthKey[];
  readonly issuers: readonly OAuthIssuer[];
}

/** Makes a client that cannot authenticate yet. Throws AppError `not_found` where the organization has no such directory. */
export async function createClient(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  { name }: { readonly name: string },
): Promise<OAuthClient> {
  await getDirectory(tx, organizationId, directoryId);
  const client = await tx.oauthClients.insert(organizationId, {
    _id: newId('oauthClient'),
    organizationId,
    directoryId,
    name,
  });
  await recordClient(tx, client, 'client_created', { after: { name } });
  return client;
}

/** The client of this directory; throws AppError `not_found`, also for another directory's (PRJ-1). */
export async function getClient(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
  clientId: string,
): Promise<OAuthClient> {
  const client = await reads.oauthClients.get(organizationId, clientId);
  if (client?.directoryId !== directoryId) throw new AppError('not_found', `The directory has no client ${clientId}`);
  return client;
}

/** The directory's clients in the order of making. */
export async function listClients(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
): Promise<readonly ClientCredentials[]> {
  await getDirectory(reads, organizationId, directoryId);
  const clients = await reads.oauthClients.find(organizationId, { directoryId });
  return Promise.all(clients.map((client) => credentialsOf(reads, client)));
}

export async function credentialsOf(reads: ReadStore, client: OAuthClient): Promise<ClientCredentials> {
  const { organizationId, _id: clientId } = client;
  const secrets = await reads.oauthSecrets.find(organizationId, { clientId });
  const keys = await reads.oauthKeys.find(organizationId, { clientId });
  const issuers = await reads.oauthIssuers.find(organizationId, { clientId });
  return { client, secrets, keys, issuers };
}

/** Removes a client with all its secrets, keys, trusted issuers and access tokens: what it was given ends at once. Throws `not_found`. */
export async function deleteClient(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  clientId: string,
): Promise<void> {
  const client = await getClient(tx, organizationId, directoryId, clientId);
  await tx.oauthSecrets.remove(organizationId, { clientId });
  await tx.oauthKeys.remove(organizationId, { clientId });
  await tx.oauthIssuers.remove(organizationId, { clientId });
  await tx.oauthTokens.remove(organizationId, { clientId });
  await tx.oauthAssertions.remove(organizationId, { clientId });
  await tx.oauthClients.remove(organizationId, { _id: clientId });
  await recordClient(tx, client, 'client_deleted', { before: { name: client.name } });
}

/** Writes down what happened to a client or one of its credentials. */
export async function recordClient(
  tx: Transaction,
  client: OAuthClient,
  what: `${'client' | 'client_secret' | 'client_key' | 'client_issuer'}_${string}`,
  change: { readonly before?: Record<string, unknown>; readonly after?: Record<string, unknown> },
): Promise<void> {
  const named = (fields?: Record<string, unknown>) => fields && { clientId: client._id, ...fields };
  await recordAudit(tx, client.organizationId, {
    type: `directory.${what}`,
    targetKind: 'directory',
    targetId: client.directoryId,
    before: named(change.before),
    after: named(change.after),
  });
}

/** Throws AppError `invalid_request` where a credential would never be valid. */
export function requireFuture(tx: Transaction, expiresAt: Date | undefined): void {
  if (expiresAt && expiresAt <= tx.at) throw new AppError('invalid_request', 'expiresAt lies in the past');
}
