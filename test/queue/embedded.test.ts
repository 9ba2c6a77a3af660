import { silentLogger } from '../../src/lib/logger.ts';
import { openEmbeddedQueue } from '../../src/queue/index.ts';
import { openTestStore, testEngine } from '../support/engines.ts';
import type { Rig } from './rig.ts';
import { queueSuite } from './suite.ts';

/** In process: on SQLite, and (with MongoDB and no Redis) on MongoDB. */
async function openRig(): Promise<Rig> {
  const store = await openTestStore();
  return {
    store,
    openQueue: (handlers, settings) => openEmbeddedQueue({ store, handlers, logger: silentLogger, ...settings }),
    close: () => store.close(),
  };
}

queueSuite(`${testEngine}, in process`, openRig, testEngine === 'sqlite' ? 10_000 : 1_000);
