/** Log-out at the IdP, begun here (OpenID Connect RP-Initiated Logout 1.0). */
import { buildEndSessionUrl } from 'openid-client';
import type { Connection } from '../../store/index.ts';
import type { SsoDeps } from '../protocol.ts';
import { findProvider } from './provider.ts';

/**
 * Where the browser goes to end its session with the IdP, too; undefined where the IdP has no such place, or cannot be asked.
 * The IdP is told who we are and whom we mean (`client_id`, `logout_hint`). The ID token, which some IdPs take as a hint, is not
 * kept after the sign-in: it would be a person's data and a token at rest for nothing but this.
 */
export async function oidcSignOutAddress(
  deps: SsoDeps,
  connection: Connection,
  { subject, index, state, returnTo }: SignOut,
): Promise<string | undefined> {
  const provider = await findProvider(deps, connection).catch(() => undefined);
  if (provider === undefined || !provider.hasEndSession) return undefined;
  const url = buildEndSessionUrl(provider.configuration, {
    logout_hint: index ?? subject,
    post_logout_redirect_uri: returnTo,
    state,
  });
  return url.href;
}

export interface SignOut {
  /** The IdP's name for the person, and for its session with them. */
  readonly subject: string;
  readonly index?: string | undefined;
  readonly state: string;
  /** The page of ours that the IdP may send the browser back to; it must know it. */
  readonly returnTo: string;
}
