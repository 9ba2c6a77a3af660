import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MappedGrant } from '../../../src/access/index.ts';
import { countingUsers, desiredGrants, type MappingRule } from '../../../src/provisioning/desired.ts';
import { differenceSize, diffGrants, type GivenGrant } from '../../../src/provisioning/diff.ts';

const rule = (id: string, groupId: string, targetId: string, role: 'admin' | 'member' = 'member'): MappingRule => ({
  _id: id,
  groupId,
  target: 'project',
  targetId,
  role,
});
const wanted = (mappingId: string, groupId: string, targetId: string, role: 'admin' | 'member' = 'member') =>
  ({ mappingId, groupId, target: 'project', targetId, role }) as const satisfies MappedGrant;
const given = (mappingId: string, targetId: string, role: 'admin' | 'member' = 'member'): GivenGrant => ({
  _id: `${mappingId}-${targetId}`,
  target: 'project',
  targetId,
  role,
  sourceId: mappingId,
  grantedBy: 'group:g',
});

describe('what mappings give', () => {
  const rules = [rule('m1', 'g1', 'p1'), rule('m2', 'g2', 'p1', 'admin'), rule('m3', 'g3', 'p2')];

  test('one grant for each mapping whose group holds the person, each with its own source (MAP-1, MAP-2)', () => {
    expect(desiredGrants(true, new Set(['g1', 'g2', 'g9']), rules)).toEqual([
      wanted('m1', 'g1', 'p1'),
      wanted('m2', 'g2', 'p1', 'admin'),
    ]);
  });
  test('nothing for one who is in no mapped group', () => {
    expect(desiredGrants(true, new Set(['g9']), rules)).toEqual([]);
  });
  test('nothing for one who is no member, whatever the groups say (MEM-4)', () => {
    expect(desiredGrants(false, new Set(['g1', 'g2', 'g3']), rules)).toEqual([]);
  });
});

describe('whose groups count (SCIM-3)', () => {
  const users = [
    { _id: 'governing', active: false },
    { _id: 'second', active: true },
    { _id: 'third', active: false },
  ];
  test('those of the governing directory user always, those of others while they are active', () => {
    expect(countingUsers(users, 'governing')).toEqual(['governing', 'second']);
  });
  test('where no directory governs, those of active users', () => {
    expect(countingUsers(users, undefined)).toEqual(['second']);
  });
});

describe('the difference', () => {
  test('adds what is missing, changes roles in place, removes what no mapping gives (MAP-3)', () => {
    const before = [given('m1', 'p1'), given('m2', 'p1'), given('m3', 'p2')];
    const desired = [wanted('m1', 'g', 'p1'), wanted('m2', 'g', 'p1', 'admin'), wanted('m4', 'g', 'p4')];
    expect(diffGrants(desired, before)).toEqual({
      add: [wanted('m4', 'g', 'p4')],
      change: [{ grant: given('m2', 'p1'), role: 'admin' }],
      remove: [given('m3', 'p2')],
    });
  });

  test('a grant of a mapping that is bound to another group now is given anew (MAP-1)', () => {
    const again = wanted('m1', 'g-again', 'p1');
    expect(diffGrants([again], [given('m1', 'p1')])).toEqual({ add: [again], change: [], remove: [given('m1', 'p1')] });
  });

  test('applied once it leaves nothing to do, from any state to any other (MAP-3)', () => {
    const key = fc.record({
      mapping: fc.constantFrom('m1', 'm2', 'm3', 'm4'),
      target: fc.constantFrom('p1', 'p2'),
      role: fc.constantFrom('admin' as const, 'member' as const),
    });
    const distinct = fc.uniqueArray(key, { selector: ({ mapping, target }) => `${mapping} ${target}` });
    fc.assert(
      fc.property(distinct, distinct, (from, to) => {
        const before = from.map(({ mapping, target, role }) => given(mapping, target, role));
        const desired = to.map(({ mapping, target, role }) => wanted(mapping, 'g', target, role));
        const { add, change, remove } = diffGrants(desired, before);
        const after = before
          .filter((grant) => !remove.includes(grant))
          .map((grant) => ({ ...grant, role: change.find((each) => each.grant === grant)?.role ?? grant.role }))
          .concat(add.map(({ mappingId, targetId, role }) => given(mappingId, targetId, role)));
        expect(differenceSize(diffGrants(desired, after))).toBe(0);
        expect(after).toHaveLength(desired.length);
      }),
    );
  });
});
