import { AsyncLocalStorage } from 'node:async_hooks';
import { StoreUsageError } from './store.ts';

/** Knows which code runs inside a transaction's body, whatever it awaits there. */
export interface Nesting {
  /** Runs `body` as the inside of a transaction, until what it answers settles. */
  run<T>(body: () => Promise<T>): Promise<T>;
  /** Throws StoreUsageError where the caller is inside a running body of this store. */
  refuse(what: string): void;
}

export function trackNesting(): Nesting {
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
        // Node follows every promise of the process from the first use on; where no body runs there is nobody to know.
        if (bodies === 0) current.disable();
      }
    },
    refuse(what) {
      if (current.getStore()?.running) throw new StoreUsageError(`${what} inside a transaction: use its tx`);
    },
  };
}
