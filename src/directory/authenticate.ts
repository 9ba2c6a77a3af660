/** Which directory a SCIM request speaks for; on the path of every push. */
import { AppError } from '../errors.ts';
import { hashSecret } from '../lib/secrets.ts';
import { type Directory, type DirectoryToken, PLATFORM, type ReadStore } from '../store/index.ts';
import { refuseClosedDirectory } from './directories.ts';
import { accessTokenPrefix, findAccessToken } from './oauth/accessTokens.ts';

export interface AuthenticatedDirectory {
  readonly directory: Directory;
  /** What the log names: the token, or the OAuth client whose access token it was. */
  readonly tokenId: string;
  /** The token whose use is to be noted; absent where an access token was sent. */
  readonly token: DirectoryToken | undefined;
}

/**
 * Answers the directory of `directoryId` if `secret` is one of its tokens, or an access token that was given to one of its
 * OAuth clients, valid at `now`: one read by the token's hash and one by id, of committed rows. A directory that does not
 * exist and another directory's token are told apart from nothing else: both are `token_invalid` (PRJ-1).
 * Throws AppError: authentication_required (no secret), token_invalid, token_revoked, token_expired, organization_closed (ORG-2).
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
  if (secret.startsWith(accessTokenPrefix)) return byAccessToken(reads, directoryId, secret, now);
  const token = await reads.directoryTokens.findOne(PLATFORM, { hash: hashSecret(secret) });
  const directory =
    token?.directoryId === directoryId ? await reads.directories.get(token.organizationId, directoryId) : undefined;
  if (!token || !directory) throw unknownToken();
  refuseClosedDirectory(directory);
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
  return { directory, tokenId: token._id, token };
}

async function byAccessToken(
  reads: ReadStore,
  directoryId: string,
  secret: string,
  now: Date,
): Promise<AuthenticatedDirectory> {
  const access = await findAccessToken(reads, secret);
  const directory =
    access?.directoryId === directoryId ? await reads.directories.get(access.organizationId, directoryId) : undefined;
  if (!access || !directory) throw unknownToken();
  refuseClosedDirectory(directory);
  if (access.expiresAt <= now) {
    throw new AppError('token_expired', 'The access token has expired; fetch a new one from the token endpoint.');
  }
  return { directory, tokenId: access.clientId, token: undefined };
}

const unknownToken = (): AppError => new AppError('token_invalid', "The bearer token is not one of this directory's.");
