/**
 * The OpenID provider of a connection: what its metadata says, how openid-client is to talk to it, and its keys. Read through
 * the guarded client, checked once, kept for some minutes and for one version of the connection's settings.
 */
import { createRemoteJWKSet, customFetch as joseFetch } from 'jose';
import {
  allowInsecureRequests,
  Configuration,
  type CustomFetch,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import { z } from 'zod';
import { KEY_LIMIT, readKeySet } from '../../lib/keySet.ts';
import type { Outgoing } from '../../lib/outgoing.ts';
import { asymmetricSignatures } from '../../lib/signatures.ts';
import { cut } from '../../lib/text.ts';
import type { Connection } from '../../store/index.ts';
import { SignInFault, type SsoDeps } from '../protocol.ts';
import { type OidcSettings, oidcOf } from '../settings.ts';
import { authenticateAs } from './client.ts';
import { faultOf, outgoingIn, quote } from './faults.ts';
import { discoveryAddress, expectedIssuer, type IssuerSettings, issuerFault } from './issuer.ts';
import { isTooDeep } from './received.ts';

/** How far two clocks may differ. */
export const skewSeconds = 60;

const lifeMs = 5 * 60_000;
const timeoutSeconds = 5;
const KEPT_LIMIT = 1000;
const DOCUMENT_LIMIT = 256 * 1024;

export interface Provider {
  readonly configuration: Configuration;
  /** The same, for signed userinfo: openid-client then verifies the signature itself. */
  readonly userinfo: Configuration;
  readonly issuer: string;
  readonly settings: OidcSettings;
  readonly algorithms: readonly string[];
  /** The keys at `jwks_uri`; one that is not among them is looked for there once more. */
  readonly keys: ReturnType<typeof createRemoteJWKSet>;
  readonly hasUserinfo: boolean;
  readonly hasEndSession: boolean;
}

interface Kept {
  readonly version: number;
  readonly until: number;
  readonly provider: Promise<Provider>;
}

/** Per client that they are read through, which is to say per running Gatehouse. */
const kept = new WeakMap<Outgoing, Map<string, Kept>>();

/** The provider of an OIDC connection. Throws SignInFault where it cannot be reached or is not who it should be. */
export function findProvider(deps: SsoDeps, connection: Connection): Promise<Provider> {
  const known = kept.get(deps.outgoing) ?? new Map<string, Kept>();
  kept.set(deps.outgoing, known);
  const { _id, version } = connection;
  const now = Date.now();
  const found = known.get(_id);
  if (found !== undefined && found.version === version && now < found.until) return found.provider;
  const provider = openProvider(deps, connection);
  known.delete(_id);
  known.set(_id, { version, until: now + lifeMs, provider });
  for (const oldest of known.keys()) {
    if (known.size <= KEPT_LIMIT) break;
    known.delete(oldest);
  }
  // A failure is not kept: the next sign-in asks again.
  provider.catch(() => {
    if (known.get(_id)?.provider === provider) known.delete(_id);
  });
  return provider;
}

const endpoint = z.url({ protocol: /^https?$/ }).max(2048);
/** Some IdPs write what they do not have as null. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** What is needed of OpenID Connect Discovery §3; the rest is not looked at. */
const metadataSchema = z.object({
  issuer: z.string().min(1).max(2048),
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  jwks_uri: endpoint,
  userinfo_endpoint: maybe(endpoint),
  end_session_endpoint: maybe(endpoint),
  id_token_signing_alg_values_supported: maybe(z.array(z.string())),
  token_endpoint_auth_methods_supported: maybe(z.array(z.string())),
  authorization_response_iss_parameter_supported: maybe(z.boolean()),
});
type Metadata = z.output<typeof metadataSchema>;

async function openProvider(deps: SsoDeps, connection: Connection): Promise<Provider> {
  const settings = oidcOf(connection);
  const metadata = await discover(deps.outgoing, settings).catch((error: unknown) => {
    throw faultOf(error, "The issuer's metadata");
  });
  const algorithms = algorithmsOf(metadata);
  const configure = () => {
    const server = {
      ...metadata,
      id_token_signing_alg_values_supported: [...algorithms],
      userinfo_signing_alg_values_supported: [...algorithms],
    };
    const client = { [clockTolerance]: skewSeconds };
    const made = new Configuration(server, settings.clientId, client, authenticateAs(deps, connection, settings));
    made.timeout = timeoutSeconds;
    made[customFetch] = fetchThrough(deps.outgoing, metadata.jwks_uri);
    // The guarded client knows whether plain http may be used here; openid-client need not.
    allowInsecureRequests(made);
    return made;
  };
  const userinfo = configure();
  enableNonRepudiationChecks(userinfo);
  return {
    configuration: configure(),
    userinfo,
    issuer: metadata.issuer,
    settings,
    algorithms,
    keys: createRemoteJWKSet(new URL(metadata.jwks_uri), {
      cooldownDuration: 0,
      cacheMaxAge: lifeMs,
      timeoutDuration: timeoutSeconds * 1000,
      [joseFetch]: (url, { method, headers, signal }) =>
        fetchKeys(deps.outgoing, url, { method, headers: Object.fromEntries(headers.entries()), signal }),
    }),
    hasUserinfo: metadata.userinfo_endpoint !== undefined,
    hasEndSession: metadata.end_session_endpoint !== undefined,
  };
}

/** How often the keys of an IdP are read again because a signature is by none of them. */
const againEveryMs = 10_000;
const readAgainAt = new WeakMap<Provider, number>();

/**
 * Reads the keys again because a signature is by none of them: an IdP that names no keys, or its next one as the last, says in no other way that it has
 * another. Answers whether it has; false, too, where that was asked a moment ago. What the guarded client throws is for the caller to tell.
 */
export async function readKeysAgain(provider: Provider): Promise<boolean> {
  const { keys } = provider;
  const now = Date.now();
  if (now - (readAgainAt.get(provider) ?? 0) < againEveryMs) return false;
  readAgainAt.set(provider, now);
  const before = JSON.stringify(keys.jwks());
  await keys.reload();
  return JSON.stringify(keys.jwks()) !== before;
}

/**
 * An issuer's metadata, as openid-client reads it through the guarded client. `issuer` in the answer is the one that its tokens must name: that is
 * compared here, since openid-client lets any pass at Microsoft's hosts, and knows of no pinned tenant (decision 37). Throws SignInFault: the issuer
 * is no issuer, answers with something else, or is another one; and what the guarded client throws.
 */
export async function discover(outgoing: Outgoing, settings: IssuerSettings): Promise<Metadata> {
  const fault = issuerFault(settings.issuer);
  if (fault !== undefined) throw new SignInFault('issuer_mismatch', `${quote(settings.issuer)}: ${fault}`);
  const address = discoveryAddress(settings);
  const what = `The metadata at ${address}`;
  const found = await discovery(new URL(address), settings.clientId, undefined, None(), {
    // The guarded client has its own bounds of time, and knows whether plain http may be used.
    [customFetch]: async (url, { method, headers }) => readDocument(await outgoing(url, { method, headers }), what),
    execute: [allowInsecureRequests],
  }).catch((error: unknown) => {
    throw outgoingIn(error) ?? faultOf(error, what);
  });
  const parsed = metadataSchema.safeParse(found.serverMetadata());
  if (!parsed.success) throw new SignInFault('malformed', `${what}: ${cut(z.prettifyError(parsed.error), 500)}`);
  const issuer = expectedIssuer(settings, parsed.data.issuer);
  if (issuer === undefined) {
    const named = quote(parsed.data.issuer);
    throw new SignInFault(
      'issuer_mismatch',
      `${what}: it names the issuer ${named}, expected ${quote(settings.issuer)}`,
    );
  }
  requireSafe(parsed.data, settings.issuer, what);
  return { ...parsed.data, issuer };
}

/** No endpoint may be less protected than the issuer: the browser goes to two of them, secrets go to the others. */
function requireSafe(metadata: Metadata, issuer: string, what: string): void {
  const plain = new URL(issuer).protocol === 'http:';
  for (const [name, value] of Object.entries(metadata)) {
    if (name === 'issuer' || typeof value !== 'string') continue;
    const { protocol, username, password, hash } = new URL(value);
    const safe = (protocol === 'https:' || plain) && username === '' && password === '' && hash === '';
    if (!safe)
      throw new SignInFault('malformed', `${what}: ${name} is ${quote(value)}, which is no plain https:// address`);
  }
}

/** Those that the IdP says it uses, of those that count. */
function algorithmsOf({ id_token_signing_alg_values_supported: listed }: Metadata): readonly string[] {
  const usable = asymmetricSignatures.filter((algorithm) => listed === undefined || listed.includes(algorithm));
  if (usable.length > 0) return usable;
  throw new SignInFault('algorithm_refused', `The IdP signs with ${quote(listed)}, of which none is accepted`);
}

/** The same answer, once it is known to be JSON, bounded in length and depth; whatever it calls itself. Throws SignInFault. */
async function readDocument(response: Response, what: string): Promise<Response> {
  if (response.status !== 200) throw new SignInFault('idp_unreachable', `${what}: it answers ${response.status}`);
  const text = await response.text();
  if (text.length > DOCUMENT_LIMIT)
    throw new SignInFault('too_large', `${what}: it is longer than ${DOCUMENT_LIMIT} characters`);
  return Response.json(parseDocument(text, what));
}

function parseDocument(text: string, what: string): unknown {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new SignInFault('malformed', `${what}: it is not JSON`);
  }
  if (isTooDeep({ document })) throw new SignInFault('malformed', `${what}: it is nested too deep`);
  return document;
}

/** The guarded client, as openid-client calls it; what is at `jwks_uri` is bounded as everywhere. */
function fetchThrough(outgoing: Outgoing, jwksUri: string): CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    if (body instanceof ArrayBuffer || body instanceof ReadableStream) throw new Error('a body is text');
    const init = { method, headers, body: body ?? null, ...(signal && { signal }) };
    return url === new URL(jwksUri).href ? fetchKeys(outgoing, url, init) : outgoing(url, init);
  };
}

/** The keys at an address, bounded in number and size. */
async function fetchKeys(outgoing: Outgoing, url: string, init: Parameters<Outgoing>[1]): Promise<Response> {
  const what = `The keys at ${url}`;
  const response = await outgoing(url, init).catch((error: unknown) => {
    throw faultOf(error, what);
  });
  const found = readKeySet(await (await readDocument(response, what)).json());
  if (found === undefined) throw new SignInFault('malformed', `${what}: it is no set of at most ${KEY_LIMIT} keys`);
  return Response.json(found);
}
