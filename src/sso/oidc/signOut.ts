/** Log-out at the IdP, begun here (OpenID Connect RP-Initiated Logout 1.0). */
import { buildEndSessionUrl } from 'openid-client';
import type { Connection } from '../../store/index.ts';
import type { SsoDeps } from '../protocol.ts';
import { findProvider } from './provider.ts';

/**
 * Where the browser goes to end its session with the IdP, too; undefined where the IdP has no such place, or cannot be asked.
 * The IdP is told who we are and whom we mean: by the ID token of the sign-in, which was kept sealed for this (`id_token_hint`), or where there
 * is none by `logout_hint`.
 */
export async function oidcSignOutAddress(
  deps: SsoDeps,
  connection: Connection,
  { subject, index, hint, state, returnTo }: SignOut,
): Promise<string | undefined> {
  const provider = await findProvider(deps, connection).catch(() => undefined);
  if (provider === undefined || !provider.hasEndSession) return undefined;
  const url = buildEndSessionUrl(provider.configuration, {
    ...(hint === undefined ? { logout_hint: index ?? subject } : { id_token_hint: hint }),
    post_logout_redirect_uri: returnTo,
    state,
  });
  return url.href;
}

export interface SignOut {
  /** The IdP's name for the person, and for its session with them. */
  readonly subject: string;
  readonly index?: string | undefined;
  /** The ID token of the sign-in. */
  readonly hint?: string | undefined;
  readonly state: string;
  /** The page of ours that the IdP may send the browser back to; it must know it. */
  readonly returnTo: string;
}
