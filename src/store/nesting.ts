import { AsyncLocalStorage } from 'node:async_hooks';
import { StoreUsageError } from './store.ts';

/** Knows which code runs inside a transaction's body, whatever it awaits there. */
export interface Nesting {
  /** Runs `body` as the inside of a transaction, until what it answers settles. */
  run<T>(body: () => Promise<T>): Promise<T>;
  /** Throws StoreUsageError where the caller is inside a running body of this store. */
  refuse(what: string): void;
}

/**
 * For tests, where every body is rehearsed: from the first use on Node follows every promise of the process, which costs a
 * push some six per cent. `openNesting(false)` knows nothing: then a body that opens a transaction waits for its own end, and
 * is given up.
 */
export const openNesting = (track: boolean): Nesting => (track ? trackNesting() : untracked);

const untracked: Nesting = { run: (body) => body(), refuse: () => undefined };

function trackNesting(): Nesting {
  const current = new AsyncLocalStorage<{ running: boolean }>();
  let bodies = 0;
  return {
    async run(body) {
      const mark = { running: true };
      bodies += 1;
      try {
        return await current.run(mark, body);
      } finally {
        mark.running = false;
        bodies -= 1;
        // where no body runs there is nobody to know
        if (bodies === 0) current.disable();
      }
    },
    refuse(what) {
      if (current.getStore()?.running) throw new StoreUsageError(`${what} inside a transaction: use its tx`);
    },
  };
}
