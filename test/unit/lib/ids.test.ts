import { describe, expect, test } from '@jest/globals';
import { isId, newId } from '../../../src/lib/ids.ts';

describe('ids', () => {
  test('an id is a prefix and a ULID: lower case, safe in a URL, without underscores', () => {
    expect(newId('organization')).toMatch(/^org-[0-9a-hjkmnp-tv-z]{26}$/);
    expect(newId('directoryUser')).toMatch(/^usr-[0-9a-hjkmnp-tv-z]{26}$/);
  });

  test('ids sort by the order of their making, also within one millisecond', () => {
    const ids = Array.from({ length: 5000 }, () => newId('account'));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('the form of an id tells its kind', () => {
    const id = newId('member');
    expect(isId('member', id)).toBe(true);
    expect(isId('organization', id)).toBe(false);
    for (const text of ['', 'mem-', `${id}x`, id.slice(1), id.replace('-', '_')])
      expect(isId('member', text)).toBe(false);
  });
});
