/** Where a request comes from: which site, by what only the browser itself writes, and which network and program. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * `own`: from a page of ours. `foreign`: from another site. `unknown`: the request says nothing, as old browsers and
 * programs do. `Origin` decides where it is sent; `null` (a sandboxed frame, a page that hides where it is) is foreign.
 */
export function siteOf(headers: IncomingHttpHeaders, baseUrl: string): 'own' | 'foreign' | 'unknown' {
  const { origin } = headers;
  if (origin !== undefined) return origin === new URL(baseUrl).origin ? 'own' : 'foreign';
  const site = headers['sec-fetch-site'];
  if (site === undefined) return 'unknown';
  return site === 'same-origin' ? 'own' : 'foreign';
}

const USER_AGENT_LIMIT = 256;

/** The address as Express tells it, trusted proxies considered, and what the client calls itself (AUD-1). */
export function originOf(request: { readonly ip?: string | undefined; readonly headers: IncomingHttpHeaders }) {
  const { ip, headers } = request;
  const userAgent = headers['user-agent']?.slice(0, USER_AGENT_LIMIT);
  if (ip === undefined && userAgent === undefined) return undefined;
  return { ...(ip !== undefined && { address: ip }), ...(userAgent !== undefined && { userAgent }) };
}
