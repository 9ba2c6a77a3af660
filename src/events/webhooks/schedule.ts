/** When what did not get through is tried again: pure rules, after the example of Standard Webhooks. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** After its first failed attempt, its second, …: nine waits, ten attempts, a little more than three days. */
export const retryDelays: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];

/** A receiver may ask for more time, up to so much. */
const longestAsked = 24 * hour;

/** No delivery rests longer than this: the last wait, and a tenth. */
export const longestDelayMs = 1.1 * 24 * hour;

/**
 * How long a delivery rests after its failed attempt number `attempts` (from 1): up to a tenth longer at random, so that what
 * failed together does not come back together, and as long as the receiver has asked for (`askedMs`, of Retry-After). Undefined
 * after the last one. `random` is a number from 0 up to 1.
 */
export function retryDelay(attempts: number, random: number, askedMs = 0): number | undefined {
  const delay = retryDelays[attempts - 1];
  if (delay === undefined) return undefined;
  return Math.round(Math.max(delay * (1 + random / 10), Math.min(askedMs, longestAsked)));
}

const longestRest = 5 * minute;
/** A webhook rests no longer than this. */
export const longestRestMs = hour;

/** How long nothing at all is sent to a webhook after this many rounds in a row in which nothing got through. */
export function restAfter(failures: number, random: number, askedMs = 0): number {
  const rest = Math.min(longestRest, 5 * second * 4 ** Math.max(0, failures - 1));
  return Math.round(Math.max(rest * (1 + random / 10), Math.min(askedMs, longestRestMs)));
}

/** A webhook that nothing gets through to for so long, and so often, is disabled. */
const hopelessMs = 5 * 24 * hour;
const hopelessRounds = 10;

export const isHopeless = (failures: number, since: Date, now: Date): boolean =>
  failures >= hopelessRounds && now.getTime() - since.getTime() >= hopelessMs;

/** Longer than any delivery rests between two attempts. */
const forgottenMs = 48 * hour;

/** Whether a failure goes on from the one before, whose rest ended at `rested`: where nothing was tried for days, nobody knows what was between. */
export const isSameFailing = (rested: Date, now: Date): boolean => now.getTime() - rested.getTime() < forgottenMs;

/** RFC 9110 §10.2.3: seconds, or a date. Undefined where it is neither, or has passed. */
export function readRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * second : Date.parse(header) - now.getTime();
  return ms > 0 ? ms : undefined;
}
