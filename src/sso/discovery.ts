/** Whether an OpenID provider is there, and is who it is said to be, asked when a connection is made (SSO-1). */
import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import { discover } from './oidc/index.ts';
import { SignInFault } from './protocol.ts';
import type { OidcSettings } from './settings.ts';

/** As every sign-in asks it later. Answers whether it announces `iss` in its answers (RFC 9207 §3). Throws AppError `issuer_invalid`, and what the guarded client throws. */
export async function verifyIssuer(
  { outgoing }: { readonly outgoing: Outgoing },
  settings: OidcSettings,
): Promise<boolean> {
  try {
    const metadata = await discover(outgoing, settings);
    return metadata.authorization_response_iss_parameter_supported === true;
  } catch (error) {
    if (!(error instanceof SignInFault)) throw error;
    throw new AppError('issuer_invalid', `The issuer cannot be used. ${error.message}`);
  }
}
