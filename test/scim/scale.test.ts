/** Directories and groups of 20,000 (SCIM-4): exact answers, read and sent in pieces. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { isLong, jsonOf, LongList } from '../../src/scim/long.ts';
import { parseInTurns } from '../../src/scim/pieces.ts';
import { cause, GROUP, openWorld, type ScimWorld } from './setup.ts';

const SIZE = 20_000;
const BATCH = 5000;
jest.setTimeout(400_000);

let world: ScimWorld;
let large: string;
const people: string[] = [];

beforeAll(async () => {
  world = await openWorld({ rehearse: false });
  const { organizationId, directory } = world;
  const { store } = world.gatehouse;
  large = (await world.group({ displayName: 'Everybody' })).id;
  for (let start = 0; start < SIZE; start += BATCH) {
    const ids = Array.from({ length: BATCH }, () => newId('directoryUser'));
    await store.transaction(cause, async (tx) => {
      await tx.directoryUsers.insertMany(
        organizationId,
        ids.map((_id, i) => ({
          _id,
          organizationId,
          directoryId: directory._id,
          userName: `u${start + i}`,
          userNameKey: `u${start + i}`,
          active: true,
          attributes: {
            title: `Title ${(start + i) % 1000}`,
            name: { familyName: `F${String(SIZE - start - i).padStart(6, '0')}` },
          },
          link: 'waiting' as const,
        })),
      );
      await tx.edges.insertMany(
        organizationId,
        ids.map((memberId) => ({
          _id: newId('edge'),
          organizationId,
          directoryId: directory._id,
          groupId: large,
          memberId,
          memberKind: 'User' as const,
        })),
      );
    });
    people.push(...ids);
  }
}, 400_000);

const members = (ids: readonly string[]) => ids.map((value) => ({ value }));

describe('a directory of 20,000', () => {
  test('a filter that no index serves finds exactly those that match', async () => {
    const { status, body } = await world.call('get', '/Users?filter=title co "e 77"&count=3&startIndex=5');
    expect(status).toBe(200);
    // 77, and 770 to 779, of every thousand
    expect(body).toMatchObject({ totalResults: 220, startIndex: 5, itemsPerPage: 3 });
    const indexes = body.Resources.map(({ id }: { id: string }) => people.indexOf(id));
    expect(indexes).toEqual([773, 774, 775]);
  });

  test('an order that no index serves begins and goes on where it should, by index and by cursor', async () => {
    const names = ({ Resources }: { Resources: { userName: string }[] }) => Resources.map(({ userName }) => userName);
    const query = '/Users?sortBy=name.familyName&attributes=userName&count=3';
    const first = await world.call('get', `${query}&cursor=`);
    expect(first.body.totalResults).toBe(SIZE);
    expect(names(first.body)).toEqual(['u19999', 'u19998', 'u19997']);
    const second = await world.call('get', `${query}&cursor=${first.body.nextCursor}`);
    expect(names(second.body)).toEqual(['u19996', 'u19995', 'u19994']);
    const far = await world.call('get', `${query}&startIndex=${SIZE - 1}`);
    expect(names(far.body)).toEqual(['u1', 'u0']);
  });

  test('people are found by a group that is too large to be looked up at once', async () => {
    const filter = encodeURIComponent(`groups.value eq "${large}" and title eq "title 5"`);
    const { body } = await world.call('get', `/Users?filter=${filter}&count=2&attributes=groups.type`);
    expect(body.totalResults).toBe(SIZE / 1000);
    expect(body.Resources[0].groups).toEqual([{ type: 'direct' }]);
  });

  test('many searches at once that no index serves wait for their turn, and are answered', async () => {
    // one half of the directory: what is to be seen is the waiting, not the reading
    const ask = () => world.call('get', '/Users?filter=userName sw "u1" and nickName pr&count=1');
    const answers = await Promise.all(Array.from({ length: 6 }, ask));
    expect(answers.map(({ status, body }) => [status, body.totalResults])).toEqual(Array(6).fill([200, 0]));
  });
});

describe('a group of 20,000 (SCIM-4)', () => {
  test('it is answered whole, with every member once, in pieces', async () => {
    const answer = await world.call('get', `/Groups/${large}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).toBe(answer.body.meta.version);
    expect(answer.headers).not.toHaveProperty('content-length');
    expect(answer.body.members).toHaveLength(SIZE);
    expect(answer.body.members.map(({ value }: { value: string }) => value)).toEqual([...people].sort());
    const last = people[SIZE - 1];
    expect(answer.body.members.at(-1)).toEqual({
      value: last,
      type: 'User',
      display: 'u19999',
      $ref: `${world.base}/Users/${last}`,
    });
  });

  test('excludedAttributes=members reads no membership, nor does a list without them', async () => {
    const { edges } = world.gatehouse.store.read;
    const spies = [jest.spyOn(edges, 'page'), jest.spyOn(edges, 'find'), jest.spyOn(edges, 'count')];
    for (const path of [
      `/Groups/${large}?excludedAttributes=members`,
      `/Groups/${large}?attributes=displayName`,
      '/Groups?excludedAttributes=members&filter=displayName eq "everybody"',
    ]) {
      const { status, text } = await world.call('get', path);
      expect(status).toBe(200);
      expect(text).not.toContain('"members"');
    }
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  test('one of its members is added and removed by PATCH, and found by filter', async () => {
    const one = people[7] ?? '';
    const removed = await world.patch(`/Groups/${large}`, { op: 'remove', path: `members[value eq "${one}"]` });
    expect(removed.status).toBe(204);
    const found = () => world.call('get', `/Groups?attributes=displayName&filter=members.value eq "${one}"`);
    expect((await found()).body.totalResults).toBe(0);
    expect((await world.patch(`/Groups/${large}`, { op: 'add', path: 'members', value: members([one]) })).status).toBe(
      204,
    );
    expect((await found()).body.totalResults).toBe(1);
  });

  test('members can be asked anything, page by page', async () => {
    const total = async (filter: string) =>
      (await world.call('get', `/Groups?attributes=displayName&filter=${encodeURIComponent(filter)}`)).body
        .totalResults;
    expect(await total('members.display eq "U19999"')).toBe(1);
    expect(await total('members.type eq "Group"')).toBe(0);
    expect(await total('members[type eq "User" and value sw "usr-"] and not (members.display ew "x")')).toBe(1);
  });

  test('a list of large groups is sent in pieces too; the log keeps its beginning (SCIM-5)', async () => {
    const listed = await world.call('get', '/Groups?filter=displayName eq "everybody"&attributes=members.value');
    expect(listed.headers).not.toHaveProperty('content-length');
    expect(listed.body).toMatchObject({ totalResults: 1, itemsPerPage: 1 });
    expect(listed.body.Resources[0].members).toHaveLength(SIZE);
    expect(listed.body.Resources[0].members[0]).toEqual({ value: [...people].sort()[0] });
    const { store } = world.gatehouse;
    for (let i = 0; ; i++) {
      const rows = await store.read.provisioningLog.find(world.organizationId, {}, { sort: { _id: -1 }, limit: 30 });
      const row = rows.find(({ path }) => path.includes('attributes=members.value'));
      if (row === undefined && i < 100) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      expect(row).toMatchObject({ outcome: 'read', status: 200 });
      expect(row?.response).toMatch(/^\{"schemas":.*…$/s);
      expect(row?.response?.length).toBeLessThanOrEqual(16 * 1024);
      break;
    }
  });

  test('PUT with 10,000 members writes the difference; who stays is not touched', async () => {
    const { store } = world.gatehouse;
    const ten = people.slice(0, 10_000);
    const group = await world.group({ displayName: 'Ten thousand', members: members(ten) });
    expect(group.members).toHaveLength(10_000);
    const edgesOf = () => store.read.edges.find(world.organizationId, { groupId: group.id });
    const before = new Map((await edgesOf()).map((edge) => [edge.memberId, edge]));
    const [out, into] = [ten.slice(0, 3), people.slice(19_000, 19_002)];
    const next = [...ten.slice(3), ...into];
    const put = await world.call('put', `/Groups/${group.id}?excludedAttributes=members`, {
      schemas: [GROUP],
      displayName: 'Ten thousand',
      members: members(next),
    });
    expect(put.status).toBe(200);
    const after = await edgesOf();
    expect(after.map(({ memberId }) => memberId).sort()).toEqual([...next].sort());
    const same = after.filter((edge) => before.get(edge.memberId)?._id === edge._id && edge.version === 1);
    expect(same).toHaveLength(10_000 - out.length);
    const patched = await world.patch(
      `/Groups/${group.id}`,
      { op: 'add', path: 'members', value: members(people.slice(12_000, 15_000)) },
      { op: 'remove', path: 'members', value: members(ten.slice(5000)) },
    );
    expect(patched.status).toBe(204);
    expect(await edgesOf()).toHaveLength(10_000 - out.length + into.length + 3000 - 5000);
  });
});

test('while a group of 10,000 is written whole, others are answered', async () => {
  const { id } = await world.group({ displayName: 'Written' });
  let written = false;
  const body = { schemas: [GROUP], displayName: 'Written', members: members(people.slice(0, 10_000)) };
  const put = world.call('put', `/Groups/${id}?excludedAttributes=members`, body).finally(() => {
    written = true;
  });
  let answered = 0;
  for (; !written; answered++) {
    const { status, body: user } = await world.call('get', `/Users/${people[answered]}`);
    expect([status, user.userName]).toEqual([200, `u${answered}`]);
  }
  expect((await put).status).toBe(200);
  expect(answered).toBeGreaterThan(5);
  expect((await world.call('delete', `/Groups/${id}`)).status).toBe(204);
  expect(await world.gatehouse.store.read.edges.count(world.organizationId, { groupId: id })).toBe(0);
});

test('long JSON is parsed piece by piece, and means what JSON.parse says', async () => {
  const filler = (count: number) => Array.from({ length: count }, (_, i) => ({ value: `"]},[{\\${i}`, n: [i, {}] }));
  for (const value of [
    filler(30_000),
    { schemas: ['x'], members: filler(30_000), after: [1, [2]] },
    { Operations: [{ value: filler(30_000) }, { op: 'x', value: filler(20_000) }], more: filler(15_000) },
    { a: { b: { c: { d: { e: filler(30_000) } } } } },
    { text: 'x'.repeat(2_000_000), list: [] },
  ]) {
    const text = JSON.stringify(value);
    expect(await parseInTurns(text)).toEqual(value);
    expect(await parseInTurns(JSON.stringify(value, null, 2))).toEqual(value);
    for (const broken of [
      text.slice(0, -1),
      `${text}]`,
      text.replace(/,(?=[^,]*$)/, ',,'),
      text.replace('{"value"', '{"value'),
      text.replace(/\}(?=[^}]*$)/, ']'),
    ]) {
      const parsed = await Promise.resolve(broken)
        .then(JSON.parse)
        .catch(() => SyntaxError);
      expect(await parseInTurns(broken).catch(() => SyntaxError)).toEqual(parsed);
    }
  }
  const commas = `[${'1,'.repeat(400_000)},${'1,'.repeat(400_000)}1]`;
  await expect(parseInTurns(commas)).rejects.toThrow(SyntaxError);
});

test('a long list is read only as far as its text is taken', async () => {
  let made = 0;
  async function* numbers() {
    for (; made < 1_000_000; made++) yield { n: made };
  }
  const body = {
    a: 1,
    none: undefined,
    list: new LongList([{ first: true }], numbers),
    empty: new LongList([], async function* () {}),
  };
  expect(isLong(body)).toBe(true);
  const pieces = jsonOf(body);
  const { value } = await pieces.next();
  expect(String(value)).toMatch(/^\{"a":1,"list":\[\{"first":true\},\{"n":0\}/);
  expect(made).toBeLessThan(20_000);
  await pieces.return(undefined);
  const short = {
    list: new LongList([{ n: 1 }], async function* () {
      yield { n: 2, inner: new LongList([{ x: 1 }], async function* () {}) };
    }),
  };
  let text = '';
  for await (const piece of jsonOf(short)) text += piece;
  expect(JSON.parse(text)).toEqual({ list: [{ n: 1 }, { n: 2, inner: [{ x: 1 }] }] });
});
