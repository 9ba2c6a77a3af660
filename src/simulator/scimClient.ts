/** SCIM over HTTP as an IdP's connector speaks it: a bearer token, JSON bodies, retries on 429, 5xx and lost connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** One request and its answer, as the provisioning log of an IdP would show it. */
export interface Exchange {
  readonly method: string;
  /** Below the base URL, with the query. */
  readonly path: string;
  readonly request?: unknown;
  readonly status: number;
  readonly response?: unknown;
  readonly durationMs: number;
}

/** An answer that the IdP takes for an error; the vendor's console would show `detail` to the admin. */
export class ScimFailure extends Error {
  readonly status: number;
  readonly scimType: string | undefined;
  readonly detail: string;
  readonly exchange: Exchange;

  constructor(exchange: Exchange, detail: string, scimType: string | undefined) {
    super(`${exchange.method} ${exchange.path} answered ${exchange.status}: ${detail}`);
    this.name = 'ScimFailure';
    this.status = exchange.status;
    this.detail = detail;
    this.scimType = scimType;
    this.exchange = exchange;
  }
}

const resource = z.looseObject({ id: z.string().min(1) });
const list = z.looseObject({ totalResults: z.number(), Resources: z.array(resource).default([]) });
const failure = z.looseObject({ detail: z.string().optional(), scimType: z.string().optional() });

export type ScimResource = z.output<typeof resource>;

export interface ScimClient {
  /** Sends and answers the parsed body, undefined for none. Throws ScimFailure for 4xx, and 5xx after all tries. */
  send(method: string, path: string, body?: unknown): Promise<unknown>;
  get(path: string): Promise<ScimResource>;
  create(path: string, body: unknown): Promise<ScimResource>;
  /** The resources of a list answer. */
  list(path: string): Promise<readonly ScimResource[]>;
  /** How many requests were sent, retries too. */
  readonly sent: number;
}

export interface ScimClientOptions {
  readonly baseUrl: string;
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
  /** Tries in all for one request. */
  readonly tries?: number | undefined;
}

export function openScimClient({ baseUrl, token, headers, onExchange, tries = 6 }: ScimClientOptions): ScimClient {
  const base = baseUrl.replace(/\/+$/, '');
  let sent = 0;

  const exchange = async (method: string, path: string, request: unknown): Promise<[Exchange, Response]> => {
    const begun = performance.now();
    sent += 1;
    const response = await fetch(base + path, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        Accept: 'application/scim+json',
        ...(request !== undefined && { 'Content-Type': 'application/scim+json; charset=utf-8' }),
        ...headers,
      },
      ...(request !== undefined && { body: JSON.stringify(request) }),
    });
    const text = await response.text();
    const durationMs = performance.now() - begun;
    const { status } = response;
    return [{ method, path, request, status, response: parseJson(text), durationMs }, response];
  };

  const send = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= tries;
      let done: [Exchange, Response];
      try {
        done = await exchange(method, path, body);
      } catch (error) {
        if (last) throw error;
        await sleep(backoff(attempt));
        continue;
      }
      const [said, response] = done;
      onExchange?.(said);
      if (response.ok) return said.response;
      if (last || !(response.status === 429 || response.status >= 500)) throw failureOf(said);
      await sleep(retryAfter(response) ?? backoff(attempt));
    }
  };
  return {
    send,
    get: async (path) => resource.parse(await send('GET', path)),
    create: async (path, body) => resource.parse(await send('POST', path, body)),
    list: async (path) => list.parse(await send('GET', path)).Resources,
    get sent() {
      return sent;
    },
  };
}

/** Creates; undefined where the answer is 409: it is there already, perhaps by a try whose answer was lost. */
export async function createUnlessTaken(
  scim: ScimClient,
  path: string,
  body: unknown,
): Promise<ScimResource | undefined> {
  try {
    return await scim.create(path, body);
  } catch (error) {
    if (error instanceof ScimFailure && error.status === 409) return undefined;
    throw error;
  }
}

/** Deletes; 404 is what was wanted: it is gone, perhaps by a try whose answer was lost. */
export async function removeUnlessGone(scim: ScimClient, path: string): Promise<void> {
  try {
    await scim.send('DELETE', path);
  } catch (error) {
    if (!(error instanceof ScimFailure && error.status === 404)) throw error;
  }
}

function failureOf(exchange: Exchange): ScimFailure {
  const { detail = 'no detail', scimType } = failure.safeParse(exchange.response).data ?? {};
  return new ScimFailure(exchange, detail, scimType);
}

/** The value of JSON text; the text itself where it is none (a proxy's error page). */
function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Milliseconds until the next try: doubling from 100, at most 5 s. */
const backoff = (attempt: number): number => Math.min(100 * 2 ** (attempt - 1), 5000);

/** The Retry-After header in milliseconds, where it names seconds; at most 10 s. */
function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(seconds, 10) * 1000 : undefined;
}
