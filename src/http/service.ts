/** Routes about the process itself: liveness, readiness, metrics, the API's description. */
import { type Response, Router } from 'express';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { AppError } from '../errors.ts';
import { countJobs } from '../queue/index.ts';
import type { Store } from '../store/index.ts';
import { docsPage, docsStyle } from './docs.ts';
import { sendJson } from './mount.ts';
import type { Route } from './route.ts';

/** Whether the process still takes requests; `closing` is set at the beginning of a graceful end. */
export interface Lifecycle {
  closing: boolean;
}

/** The registry of one process. `processMetrics` adds memory, event loop and garbage collection. */
export function openMetrics(store: Store, processMetrics: boolean): Registry {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'gatehouse_outbox_jobs',
    help: 'Jobs in the outbox, by state',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      for (const state of ['waiting', 'sending', 'parked'] as const)
        this.set({ state }, await countJobs(store.read, state));
    },
  });
  return registry;
}

export interface ServiceOptions {
  readonly store: Store;
  readonly lifecycle: Lifecycle;
  readonly registry: Registry;
  readonly routes: readonly Route[];
  /** The OpenAPI document, made when it is first asked for. */
  readonly document: () => object;
}

export function serviceRouter({ store, lifecycle, registry, routes, document }: ServiceOptions): Router {
  const router = Router();
  router.get('/livez', (_request, response) => sendJson(response, 200, { status: 'ok' }));
  router.get('/readyz', async (_request, response) => {
    if (lifecycle.closing) throw new AppError('shutting_down', 'This process is shutting down.');
    try {
      await store.ping();
    } catch (cause) {
      throw new AppError('store_unavailable', 'The store does not answer.', { cause });
    }
    sendJson(response, 200, { status: 'ok' });
  });
  router.get('/metrics', async (_request, response) => {
    send(response, registry.contentType, await registry.metrics());
  });
  router.get('/openapi.json', (_request, response) => sendJson(response, 200, document()));
  router.get('/docs', (_request, response) => send(response, 'text/html; charset=utf-8', docsPage(routes)));
  router.get('/docs/style.css', (_request, response) => send(response, 'text/css; charset=utf-8', docsStyle));
  return router;
}

function send(response: Response, type: string, text: string): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Cache-Control', 'no-cache');
  response.end(text);
}
