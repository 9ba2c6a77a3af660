import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  addMembers,
  deleteGroup,
  deleteUser,
  findContainingGroups,
  findGroup,
  findMemberPage,
  findPeopleIn,
  getGroup,
  insertGroup,
  insertUser,
  listGroups,
  removeMembers,
  replaceMembers,
  streamMembers,
  updateGroup,
} from '../../../src/directory/index.ts';
import { gate } from '../../queue/rig.ts';
import { acme, addGroup, addPeople, groupRef, openWorld, person, usersOf, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.store.close());

const reads = () => world.store.read;

async function membersOf(groupId: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { memberId } of streamMembers(reads(), acme, groupId)) ids.push(memberId);
  return ids.sort();
}

const versionOf = async (groupId: string) => (await getGroup(reads(), world.directory, groupId)).version;

describe('membership', () => {
  test('adding answers only those who were not in the group, and touches it only then', async () => {
    const [a, b] = usersOf(await addPeople(world, world.directory, 2));
    if (!a || !b) throw new Error('two people');
    const group = await addGroup(world, 'g', [a]);
    const before = await versionOf(group);
    expect(await world.run((tx) => addMembers(tx, world.directory, group, [a]))).toEqual([]);
    expect(await versionOf(group)).toBe(before);
    expect(await world.run((tx) => addMembers(tx, world.directory, group, [b, a, b]))).toEqual([b]);
    expect(await versionOf(group)).toBe(before + 1);
    expect(await membersOf(group)).toEqual([a.id, b.id].sort());
  });

  test.each([
    ['an id that nobody has', () => ({ id: 'usr-nobody', kind: 'User' as const })],
    ['a user under the name of a group', (w: World) => ({ id: w.directory._id, kind: 'Group' as const })],
  ])('adding refuses %s, names it, and adds nobody', async (_, refOf) => {
    const [known] = usersOf(await addPeople(world, world.directory, 1));
    const group = await addGroup(world, 'g');
    const unknown = refOf(world);
    await expect(
      world.run((tx) => addMembers(tx, world.directory, group, [...(known ? [known] : []), unknown])),
    ).rejects.toMatchObject({ code: 'scim_invalid_value', message: expect.stringContaining(unknown.id) });
    expect(await membersOf(group)).toEqual([]);
  });

  test('adding refuses a person of another directory, of this organization or of another', async () => {
    const group = await addGroup(world, 'g');
    for (const other of [world.sibling, world.foreign]) {
      const user = await world.run((tx) => insertUser(tx, other, person('x')));
      await expect(world.run((tx) => addMembers(tx, world.directory, group, usersOf([user])))).rejects.toMatchObject({
        code: 'scim_invalid_value',
      });
    }
  });

  test('removing takes out exactly those who are named and were in', async () => {
    const people = usersOf(await addPeople(world, world.directory, 3));
    const group = await addGroup(world, 'g', people.slice(0, 2));
    const before = await versionOf(group);
    const [first, , outsider] = people;
    if (!first || !outsider) throw new Error('three people');
    expect(await world.run((tx) => removeMembers(tx, world.directory, group, [outsider.id, 'usr-nobody']))).toEqual([]);
    expect(await versionOf(group)).toBe(before);
    expect(await world.run((tx) => removeMembers(tx, world.directory, group, [first.id, first.id]))).toEqual([first]);
    expect(await membersOf(group)).toEqual([people[1]?.id]);
    expect(await versionOf(group)).toBe(before + 1);
  });

  test('replacing writes the difference only, also beyond one page', async () => {
    const people = usersOf(await addPeople(world, world.directory, 523));
    const group = await addGroup(world, 'g', people.slice(0, 522));
    const kept = await reads().edges.findOne(acme, { groupId: group, memberId: people[300]?.id ?? '' });
    const result = await world.run((tx) => replaceMembers(tx, world.directory, group, people.slice(2)));
    expect(result.added).toEqual(people.slice(522));
    expect(new Set(result.removed)).toEqual(new Set(people.slice(0, 2)));
    expect((await membersOf(group)).length).toBe(521);
    expect(await reads().edges.findOne(acme, { groupId: group, memberId: people[300]?.id ?? '' })).toEqual(kept);
    const before = await versionOf(group);
    expect(await world.run((tx) => replaceMembers(tx, world.directory, group, people.slice(2)))).toEqual({
      added: [],
      removed: [],
    });
    expect(await versionOf(group)).toBe(before);
    await world.run((tx) => replaceMembers(tx, world.directory, group, []));
    expect(await membersOf(group)).toEqual([]);
  });

  test('pages of members hold each once', async () => {
    const people = usersOf(await addPeople(world, world.directory, 7));
    const group = await addGroup(world, 'g', people);
    const first = await findMemberPage(reads(), acme, group, { limit: 4 });
    const rest = await findMemberPage(reads(), acme, group, { limit: 4, cursor: first.nextCursor });
    expect([...first.items, ...rest.items].map(({ memberId }) => memberId)).toEqual(people.map(({ id }) => id).sort());
    expect(rest.nextCursor).toBeUndefined();
  });

  test('a person deleted while being added leaves no membership of nobody', async () => {
    const [user] = await addPeople(world, world.directory, 1);
    if (!user) throw new Error('one person');
    const group = await addGroup(world, 'g');
    await Promise.allSettled([
      world.run((tx) => addMembers(tx, world.directory, group, usersOf([user]))),
      world.run((tx) => deleteUser(tx, world.directory, user)),
    ]);
    const left = (await reads().directoryUsers.get(acme, user._id)) ? [user._id] : [];
    expect((await membersOf(group)).filter((id) => !left.includes(id))).toEqual([]);
  });

  test('a group deleted while being added to another leaves no membership of nothing', async () => {
    const inner = await getGroup(reads(), world.directory, await addGroup(world, 'inner'));
    const outer = await addGroup(world, 'outer');
    const [added, ends] = [gate(), gate()];
    const adding = world.run(async (tx) => {
      await addMembers(tx, world.directory, outer, [groupRef(inner._id)]);
      added.open();
      await ends.opened;
    });
    await added.opened;
    const deletion = world.run((tx) => deleteGroup(tx, world.directory, inner));
    // Where the one has to wait for the other, that is how it is kept.
    await Promise.race([deletion, sleep(500)]);
    ends.open();
    await Promise.all([adding, deletion]);
    expect(await findGroup(reads(), world.directory, inner._id)).toBeUndefined();
    expect(await membersOf(outer)).toEqual([]);
  });
});

describe('groups in groups', () => {
  test('count at any depth, each person and group once, and cycles are harmless (SCIM-4)', async () => {
    const [a, b, c] = usersOf(await addPeople(world, world.directory, 3));
    if (!a || !b || !c) throw new Error('three people');
    const inner = await addGroup(world, 'inner', [a]);
    const middle = await addGroup(world, 'middle', [b, groupRef(inner)]);
    const outer = await addGroup(world, 'outer', [c, groupRef(middle), groupRef(inner)]);
    await world.run((tx) => addMembers(tx, world.directory, inner, [groupRef(outer), groupRef(inner)]));
    for (const start of [inner, middle, outer]) {
      expect([...(await findPeopleIn(reads(), acme, [start]))].sort()).toEqual([a.id, b.id, c.id].sort());
    }
    expect([...(await findContainingGroups(reads(), acme, [a.id]))].sort()).toEqual([inner, middle, outer].sort());
  });

  test('are followed upwards only: who is in the outer group is not in the inner one', async () => {
    const [a, b] = usersOf(await addPeople(world, world.directory, 2));
    if (!a || !b) throw new Error('two people');
    const inner = await addGroup(world, 'inner', [a]);
    const outer = await addGroup(world, 'outer', [b, groupRef(inner)]);
    expect(await findContainingGroups(reads(), acme, [b.id])).toEqual([outer]);
    expect(await findPeopleIn(reads(), acme, [inner])).toEqual([a.id]);
  });

  test('large groups are found whole', async () => {
    const people = usersOf(await addPeople(world, world.directory, 510));
    const group = await addGroup(world, 'large', people);
    const small = await addGroup(world, 'small', people.slice(0, 3));
    expect((await findPeopleIn(reads(), acme, [small, group])).length).toBe(510);
  });
});

describe('a group', () => {
  test('keeps its members through a rename, and is found under the new name only', async () => {
    const people = usersOf(await addPeople(world, world.directory, 2));
    const id = await addGroup(world, 'Old', people);
    const group = await getGroup(reads(), world.directory, id);
    const record = { displayName: 'New', externalId: 'x', attributes: {} };
    const { changed } = await world.run((tx) => updateGroup(tx, world.directory, group, record));
    expect([changed, await membersOf(id)]).toEqual([true, people.map((ref) => ref.id).sort()]);
    const named = (displayNameKey: string) =>
      listGroups(reads(), world.directory, { filter: { displayNameKey }, limit: 9 });
    expect([(await named('old')).total, (await named('new')).total]).toEqual([0, 1]);
    const now = await getGroup(reads(), world.directory, id);
    expect(await world.run((tx) => updateGroup(tx, world.directory, now, record))).toEqual({
      group: now,
      changed: false,
    });
  });

  test('may share its name with another, and differ from one in blanks only', async () => {
    const group = (displayName: string) =>
      world.run((tx) => insertGroup(tx, world.directory, { displayName, attributes: {} }));
    await group('Ops');
    await group('ops');
    await group('ops ');
    expect((await listGroups(reads(), world.directory, { filter: { displayNameKey: 'ops' }, limit: 9 })).total).toBe(2);
  });

  test('leaves no membership behind when deleted, neither of its members nor its own', async () => {
    const people = usersOf(await addPeople(world, world.directory, 2));
    const inner = await addGroup(world, 'inner', people);
    const outer = await addGroup(world, 'outer', [groupRef(inner)]);
    const group = await getGroup(reads(), world.directory, inner);
    expect(await world.run((tx) => deleteGroup(tx, world.directory, group))).toEqual({ groupIds: [outer] });
    expect(await reads().edges.count(acme, {})).toBe(0);
    expect(await findGroup(reads(), world.directory, inner)).toBeUndefined();
  });

  test('belongs to its directory: neither a sibling nor another organization sees it (PRJ-1)', async () => {
    const id = await addGroup(world, 'g');
    expect(await findGroup(reads(), world.sibling, id)).toBeUndefined();
    await expect(getGroup(reads(), world.foreign, id)).rejects.toMatchObject({ code: 'not_found' });
  });
});
