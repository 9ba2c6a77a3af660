/** Where a SCIM request carries its token (RFC 6750 §2.1), in the forms that IdPs can be set to send. */
import { AppError } from '../errors.ts';
import type { Asked } from './asked.ts';

/** A directory's own token as it is: some IdPs send the text of a custom header field with nothing before it. */
const bareToken = /^ghd_[0-9a-f]{64}$/;

/**
 * The token of a request; undefined where it has none. `Bearer` is the rule. `Basic` carries it as the password under any
 * user name (Okta's Basic mode); only a directory's own token is taken so, and only it without any scheme.
 * Throws AppError for a token in the address, where logs and proxies would keep it (RFC 6750 §2.3): authentication_required
 * where it is all that there is, oauth_invalid_request beside a header (§2: one way only).
 */
export function secretIn({ url, headers }: Pick<Asked, 'url' | 'headers'>): string | undefined {
  if (url.includes('access_token') && /[?&]access_token=/i.test(url)) {
    throw new AppError(
      headers.authorization === undefined ? 'authentication_required' : 'oauth_invalid_request',
      'Send the token in the Authorization header, never in the address; revoke this one, it may be in logs by now',
    );
  }
  const header = headers.authorization?.trim() ?? '';
  const bearer = /^Bearer +([^\s,]+)$/i.exec(header)?.[1];
  if (bearer !== undefined || header === '') return bearer;
  if (bareToken.test(header)) return header;
  const basic = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  const password =
    basic &&
    Buffer.from(basic, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, '');
  return password && bareToken.test(password) ? password : undefined;
}
