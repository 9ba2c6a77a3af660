/** A real Gatehouse in this process, on a store of its own, for supertest. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { readConfig } from '../../src/config.ts';
import { type Gatehouse, openGatehouse } from '../../src/gatehouse.ts';
import type { TxtLookup } from '../../src/lib/dns.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { closeBeforeStores, openTestStore, rememberBuilt, type TestPlace, type TestStoreOptions } from './engines.ts';
import type { ReadWatch } from './readWatch.ts';

export interface TestGatehouseOptions extends TestStoreOptions {
  readonly logger?: Logger;
  /** Answers for the DNS. Default: no domain has any record. */
  readonly lookUpTxt?: TxtLookup;
  /** Answers for the host names that the guarded client connects to. Default: the operating system. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  /** As a development server. */
  readonly showMail?: boolean;
  /** How long the last use of keys and service credentials waits at most before it is written. */
  readonly lastUseDelayMs?: number;
  /** Settings beside those that the test makes. */
  readonly env?: Readonly<Record<string, string>>;
  /** Notes what requests ask of the store. */
  readonly watch?: ReadWatch;
  /** Where others may be at work too, with one GATEHOUSE_KEY. Default: a place of its own. */
  readonly place?: TestPlace;
}

/** A Gatehouse under test, with what tests ask of it. */
export interface TestGatehouse extends Gatehouse {
  readonly operatorToken: string;
  /** An unauthenticated supertest agent. */
  readonly request: ReturnType<typeof supertest>;
  /** A request with the operator token; with `actAs`, in the place of that account. */
  operator(method: Method, path: string, actAs?: string): supertest.Test;
  /** A request with any bearer token. */
  bearer(token: string, method: Method, path: string): supertest.Test;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export const testOperatorToken = 'operator-token-of-the-tests-0123456789';
export const testBaseUrl = 'http://gatehouse.test';

/** Opens a Gatehouse; what a test leaves open goes with the test file. Answers that break their schema are errors. */
export async function openTestGatehouse(options: TestGatehouseOptions = {}): Promise<TestGatehouse> {
  const {
    logger = silentLogger,
    env = {},
    clock,
    lookUpTxt = async () => [],
    resolve,
    showMail = false,
    place,
    watch,
    lastUseDelayMs,
    ...storeOptions
  } = options;
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const storeOf = { ...storeOptions, ...(clock && { clock }) };
  const opened = await (place ? place.open(storeOf) : openTestStore(storeOf));
  const store = watch ? watch.watchStore(opened) : opened;
  const config = readConfig({
    GATEHOUSE_DATA: folder,
    GATEHOUSE_URL: testBaseUrl,
    GATEHOUSE_OPERATOR_TOKEN: testOperatorToken,
    GATEHOUSE_SCIM_RATE: '9999999',
    GATEHOUSE_SCIM_BURST: '9999999',
    ...env,
  });
  const gatehouse = await openGatehouse(config, {
    logger,
    store,
    lookUpTxt,
    ...(resolve && { resolve }),
    showMail,
    checkResponses: true,
    lastUseDelayMs,
    ...(clock && { clock }),
  });
  let closed: Promise<void> | undefined;
  const close = async () => {
    await gatehouse.close();
    await rm(folder, { recursive: true, force: true });
  };
  const request = supertest(watch ? watch.watchApp(gatehouse.app) : gatehouse.app);
  const bearer = (token: string, method: Method, path: string) =>
    request[method](path).set('Authorization', `Bearer ${token}`);
  const test: TestGatehouse = {
    ...gatehouse,
    operatorToken: testOperatorToken,
    request,
    bearer,
    operator(method, path, actAs) {
      const asked = bearer(testOperatorToken, method, path);
      return actAs === undefined ? asked : asked.set('Gatehouse-Act-As', actAs);
    },
    close: () => (closed ??= close()),
  };
  closeBeforeStores(test.close);
  return test;
}

const testKey = 'one key of all worlds 0123456789';

/**
 * Opens Gatehouses in which `build` has been done: done once, in the first of them, then laid into the store of each further
 * one before it opens. What `build` answers (plain data, since it outlives the Gatehouse that made it) comes with each.
 * All calls take the same options: a clock that moves starts at the same time again. With a Gatehouse, its data goes.
 */
export function openBuilt<W extends object>(
  build: (gatehouse: TestGatehouse) => Promise<W>,
): (options?: TestGatehouseOptions) => Promise<W & { readonly gatehouse: TestGatehouse }> {
  const remember = rememberBuilt<W>();
  return async (options = {}) => {
    const env = { GATEHOUSE_KEY: testKey, ...options.env };
    const { place, world } = await remember(async (place) => {
      const first = await openTestGatehouse({ ...options, env, place });
      const made = await build(first);
      await first.queue?.idle();
      await first.close();
      return made;
    });
    const gatehouse = await openTestGatehouse({ ...options, env, place });
    // Nobody else has the place: a test of many worlds gives each back as it goes on.
    const close = () => gatehouse.close().then(() => place.close());
    return { ...world, gatehouse: { ...gatehouse, close } };
  };
}
