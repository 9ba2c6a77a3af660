/** Very many people: memory while they are pushed, and the start on what they leave in the store. */
import { type Bench, ok } from './bench.ts';
import { memoryOf } from './measure.ts';
import type { Place } from './place.ts';
import { type Line, plainLine, say } from './report.ts';
import { inParallel, person } from './world.ts';

const count = (people: number) => `${people.toLocaleString('en')} people`;

/** Pushes the people, all of them members of one group afterwards, whose id joins the world's groups. */
export async function pushMany({ world, client, connections, many: population }: Bench): Promise<Line[]> {
  const samples: number[] = [];
  const step = Math.ceil(population / 20);
  const started = performance.now();
  const ids = await inParallel(population, connections, async (index) => {
    if (index % step === 0) samples.push(memoryOf(client.pid) ?? Number.NaN);
    if (index % (4 * step) === 0) say(`  ${count(index)}`);
    const answer = await client.send(world.scim('POST', '/Users', person(`many${index}`)));
    if (answer.status !== 201) throw new Error(`creating a person answered ${answer.status} ${answer.body}`);
    return (JSON.parse(answer.body) as { id: string }).id;
  });
  const seconds = (performance.now() - started) / 1000;
  samples.push(memoryOf(client.pid) ?? Number.NaN);
  const group = await client.send(
    world.scim('POST', '/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: `Group of ${population}`,
    }),
  );
  const { id } = JSON.parse(group.body) as { id: string };
  for (let from = 0; from < population; from += 1000) {
    const value = ids.slice(from, from + 1000).map((member) => ({ value: member }));
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
    const body = { schemas, Operations: [{ op: 'add', path: 'members', value }] };
    const answer = await client.send(world.scim('PATCH', `/Groups/${id}`, body));
    if (!ok(answer)) throw new Error(`adding members answered ${answer.status} ${answer.body}`);
  }
  world.groups.set(population, id);
  const shown = (value: number | undefined) => `${Math.round(value ?? Number.NaN)} MiB`;
  const memory = `memory ${shown(samples[1])} after ${step.toLocaleString('en')}, ${shown(samples.at(-1))} at the end, ${shown(Math.max(...samples))} at most`;
  return [plainLine(`${count(population)} pushed`, `${Math.round(population / seconds)}/s`, memory)];
}

/** Starts anew in the place of a server that has been stopped. */
export async function startUp(place: Place, people: number): Promise<Line> {
  const server = await place.start();
  await server.stop();
  return plainLine(`start with ${count(people)} in the store`, `ready after ${Math.round(server.readyAfterMs)} ms`);
}
