/** Which directory a SCIM request speaks for; on the path of every push. */
import { AppError } from '../errors.ts';
import { hashSecret } from '../lib/secrets.ts';
import { type Directory, type DirectoryToken, PLATFORM, type ReadStore } from '../store/index.ts';

export interface AuthenticatedDirectory {
  readonly directory: Directory;
  readonly token: DirectoryToken;
}

/**
 * Answers the directory of `directoryId` if `secret` is one of its tokens, valid at `now`: one read by the token's hash
 * and one by id, of committed rows. A directory that does not exist and another directory's token are told apart from
 * nothing else: both are `token_invalid` (PRJ-1).
 * Throws AppError: authentication_required (no secret), token_invalid, token_revoked, token_expired.
 */
export async function authenticateDirectory(
  reads: ReadStore,
  directoryId: string,
  secret: string | undefined,
  now: Date,
): Promise<AuthenticatedDirectory> {
  if (!secret) {
    throw new AppError('authentication_required', "Send an Authorization header with the directory's bearer token.");
  }
  const token = await reads.directoryTokens.findOne(PLATFORM, { hash: hashSecret(secret) });
  const directory =
    token?.directoryId === directoryId ? await reads.directories.get(token.organizationId, directoryId) : undefined;
  if (!token || !directory) throw new AppError('token_invalid', "The bearer token is not one of this directory's.");
  if (token.revokedAt) {
    throw new AppError(
      'token_revoked',
      `The directory token "${token.name}" has been revoked; give the IdP another one.`,
    );
  }
  if (token.expiresAt && token.expiresAt <= now) {
    throw new AppError(
      'token_expired',
      `The directory token "${token.name}" expired at ${token.expiresAt.toISOString()}; give the IdP another one.`,
    );
  }
  return { directory, token };
}
