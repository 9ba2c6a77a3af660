import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openBuckets } from '../../../src/lib/buckets.ts';

function open(perSecond: number, burst: number, capacity?: number) {
  let now = 1_000_000;
  const buckets = openBuckets({ now: () => new Date(now) }, { perSecond, burst }, capacity);
  const pass = (ms: number): void => {
    now += ms;
  };
  return { ...buckets, pass };
}

describe('token buckets', () => {
  test('give a burst at once, then the rate, and say how long to wait', () => {
    const { take, wait, pass } = open(50, 100);
    for (let i = 0; i < 100; i++) expect(take('a')).toBe(0);
    expect(take('a')).toBe(20);
    expect(wait('a')).toBe(20);
    pass(19);
    expect(take('a')).toBe(1);
    pass(1);
    expect(take('a')).toBe(0);
    expect(take('a')).toBe(20);
    pass(60_000);
    for (let i = 0; i < 100; i++) expect(take('a')).toBe(0);
    expect(take('a')).toBeGreaterThan(0);
  });

  test('are one per key', () => {
    const { take } = open(1, 1);
    expect([take('a'), take('b')]).toEqual([0, 0]);
    expect(take('a')).toBe(1000);
  });

  test('a large cost leaves a debt', () => {
    const { take, pass } = open(10, 10);
    expect(take('a', 30)).toBe(0);
    expect(take('a')).toBe(2100);
    pass(2100);
    expect(take('a')).toBe(0);
  });

  test('keep at most so many keys', () => {
    const { take, pass } = open(1, 1, 2);
    for (const key of ['a', 'b', 'c']) expect(take(key)).toBe(0);
    expect(take('a')).toBe(0);
    expect(take('c')).toBe(1000);
    pass(1000);
    expect(take('c')).toBe(0);
  });

  test('never refuse who stays within the rate, whatever the rhythm', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(500), { maxLength: 50 }),
        (perSecond, burst, pauses) => {
          const { take, pass } = open(perSecond, burst);
          for (const pause of pauses) {
            pass(Math.ceil(1000 / perSecond) + pause);
            expect(take('a')).toBe(0);
          }
        },
      ),
    );
  });
});
