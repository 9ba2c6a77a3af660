/** The time as the product sees it; tests hand in their own. */
export interface Clock {
  /** The current instant, to the millisecond, UTC. */
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** By how much a clock may have been set back, or two clocks may differ, before a time that was written by one counts as wrong. */
const toleranceMs = 60_000;

/**
 * The furthest that a time in a row can lie ahead which was written, by a clock like this one, for at most `longestMs`. What lies beyond comes from
 * a clock that was ahead, or has been set back since, and says nothing: to wait for it would be to wait for the size of the error.
 */
export function furthest(now: Date, longestMs: number): Date {
  return new Date(now.getTime() + longestMs + toleranceMs);
}

/** Whether a lease that was taken for at most `longestMs` stands: it has not ended, nor does it end later than it can. */
export function stands(until: Date, now: Date, longestMs: number): boolean {
  return until > now && until <= furthest(now, longestMs);
}
