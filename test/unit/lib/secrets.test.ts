import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { equalSecrets, hashSecret, matcherOf, newSecret, openSealer } from '../../../src/lib/secrets.ts';

describe('secrets', () => {
  test('a secret carries its prefix and 256 random bits', () => {
    expect(newSecret('ghd_')).toMatch(/^ghd_[0-9a-f]{64}$/);
    expect(newSecret('ghd_')).not.toBe(newSecret('ghd_'));
  });

  test('the hash is SHA-256 in hex', () => {
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hashSecret('é')).not.toBe(hashSecret('e\u0301'));
  });

  test('secrets are equal only when all of them is', () => {
    expect(equalSecrets('abc', 'abc')).toBe(true);
    expect(equalSecrets('abc', 'abd')).toBe(false);
    expect(equalSecrets('abc', 'abcd')).toBe(false);
    expect(equalSecrets('', 'a')).toBe(false);
  });

  test('a matcher knows each of its secrets whole, and nothing else', () => {
    const knows = matcherOf(['abc', 'former']);
    expect(['abc', 'former', 'ab', 'abcd', 'ABC', ''].map(knows)).toEqual([true, true, false, false, false, false]);
    expect(matcherOf([])('')).toBe(false);
  });
});

describe('sealing (KEY-3)', () => {
  const sealer = openSealer('key one');

  test('what is sealed opens again, and looks different each time', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => sealer.open(sealer.seal(text)) === text));
    expect(sealer.seal('x')).not.toBe(sealer.seal('x'));
    expect(sealer.seal('ghk_plain')).not.toContain('plain');
  });

  test('a text of another key, changed, cut, or of no known version does not open', () => {
    const sealed = sealer.seal('the key');
    const bytes = Buffer.from(sealed.slice(3), 'base64url');
    const changed = (at: number): string => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
      return `v1.${copy.toString('base64url')}`;
    };
    for (let at = 0; at < bytes.length; at += 1) expect(() => sealer.open(changed(at))).toThrow();
    expect(() => openSealer('key two').open(sealed)).toThrow();
    for (const text of ['', 'v1.', sealed.slice(0, -4), sealed.slice(3), `v2.${sealed.slice(3)}`]) {
      expect(() => sealer.open(text)).toThrow();
    }
  });
});
