/** How a body that waits for anything but its transaction is given up, alike in both engines. */
import { StoreUsageError } from './store.ts';

/** Of a run: when a call of its body last came to its end. */
interface Called {
  readonly lastCallAt: number;
}

/** The time is counted in so many parts, one by one. */
const parts = 10;

/**
 * What `body` answers; throws StoreUsageError where it has asked `run` for nothing for `ms`. Only time in which this process
 * ran counts: one that has stood still (stopped and continued, or given no time by its machine) takes one part for it, and
 * then first what has come meanwhile. A clock would give up whatever was under way.
 */
export function within<T>(ms: number, body: Promise<T>, run: Called): Promise<T> {
  return new Promise((resolve, reject) => {
    let seen = run.lastCallAt;
    let still = 0;
    const timer = setInterval(() => {
      still = run.lastCallAt === seen ? still + 1 : 0;
      seen = run.lastCallAt;
      if (still < parts) return;
      reject(new StoreUsageError(`a transaction's body did not end within ${ms} ms: it was rolled back`));
    }, ms / parts);
    body.then(resolve, reject).finally(() => clearInterval(timer));
  });
}
