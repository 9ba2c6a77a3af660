/** The ID token: its signature, and what openid-client leaves to us (OpenID Connect Core §3.1.3.7, RFC 8725). */
import { createHash } from 'node:crypto';
import { type CompactVerifyResult, compactVerify, errors } from 'jose';
import type { JsonObject } from '../../store/index.ts';
import { SignInFault, type SignInFaultCode } from '../protocol.ts';
import { faultOf, quote } from './faults.ts';
import { tenantInIssuer } from './issuer.ts';
import { type Provider, readKeysAgain, skewSeconds } from './provider.ts';
import { describeClaims, describeSignature, isTooDeep } from './received.ts';

/** A token whose signature is the IdP's. */
export interface SignedToken {
  readonly header: { readonly alg: string; readonly typ?: unknown; readonly kid?: unknown };
  readonly claims: JsonObject;
}

const TOKEN_LIMIT = 128 * 1024;
/** RFC 7515 §5.2: base64 for addresses and nothing else; the library passes over padding. */
const compact = /^[\w-]+\.[\w-]*\.[\w-]*$/;
/** An ID token is made for the answer that brings it. */
const oldestSeconds = 10 * 60;

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

/**
 * Verifies a token with the IdP's keys, and with nothing that its header brings along. Throws SignInFault `too_large`,
 * `algorithm_refused`, `signature_invalid`, `malformed`, `idp_unreachable`.
 */
export async function verifySignature(provider: Provider, token: string, what: string): Promise<SignedToken> {
  if (token.length > TOKEN_LIMIT)
    throw new SignInFault('too_large', `${what}: it is longer than ${TOKEN_LIMIT} characters`);
  if (!compact.test(token)) throw new SignInFault('malformed', `${what}: it is no signed token`);
  const { protectedHeader, payload } = await verifyWithKeys(provider, token).catch((error: unknown) => {
    throw isKeyFault(error) ? unusableKey(what) : faultOf(error, what);
  });
  return { header: { ...protectedHeader, alg: protectedHeader.alg }, claims: readClaims(payload, what) };
}

/** WebCrypto's and jose's words for a key that is none, or too weak: whatever keeps the keys from being read has a name of its own. */
const isKeyFault = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && ['DataError', 'OperationError'].includes(error.name));

const unusableKey = (what: string) =>
  new SignInFault(
    'signature_invalid',
    `${what}: the key at the IdP's jwks_uri that it names cannot be used: RSA keys have 2048 bits or more`,
  );

/** Once more where none of the keys fits, if the IdP has others by now. */
async function verifyWithKeys(provider: Provider, token: string): Promise<CompactVerifyResult> {
  try {
    return await verifyWithKnownKeys(provider, token);
  } catch (error) {
    const unfit =
      error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSMultipleMatchingKeys;
    if (!unfit || !(await readKeysAgain(provider))) throw error;
    return verifyWithKnownKeys(provider, token);
  }
}

async function verifyWithKnownKeys({ keys, algorithms }: Provider, token: string): Promise<CompactVerifyResult> {
  const options = { algorithms: [...algorithms] };
  try {
    return await compactVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // The token names no key, and several would do: while one replaces another, for instance.
    for await (const key of error) {
      const verified = await compactVerify(token, key, options).catch(() => undefined);
      if (verified !== undefined) return verified;
    }
    throw error;
  }
}

function readClaims(payload: Uint8Array, what: string): JsonObject {
  const claims = parseObject(payload);
  if (claims === undefined) throw new SignInFault('malformed', `${what}: it holds no JSON object`);
  if (isTooDeep(claims)) throw new SignInFault('malformed', `${what}: its claims are nested too deep`);
  return claims;
}

function parseObject(payload: Uint8Array): JsonObject | undefined {
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** What an ID token is held against. */
export interface IdTokenContext {
  readonly provider: Provider;
  readonly entra: boolean;
  readonly now: Date;
  /** What `at_hash`, `c_hash` and `s_hash` are of. */
  readonly accessToken: string;
  readonly code: string;
  readonly state: string;
  /** The person had to show who they are after this instant, whatever session the IdP had. */
  readonly authenticatedSince: Date | undefined;
}

/** A check: undefined where it passes, else what was found and what is expected. */
type Check = (token: SignedToken, context: IdTokenContext) => readonly [SignInFaultCode, string] | undefined;

/** Other tokens are JWTs by the same keys, too: they say what they are (RFC 9068 `at+jwt`, `logout+jwt`, …). */
const isIdToken: Check = ({ header, claims }) => {
  const { typ } = header;
  const kind = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  const other = kind !== undefined && (typeof kind !== 'string' || (kind.endsWith('+jwt') && kind !== 'id_token+jwt'));
  if (other) return ['malformed', `its typ is ${quote(typ)}, expected an ID token`];
  // Keycloak says in the payload what a token is.
  const said = claims.typ;
  if (said !== undefined && !(typeof said === 'string' && ['id', 'jwt'].includes(said.toLowerCase()))) {
    return ['malformed', `its claim typ is ${quote(said)}, expected an ID token`];
  }
  const use = claims.token_use;
  if (use !== undefined && use !== 'id') return ['malformed', `its token_use is ${quote(use)}, expected an ID token`];
  if (claims.events !== undefined) return ['malformed', 'it has events, as log-out tokens do: expected an ID token'];
  return undefined;
};

/** JSON can say 1e999: a time that never comes. */
const hasTimes: Check = ({ claims }) => {
  const wrong = ['exp', 'iat', 'nbf', 'auth_time'].find(
    (name) => claims[name] !== undefined && !(typeof claims[name] === 'number' && Number.isFinite(claims[name])),
  );
  return wrong === undefined
    ? undefined
    : ['claims_refused', `its ${wrong} is ${quote(claims[wrong])}, expected a time`];
};

const isRecent: Check = ({ claims }, { now }) => {
  const issued = claims.iat as number;
  const at = now.getTime() / 1000;
  if (issued > at + skewSeconds)
    return ['not_yet_valid', `it is issued ${Math.round(issued - at)} s in the future: compare the clocks`];
  if (issued < at - oldestSeconds - skewSeconds)
    return ['expired', `it is issued ${Math.round(at - issued)} s ago, expected ${oldestSeconds} s at most`];
  return undefined;
};

const isOurs: Check = ({ claims }, { provider }) => {
  const { clientId } = provider.settings;
  const { aud, azp } = claims;
  if (Array.isArray(aud) && !aud.every((one) => typeof one === 'string')) {
    return ['audience_mismatch', `its aud is ${quote(aud)}, expected ${quote(clientId)}`];
  }
  if (azp === undefined || azp === clientId) return undefined;
  return ['audience_mismatch', `its azp is ${quote(azp)}, expected ${quote(clientId)}`];
};

/** Core §2: at most 255 ASCII characters. Blanks at either end make two of one. */
const namesSomebody: Check = ({ claims: { sub } }) =>
  typeof sub === 'string' && /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(sub)
    ? undefined
    : [
        'subject_invalid',
        `its sub is ${quote(sub)}, expected 1 to 255 printable ASCII characters without blanks around`,
      ];

/** Core §3.1.3.6, §3.3.2.11: the first half of a hash, which binds what came along with the token to it. */
const bindsItsCompany: Check = ({ header, claims }, { accessToken, code, state }) => {
  const companions = [
    ['at_hash', accessToken],
    ['c_hash', code],
    ['s_hash', state],
  ] as const;
  const wrong = companions.find(
    ([name, text]) => claims[name] !== undefined && claims[name] !== halfHash(header.alg, text),
  );
  return wrong === undefined ? undefined : ['claims_refused', `its ${wrong[0]} does not fit what came with it`];
};

function halfHash(algorithm: string, text: string): string {
  const size = /(256|384|512)$/.exec(algorithm)?.[1] ?? '512';
  const hash = createHash(`sha${size}`).update(text, 'ascii').digest();
  return hash.subarray(0, hash.length / 2).toString('base64url');
}

/** Entra: the tenant is the organization's own. Whoever has an Entra tenant can make tokens in it (nOAuth). */
const isOfTenant: Check = ({ claims: { tid } }, { provider: { issuer, settings }, entra }) => {
  if (!entra) return undefined;
  const { tenantId } = settings;
  const tenant = tenantId ?? tenantInIssuer(issuer);
  const same = typeof tid === 'string' && tid.toLowerCase() === tenant?.toLowerCase();
  if (tenant === undefined || same || (tid === undefined && tenantId === undefined)) return undefined;
  return ['issuer_mismatch', `its tid is ${quote(tid)}, expected ${quote(tenant)}`];
};

const isFresh: Check = ({ claims: { auth_time: at } }, { authenticatedSince: since, now }) => {
  if (since === undefined) return undefined;
  if (typeof at === 'number' && at > now.getTime() / 1000 + skewSeconds)
    return ['not_yet_valid', `its auth_time is ${quote(at)}, which is in the future: compare the clocks`];
  if (typeof at === 'number' && at >= since.getTime() / 1000 - skewSeconds) return undefined;
  return [
    'authentication_too_old',
    at === undefined
      ? 'it has no auth_time, so that nothing shows that the person was asked again: let the IdP send it, or use a mailed link instead'
      : `its auth_time is ${quote(at)}, expected after ${since.toISOString()}: the person was to sign in again`,
  ];
};

const checks: readonly Check[] = [
  isIdToken,
  hasTimes,
  isRecent,
  isOurs,
  namesSomebody,
  bindsItsCompany,
  isOfTenant,
  isFresh,
];

/** Throws SignInFault with the first check that does not pass, and the claims. */
export function checkIdToken(token: SignedToken, context: IdTokenContext): void {
  for (const check of checks) {
    const found = check(token, context);
    if (found === undefined) continue;
    const [code, detail] = found;
    const received = { ...describeSignature(token, context.now), idToken: describeClaims(token.claims) };
    throw new SignInFault(code, `The ID token: ${detail}`, { received });
  }
}
