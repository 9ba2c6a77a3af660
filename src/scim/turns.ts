/** Turns for work that must not run in any number at once: by key, in the order of asking. */
import { AppError } from '../errors.ts';

export interface Turns {
  /**
   * Waits until there is room for one more with this key, and answers how it is given back: once, however often it is
   * called. Throws AppError directory_busy where too many wait already, or its turn does not come in time.
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
 * @param patienceMs how long each waits; as long as it takes, where absent
 * @param busy what the others are told
 */
export function openTurns(limits: {
  readonly running: number;
  readonly waiting: number;
  readonly patienceMs?: number;
  readonly busy: string;
}): Turns {
  const lanes = new Map<string, Lane>();
  return {
    async enter(key) {
      const lane = lanes.get(key) ?? { running: 0, waiting: [] };
      lanes.set(key, lane);
      if (lane.running < limits.running) lane.running++;
      else if (lane.waiting.length >= limits.waiting) throw new AppError('directory_busy', limits.busy);
      else await turnIn(lane, limits);
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

/** Resolves where it is this one's turn; rejects where its patience is over. */
function turnIn(
  lane: Lane,
  { patienceMs, busy }: { readonly patienceMs?: number; readonly busy: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer =
      patienceMs === undefined
        ? undefined
        : setTimeout(() => {
            lane.waiting.splice(lane.waiting.indexOf(next), 1);
            reject(new AppError('directory_busy', busy));
          }, patienceMs).unref();
    const next = () => {
      clearTimeout(timer);
      resolve();
    };
    lane.waiting.push(next);
  });
}
