/** Cookies on the wire (RFC 6265): one of a request, and the line that sets one. Values are tokens of our own making. */

/** The value of the cookie of this name; the first where a browser sends several. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

export interface NewCookie {
  readonly name: string;
  readonly value: string;
  /** Sent over https only. */
  readonly secure: boolean;
  /** With which requests of other sites it comes; where absent, the browser decides. */
  readonly sameSite?: 'Lax' | 'None' | undefined;
  /** Until the browser ends where absent; 0 removes it. */
  readonly maxAgeSeconds?: number;
}

/** The `Set-Cookie` line: for the whole host, and out of the reach of scripts. */
export function writeCookie({ name, value, secure, sameSite, maxAgeSeconds }: NewCookie): string {
  const parts = [`${name}=${value}`, 'Path=/', 'HttpOnly'];
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
  if (secure) parts.push('Secure');
  if (maxAgeSeconds !== undefined) parts.push(`Max-Age=${maxAgeSeconds}`);
  return parts.join('; ');
}
