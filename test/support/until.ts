import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `condition` holds; fails with `what` after `ms`. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`in vain: ${what}`);
    await sleep(5);
  }
}
