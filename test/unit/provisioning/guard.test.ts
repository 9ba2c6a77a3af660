import { describe, expect, test } from '@jest/globals';
import { decideRemoval, unlimited } from '../../../src/provisioning/guard.ts';

describe('the seam of the mass-removal guard (SCIM-6)', () => {
  test('where no limit is set, a removal is applied and nothing is counted', () => {
    const counting = () => {
      throw new Error('counted');
    };
    expect(decideRemoval(unlimited, counting)).toEqual({ kind: 'apply' });
  });

  test.each([
    ['up to the share, it is applied', { removing: 1, removedBefore: 9, population: 100 }, { kind: 'apply' }],
    ['above the share, it is held', { removing: 2, removedBefore: 9, population: 100 }, { kind: 'hold', share: 0.11 }],
    ['of nothing, nothing can be too much', { removing: 0, removedBefore: 0, population: 0 }, { kind: 'apply' }],
  ] as const)('%s', (_promise, tally, expected) => {
    expect(decideRemoval({ greatestShare: 0.1 }, () => tally)).toEqual(expected);
  });
});
