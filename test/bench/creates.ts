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

export async function creates(bench: Bench): Promise<Line[]> {
  const floor = (client: Client): Load => ({
    client,
    next: (index) => ({ method: 'POST', path: '/people', body: person(`f${index}`) }),
    expect: created,
  });
  const { world, client } = bench;
  const figures = await figuresOf(bench, [creating(world, client), floor(bench.full), floor(bench.normal)]);
  const figure = must(figures, 0);
  return [
    rateLine('SCIM create', figure, { figure: must(figures, 1), what: 'insert, FULL' }),
    rateLine('SCIM create', figure, { figure: must(figures, 2), what: 'insert, NORMAL' }),
  ];
}

/** One connection at a time waits for a flush of its own each time; many share one. */
export async function sharedCommits(bench: Bench, base: URL): Promise<Line[]> {
  const lines: Line[] = [];
  let alone: Figure | undefined;
  for (const connections of [1, 16, 64]) {
    const client = await openClient({ base, pid: bench.client.pid }, connections);
    const figure = must(await measure([creating(bench.world, client)], connections, bench.roundMs, bench.rounds), 0);
    client.close();
    const beside = alone && { figure: alone, what: '1 connection' };
    lines.push(rateLine(`SCIM create, connections: ${connections}`, figure, beside));
    alone ??= figure;
  }
  return lines;
}
