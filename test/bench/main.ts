/**
 * `npm run bench`: Gatehouse (embedded, durable) against bare floors, side by side in one run, as ratios.
 * `npm run bench -- --engine=distributed`: the same table on MONGODB_URI and REDIS_URL, with a worker beside; the floors stay.
 * `npm run bench -- --quick` takes shorter rounds and leaves out the hundred thousand people; the figures are then rougher.
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
import { type Line, print, say } from './report.ts';
import { startFloor } from './servers.ts';
import { signIns } from './signIns.ts';
import { pushMany, startUp } from './volume.ts';
import { buildWorld } from './world.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, engine: { type: 'string' } } });
const quick = values.quick === true;
const engine = z.enum(['embedded', 'distributed']).parse(values.engine ?? 'embedded');
const connections = 16;
const groupSizes = [10, 100, 1000, 10_000];
const compared = [10, 1000, 10_000];

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
  say(`building the directory: 10,000 people, groups of ${groupSizes.join(', ')}`);
  const world = await buildWorld(client, 10_000, groupSizes);
  const bench: Bench = {
    ...{ world, client, full, normal, connections, quick },
    ...{ roundMs: quick ? 700 : 2000, rounds: quick ? 3 : 5 },
  };
  const run = async (what: string, scenario: () => Promise<Line[]>): Promise<void> => {
    say(what);
    lines.push(...(await scenario()));
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
    await run('pushing 100,000 people', () => pushMany(bench));
    await run('changing members of a group of 100,000', async () =>
      (await memberPatches(bench, [10, 100_000])).slice(1),
    );
    await run('starting with 100,000 people', async () => {
      client.close();
      await gatehouse.stop();
      running.delete(gatehouse);
      return [await startUp(place)];
    });
  }
} finally {
  print(lines);
  for (const each of clients) each.close();
  await Promise.all([...running].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
  await closePlaces();
}
