/** The worker process: settings from the environment, the queue over Redis, the periodic tasks, signals. No rules. */
import { ConfigError, readConfig } from '../src/config.ts';
import { AppError } from '../src/errors.ts';
import { openLogger } from '../src/lib/logger.ts';
import { openBullQueue } from '../src/queue/bullmq.ts';
import { openMongoStore } from '../src/store/mongo/index.ts';
import { handlers } from './handlers.ts';
import { openSweep } from './sweep.ts';

/** Faults of the settings, and a store that does not answer, are for a person to read; they need no stack. */
function refuse(error: unknown): never {
  if (!(error instanceof ConfigError || error instanceof AppError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function readWorkerConfig() {
  try {
    const config = readConfig(process.env, 'worker');
    const { store, redisUrl } = config;
    if (store.kind !== 'mongodb' || redisUrl === undefined) throw new ConfigError([]);
    return { config, uri: store.uri, redisUrl };
  } catch (error) {
    return refuse(error);
  }
}

const { config, uri, redisUrl } = readWorkerConfig();
const logger = openLogger(config.logLevel);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    logger.fatal({ err: error }, 'a fault that nobody caught');
    process.exit(1);
  });
}
for (const warning of config.warnings) logger.warn(warning);

const store = await openMongoStore({ uri }).catch(refuse);
const queue = openBullQueue({ store, handlers: handlers({ store }), redisUrl, logger });
const sweep = openSweep({ store, logger });

/** Takes no more jobs, lets the running ones end, and hands back what has not begun. */
async function close(): Promise<void> {
  await Promise.all([queue.drain(), sweep.stop()]);
  await store.close();
}

let closing = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (closing) process.exit(1);
    closing = true;
    logger.info({ signal }, 'closing');
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.fatal({ err: error }, 'did not close cleanly');
        process.exit(1);
      },
    );
  });
}

queue.start();
sweep.start();
logger.info({ store: store.engine }, 'ready');
