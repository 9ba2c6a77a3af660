/** Groups in groups: who is in them indirectly, in whatever circle they stand (SCIM-4). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openWorld, type ScimWorld } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

type Held = Record<string, 'direct' | 'indirect'>;

async function groupsOf(userId: string): Promise<Held> {
  const { body } = await world.call('get', `/Users/${userId}`);
  const groups: { value: string; type: Held[string] }[] = body.groups ?? [];
  expect(new Set(groups.map(({ value }) => value)).size).toBe(groups.length);
  return Object.fromEntries(groups.map(({ value, type }) => [value, type]));
}

async function found(filter: string): Promise<string[]> {
  const { body } = await world.call('get', `/Users?attributes=id&filter=${encodeURIComponent(filter)}`);
  return body.Resources.map(({ id }: { id: string }) => id);
}

const holding = (...ids: string[]) => ({ members: ids.map((value) => ({ value })) });
const add = (group: string, ...ids: string[]) =>
  world.patch(`/Groups/${group}`, { op: 'add', path: 'members', value: holding(...ids).members });
const remove = (group: string, id: string) =>
  world.patch(`/Groups/${group}`, { op: 'remove', path: `members[value eq "${id}"]` });

describe('groups in groups', () => {
  test('a user is in a group directly where it names them, indirectly where only a group in it does', async () => {
    const { id } = await world.user();
    const inner = (await world.group(holding(id))).id;
    const middle = (await world.group(holding(inner))).id;
    const outer = (await world.group(holding(middle, id))).id;
    expect(await groupsOf(id)).toEqual({ [inner]: 'direct', [middle]: 'indirect', [outer]: 'direct' });
    expect(await found(`groups[value eq "${middle}" and type eq "indirect"]`)).toEqual([id]);
    expect(await found(`groups[value eq "${outer}" and type eq "indirect"]`)).toEqual([]);
  });

  test('a circle of groups is written, read, filtered and undone like any other', async () => {
    const [inside, outside] = [(await world.user()).id, (await world.user()).id];
    const a = (await world.group(holding(inside))).id;
    const b = (await world.group(holding(a))).id;
    const c = (await world.group(holding(b))).id;
    expect((await add(a, c)).status).toBe(204);
    expect(await groupsOf(inside)).toEqual({ [a]: 'direct', [b]: 'indirect', [c]: 'indirect' });
    expect(await groupsOf(outside)).toEqual({});
    for (const group of [a, b, c]) expect(await found(`groups.value eq "${group}"`)).toEqual([inside]);
    expect(await found(`groups.type eq "indirect" and id eq "${inside}"`)).toEqual([inside]);

    expect((await remove(b, a)).status).toBe(204);
    expect(await groupsOf(inside)).toEqual({ [a]: 'direct' });
    // c holds b, and a holds c: who is put into b is in all of them
    expect((await add(b, outside)).status).toBe(204);
    expect(await groupsOf(outside)).toEqual({ [b]: 'direct', [c]: 'indirect', [a]: 'indirect' });
  });

  test('a group that holds itself holds nobody else by that', async () => {
    const { id } = await world.user();
    const group = (await world.group(holding(id))).id;
    expect((await add(group, group)).status).toBe(204);
    expect(await groupsOf(id)).toEqual({ [group]: 'direct' });
    expect((await world.call('delete', `/Groups/${group}`)).status).toBe(204);
    expect(await groupsOf(id)).toEqual({});
  });

  test('a group that goes takes with it what led through it, and nothing else', async () => {
    const { id } = await world.user();
    const inner = (await world.group(holding(id))).id;
    const [left, right] = [(await world.group(holding(inner))).id, (await world.group(holding(inner))).id];
    const outer = (await world.group(holding(left, right))).id;
    expect((await world.call('delete', `/Groups/${left}`)).status).toBe(204);
    expect(await groupsOf(id)).toEqual({ [inner]: 'direct', [right]: 'indirect', [outer]: 'indirect' });
    expect((await world.call('delete', `/Groups/${right}`)).status).toBe(204);
    expect(await groupsOf(id)).toEqual({ [inner]: 'direct' });
  });

  test("a change of membership anywhere changes the version of who is concerned, and of nobody's else (ETag)", async () => {
    const [one, other] = [(await world.user()).id, (await world.user()).id];
    const versionOf = async (id: string) => (await world.call('get', `/Users/${id}`)).headers.etag;
    const inner = (await world.group(holding(one))).id;
    const before = [await versionOf(one), await versionOf(other)];
    await world.group(holding(inner));
    const after = [await versionOf(one), await versionOf(other)];
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
  });
});
