/** People pushed for the first time, beside bare inserts; and what sharing a commit gives. */
import { type Bench, created, figuresOf, must } from './bench.ts';
import { type Client, openClient } from './client.ts';
import { type Figure, type Load, measure } from './measure.ts';
import { type Line, rateLine } from './report.ts';
import { person, type World } from './world.ts';

let made = 0;

const creating = (world: World, client: Client): Load => ({
  client,
  next: () => world.scim('POST', '/Users', person(`new${made++}`)),
  expect: created,
});

const inserting = (client: Client): Load => ({
  client,
  next: (index) => ({ method: 'POST', path: '/people', body: person(`f${index}`) }),
  expect: created,
});

export async function creates(bench: Bench): Promise<Line[]> {
  const { world, client } = bench;
  const figures = await figuresOf(bench, [creating(world, client), inserting(bench.full), inserting(bench.normal)]);
  const figure = must(figures, 0);
  return [
    rateLine('SCIM create', figure, { figure: must(figures, 1), what: 'insert, FULL' }),
    rateLine('SCIM create', figure, { figure: must(figures, 2), what: 'insert, NORMAL' }),
  ];
}

/** What sharing a flush gives: one connection waits for a flush of its own each time, many share one; the floor never does. */
export async function sharedCommits(bench: Bench): Promise<Line[]> {
  const lines: Line[] = [];
  let alone: Figure | undefined;
  let last: Figure | undefined;
  for (const connections of [1, 16, 64]) {
    const client = await openClient({ base: bench.client.base, pid: bench.client.pid }, connections);
    const floor = await openClient({ base: bench.full.base, pid: bench.full.pid }, connections);
    const loads = [creating(bench.world, client), inserting(floor)];
    const figures = await measure(loads, connections, bench.roundMs, bench.rounds);
    client.close();
    floor.close();
    last = must(figures, 0);
    alone ??= last;
    const beside = { figure: must(figures, 1), what: `insert, FULL, connections: ${connections}` };
    lines.push(rateLine(`SCIM create, connections: ${connections}`, last, beside));
  }
  if (alone && last) {
    const beside = { figure: alone, what: 'each alone, connections: 1' };
    lines.push(rateLine('SCIM create, flushes shared, connections: 64', last, beside));
  }
  return lines;
}
