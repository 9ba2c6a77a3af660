/** Log-out tokens, by which an IdP says that somebody's session with it has ended (OpenID Connect Back-Channel Logout 1.0 §2.4). */
import { decodeJwt, decodeProtectedHeader, type JWK } from 'jose';
import { hashSecret } from '../../lib/secrets.ts';
import type { Connection, JsonObject, ReadStore } from '../../store/index.ts';
import { PLATFORM } from '../../store/index.ts';
import { SignInFault, type SignInFaultCode, type SsoDeps } from '../protocol.ts';
import { oidcOf } from '../settings.ts';
import { quote } from './faults.ts';
import { logoutEvent, type SignedToken, verifySignature } from './idToken.ts';
import { expectedIssuer, issuerSpellings } from './issuer.ts';
import { findProvider, type Provider, skewSeconds } from './provider.ts';
import { describeClaims } from './received.ts';

/** Whose session has ended: somebody's all, or the one that the IdP calls `index`. At least one of the two is there. */
export interface LoggedOut {
  readonly subject?: string;
  readonly index?: string;
  /** The token counts once; its id, remembered until it is too old anyway. */
  readonly once: { readonly id: string; readonly expiresAt: Date };
}

const WHAT = 'The log-out token';
const oldestSeconds = 10 * 60;
const LONGEST_NAME = 255;
const ISSUER_LIMIT = 2048;

/**
 * Verifies a log-out token that was posted for this connection. Throws SignInFault for every other one. `received` is there
 * only where the IdP has really signed it: anybody may post here.
 */
export async function verifyLogoutToken(deps: SsoDeps, connection: Connection, text: string): Promise<LoggedOut> {
  const provider = await findProvider(deps, connection);
  requireKnownKey(provider, text);
  const token = await verifySignature(provider, text, WHAT);
  const now = deps.clock.now().getTime() / 1000;
  for (const check of checks) {
    const found = check(token, provider, now);
    if (found === undefined) continue;
    throw new SignInFault(found[0], `${WHAT}: ${found[1]}`, {
      received: { logoutToken: describeClaims(token.claims) },
    });
  }
  const { sub, sid, jti, iat } = token.claims;
  return {
    ...(typeof sub === 'string' && { subject: sub }),
    ...(typeof sid === 'string' && { index: sid }),
    once: {
      id: `logout ${hashSecret(String(jti))}`,
      expiresAt: new Date((Number(iat) + oldestSeconds + 2 * skewSeconds) * 1000),
    },
  };
}

/** How often keys are looked for again because somebody names one that is not known. */
const lookEveryMs = 10_000;
const lookedAt = new WeakMap<Provider, number>();

/**
 * Here anybody may name keys, or none, or a kind that is not there; the IdP is not to be asked for each. Only a token that one of the known keys could
 * have signed goes on at once.
 */
function requireKnownKey(provider: Provider, text: string): void {
  const known = provider.keys.jwks()?.keys;
  const header = headerOf(text);
  if (known?.some((key) => couldVerify(key, header))) return;
  const now = Date.now();
  if (now - (lookedAt.get(provider) ?? 0) < lookEveryMs) {
    const { kid, alg } = header;
    throw new SignInFault(
      'signature_invalid',
      `${WHAT}: it names the key ${quote(kid)} for ${quote(alg)}, which is not at the IdP's jwks_uri`,
    );
  }
  lookedAt.set(provider, now);
}

interface Header {
  readonly alg?: unknown;
  readonly kid?: unknown;
}

/** As jose chooses among the keys (RFC 7517 §4): where it would find none, it asks for them again. */
function couldVerify(key: JWK, { alg, kid }: Header): boolean {
  const kind = typeof alg === 'string' ? kinds.find(({ algorithms }) => algorithms.test(alg)) : undefined;
  return (
    kind !== undefined &&
    kind.kty === key.kty &&
    (kid === undefined || key.kid === kid) &&
    (key.alg === undefined || key.alg === alg) &&
    (key.use === undefined || key.use === 'sig') &&
    (key.key_ops === undefined || key.key_ops.includes('verify')) &&
    (kind.curve === undefined || key.crv === kind.curve[String(alg)])
  );
}

const kinds: readonly {
  readonly algorithms: RegExp;
  readonly kty: string;
  readonly curve?: Readonly<Record<string, string>>;
}[] = [
  { algorithms: /^[RP]S(256|384|512)$/, kty: 'RSA' },
  { algorithms: /^ES(256|384|512)$/, kty: 'EC', curve: { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } },
  { algorithms: /^(EdDSA|Ed25519)$/, kty: 'OKP', curve: { EdDSA: 'Ed25519', Ed25519: 'Ed25519' } },
];

function headerOf(text: string): Header {
  try {
    return decodeProtectedHeader(text);
  } catch {
    throw new SignInFault('malformed', `${WHAT}: it is no signed token`);
  }
}

type Check = (token: SignedToken, provider: Provider, now: number) => readonly [SignInFaultCode, string] | undefined;

const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME && !/\p{C}/u.test(value);

const checks: readonly Check[] = [
  ({ header: { typ } }) => {
    const fits = typ === undefined || (typeof typ === 'string' && /^(application\/)?(logout\+jwt|jwt)$/i.test(typ));
    return fits ? undefined : ['malformed', `its typ is ${quote(typ)}, expected logout+jwt`];
  },
  ({ claims: { iss } }, { issuer }) =>
    iss === issuer ? undefined : ['issuer_mismatch', `its iss is ${quote(iss)}, expected ${quote(issuer)}`],
  ({ claims: { aud } }, { settings: { clientId } }) => {
    const fits = aud === clientId || (Array.isArray(aud) && aud.includes(clientId));
    return fits ? undefined : ['audience_mismatch', `its aud is ${quote(aud)}, expected ${quote(clientId)}`];
  },
  ({ claims: { iat } }, _provider, now) => {
    if (!isTime(iat)) return ['claims_refused', `its iat is ${quote(iat)}, expected a time`];
    if (iat > now + skewSeconds) return ['not_yet_valid', 'it is issued in the future: compare the clocks'];
    return iat < now - oldestSeconds - skewSeconds ? ['expired', `it is older than ${oldestSeconds} s`] : undefined;
  },
  ({ claims: { exp } }, _provider, now) => {
    if (!isTime(exp)) return ['claims_refused', `its exp is ${quote(exp)}, expected a time`];
    return exp <= now - skewSeconds ? ['expired', 'it has expired'] : undefined;
  },
  ({ claims: { nbf } }, _provider, now) =>
    nbf === undefined || (isTime(nbf) && nbf <= now + skewSeconds)
      ? undefined
      : ['not_yet_valid', 'its nbf is not reached'],
  ({ claims: { events } }) => {
    const event = isObject(events) ? events[logoutEvent] : undefined;
    return isObject(event) ? undefined : ['malformed', `its events are ${quote(events)}, expected ${logoutEvent}`];
  },
  // An ID token has one: neither may pass for the other.
  ({ claims }) =>
    claims.nonce === undefined ? undefined : ['malformed', 'it has a nonce, which log-out tokens never have'],
  ({ claims: { jti } }) =>
    typeof jti === 'string' && jti !== '' ? undefined : ['claims_refused', `its jti is ${quote(jti)}, expected a text`],
  ({ claims: { sub, sid } }) => {
    const named = [sub, sid].filter((name) => name !== undefined);
    if (named.length > 0 && named.every(isName)) return undefined;
    return ['subject_invalid', `its sub is ${quote(sub)} and its sid ${quote(sid)}, expected a text in one of them`];
  },
];

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The connection that a log-out token is for, where it was posted to the address that names none: by issuer and client id,
 * which must be one connection's only. Looked up by the issuer; nothing of the token is believed by this.
 */
export async function findConnectionOfToken(reads: ReadStore, text: string): Promise<Connection | undefined> {
  const { iss, aud } = readUnverified(text);
  if (typeof iss !== 'string' || iss.length > ISSUER_LIMIT) return undefined;
  const audiences = Array.isArray(aud) ? aud : [aud];
  const named = await reads.connections.find(PLATFORM, { 'oidc.issuer': { $in: issuerSpellings(iss) } });
  const candidates = named.filter((connection) => {
    const settings = oidcOf(connection);
    return audiences.includes(settings.clientId) && expectedIssuer(settings, iss) === iss;
  });
  return candidates.length === 1 ? candidates[0] : undefined;
}

function readUnverified(text: string): JsonObject {
  try {
    return decodeJwt(text);
  } catch {
    return {};
  }
}
