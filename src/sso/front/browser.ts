/** The browser before us: its mark, its session, and the forms that it was given. */
import type { IncomingHttpHeaders } from 'node:http';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { findLiveSession } from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { Mail } from '../../lib/mail.ts';
import { originOf, siteOf } from '../../lib/origin.ts';
import { equalSecrets, hashSecret } from '../../lib/secrets.ts';
import type { Cause, Session } from '../../store/index.ts';
import { newFlowCookie, readFlowCookie, readSessionCookie } from '../cookies.ts';
import type { SignInLimits } from '../limits.ts';
import type { SsoDeps } from '../protocol.ts';
import type { ReturnOrigins } from '../returnTo.ts';
import type { Browser } from '../signIn.ts';

/** What the pages work with. */
export interface FrontDeps extends SsoDeps, ReturnOrigins {
  readonly limits: SignInLimits;
  /** Of a development server: what it would have mailed, newest first. */
  readonly letters?: readonly Mail[] | undefined;
}

/** Who stands in the audit for what a request to these addresses changes, and from where it came (AUD-1). */
export const causeIn = (response: Response, actor: string): Cause => ({
  actor,
  requestId: String(response.locals.requestId ?? ''),
  from: originOf(response.req),
});

/** The mark of this browser; one that has none is given one. */
export function markOf(request: Request, response: Response, baseUrl: string): string {
  const known = readFlowCookie(request.headers, baseUrl);
  if (known !== undefined) return known;
  const { mark, line } = newFlowCookie(baseUrl);
  response.append('Set-Cookie', line);
  return mark;
}

/** This browser, as a sign-in knows it. */
export const browserOf = (request: Request, response: Response, { baseUrl }: Pick<FrontDeps, 'baseUrl'>): Browser => ({
  flow: markOf(request, response, baseUrl),
  userAgent: request.headers['user-agent'],
  address: request.ip,
});

/** The live session of this browser. */
export async function sessionOf(
  headers: IncomingHttpHeaders,
  deps: Pick<FrontDeps, 'store' | 'clock' | 'baseUrl'>,
): Promise<Session | undefined> {
  const token = readSessionCookie(headers, deps.baseUrl);
  return token === undefined ? undefined : findLiveSession(deps.store.read, token, deps.clock.now());
}

const formLifeMs = 2 * 60 * 60_000;
const sealedForm = z.object({ form: z.literal(1), bound: z.string(), until: z.number() });

/** What a form token is bound to: the browser, and the session that it has, if any. */
const boundTo = (mark: string, headers: IncomingHttpHeaders, baseUrl: string): string =>
  hashSecret(`${mark} ${readSessionCookie(headers, baseUrl) ?? ''}`);

/** The token of a page's forms: only a browser that was given the page can send it back (CSRF, login CSRF). */
export function makeFormToken(request: Request, response: Response, { sealer, clock, baseUrl }: FrontDeps): string {
  const bound = boundTo(markOf(request, response, baseUrl), request.headers, baseUrl);
  return sealer.seal(JSON.stringify({ form: 1, bound, until: clock.now().getTime() + formLifeMs }));
}

function isFormToken(token: string, request: Request, { sealer, clock, baseUrl }: FrontDeps): boolean {
  const mark = readFlowCookie(request.headers, baseUrl);
  if (mark === undefined) return false;
  try {
    const { bound, until } = sealedForm.parse(JSON.parse(sealer.open(token)));
    return equalSecrets(bound, boundTo(mark, request.headers, baseUrl)) && clock.now().getTime() < until;
  } catch {
    return false;
  }
}

const readBody = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 });
const fields = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/**
 * The fields of a form that a page of ours has sent. Throws AppError form_expired where it is anybody else's, or too old,
 * and invalid_request where a field comes twice.
 */
export async function readForm(
  request: Request,
  response: Response,
  deps: FrontDeps,
): Promise<Readonly<Record<string, string | undefined>>> {
  await new Promise<void>((resolve, reject) => {
    readBody(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  const given = fields.safeParse(request.body ?? {});
  const form = given.success ? given.data : {};
  const single = Object.entries(form).map(([name, value]) => {
    if (typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value)) return [name, value] as const;
    throw new AppError('invalid_request', 'The form cannot be read. Go back and try again.');
  });
  const read: Readonly<Record<string, string | undefined>> = Object.fromEntries(single);
  const own = siteOf(request.headers, deps.baseUrl) !== 'foreign' && isFormToken(read.form_token ?? '', request, deps);
  if (own) return read;
  throw new AppError('form_expired', 'This page has been open for too long, or cookies are switched off. Begin again.');
}
