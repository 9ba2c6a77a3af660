/** The session that a person still has with their IdP when ours has ended (OpenID Connect RP-Initiated Logout 1.0). */
import { proofsOf } from '../../access/index.ts';
import type { Session } from '../../store/index.ts';
import { signInAddress } from '../addresses.ts';
import { newState } from '../attempts.ts';
import { oidcSignOutAddress } from '../oidc/index.ts';
import type { SsoDeps } from '../protocol.ts';
import { findConnection } from '../routing.ts';

/**
 * Where the person ends it, too; undefined where their session did not come from an OpenID provider, or that has no such place.
 * It is offered, not gone to: some IdPs want a hint that we do not keep, and show an error without it.
 */
export async function findSignOutElsewhere(deps: SsoDeps, session: Session): Promise<string | undefined> {
  const proofs = proofsOf(session).filter((proof) => proof.kind === 'connection');
  const latest = proofs.sort((a, b) => b.at.getTime() - a.at.getTime())[0];
  const connection = latest && (await findConnection(deps.store.read, latest.connectionId));
  if (connection?.protocol !== 'oidc') return undefined;
  const { subject, index } = latest as Extract<(typeof proofs)[number], { kind: 'connection' }>;
  return oidcSignOutAddress(deps, connection, {
    subject,
    index,
    state: newState(),
    returnTo: signInAddress(deps.baseUrl),
  });
}
