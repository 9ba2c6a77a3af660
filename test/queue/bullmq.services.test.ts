import { silentLogger } from '../../src/lib/logger.ts';
import { openBullQueue } from '../../src/queue/bullmq.ts';
import { openTestStore } from '../support/engines.ts';
import { testRedisUrl, uniquePrefix } from '../support/services.ts';
import type { Rig } from './rig.ts';
import { queueSuite } from './suite.ts';

async function openRig(): Promise<Rig> {
  const store = await openTestStore({ engine: 'mongodb' });
  const prefix = uniquePrefix();
  return {
    store,
    openQueue: (handlers, settings) =>
      openBullQueue({ store, handlers, logger: silentLogger, redisUrl: testRedisUrl(), prefix, ...settings }),
    close: () => store.close(),
  };
}

queueSuite('MongoDB, over BullMQ', openRig, 1_000);
