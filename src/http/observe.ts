/** What the operator sees of requests: an id on each, one log line, and metrics. Never a secret, a body or a query. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'express';
import { Histogram, type Registry } from 'prom-client';
import type { Logger } from '../lib/logger.ts';

// Ids of requests come from a counter under a random name of the process: every request needs one, and none a ULID.
const processName = randomBytes(8).toString('hex');
let requestCount = 0;
const newRequestId = (): string => `req-${processName}${(requestCount++).toString(36).padStart(6, '0')}`;

const saneRequestId = /^[A-Za-z0-9._:/+=-]{1,128}$/;
/** AuthZEN's clients get theirs back as they have sent it, as far as fields are ASCII (RFC 9110 §5.5): it is never taken as an id of ours. */
const echoable = /^[\t -~]+$/;
const decisionPoint = '/access/v1/';
/** So much of it the log keeps. */
const notedLength = 256;

/** An answer on its way, with what the steps of its request tell each other: Express's own form, kept also where Express is not asked. */
export type Answering = ServerResponse & { locals: { requestId?: unknown; route?: unknown } };

/** The id of the request that `response` answers. */
export function requestIdOf({ locals }: Pick<Answering, 'locals'>): string {
  return typeof locals.requestId === 'string' ? locals.requestId : '';
}

/** Names the route that answers, for the log and the metrics: the template, so that ids do not become labels. */
export function nameRoute({ locals }: Pick<Answering, 'locals'>, template: string): void {
  locals.route = template;
}

function routeOf(
  request: IncomingMessage & Partial<Pick<Request, 'route' | 'baseUrl'>>,
  { locals }: Answering,
): string {
  if (typeof locals.route === 'string') return locals.route;
  const pattern: unknown = request.route?.path;
  if (typeof pattern !== 'string') return 'none';
  return request.baseUrl?.startsWith('/scim/') ? `/scim/v2/{directoryId}${pattern}` : pattern;
}

/**
 * The first step of every request: takes or makes its id (X-Request-Id, also of the answer), and notes how it ended.
 * An id from outside is taken only in a harmless form; the decision point answers any (AuthZEN 1.0), and the log notes
 * it beside our own.
 */
export function observeRequests(logger: Logger, registry: Registry) {
  const durations = new Histogram({
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Time from the request line to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return (request: IncomingMessage, response: Answering, address: () => string | undefined): void => {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && saneRequestId.test(given) ? given : newRequestId();
    response.locals.requestId = requestId;
    const echoed = typeof given === 'string' && request.url?.startsWith(decisionPoint) && echoable.test(given);
    response.setHeader('X-Request-Id', echoed ? given : requestId);
    const start = performance.now();
    response.once('close', () => {
      const ms = performance.now() - start;
      const { method = '' } = request;
      const route = routeOf(request, response);
      const status = response.statusCode;
      durations.observe({ method, route, status }, ms / 1000);
      const level = status >= 500 ? 'warn' : 'info';
      if (!logger.isLevelEnabled(level)) return;
      const facts = {
        requestId,
        ...(echoed && given !== requestId && { clientRequestId: given.slice(0, notedLength) }),
        method,
        route,
        status,
        ms: Math.round(ms * 10) / 10,
        ip: address(),
        ...(!response.writableFinished && { aborted: true }),
      };
      logger[level](facts, 'request');
    });
  };
}
