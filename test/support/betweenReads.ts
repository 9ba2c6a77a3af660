/** A store in which something happens between two of the reads of one question, wherever one likes. */
import type { ReadStore } from '../../src/store/index.ts';

/** The reads, and whether the question came as far as to the one with that number. */
export interface ReadsWithChange {
  readonly reads: ReadStore;
  readonly happened: () => boolean;
}

/**
 * The real reads; before the one with this number, counted from 0 in the order in which they are asked for, `change` is made and
 * committed. Reads that are asked for beside it go on at once, as those of another connection would.
 */
export function withChangeBefore(store: ReadStore, number: number, change: () => Promise<unknown>): ReadsWithChange {
  let asked = 0;
  let happened = false;
  const readsOf = (collection: object): object =>
    new Proxy(collection, {
      get(target, call) {
        const value: unknown = Reflect.get(target, call);
        if (typeof value !== 'function' || call === 'stream') return value;
        return async (...given: unknown[]) => {
          const mine = asked === number;
          asked += 1;
          if (mine) {
            happened = true;
            await change();
          }
          return Reflect.apply(value, target, given);
        };
      },
    });
  const reads = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'object' && value !== null ? readsOf(value) : value;
    },
  });
  return { reads, happened: () => happened };
}
