/** Whether an OpenID provider is there, and is who it is said to be, asked when a connection is made (SSO-1). */
import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import { discover, type IssuerSettings } from './oidc/index.ts';
import { SignInFault } from './protocol.ts';

/** What an issuer's metadata decides for good when it is given. */
export interface IssuerFacts {
  /** It names itself in its answers (RFC 9207 §3). */
  readonly announcesIss: boolean;
  /** How it takes a secret where the Admin does not say: by what Discovery §3 makes the usual way, unless it lists the other one only. */
  readonly takesSecretBy: 'client_secret_basic' | 'client_secret_post';
}

/** As every sign-in asks it later. Throws AppError `issuer_invalid`, and what the guarded client throws. */
export async function verifyIssuer(
  { outgoing }: { readonly outgoing: Outgoing },
  settings: IssuerSettings,
): Promise<IssuerFacts> {
  try {
    const metadata = await discover(outgoing, settings);
    const ways = metadata.token_endpoint_auth_methods_supported ?? [];
    const postOnly = ways.includes('client_secret_post') && !ways.includes('client_secret_basic');
    return {
      announcesIss: metadata.authorization_response_iss_parameter_supported === true,
      takesSecretBy: postOnly ? 'client_secret_post' : 'client_secret_basic',
    };
  } catch (error) {
    if (!(error instanceof SignInFault)) throw error;
    throw new AppError('issuer_invalid', `The issuer cannot be used. ${error.message}`);
  }
}
