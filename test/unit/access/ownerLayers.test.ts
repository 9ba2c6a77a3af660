/**
 * OWN-6: the Owner stands under two layers, the domain's rule and the store's. Random walks over every use case of
 * access that could harm the Owner, with each layer switched off in turn; with both off the Owner falls, which shows
 * that the walks find what the layers stop.
 */
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import * as owner from '../../../src/access/owner.ts';

/** Whether the domain's rule stands: the rule itself, with a switch in front of it. */
let rule = true;
const switched = {
  isOwner: (member) => rule && owner.isOwner(member),
  decideOwnerChange: (member, change) => (rule ? owner.decideOwnerChange(member, change) : undefined),
  notOwner: () => (rule ? owner.notOwner() : {}),
} satisfies typeof owner;
jest.unstable_mockModule('../../../src/access/owner.ts', () => switched);

const access = await import('../../../src/access/index.ts');
const { mapped, openWorld } = await import('./world.ts');
type World = Awaited<ReturnType<typeof openWorld>>;

type Attempt = (world: World) => Promise<unknown>;

const attempts: Readonly<Record<string, Attempt>> = {
  suspend: ({ org, owner, write }) => write((tx) => access.suspendMember(tx, org, owner._id)),
  remove: ({ org, owner, write }) => write((tx) => access.removeMember(tx, org, owner._id)),
  demote: ({ org, owner, write }) => write((tx) => access.changeMemberRole(tx, org, owner._id, 'member')),
  refresh: ({ org, owner, write }) => write((tx) => access.refreshMemberRole(tx, org, owner.accountId)),
  map: ({ org, owner, write }) =>
    write((tx) =>
      access.applyMappedGrants(tx, org, owner.accountId, { add: [mapped('organization', org, 'admin')], remove: [] }),
    ),
  unmap: ({ org, owner, write }) =>
    write(async (tx) => {
      const remove = await access.findGrants(tx, org, { accountId: owner.accountId, targetId: org });
      await access.applyMappedGrants(tx, org, owner.accountId, { add: [], remove });
    }),
  addAgain: ({ org, owner, write }) =>
    write((tx) => access.addMember(tx, org, { accountId: owner.accountId, source: 'scim', role: 'member' })),
};

const walks = fc.array(fc.constantFrom(...Object.keys(attempts)), { minLength: 1, maxLength: 6 });

/** Walks at random, some steps at once; answers in how many walks the Owner was still an active Admin at the end. */
async function walk(layers: { rule: boolean; store: boolean }, runs: number): Promise<{ safe: number; runs: number }> {
  rule = layers.rule;
  const samples = [...Object.keys(attempts).map((name) => [name]), ...fc.sample(walks, { numRuns: runs, seed: 7 })];
  let safe = 0;
  for (const steps of samples) {
    const world = await openWorld({ protection: layers.store });
    const half = Math.ceil(steps.length / 2);
    for (const part of [steps.slice(0, half), steps.slice(half)]) {
      await Promise.allSettled(part.map((name) => attempts[name]?.(world)));
    }
    const owner = await world.store.read.members.get(world.org, world.owner._id);
    if (owner?.owner && owner.role === 'admin' && owner.status === 'active') safe += 1;
    await world.store.close();
  }
  return { safe, runs: samples.length };
}

describe('the Owner stays an active Admin, whatever is tried (OWN-6)', () => {
  test.each([
    ['with both layers', { rule: true, store: true }],
    ["with the store's layer off", { rule: true, store: false }],
    ["with the domain's rule off", { rule: false, store: true }],
  ])('%s', async (_which, layers) => {
    const { safe, runs } = await walk(layers, 8);
    expect(safe).toBe(runs);
  });

  test('and with both layers off falls: the walks find what the layers stop', async () => {
    const { safe, runs } = await walk({ rule: false, store: false }, 8);
    expect(safe).toBeLessThan(runs);
  });
});
