/** The use of a session: whoever sees one at work, by its token or its id, moves its idle end ahead (SSO-7). */
import { needsTouch, touchSession } from '../access/index.ts';
import { newId } from '../lib/ids.ts';
import type { Session } from '../store/index.ts';
import type { ApiDeps } from './route.ts';

/** Moves the idle end of a session ahead, at most hourly and beside the request, which does not depend on it. */
export function noteUse(session: Session, { store, clock, logger }: ApiDeps): void {
  if (!needsTouch(session, clock.now())) return;
  const cause = { actor: `account:${session.accountId}`, requestId: newId('request') };
  store
    .transaction(cause, (tx) => touchSession(tx, session._id))
    .catch((error: unknown) => logger.warn({ err: error }, 'the use of a session could not be noted'));
}
