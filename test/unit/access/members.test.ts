import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  addMember,
  applyMappedGrants,
  changeMemberRole,
  createAccount,
  findGrants,
  findLiveSession,
  findMember,
  getMember,
  listPeople,
  openSession,
  reactivateMember,
  removeMember,
  setGovernance,
  setMemberProfile,
  suspendMember,
} from '../../../src/access/index.ts';
import { mapped, openWorld, refused, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});

const inProject = () => ({ kind: 'project', id: world.project._id }) as const;
const inDefault = () => ({ kind: 'project', id: world.defaultProject._id }) as const;
const inOrganization = () => ({ kind: 'organization', id: world.org }) as const;
const join = () =>
  world.write((tx) => addCollaborator(tx, world.org, world.project._id, { email: 'member@acme.test' }));
const mapAdmin = (accountId: string) =>
  world.write((tx) =>
    applyMappedGrants(tx, world.org, accountId, { add: [mapped('organization', world.org, 'admin')], remove: [] }),
  );

describe('a new member', () => {
  test('is an active Member unless said otherwise, with access to the default project only (MEM-1, PRJ-2, PRJ-5)', async () => {
    const { org, member } = world;
    expect(await findMember(world.store.read, org, member.accountId)).toMatchObject({
      role: 'member',
      status: 'active',
      source: 'operator',
    });
    expect(await world.can(member.accountId, 'cluster.ssh', inDefault())).toBe(true);
    expect(await world.can(member.accountId, 'project.read', inProject())).toBe(false);
  });

  test('who is to be Admin is so by a manual grant (MAP-2)', async () => {
    const { org, admin } = world;
    expect(await findGrants(world.store.read, org, { accountId: admin.accountId })).toMatchObject([
      { target: 'organization', targetId: org, role: 'admin', source: 'manual', grantedBy: 'operator' },
    ]);
    expect(await world.can(admin.accountId, 'cluster.delete', inProject())).toBe(true);
  });

  test('who is a member already is refused, and so is a suspended one (MEM-1)', async () => {
    const { org, member } = world;
    const add = () => world.write((tx) => addMember(tx, org, { accountId: member.accountId, source: 'scim' }));
    expect((await refused(add(), 'already_a_member')).details).toEqual({ memberId: member._id });
    await world.write((tx) => suspendMember(tx, org, member._id));
    await refused(add(), 'member_suspended');
    await refused(
      world.write((tx) => addMember(tx, org, { accountId: 'acc-none', source: 'scim' })),
      'not_found',
    );
  });

  test('who was an External Collaborator keeps what they had (SCIM-3)', async () => {
    const { org, project, outsider } = world;
    await world.write((tx) => addCollaborator(tx, org, project._id, { email: 'out@else.test', external: true }));
    await world.write((tx) => addMember(tx, org, { accountId: outsider._id, source: 'scim' }));
    expect(await world.decision(outsider._id, 'project.read', inProject())).toMatchObject({
      allowed: true,
      reason: 'granted_manually',
    });
  });
});

describe('an organization role', () => {
  test('is given and taken by hand, at once, with an audit event (MEM-3, AUD-1)', async () => {
    const { org, member } = world;
    const change = (role: 'admin' | 'member') => world.write((tx) => changeMemberRole(tx, org, member._id, role));
    expect((await change('admin')).role).toBe('admin');
    expect(await world.can(member.accountId, 'member.remove', inOrganization())).toBe(true);
    await change('admin');
    expect((await change('member')).role).toBe('member');
    expect(await world.can(member.accountId, 'member.remove', inOrganization())).toBe(false);
    expect(await findGrants(world.store.read, org, { accountId: member.accountId })).toEqual([]);
    expect(await world.audit('member.role_changed')).toMatchObject([
      { targetId: member._id, before: { role: 'member' }, after: { role: 'admin' }, actor: 'operator' },
      { before: { role: 'admin' }, after: { role: 'member' } },
    ]);
  });

  test('from a mapping is not taken by hand: the conflict names the mapping (MAP-2)', async () => {
    const { org, member } = world;
    await mapAdmin(member.accountId);
    expect((await getMember(world.store.read, org, member._id)).role).toBe('admin');
    const error = await refused(
      world.write((tx) => changeMemberRole(tx, org, member._id, 'member')),
      'role_from_mapping',
    );
    expect(error.message).toContain('map-1');
    expect(error.details).toEqual({ mappings: ['map-1'] });
    expect((await getMember(world.store.read, org, member._id)).role).toBe('admin');
  });

  test('set by hand to what a mapping gives already is recorded once, and outlives the mapping (MAP-2)', async () => {
    const { org, member } = world;
    await mapAdmin(member.accountId);
    for (let time = 0; time < 2; time += 1) {
      expect((await world.write((tx) => changeMemberRole(tx, org, member._id, 'admin'))).role).toBe('admin');
    }
    const grants = await findGrants(world.store.read, org, { accountId: member.accountId });
    expect(grants.map(({ source }) => source).sort()).toEqual(['manual', 'mapping']);
    const fromMapping = grants.filter((grant) => grant.source === 'mapping');
    await world.write((tx) => applyMappedGrants(tx, org, member.accountId, { add: [], remove: fromMapping }));
    expect((await getMember(world.store.read, org, member._id)).role).toBe('admin');
  });

  test('Admin of the Owner needs no grant, and asking for it gives none (OWN-1)', async () => {
    const { org, owner } = world;
    await world.write((tx) => changeMemberRole(tx, org, owner._id, 'admin'));
    expect(await findGrants(world.store.read, org, { accountId: owner.accountId })).toEqual([]);
  });

  test('given by hand and by a mapping outlives either alone (MAP-2)', async () => {
    const { org, admin } = world;
    await mapAdmin(admin.accountId);
    const grants = await findGrants(world.store.read, org, { accountId: admin.accountId });
    const fromMapping = grants.filter((grant) => grant.source === 'mapping');
    await world.write((tx) => applyMappedGrants(tx, org, admin.accountId, { add: [], remove: fromMapping }));
    expect((await getMember(world.store.read, org, admin._id)).role).toBe('admin');
  });
});

describe('a removed member', () => {
  test('loses every grant and session at once, and is no External Collaborator (MEM-1, MEM-3)', async () => {
    const { org, member, store } = world;
    await join();
    const { token } = await world.write((tx) =>
      openSession(tx, { accountId: member.accountId, proofs: [{ kind: 'operator', at: tx.at }] }),
    );
    expect(await world.can(member.accountId, 'project.read', inProject())).toBe(true);
    expect(await world.write((tx) => removeMember(tx, org, member._id))).toMatchObject({ _id: member._id });
    for (const where of [inProject(), inDefault()]) {
      expect(await world.decision(member.accountId, 'project.read', where)).toMatchObject({
        allowed: false,
        reason: 'not_a_member',
      });
    }
    expect(await findGrants(store.read, org, { accountId: member.accountId })).toEqual([]);
    expect(await findLiveSession(store.read, token, new Date())).toBeUndefined();
    expect(await world.audit('member.removed')).toMatchObject([{ before: { role: 'member', status: 'active' } }]);
    await refused(
      world.write((tx) => removeMember(tx, org, member._id)),
      'not_found',
    );
  });

  test('being added to a project meanwhile keeps no grant behind', async () => {
    const { org, project, member, store } = world;
    const adding = world.write((tx) => addCollaborator(tx, org, project._id, { email: 'member@acme.test' }));
    const removing = world.write((tx) => removeMember(tx, org, member._id));
    await Promise.allSettled([adding, removing]);
    await removing;
    expect(await findGrants(store.read, org, { accountId: member.accountId })).toEqual([]);
  });
});

describe('a suspended member', () => {
  test('is denied everywhere in the organization, and comes back with every grant (MEM-1, MEM-5)', async () => {
    const { org, member } = world;
    await join();
    await world.write((tx) => suspendMember(tx, org, member._id));
    for (const where of [inProject(), inDefault()]) {
      expect(await world.decision(member.accountId, 'project.read', where)).toMatchObject({
        allowed: false,
        reason: 'member_suspended',
      });
    }
    expect(await world.can(member.accountId, 'organization.read', inOrganization())).toBe(false);
    await world.write((tx) => reactivateMember(tx, org, member._id));
    expect(await world.can(member.accountId, 'project.read', inProject())).toBe(true);
  });

  test('has no session left; reactivation does not bring the old one back (MEM-5)', async () => {
    const { org, member, store } = world;
    const { token } = await world.write((tx) =>
      openSession(tx, { accountId: member.accountId, proofs: [{ kind: 'operator', at: tx.at }] }),
    );
    await world.write((tx) => suspendMember(tx, org, member._id));
    expect(await findLiveSession(store.read, token, new Date())).toBeUndefined();
    await world.write((tx) => reactivateMember(tx, org, member._id));
    expect(await findLiveSession(store.read, token, new Date())).toBeUndefined();
  });

  test('who is suspended again stays as they are: nothing is written (MEM-5)', async () => {
    const { org, member } = world;
    const once = await world.write((tx) => suspendMember(tx, org, member._id));
    const twice = await world.write((tx) => suspendMember(tx, org, member._id));
    expect(twice.version).toBe(once.version);
    expect(await world.audit('member.suspended')).toHaveLength(1);
    const back = await world.write((tx) => reactivateMember(tx, org, member._id));
    expect((await world.write((tx) => reactivateMember(tx, org, member._id))).version).toBe(back.version);
  });
});

describe('members', () => {
  test('are listed by role and status, page by page (MEM-1)', async () => {
    const { org, owner, admin, member } = world;
    const read = world.store.read;
    await world.write((tx) => suspendMember(tx, org, member._id));
    const list = (options: object) => listPeople(read, org, { limit: 10, ...options }, new Date());
    const ids = async (options: object) =>
      (await list(options)).items.map((one) => (one.kind === 'member' ? one.member._id : one.invitation._id));
    // behind the members come those who are invited
    expect(await ids({ limit: 3 })).toEqual([owner._id, admin._id, member._id]);
    expect(await ids({ role: 'admin' })).toEqual([owner._id, admin._id]);
    expect(await ids({ status: 'suspended' })).toEqual([member._id]);
    const first = await list({ limit: 2 });
    expect(await ids({ limit: 2, cursor: first.nextCursor })).toEqual([member._id]);
  });

  test('of one organization do not exist for another (PRJ-1)', async () => {
    const other = await openWorld();
    const { org } = other;
    await refused(getMember(other.store.read, org, world.member._id), 'not_found');
    const { _id } = world.member;
    await refused(
      other.write((tx) => removeMember(tx, org, _id)),
      'not_found',
    );
    for (const use of [suspendMember, reactivateMember]) {
      await refused(
        other.write((tx) => use(tx, org, _id)),
        'not_found',
      );
    }
  });

  test('are tied to a directory and show its data; unchanged data writes nothing (ACC-1, SCIM-3)', async () => {
    const { org, member } = world;
    const profile = { displayName: 'Mia', department: 'R&D' };
    const first = await world.write((tx) => setMemberProfile(tx, org, member._id, profile));
    expect(first.profile).toEqual(profile);
    expect((await world.write((tx) => setMemberProfile(tx, org, member._id, profile))).version).toBe(first.version);
    const tie = { directoryId: 'dir-1', directoryUserId: 'usr-1' };
    const tied = await world.write((tx) => setGovernance(tx, org, member._id, tie));
    expect(tied).toMatchObject(tie);
    expect((await world.write((tx) => setGovernance(tx, org, member._id, tie))).version).toBe(tied.version);
    const freed = await world.write((tx) => setGovernance(tx, org, member._id, { review: 'recycled_identity' }));
    expect(freed).toMatchObject({ review: 'recycled_identity', profile });
    expect(freed).not.toHaveProperty('directoryUserId');
  });

  test('keep their former versions, with who changed them (history)', async () => {
    const { org, member, store } = world;
    await world.write((tx) => suspendMember(tx, org, member._id));
    expect(await store.read.history.find(org, { rowId: member._id })).toMatchObject([
      { of: 'members', row: { status: 'active' }, endedBy: { actor: 'operator', requestId: 'req-test' } },
    ]);
  });

  test('come from accounts; one account may be a member of several organizations (ACC-1)', async () => {
    const { org, member } = world;
    const account = await world.write((tx) => createAccount(tx, { email: 'x@acme.test', provenBy: 'operator' }));
    const added = await world.write((tx) => addMember(tx, org, { accountId: account._id, source: 'sso' }));
    expect(new Set([added._id, account._id, member._id]).size).toBe(3);
  });
});
