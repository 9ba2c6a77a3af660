/** Whether an OpenID provider is there, and is who it is said to be, asked when a connection is made (SSO-1). */
import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import { discover } from './oidc/index.ts';
import { SignInFault } from './protocol.ts';
import type { OidcSettings } from './settings.ts';

/** As every sign-in asks it later. Throws AppError `issuer_invalid`, and what the guarded client throws. */
export async function verifyIssuer(
  { outgoing }: { readonly outgoing: Outgoing },
  settings: OidcSettings,
): Promise<void> {
  try {
    await discover(outgoing, settings);
  } catch (error) {
    if (!(error instanceof SignInFault)) throw error;
    throw new AppError('issuer_invalid', `The issuer cannot be used. ${error.message}`);
  }
}
