/**
 * How fast requests may come, in this process: of each directory, so that none starves the others; of failed
 * authentications, by address. A valid token is never held up by the failures of others at its address.
 */
import { AppError } from '../errors.ts';
import { type Buckets, openBuckets, type Rate } from '../lib/buckets.ts';
import type { Clock } from '../lib/clock.ts';
import { networkOf } from '../lib/network.ts';

export interface Limits {
  /** Counts a request of a directory, or further operations of it. Throws AppError rate_limited. */
  admit(directoryId: string): void;
  /** Counts what a request does beyond being one: it may leave a debt, and is never refused. */
  charge(directoryId: string, cost: number): void;
  /** Counts a failed authentication from this address, or a request that needs none. Throws AppError rate_limited where there were too many. */
  failed(address: string | undefined): void;
  /** How many refusals a log row of this directory stands for; 0 where none is to be written now. */
  toLog(directoryId: string): number;
  /**
   * Counts a failed attempt of a client at the token endpoint, by client and address; one that succeeds is never held up. Throws
   * AppError rate_limited where there were too many.
   */
  attemptFailed(clientId: string, address: string | undefined): void;
}

/** Far more than an IdP with a wrong token makes people wait for; far less than what fills a log. */
const failures: Rate = { perSecond: 10, burst: 200 };
const attempts: Rate = { perSecond: 0.2, burst: 20 };
/** One log row of refusals per directory and this many seconds. */
const logEverySeconds = 10;

export function openLimits(clock: Clock, perDirectory: Rate): Limits {
  const requests = openBuckets(clock, perDirectory);
  const failed = openBuckets(clock, failures);
  const tried = openBuckets(clock, attempts);
  const rows = openBuckets(clock, { perSecond: 1 / logEverySeconds, burst: 1 });
  const refused = new Map<string, number>();
  const pair = (clientId: string, address: string | undefined) => `${networkOf(address)} ${clientId.slice(0, 64)}`;
  return {
    admit: (directoryId) => take(requests, directoryId, 'The directory sends faster than it may'),
    charge(directoryId, cost) {
      requests.take(directoryId, cost);
    },
    failed: (address) =>
      take(failed, networkOf(address), 'Too many requests without a valid token came from this address'),
    toLog(directoryId) {
      const count = (refused.get(directoryId) ?? 0) + 1;
      if (rows.take(directoryId) === 0) {
        refused.delete(directoryId);
        return count;
      }
      refused.set(directoryId, count);
      return 0;
    },
    attemptFailed: (clientId, address) =>
      take(tried, pair(clientId, address), 'This client failed too often to authenticate'),
  };
}

function take(buckets: Buckets, key: string, message: string): void {
  refuseFor(buckets.take(key), message);
}

function refuseFor(waitMs: number, message: string): void {
  if (waitMs <= 0) return;
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1000));
  throw new AppError('rate_limited', `${message}; try again in ${retryAfter} s`, { details: { retryAfter } });
}
