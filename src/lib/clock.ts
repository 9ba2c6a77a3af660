/** The time as the product sees it; tests hand in their own. */
export interface Clock {
  /** The current instant, to the millisecond, UTC. */
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
