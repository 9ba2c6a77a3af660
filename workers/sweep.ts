import type { Clock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import type { Logger } from '../src/lib/logger.ts';
import { sweepAll } from '../src/provisioning/index.ts';
import { openPeriodic, type Periodic } from '../src/queue/index.ts';
import type { Store } from '../src/store/index.ts';

export interface SweepOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** Default: an hour. */
  readonly everyMs?: number | undefined;
}

const hour = 3_600_000;

/** The periodic sweep of all organizations (MAP-3): one of all processes does it in each interval. */
export function openSweep({ store, logger, clock, everyMs = hour }: SweepOptions): Periodic {
  let stopping = false;
  const periodic = openPeriodic({ store, logger, clock, everyMs, name: 'sweep', run });

  async function run(): Promise<void> {
    await sweepAll(
      store,
      { actor: 'job:sweep', requestId: newId('request') },
      {
        report(organizationId, report) {
          if (report.repaired > 0) logger.warn({ organizationId, ...report }, 'drift repaired');
        },
        failure(organizationId, error) {
          logger.error({ organizationId, err: error }, 'an organization could not be swept');
        },
        goOn: () => !stopping,
      },
    );
  }

  return {
    start: () => periodic.start(),
    stop() {
      stopping = true;
      return periodic.stop();
    },
  };
}
