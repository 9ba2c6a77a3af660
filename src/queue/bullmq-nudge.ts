import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/index.ts';
import { channels, openRedis, rareLog } from './bullmq-redis.ts';

export interface NudgeOptions {
  readonly store: Store;
  readonly redisUrl: string;
  readonly prefix?: string | undefined;
  readonly logger: Logger;
}

/**
 * For processes that commit jobs and run none: tells the workers after each commit that there is something to take.
 * Nobody waits for it, and a nudge that is lost costs the workers' poll interval, no more.
 */
export function openNudge({ store, redisUrl, prefix = 'gatehouse', logger }: NudgeOptions): { close(): void } {
  const complain = rareLog(logger, 'workers cannot be woken through Redis; they find jobs by themselves');
  const redis = openRedis(redisUrl, 'impatient', complain);
  const { nudge } = channels(prefix);
  let sending = false;
  let again = false;

  // One nudge is under way at a time: however many commits, the workers are told once more after the last.
  async function send(): Promise<void> {
    sending = true;
    do {
      again = false;
      if (redis.status === 'ready') await redis.publish(nudge, '').catch(complain);
    } while (again);
    sending = false;
  }

  const unsubscribe = store.onInsert('outbox', () => {
    if (sending) again = true;
    else void send();
  });
  return {
    close() {
      unsubscribe();
      redis.disconnect();
    },
  };
}
