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

/**
 * Makes a token in the place of another, which stays valid until `endsAt`: the time that it takes to give the IdP the new
 * one. An end that the old one has already is never moved back. Throws AppError `not_found`, `invalid_request` (an end
 * that has passed, or a token that has ended: nothing is left to overlap with).
 */
export async function rotateToken(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  tokenId: string,
  { endsAt, name, expiresAt }: { readonly endsAt: Date; readonly name?: string; readonly expiresAt?: Date | undefined },
): Promise<IssuedToken & { readonly former: DirectoryToken }> {
  const former = await tx.directoryTokens.get(organizationId, tokenId);
  if (former?.directoryId !== directoryId) throw new AppError('not_found', `The directory has no token ${tokenId}`);
  if (former.revokedAt || (former.expiresAt && former.expiresAt <= tx.at)) {
    throw new AppError('invalid_request', 'The token has ended already: issue another one');
  }
  if (endsAt <= tx.at) throw new AppError('invalid_request', 'oldExpiresAt lies in the past: revoke the token instead');
  const issued = await issueToken(tx, organizationId, directoryId, { name: name ?? former.name, expiresAt });
  if (former.expiresAt && former.expiresAt <= endsAt) return { ...issued, former };
  const ended = await tx.directoryTokens.updateOne(organizationId, { _id: tokenId }, { $set: { expiresAt: endsAt } });
  const asText = (date: Date | undefined) => (date ? { expiresAt: date.toISOString() } : {});
  await recordAudit(tx, organizationId, {
    type: 'directory.token_rotated',
    targetKind: 'directory',
    targetId: directoryId,
    before: { tokenId, name: former.name, ...asText(former.expiresAt) },
    after: { tokenId, name: former.name, ...asText(endsAt), replacedBy: issued.token._id },
  });
  return { ...issued, former: ended ?? former };
}

/** All tokens of a directory, revoked and expired ones too, in the order of making. */
export function listTokens(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
): Promise<readonly DirectoryToken[]> {
  return reads.directoryTokens.find(organizationId, { directoryId });
}
