/** Timing: rates of calls in rounds, and quantiles of latencies. */
import type { Answer, Call, Client } from './client.ts';

export interface Load {
  readonly client: Client;
  /** The next call; `index` counts from 0 over the whole run, so that each call can be another person's. */
  readonly next: (index: number) => Call;
  readonly expect: (answer: Answer) => boolean;
}

/** Calls a second over `milliseconds`, with all connections of the client busy. Throws at the first wrong answer. */
export async function rate(
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
      if (!load.expect(answer)) throw new Error(`${call.method} ${call.path} answered ${answer.status} ${answer.body}`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
  return (done * 1000) / (performance.now() - started);
}

/** Medians of the rates of several loads, measured in turn (A B C, A B C, …) so that the machine's drift hits all alike. */
export async function rates(
  loads: readonly Load[],
  connections: number,
  milliseconds: number,
  rounds: number,
): Promise<number[]> {
  const counters = loads.map(() => ({ value: 0 }));
  const seen: number[][] = loads.map(() => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const [at, load] of loads.entries()) {
      const counter = counters[at] as { value: number };
      const figure = await rate(load, connections, round < 0 ? milliseconds / 2 : milliseconds, counter);
      if (round >= 0) seen[at]?.push(figure);
    }
  }
  return seen.map((figures) => quantile(figures, 0.5));
}

/** The `q` quantile of `values`, by nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
