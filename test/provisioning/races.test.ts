import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { claimDomain, forceVerifyDomain, removeMember } from '../../src/access/index.ts';
import { createMapping, deleteMapping } from '../../src/provisioning/index.ts';
import { reconcilePerson } from '../../src/provisioning/reconcile.ts';
import type { DirectoryGroup, Project, Transaction } from '../../src/store/index.ts';
import { gate } from '../queue/rig.ts';
import { expectConverged } from './oracle.ts';
import { openWorld, type World } from './world.ts';

let world: World;
let project: Project;
let group: DirectoryGroup;
beforeEach(async () => {
  world = await openWorld({ rehearse: false });
  project = await world.project('gpu');
  group = await world.group('gpu users');
});
afterEach(() => world.store.close());

const rule = () => ({ groupId: group._id, target: 'project', targetId: project._id, role: 'member' }) as const;
const push = async (who: number) => (await world.push({ userName: `p${who}`, email: `p${who}@acme.example` })).user;
const crowd = (size: number) => Promise.all(Array.from({ length: size }, (_, who) => push(who)));

/** Runs all jobs, many at a time, as processes of workers would. */
async function runJobsAtOnce(): Promise<void> {
  for (let rows = await world.waitingJobs(); rows.length > 0; rows = await world.waitingJobs()) {
    await Promise.all(rows.map((row) => world.runJob(row)));
  }
}

describe('at the same time (MAP-3)', () => {
  test('people join while the mapping is made: all of them are given what it gives', async () => {
    const people = await crowd(6);
    await Promise.all([
      ...people.map((user) => world.members(group._id, { add: [user._id] })),
      world.run((tx) => createMapping(tx, world.id, rule())),
    ]);
    await runJobsAtOnce();
    await expectConverged(world);
    expect(await world.store.read.grants.count(world.id, { source: 'mapping' })).toBe(6);
  });

  test('a job that saw the person in the group, and ends after they have left it, leaves them nothing', async () => {
    const jane = await push(1);
    await world.run((tx) => createMapping(tx, world.id, rule()));
    await world.members(group._id, { add: [jane._id] });
    const reconcile = (tx: Transaction) => reconcilePerson(tx, world.id, jane.accountId ?? '');
    const [seen, ends] = [gate(), gate()];
    const stale = world.run(async (tx) => {
      await reconcile(tx);
      seen.open();
      await ends.opened;
    });
    await seen.opened;
    const fresh = world.members(group._id, { remove: [jane._id] }).then(() => world.run(reconcile));
    // Where the one has to wait for the other, that is how it is kept.
    await Promise.race([fresh, sleep(500)]);
    ends.open();
    await Promise.all([stale, fresh]);
    expect(await world.store.read.grants.count(world.id, { source: 'mapping' })).toBe(0);
    await expectConverged(world);
  });

  test('people join and jobs run while the mapping ends: nobody keeps what it gave', async () => {
    const people = await crowd(6);
    const mapping = await world.run((tx) => createMapping(tx, world.id, rule()));
    await Promise.all(people.map((user) => world.members(group._id, { add: [user._id] })));
    await Promise.all([
      runJobsAtOnce(),
      world.run((tx) => deleteMapping(tx, world.id, mapping._id, 'revoke')),
      ...people.slice(3).map((user) => world.members(group._id, { remove: [user._id] })),
    ]);
    await runJobsAtOnce();
    await expectConverged(world);
    expect(await world.store.read.grants.count(world.id, { source: 'mapping' })).toBe(0);
  });

  test('a member is removed while jobs give them something: nothing is left (MEM-3)', async () => {
    const people = await crowd(4);
    await world.run((tx) => createMapping(tx, world.id, rule()));
    await world.members(group._id, { add: people.map(({ _id }) => _id) });
    const members = await world.store.read.members.find(world.id, { source: 'scim' });
    await Promise.all([
      runJobsAtOnce(),
      ...members.map(({ _id }) => world.run((tx) => removeMember(tx, world.id, _id))),
    ]);
    await runJobsAtOnce();
    await expectConverged(world);
    expect(await world.store.read.grants.count(world.id, {})).toBe(0);
  });

  test('the group is deleted while people join it: no membership and no grant of it is left (SCIM-4)', async () => {
    const people = await crowd(5);
    await world.run((tx) => createMapping(tx, world.id, rule()));
    await Promise.allSettled([
      ...people.slice(0, 3).map((user) => world.members(group._id, { add: [user._id] })),
      world.dropGroup(group._id),
      ...people.slice(3).map((user) => world.members(group._id, { add: [user._id] })),
    ]);
    await runJobsAtOnce();
    await expectConverged(world);
    expect(await world.store.read.edges.count(world.id, {})).toBe(0);
    expect(await world.store.read.grants.count(world.id, { source: 'mapping' })).toBe(0);
  });

  test('the same person is pushed by two directories: one member, one governs (SCIM-3)', async () => {
    await world.member('jane@acme.example');
    const other = await world.another();
    const jane = { userName: 'jane', email: 'jane@acme.example' };
    const [first, second] = await Promise.all([world.push(jane), world.push(jane, other)]);
    expect(first.user.accountId).toBe(second.user.accountId);
    expect([first, second].flatMap(({ notes }) => notes)).toEqual(['governed_by_another_directory']);
    const member = await world.memberOf('jane@acme.example');
    expect([first.user._id, second.user._id]).toContain(member?.directoryUserId);
  });

  test('activity is toggled while another directory takes the members over: what counts then is what is given (SCIM-3)', async () => {
    await world.run(async (tx) => {
      await claimDomain(tx, world.id, 'acme.example');
      await forceVerifyDomain(tx, world.id, 'acme.example');
    });
    const people = await crowd(6);
    await world.run((tx) => createMapping(tx, world.id, rule()));
    await world.members(group._id, { add: people.map(({ _id }) => _id) });
    await runJobsAtOnce();
    const other = await world.another();
    const members = await world.store.read.members.find(world.id, { source: 'scim' });
    const inactive = (who: number) => ({ userName: `p${who}`, email: `p${who}@acme.example`, active: false });
    const takeOver = async (who: number) => {
      const member = members.find(({ directoryUserId }) => directoryUserId === people[who]?._id);
      await world.run((tx) => removeMember(tx, world.id, member?._id ?? ''));
      await world.push({ ...inactive(who), active: true }, other);
      await runJobsAtOnce();
    };
    await Promise.all(
      people.flatMap(({ _id }, who) => [takeOver(who), world.change(_id, inactive(who), { stated: false })]),
    );
    await runJobsAtOnce();
    await expectConverged(world);
    expect(await world.store.read.grants.count(world.id, { source: 'mapping' })).toBe(0);
  });

  test('the same userName is pushed twice: one person, the other is told of it (SCIM-3)', async () => {
    const jane = { userName: 'jane', email: 'jane@acme.example' };
    const answers = await Promise.allSettled([world.push(jane), world.push(jane)]);
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'scim_uniqueness' } });
    expect(await world.store.read.members.count(world.id, { source: 'scim' })).toBe(1);
  });
});
