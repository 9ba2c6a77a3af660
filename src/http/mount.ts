/** Routes → an Express router: authenticate, authorize, parse, handle, answer; and 405 for the methods that are not there. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { mailboxProof } from '../access/index.ts';
import { AppError, hasCode } from '../errors.ts';
import { groupBy } from '../lib/groupBy.ts';
import { originOf } from '../lib/origin.ts';
import { matcherOf } from '../lib/secrets.ts';
import { findStepUpUrl, mailedLinkAddress, readSessionCookie } from '../sso/index.ts';
import type { ReadStore } from '../store/index.ts';
import { authenticate, causeOf, confirmPrincipal } from './authenticate.ts';
import { authorize, refuseInClosed } from './authorize.ts';
import { foresee, invalidRequest } from './errors.ts';
import { parseInput, readJson, refusePoison } from './input.ts';
import { type Answering, nameRoute, requestIdOf } from './observe.ts';
import { errorsOf } from './openapi.ts';
import { type ApiDeps, mayWrite, type Principal, type Route } from './route.ts';
import { noteUse } from './sessionUse.ts';

export interface MountOptions {
  readonly operatorTokens: readonly string[];
  /** Tests: an answer that its route's schema does not allow, and a refusal that its description does not name, become errors. */
  readonly checkResponses?: boolean;
}

/** The options as requests need them. */
interface Mounted extends Pick<MountOptions, 'checkResponses'> {
  readonly isOperatorToken: (token: string) => boolean;
}

const mountedWith = ({ operatorTokens, checkResponses = false }: MountOptions): Mounted => ({
  checkResponses,
  isOperatorToken: matcherOf(operatorTokens),
});

/** What a route reads of a request beside its message: Express's own, or put together where Express is not asked. */
export type Told = Pick<Request, 'headers' | 'params' | 'query' | 'ip'>;

/** Answers a request of a route that was found for it; the promise fails with what is to be told as an error. */
export type AnswerExact = (message: IncomingMessage, response: Answering, told: Told) => Promise<void>;

/** The routes without parameters by method and path, `GET /api/v1/me`: what services ask on every request is found in one look-up. */
export function exactRoutes(
  routes: readonly Route[],
  deps: ApiDeps,
  options: MountOptions,
): ReadonlyMap<string, AnswerExact> {
  const mounted = mountedWith(options);
  const plain = routes.filter(({ path }) => !path.includes('{'));
  return new Map(
    plain.map((one) => [
      `${one.method.toUpperCase()} ${one.path}`,
      (message, response, told) => answerAsDescribed(one, message, response, told, deps, mounted),
    ]),
  );
}

/** The router of these routes. */
export function mountRoutes(routes: readonly Route[], deps: ApiDeps, given: MountOptions): Router {
  const options = mountedWith(given);
  const router = Router();
  const byPath = groupBy(routes, ({ path }) => path);
  for (const [path, siblings] of byPath) {
    const mounted = router.route(path.replace(/\{(\w+)\}/g, ':$1'));
    for (const declared of siblings) {
      mounted[declared.method]((request: Request, response: Response) =>
        answerAsDescribed(declared, request, response, request, deps, options),
      );
    }
    mounted.all(refuseMethod(path, siblings));
  }
  return router;
}

async function answerAsDescribed(...request: Parameters<typeof answer>): Promise<void> {
  const [route, , , , , { checkResponses }] = request;
  try {
    await answer(...request);
  } catch (error) {
    const code = checkResponses ? foresee(error)?.code : undefined;
    if (code === undefined || errorsOf(route).includes(code)) throw error;
    throw new Error(`${route.method} ${route.path} is not described to answer ${code}`, { cause: error });
  }
}

async function answer(
  route: Route,
  message: IncomingMessage,
  response: Answering,
  request: Told,
  deps: ApiDeps,
  options: Mounted,
): Promise<void> {
  nameRoute(response, route.path);
  const { store } = deps;
  const requestId = requestIdOf(response);
  const principal = await whoAsks(route, request, deps, options);
  const params = parseParams(route, request.params);
  const decision = await authorize(route, principal, params, store.read, deps.baseUrl);
  if (mayWrite(route)) await refuseLate(route, principal, params, store.read);
  const query = parseQuery(route, request.query);
  const body = route.body ? parseInput(route.body, await readBody(route, message, response), 'body') : undefined;
  const asked = route.handle(
    {
      params,
      query,
      body,
      principal,
      decision,
      requestId,
      reads: store.read,
      isKnown: (result) => matches(request.headers['if-none-match'], etagOf(JSON.stringify(result))),
      async renew() {
        await authorize(route, await whoAsks(route, request, deps, options), params, store.read, deps.baseUrl);
      },
      isGone: () => response.destroyed,
      write: (work) => {
        if (!mayWrite(route)) throw new Error(`${route.method} ${route.path} is declared to change nothing`);
        return store.transaction({ ...causeOf(principal, requestId), from: originOf(request) }, async (tx) => {
          // What was allowed when the request came may no longer be when it changes something (PRJ-7).
          const present = await confirmPrincipal(principal, tx);
          if (present.kind === 'account') await authorize(route, present, params, tx, deps.baseUrl);
          await refuseLate(route, present, params, tx);
          return work(tx);
        });
      },
    },
    deps,
  );
  const result = await asked.catch(async (error: unknown) => {
    throw await sayWhere(error, principal, params.org, deps);
  });
  if (options.checkResponses) route.response?.parse(result);
  if (route.maxAge !== undefined) response.setHeader('Cache-Control', `public, max-age=${route.maxAge}`);
  if (!route.etag) return sendJson(response, route.status, result);
  const text = JSON.stringify(result);
  const etag = etagOf(text);
  response.setHeader('ETag', etag);
  if (!matches(request.headers['if-none-match'], etag)) return sendText(response, route.status, text);
  response.statusCode = 304;
  response.setHeader('Cache-Control', 'no-cache');
  response.end();
}

/** In a closed organization nobody changes anything; people have no right there, by which they are refused (ORG-2). */
async function refuseLate(
  route: Route,
  principal: Principal,
  params: Readonly<Record<string, string>>,
  reads: ReadStore,
): Promise<void> {
  if (principal.kind !== 'account' && !route.onClosed) await refuseInClosed(params, reads);
}

/** The body, an empty one where there is none. AuthZEN knows no status but 400 for one that is no JSON at all (section 10). */
async function readBody(route: Route, message: IncomingMessage, response: Answering): Promise<object> {
  try {
    return (await readJson(message, response)) ?? {};
  } catch (error) {
    const known = route.tag === 'Decisions' ? foresee(error) : undefined;
    if (known?.code !== 'unsupported_content_type') throw error;
    throw invalidRequest(known.message, [{ in: 'header', field: 'Content-Type', message: known.message }]);
  }
}

const etagOf = (text: string): string => `"${createHash('sha256').update(text).digest('base64url')}"`;

/** RFC 9110 §13.1.2: any of the list, compared weakly, or `*`. */
const matches = (header: string | undefined, etag: string): boolean =>
  header?.split(',').some((one) => ['*', etag, `W/${etag}`].includes(one.trim())) ?? false;

/**
 * A refusal that asks for a fresh sign-in tells where that is: through the IdP, which may be unable to say that it has asked the person again,
 * or by a mailed link, which always counts.
 */
async function sayWhere(
  error: unknown,
  principal: Principal,
  organizationId: string | undefined,
  { store, baseUrl }: ApiDeps,
): Promise<unknown> {
  if (!hasCode(error, 'reauthentication_required') || principal.kind !== 'account') return error;
  const byMail = error.details?.proof === mailboxProof || organizationId === undefined;
  const signInUrl = byMail
    ? mailedLinkAddress(baseUrl)
    : await findStepUpUrl(store.read, baseUrl, organizationId, principal.accountId, { again: true });
  const mailedLinkUrl = byMail ? {} : { mailedLinkUrl: mailedLinkAddress(baseUrl) };
  return new AppError(error.code, error.message, { details: { ...error.details, signInUrl, ...mailedLinkUrl } });
}

const nobody: Principal = { kind: 'account', accountId: '', operator: false };

/** Whether a request says who sends it, be it true or not. */
const isIdentified = ({ headers }: Told, { baseUrl }: ApiDeps): boolean =>
  headers.authorization !== undefined || readSessionCookie(headers, baseUrl) !== undefined;

async function whoAsks(route: Route, request: Told, deps: ApiDeps, options: Mounted): Promise<Principal> {
  if (route.access === 'public' && !(route.session && isIdentified(request, deps))) return nobody;
  const { store, clock, baseUrl } = deps;
  const { isOperatorToken } = options;
  const safe = route.method === 'get';
  const principal = await authenticate(request.headers, safe, { reads: store.read, isOperatorToken, clock, baseUrl });
  if (principal.kind === 'account' && principal.session) noteUse(principal.session, deps);
  if (principal.kind === 'service') deps.serviceUses.note({ _id: principal.id }, clock.now());
  return principal;
}

/** Path parameters that cannot be names of anything name nothing: 404, as for names of what is not there. */
function parseParams(route: Route, given: unknown): Readonly<Record<string, string>> {
  const parsed = route.params?.safeParse(given);
  if (parsed && !parsed.success) throw new AppError('not_found', 'There is nothing at this address.');
  return (parsed?.data ?? {}) as Readonly<Record<string, string>>;
}

function parseQuery(route: Route, given: unknown): unknown {
  if (!route.query) {
    if (Object.keys(given as object).length === 0) return undefined;
    throw new AppError('invalid_request', 'This route takes no query parameters.');
  }
  refusePoison(given, 'query');
  return parseInput(route.query, given, 'query');
}

/** Answers with JSON, or with nothing where `body` is undefined; nobody keeps it unless a header says otherwise. */
export function sendJson(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  response.statusCode = status;
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'no-store');
  if (body === undefined) {
    response.end();
    return;
  }
  sendText(response, status, JSON.stringify(body), type);
}

function sendText(response: ServerResponse, status: number, text: string, type = 'application/json'): void {
  response.statusCode = status;
  response.setHeader('Content-Type', `${type}; charset=utf-8`);
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'no-cache');
  response.end(text);
}

function refuseMethod(path: string, siblings: readonly Route[]) {
  const methods = siblings.map(({ method }) => method.toUpperCase());
  if (methods.includes('GET')) methods.push('HEAD');
  const allow = [...methods, 'OPTIONS'].join(', ');
  return (request: Request, response: Response, _next: NextFunction): void => {
    nameRoute(response, path);
    response.setHeader('Allow', allow);
    if (request.method === 'OPTIONS') {
      response.statusCode = 204;
      response.end();
      return;
    }
    throw new AppError('method_not_allowed', `${request.method} is not possible here; ${allow} are.`);
  };
}
