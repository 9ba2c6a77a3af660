import { describe, expect, test } from '@jest/globals';
import { groupBy } from '../../../src/lib/groupBy.ts';
import { nearest } from '../../../src/lib/nearest.ts';
import { caseKey, cut } from '../../../src/lib/text.ts';

describe('case keys', () => {
  test('texts that differ in case or composition only have one key', () => {
    expect(caseKey('Ada@Example.COM')).toBe('ada@example.com');
    expect(caseKey('ZOE\u0308')).toBe(caseKey('zoë'));
  });

  test('blanks and accents count', () => {
    expect(caseKey('a  b')).not.toBe(caseKey('a b'));
    expect(caseKey(' a')).not.toBe(caseKey('a'));
    expect(caseKey('zoë')).not.toBe(caseKey('zoe'));
  });
});

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'abc'],
  ['ab😀', 3, 'ab'],
  ['ab😀', 4, 'ab😀'],
  ['😀😀', 2, '😀'],
])('%s, cut to %d, has no half of a character', (text, limit, expected) => {
  expect(cut(text, limit)).toBe(expected);
});

describe('the nearest name', () => {
  test.each([
    ['userNmae', 'userName'],
    ['displayname', 'displayName'],
    ['active', 'active'],
    ['color', undefined],
    ['', undefined],
  ])('%s → %s', (text, expected) => {
    expect(nearest(text, ['userName', 'displayName', 'active'])).toBe(expected);
  });
});

test('groups keep the order of their first items, and items their own', () => {
  const groups = groupBy(['b1', 'a1', 'b2'], (item) => item.charAt(0));
  expect([...groups]).toEqual([
    ['b', ['b1', 'b2']],
    ['a', ['a1']],
  ]);
});
