/**
 * Access tokens (RFC 6749 §4.4.3): opaque, kept as hashes, short-lived. A row, not a signature, says whether one is valid:
 * what is revoked ends at once.
 */
import { AppError } from '../../errors.ts';
import { newId } from '../../lib/ids.ts';
import { hashSecret, newSecret } from '../../lib/secrets.ts';
import { type OAuthToken, PLATFORM, type ReadStore, type Transaction } from '../../store/index.ts';
import { getDirectory, refuseClosedDirectory } from '../directories.ts';
import type { ProvenClient } from './authenticate.ts';

/** How access tokens begin; tells them from the directory's own tokens. */
export const accessTokenPrefix = 'gha_';

/** How long an access token is valid; less where the credential itself ends before. */
const lifetimeSeconds = 3600;

export interface AccessToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

/**
 * Gives a token to a client that has proved itself. The credential's last use is written in the same step, which also
 * makes sure that it is still there and not revoked. Throws AppError oauth_invalid_client, also for an assertion that has
 * been used before, and organization_closed (ORG-2).
 */
export async function grantAccessToken(tx: Transaction, proven: ProvenClient): Promise<AccessToken> {
  const { organizationId, directoryId, clientId, credentialId } = proven;
  await useCredential(tx, proven);
  refuseClosedDirectory(await getDirectory(tx, organizationId, directoryId));
  await forgetExpired(tx, proven);
  if (proven.assertion) await useAssertion(tx, proven, proven.assertion);
  const end = tx.at.getTime() + lifetimeSeconds * 1000;
  const expiresAt = new Date(Math.min(end, proven.expiresAt?.getTime() ?? end));
  const token = newSecret(accessTokenPrefix);
  await tx.oauthTokens.insert(organizationId, {
    _id: newId('oauthToken'),
    organizationId,
    directoryId,
    clientId,
    credentialId,
    hash: hashSecret(token),
    expiresAt,
  });
  return { token, expiresInSeconds: Math.max(1, Math.floor((expiresAt.getTime() - tx.at.getTime()) / 1000)) };
}

async function useCredential(tx: Transaction, { organizationId, credentialId, by }: ProvenClient): Promise<void> {
  const change = { $set: { lastUsedAt: tx.at } };
  const uses = {
    oauthSecrets: () =>
      tx.oauthSecrets.updateOne(organizationId, { _id: credentialId, revokedAt: { $exists: false } }, change),
    oauthKeys: () => tx.oauthKeys.updateOne(organizationId, { _id: credentialId }, change),
    oauthIssuers: () => tx.oauthIssuers.updateOne(organizationId, { _id: credentialId }, change),
  };
  const used = await uses[by]();
  if (!used) throw new AppError('oauth_invalid_client', 'The credential has been revoked');
}

async function useAssertion(
  tx: Transaction,
  { organizationId, clientId }: ProvenClient,
  { jtiHash, expiresAt }: NonNullable<ProvenClient['assertion']>,
): Promise<void> {
  if (await tx.oauthAssertions.findOne(organizationId, { clientId, jtiHash })) {
    throw new AppError('oauth_invalid_client', 'client_assertion has been used before: its jti counts once');
  }
  await tx.oauthAssertions.insert(organizationId, {
    _id: newId('oauthAssertion'),
    organizationId,
    clientId,
    jtiHash,
    expiresAt,
  });
}

/** What the client leaves behind goes when it comes again. */
async function forgetExpired(tx: Transaction, { organizationId, clientId }: ProvenClient): Promise<void> {
  const expired = { clientId, expiresAt: { $lte: tx.at } };
  await tx.oauthTokens.remove(organizationId, expired);
  await tx.oauthAssertions.remove(organizationId, expired);
}

/** The access token with this secret, expired or not; undefined where there is none, or it has been revoked. */
export function findAccessToken(reads: ReadStore, secret: string): Promise<OAuthToken | undefined> {
  return reads.oauthTokens.findOne(PLATFORM, { hash: hashSecret(secret) });
}
