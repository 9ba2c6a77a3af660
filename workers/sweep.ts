import { cleanLogs } from '../src/directory/index.ts';
import { type Clock, systemClock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import type { Logger } from '../src/lib/logger.ts';
import { sweepAll } from '../src/provisioning/index.ts';
import { openPeriodic, type Periodic } from '../src/queue/index.ts';
import { removeExpired, type Store } from '../src/store/index.ts';

export interface SweepOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** How many days the provisioning log keeps a request. */
  readonly logDays: number;
  /** How many days event feeds reach back, and deliveries are kept. */
  readonly eventDays: number;
  /** Default: an hour. */
  readonly everyMs?: number | undefined;
}

const hour = 3_600_000;
const day = 24 * hour;

/**
 * The periodic sweep of all organizations: one of all processes does it in each interval. It repairs drift (MAP-3), takes
 * out of the logs what is older than it is to be kept (SCIM-5), and removes what has expired.
 */
export function openSweep(options: SweepOptions): Periodic {
  const { store, logger, clock = systemClock, logDays, eventDays, everyMs = hour } = options;
  let stopping = false;
  const periodic = openPeriodic({ store, logger, clock, everyMs, name: 'sweep', run });

  async function run(): Promise<void> {
    const cause = { actor: 'job:sweep', requestId: newId('request') };
    const goOn = () => !stopping;
    await sweepAll(store, cause, {
      report(organizationId, report) {
        if (report.repaired > 0) logger.warn({ organizationId, ...report }, 'drift repaired');
      },
      failure(organizationId, error) {
        logger.error({ organizationId, err: error }, 'an organization could not be swept');
      },
      goOn,
    });
    const now = clock.now();
    const keepFrom = new Date(now.getTime() - logDays * day);
    await cleanLogs(store, cause, keepFrom, {
      failure(organizationId, error) {
        logger.error({ organizationId, err: error }, 'a provisioning log could not be cleaned');
      },
      goOn,
    });
    const eventsFrom = new Date(now.getTime() - eventDays * day);
    await removeExpired(store, cause, { now, keepFrom, eventsFrom, goOn });
  }

  return {
    start: () => periodic.start(),
    stop() {
      stopping = true;
      return periodic.stop();
    },
  };
}
