/** Lets one piece of work per key run at a time in this process; different keys do not wait for each other. */
export interface KeyedMutex {
  /** Runs `work` after all earlier work of this key has ended, in the order of calls. Answers or throws what it does. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** How many keys have work running or waiting. */
  readonly size: number;
}

/**
 * A mutex of its own. Writers of one document that queue here, before their transactions open, do not abort each other
 * in the store. It only saves work: across processes, correctness stays with the store's own checks.
 */
export function keyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(key, work) {
      const before = tails.get(key);
      const result = before ? before.then(work) : Promise.resolve().then(work);
      // The tail never rejects: who waits behind a failure runs all the same.
      const tail: Promise<unknown> = result.then(
        () => release(tail),
        () => release(tail),
      );
      const release = (mine: Promise<unknown>): void => {
        if (tails.get(key) === mine) tails.delete(key);
      };
      tails.set(key, tail);
      return result;
    },
    get size() {
      return tails.size;
    },
  };
}
