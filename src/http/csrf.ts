/** A session that a browser sends by itself changes something only when a page of our own asks (CSRF). */
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors.ts';
import { siteOf } from '../lib/origin.ts';

/** A header that no form can send, and no other site's script without our permission. */
export const csrfHeader = 'gatehouse-csrf';

/**
 * Passes a request with a session cookie that may change something where the browser says that a page of ours has made
 * it, and the page has set the header. Throws AppError csrf_refused.
 */
export function refuseForgery(headers: IncomingHttpHeaders, baseUrl: string): void {
  if (siteOf(headers, baseUrl) !== 'own') {
    const origin = new URL(baseUrl).origin;
    throw new AppError(
      'csrf_refused',
      `With a session cookie, changes are made from pages of ${origin} only: a browser says so by itself, another client by the headers Origin and Gatehouse-CSRF: 1, or rather by sending the session's token as its bearer token.`,
    );
  }
  if (headers[csrfHeader] === undefined) {
    throw new AppError('csrf_refused', 'With a session cookie, send the header Gatehouse-CSRF: 1 to change something.');
  }
}
