/** The bearer tokens of directories (SCIM-1): several valid at once for rotation, owned by the organization. */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import type { DirectoryToken, ReadStore, Transaction } from '../store/index.ts';
import { getDirectory } from './directories.ts';

/** How a directory's secrets begin, so that people and secret scanners recognise them. */
export const tokenPrefix = 'ghd_';

export interface IssuedToken {
  readonly token: DirectoryToken;
  /** Shown this once; only its hash is kept. */
  readonly secret: string;
}

/**
 * Makes a token beside those that are valid already. Throws AppError `not_found` where the organization has no such
 * directory, `invalid_request` where `expiresAt` has passed.
 */
export async function issueToken(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  { name, expiresAt }: { readonly name: string; readonly expiresAt?: Date | undefined },
): Promise<IssuedToken> {
  await getDirectory(tx, organizationId, directoryId);
  if (expiresAt && expiresAt <= tx.at) {
    throw new AppError('invalid_request', 'expiresAt lies in the past: the token would never be valid');
  }
  const secret = newSecret(tokenPrefix);
  const token = await tx.directoryTokens.insert(organizationId, {
    _id: newId('directoryToken'),
    organizationId,
    directoryId,
    name,
    hash: hashSecret(secret),
    lastFour: secret.slice(-4),
    ...(expiresAt && { expiresAt }),
  });
  await recordAudit(tx, organizationId, {
    type: 'directory.token_issued',
    targetKind: 'directory',
    targetId: directoryId,
    after: {
      tokenId: token._id,
      name,
      lastFour: token.lastFour,
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    },
  });
  return { token, secret };
}

/**
 * Ends a token at once; the directory's other tokens stay valid. A revoked one keeps the time of its first revocation.
 * Throws AppError `not_found` where the directory has no such token.
 */
export async function revokeToken(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  tokenId: string,
): Promise<DirectoryToken> {
  const token = await tx.directoryTokens.get(organizationId, tokenId);
  if (token?.directoryId !== directoryId) {
    throw new AppError('not_found', `The directory has no token ${tokenId}`);
  }
  if (token.revokedAt) return token;
  const revoked = await tx.directoryTokens.updateOne(organizationId, { _id: tokenId }, { $set: { revokedAt: tx.at } });
  await recordAudit(tx, organizationId, {
    type: 'directory.token_revoked',
    targetKind: 'directory',
    targetId: directoryId,
    before: { tokenId, name: token.name, lastFour: token.lastFour },
  });
  return revoked ?? token;
}

/** All tokens of a directory, revoked and expired ones too, in the order of making. */
export function listTokens(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
): Promise<readonly DirectoryToken[]> {
  return reads.directoryTokens.find(organizationId, { directoryId });
}
