/** Whether an OpenID provider is there, and is who it is said to be, asked when a connection is made (SSO-1). */
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import type { OidcSettings } from './settings.ts';

/** OpenID Connect Discovery §3, as far as a connection cannot do without. */
const document = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
});

const invalid = (why: string) => new AppError('issuer_invalid', `The issuer cannot be used: ${why}`);

/** Throws AppError `issuer_invalid`, and what the guarded client throws. */
export async function verifyIssuer(
  { outgoing }: { readonly outgoing: Outgoing },
  { issuer }: OidcSettings,
): Promise<void> {
  if (!URL.canParse(issuer) || /[?#]|\/\.well-known(\/|$)/.test(issuer)) {
    throw invalid('give the issuer itself, an https address without query and without /.well-known/…');
  }
  const response = await outgoing(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    headers: { accept: 'application/json' },
  });
  if (response.status !== 200) throw invalid(`its discovery document is not there (${response.status})`);
  const parsed = document.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) throw invalid('its discovery document lacks what a sign-in needs');
  if (new URL(parsed.data.issuer).href !== new URL(issuer).href)
    throw invalid('its discovery document names another one');
}
