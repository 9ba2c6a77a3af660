/** Timing: rates of calls in rounds, CPU and memory of servers, and quantiles of latencies. */
import { readFileSync } from 'node:fs';
import type { Answer, Call, Client } from './client.ts';

export interface Load {
  readonly client: Client;
  /** The next call; `index` counts from 0 over the whole run, so that each call can be another person's. */
  readonly next: (index: number) => Call;
  readonly expect: (answer: Answer) => boolean;
}

/** Calls a second over `milliseconds`, with all connections of the client busy. Throws at the first wrong answer. */
async function rate(
  load: Load,
  connections: number,
  milliseconds: number,
  counter: { value: number },
): Promise<number> {
  const started = performance.now();
  const until = started + milliseconds;
  let done = 0;
  const run = async () => {
    while (performance.now() < until) {
      const call = load.next(counter.value++);
      const answer = await load.client.send(call);
      if (!load.expect(answer))
        throw new Error(`${call.method} ${call.path} answered ${answer.status} ${answer.body.slice(0, 500)}`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
  return (done * 1000) / (performance.now() - started);
}

/** What was measured of a load. `cpu`: microseconds of the server's CPU time per call; undefined where it is not told. */
export interface Figure {
  readonly rate: number;
  readonly cpu: number | undefined;
}

/**
 * Medians of several loads, measured in turn (A B C, A B C, …) so that the machine's drift hits all alike. Where others
 * use the machine too, the CPU time says more than the rate.
 */
export async function measure(
  loads: readonly Load[],
  connections: number,
  milliseconds: number,
  rounds: number,
): Promise<Figure[]> {
  const counters = loads.map(() => ({ value: 0 }));
  const seen = loads.map(() => ({ rates: [] as number[], cpus: [] as number[] }));
  for (let round = -1; round < rounds; round += 1) {
    for (const [at, load] of loads.entries()) {
      const counter = counters[at] as { value: number };
      const before = { calls: counter.value, cpu: cpuTimeOf(load.client.pid) };
      const figure = await rate(load, connections, round < 0 ? milliseconds / 2 : milliseconds, counter);
      const cpu = cpuTimeOf(load.client.pid);
      if (round < 0) continue;
      seen[at]?.rates.push(figure);
      if (cpu !== undefined && before.cpu !== undefined)
        seen[at]?.cpus.push((cpu - before.cpu) / (counter.value - before.calls));
    }
  }
  return seen.map(({ rates, cpus }) => ({
    rate: quantile(rates, 0.5),
    cpu: cpus.length === 0 ? undefined : quantile(cpus, 0.5),
  }));
}

/** Microseconds of CPU time that a process has used; Linux tells them, in hundredths of a second. */
function cpuTimeOf(pid: number): number | undefined {
  const fields = readProcess(pid, 'stat')?.split(') ')[1]?.split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** MiB that a process has in memory; undefined where the system does not tell. */
export function memoryOf(pid: number): number | undefined {
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readProcess(pid, 'status') ?? '')?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) / 1024;
}

function readProcess(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** The `q` quantile of `values`, by nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
