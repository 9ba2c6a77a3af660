import { beforeAll, describe, expect, test } from '@jest/globals';
import { GROUP, openWorld, type ScimWorld } from '../setup.ts';
import { proves } from './proves.ts';

let world: ScimWorld;
let people: string[];
beforeAll(async () => {
  world = await openWorld();
  people = [];
  for (let i = 0; i < 6; i++) people.push((await world.user()).id);
});

const member = (index: number) => ({ value: people[index] ?? '' });

async function membersOf(id: string): Promise<number[]> {
  const { body } = await world.call('get', `/Groups/${id}`);
  return (body.members ?? []).map(({ value }: { value: string }) => people.indexOf(value)).sort();
}

describe('groups (RFC 7643 §4.2)', () => {
  test(
    proves(
      'members are answered with value, type, display and $ref; users say which groups they are in',
      '7643-4.2-03',
      '7643-4.2-04',
      '7643-4.2-05',
      '7643-4.2-07',
      '7643-4.1.2-11',
      '7643-4.1.2-12',
      '7643-2.3.7-01',
    ),
    async () => {
      const inner = await world.group({ displayName: 'Inner' });
      const group = await world.group({
        displayName: 'Outer',
        members: [{ ...member(0), display: 'x', type: 'User' }, { value: inner.id }],
      });
      expect(group.members).toEqual(
        expect.arrayContaining([
          { value: people[0], type: 'User', display: 'person1@acme.test', $ref: `${world.base}/Users/${people[0]}` },
          { value: inner.id, type: 'Group', display: 'Inner', $ref: `${world.base}/Groups/${inner.id}` },
        ]),
      );
      const user = await world.call('get', `/Users/${people[0]}`);
      expect(user.body.groups).toEqual([
        { value: group.id, display: 'Outer', type: 'direct', $ref: `${world.base}/Groups/${group.id}` },
      ]);
      await world.call('delete', `/Groups/${group.id}`);
      expect((await world.call('get', `/Users/${people[0]}`)).body).not.toHaveProperty('groups');
    },
  );

  test(
    proves('every $ref leads to what it names', '7643-2.3.7-01', '7643-2.3.7-03', '7643-4.2-04', '7643-4.1.2-12'),
    async () => {
      const inner = await world.group();
      const group = await world.group({ members: [member(0), { value: inner.id }] });
      const refs = [group.members, (await world.call('get', `/Users/${people[0]}`)).body.groups].flat();
      expect(refs.length).toBeGreaterThanOrEqual(3);
      for (const { value, $ref } of refs as { value: string; $ref: string }[]) {
        const read = await world.call('get', $ref.replace(world.base, ''));
        expect([read.status, read.body.id, read.body.meta.location]).toEqual([200, value, $ref]);
      }
    },
  );

  const rows: [string, () => object[], number[]][] = [
    ['add several (Entra)', () => [{ op: 'Add', path: 'members', value: [member(2), member(3)] }], [0, 1, 2, 3]],
    ['add one again', () => [{ op: 'add', path: 'members', value: [member(1)] }], [0, 1]],
    ['add without path', () => [{ op: 'add', value: { members: [member(2)] } }], [0, 1, 2]],
    ['remove by filter (Okta)', () => [{ op: 'remove', path: `members[value eq "${people[0]}"]` }], [1]],
    ['remove by list (Entra)', () => [{ op: 'Remove', path: 'members', value: [{ $ref: null, ...member(1) }] }], [0]],
    ['remove who is not in it', () => [{ op: 'remove', path: `members[value eq "${people[5]}"]` }], [0, 1]],
    ['remove by type', () => [{ op: 'remove', path: 'members[type eq "User"]' }], []],
    ['remove all', () => [{ op: 'remove', path: 'members' }], []],
    ['replace (push now)', () => [{ op: 'replace', path: 'members', value: [member(1), member(4)] }], [1, 4]],
    ['replace with nothing', () => [{ op: 'replace', path: 'members', value: [] }], []],
    [
      'replace one by filter',
      () => [{ op: 'replace', path: `members[value eq "${people[0]}"]`, value: [member(2)] }],
      [1, 2],
    ],
    ['replace by type', () => [{ op: 'replace', path: 'members[type eq "User"]', value: member(3) }], [3]],
    ['replace without path', () => [{ op: 'replace', value: { displayName: 'R', members: [member(5)] } }], [5]],
    [
      'several operations in their order',
      () => [
        { op: 'remove', path: `members[value eq "${people[0]}"]` },
        { op: 'add', path: 'members', value: [member(2)] },
        { op: 'replace', path: 'displayName', value: 'Renamed' },
      ],
      [1, 2],
    ],
    ['a rename', () => [{ op: 'replace', path: 'displayName', value: 'Renamed' }], [0, 1]],
  ];
  test.each(rows)('PATCH: %s', async (_title, operations, expected) => {
    const { id } = await world.group({ members: [member(0), member(1)] });
    const answer = await world.patch(`/Groups/${id}`, ...operations());
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await membersOf(id)).toEqual(expected);
  });

  test(
    proves(
      'PUT replaces members where it names them, and leaves them where it does not',
      '7644-3.5.1-01',
      '7644-3.5.1-07',
      '7643-4.2-08',
    ),
    async () => {
      const { id } = await world.group({ members: [member(0), member(1)], externalId: 'x' });
      const put = (body: object) => world.call('put', `/Groups/${id}`, { schemas: [GROUP], displayName: 'P', ...body });
      expect((await put({})).body.members).toHaveLength(2);
      expect((await put({ members: [member(1), member(2)] })).status).toBe(200);
      expect(await membersOf(id)).toEqual([1, 2]);
      await put({ members: [] });
      expect(await membersOf(id)).toEqual([]);
    },
  );

  test(
    proves(
      'a member that the directory does not have is refused by name, and nothing is changed',
      '7643-2.3.7-05',
      '7644-3.5.2-13',
      '7644-3.5.2-19',
    ),
    async () => {
      const { id } = await world.group({ members: [member(0)] });
      for (const value of [
        'usr-00000000000000000000000000',
        'grp-00000000000000000000000000',
        'nobody',
        world.directory._id,
      ]) {
        const answer = await world.patch(
          `/Groups/${id}`,
          { op: 'replace', path: 'displayName', value: 'Changed' },
          { op: 'add', path: 'members', value: [member(1), { value }] },
        );
        expect(answer.status).toBe(400);
        expect(answer.body).toMatchObject({ scimType: 'invalidValue', detail: expect.stringContaining(value) });
        const created = await world.call('post', '/Groups', {
          schemas: [GROUP],
          displayName: 'N',
          members: [{ value }],
        });
        expect(created.body).toMatchObject({
          status: '400',
          scimType: 'invalidValue',
          detail: expect.stringContaining(value),
        });
      }
      expect(await membersOf(id)).toEqual([0]);
      expect((await world.call('get', `/Groups/${id}`)).body.displayName).not.toBe('Changed');
    },
  );

  test('sixty PATCHes at once that each add another member: all are there', async () => {
    const { id } = await world.group();
    const many: string[] = [];
    for (let i = 0; i < 60; i++) many.push((await world.user()).id);
    const answers = await Promise.all(
      many.map((value) => world.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value }] })),
    );
    expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(many.map(() => '204 '));
    const { body } = await world.call('get', `/Groups/${id}`);
    expect(body.members.map(({ value }: { value: string }) => value).sort()).toEqual(many.sort());
  });

  test('a group that is pushed once more, by name and externalId, is the one that is there (SCIM-2)', async () => {
    const told = { schemas: [GROUP], displayName: 'Told twice', externalId: 'told-twice' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.call('post', '/Groups', told)));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    for (const { status, body } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, body.scimType, body.detail]).toEqual([409, 'uniqueness', expect.stringContaining('told-twice')]);
    }
    await world.call('delete', `/Groups/${made[0]?.body.id}`);
    expect((await world.call('post', '/Groups', told)).status).toBe(201);
  });

  test('groups of one name are several where their externalId differs or is missing (RFC 7643 §8.7.1)', async () => {
    const told = [{ externalId: 'one' }, { externalId: 'two' }, {}, {}];
    for (const fields of told) await world.group({ displayName: 'Namesake', ...fields });
    await world.group({ displayName: 'Renamed', externalId: 'one' });
    const { body } = await world.call('get', '/Groups?filter=displayName eq "namesake"');
    expect(body.totalResults).toBe(4);
  });

  test('two groups whose names differ in case or blanks only are two groups', async () => {
    const names = ['Same Name', 'same name', 'Same  Name'];
    for (const displayName of names) await world.group({ displayName });
    const { body } = await world.call('get', '/Groups?filter=displayName eq "Same  Name"');
    expect(body.Resources.map(({ displayName }: { displayName: string }) => displayName)).toEqual(['Same  Name']);
    const both = await world.call('get', '/Groups?filter=displayName eq "SAME NAME"');
    expect(both.body.totalResults).toBe(2);
  });
});
