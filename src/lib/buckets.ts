import type { Clock } from './clock.ts';

/** How much may come under each key: `burst` at once, and `perSecond` for as long as one likes. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Buckets {
  /**
   * Takes `cost` from the bucket of `key`, where it is not empty: then 0 is answered. Else nothing is taken, and the
   * milliseconds are answered until something may be again. A cost that is more than what is left leaves a debt.
   */
  take(key: string, cost?: number): number;
  /** The same question, with nothing taken. */
  wait(key: string): number;
}

/**
 * Token buckets of this process (the generic cell rate algorithm): one number per key, the instant at which its bucket is
 * full again, no timers. Of more than `capacity` keys the oldest are forgotten, which only ever allows more.
 */
export function openBuckets(clock: Clock, { perSecond, burst }: Rate, capacity = 10_000): Buckets {
  const interval = 1000 / perSecond;
  const tolerance = (burst - 1) * interval;
  const fullAt = new Map<string, number>();
  // A clock that is set back takes the buckets along: nobody waits for the time that it lost.
  let last = Number.NEGATIVE_INFINITY;
  const read = (): number => {
    const now = clock.now().getTime();
    if (now < last) for (const [key, at] of fullAt) fullAt.set(key, at - (last - now));
    last = now;
    return now;
  };

  const missing = (key: string, now: number): number => Math.max(0, (fullAt.get(key) ?? now) - now - tolerance);
  return {
    take(key, cost = 1) {
      const now = read();
      const wait = missing(key, now);
      if (wait > 0) return wait;
      const full = fullAt.get(key);
      if (full === undefined && fullAt.size >= capacity) forget(fullAt, now);
      fullAt.set(key, Math.max(full ?? now, now) + cost * interval);
      return 0;
    },
    wait: (key) => missing(key, read()),
  };
}

/** Drops the buckets that are full, or else the one that was made first. */
function forget(fullAt: Map<string, number>, now: number): void {
  const before = fullAt.size;
  for (const [key, at] of fullAt) if (at <= now) fullAt.delete(key);
  const [first] = fullAt.keys();
  if (fullAt.size === before && first !== undefined) fullAt.delete(first);
}
