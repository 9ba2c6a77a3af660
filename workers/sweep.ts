import { cleanLogs } from '../src/directory/index.ts';
import { type Clock, systemClock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import type { Logger } from '../src/lib/logger.ts';
import { sweepAll } from '../src/provisioning/index.ts';
import { openPeriodic, type Periodic } from '../src/queue/index.ts';
import type { Store } from '../src/store/index.ts';

export interface SweepOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** How many days the provisioning log keeps a request. */
  readonly logDays: number;
  /** Default: an hour. */
  readonly everyMs?: number | undefined;
}

const hour = 3_600_000;
const day = 24 * hour;

/**
 * The periodic sweep of all organizations: one of all processes does it in each interval. It repairs drift (MAP-3) and
 * takes out of the provisioning log what is older than it is to be kept (SCIM-5).
 */
export function openSweep({ store, logger, clock = systemClock, logDays, everyMs = hour }: SweepOptions): Periodic {
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
    await cleanLogs(store, cause, new Date(clock.now().getTime() - logDays * day), {
      failure(organizationId, error) {
        logger.error({ organizationId, err: error }, 'a provisioning log could not be cleaned');
      },
      goOn,
    });
  }

  return {
    start: () => periodic.start(),
    stop() {
      stopping = true;
      return periodic.stop();
    },
  };
}
