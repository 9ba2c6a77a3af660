import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { resolveReturnTo } from '../../../src/sso/returnTo.ts';

const allowed = { baseUrl: 'https://gatehouse.test', origins: ['https://console.test', 'http://localhost:5173'] };
const resolve = (text: string) => resolveReturnTo(text, allowed);

describe('a place to return to', () => {
  test.each([
    ['/', 'https://gatehouse.test/'],
    ['/projects/1?tab=keys#top', 'https://gatehouse.test/projects/1?tab=keys#top'],
    ['/a/../b', 'https://gatehouse.test/b'],
    ['/a//b', 'https://gatehouse.test/a//b'],
    ['/back?to=https://evil.test/', 'https://gatehouse.test/back?to=https://evil.test/'],
    ['/name%20with%20blanks', 'https://gatehouse.test/name%20with%20blanks'],
    ['https://gatehouse.test/x', 'https://gatehouse.test/x'],
    ['HTTPS://Gatehouse.TEST:443/x', 'https://gatehouse.test/x'],
    ['https://console.test/x', 'https://console.test/x'],
    ['http://localhost:5173/', 'http://localhost:5173/'],
  ])('%s leads to %s', (text, place) => {
    expect(resolve(text)).toBe(place);
  });

  test.each([
    ['nothing', ''],
    ['a name', 'projects'],
    ['another origin', 'https://evil.test/'],
    ['no scheme', '//evil.test/'],
    ['three slashes', '///evil.test/'],
    ['a backslash', '/\\evil.test/'],
    ['two backslashes', '\\\\evil.test/'],
    ['a tab between the slashes', '/\t/evil.test/'],
    ['a line feed between the slashes', '/\n/evil.test/'],
    ['a blank before', ' //evil.test/'],
    ['dots that vanish', '/.//evil.test/'],
    ['dots that lead up', '/a/..//evil.test/'],
    ['encoded dots that vanish', '/%2e//evil.test/'],
    ['an encoded slash', '/%2fevil.test/'],
    ['an encoded backslash', '/%5Cevil.test/'],
    ['a slash that is encoded twice', '/%252fevil.test/'],
    ['an encoded slash further on', '/a/..%2f..%2fevil.test'],
    ['our name as a user', 'https://gatehouse.test@evil.test/'],
    ['a user', 'https://me@gatehouse.test/'],
    ['a user and a password', 'https://me:secret@gatehouse.test/'],
    ['our name and more', 'https://gatehouse.test.evil.test/'],
    ['our name without its end', 'https://gatehouse.tes/'],
    ['another port', 'https://gatehouse.test:8443/'],
    ['another scheme', 'http://gatehouse.test/'],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['a scheme without slashes', 'https:gatehouse.test'],
    ['a scheme with one slash', 'https:/evil.test'],
    ['a scheme with three slashes', 'https:///evil.test'],
    ['a look-alike letter', 'https://gаtehouse.test/'],
    ['a look-alike in punycode', 'https://xn--gtehouse-2fg.test/'],
    ['a wide slash', '/／evil.test/'],
    ['a NUL', '/\0/evil.test'],
    ['more than any address', `/${'x'.repeat(3000)}`],
  ])('%s leads nowhere (open redirect)', (_title, text) => {
    expect(resolve(text)).toBeUndefined();
  });

  test('whatever is given, it leads to an allowed origin or nowhere, and says the same when it is read again', () => {
    const parts = fc.constantFrom(
      ...['/', '\\', '.', '..', '//', '@', ':', '?', '#', '%2f', '%5c', '%25', '%09', '\t', '\n', ' ', '\0', '／'],
      ...['https://', 'http:', 'javascript:', 'evil.test', 'gatehouse.test', 'console.test', 'localhost:5173', 'x'],
    );
    const texts = fc.oneof(
      fc.array(parts, { maxLength: 12 }).map((all) => all.join('')),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const place = resolve(text);
        if (place === undefined) return;
        // As a browser reads it on any page.
        const read = new URL(place, 'https://somewhere.test/page');
        expect(['https://gatehouse.test', ...allowed.origins]).toContain(read.origin);
        expect(read.href).toBe(place);
        expect(new URL(read.pathname, 'https://somewhere.test').origin).toBe('https://somewhere.test');
        expect(resolve(place)).toBe(place);
      }),
      { numRuns: 2000 },
    );
  });
});
