/** What answers requests: the front, Express behind it, every middleware in its order, and all routers. */
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import helmet from 'helmet';
import { AppError } from '../errors.ts';
import type { Scim } from '../scim/index.ts';
import { apiRoutes } from './api/index.ts';
import { toProblem } from './errors.ts';
import { openFront } from './front.ts';
import { exactRoutes, mountRoutes, sendJson } from './mount.ts';
import { type Answering, nameRoute, observeRequests, requestIdOf } from './observe.ts';
import { describeRoutes } from './openapi.ts';
import type { ApiDeps } from './route.ts';
import { type Lifecycle, openMetrics, serviceRouter } from './service.ts';

export interface AppOptions extends ApiDeps {
  readonly operatorTokens: readonly string[];
  readonly trustProxy: boolean | number | string;
  readonly lifecycle: Lifecycle;
  /** Serves /scim. */
  readonly scim: Pick<Scim, 'router' | 'door'>;
  /** Serves sign-in: /sso, /sign-in, /sign-out. */
  readonly sso: Router;
  /** The product's version, for the OpenAPI document. */
  readonly version: string;
  readonly processMetrics?: boolean;
  /** Tests: an answer that its route's schema does not allow becomes an error. */
  readonly checkResponses?: boolean;
}

/** The listener of all requests; nothing is listening yet. */
export function createApp(options: AppOptions): RequestListener {
  const { store, logger, baseUrl, lifecycle, version } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', options.trustProxy);
  app.set('query parser', 'simple');

  const registry = openMetrics(store, options.processMetrics ?? false);
  app.use('/scim', options.scim.router);
  app.use(options.sso);
  app.use(mountRoutes(apiRoutes, options, options));
  let document: object | undefined;
  app.use(
    serviceRouter({
      store,
      lifecycle,
      registry,
      routes: apiRoutes,
      document: () => (document ??= describeRoutes(apiRoutes, baseUrl, version)),
    }),
  );
  app.use((request: Request) => {
    const hint = request.path === '/' ? ' People sign in at /sign-in; the API is described at /docs.' : '';
    throw new AppError('route_not_found', `There is no ${request.method} ${request.path}.${hint}`);
  });
  const answerError = answerErrors(options);
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (!answerError(error, response)) next(error);
  });
  return openFront({
    app,
    observe: observeRequests(logger, registry),
    headers: securityHeaders(baseUrl),
    exact: exactRoutes(apiRoutes, options, options),
    scim: options.scim.door,
    answerError,
  });
}

/**
 * Pages load their own style and nothing else; nothing may be framed. HTTPS is demanded where the service is on it.
 * The headers depend on no request: helmet makes them once, on an answer that nobody gets.
 */
function securityHeaders(baseUrl: string): Map<string, string> {
  const secure = baseUrl.startsWith('https:');
  const makeHeaders = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'style-src': ["'self'"],
        'img-src': ["'self'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    strictTransportSecurity: secure && { maxAge: 31_536_000 },
  });
  const model = new ServerResponse(new IncomingMessage(new Socket()));
  makeHeaders(model.req, model, (error) => {
    if (error) throw error;
  });
  return new Map(Object.entries(model.getHeaders()).map(([name, value]) => [name, String(value)]));
}

/**
 * Every error of every router ends here, as an RFC 9457 problem; only those that nobody foresaw are logged. False where an
 * answer has begun already.
 */
function answerErrors({ logger, baseUrl }: ApiDeps) {
  return (error: unknown, response: Answering): boolean => {
    const requestId = requestIdOf(response);
    const { problem, known } = toProblem(error, requestId, baseUrl);
    if (!known || problem.status >= 500) logger.error({ requestId, err: error }, 'request failed');
    if (response.headersSent) return false;
    if (problem.status === 401) response.setHeader('WWW-Authenticate', challenge(problem.code));
    if (problem.status === 404 && problem.code === 'route_not_found') nameRoute(response, 'none');
    if (problem.status === 503) response.setHeader('Retry-After', '1');
    sendJson(response, problem.status, problem, 'application/problem+json');
    return true;
  };
}

/** RFC 6750 §3: no error code where no token was sent. */
function challenge(code: string): string {
  return code === 'authentication_required'
    ? 'Bearer realm="gatehouse"'
    : 'Bearer realm="gatehouse", error="invalid_token"';
}
