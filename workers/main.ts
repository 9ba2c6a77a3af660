/** The worker process: settings from the environment, the queue over Redis, the periodic tasks, signals. No rules. */
import { ConfigError, readConfig } from '../src/config.ts';
import { forWebhooks, openSequencer } from '../src/events/index.ts';
import { checkKey } from '../src/keyCheck.ts';
import { systemClock } from '../src/lib/clock.ts';
import { openTxtLookup } from '../src/lib/dns.ts';
import { openLogger } from '../src/lib/logger.ts';
import { openMailer } from '../src/lib/mail.ts';
import { openOutgoing } from '../src/lib/outgoing.ts';
import { openSealer } from '../src/lib/secrets.ts';
import { closeOnSignals, endOnFaults, refuseToStart } from '../src/process.ts';
import { openBullQueue } from '../src/queue/bullmq.ts';
import { openMongoStore } from '../src/store/mongo/index.ts';
import { handlers } from './handlers.ts';
import { openRounds } from './rounds.ts';

function readWorkerConfig() {
  try {
    const config = readConfig(process.env, 'worker');
    const { store, redisUrl, key } = config;
    if (store.kind !== 'mongodb' || redisUrl === undefined || key === undefined) throw new ConfigError([]);
    return { config, uri: store.uri, redisUrl, key };
  } catch (error) {
    return refuseToStart(error);
  }
}

const { config, uri, redisUrl, key } = readWorkerConfig();
const logger = openLogger(config.logLevel);
endOnFaults(logger);
for (const warning of config.warnings) logger.warn(warning);

const store = await openMongoStore({ uri }).catch(refuseToStart);
const mailer = openMailer(config.mail, logger);
const { allowPrivateNetwork: allowPrivate, dnsServers } = config;
const outgoing = openOutgoing({ allowPrivate, dnsServers });
const sendOut = openOutgoing({ allowPrivate, dnsServers, ...forWebhooks });
const sealer = openSealer(key);
await checkKey(store, sealer).catch(refuseToStart);
const lookUpTxt = openTxtLookup(config.dnsServers);
const queue = openBullQueue({
  store,
  handlers: handlers({ store, clock: systemClock, sealer, mailer, lookUpTxt, outgoing, sendOut, allowPrivate }),
  redisUrl,
  logger,
});
const rounds = openRounds({ store, logger, logDays: config.logDays, eventDays: config.eventDays });
const sequencer = openSequencer({ store, logger });

/** Takes no more jobs, lets the running ones end, and hands back what has not begun. */
async function close(): Promise<void> {
  await Promise.all([queue.drain(), rounds.stop()]);
  await sequencer.stop();
  await store.close();
}

closeOnSignals(close, logger);

queue.start();
rounds.start();
sequencer.start();
logger.info({ store: store.engine }, 'ready');
