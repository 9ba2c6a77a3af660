import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  deleteUser,
  findGroupsOf,
  findUser,
  findUserByUserName,
  findUserIdsByEmail,
  getUser,
  insertUser,
  listUsers,
  listWaitingUsers,
  primaryEmail,
  setUserLink,
  updateUser,
  userRecordOf,
} from '../../../src/directory/index.ts';
import { acme, addGroup, openWorld, person, usersOf, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.store.close());

const reads = () => world.store.read;

describe('making a user', () => {
  test('stores what was pushed, as it was pushed, and finds it by userName and address without case', async () => {
    const record = person('Zoë.Ångström', { externalId: 'E-1', displayName: 'Zoë' });
    const user = await world.run((tx) => insertUser(tx, world.directory, record));
    expect(userRecordOf(await getUser(reads(), world.directory, user._id))).toEqual(record);
    expect((await findUserByUserName(reads(), world.directory, 'ZOË.ÅNGSTRÖM'))?._id).toBe(user._id);
    expect(await findUserIdsByEmail(reads(), world.directory, 'zoë.ångström@ACME.example')).toEqual([user._id]);
    expect(await findUserIdsByEmail(reads(), world.directory, 'zoë.ångström@acme.example', 'home')).toEqual([]);
  });

  test('refuses a userName that the directory has in another case, naming attribute and value (SCIM-3)', async () => {
    await world.run((tx) => insertUser(tx, world.directory, person('ann')));
    await expect(world.run((tx) => insertUser(tx, world.directory, person('ANN')))).rejects.toMatchObject({
      code: 'scim_uniqueness',
      message: expect.stringMatching(/userName "ANN" is taken/),
      details: { attribute: 'userName', value: 'ANN' },
    });
  });

  test('refuses the userName of a deactivated user, and says that it is one (SCIM-3)', async () => {
    await world.run((tx) => insertUser(tx, world.directory, person('ann', { active: false })));
    await expect(world.run((tx) => insertUser(tx, world.directory, person('ann')))).rejects.toMatchObject({
      code: 'scim_uniqueness',
      message: expect.stringContaining('deactivated'),
    });
  });

  test('takes the same userName in another directory, and shows neither to the other', async () => {
    const [ours, theirs] = await world.run(async (tx) => [
      await insertUser(tx, world.directory, person('ann')),
      await insertUser(tx, world.sibling, person('ann')),
    ]);
    expect(ours?._id).not.toBe(theirs?._id);
    expect(await findUser(reads(), world.sibling, ours?._id ?? '')).toBeUndefined();
    await expect(getUser(reads(), world.foreign, ours?._id ?? '')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('lets two users carry one address, or none (ACC-3)', async () => {
    const emails = [{ value: 'shared@acme.example' }];
    const users = await world.run(async (tx) => [
      await insertUser(tx, world.directory, person('a', { emails })),
      await insertUser(tx, world.directory, person('b', { emails })),
      await insertUser(tx, world.directory, person('c', { emails: [] })),
    ]);
    expect(await findUserIdsByEmail(reads(), world.directory, 'shared@acme.example')).toEqual(
      users.slice(0, 2).map(({ _id }) => _id),
    );
  });

  test('of two pushes of one userName at once, one wins and the other is a conflict', async () => {
    const results = await Promise.allSettled(
      [1, 2].map(() => world.run((tx) => insertUser(tx, world.directory, person('ann')))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'scim_uniqueness' } });
  });
});

describe('changing a user', () => {
  test('writes nothing where nothing differs: no version, no history', async () => {
    const user = await world.run((tx) => insertUser(tx, world.directory, person('ann', { externalId: 'e' })));
    const again = await world.run((tx) => updateUser(tx, world.directory, user, person('ann', { externalId: 'e' })));
    expect(again).toEqual({ user, changed: false });
    expect(await reads().history.count(acme, { rowId: user._id })).toBe(0);
  });

  test('a rename follows the same person and frees the old name', async () => {
    const user = await world.run((tx) => insertUser(tx, world.directory, person('ann')));
    const { user: renamed, changed } = await world.run((tx) => updateUser(tx, world.directory, user, person('anna')));
    expect([changed, renamed._id, renamed.version]).toEqual([true, user._id, 2]);
    expect(await findUserByUserName(reads(), world.directory, 'ann')).toBeUndefined();
    await world.run((tx) => insertUser(tx, world.directory, person('ann')));
  });

  test('refuses a rename to a taken name, and takes a change of case of the own one', async () => {
    const user = await world.run(async (tx) => {
      await insertUser(tx, world.directory, person('bob'));
      return insertUser(tx, world.directory, person('ann'));
    });
    await expect(world.run((tx) => updateUser(tx, world.directory, user, person('BOB')))).rejects.toMatchObject({
      code: 'scim_uniqueness',
    });
    expect((await world.run((tx) => updateUser(tx, world.directory, user, person('Ann')))).user.userName).toBe('Ann');
  });

  test('clears what is no longer said', async () => {
    const user = await world.run((tx) =>
      insertUser(tx, world.directory, person('a', { externalId: 'e', displayName: 'A' })),
    );
    const { user: bare } = await world.run((tx) => updateUser(tx, world.directory, user, person('a')));
    expect(bare).not.toHaveProperty('externalId');
    expect(bare).not.toHaveProperty('displayName');
  });

  test('keeps the rows of addresses that stay, and only those', async () => {
    const stays = { value: 'stays@acme.example', type: 'work', primary: true };
    const emails = [stays, { value: 'goes@acme.example', type: 'home' }];
    const user = await world.run((tx) => insertUser(tx, world.directory, person('a', { emails })));
    const before = await reads().directoryEmails.find(acme, { userId: user._id, value: stays.value });
    const next = [stays, { value: 'comes@acme.example' }];
    await world.run((tx) => updateUser(tx, world.directory, user, person('a', { emails: next })));
    const after = await reads().directoryEmails.find(acme, { userId: user._id });
    expect(after.map(({ value }) => value).sort()).toEqual(['comes@acme.example', 'stays@acme.example']);
    expect(after).toEqual(expect.arrayContaining([...before]));
  });

  test('refuses to write over a change that was made since the row was read', async () => {
    const user = await world.run((tx) => insertUser(tx, world.directory, person('a')));
    await world.run((tx) => updateUser(tx, world.directory, user, person('b')));
    await expect(world.run((tx) => updateUser(tx, world.directory, user, person('c')))).rejects.toMatchObject({
      code: 'stale',
    });
  });

  test('notes what became of the user, and takes it back', async () => {
    const user = await world.run((tx) => insertUser(tx, world.directory, person('a')));
    expect((await listWaitingUsers(reads(), acme, { limit: 5 })).items.map(({ _id }) => _id)).toEqual([user._id]);
    const link = { link: 'linked', accountId: 'acc-1', conflict: 'email_held_by_another' } as const;
    const linked = await world.run((tx) => setUserLink(tx, acme, user._id, link));
    expect(linked).toMatchObject(link);
    expect(await world.run((tx) => setUserLink(tx, acme, user._id, link))).toEqual(linked);
    const waiting = await world.run((tx) => setUserLink(tx, acme, user._id, { link: 'waiting' }));
    expect(waiting).not.toHaveProperty('accountId');
    expect(waiting).not.toHaveProperty('conflict');
  });
});

describe('deleting a user', () => {
  test('leaves no membership and no address behind, frees the userName, and names the groups', async () => {
    const user = await world.run((tx) => insertUser(tx, world.directory, person('ann')));
    const group = await addGroup(world, 'g', usersOf([user]));
    const { groupIds } = await world.run((tx) => deleteUser(tx, world.directory, user));
    expect(groupIds).toEqual([group]);
    expect(await findGroupsOf(reads(), acme, user._id)).toEqual([]);
    expect(await reads().directoryEmails.count(acme, { userId: user._id })).toBe(0);
    expect((await reads().directoryGroups.get(acme, group))?.version).toBe(3);
    const again = await world.run((tx) => insertUser(tx, world.directory, person('ann')));
    expect(again._id).not.toBe(user._id);
  });
});

describe('listing users', () => {
  test('answers the total beside the page, of this directory only', async () => {
    await world.run(async (tx) => {
      for (const name of ['a', 'b', 'c']) await insertUser(tx, world.directory, person(name));
      await insertUser(tx, world.sibling, person('d'));
    });
    const page = await listUsers(reads(), world.directory, { skip: 1, limit: 1, sort: { userNameKey: 1 } });
    expect([page.total, page.items.map(({ userName }) => userName)]).toEqual([3, ['b']]);
    expect(await listUsers(reads(), world.directory, { limit: 0 })).toEqual({ total: 3, items: [] });
    expect((await listUsers(reads(), world.directory, { limit: 9, filter: { userNameKey: 'd' } })).total).toBe(0);
  });
});

test.each([
  ['the one marked primary', [{ value: 'a' }, { value: 'b', primary: true }], 'b'],
  [
    'else the work address',
    [
      { value: 'a', type: 'home' },
      { value: 'b', type: 'Work' },
    ],
    'b',
  ],
  ['else the first', [{ value: ' a ' }, { value: 'b' }], 'a'],
  ['else none', [], undefined],
])('the address that stands for a person is %s', (_, emails, expected) => {
  expect(primaryEmail({ emails })).toBe(expected);
});
