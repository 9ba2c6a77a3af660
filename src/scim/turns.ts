/** Turns for work that must not run in any number at once: by key, in the order of asking. */
import { AppError } from '../errors.ts';

export interface Turns {
  /**
   * Waits until there is room for one more with this key, and answers how it is given back: once, however often it is
   * called. Throws AppError directory_busy where too many wait already.
   */
  enter(key: string): Promise<() => void>;
}

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * @param running how many of one key run at once
 * @param waiting how many more may wait
 * @param busy what the others are told
 */
export function openTurns(limits: {
  readonly running: number;
  readonly waiting: number;
  readonly busy: string;
}): Turns {
  const lanes = new Map<string, Lane>();
  return {
    async enter(key) {
      const lane = lanes.get(key) ?? { running: 0, waiting: [] };
      lanes.set(key, lane);
      if (lane.running < limits.running) lane.running++;
      else if (lane.waiting.length >= limits.waiting) throw new AppError('directory_busy', limits.busy);
      else await new Promise<void>((resolve) => lane.waiting.push(resolve));
      let left = false;
      return () => {
        if (left) return;
        left = true;
        // who waits takes over the place of who ends
        const next = lane.waiting.shift();
        if (next) next();
        else if (--lane.running === 0) lanes.delete(key);
      };
    },
  };
}
