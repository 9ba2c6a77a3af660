/** Pages on the wire. */
import type { Response } from 'express';
import { type Page, renderPage } from '../pages/frame.ts';
import { departurePage } from '../pages/signIn.ts';
import type { Departure } from '../protocol.ts';

/** The policy of one page: nothing but our own style, and forms that lead no further than they must. */
function policyOf({ formAction = [], submits }: Page): string {
  const directives = [
    "default-src 'none'",
    "style-src 'self'",
    ...(submits ? ["script-src 'self'"] : []),
    "base-uri 'none'",
    `form-action ${["'self'", ...formAction].join(' ')}`,
    "frame-ancestors 'none'",
  ];
  return directives.join('; ');
}

/** Nothing is kept, framed, or told to the next site; our own pages still tell us that they are ours (`Origin`). */
export function sendPage(response: Response, page: Page): void {
  response.statusCode = page.status;
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Security-Policy', policyOf(page));
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'same-origin');
  response.end(renderPage(page));
}

/** On to the IdP, by redirect or form. */
export function depart(response: Response, departure: Departure): void {
  if (departure.kind === 'redirect') seeOther(response, departure.url);
  else sendPage(response, departurePage(departure));
}

/** On by GET, whatever the method was. */
export function seeOther(response: Response, url: string): void {
  response.statusCode = 303;
  response.setHeader('Location', url);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Referrer-Policy', 'same-origin');
  response.end();
}
