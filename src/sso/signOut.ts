/** Sign-out at the IdP, begun by the person here (SSO-2): the browser goes on to it once its session here has ended. */
import { findIdpSessionNames, type Proof, proofsOf } from '../access/index.ts';
import type { Connection, ReadStore, Session } from '../store/index.ts';
import { signInAddress } from './addresses.ts';
import { beginAttempt, newState } from './attempts.ts';
import { oidcSignOutAddress } from './oidc/index.ts';
import type { Departure, SsoDeps } from './protocol.ts';
import { findConnection } from './routing.ts';
import { beginSamlLogout } from './saml/index.ts';
import { oidcOf, samlOf } from './settings.ts';

interface Behind {
  readonly connection: Connection;
  readonly subject: string;
  readonly index?: string | undefined;
}

type ThroughConnection = Extract<Proof, { kind: 'connection' }>;

/** The connection that the person last came through. */
async function findBehind(reads: ReadStore, session: Session): Promise<Behind | undefined> {
  const through = proofsOf(session)
    .filter((proof): proof is ThroughConnection => proof.kind === 'connection')
    .sort((a, b) => b.at.getTime() - a.at.getTime())
    .at(0);
  const connection = through && (await findConnection(reads, through.connectionId));
  return through && connection && { connection, subject: through.subject, index: through.index };
}

/**
 * Where the form of a sign-out may lead in the end: browsers ask the policy of its page about every step. An IdP leads on to the other
 * services that it signs out of, and an OpenID provider's log-out stands in its metadata, which is not read for a page: the policy names the scheme.
 */
export async function signOutOrigins({ store }: Pick<SsoDeps, 'store'>, session: Session): Promise<readonly string[]> {
  const behind = await findBehind(store.read, session);
  if (behind === undefined) return [];
  const { connection } = behind;
  const url = connection.protocol === 'saml' ? samlOf(connection).sloUrl : oidcOf(connection).issuer;
  if (url === undefined) return [];
  const { origin, protocol } = new URL(url);
  return protocol === 'https:' ? ['https:'] : [origin];
}

/** The way on. `go`: the browser is sent there; `offer`: the person may go, to an IdP that may not know what to do without a hint. */
export type SignOutElsewhere =
  | { readonly kind: 'go'; readonly departure: Departure }
  | { readonly kind: 'offer'; readonly url: string };

/** The way to the IdP's own sign-out; undefined where there is none. `mark`: of the browser, which alone may bring the answer. */
export async function leaveForSignOut(
  deps: SsoDeps,
  requestId: string,
  session: Session,
  mark: string,
): Promise<SignOutElsewhere | undefined> {
  const behind = await findBehind(deps.store.read, session);
  if (behind === undefined) return undefined;
  return behind.connection.protocol === 'saml'
    ? leaveForSaml(deps, requestId, session, mark, behind)
    : leaveForOidc(deps, session, behind);
}

async function leaveForSaml(
  deps: SsoDeps,
  requestId: string,
  session: Session,
  mark: string,
  { connection, subject, index }: Behind,
): Promise<SignOutElsewhere | undefined> {
  const state = newState();
  const names = await findIdpSessionNames(deps.store.read, connection, session._id);
  const begun = await beginSamlLogout(deps, connection, { subject, nameId: names?.nameId, index, state });
  if (begun === undefined) return undefined;
  await deps.store.transaction({ actor: 'system', requestId }, (tx) =>
    beginAttempt(tx, connection, { state, purpose: 'sign_out', browser: mark, requestId: begun.requestId }),
  );
  return { kind: 'go', departure: begun.departure };
}

/** OpenID Connect RP-Initiated Logout 1.0: with the ID token as the hint, the IdP knows whom we mean, and comes back to our page. */
async function leaveForOidc(
  deps: SsoDeps,
  session: Session,
  { connection, subject, index }: Behind,
): Promise<SignOutElsewhere | undefined> {
  const names = await findIdpSessionNames(deps.store.read, connection, session._id);
  const hint = names?.idToken === undefined ? undefined : deps.sealer.open(names.idToken);
  const returnTo = signInAddress(deps.baseUrl);
  const named = names?.nameId?.value ?? subject;
  const url = await oidcSignOutAddress(deps, connection, { subject: named, index, hint, state: newState(), returnTo });
  if (url === undefined) return undefined;
  return hint === undefined ? { kind: 'offer', url } : { kind: 'go', departure: { kind: 'redirect', url } };
}
