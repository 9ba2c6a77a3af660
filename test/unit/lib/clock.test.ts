import { describe, expect, test } from '@jest/globals';
import { furthest, stands } from '../../../src/lib/clock.ts';

const now = new Date('2025-03-01T12:00:00Z');
const later = (ms: number) => new Date(now.getTime() + ms);

describe('a lease of two seconds', () => {
  test.each([
    ['has ended', -1, false],
    ['ends now', 0, false],
    ['stands', 1, true],
    ['was just taken', 2_000, true],
    ['was taken by a clock that is a little ahead', 62_000, true],
    ['was taken by a clock that has been set back since', 62_001, false],
    ['was taken by a clock that was years ahead', 315_360_000_000, false],
  ])('%s', (_, ms, expected) => {
    expect(stands(later(ms), now, 2_000)).toBe(expected);
  });
});

test('what may rest for an hour lies no further ahead than that, and what clocks may differ by', () => {
  expect(furthest(now, 3_600_000)).toEqual(later(3_660_000));
});
