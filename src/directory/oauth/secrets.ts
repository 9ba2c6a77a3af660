/** The secrets of OAuth clients: several valid at once, so that an IdP can be moved from one to the next. */
import { AppError } from '../../errors.ts';
import { newId } from '../../lib/ids.ts';
import { hashSecret, newSecret } from '../../lib/secrets.ts';
import type { OAuthClient, OAuthSecret, Transaction } from '../../store/index.ts';
import { recordClient, requireFuture } from './clients.ts';

const secretPrefix = 'ghc_';

/** Makes a secret beside those that are there; `plain` is shown this once. Throws AppError `invalid_request` (expiry). */
export async function issueClientSecret(
  tx: Transaction,
  client: OAuthClient,
  { name, expiresAt }: { readonly name: string; readonly expiresAt?: Date | undefined },
): Promise<{ readonly secret: OAuthSecret; readonly plain: string }> {
  requireFuture(tx, expiresAt);
  await tx.oauthClients.lock(client.organizationId, client._id);
  const plain = newSecret(secretPrefix);
  const secret = await tx.oauthSecrets.insert(client.organizationId, {
    _id: newId('oauthSecret'),
    organizationId: client.organizationId,
    directoryId: client.directoryId,
    clientId: client._id,
    name,
    hash: hashSecret(plain),
    lastFour: plain.slice(-4),
    ...(expiresAt && { expiresAt }),
  });
  const after = { secretId: secret._id, name, lastFour: secret.lastFour };
  await recordClient(tx, client, 'client_secret_issued', {
    after: { ...after, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) },
  });
  return { secret, plain };
}

/**
 * Ends a secret, and every access token that was given for it, at once. One that is revoked already keeps its time.
 * Throws AppError `not_found`.
 */
export async function revokeClientSecret(tx: Transaction, client: OAuthClient, secretId: string): Promise<OAuthSecret> {
  const { organizationId } = client;
  const secret = await tx.oauthSecrets.get(organizationId, secretId);
  if (secret?.clientId !== client._id) throw new AppError('not_found', `The client has no secret ${secretId}`);
  if (secret.revokedAt) return secret;
  const revoked = await tx.oauthSecrets.updateOne(organizationId, { _id: secretId }, { $set: { revokedAt: tx.at } });
  await tx.oauthTokens.remove(organizationId, { credentialId: secretId });
  await recordClient(tx, client, 'client_secret_revoked', {
    before: { secretId, name: secret.name, lastFour: secret.lastFour },
  });
  return revoked ?? secret;
}
