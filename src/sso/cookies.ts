/** The two cookies of a browser: its session (SSO-7), and the mark of one that is about to sign in (login CSRF). */
import type { IncomingHttpHeaders } from 'node:http';
import { readCookie, writeCookie } from '../lib/cookies.ts';
import { newSecret } from '../lib/secrets.ts';

/** With the prefix `__Host-` a browser takes them from this host alone, over https alone; over http there is no such thing. */
const names = {
  session: { https: '__Host-gatehouse', http: 'gatehouse-session' },
  flow: { https: '__Host-gatehouse-flow', http: 'gatehouse-flow' },
} as const;

const daySeconds = 24 * 60 * 60;
const isSecure = (baseUrl: string): boolean => baseUrl.startsWith('https:');
const nameOf = (kind: keyof typeof names, baseUrl: string): string => names[kind][isSecure(baseUrl) ? 'https' : 'http'];

/** The session's token. */
export const readSessionCookie = (headers: IncomingHttpHeaders, baseUrl: string): string | undefined =>
  readCookie(headers.cookie, nameOf('session', baseUrl));

/** The browser's mark: 64 hex digits, or none. */
export function readFlowCookie(headers: IncomingHttpHeaders, baseUrl: string): string | undefined {
  const mark = readCookie(headers.cookie, nameOf('flow', baseUrl));
  return mark !== undefined && /^[0-9a-f]{64}$/.test(mark) ? mark : undefined;
}

/** The line that sets the session's cookie. It comes with links from other sites, and with nothing else of theirs. */
export const setSessionCookie = (token: string, baseUrl: string): string =>
  writeCookie({ name: nameOf('session', baseUrl), value: token, secure: isSecure(baseUrl), sameSite: 'Lax' });

export const clearSessionCookie = (baseUrl: string): string =>
  writeCookie({
    name: nameOf('session', baseUrl),
    value: '',
    secure: isSecure(baseUrl),
    sameSite: 'Lax',
    maxAgeSeconds: 0,
  });

/**
 * A new mark, and the line that sets it. A SAML IdP posts its answer from its own site, with which only a cookie of
 * `SameSite=None` comes, and only over https may there be one; over http the browser's own rule lets it through for a while.
 */
export function newFlowCookie(baseUrl: string): { readonly mark: string; readonly line: string } {
  const mark = newSecret('');
  const secure = isSecure(baseUrl);
  const line = writeCookie({
    name: nameOf('flow', baseUrl),
    value: mark,
    secure,
    sameSite: secure ? 'None' : undefined,
    maxAgeSeconds: daySeconds,
  });
  return { mark, line };
}
