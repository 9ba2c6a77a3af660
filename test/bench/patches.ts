/** Memberships and activity, as identity providers change them. */
import { type Bench, figuresOf, must, ok, patchSchemas } from './bench.ts';
import type { Load } from './measure.ts';
import { type Line, rateLine } from './report.ts';
import { inParallel, person } from './world.ts';

const patch = (...Operations: object[]) => ({ schemas: patchSchemas, Operations });

/** People of their own, who are in no group yet. */
async function strangers({ world, client, connections }: Bench, name: string, count: number): Promise<string[]> {
  return inParallel(count, connections, async (index) => {
    const answer = await client.send(world.scim('POST', '/Users', person(`${name}${index}`)));
    return (JSON.parse(answer.body) as { id: string }).id;
  });
}

/** One member more or less, in groups of these sizes: the rate must not fall with the size. */
export async function memberPatches(bench: Bench, sizes: readonly number[]): Promise<Line[]> {
  const { world, client } = bench;
  const ids = await strangers(bench, `extra${sizes.at(-1)}-`, 64);
  // Consecutive calls alternate over the extra people; each second pass over them undoes the first.
  const one = (size: number): Load => ({
    client,
    expect: ok,
    next: (index) => {
      const id = must(ids, index % ids.length);
      const remove = Math.floor(index / ids.length) % 2 === 1;
      const operation = remove
        ? { op: 'remove', path: `members[value eq "${id}"]` }
        : { op: 'add', path: 'members', value: [{ value: id }] };
      return world.scim('PATCH', `/Groups/${world.groups.get(size)}`, patch(operation));
    },
  });
  const figures = await figuresOf(bench, sizes.map(one));
  const smallest = { figure: must(figures, 0), what: `group of ${sizes[0]}` };
  return sizes.map((size, at) =>
    rateLine(
      `PATCH one member, group of ${size.toLocaleString('en')}`,
      must(figures, at),
      at === 0 ? undefined : smallest,
    ),
  );
}

/** A hundred members at once into a group of its own per connection, and out of it. */
export async function hundredMembers(bench: Bench): Promise<Line[]> {
  const { world, client } = bench;
  const values = (await strangers(bench, 'hundred', 100)).map((value) => ({ value }));
  const groupIds = await inParallel(bench.connections, bench.connections, async (index) => {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: `Hundred ${index}` };
    return (JSON.parse((await client.send(world.scim('POST', '/Groups', body))).body) as { id: string }).id;
  });
  const next = (index: number) => {
    const op = Math.floor(index / groupIds.length) % 2 === 1 ? 'remove' : 'add';
    const change = patch({ op, path: 'members', value: values });
    return world.scim('PATCH', `/Groups/${must(groupIds, index % groupIds.length)}`, change);
  };
  const figures = await figuresOf(bench, [{ client, next, expect: ok }]);
  return [rateLine('PATCH 100 members at once', must(figures, 0))];
}

/** Deactivation and return, in Okta's form and in Entra's. In a run of its own: jobs may follow from each. */
export async function activity(bench: Bench): Promise<Line[]> {
  const { world, client } = bench;
  const half = Math.min(1000, Math.floor(world.people.length / 4));
  const toggle = (from: number, operation: (active: boolean) => object): Load => ({
    client,
    expect: ok,
    next: (index) => {
      const { id } = must(world.people, from + (index % half));
      return world.scim('PATCH', `/Users/${id}`, patch(operation(Math.floor(index / half) % 2 === 1)));
    },
  });
  const figures = await figuresOf(bench, [
    toggle(0, (active) => ({ op: 'replace', value: { active } })),
    toggle(half, (active) => ({ op: 'Replace', path: 'active', value: active ? 'True' : 'False' })),
  ]);
  return [
    rateLine('SCIM PATCH active, as Okta sends it', must(figures, 0)),
    rateLine('SCIM PATCH active, as Entra ID sends it', must(figures, 1)),
  ];
}
