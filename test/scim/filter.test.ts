import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasCode } from '../../src/errors.ts';
import { matches } from '../../src/scim/filter/match.ts';
import { parseFilter } from '../../src/scim/filter/parse.ts';
import { groupType } from '../../src/scim/schemas/group.ts';
import { userType } from '../../src/scim/schemas/user.ts';
import { ENTERPRISE, USER } from './setup.ts';

const ann = {
  schemas: [USER, ENTERPRISE],
  id: 'usr-1',
  externalId: 'X-1',
  userName: 'Ann@Example.com',
  displayName: 'Ann "The Lion" Lee',
  active: true,
  title: 'True',
  name: { givenName: 'Ann', familyName: 'Lee' },
  nickName: '',
  profileUrl: 'https://example.com/Ann',
  emails: [
    { value: 'ann@example.com', type: 'work', primary: true },
    { value: 'ann@home.example', type: 'home' },
  ],
  [ENTERPRISE]: { department: 'R&D', manager: { value: 'boss' } },
  meta: { resourceType: 'User', created: '2026-01-02T03:04:05.678Z', lastModified: '2026-02-02T00:00:00.000Z' },
};

const holds = (filter: string): boolean => matches(parseFilter(userType, filter), ann);

function refusal(filter: string): string {
  try {
    parseFilter(userType, filter);
  } catch (error) {
    if (hasCode(error, 'scim_invalid_filter')) return error.message;
    throw error;
  }
  throw new Error(`${filter} was accepted`);
}

describe('a filter means what RFC 7644 §3.4.2.2 says', () => {
  test.each([
    ['userName eq "ann@example.com"', true],
    ['USERNAME EQ "ANN@EXAMPLE.COM"', true],
    [`${USER}:userName eq "ann@example.com"`, true],
    [`${USER.toUpperCase()}:username eq "ann@example.com"`, true],
    ['userName ne "bob"', true],
    ['userName ne "ann@example.com"', false],
    ['userName co "@EXAMPLE"', true],
    ['userName sw "ann@"', true],
    ['userName ew ".com"', true],
    ['userName gt "ann"', true],
    ['userName lt "ann"', false],
    ['userName ge "ann@example.com"', true],
    ['userName le "ann@example.com"', true],
    ['externalId eq "X-1"', true],
    ['externalId eq "x-1"', false],
    ['id eq "usr-1"', true],
    ['id eq "USR-1"', false],
    ['profileUrl eq "https://example.com/ann"', false],
    ['active eq true', true],
    ['active eq "True"', true],
    ['active ne false', true],
    ['title eq "true"', true],
    ['title pr', true],
    ['nickName pr', false],
    ['locale pr', false],
    ['name pr', true],
    ['locale ne "de"', true],
    ['locale eq null', true],
    ['title ne null', true],
    ['name.familyName eq "LEE"', true],
    ['emails eq "ANN@home.example"', true],
    ['emails.value sw "ann@home"', true],
    ['emails.type eq "home"', true],
    ['emails[type eq "work"].value eq "ann@example.com"', true],
    ['emails[type eq "work"].value eq "ann@home.example"', false],
    ['emails[type eq "home" and value co "home"]', true],
    ['emails[type eq "work" and value co "home"]', false],
    ['emails[not (type eq "work")]', true],
    ['emails[primary eq true].value pr', true],
    ['emails[type eq "work"].value eq "ann@example.com" and active eq true', true],
    [`${ENTERPRISE}:department eq "r&d"`, true],
    [`${ENTERPRISE}:manager.value eq "boss"`, true],
    [`${ENTERPRISE}:manager eq "boss"`, true],
    ['meta.created eq "2026-01-02T04:04:05.678+01:00"', true],
    ['meta.created eq "2026-01-02T03:04:05.678000Z"', true],
    ['meta.created eq "2026-01-02T03:04:05.678"', true],
    ['meta.created lt "2026-01-02T03:04:06+00:00"', true],
    ['meta.created ge "2026-01-02T05:04:05.679+02:00"', false],
    ['meta.created gt "2026-01-02"', true],
    ['meta.lastModified gt "2026-02-01T00:00:00Z"', true],
    ['meta.resourceType eq "User"', true],
    [`schemas eq "${ENTERPRISE}"`, true],
    ['displayName eq "Ann \\"The Lion\\" Lee"', true],
    ['displayName eq "Ann \\u0022The Lion\\u0022 Lee"', true],
    ['not (active eq false)', true],
    ['active eq false or title pr and userName sw "ann"', true],
    ['(active eq false or title pr) and userName sw "bob"', false],
    ['active eq true and not (title pr) or id pr', true],
    ['title eq "and" or title eq "(" or title eq "]" or title eq "True"', true],
  ])('%s → %s', (filter, expected) => expect(holds(filter)).toBe(expected));

  test('backslashes and colons in values are what JSON makes of them', () => {
    const user = { userName: 'a\\b:c.d' };
    expect(matches(parseFilter(userType, 'userName eq "a\\\\b:c.d"'), user)).toBe(true);
    expect(matches(parseFilter(userType, 'userName eq "a\\\\\\\\b:c.d"'), user)).toBe(false);
  });
});

describe('a filter that cannot be answered is refused with invalidFilter', () => {
  test.each([
    ['', /empty/],
    ['   ', /empty/],
    ['userName', /position 9: an operator is expected/],
    ['userName eq', /position 12: eq needs a value/],
    ['eq "x"', /position 1: a User has no attribute eq/],
    ['userName is "x"', /position 10: an operator is expected here, not is /],
    ['userName eq "x" and', /position 20: it ends where an attribute is expected/],
    ['userName eq "x" or or', /position 20: a User has no attribute or/],
    ['userName eq "x" active pr', /position 17: and, or or the end is expected/],
    ['userName pr)', /position 12/],
    ['()', /position 2: an attribute is expected/],
    ['active eq true and name.familyName eq 7', /position 20: name.familyName is a text/],
    ['(userName eq "x"', /position 17: "\)" is missing; the group was opened at position 1/],
    ['userName eq "x")', /position 16: and, or or the end is expected/],
    ['userName eq x', /position 13: eq needs a value/],
    ['userName eq "x', /position 13: a text has no end/],
    ["userName eq 'x'", /position 13/],
    ['userName eq "\\q"', /not a valid JSON string/],
    ['userName eq "\\u0000"', /NUL/],
    ['userName eq "x"; drop', /position 16/],
    ['not userName eq "x"', /not needs a group/],
    ['emails[type eq "a"', /position 19: "\]" is missing; the group was opened at position 7/],
    ['emails[type eq "a"].value', /position 26: an operator/],
    ['emails[type eq "a"].value eq', /needs a value|is expected/],
    ['emails[addresses[type eq "a"]]', /inside of another/],
    ['userName[value eq "x"]', /no sub-attributes/],
    ['emails[nothing eq "x"]', /no sub-attribute nothing/],
    ['shoeSize eq "42"', /no attribute shoeSize/],
    ['name.nothing eq "42"', /no attribute name.nothing/],
    ['urn:example:2.0:User:floor eq "3"', /no attribute urn:example:2.0:User:floor/],
    ['password eq "x"', /password cannot be filtered by/],
    ['userName eq 5', /is a text/],
    ['userName eq true', /is a text/],
    ['active gt true', /is a boolean/],
    ['active eq "maybe"', /is a boolean/],
    ['name eq "x"', /is complex/],
    ['meta.created eq "yesterday"', /is a date/],
    ['meta.created eq "1"', /is a date/],
    ['meta.created eq "2026-02-30T99:00:00Z"', /is a date/],
    ['userName eq 1e999', /position 13: the number is too large/],
    ['meta.created co "2026"', /is a date/],
    ['userName gt null', /null/],
    ['__proto__ eq "x"', /position 1|no attribute/],
    ['constructor.prototype eq "x"', /no attribute/],
    ['name.constructor eq "x"', /no attribute/],
    ['(((((((((((((((((((((((userName pr)))))))))))))))))))))))', /nested/],
  ])('%s', (filter, message) => expect(refusal(filter)).toMatch(message));

  test('groups have no userName, users no members', () => {
    expect(() => parseFilter(groupType, 'userName eq "x"')).toThrow(/a Group has no attribute userName/);
    expect(() => parseFilter(userType, 'members eq "x"')).toThrow(/a User has no attribute members/);
  });
});

describe('no filter keeps the process busy', () => {
  test.each([
    ['backslashes', `userName eq "${'\\'.repeat(5000)}`],
    ['escaped backslashes', `userName eq "${'\\\\'.repeat(2500)}"`],
    ['line feeds without an end', `userName eq "${'\n'.repeat(5000)}`],
    ['parentheses', '('.repeat(5000)],
    ['brackets', 'emails['.repeat(900)],
    ['words', 'a '.repeat(4000)],
    ['blanks', ' '.repeat(8000)],
    ['too long', `userName eq "${'a'.repeat(9000)}"`],
    ['conjunctions', Array(300).fill('active eq true').join(' and ')],
  ])('%s', (_name, filter) => {
    const start = performance.now();
    try {
      parseFilter(userType, filter);
    } catch (error) {
      expect(hasCode(error, 'scim_invalid_filter')).toBe(true);
    }
    // not a measure: a reader that hangs takes minutes
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('whatever the text, the answer is a condition or invalidFilter', () => {
    const word = fc.constantFrom(
      'userName',
      'emails',
      '[',
      ']',
      '(',
      ')',
      '.',
      'eq',
      'and',
      'not',
      '"x"',
      'pr',
      '.value',
      '$ref',
      '%',
      '\\',
      '"',
      '-1',
      'true',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            matches(parseFilter(userType, text), ann);
          } catch (error) {
            if (!hasCode(error, 'scim_invalid_filter')) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
