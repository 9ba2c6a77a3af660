import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  applyMappedGrants,
  createProject,
  findProjects,
  findProjectsOf,
  getProject,
  listProjects,
  suspendMember,
  updateOrganization,
  updateProject,
} from '../../../src/access/index.ts';
import { mapped, openWorld, refused, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});

const seenBy = async (accountId: string) =>
  (await findProjects(world.store.read, world.org, accountId)).map(({ project, standing }) => [
    project.name,
    standing.role,
    standing.via,
  ]);
const add = (email: string, external?: boolean) =>
  world.write((tx) => addCollaborator(tx, world.org, world.project._id, { email, external }));

describe('a project', () => {
  test('has its creator as Admin (PRJ-3)', async () => {
    const { org, member } = world;
    const made = await world.write((tx) => createProject(tx, org, { name: 'Mine', creatorId: member.accountId }));
    expect(await world.decision(member.accountId, 'cluster.delete', { kind: 'project', id: made._id })).toMatchObject({
      allowed: true,
      reason: 'granted_as_creator',
    });
  });

  test('is made by active members only (MEM-1)', async () => {
    const { org, member, outsider } = world;
    await world.write((tx) => suspendMember(tx, org, member._id));
    for (const creatorId of [member.accountId, outsider._id]) {
      await refused(
        world.write((tx) => createProject(tx, org, { name: 'Mine', creatorId })),
        'not_organization_member',
      );
    }
    expect(await listProjects(world.store.read, org)).toHaveLength(2);
  });

  test('has a name of its own in its organization, compared without case', async () => {
    const { org, project, defaultProject } = world;
    await refused(
      world.write((tx) => createProject(tx, org, { name: 'TRAINING' })),
      'project_name_taken',
    );
    await refused(
      world.write((tx) => updateProject(tx, org, project._id, { name: 'default' })),
      'project_name_taken',
    );
    await world.write((tx) => updateProject(tx, org, project._id, { name: 'TRAINING' }));
    await world.write((tx) => updateProject(tx, org, defaultProject._id, { name: 'Main' }));
    expect((await getProject(world.store.read, project._id)).name).toBe('TRAINING');
    expect(await world.audit('project.updated')).toMatchObject([
      { before: { name: 'Training' }, after: { name: 'TRAINING' } },
      { before: { name: 'Default' }, after: { name: 'Main' } },
    ]);
  });

  test('of one organization does not exist for another (PRJ-1)', async () => {
    const other = await openWorld();
    const { project } = world;
    await refused(
      other.write((tx) => updateProject(tx, other.org, project._id, { name: 'X' })),
      'not_found',
    );
    await refused(getProject(other.store.read, project._id), 'not_found');
    await refused(
      other.write((tx) => addCollaborator(tx, other.org, project._id, { email: 'member@acme.test' })),
      'not_found',
    );
  });
});

describe('the projects that somebody sees', () => {
  test('are all for an Admin, the default one for a Member, none for others (PRJ-1, PRJ-2, PRJ-5)', async () => {
    const { owner, admin, member, outsider } = world;
    expect(await seenBy(owner.accountId)).toEqual([
      ['Default', 'admin', 'owner'],
      ['Training', 'admin', 'owner'],
    ]);
    expect(await seenBy(admin.accountId)).toEqual([
      ['Default', 'admin', 'organization_role'],
      ['Training', 'admin', 'organization_role'],
    ]);
    expect(await seenBy(member.accountId)).toEqual([['Default', 'member', 'default_project']]);
    expect(await seenBy(outsider._id)).toEqual([]);
    expect(await findProjects(world.store.read, 'org-none', owner.accountId)).toEqual([]);
  });

  test('are those that they were added to or mapped to (PRJ-4, PRJ-6, MAP-1)', async () => {
    const { org, project, defaultProject, member, outsider } = world;
    await add('out@else.test', true);
    const map = { add: [mapped('project', project._id, 'admin')], remove: [] };
    await world.write((tx) => applyMappedGrants(tx, org, member.accountId, map));
    expect(await seenBy(outsider._id)).toEqual([['Training', 'member', 'external']]);
    expect(await seenBy(member.accountId)).toEqual([
      ['Default', 'member', 'default_project'],
      ['Training', 'admin', 'grant'],
    ]);
    await world.write((tx) => suspendMember(tx, org, member._id));
    expect(await seenBy(member.accountId)).toEqual([]);
    expect(await world.can(outsider._id, 'project.read', { kind: 'project', id: defaultProject._id })).toBe(false);
  });

  test('are for Admins who must join the default one and those that they have joined, as Admin (PRJ-5)', async () => {
    const { org, owner, admin } = world;
    await world.write((tx) => updateOrganization(tx, org, { settings: { adminAccess: 'joined' } }));
    expect(await seenBy(owner.accountId)).toEqual([['Default', 'admin', 'default_project']]);
    await add('admin@acme.test');
    expect(await seenBy(admin.accountId)).toEqual([
      ['Default', 'admin', 'default_project'],
      ['Training', 'admin', 'grant'],
    ]);
  });

  test('are the same that permission checks allow, for everybody and in every setting (PERM-5)', async () => {
    const { org, owner, admin, member, outsider, store } = world;
    await add('out@else.test', true);
    await add('member@acme.test');
    for (const adminAccess of ['all', 'joined'] as const) {
      await world.write((tx) => updateOrganization(tx, org, { settings: { adminAccess } }));
      for (const accountId of [owner.accountId, admin.accountId, member.accountId, outsider._id]) {
        const seen = (await findProjects(store.read, org, accountId)).map(({ project }) => project._id);
        for (const { _id: id } of await listProjects(store.read, org)) {
          expect(await world.can(accountId, 'project.read', { kind: 'project', id })).toBe(seen.includes(id));
        }
      }
    }
  });

  test('are gathered from all their organizations, but for those where the session has ended (RES-2, SSO-5)', async () => {
    const { member, org, store } = world;
    const found = await findProjectsOf(store.read, member.accountId);
    expect(found.map(({ project }) => project.name)).toEqual(['Default']);
    expect(await findProjectsOf(store.read, member.accountId, [org])).toEqual([]);
  });
});
