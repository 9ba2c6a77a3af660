import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { changeMemberRole, insertGrant } from '../../src/access/index.ts';
import { getGroup } from '../../src/directory/index.ts';
import {
  changeMapping,
  createGroup,
  createMapping,
  deleteMapping,
  type GrantsChoice,
  listMappings,
  type NewMapping,
  sweepOrganization,
  updateGroup,
} from '../../src/provisioning/index.ts';
import type { DirectoryGroup, Mapping, Project } from '../../src/store/index.ts';
import { cause, openWorld, ownerEmail, type World } from './world.ts';

let world: World;
let project: Project;
beforeEach(async () => {
  world = await openWorld();
  project = await world.project('gpu');
});
afterEach(() => world.store.close());

const map = (group: DirectoryGroup, role: 'admin' | 'member' = 'member', target: Project = project) =>
  create({ groupId: group._id, target: 'project', targetId: target._id, role });
const mapAdmins = (group: DirectoryGroup) =>
  create({ groupId: group._id, target: 'organization', targetId: world.id, role: 'admin' });
const create = (mapping: NewMapping): Promise<Mapping> => world.run((tx) => createMapping(tx, world.id, mapping));
const end = (mapping: Mapping, grants?: GrantsChoice) =>
  world.run((tx) => deleteMapping(tx, world.id, mapping._id, grants));
const person = async (name: string) => {
  const { user } = await world.push({ userName: name, email: `${name}@acme.example` });
  return { id: user._id, account: user.accountId ?? '' };
};
const refusal = (code: string) => ({ code });

describe('from a push to a changed permission check (MAP-1, MAP-5, MEM-5)', () => {
  test('pushed, mapped, allowed; out of the group, denied; deactivated, denied at once; reactivated, allowed again', async () => {
    const jane = await person('jane');
    const group = await world.group('gpu users');
    await map(group);
    await world.runJobs();
    expect(await world.may(jane.account, 'cluster.submit-job', project._id)).toBe(false);
    await world.members(group._id, { add: [jane.id] });
    await world.runJobs();
    expect(await world.may(jane.account, 'cluster.submit-job', project._id)).toBe(true);
    expect(await world.may(jane.account, 'cluster.create', project._id)).toBe(false);

    await world.members(group._id, { remove: [jane.id] });
    await world.runJobs();
    expect(await world.may(jane.account, 'cluster.submit-job', project._id)).toBe(false);

    await world.members(group._id, { add: [jane.id] });
    await world.runJobs();
    await world.change(jane.id, { userName: 'jane', email: 'jane@acme.example', active: false });
    expect(await world.may(jane.account, 'cluster.submit-job', project._id)).toBe(false);
    await world.change(jane.id, { userName: 'jane', email: 'jane@acme.example', active: true });
    expect(await world.may(jane.account, 'cluster.submit-job', project._id)).toBe(true);
  });

  test('a change of groups during a suspension counts on the return', async () => {
    const jane = await person('jane');
    const group = await world.group('gpu users', [jane.id]);
    await map(group, 'admin');
    await world.runJobs();
    await world.change(jane.id, { userName: 'jane', email: 'jane@acme.example', active: false });
    await world.members(group._id, { replace: [] });
    await world.runJobs();
    await world.change(jane.id, { userName: 'jane', email: 'jane@acme.example', active: true });
    expect(await world.may(jane.account, 'cluster.read', project._id)).toBe(false);
  });

  test('asks for exactly those whose groups have changed, a hundred to a job', async () => {
    const people = await Promise.all(Array.from({ length: 120 }, (_, index) => person(`p${index}`)));
    const ids = people.map(({ id }) => id);
    const group = await world.group('everyone', ids.slice(0, 5));
    await world.runJobs();
    await world.members(group._id, { replace: ids.slice(4) });
    const asked = (await world.waitingJobs()).map(({ payload }) => (payload as { people: string[] }).people);
    expect(asked.map((chunk) => chunk.length)).toEqual([100, 19]);
    expect(asked.flat()).not.toContain(people[4]?.account);
    await world.runJobs();
    await world.members(group._id, { add: [ids[7] ?? ''] });
    expect(await world.waitingJobs()).toEqual([]);
  });
});

describe('groups in groups (SCIM-4)', () => {
  test('count for mappings, and cycles are harmless', async () => {
    const jane = await person('jane');
    const inner = await world.group('inner', [jane.id]);
    const outer = await world.group('outer', [inner._id]);
    await world.members(inner._id, { add: [outer._id] });
    await map(outer);
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} member mapping`]);
    await world.members(outer._id, { remove: [inner._id] });
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([]);
  });

  test('a deleted group takes what it gave with it, also by way of groups around it', async () => {
    const jane = await person('jane');
    const inner = await world.group('inner', [jane.id]);
    const outer = await world.group('outer', [inner._id]);
    await map(outer);
    await world.runJobs();
    await world.dropGroup(inner._id);
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([]);
  });
});

describe('a group that is deleted and made again (MAP-1)', () => {
  test('is bound again by externalId', async () => {
    const jane = await person('jane');
    const group = await world.group('gpu users', [jane.id], 'ext-1');
    await map(group);
    await world.runJobs();
    await world.dropGroup(group._id);
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([]);
    const again = await world.group('renamed', [jane.id], 'ext-1');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} member mapping`]);
    const { items } = await listMappings(world.store.read, world.id, { limit: 10 });
    expect(items).toMatchObject([{ groupId: again._id }]);
    expect(await world.audit('mapping.bound_again')).toBe(1);
  });

  test('is never bound by its name, and never while the first one lives', async () => {
    const jane = await person('jane');
    const group = await world.group('gpu users', [], 'ext-1');
    await map(group);
    await world.group('gpu people', [jane.id], 'ext-1');
    await world.group('gpu users', [jane.id]);
    await world.dropGroup(group._id);
    await world.group('gpu users', [jane.id], 'ext-2');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([]);
  });

  test('is bound by the externalId that the group had last', async () => {
    const jane = await person('jane');
    const group = await world.group('gpu users', [], 'ext-1');
    await map(group);
    const record = { displayName: 'gpu users', externalId: 'ext-9', attributes: {} };
    await world.run(async (tx) =>
      updateGroup(tx, world.directory, await getGroup(tx, world.directory, group._id), record),
    );
    await world.dropGroup(group._id);
    await world.group('any', [jane.id], 'ext-9');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} member mapping`]);
  });
});

describe('mappings (MAP-1, MAP-2, MAP-3)', () => {
  test('are refused where group or project are not of this organization, twice, and on the default project', async () => {
    const group = await world.group('gpu users');
    const base = { groupId: group._id, target: 'project', targetId: project._id, role: 'member' } as const;
    const other = await openWorld();
    const foreign = await other.project('theirs');
    const foreignGroup = await other.group('theirs');
    await expect(create({ ...base, groupId: foreignGroup._id })).rejects.toMatchObject(refusal('not_found'));
    await expect(create({ ...base, targetId: foreign._id })).rejects.toMatchObject(refusal('not_found'));
    await expect(create({ ...base, target: 'organization' })).rejects.toMatchObject(refusal('not_found'));
    await expect(create({ ...base, target: 'organization', targetId: world.id })).rejects.toMatchObject(
      refusal('invalid_request'),
    );
    await expect(create({ ...base, targetId: world.created.defaultProject._id })).rejects.toMatchObject(
      refusal('default_project_protected'),
    );
    await create(base);
    await expect(create({ ...base, role: 'admin' })).rejects.toMatchObject(refusal('mapping_exists'));
    await other.store.close();
  });

  test('two mappings give two grants; taking one away never takes the other or a manual one', async () => {
    const jane = await person('jane');
    await world.run(async (tx) => {
      const row = { accountId: jane.account, target: 'project', targetId: project._id, role: 'member' } as const;
      await insertGrant(tx, world.id, { ...row, source: 'manual', grantedBy: 'operator' });
    });
    const users = await map(await world.group('users', [jane.id]));
    const admins = await map(await world.group('admins', [jane.id]), 'admin');
    await world.runJobs();
    expect(await world.may(jane.account, 'cluster.create', project._id)).toBe(true);
    await end(admins, 'revoke');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} member manual`, `${project._id} member mapping`]);
    await end(users, 'revoke');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} member manual`]);
  });

  test('ending or narrowing one asks what becomes of its grants (MAP-3)', async () => {
    const jane = await person('jane');
    const mapping = await map(await world.group('admins', [jane.id]), 'admin');
    await world.runJobs();
    const narrow = (grants?: GrantsChoice) =>
      world.run((tx) => changeMapping(tx, world.id, mapping._id, { role: 'member', ...(grants && { grants }) }));
    await expect(end(mapping)).rejects.toMatchObject(refusal('grants_choice_required'));
    await expect(narrow()).rejects.toMatchObject(refusal('grants_choice_required'));
    await narrow('keep');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} admin manual`, `${project._id} member mapping`]);
  });

  test('revoked on narrowing, the grant gives the lower role; widened, the higher, and nobody need choose', async () => {
    const jane = await person('jane');
    const mapping = await map(await world.group('admins', [jane.id]), 'admin');
    await world.runJobs();
    await world.run((tx) => changeMapping(tx, world.id, mapping._id, { role: 'member', grants: 'revoke' }));
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} member mapping`]);
    await world.run((tx) => changeMapping(tx, world.id, mapping._id, { role: 'admin' }));
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([`${project._id} admin mapping`]);
  });

  test('kept grants become manual ones at once, merged with the higher role, and outlive the group', async () => {
    await world.member('jane@acme.example');
    await world.give(project._id, 'jane@acme.example');
    const jane = await person('jane');
    const john = await person('john');
    const group = await world.group('admins', [jane.id, john.id]);
    const mapping = await map(group, 'admin');
    await world.runJobs();
    await end(mapping, 'keep');
    expect(await world.grants(jane.account)).toEqual([`${project._id} admin manual`]);
    await world.members(group._id, { replace: [] });
    await world.runJobs();
    expect(await world.grants(john.account)).toEqual([`${project._id} admin manual`]);
  });

  test('what is kept does not include the grant of one who has just left the group', async () => {
    const jane = await person('jane');
    const group = await world.group('admins', [jane.id]);
    const mapping = await map(group, 'admin');
    await world.runJobs();
    await world.members(group._id, { remove: [jane.id] });
    await end(mapping, 'keep');
    await world.runJobs();
    expect(await world.grants(jane.account)).toEqual([]);
  });
});

describe('a mapping on the organization (MAP-1, MAP-2)', () => {
  test('makes Admins, and takes it back with the group; a manual Admin stays one', async () => {
    await world.member('john@acme.example', 'admin');
    const jane = await person('jane');
    const john = await person('john');
    const group = await world.group('admins', [jane.id, john.id]);
    await mapAdmins(group);
    await world.runJobs();
    expect(await world.memberOf('john@acme.example')).toMatchObject({ role: 'admin' });
    const found = () => world.store.read.members.findOne(world.id, { accountId: jane.account });
    expect(await found()).toMatchObject({ role: 'admin' });
    const memberId = (await found())?._id ?? '';
    const demotion = world.run((tx) => changeMemberRole(tx, world.id, memberId, 'member'));
    await expect(demotion).rejects.toMatchObject(refusal('role_from_mapping'));
    await world.members(group._id, { replace: [] });
    await world.runJobs();
    expect(await found()).toMatchObject({ role: 'member' });
    expect(await world.memberOf('john@acme.example')).toMatchObject({ role: 'admin' });
  });

  test('kept, Admin stays; the Owner is Admin whatever mappings come and go (OWN-1, OWN-2)', async () => {
    const jane = await person('jane');
    const { user } = await world.push({ userName: 'olga', email: ownerEmail });
    const mapping = await mapAdmins(await world.group('admins', [jane.id, user._id]));
    await world.runJobs();
    await end(mapping, 'keep');
    await world.runJobs();
    expect(await world.store.read.members.count(world.id, { role: 'admin' })).toBe(2);
    expect(await world.memberOf(ownerEmail)).toMatchObject({ role: 'admin', owner: true });
  });
});

describe('the groups of several directories (SCIM-3)', () => {
  test('those of a directory that does not govern count while its user is active', async () => {
    await world.member('jane@acme.example');
    await person('jane');
    const other = await world.another();
    const jane = { userName: 'jane', email: 'jane@acme.example' };
    const second = await world.push(jane, other);
    const group = await world.run(async (tx) => {
      const record = { displayName: 'theirs', attributes: {} };
      return (await createGroup(tx, other, record, [{ id: second.user._id, kind: 'User' }])).group;
    });
    await map(group);
    await world.runJobs();
    const { accountId } = second.user;
    expect(await world.grants(accountId)).toEqual([`${project._id} member mapping`]);
    await world.change(second.user._id, { ...jane, active: false }, { directory: other });
    await world.runJobs();
    expect(await world.grants(accountId)).toEqual([]);
    await world.change(second.user._id, { ...jane, active: true }, { directory: other });
    await world.runJobs();
    expect(await world.grants(accountId)).toEqual([`${project._id} member mapping`]);
  });
});

describe('the sweep (MAP-3)', () => {
  test('repairs what direct writes and lost jobs have left, and reports how much', async () => {
    const jane = await person('jane');
    const john = await person('john');
    const group = await world.group('gpu users', [jane.id]);
    await map(group);
    await world.runJobs();
    await world.run(async (tx) => {
      await tx.grants.remove(world.id, { accountId: jane.account });
      const stray = { target: 'project', targetId: project._id, role: 'admin', source: 'mapping' } as const;
      await insertGrant(tx, world.id, {
        ...stray,
        accountId: john.account,
        sourceId: 'map-gone',
        grantedBy: 'group:x',
      });
      const stranger = { ...stray, accountId: 'acc-stranger', sourceId: 'map-gone', grantedBy: 'group:x' };
      await insertGrant(tx, world.id, stranger);
      await tx.members.updateOne(world.id, { accountId: john.account }, { $set: { role: 'admin' } });
    });
    const report = await sweepOrganization(world.store, cause, world.id);
    expect(report).toEqual({ people: 4, repaired: 3, grants: 3 });
    expect(await world.grants(jane.account)).toEqual([`${project._id} member mapping`]);
    expect(await world.grants(john.account)).toEqual([]);
    expect(await world.grants('acc-stranger')).toEqual([]);
    expect(await world.audit('drift.repaired')).toBe(1);
    expect(await world.store.read.members.findOne(world.id, { accountId: john.account })).toMatchObject({
      role: 'member',
    });
  });

  test('finds nothing where nothing has drifted, and says nothing', async () => {
    const jane = await person('jane');
    await map(await world.group('gpu users', [jane.id]));
    await world.runJobs();
    expect(await sweepOrganization(world.store, cause, world.id)).toEqual({ people: 2, repaired: 0, grants: 0 });
    expect(await world.audit('drift.repaired')).toBe(0);
  });
});
