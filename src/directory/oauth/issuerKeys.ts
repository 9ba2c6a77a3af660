/** The public keys of issuers, read at their addresses through the guarded client and kept for a while. */
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { AppError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { KEY_LIMIT, readKeySet } from '../../lib/keySet.ts';
import type { Outgoing } from '../../lib/outgoing.ts';

/** After so long keys are read again; where that fails, the ones that are known serve on for at most the second time. */
const freshMs = 10 * 60_000;
const longestMs = 24 * 3600_000;
/** For so long no address is asked again, whatever kid is named and whether it has answered or not. */
const cooldownMs = 30_000;
const KEPT_LIMIT = 1000;

type FindKey = ReturnType<typeof createLocalJWKSet>;

interface Held {
  keys: FindKey | undefined;
  readAt: number;
  triedAt: number;
  reading: Promise<void> | undefined;
}

/** One per process: each keeps keys of its own. */
export interface IssuerKeys {
  /**
   * Finds the key that an assertion names, among those at this address; one that is not known is looked for there once more
   * (rotation). Throws AppError issuer_keys_unavailable, and what jose throws where there is no such key.
   */
  at(address: string): JWTVerifyGetKey;
}

export function openIssuerKeys(outgoing: Outgoing, clock: Clock): IssuerKeys {
  const known = new Map<string, Held>();
  const now = () => clock.now().getTime();

  function heldAt(address: string): Held {
    const held = known.get(address) ?? {
      keys: undefined,
      readAt: 0,
      triedAt: Number.NEGATIVE_INFINITY,
      reading: undefined,
    };
    // what was asked for last is forgotten last
    known.delete(address);
    known.set(address, held);
    for (const oldest of known.keys()) {
      if (known.size <= KEPT_LIMIT) break;
      known.delete(oldest);
    }
    return held;
  }

  /** Reads the keys, together with whoever waits for them already. Keeps what is known where that fails. */
  function read(address: string, held: Held): Promise<void> {
    held.triedAt = now();
    held.reading ??= readIssuerKeys(outgoing, address)
      .then(
        (set) => {
          held.keys = createLocalJWKSet(set);
          held.readAt = now();
        },
        () => undefined,
      )
      .finally(() => {
        held.reading = undefined;
      });
    return held.reading;
  }

  return {
    at: (address) => async (header, token) => {
      const held = heldAt(address);
      const mayAsk = () => held.reading !== undefined || now() - held.triedAt >= cooldownMs;
      if ((held.keys === undefined || now() - held.readAt >= freshMs) && mayAsk()) await read(address, held);
      const find = (): ReturnType<JWTVerifyGetKey> => {
        if (held.keys === undefined || now() - held.readAt >= longestMs) throw unavailable();
        return held.keys(header, token);
      };
      try {
        return await find();
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        if (!mayAsk()) throw error;
        await read(address, held);
        return find();
      }
    },
  };
}

const unavailable = (): AppError =>
  new AppError('issuer_keys_unavailable', "The issuer's keys cannot be read at their address just now");

/** The keys at an address. Throws where they are none, and what the guarded client throws. */
async function readIssuerKeys(outgoing: Outgoing, address: string): Promise<JSONWebKeySet> {
  const response = await outgoing(address, { headers: { accept: 'application/json' } });
  if (response.status !== 200) throw new Error(`The address of the keys answers ${response.status}`);
  const set = readKeySet(await response.json().catch(() => undefined));
  if (set === undefined) throw new Error(`At the address of the keys is no set of at most ${KEY_LIMIT} of them`);
  return set as unknown as JSONWebKeySet;
}
