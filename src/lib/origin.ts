/** Which site a browser's request comes from, by what only the browser itself writes. */
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
