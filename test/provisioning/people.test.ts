import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  addMember,
  claimDomain,
  createAccount,
  createOrganization,
  findAccountByProvenEmail,
  findAccountEmails,
  findLiveSession,
  forceVerifyDomain,
  openSession,
  reactivateMember,
  removeMember,
  suspendMember,
} from '../../src/access/index.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { createMapping, listWaiting, memberAdded, sweepOrganization } from '../../src/provisioning/index.ts';
import { expectConverged } from './oracle.ts';
import { cause, openWorld, ownerEmail, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.store.close());

const verify = (domain: string) =>
  world.run(async (tx) => {
    await claimDomain(tx, world.id, domain);
    await forceVerifyDomain(tx, world.id, domain);
  });
const account = (email: string) => world.run((tx) => createAccount(tx, { email, provenBy: 'mailbox' }));
const emailsOf = async (accountId: string | undefined) =>
  accountId === undefined ? [] : findAccountEmails(world.store.read, accountId);

describe('a person pushed for the first time', () => {
  test('becomes an active member in the push itself, with what the directory says of them (ACC-1, MEM-5)', async () => {
    const result = await world.push({ userName: 'jane', email: 'jane@acme.example', title: 'Engineer' });
    const member = await world.linked(result);
    expect(member).toMatchObject({
      status: 'active',
      role: 'member',
      source: 'scim',
      directoryId: world.directory._id,
      directoryUserId: result.user._id,
      profile: { displayName: 'jane', email: 'jane@acme.example', title: 'Engineer' },
    });
    expect(result.notes).toEqual([]);
    expect(result.touched).toEqual([result.user._id, result.user.accountId, member?._id]);
  });

  test('pushed as inactive is a suspended member, and active: true lets them in (MEM-5)', async () => {
    const result = await world.push({ userName: 'jane', active: false });
    expect(await world.linked(result)).toMatchObject({ status: 'suspended' });
    await world.change(result.user._id, { userName: 'jane', active: true });
    expect(await world.linked(result)).toMatchObject({ status: 'active' });
  });

  test('has their address proven inside a verified domain, and only claimed outside (ACC-2)', async () => {
    await verify('acme.example');
    const inside = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    const outside = await world.push({ userName: 'john', email: 'john@other.example' });
    expect(await emailsOf(inside.user.accountId)).toMatchObject([{ proven: true, provenBy: 'idp' }]);
    expect(await emailsOf(outside.user.accountId)).toMatchObject([{ proven: false }]);
    expect(await findAccountByProvenEmail(world.store.read, 'john@other.example')).toBeUndefined();
  });

  test('without an address is an account without one (ACC-3)', async () => {
    const result = await world.push({ userName: 'badge-4711' });
    expect(await emailsOf(result.user.accountId)).toEqual([]);
    expect(await world.linked(result)).toMatchObject({ status: 'active' });
  });

  test.each([true, false])(
    'with an address that another user has: both exist, told as a conflict (ACC-3), domain verified: %s',
    async (verified) => {
      if (verified) await verify('acme.example');
      const first = await world.push({ userName: 'jane', email: 'jane@acme.example' });
      const second = await world.push({ userName: 'jane2', email: 'Jane@acme.example' });
      expect(second.user).toMatchObject({ link: 'linked', conflict: 'email_held_by_another' });
      expect(second.notes).toEqual(['email_held_by_another']);
      expect(second.user.accountId).not.toBe(first.user.accountId);
      expect(await emailsOf(second.user.accountId)).toEqual([]);
      expect(await world.linked(second)).toMatchObject({ status: 'active' });
    },
  );
});

describe('a person whose account exists', () => {
  test('who is a member already is adopted, domain verified or not, and keeps what is theirs by hand (SCIM-3)', async () => {
    const member = await world.member('jane@acme.example', 'admin');
    const project = await world.project('gpu');
    await world.give(project._id, 'jane@acme.example');
    const result = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    const adopted = await world.linked(result);
    expect(adopted).toMatchObject({
      _id: member._id,
      role: 'admin',
      source: 'operator',
      directoryUserId: result.user._id,
    });
    expect(await world.grants(member.accountId)).toEqual(
      [`${world.id} admin manual`, `${project._id} member manual`].sort(),
    );
  });

  test('is linked when this organization has verified the domain (SCIM-3)', async () => {
    const { _id } = await account('jane@acme.example');
    await verify('acme.example');
    const result = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    expect(result.user).toMatchObject({ link: 'linked', accountId: _id });
    expect(await world.linked(result)).toMatchObject({ status: 'active', source: 'scim' });
  });

  test('waits when it has not, is no member meanwhile, and is adopted once it has (SCIM-3)', async () => {
    const { _id } = await account('jane@acme.example');
    const result = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    expect(result.notes).toEqual(['waiting_for_adoption']);
    expect(result.user).toMatchObject({ link: 'waiting' });
    expect(await world.memberOf('jane@acme.example')).toBeUndefined();
    const { items } = await listWaiting(world.store.read, world.id, { limit: 10 });
    expect(items).toMatchObject([{ email: 'jane@acme.example', reason: 'account_exists_domain_not_verified' }]);

    const project = await world.project('gpu');
    const group = await world.group('gpu', [result.user._id]);
    const mapping = { groupId: group._id, target: 'project', targetId: project._id, role: 'member' } as const;
    await world.run((tx) => createMapping(tx, world.id, mapping));
    await world.runJobs();
    expect(await world.grants(_id)).toEqual([]);
    await verify('acme.example');
    await world.runJobs();
    expect(await world.memberOf('jane@acme.example')).toMatchObject({ accountId: _id, status: 'active' });
    expect(await world.grants(_id)).toEqual([`${project._id} member mapping`]);
    expect((await listWaiting(world.store.read, world.id, { limit: 10 })).items).toEqual([]);
  });

  test.each(['a push', 'the sweep'])(
    'who waits, and is made a member by hand meanwhile, is adopted by %s with what the groups give (SCIM-3)',
    async (by) => {
      const person = { userName: 'jane', email: 'jane@acme.example' };
      const { _id: accountId } = await account('jane@acme.example');
      const { user } = await world.push(person);
      const project = await world.project('gpu');
      const group = await world.group('gpu', [user._id]);
      const mapping = { groupId: group._id, target: 'project', targetId: project._id, role: 'member' } as const;
      await world.run((tx) => createMapping(tx, world.id, mapping));
      await world.run((tx) => addMember(tx, world.id, { accountId, source: 'operator' }));
      await world.runJobs();
      if (by === 'a push') await world.change(user._id, person);
      else await sweepOrganization(world.store, cause, world.id);
      await world.runJobs();
      expect(await world.memberOf('jane@acme.example')).toMatchObject({
        source: 'operator',
        directoryUserId: user._id,
      });
      expect(await world.grants(accountId)).toEqual([`${project._id} member mapping`]);
    },
  );

  test('who waits, and is made a member by hand, is adopted in the same transaction (SCIM-3, MAP-3)', async () => {
    const { _id: accountId } = await account('jane@acme.example');
    const { user } = await world.push({ userName: 'jane', email: 'Jane@acme.example' });
    const project = await world.project('gpu');
    const group = await world.group('gpu', [user._id]);
    const mapping = { groupId: group._id, target: 'project', targetId: project._id, role: 'member' } as const;
    await world.run((tx) => createMapping(tx, world.id, mapping));
    await world.run(async (tx) => {
      await addMember(tx, world.id, { accountId, source: 'operator' });
      await memberAdded(tx, world.id, accountId);
    });
    expect(await world.memberOf('jane@acme.example')).toMatchObject({ source: 'operator', directoryUserId: user._id });
    await world.runJobs();
    expect(await world.grants(accountId)).toEqual([`${project._id} member mapping`]);
  });

  test('a removed member who is added again by hand has what the groups give (MAP-3, MEM-4)', async () => {
    const { user } = await world.push({ userName: 'jane' });
    const accountId = user.accountId ?? '';
    const project = await world.project('gpu');
    const group = await world.group('gpu', [user._id]);
    const mapping = { groupId: group._id, target: 'project', targetId: project._id, role: 'member' } as const;
    await world.run((tx) => createMapping(tx, world.id, mapping));
    const [member] = await world.store.read.members.find(world.id, { accountId });
    await world.run((tx) => removeMember(tx, world.id, member?._id ?? ''));
    await world.runJobs();
    await world.run(async (tx) => {
      await addMember(tx, world.id, { accountId, source: 'operator' });
      await memberAdded(tx, world.id, accountId);
    });
    await world.runJobs();
    expect(await world.grants(accountId)).toEqual([`${project._id} member mapping`]);
  });

  test("who waits as inactive, and whose account is the Owner's, goes on waiting (OWN-1)", async () => {
    const { _id: accountId } = await account('jane@acme.example');
    const { user } = await world.push({ userName: 'jane', email: 'jane@acme.example', active: false });
    await world.run(async (tx) => {
      await addMember(tx, world.id, { accountId, source: 'operator', role: 'admin' });
      await tx.members.updateOne(world.id, { owner: true }, { $unset: { owner: true } });
      await tx.members.updateOne(world.id, { accountId }, { $set: { owner: true } });
    });
    await sweepOrganization(world.store, cause, world.id);
    expect(await world.store.read.directoryUsers.get(world.id, user._id)).toMatchObject({ link: 'waiting' });
    expect(await world.memberOf('jane@acme.example')).toMatchObject({ owner: true, status: 'active' });
  });

  test('who waits with an address that turns out to be wrong is let in by a push of another (SCIM-3)', async () => {
    await account('jane@acme.example');
    const { user } = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    const again = await world.change(user._id, { userName: 'jane', email: 'jane.doe@acme.example' });
    expect(again.user).toMatchObject({ link: 'linked' });
    expect(await world.linked(again)).toMatchObject({ status: 'active' });
  });

  test("another organization's verified domain proves nothing here (SSO-3)", async () => {
    await world.run(async (tx) => {
      const input = { name: 'Other', owner: { email: 'owner@other.example' } };
      const other = await createOrganization(tx, openSealer('test'), input);
      await claimDomain(tx, other.organization._id, 'other.example');
      await forceVerifyDomain(tx, other.organization._id, 'other.example');
    });
    const result = await world.push({ userName: 'owner', email: 'owner@other.example' });
    expect(result.user).toMatchObject({ link: 'waiting' });
  });

  test('a domain that is verified later proves what its people have claimed, conflicts excepted (ACC-2, ACC-3)', async () => {
    const first = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    const second = await world.push({ userName: 'jane2', email: 'jane@acme.example' });
    await verify('acme.example');
    await world.runJobs();
    expect(await findAccountByProvenEmail(world.store.read, 'jane@acme.example')).toMatchObject({
      _id: first.user.accountId,
    });
    expect(await emailsOf(second.user.accountId)).toEqual([]);
  });
});

describe('a person pushed again', () => {
  test('is the same person under another userName and email; the account keeps its addresses (ACC-4, SCIM-3)', async () => {
    await verify('acme.example');
    const { user } = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    const result = await world.change(user._id, { userName: 'jane.roe', email: 'jane.roe@acme.example' });
    expect(result.user).toMatchObject({ userName: 'jane.roe', accountId: user.accountId });
    expect(await world.linked(result)).toMatchObject({ profile: { email: 'jane.roe@acme.example' } });
    expect(await emailsOf(user.accountId)).toMatchObject([{ email: 'jane@acme.example', proven: true }]);
  });

  test("a change of email to somebody else's is told as a conflict, and told no more when it ends (ACC-3)", async () => {
    await world.push({ userName: 'john', email: 'john@acme.example' });
    const { user } = await world.push({ userName: 'jane', email: 'jane@acme.example' });
    const taken = await world.change(user._id, { userName: 'jane', email: 'john@acme.example' });
    expect(taken.user.conflict).toBe('email_held_by_another');
    expect(taken.notes).toEqual(['email_held_by_another']);
    const free = await world.change(user._id, { userName: 'jane', email: 'jane@acme.example' });
    expect(free.user.conflict).toBeUndefined();
  });

  test('the state already: nothing is written (MAP-3)', async () => {
    const person = { userName: 'jane', email: 'jane@acme.example' };
    const { user } = await world.push(person);
    const before = await world.store.read.auditEvents.count(world.id, {});
    const again = await world.change(user._id, person);
    expect(again).toMatchObject({ changed: false, user: { version: user.version } });
    expect(await world.store.read.auditEvents.count(world.id, {})).toBe(before);
    expect(await world.waitingJobs()).toEqual([]);
  });

  test('as inactive: suspended, sessions dead, grants kept; as active: all of it is back (MEM-5)', async () => {
    const project = await world.project('gpu');
    await world.member('jane@acme.example');
    await world.give(project._id, 'jane@acme.example');
    const person = { userName: 'jane', email: 'jane@acme.example' };
    const { user } = await world.push(person);
    const accountId = user.accountId ?? '';
    const { token } = await world.run((tx) =>
      openSession(tx, { accountId, proofs: [{ kind: 'operator', at: tx.at }] }),
    );
    expect(await world.may(accountId, 'cluster.read', project._id)).toBe(true);
    await world.change(user._id, { ...person, active: false });
    expect(await world.may(accountId, 'cluster.read', project._id)).toBe(false);
    expect(await world.may(accountId, 'cluster.read', world.created.defaultProject._id)).toBe(false);
    expect(await findLiveSession(world.store.read, token, new Date())).toBeUndefined();
    await world.change(user._id, { ...person, active: true });
    expect(await world.may(accountId, 'cluster.read', project._id)).toBe(true);
  });

  test('a removed member comes back by active: true and by nothing else, with nothing given by hand (MEM-4)', async () => {
    const project = await world.project('gpu');
    const person = { userName: 'jane', email: 'jane@acme.example' };
    await world.member('jane@acme.example');
    await world.give(project._id, 'jane@acme.example');
    const { user } = await world.push(person);
    const member = await world.memberOf('jane@acme.example');
    await world.run((tx) => removeMember(tx, world.id, member?._id ?? ''));

    const unstated = await world.change(user._id, { ...person, title: 'Lead' }, { stated: false });
    expect(unstated.notes).toEqual(['removed_member_stays_out']);
    await world.group('everyone', [user._id]);
    await world.runJobs();
    expect(await world.memberOf('jane@acme.example')).toBeUndefined();
    await world.change(user._id, { ...person, title: 'Lead' });
    expect(await world.memberOf('jane@acme.example')).toMatchObject({ status: 'active', directoryUserId: user._id });
    expect(await world.grants(user.accountId)).toEqual([]);
  });
});

describe('a person deleted by the IdP (SCIM-3)', () => {
  const person = { userName: 'jane', email: 'jane@acme.example', externalId: 'id-1' };
  const lookBack = async () => {
    const project = await world.project('gpu');
    await world.member('jane@acme.example', 'admin');
    await world.give(project._id, 'jane@acme.example');
    const { user } = await world.push(person);
    await world.remove(user._id);
    return { project, user, accountId: user.accountId ?? '' };
  };

  test('is suspended and marked as departed, grants kept', async () => {
    const { project, accountId } = await lookBack();
    const member = await world.memberOf('jane@acme.example');
    expect(member).toMatchObject({ status: 'suspended', departed: { userName: 'jane', externalId: 'id-1' } });
    expect(member?.directoryUserId).toBeUndefined();
    expect(await world.grants(accountId)).toHaveLength(2);
    expect(await world.may(accountId, 'cluster.read', project._id)).toBe(false);
  });

  test('comes back with everything under a new SCIM id when the immutable id is equal', async () => {
    await world.store.close();
    world = await openWorld({ externalIdIsImmutable: true });
    const { project, user, accountId } = await lookBack();
    const again = await world.push({ userName: 'jane.roe', email: 'jane.roe@acme.example', externalId: 'id-1' });
    expect(again.user._id).not.toBe(user._id);
    expect(again.user.accountId).toBe(accountId);
    expect(await world.linked(again)).toMatchObject({
      status: 'active',
      role: 'admin',
      directoryUserId: again.user._id,
    });
    expect((await world.linked(again))?.departed).toBeUndefined();
    expect(await world.may(accountId, 'cluster.read', project._id)).toBe(true);
  });

  test.each([
    ['the same userName and address, an externalId that is not declared to be immutable', person],
    ['the same userName only', { userName: 'JANE' }],
    ['the same proven address only', { userName: 'somebody', email: 'jane@acme.example' }],
  ])('comes back without what was given by hand, and marked for review, by %s', async (_what, pushed) => {
    const { project, accountId } = await lookBack();
    const again = await world.push(pushed);
    expect(again.user.accountId).toBe(accountId);
    expect(again.notes).toContain('recycled_identity');
    expect(await world.linked(again)).toMatchObject({ status: 'active', role: 'member', review: 'recycled_identity' });
    expect(await world.grants(accountId)).toEqual([]);
    expect(await world.may(accountId, 'cluster.read', project._id)).toBe(false);
  });

  test('another immutable id under the same userName and address inherits nothing', async () => {
    await world.store.close();
    world = await openWorld({ externalIdIsImmutable: true });
    const { accountId } = await lookBack();
    const again = await world.push({ ...person, externalId: 'id-2' });
    expect(again.notes).toContain('recycled_identity');
    expect(await world.grants(accountId)).toEqual([]);
  });

  test('a namesake with another address is somebody else, with an account of their own', async () => {
    const { accountId } = await lookBack();
    const namesake = await world.push({ userName: 'jane', email: 'jane.smith@acme.example' });
    expect(namesake.user.accountId).not.toBe(accountId);
    expect(namesake.notes).toEqual([]);
    expect(await world.memberOf('jane@acme.example')).toMatchObject({ status: 'suspended' });
  });

  test.each(['jane.roe@acme.example', 'jane@acme.example'])(
    'whose email had changed meanwhile is the same member under the userName with %s',
    async (email) => {
      await verify('acme.example');
      const { user } = await world.push(person);
      await world.change(user._id, { ...person, email: 'Jane.Roe@acme.example' });
      await world.remove(user._id);
      const again = await world.push({ userName: 'jane', email });
      expect(again.user.accountId).toBe(user.accountId);
      expect(again.notes).toEqual(['recycled_identity']);
      expect(await world.linked(again)).toMatchObject({ status: 'active', review: 'recycled_identity' });
    },
  );

  test('pushed again as inactive stays suspended until active: true', async () => {
    await lookBack();
    const again = await world.push({ ...person, active: false });
    expect(await world.linked(again)).toMatchObject({ status: 'suspended', directoryUserId: again.user._id });
    await world.change(again.user._id, person);
    expect(await world.linked(again)).toMatchObject({ status: 'active' });
  });
});

describe('a person of two directories (SCIM-3)', () => {
  const person = { userName: 'jane', email: 'jane@acme.example' };
  test('one governs; the other neither suspends nor removes', async () => {
    await verify('acme.example');
    const first = await world.push(person);
    const other = await world.another();
    const second = await world.push(person, other);
    expect(second.user.accountId).toBe(first.user.accountId);
    expect(second.notes).toEqual(['governed_by_another_directory']);
    await world.change(second.user._id, { ...person, active: false }, { directory: other });
    expect(await world.linked(first)).toMatchObject({ status: 'active', directoryUserId: first.user._id });
    await world.remove(second.user._id, other);
    expect(await world.linked(first)).toMatchObject({ status: 'active', directoryUserId: first.user._id });
  });

  test('once the governing one has deleted the person, the other takes them up by active: true only (MEM-4)', async () => {
    await verify('acme.example');
    const project = await world.project('gpu');
    const first = await world.push(person);
    await world.give(project._id, 'jane@acme.example');
    const other = await world.another();
    const second = await world.push(person, other);
    await world.remove(first.user._id);
    const retitled = { ...person, title: 'Lead' };
    const silent = await world.change(second.user._id, retitled, { directory: other, stated: false });
    expect(silent.notes).toEqual(['departed_member_stays_suspended']);
    expect(await world.linked(second)).toMatchObject({ status: 'suspended' });
    const stated = await world.change(second.user._id, retitled, { directory: other });
    expect(stated.notes).toEqual([]);
    expect(await world.linked(second)).toMatchObject({ status: 'active', directoryUserId: second.user._id });
    expect((await world.linked(second))?.departed).toBeUndefined();
    expect(await world.may(second.user.accountId, 'cluster.read', project._id)).toBe(true);
    await world.change(second.user._id, { ...retitled, active: false }, { directory: other });
    expect(await world.linked(second)).toMatchObject({ status: 'suspended' });
  });
});

describe('a change of activity asks for a job only where it can change what mappings give (MAP-3, MAP-5)', () => {
  const person = { userName: 'jane', email: 'jane@acme.example' };
  const toggle = async (userId: string, directory = world.directory) => {
    for (const active of [false, true, false, true]) await world.change(userId, { ...person, active }, { directory });
  };
  beforeEach(() => verify('acme.example'));
  const other = async () => {
    const directory = await world.another();
    const { user } = await world.push(person, directory);
    const group = await world.group('of the other', [user._id], undefined, directory);
    const project = await world.project('gpu');
    const rule = { groupId: group._id, target: 'project', targetId: project._id, role: 'member' } as const;
    await world.run((tx) => createMapping(tx, world.id, rule));
    return { directory, user, given: [`${project._id} member mapping`] };
  };

  test('of the one who governs, who is in a mapped group and suspended by hand: no row in the outbox', async () => {
    const { directory, user, given } = await other();
    await world.runJobs();
    const member = await world.linked({ user, notes: [], touched: [] });
    await toggle(user._id, directory);
    await world.change(user._id, { ...person, active: false }, { directory });
    expect(await world.linked({ user, notes: [], touched: [] })).toMatchObject({ status: 'suspended' });
    await world.run((tx) => reactivateMember(tx, world.id, member?._id ?? ''));
    await world.run((tx) => suspendMember(tx, world.id, member?._id ?? ''));
    await world.change(user._id, { ...person, active: true }, { directory, stated: false });
    expect(await world.waitingJobs()).toEqual([]);
    expect(await world.grants(user.accountId)).toEqual(given);
    await expectConverged(world);
  });

  test('of one whom another directory governs: what only their groups gave goes, and comes back', async () => {
    const first = await world.push(person);
    const { directory, user, given } = await other();
    expect(user.accountId).toBe(first.user.accountId);
    await world.runJobs();
    expect(await world.grants(user.accountId)).toEqual(given);
    await toggle(first.user._id);
    expect(await world.waitingJobs()).toEqual([]);
    for (const [active, expected] of [[false, []] as const, [true, given] as const]) {
      await world.change(user._id, { ...person, active }, { directory });
      expect(await world.waitingJobs()).toHaveLength(1);
      await world.runJobs();
      expect(await world.grants(user.accountId)).toEqual(expected);
    }
  });

  test('of one whose member has departed from the directory that governed: the same', async () => {
    const first = await world.push(person);
    const { directory, user, given } = await other();
    await world.remove(first.user._id);
    await world.runJobs();
    expect(await world.grants(user.accountId)).toEqual(given);
    await world.change(user._id, { ...person, active: false }, { directory });
    await world.runJobs();
    expect(await world.grants(user.accountId)).toEqual([]);
    await expectConverged(world);
  });

  test('of one who is no member: a member made by another directory meanwhile is given what counts', async () => {
    const { directory, user } = await other();
    const member = await world.linked({ user, notes: [], touched: [] });
    await world.run((tx) => removeMember(tx, world.id, member?._id ?? ''));
    await world.runJobs();
    await world.change(user._id, { ...person, active: false }, { directory });
    expect(await world.waitingJobs()).toHaveLength(1);
  });
});

describe('the Owner (OWN-1, OWN-2)', () => {
  const person = { userName: 'olga', email: ownerEmail };
  const owner = async () => world.store.read.members.findOne(world.id, { owner: true });

  test('is adopted like any member, and profile changes are welcome', async () => {
    const { user } = await world.push(person);
    await world.change(user._id, { ...person, title: 'CEO' });
    expect(await owner()).toMatchObject({ directoryUserId: user._id, profile: { title: 'CEO' }, role: 'admin' });
  });

  test('is not deprovisioned by POST, PUT, PATCH or DELETE; nothing of the push remains', async () => {
    await expect(world.push({ ...person, active: false })).rejects.toMatchObject({ code: 'owner_protected' });
    expect(await world.store.read.directoryUsers.count(world.id, {})).toBe(0);
    const { user } = await world.push(person);
    const before = await owner();
    await expect(world.change(user._id, { ...person, active: false })).rejects.toMatchObject({
      code: 'owner_protected',
    });
    await expect(world.remove(user._id)).rejects.toMatchObject({ code: 'owner_protected' });
    expect(await owner()).toEqual(before);
    expect(await world.store.read.directoryUsers.get(world.id, user._id)).toEqual(user);
  });

  test('the word of a directory that does not govern the Owner is directory data only', async () => {
    await world.push(person);
    const other = await world.another();
    const { user } = await world.push({ ...person, active: false }, other);
    await world.remove(user._id, other);
    expect(await owner()).toMatchObject({ status: 'active', role: 'admin' });
  });
});
