/** The composition root: settings → store → queue → areas → app. Nothing else knows everything. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { handlers } from '../workers/handlers.ts';
import { openRounds } from '../workers/rounds.ts';
import type { Stack } from '../workers/stack.ts';
import type { Config } from './config.ts';
import { forWebhooks, openSequencer } from './events/index.ts';
import { createApp } from './http/app.ts';
import type { Lifecycle } from './http/service.ts';
import { checkKey, openKeyRotation, tellRemaining } from './keyCheck.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { openTxtLookup, type TxtLookup } from './lib/dns.ts';
import { type Logger, openLogger } from './lib/logger.ts';
import { type Mail, openMailer } from './lib/mail.ts';
import { type OutgoingOptions, openOutgoing } from './lib/outgoing.ts';
import { openSealer } from './lib/secrets.ts';
import { IdentityVersions } from './provisioning/index.ts';
import { openEmbeddedQueue, type Periodic, type Queue, takeOver } from './queue/index.ts';
import { openScim } from './scim/index.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { openSignInLimits, ssoRouter } from './sso/index.ts';
import { openLastUses, type Store } from './store/index.ts';
import { version } from './version.ts';

export interface Gatehouse {
  readonly app: ReturnType<typeof createApp>;
  readonly store: Store;
  /** Runs jobs in this process; absent where workers take them from Redis. */
  readonly queue: Queue | undefined;
  readonly secrets: Secrets;
  /** Writes down at once what is noted in batches: log rows of SCIM reads, last use of tokens, keys and credentials. */
  flush(): Promise<void>;
  /** Begins to serve, to sweep where jobs run here, and to seal anew where the key changes; answers the port. Default: the configured one. */
  listen(port?: number): Promise<number>;
  /**
   * Ends gracefully: not ready, but serving, for the configured time, in which load balancers turn elsewhere; then no new
   * requests, the running ones and jobs finish within bounds, and the store closes.
   */
  close(): Promise<void>;
}

export interface GatehouseOptions {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Serves this store, and closes it at the end, instead of opening the configured one; for tests. */
  readonly store?: Store;
  /** Answers for the DNS; for tests. */
  readonly lookUpTxt?: TxtLookup | undefined;
  /** Answers for the host names that the guarded client connects to; for tests. */
  readonly resolve?: OutgoingOptions['resolve'];
  /** Called once, when the configured store can answer nothing any more in this process. Default: nobody is told. */
  readonly onStoreLost?: (error: unknown) => void;
  /** Whether process metrics are collected, which one Gatehouse of a process may do. Default: off. */
  readonly processMetrics?: boolean;
  /** For development: letters are shown at /dev/mail to anybody, and not written to the log. */
  readonly showMail?: boolean;
  /** How long the last use of keys and service credentials waits at most before it is written; for tests. */
  readonly lastUseDelayMs?: number | undefined;
  /** Tests: an answer that its route's schema does not allow becomes an error. */
  readonly checkResponses?: boolean;
}

/** Room for the longest filter of SCIM (8192 characters) in an address, where each may be written as `%xx`. */
const maxHeaderSize = 64 * 1024;

/** How long running requests may take once the process is to end. */
const finishMs = 10_000;

/**
 * Opens everything that one web process needs; nothing listens yet.
 * Throws ConfigError (secrets, a key that did not seal the data) and AppError `store_unavailable`; then nothing stays open.
 */
export async function openGatehouse(config: Config, options: GatehouseOptions = {}): Promise<Gatehouse> {
  const { clock = systemClock, logger = openLogger(config.logLevel) } = options;
  const secrets = await loadSecrets(config);
  const sealer = openSealer(secrets.key);
  const store = options.store ?? (await openStore(config, clock, options.onStoreLost));
  await checkKey(store, sealer).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  // A data file is one process's alone: whoever had taken jobs from it is gone.
  if (options.store === undefined && store.engine === 'sqlite') await takeOver(store, clock.now());
  if (sealer.hasFormer) await tellRemaining(store, sealer, logger);
  const rotation = openKeyRotation({ store, sealer, logger, clock });
  const lifecycle: Lifecycle = { closing: false };
  const letters: Mail[] | undefined = options.showMail ? [] : undefined;
  const mailer = openMailer(config.mail, logger, letters);
  const lookUpTxt = options.lookUpTxt ?? openTxtLookup(config.dnsServers);
  const { allowPrivateNetwork: allowPrivate, dnsServers } = config;
  const reach = { allowPrivate, dnsServers, resolve: options.resolve };
  const outgoing = openOutgoing(reach);
  const sendOut = openOutgoing({ ...reach, ...forWebhooks });
  const stack = { store, clock, sealer, mailer, lookUpTxt, outgoing, sendOut, allowPrivate };
  const jobs = await openJobs(config, { ...stack, logger });
  const { baseUrl, returnOrigins: origins } = config;
  const scim = openScim({ store, logger, clock, baseUrl, outgoing, rate: config.scimRate });
  const limits = openSignInLimits(clock);
  const { lastUseDelayMs: delayMs } = options;
  const serviceUses = openLastUses(store, 'serviceCredentials', {
    delayMs,
    onError: (err) => logger.error({ err }, 'the last use of service credentials could not be written'),
  });
  const keyUses = openLastUses(store, 'apiKeys', {
    delayMs,
    onError: (err) => logger.error({ err }, 'the last use of API keys could not be written'),
  });
  const app = createApp({
    ...options,
    outgoing,
    allowPrivate,
    lookUpTxt,
    store,
    logger,
    clock,
    sealer,
    limits,
    serviceUses,
    eventDays: config.eventDays,
    baseUrl,
    trustProxy: config.trustProxy,
    operatorTokens: secrets.operatorTokens,
    lifecycle,
    scim,
    sso: ssoRouter({ store, logger, clock, sealer, baseUrl, outgoing, limits, origins, letters }),
    replay: scim.replay,
    isClosing: () => lifecycle.closing,
    keyUses,
    identityVersions: new IdentityVersions(),
    version,
  });
  const answering = new Set<ServerResponse>();
  let server: Server | undefined;
  let closed: Promise<void> | undefined;

  async function listen(port = config.port): Promise<number> {
    server = createServer({ maxHeaderSize }, app);
    server.prependListener('request', (_request, response) => {
      // One who keeps a connection to a process that is about to end is told to open the next one elsewhere.
      if (lifecycle.closing) response.shouldKeepAlive = false;
      answering.add(response);
      response.once('close', () => answering.delete(response));
    });
    // Longer than the idle time of common load balancers, which must be the first to close a connection.
    server.keepAliveTimeout = 75_000;
    server.headersTimeout = 80_000;
    server.requestTimeout = 60_000;
    server.listen(port, config.host);
    await once(server, 'listening');
    jobs.rounds?.start();
    rotation?.start();
    return (server.address() as AddressInfo).port;
  }

  async function close(): Promise<void> {
    lifecycle.closing = true;
    if (server?.listening) {
      await sleep(config.drainMs);
      await finishRequests(server, answering);
    }
    await Promise.all([scim.close(), serviceUses.close(), keyUses.close()]);
    await Promise.all([jobs.close(), rotation?.stop()]);
    await store.close();
  }

  return {
    app,
    store,
    queue: jobs.queue,
    secrets,
    async flush() {
      await Promise.all([scim.flush(), serviceUses.flush(), keyUses.flush()]);
    },
    listen,
    close: () => (closed ??= close()),
  };
}

async function openStore(config: Config, clock: Clock, onLost?: (error: unknown) => void): Promise<Store> {
  const { store } = config;
  if (store.kind === 'sqlite') {
    const { openSqliteStore } = await import('./store/sqlite/index.ts');
    return openSqliteStore({ path: store.path, clock, ...(onLost && { onLost }) });
  }
  const { openMongoStore } = await import('./store/mongo/index.ts');
  return openMongoStore({ uri: store.uri, clock });
}

interface Jobs {
  readonly queue: Queue | undefined;
  readonly rounds: Periodic | undefined;
  close(): Promise<void>;
}

/** Jobs run here, unless there is Redis: then this process only tells the workers that there is something to do. */
async function openJobs(config: Config, stack: Stack & { readonly logger: Logger }): Promise<Jobs> {
  if (config.redisUrl !== undefined) {
    const { openNudge } = await import('./queue/bullmq.ts');
    const nudge = openNudge({ store: stack.store, redisUrl: config.redisUrl, logger: stack.logger });
    return { queue: undefined, rounds: undefined, close: async () => nudge.close() };
  }
  const queue = openEmbeddedQueue({ ...stack, handlers: handlers(stack) });
  queue.start();
  const sequencer = openSequencer(stack);
  sequencer.start();
  const rounds = openRounds({ ...stack, logDays: config.logDays, eventDays: config.eventDays });
  return {
    queue,
    rounds,
    async close() {
      await Promise.all([queue.drain(), rounds.stop()]);
      await sequencer.stop();
    },
  };
}

/** Stops accepting, lets running requests end with their connections, and cuts off what still runs after `finishMs`. */
async function finishRequests(server: Server, answering: Iterable<ServerResponse>): Promise<void> {
  const ended = once(server, 'close');
  for (const response of answering) response.shouldKeepAlive = false;
  server.close();
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), finishMs);
  await ended;
  clearTimeout(deadline);
}
