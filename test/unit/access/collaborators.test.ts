import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  applyMappedGrants,
  changeCollaboratorRole,
  changeMemberRole,
  createProject,
  findGrants,
  keepAsManual,
  listCollaborators,
  type NewCollaborator,
  type Role,
  removeCollaborator,
  suspendMember,
  updateOrganization,
} from '../../../src/access/index.ts';
import { mapped, openWorld, refused, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});

const add = (input: NewCollaborator, projectId = world.project._id) =>
  world.write((tx) => addCollaborator(tx, world.org, projectId, input));
const remove = (accountId: string, projectId = world.project._id) =>
  world.write((tx) => removeCollaborator(tx, world.org, projectId, accountId));
const change = (accountId: string, role: Role, projectId = world.project._id) =>
  world.write((tx) => changeCollaboratorRole(tx, world.org, projectId, accountId, role));
const map = (accountId: string, role: Role, mappingId?: string) =>
  world.write((tx) =>
    applyMappedGrants(tx, world.org, accountId, {
      add: [mapped('project', world.project._id, role, mappingId)],
      remove: [],
    }),
  );
const decide = (accountId: string, permission = 'project.read') =>
  world.decision(accountId, permission, { kind: 'project', id: world.project._id });
const sources = async (accountId: string) =>
  (await findGrants(world.store.read, world.org, { accountId, targetId: world.project._id }))
    .map(({ source, role }) => `${source} ${role}`)
    .sort();

describe('adding a collaborator', () => {
  test('is immediate; a Member of the organization becomes Member, an Admin Admin (PRJ-4)', async () => {
    const { org, admin } = world;
    await world.write((tx) => updateOrganization(tx, org, { settings: { adminAccess: 'joined' } }));
    expect((await add({ email: 'Member@Acme.test' })).role).toBe('member');
    await add({ email: 'admin@acme.test', role: 'member' });
    expect(await decide(world.member.accountId)).toMatchObject({ allowed: true, role: 'member' });
    expect(await decide(admin.accountId, 'cluster.delete')).toMatchObject({ allowed: true, role: 'admin' });
    expect(await world.audit('grant.added')).toMatchObject([
      { targetId: world.admin.accountId, after: { target: 'organization' } },
      { targetId: world.member.accountId, after: { targetId: world.project._id, role: 'member', source: 'manual' } },
      { targetId: admin.accountId, after: { targetId: world.project._id, role: 'member' } },
    ]);
  });

  test('keeps the role that was asked for: an Admin of the organization who is demoted has that one left (PRJ-4, PRJ-5)', async () => {
    const { org, admin } = world;
    await add({ email: 'admin@acme.test', role: 'member' });
    await world.write((tx) => changeMemberRole(tx, org, admin._id, 'member'));
    expect(await decide(admin.accountId)).toMatchObject({ allowed: true, role: 'member' });
  });

  test('needs an account with that address proven (PRJ-4, ACC-2)', async () => {
    const error = await refused(add({ email: 'nobody@acme.test' }), 'account_not_found');
    expect(error.message).toContain('nobody@acme.test');
  });

  test('from outside must be said to be external, and then has any role (PRJ-4, PRJ-6)', async () => {
    await refused(add({ email: 'out@else.test' }), 'not_organization_member');
    await add({ email: 'out@else.test', external: true, role: 'admin' });
    expect(await decide(world.outsider._id, 'cluster.delete')).toMatchObject({ allowed: true, via: 'external' });
  });

  test('who is a member as external is a conflict (PRJ-6)', async () => {
    await refused(add({ email: 'member@acme.test', external: true }), 'already_a_member');
  });

  test('who is suspended is refused, external or not (MEM-1)', async () => {
    await world.write((tx) => suspendMember(tx, world.org, world.member._id));
    await refused(add({ email: 'member@acme.test' }), 'member_suspended');
    await refused(add({ email: 'member@acme.test', external: true }), 'member_suspended');
  });

  test('twice is refused; two at once leave one grant', async () => {
    const both = await Promise.allSettled([add({ email: 'member@acme.test' }), add({ email: 'member@acme.test' })]);
    expect(both.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    await refused(add({ email: 'member@acme.test' }), 'already_a_collaborator');
    expect(await sources(world.member.accountId)).toEqual(['manual member']);
  });

  test('who is mapped already adds a second source (MAP-2)', async () => {
    await map(world.member.accountId, 'member');
    await add({ email: 'member@acme.test' });
    expect(await sources(world.member.accountId)).toEqual(['manual member', 'mapping member']);
  });

  test('to the default project is for people from outside only (PRJ-2)', async () => {
    const { defaultProject } = world;
    await refused(add({ email: 'member@acme.test' }, defaultProject._id), 'default_project_protected');
    await add({ email: 'out@else.test', external: true }, defaultProject._id);
  });
});

describe('removing a collaborator', () => {
  test('takes effect in the same instant (PRJ-7)', async () => {
    await add({ email: 'member@acme.test' });
    const { removed, remaining } = await remove(world.member.accountId);
    expect([removed.length, remaining.length]).toEqual([1, 0]);
    expect(await decide(world.member.accountId)).toMatchObject({ allowed: false, reason: 'no_project_access' });
    await refused(remove(world.member.accountId), 'not_found');
  });

  test('leaves what a mapping gives, and says so (MAP-2)', async () => {
    const { accountId } = world.member;
    await add({ email: 'member@acme.test', role: 'admin' });
    await map(accountId, 'member');
    expect((await remove(accountId)).remaining).toMatchObject([{ source: 'mapping', sourceId: 'map-1' }]);
    expect(await decide(accountId)).toMatchObject({ allowed: true, role: 'member', reason: 'granted_by_mapping' });
    const error = await refused(remove(accountId), 'role_from_mapping');
    expect(error.message).toContain('map-1');
  });

  test('who is Admin by the organization role alone is a conflict that says so; who must join is not there (PRJ-5)', async () => {
    const { accountId } = world.admin;
    for (const work of [remove(accountId), change(accountId, 'admin'), change(accountId, 'member')]) {
      expect((await refused(work, 'role_from_organization')).message).toContain('organization role');
    }
    await world.write((tx) => updateOrganization(tx, world.org, { settings: { adminAccess: 'joined' } }));
    await refused(remove(accountId), 'not_found');
    await refused(change(accountId, 'admin'), 'not_found');
  });

  test('never takes a member out of the default project; an External Collaborator it does (PRJ-2)', async () => {
    const { defaultProject, member, outsider } = world;
    await refused(remove(member.accountId, defaultProject._id), 'default_project_protected');
    await add({ email: 'out@else.test', external: true }, defaultProject._id);
    await remove(outsider._id, defaultProject._id);
    await refused(remove(outsider._id, defaultProject._id), 'not_found');
  });
});

describe("a collaborator's role", () => {
  test('is changed by hand, at once (PRJ-7)', async () => {
    const { accountId } = world.member;
    await add({ email: 'member@acme.test' });
    await change(accountId, 'admin');
    expect(await decide(accountId, 'cluster.delete')).toMatchObject({ allowed: true });
    await change(accountId, 'admin');
    await change(accountId, 'member');
    expect(await sources(accountId)).toEqual(['manual member']);
    expect(await world.audit('grant.changed')).toHaveLength(2);
    await refused(change(world.outsider._id, 'admin'), 'not_found');
  });

  test('from a mapping is raised by hand, but not lowered: the conflict names the mapping (MAP-2)', async () => {
    const { accountId } = world.member;
    await map(accountId, 'member', 'map-low');
    await change(accountId, 'admin');
    expect(await sources(accountId)).toEqual(['manual admin', 'mapping member']);
    await change(accountId, 'member');
    expect(await sources(accountId)).toEqual(['manual member', 'mapping member']);
    await map(accountId, 'admin', 'map-high');
    const error = await refused(change(accountId, 'member'), 'role_from_mapping');
    expect(error.message).toContain('map-high');
    expect(error.message).not.toContain('map-low');
  });

  test('set by hand to what a mapping gives already is recorded once, and outlives the mapping (MAP-2)', async () => {
    const { org, member } = world;
    await map(member.accountId, 'admin');
    await change(member.accountId, 'admin');
    await change(member.accountId, 'admin');
    expect(await sources(member.accountId)).toEqual(['manual admin', 'mapping admin']);
    const grants = await findGrants(world.store.read, org, { accountId: member.accountId });
    const remove = grants.filter((grant) => grant.source === 'mapping');
    await world.write((tx) => applyMappedGrants(tx, org, member.accountId, { add: [], remove }));
    expect(await decide(member.accountId, 'cluster.delete')).toMatchObject({ allowed: true });
  });

  test('of a creator can be lowered (PRJ-3)', async () => {
    const { org, member } = world;
    const made = await world.write((tx) => createProject(tx, org, { name: 'Mine', creatorId: member.accountId }));
    await change(member.accountId, 'member', made._id);
    expect(await findGrants(world.store.read, org, { accountId: member.accountId })).toMatchObject([
      { source: 'manual', role: 'member' },
    ]);
  });

  test('of an Admin of the organization, or in the default project, follows the organization role (PRJ-2, PRJ-5)', async () => {
    await add({ email: 'admin@acme.test' });
    await refused(change(world.admin.accountId, 'member'), 'role_from_organization');
    await refused(change(world.member.accountId, 'admin', world.defaultProject._id), 'default_project_protected');
  });
});

describe('mapped grants', () => {
  test('kept when their mapping goes become manual ones of the highest role (MAP-3)', async () => {
    const { org, member, admin } = world;
    await add({ email: 'member@acme.test' });
    await map(member.accountId, 'admin');
    await map(admin.accountId, 'member');
    const given = await findGrants(world.store.read, org, { targetId: world.project._id });
    const fromMapping = given.filter((grant) => grant.source === 'mapping');
    await world.write((tx) => keepAsManual(tx, org, fromMapping));
    expect(await sources(member.accountId)).toEqual(['manual admin']);
    expect(await sources(admin.accountId)).toEqual(['manual member']);
  });

  test('go to members only, and are taken away without touching another source (MAP-2)', async () => {
    const { org, project, member, outsider } = world;
    await refused(map(outsider._id, 'member'), 'not_organization_member');
    await add({ email: 'member@acme.test' });
    await map(member.accountId, 'admin', 'map-1');
    await map(member.accountId, 'member', 'map-2');
    const given = await findGrants(world.store.read, org, { accountId: member.accountId, targetId: project._id });
    const first = given.filter((grant) => grant.sourceId === 'map-1');
    const change = { add: [mapped('project', project._id, 'member', 'map-1')], remove: first };
    await world.write((tx) => applyMappedGrants(tx, org, member.accountId, change));
    expect(await sources(member.accountId)).toEqual(['manual member', 'mapping member', 'mapping member']);
  });
});

describe('the list of collaborators', () => {
  const listed = async (options?: { explicitOnly: boolean }, projectId = world.project._id) =>
    (await listCollaborators(world.store.read, world.org, projectId, options)).map((one) => [
      one.email,
      one.role,
      one.external ? 'external' : one.suspended ? 'suspended' : 'member',
      one.sources.map((source) => source.mappingId ?? source.source).join('+'),
    ]);

  test('shows every source of every access, and marks who is external (MAP-2, PRJ-6)', async () => {
    await add({ email: 'member@acme.test' });
    await map(world.member.accountId, 'admin');
    await add({ email: 'out@else.test', external: true });
    expect(await listed()).toEqual([
      ['member@acme.test', 'admin', 'member', 'manual+map-1'],
      ['out@else.test', 'member', 'external', 'manual'],
      ['owner@acme.test', 'admin', 'member', 'owner'],
      ['admin@acme.test', 'admin', 'member', 'organization_role'],
    ]);
  });

  test('shows to people from outside only those who were added to the project (PRJ-6)', async () => {
    await add({ email: 'out@else.test', external: true });
    expect(await listed({ explicitOnly: true })).toEqual([['out@else.test', 'member', 'external', 'manual']]);
  });

  test('of the default project holds every member; suspended ones have no role (PRJ-2, MEM-1)', async () => {
    await world.write((tx) => suspendMember(tx, world.org, world.member._id));
    expect(await listed(undefined, world.defaultProject._id)).toEqual([
      ['owner@acme.test', 'admin', 'member', 'owner+default_project'],
      ['admin@acme.test', 'admin', 'member', 'organization_role+default_project'],
      ['member@acme.test', undefined, 'suspended', 'default_project'],
    ]);
  });

  test('leaves out Admins who must join and have not (PRJ-5)', async () => {
    const { org, member } = world;
    await world.write((tx) => updateOrganization(tx, org, { settings: { adminAccess: 'joined' } }));
    await add({ email: 'member@acme.test' });
    await world.write((tx) => changeMemberRole(tx, org, member._id, 'admin'));
    expect(await listed()).toEqual([['member@acme.test', 'admin', 'member', 'manual']]);
  });
});
