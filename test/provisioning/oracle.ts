import type { World } from './world.ts';

/** Who should have what, worked out from all rows in the plainest way. */
async function expected(world: World): Promise<readonly string[]> {
  const { read } = world.store;
  const [edges, mappings, users, members] = await Promise.all([
    read.edges.find(world.id, {}),
    read.mappings.find(world.id, {}),
    read.directoryUsers.find(world.id, {}),
    read.members.find(world.id, {}),
  ]);
  const isIn = (memberId: string, groupId: string, seen: readonly string[] = []): boolean =>
    edges.some(
      (edge) =>
        edge.memberId === memberId &&
        (edge.groupId === groupId ||
          (!seen.includes(edge.groupId) && isIn(edge.groupId, groupId, [...seen, edge.groupId]))),
    );
  const lines: string[] = [];
  for (const { accountId, directoryUserId, owner } of members) {
    const own = users.filter((user) => user.accountId === accountId && (user.active || user._id === directoryUserId));
    const given = mappings.filter((mapping) => own.some((user) => isIn(user._id, mapping.groupId)));
    for (const { _id, targetId, role } of given) lines.push(`${accountId} ${_id} ${targetId} ${role}`);
    const admin = owner || given.some(({ targetId }) => targetId === world.id);
    lines.push(`${accountId} is ${admin ? 'admin' : 'member'}`);
  }
  return lines.sort();
}

async function actual(world: World): Promise<readonly string[]> {
  const grants = await world.store.read.grants.find(world.id, { source: 'mapping' });
  const members = await world.store.read.members.find(world.id, {});
  return [
    ...grants.map(({ accountId, sourceId, targetId, role }) => `${accountId} ${sourceId} ${targetId} ${role}`),
    ...members.map(({ accountId, role }) => `${accountId} is ${role}`),
  ].sort();
}

/** Throws where somebody has what no mapping gives, or lacks what one does. */
export async function expectConverged(world: World): Promise<void> {
  const [has, should] = [await actual(world), await expected(world)];
  if (has.join('\n') === should.join('\n')) return;
  throw new Error(`has:\n${has.join('\n')}\nshould have:\n${should.join('\n')}`);
}
