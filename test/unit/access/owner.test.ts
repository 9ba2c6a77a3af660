import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  addMember,
  applyMappedGrants,
  changeMemberRole,
  decideOwnerChange,
  findGrants,
  findOwner,
  refreshMemberRole,
  removeMember,
  resolveMemberRole,
  suspendMember,
} from '../../../src/access/index.ts';
import { ProtectedRowError } from '../../../src/store/index.ts';
import { mapped, openWorld, refused, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});

const untouched = async () => {
  const owner = await findOwner(world.store.read, world.org);
  expect(owner).toEqual(world.owner);
};

describe('the Owner', () => {
  test.each(['suspend', 'remove', 'demote'] as const)('is refused to %s, by one rule (OWN-1, OWN-3)', (change) => {
    const { owner, admin } = world;
    expect(decideOwnerChange(owner, change)).toMatchObject({ code: 'owner_protected', kind: 'forbidden' });
    expect(decideOwnerChange(owner, change)?.message).toContain('Transfer the ownership');
    expect(decideOwnerChange(admin, change)).toBeUndefined();
  });

  test('is neither suspended, nor removed, nor demoted by any use case (OWN-1)', async () => {
    const { org, owner } = world;
    const tries = [
      () => world.write((tx) => suspendMember(tx, org, owner._id)),
      () => world.write((tx) => removeMember(tx, org, owner._id)),
      () => world.write((tx) => changeMemberRole(tx, org, owner._id, 'member')),
    ];
    for (const attempt of tries) await refused(attempt(), 'owner_protected');
    await untouched();
  });

  test('stays Admin when a mapping that gave Admin takes it away (OWN-1, OWN-2)', async () => {
    const { org, owner, store } = world;
    const add = [mapped('organization', org, 'admin')];
    await world.write((tx) => applyMappedGrants(tx, org, owner.accountId, { add, remove: [] }));
    const remove = await findGrants(store.read, org, { accountId: owner.accountId });
    await world.write((tx) => applyMappedGrants(tx, org, owner.accountId, { add: [], remove }));
    await world.write((tx) => refreshMemberRole(tx, org, owner.accountId));
    expect(await findOwner(store.read, org)).toMatchObject({ role: 'admin', status: 'active' });
    expect(resolveMemberRole(owner, [])).toBe('admin');
  });

  test('given the role Admin stays as they are (OWN-1)', async () => {
    const { org, owner } = world;
    await world.write((tx) => changeMemberRole(tx, org, owner._id, 'admin'));
    await untouched();
  });

  test('is one, whatever races: the losers of a race leave nothing (OWN-4)', async () => {
    const { org, owner, member } = world;
    await Promise.allSettled([
      world.write((tx) => suspendMember(tx, org, owner._id)),
      world.write((tx) => changeMemberRole(tx, org, member._id, 'admin')),
      world.write((tx) => removeMember(tx, org, owner._id)),
      world.write((tx) => suspendMember(tx, org, member._id)),
    ]);
    await untouched();
    expect(await world.store.read.members.count(org, { owner: true })).toBe(1);
  });

  test('is protected by the store too, below every use case (OWN-6)', async () => {
    const { org, owner } = world;
    const { _id } = owner;
    const writes = [
      () => world.write((tx) => tx.members.update(org, { _id }, { $set: { status: 'suspended' } })),
      () => world.write((tx) => tx.members.update(org, { _id }, { $set: { role: 'member' } })),
      () => world.write((tx) => tx.members.remove(org, { _id })),
    ];
    for (const write of writes) await expect(write()).rejects.toThrow(ProtectedRowError);
    await untouched();
  });

  test('cannot be made a second time (OWN-4)', async () => {
    const { org, outsider, admin } = world;
    const add = world.write(async (tx) => {
      const added = await addMember(tx, org, { accountId: outsider._id, source: 'operator', role: 'admin' });
      await tx.members.updateOne(org, { _id: added._id }, { $set: { owner: true } });
    });
    await expect(add).rejects.toThrow('organizationId');
    await expect(
      world.write((tx) => tx.members.updateOne(org, { _id: admin._id }, { $set: { owner: true } })),
    ).rejects.toThrow('organizationId');
    await untouched();
  });
});
