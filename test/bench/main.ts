/**
 * `npm run bench`: Gatehouse (embedded, durable) against bare floors, side by side in one run, as ratios.
 * `npm run bench -- --engine=distributed`: the same table on MONGODB_URI and REDIS_URL, with a worker beside; the floors stay.
 * `npm run bench -- --quick` takes shorter rounds and leaves out the hundred thousand people; the figures are then rougher.
 * `--people=<n>` and `--many=<n>` set other numbers than 10,000 in the directory and 100,000 pushed, for a slow database.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Bench } from './bench.ts';
import { openClient } from './client.ts';
import { creates, sharedCommits } from './creates.ts';
import { delayToCheck } from './delay.ts';
import { measureHotSpots } from './hotSpots.ts';
import { keysAndResources } from './keys.ts';
import { activity, hundredMembers, memberPatches } from './patches.ts';
import { closePlaces, openPlace } from './place.ts';
import { reads } from './reads.ts';
import { brief, type Line, print, say } from './report.ts';
import { startFloor } from './servers.ts';
import { signIns } from './signIns.ts';
import { pushMany, startUp } from './volume.ts';
import { buildWorld, jobsDone } from './world.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { quick: { type: 'boolean' }, engine: text, people: text, many: text } });
const { quick, engine, people, many } = z
  .object({
    quick: z.boolean().default(false),
    engine: z.enum(['embedded', 'distributed']).default('embedded'),
    people: z.coerce.number().int().min(1000).default(10_000),
    many: z.coerce.number().int().min(1000).default(100_000),
  })
  .parse(values);
const connections = 16;
const compared = [...new Set([10, 1000, people])];
const groupSizes = [10, 100, ...compared.slice(1)];

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
const floors = [await startFloor(folder, 'FULL'), await startFloor(folder, 'NORMAL')];
const place = await openPlace(engine, folder);
const gatehouse = await place.start();
const clients = await Promise.all([gatehouse, ...floors].map((server) => openClient(server, connections)));
const [client, full, normal] = clients;
if (!client || !full || !normal) throw new Error('no clients');
const running = new Set([gatehouse, ...floors]);
const lines: Line[] = [];

try {
  const memory = Math.round(totalmem() / 2 ** 30);
  say(`${cpus().length} cores, ${memory} GiB, Node ${process.version}, ${connections} connections, ${engine}`);
  say(`building the directory: ${people} people, groups of ${groupSizes.join(', ')}`);
  const world = await buildWorld(client, people, groupSizes);
  const bench: Bench = {
    ...{ world, client, full, normal, connections, quick, many },
    ...{ roundMs: quick ? 700 : 2000, rounds: quick ? 3 : 5 },
  };
  const run = async (what: string, scenario: () => Promise<Line[]>): Promise<void> => {
    await jobsDone(client);
    say(what);
    const found = await scenario();
    for (const line of found) say(`  ${brief(line)}`);
    lines.push(...found);
  };
  await run('creating', () => creates(bench));
  await run('creating over 1, 16 and 64 connections', () => sharedCommits(bench));
  await run('reading', () => reads(bench));
  await run('verifying keys, listing resources', () => keysAndResources(bench));
  await run('changing members', () => memberPatches(bench, compared));
  await run('changing a hundred members at once', () => hundredMembers(bench));
  await run('deactivating', () => activity(bench));
  await run('waiting for changed checks', async () => [await delayToCheck(bench)]);
  await run('64 writers of one organization, and of 64', async () => [
    await measureHotSpots(await openPlace(engine, `${folder}/hot`), bench.roundMs, bench.rounds),
  ]);
  await run('signing in', () => signIns(bench));
  if (!quick) {
    await run(`pushing ${many} people`, () => pushMany(bench));
    await run(`changing members of a group of ${many}`, async () => (await memberPatches(bench, [10, many])).slice(1));
    await run(`starting with ${many} people`, async () => {
      client.close();
      await gatehouse.stop();
      running.delete(gatehouse);
      return [await startUp(place, many)];
    });
  }
} finally {
  print(lines);
  for (const each of clients) each.close();
  await Promise.all([...running].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
  await closePlaces();
}
