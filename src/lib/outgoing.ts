/**
 * The one way out: every request to an address that somebody else has set (metadata, issuers and what they name, webhooks)
 * goes through this client. It reaches the public internet only, whatever a name resolves to at the moment of connecting;
 * it takes no more than so many bytes, in so much time; it goes nowhere that it was not sent.
 */
import { lookup as lookUp } from 'node:dns/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { AppError } from '../errors.ts';
import { mayReach } from './addresses.ts';
import { openAddressLookup } from './dns.ts';

/** What may be asked for; a body is text or bytes, never a stream. */
export interface OutgoingInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | URLSearchParams | null;
  readonly signal?: AbortSignal;
  /** Follows redirects of a GET, at most three, each checked like the first address, without headers but `Accept`. Default: none is followed. */
  readonly follow?: boolean;
}

/**
 * Sends a request and answers a whole, bounded response, also one that says 4xx or 5xx. Throws AppError `address_refused`,
 * `remote_unreachable`, `remote_too_large`, and the reason of `signal` where it is given up.
 */
export type Outgoing = (url: string | URL, init?: OutgoingInit) => Promise<Response>;

export interface OutgoingOptions {
  /** Lets private networks, loopback and plain http be reached. */
  readonly allowPrivate: boolean;
  /**
   * A host name's addresses. Default: as the DNS tells them; where private networks are reached, whose names may stand elsewhere, as the
   * operating system resolves it.
   */
  readonly resolve?: ((hostname: string) => Promise<readonly string[]>) | undefined;
  /** The DNS servers that are asked. Default: the operating system's. */
  readonly dnsServers?: readonly string[];
  /** Of a response's body. Default: 1 MiB. */
  readonly limitBytes?: number;
  /** Leaves the rest of a longer body unread, and a compressed one altogether, instead of refusing the response. */
  readonly cut?: boolean;
  /** For all of it, redirects included. Default: 5 s. */
  readonly timeoutMs?: number;
}

const mostRedirects = 3;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
/** Fetch §6.5: statuses with which a Response has no body. */
const bodiless: readonly number[] = [204, 205, 304];

const resolveBySystem = async (hostname: string): Promise<readonly string[]> =>
  (await lookUp(hostname, { all: true })).map(({ address }) => address);

/** Opens the client. It keeps no connections, knows no proxies, and asks for no compression, which would hide sizes. */
export function openOutgoing({
  allowPrivate,
  dnsServers = [],
  resolve = allowPrivate ? resolveBySystem : openAddressLookup(dnsServers),
  limitBytes = 1024 * 1024,
  cut = false,
  timeoutMs = 5_000,
}: OutgoingOptions): Outgoing {
  const agents = { 'http:': new http.Agent({ keepAlive: false }), 'https:': new https.Agent({ keepAlive: false }) };

  /** Runs at every connection: an answer that has changed since an earlier look gains nothing. */
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const [first] = found;
        if (first === undefined) callback(unreachable(hostname, 'its name has no address'), '');
        else if (!found.every((address) => mayReach(address, allowPrivate))) callback(refused(hostname), '');
        else if (options.all)
          callback(
            null,
            found.map((address) => ({ address, family: isIP(address) })),
          ); // prettier-ignore
        else callback(null, first, isIP(first));
      },
      (error: Error) => callback(error, ''),
    );
  };

  function send(url: URL, init: OutgoingInit, signal: AbortSignal): Promise<Response> {
    const { method = 'GET', headers, body } = init;
    const secure = url.protocol === 'https:';
    const options = {
      method,
      headers: { 'user-agent': 'Gatehouse', 'accept-encoding': 'identity', ...headersOf(headers, body) },
      agent: agents[secure ? 'https:' : 'http:'],
      lookup,
      signal,
    };
    return new Promise((answer, fail) => {
      let answered = false;
      const request = (secure ? https : http).request(url, options, (message) => {
        answered = true;
        collect(message, limitBytes, cut).then(answer, fail);
      });
      request.on('error', fail);
      // A switch to another protocol ends the connection without an error.
      request.on('close', () => answered || fail(new Error('closed without an answer')));
      request.end(body instanceof URLSearchParams ? body.toString() : (body ?? undefined));
    });
  }

  async function exchange(url: URL, init: OutgoingInit, signal: AbortSignal, left: number): Promise<Response> {
    checkAddress(url, allowPrivate);
    const response = await send(url, init, signal);
    const location = response.headers.get('location');
    if (!init.follow || location === null || !redirectStatuses.includes(response.status)) return response;
    if (left === 0) throw unreachable(url.host, `it redirects more than ${mostRedirects} times`);
    if (!URL.canParse(location, url)) throw unreachable(url.host, 'it redirects to what is no address');
    const accept = init.headers?.accept ?? init.headers?.Accept;
    const onwards = { follow: true, ...(accept !== undefined && { headers: { accept } }) };
    return exchange(new URL(location, url), onwards, signal, left - 1);
  }

  return async (address, init = {}) => {
    if (init.follow && ((init.method ?? 'GET') !== 'GET' || init.body)) throw new Error('only a GET follows redirects');
    const url = parseAddress(address);
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await exchange(url, init, init.signal ? AbortSignal.any([init.signal, late]) : late, mostRedirects);
    } catch (error) {
      if (init.signal?.aborted) throw init.signal.reason;
      if (late.aborted) throw unreachable(url.host, `it has not answered within ${timeoutMs / 1000} s`, error);
      throw error instanceof AppError ? error : unreachable(url.host, reasonOf(error), error);
    }
  };
}

/** The URL of an address; throws AppError `address_refused` where it is none. */
function parseAddress(address: string | URL): URL {
  if (!URL.canParse(String(address))) throw new AppError('address_refused', 'This is not an address: a URL is');
  return new URL(address);
}

/**
 * What can be said of an address before it is looked up, also where it is only written down; a literal one never is.
 * Throws AppError `address_refused`.
 */
export function checkAddress(address: string | URL, allowPrivate: boolean): void {
  const url = parseAddress(address);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowPrivate)) {
    throw new AppError(
      'address_refused',
      `${shown(url)} is not reached: only https addresses are, as long as GATEHOUSE_ALLOW_PRIVATE_NETWORK is not set`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError('address_refused', 'An address with a user name or a password in it is not reached');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !mayReach(host, allowPrivate)) throw refused(url.host);
}

function headersOf(
  headers: OutgoingInit['headers'],
  body: OutgoingInit['body'],
): Readonly<Record<string, string>> | undefined {
  if (!(body instanceof URLSearchParams)) return headers;
  return { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8', ...headers };
}

/** The whole of a response, as long as it is bounded; with `cut`, what of it is within the bound. */
async function collect(message: IncomingMessage, limitBytes: number, cut: boolean): Promise<Response> {
  const tooLarge = () => new AppError('remote_too_large', `The answer is longer than ${limitBytes} bytes`);
  const encoding = message.headers['content-encoding'] ?? 'identity';
  try {
    const isPlain = encoding === 'identity';
    if (!isPlain && !cut) throw new Error('it answers compressed, which it was not asked to');
    if (Number(message.headers['content-length']) > limitBytes && !cut) throw tooLarge();
    const parts: Buffer[] = [];
    let length = 0;
    if (isPlain) {
      for await (const part of message as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > limitBytes && !cut) throw tooLarge();
        parts.push(part);
        if (length > limitBytes) break;
      }
    }
    const status = message.statusCode ?? 0;
    const headers = new Headers();
    for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
      headers.append(message.rawHeaders[at] ?? '', message.rawHeaders[at + 1] ?? '');
    }
    return new Response(bodiless.includes(status) ? null : Buffer.concat(parts).subarray(0, limitBytes), {
      status,
      headers,
    });
  } finally {
    message.destroy();
  }
}

const shown = ({ protocol, host }: URL): string => `${protocol}//${host}`;

const refused = (host: string) =>
  new AppError(
    'address_refused',
    `${host} is not reached: it is not an address of the public internet, and GATEHOUSE_ALLOW_PRIVATE_NETWORK is not set`,
  );

const unreachable = (host: string, why: string, cause?: unknown) =>
  new AppError('remote_unreachable', `${host} cannot be read: ${why}`, { cause });

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be resolved now',
  ECONNREFUSED: 'it refuses the connection',
  ECONNRESET: 'it ends the connection',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** For whoever has set the address. What is not foreseen is told of as little as possible. */
function reasonOf(error: unknown): string {
  const { code: given } = error as { readonly code?: unknown };
  const code = typeof given === 'string' ? given : '';
  if (/^(DEPTH_ZERO_)?SELF_SIGNED_CERT|^UNABLE_TO_|^CERT_/.test(code)) {
    return reasons[code] ?? 'its certificate is not one that is trusted';
  }
  return reasons[code] ?? 'the connection fails or the answer is broken';
}
