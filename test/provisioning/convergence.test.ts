import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { claimDomain, forceVerifyDomain, removeMember } from '../../src/access/index.ts';
import { changeMapping, createMapping, deleteMapping, sweepOrganization } from '../../src/provisioning/index.ts';
import type { Directory } from '../../src/store/index.ts';
import { expectConverged } from './oracle.ts';
import { cause, openWorld, type World } from './world.ts';

/**
 * What happens in an organization, by numbers that stand for people, groups and projects. Its people are in two
 * directories, of which one governs each of them (SCIM-3); group 3 is of the second.
 */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('join' as const), who: fc.nat(2), group: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(2), group: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('nest' as const), who: fc.nat(2), group: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('part' as const), who: fc.nat(2), group: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('map' as const), group: fc.nat(3), target: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('widen' as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('narrow' as const), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unmap' as const), which: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), group: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('active' as const), who: fc.nat(2), of: fc.nat(1), active: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), who: fc.nat(2), of: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), who: fc.nat(2), of: fc.nat(1) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What becomes of a waiting job: run to its end, run by a process that dies before the end, or, with `lossy`, lost. */
const fate = (lossy: boolean) =>
  fc.record({
    which: fc.nat(20),
    what: lossy ? fc.constantFrom('run', 'twice', 'lose') : fc.constantFrom('run', 'twice'),
  });

const story = (lossy: boolean) =>
  fc.array(fc.oneof({ weight: 2, arbitrary: step }, { weight: 1, arbitrary: fate(lossy) }), {
    minLength: 5,
    maxLength: 40,
  });

interface Cast {
  readonly directories: readonly [Directory, Directory];
  /** By the number of the directory and the person's. */
  readonly people: Map<string, string>;
  readonly groups: Map<number, string>;
  readonly targets: readonly string[];
}

async function openCast(world: World): Promise<Cast> {
  await world.run(async (tx) => {
    await claimDomain(tx, world.id, 'acme.example');
    await forceVerifyDomain(tx, world.id, 'acme.example');
  });
  const cast: Cast = {
    directories: [world.directory, await world.another()],
    people: new Map(),
    groups: new Map(),
    targets: [(await world.project('a'))._id, (await world.project('b'))._id, world.id],
  };
  for (let index = 0; index < 4; index += 1) {
    const member = await personOf(world, cast, index % 3, directoryOf(index));
    const directory = cast.directories[directoryOf(index)];
    const { _id: groupId } = await world.group(`g${index}`, [member], `e${index}`, directory);
    cast.groups.set(index, groupId);
    const targetId = cast.targets[index] ?? world.id;
    const target = targetId === world.id ? 'organization' : 'project';
    await world.run((tx) => createMapping(tx, world.id, { groupId, target, targetId, role: 'admin' }));
  }
  await world.runJobs();
  return cast;
}

const emailOf = (who: number) => `p${who}@acme.example`;

/** The number of the directory that the group of this number is of. */
const directoryOf = (group: number): 0 | 1 => (group === 3 ? 1 : 0);

/** The directory user of this number, pushed when first needed. */
async function personOf(world: World, cast: Cast, who: number, of: number): Promise<string> {
  const known = cast.people.get(`${of} ${who}`);
  if (known !== undefined) return known;
  const { user } = await world.push({ userName: `p${who}`, email: emailOf(who) }, cast.directories[of]);
  cast.people.set(`${of} ${who}`, user._id);
  return user._id;
}

async function groupOf(world: World, cast: Cast, group: number): Promise<string> {
  const known = cast.groups.get(group);
  if (known !== undefined) return known;
  const { _id } = await world.group(`again ${group}`, [], `e${group}`, cast.directories[directoryOf(group)]);
  cast.groups.set(group, _id);
  return _id;
}

async function play(world: World, cast: Cast, move: Step): Promise<void> {
  switch (move.kind) {
    case 'join':
    case 'leave': {
      const of = directoryOf(move.group);
      const person = await personOf(world, cast, move.who, of);
      const change = move.kind === 'join' ? { add: [person] } : { remove: [person] };
      await world.members(await groupOf(world, cast, move.group), change, cast.directories[of]);
      return;
    }
    case 'nest':
      await world.members(await groupOf(world, cast, move.group), { add: [await groupOf(world, cast, move.who)] });
      return;
    case 'part':
      await world.members(await groupOf(world, cast, move.group), { remove: [await groupOf(world, cast, move.who)] });
      return;
    case 'drop':
      await world.dropGroup(await groupOf(world, cast, move.group), cast.directories[directoryOf(move.group)]);
      cast.groups.delete(move.group);
      return;
    case 'active': {
      const id = await personOf(world, cast, move.who, move.of);
      const person = { userName: `p${move.who}`, email: emailOf(move.who), active: move.active };
      await world.change(id, person, { directory: cast.directories[move.of] });
      return;
    }
    case 'delete':
      await world.remove(await personOf(world, cast, move.who, move.of), cast.directories[move.of]);
      cast.people.delete(`${move.of} ${move.who}`);
      return;
    case 'remove': {
      const id = await personOf(world, cast, move.who, move.of);
      await world.run(async (tx) => {
        const member = await tx.members.findOne(world.id, { directoryUserId: id });
        if (member) await removeMember(tx, world.id, member._id);
      });
      return;
    }
    default:
      await playMapping(world, cast, move);
  }
}

async function playMapping(
  world: World,
  cast: Cast,
  move: Extract<Step, { kind: 'map' | 'widen' | 'narrow' | 'unmap' }>,
): Promise<void> {
  if (move.kind === 'map') {
    const groupId = await groupOf(world, cast, move.group);
    const targetId = cast.targets[move.target] ?? world.id;
    const target = targetId === world.id ? 'organization' : 'project';
    const role = target === 'organization' ? 'admin' : 'member';
    if (await world.store.read.mappings.findOne(world.id, { groupId, targetId })) return;
    await world.run((tx) => createMapping(tx, world.id, { groupId, target, targetId, role }));
    return;
  }
  const mappings = await world.store.read.mappings.find(world.id, {});
  const mapping = mappings[move.which % Math.max(1, mappings.length)];
  if (!mapping) return;
  if (move.kind === 'unmap') await world.run((tx) => deleteMapping(tx, world.id, mapping._id, 'revoke'));
  else if (mapping.target === 'project') {
    const role = move.kind === 'widen' ? 'admin' : 'member';
    await world.run((tx) => changeMapping(tx, world.id, mapping._id, { role, grants: 'revoke' }));
  }
}

async function meet(world: World, { which, what }: { which: number; what: string }): Promise<void> {
  const jobs = await world.waitingJobs();
  const job = jobs[which % Math.max(1, jobs.length)];
  if (!job) return;
  if (what === 'lose') await world.run((tx) => tx.outbox.remove(world.id, { _id: job._id }));
  else await world.runJob(job, { ends: what === 'run' });
}

/** How long stories are told; on a slow machine or engine there are fewer of them. */
const tellForMs = 10_000;

async function tell(
  moves: readonly (Step | { which: number; what: string })[],
  until: number,
  end: (world: World) => Promise<void>,
): Promise<void> {
  if (performance.now() > until) return;
  const world = await openWorld({ rehearse: false });
  try {
    const cast = await openCast(world);
    for (const move of moves) await ('what' in move ? meet(world, move) : play(world, cast, move));
    await end(world);
    await expectConverged(world);
  } finally {
    await world.store.close();
  }
}

describe('whatever happens to jobs (MAP-3)', () => {
  test('doubled, late and in any order, they leave exactly what mappings give', async () => {
    const until = performance.now() + tellForMs;
    const late = fc.array(fate(false), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(story(false), late, (moves, fates) =>
        tell(moves, until, async (world) => {
          for (const each of fates) await meet(world, each);
          await world.runJobs();
        }),
      ),
      { numRuns: 60 },
    );
  });

  test('lost ones are made good by the sweep', async () => {
    const until = performance.now() + tellForMs;
    await fc.assert(
      fc.asyncProperty(story(true), (moves) =>
        tell(moves, until, async (world) => {
          await world.run((tx) => tx.outbox.remove(world.id, {}));
          await sweepOrganization(world.store, cause, world.id);
        }),
      ),
      { numRuns: 60 },
    );
  });
});
