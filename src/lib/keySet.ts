/** Sets of public keys that somebody else serves (RFC 7517 §5), bounded in number and in the size of each. */
import { z } from 'zod';

export const KEY_LIMIT = 100;
/** Base64url of an RSA modulus of 8192 bits, and of an exponent of 64: larger ones only cost time. */
const MODULUS_LIMIT = 1366;
const EXPONENT_LIMIT = 11;

const keySet = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(KEY_LIMIT) });

export type KeySet = z.output<typeof keySet>;

/** The set without keys of an absurd size; undefined where it is none, or has more than KEY_LIMIT keys. */
export function readKeySet(document: unknown): KeySet | undefined {
  const parsed = keySet.safeParse(document);
  return parsed.success ? { keys: parsed.data.keys.filter(isBounded) } : undefined;
}

const isBounded = ({ n, e }: Readonly<Record<string, unknown>>): boolean =>
  (n === undefined || (typeof n === 'string' && n.length <= MODULUS_LIMIT)) &&
  (e === undefined || (typeof e === 'string' && e.length <= EXPONENT_LIMIT));
