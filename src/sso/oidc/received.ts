/** What an IdP claimed, as a record of the sign-in keeps it: readable, bounded, whatever was sent. */
import type { JsonObject } from '../../store/index.ts';

/** Of no use to an admin, and nobody else's business. */
const left: ReadonlySet<string> = new Set(['nonce', 'at_hash', 'c_hash', 's_hash']);
const CLAIM_LIMIT = 100;
const VALUE_LIMIT = 100;
const TEXT_LIMIT = 512;

/** Claims are lists and objects of a few levels. What is nested deeper cannot be written down, and says nothing to anybody. */
const DEPTH_LIMIT = 32;

/** Whether claims are nested deeper than any IdP nests them. */
export function isTooDeep(claims: JsonObject): boolean {
  let level: readonly unknown[] = [claims];
  for (let depth = 0; depth <= DEPTH_LIMIT; depth += 1) {
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
    if (level.length === 0) return false;
  }
  return true;
}

const text = (value: unknown): string => {
  const written = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return written.slice(0, TEXT_LIMIT).replace(/\p{C}/gu, '\u{fffd}');
};

const value = (claim: unknown): unknown => {
  if (claim === null || typeof claim === 'boolean') return claim;
  if (typeof claim === 'number') return Number.isFinite(claim) ? claim : String(claim);
  if (Array.isArray(claim)) return claim.slice(0, VALUE_LIMIT).map(text);
  return text(claim);
};

/** By which key a token is signed, and how far the IdP's clock is ahead of ours by it. */
export function describeSignature(
  {
    header: { alg, kid },
    claims: { iat },
  }: { readonly header: { readonly alg: string; readonly kid?: unknown }; readonly claims: JsonObject },
  now: Date,
): JsonObject {
  return {
    signature: { algorithm: text(alg), ...(typeof kid === 'string' && { keyId: text(kid) }) },
    ...(typeof iat === 'number' &&
      Number.isFinite(iat) && { clockDifferenceSeconds: Math.round(iat - now.getTime() / 1000) }),
  };
}

/** A list of names and values: names hold dots and more, which keys of a document may not. */
export function describeClaims(claims: JsonObject): readonly JsonObject[] {
  return Object.entries(claims)
    .filter(([name]) => !left.has(name))
    .slice(0, CLAIM_LIMIT)
    .map(([name, claim]) => ({ name: text(name), value: value(claim) }));
}
