/** Who sends a SCIM request, and whether it may come now: the token, then the directory's rate. */
import { type AuthenticatedDirectory, authenticateDirectory } from '../directory/index.ts';
import { AppError, hasCode } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { type Directory, PLATFORM } from '../store/index.ts';
import { type LogDeps, refused } from './answer.ts';
import type { Incoming } from './asked.ts';
import { secretIn } from './credentials.ts';
import { refusalOf } from './errors.ts';
import type { Limits } from './limits.ts';
import { logEntry } from './requestLog.ts';

interface AuthenticationDeps extends LogDeps {
  readonly clock: Clock;
  readonly limits: Limits;
}

/**
 * The directory that a request speaks for. Throws AppError authentication_required, token_invalid, token_expired,
 * token_revoked, oauth_invalid_request (a token in the address), rate_limited. What its admin should know of these is in
 * the provisioning log when this throws.
 */
export async function authenticate(
  deps: AuthenticationDeps,
  request: Incoming,
  startedAt: number,
): Promise<AuthenticatedDirectory> {
  const { directoryId, requestId, method, url: path } = request;
  const row = { requestId, startedAt, tokenId: undefined, method, path, body: undefined };
  const note = (directory: Directory, error: unknown): void =>
    deps.requestLog.add(logEntry({ ...row, directory }, refused(refusalOf(error, requestId))));

  let authenticated: AuthenticatedDirectory;
  try {
    authenticated = await authenticateDirectory(deps.store.read, directoryId, secretIn(request), deps.clock.now());
  } catch (error) {
    if (error instanceof AppError && error.kind === 'unauthenticated') deps.limits.failed(request.address());
    // a token of the directory's that is no longer valid is its admin's concern; anybody can send a wrong one
    if (hasCode(error, 'token_expired') || hasCode(error, 'token_revoked')) {
      const directory = await deps.store.read.directories.findOne(PLATFORM, { _id: directoryId });
      if (directory) note(directory, error);
    }
    throw error;
  }
  try {
    deps.limits.admit(directoryId);
  } catch (error) {
    const count = deps.limits.toLog(directoryId);
    if (count > 0 && error instanceof AppError) {
      const detail = count === 1 ? error.message : `${error.message}; ${count} refused since the last such row`;
      note(authenticated.directory, new AppError(error.code, detail));
    }
    throw error;
  }
  return authenticated;
}
