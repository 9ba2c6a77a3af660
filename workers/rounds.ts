/** Everything that is done from time to time, by one of all processes: the sweep, and rounds that ask for jobs. No rules. */
import { checkDomainsLater, deleteClosedLater } from '../src/access/index.ts';
import { wakeOverdue } from '../src/events/index.ts';
import { systemClock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import { openPeriodic, type Periodic, pullBackJobs } from '../src/queue/index.ts';
import { refreshMetadataLater, warnOfExpiries } from '../src/sso/tasks.ts';
import type { Cause, Store } from '../src/store/index.ts';
import { openSweep, type SweepOptions } from './sweep.ts';

const [minute, hour] = [60_000, 3_600_000];

/** A look at what is due: it asks for a job each, or moves what is there, and ends early where `goOn` says so. */
type Round = (store: Store, cause: Cause, turn: { readonly at: Date; goOn(): boolean }) => Promise<void>;

/** Hourly, whatever their own rhythm: what is not due is passed over. */
const rounds: Readonly<Record<string, Round>> = {
  'check-domains': checkDomainsLater,
  'refresh-metadata': refreshMetadataLater,
  'warn-expiries': warnOfExpiries,
  'delete-closed': deleteClosedLater,
  'wake-webhooks': wakeOverdue,
};

/** All of them; `everyMs` is for tests. */
export function openRounds(options: SweepOptions): Periodic {
  const all = [
    openSweep(options),
    ...Object.entries(rounds).map(([name, round]) => openRound(name, round, options)),
    openRound('pull-back-jobs', pullBackJobs, { everyMs: minute, ...options }),
  ];
  return {
    start() {
      for (const one of all) one.start();
    },
    async stop() {
      await Promise.all(all.map((one) => one.stop()));
    },
  };
}

function openRound(
  name: string,
  round: Round,
  { store, logger, clock = systemClock, everyMs = hour }: SweepOptions,
): Periodic {
  let stopping = false;
  const goOn = () => !stopping;
  const run = () => round(store, { actor: `job:${name}`, requestId: newId('request') }, { at: clock.now(), goOn });
  const periodic = openPeriodic({ store, logger, clock, everyMs, name, run });
  return {
    start: () => periodic.start(),
    stop() {
      stopping = true;
      return periodic.stop();
    },
  };
}
