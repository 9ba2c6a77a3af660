/** Kills and restarts, at moments that chance has chosen beforehand, while the push goes on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/simulator/index.ts';
import type { Victim } from './processes.ts';
import type { Ledger } from './push.ts';

export interface Restart {
  readonly name: 'MongoDB' | 'Redis';
  /** A shell command that ends the service in the middle of its work and starts it again. */
  readonly command: string;
  readonly times: number;
}

export interface Disorder {
  readonly kills: number;
  readonly restarts: readonly Restart[];
  /** About how many answers the whole push takes, so that the moments spread over it. */
  readonly answers: number;
}

export interface Done {
  readonly killed: Record<Victim['kind'], number>;
  readonly restarted: Record<Restart['name'], number>;
}

export interface Killer {
  /** Lets an operation begin, unless the push would run ahead of the next moment. */
  pass(): Promise<void>;
  /** Ends when all moments have come, or right after the push. `afterwards` looks at what has come back. */
  run(pushed: Promise<unknown>, afterwards: () => Promise<void>): Promise<Done>;
}

type Moment = { readonly at: number } & ({ readonly kill: true } | { readonly restart: Restart });

/** The push may be so many answers ahead of a moment that has not come yet. */
const slack = 24;

export function openKiller(disorder: Disorder, victims: readonly Victim[], ledger: Ledger, random: Random): Killer {
  const somewhere = () => Math.floor(ledger.answers + random.next() * disorder.answers * 0.9);
  const moments: readonly Moment[] = [
    ...Array.from({ length: disorder.kills }, (): Moment => ({ at: somewhere(), kill: true })),
    ...disorder.restarts.flatMap((restart) =>
      Array.from({ length: restart.times }, (_, index): Moment => {
        return { at: ledger.answers + Math.floor((disorder.answers * (index + 0.5)) / restart.times), restart };
      }),
    ),
  ].sort((one, other) => one.at - other.at);
  let next = 0;
  const done: Done = { killed: { web: 0, worker: 0 }, restarted: { MongoDB: 0, Redis: 0 } };

  async function come(moment: Moment, afterwards: () => Promise<void>): Promise<void> {
    if ('restart' in moment) {
      await runCommand(moment.restart.command);
      done.restarted[moment.restart.name] += 1;
      return;
    }
    await sleep(random.below(30));
    const victim = random.pick(victims);
    await victim.kill();
    done.killed[victim.kind] += 1;
    await victim.start();
    await afterwards();
  }

  return {
    async pass() {
      while (next < moments.length && ledger.answers > (moments[next]?.at ?? 0) + slack) await sleep(5);
    },
    async run(pushed, afterwards) {
      let over = false;
      const end = () => {
        over = true;
      };
      pushed.then(end, end);
      for (; next < moments.length; next += 1) {
        const moment = moments[next];
        while (moment && ledger.answers < moment.at && !over) await sleep(2);
        if (moment) await come(moment, afterwards);
      }
      return done;
    },
  };
}

async function runCommand(command: string): Promise<void> {
  const shell = spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(shell, 'exit');
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}
