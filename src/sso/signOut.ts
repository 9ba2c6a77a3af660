/** Sign-out at the IdP, begun by the person here (SSO-2): the browser goes on to it once its session here has ended. */
import { proofsOf } from '../access/index.ts';
import type { Connection, Session } from '../store/index.ts';
import { beginAttempt, newState } from './attempts.ts';
import type { Departure, SsoDeps } from './protocol.ts';
import { findConnection } from './routing.ts';
import { beginSamlLogout } from './saml/index.ts';
import { samlOf } from './settings.ts';

interface Behind {
  readonly connection: Connection;
  readonly subject: string;
  readonly index?: string | undefined;
}

/** The connection that the person last came through, if it can end sessions at its IdP. */
async function findBehind({ store }: Pick<SsoDeps, 'store'>, session: Session): Promise<Behind | undefined> {
  const through = proofsOf(session)
    .filter((proof) => proof.kind === 'connection')
    .sort((a, b) => b.at.getTime() - a.at.getTime())
    .at(0);
  if (through === undefined) return undefined;
  const connection = await findConnection(store.read, through.connectionId);
  if (connection?.protocol !== 'saml' || samlOf(connection).sloUrl === undefined) return undefined;
  return { connection, subject: through.subject, index: through.index };
}

/** Where the form of a sign-out may lead in the end: browsers ask the policy of its page about every step. */
export async function signOutOrigins(deps: Pick<SsoDeps, 'store'>, session: Session): Promise<readonly string[]> {
  const behind = await findBehind(deps, session);
  const url = behind && samlOf(behind.connection).sloUrl;
  return url === undefined ? [] : [new URL(url).origin];
}

/** The way to the IdP's own sign-out; undefined where there is none. `mark`: of the browser, which alone may bring the answer. */
export async function leaveForSignOut(
  deps: SsoDeps,
  requestId: string,
  session: Session,
  mark: string,
): Promise<Departure | undefined> {
  const behind = await findBehind(deps, session);
  if (behind === undefined) return undefined;
  const state = newState();
  const { connection, subject, index } = behind;
  const begun = await beginSamlLogout(deps, connection, { subject, index, state });
  if (begun === undefined) return undefined;
  await deps.store.transaction({ actor: 'system', requestId }, (tx) =>
    beginAttempt(tx, connection, { state, purpose: 'sign_out', browser: mark, requestId: begun.requestId }),
  );
  return begun.departure;
}
