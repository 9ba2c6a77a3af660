import type { Queue } from './queue.ts';

/** Queues of one process as one: they start and end together. */
export function together(queues: readonly Queue[]): Queue {
  return {
    start() {
      for (const queue of queues) queue.start();
    },
    async drain(timeoutMs) {
      await Promise.all(queues.map((queue) => queue.drain(timeoutMs)));
    },
    async idle() {
      await Promise.all(queues.map((queue) => queue.idle()));
    },
  };
}
