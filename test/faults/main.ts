/**
 * `npm run test:faults`: kills Gatehouse's processes at random moments of a push, and compares the end with that of the
 * same push without any fault (OPS-2, MAP-3, MEM-5, OWN-1). docs/reliability.md says how to run it.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { beginRun, dropDatabases } from '../support/services.ts';
import type { Disorder, Restart } from './kills.ts';
import type { EngineName } from './place.ts';
import { type RunResult, runPlan } from './run.ts';
import { diffSnapshots } from './snapshot.ts';

const number = z.coerce.number().int().min(0);
const arguments_ = z.object({
  engine: z.enum(['embedded', 'distributed']).optional(),
  kills: number.default(100),
  people: number.min(2).default(2000),
  seed: number.default(() => randomBytes(3).readUIntBE(0, 3)),
  restarts: number.optional(),
});
const { values } = parseArgs({
  options: {
    engine: { type: 'string' },
    kills: { type: 'string' },
    people: { type: 'string' },
    seed: { type: 'string' },
    restarts: { type: 'string' },
  },
});
const settings = arguments_.parse(values);

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const shownDifferences = 20;
const defaultRestarts = 3;
const databases = ['MongoDB', 'Redis'] as const;
const restartVariable = (name: Restart['name']): string => `GATEHOUSE_FAULTS_RESTART_${name.toUpperCase()}`;

function enginesToRun(): readonly EngineName[] {
  if (settings.engine) return [settings.engine];
  return process.env.MONGODB_URI && process.env.REDIS_URL ? ['embedded', 'distributed'] : ['embedded'];
}

/** Databases are restarted where somebody has said how: this driver owns none. */
function restartsOf(engine: EngineName): readonly Restart[] {
  if (engine === 'embedded') return [];
  return databases.flatMap((name) => {
    const command = process.env[restartVariable(name)];
    return command ? [{ name, command, times: settings.restarts ?? defaultRestarts }] : [];
  });
}

/** A disorder that did not come proves nothing: neither what could not come, because nobody has said how. */
function findMissing(engine: EngineName, { kills, restarts }: Disorder, { done }: RunResult): readonly string[] {
  const { killed, restarted } = done ?? { killed: { web: 0, worker: 0 }, restarted: { MongoDB: 0, Redis: 0 } };
  return [
    ...(killed.web + killed.worker < kills ? [`only ${killed.web + killed.worker} of ${kills} kills came`] : []),
    ...databases.flatMap((name) => {
      const asked = engine === 'embedded' ? 0 : (settings.restarts ?? 0);
      const times = restarts.find((restart) => restart.name === name)?.times ?? asked;
      return restarted[name] < times
        ? [`only ${restarted[name]} of ${times} restarts of ${name} came (${restartVariable(name)} says how)`]
        : [];
    }),
  ];
}

function report({ ledger, done, witnessed, times }: RunResult): void {
  const { killed, restarted } = done ?? { killed: { web: 0, worker: 0 }, restarted: { MongoDB: 0, Redis: 0 } };
  say(`  ${ledger.answers} answers, ${ledger.successes} changes acknowledged, ${ledger.retries} operations repeated`);
  say(
    `  killed: ${killed.web} web, ${killed.worker} worker; restarted: ${restarted.MongoDB} MongoDB, ${restarted.Redis} Redis`,
  );
  say(`  ${witnessed} acknowledged states read again right after a kill`);
  say(
    `  pushed after ${times.pushedAfter} s, jobs done after ${times.drainedAfter} s, all compared after ${times.endedAfter} s`,
  );
}

/** Answers how many faults and differences there were. */
async function compare(engine: EngineName): Promise<number> {
  const { people, seed, kills } = settings;
  say(`${engine}: ${people} people, seed ${seed}, without faults`);
  const calm = await runPlan({ engine, people, seed });
  report(calm);
  say(`${engine}: the same push, ${kills} kills`);
  const disorder = { kills, restarts: restartsOf(engine), answers: calm.ledger.answers };
  const stormy = await runPlan({ engine, people, seed, disorder });
  report(stormy);
  const differences = diffSnapshots(calm.snapshot, stormy.snapshot);
  const all = [
    ...calm.faults.map((fault) => `without faults: ${fault}`),
    ...[...findMissing(engine, disorder, stormy), ...stormy.faults],
    ...differences,
  ];
  for (const line of all.slice(0, shownDifferences)) say(`  ${line}`);
  say(
    `  ${calm.snapshot.length} facts compared: ${differences.length} differences, ${all.length - differences.length} faults`,
  );
  return all.length;
}

const engines = enginesToRun();
const usesServices = engines.includes('distributed');
if (usesServices) beginRun();
let found = 0;
try {
  for (const engine of engines) found += await compare(engine);
} finally {
  if (usesServices) await dropDatabases();
}
process.exitCode = found === 0 ? 0 : 1;
