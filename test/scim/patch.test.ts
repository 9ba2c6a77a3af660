import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../src/errors.ts';
import type { ResourceType } from '../../src/scim/attributes.ts';
import { type Resource, readResource } from '../../src/scim/input.ts';
import { applyPatch } from '../../src/scim/patch/apply.ts';
import { foldMembers } from '../../src/scim/patch/members.ts';
import { readOperations } from '../../src/scim/patch/operations.ts';
import { inspect } from '../../src/scim/safety.ts';
import { groupType } from '../../src/scim/schemas/group.ts';
import { userType } from '../../src/scim/schemas/user.ts';
import { ENTERPRISE, GROUP, PATCH, USER } from './setup.ts';

const CUSTOM = 'urn:example:params:scim:schemas:custom:2.0:User';

const work = { value: 'ann@acme.test', type: 'work', primary: true };
const home = { value: 'ann@home.test', type: 'home' };

const ann = (): Resource => ({
  userName: 'ann@acme.test',
  active: true,
  title: 'Engineer',
  name: { givenName: 'Ann', familyName: 'Lee' },
  emails: [{ ...work }, { ...home }],
  [ENTERPRISE]: { department: 'R&D', manager: { value: 'boss' } },
});

function patch(type: ResourceType, resource: Resource, operations: readonly object[]) {
  const body: unknown = JSON.parse(JSON.stringify({ schemas: [PATCH], Operations: operations }));
  inspect(body);
  return applyPatch(type, 'usr-1', resource, readOperations(body));
}

const after = (...operations: object[]): Resource => patch(userType, ann(), operations).resource;

function refusal(...operations: object[]): string {
  try {
    after(...operations);
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  throw new Error('accepted');
}

describe('PATCH changes what it names and nothing else (RFC 7644 §3.5.2)', () => {
  test('an element may be taken apart part by part in one request, and goes when nothing is left of it (SCIM-2)', () => {
    const address = { type: 'work', streetAddress: 'Main St 1', locality: 'Ulm', primary: true };
    const parts = ['streetAddress', 'locality', 'region'].map((part) => ({
      op: 'Remove',
      path: `addresses[type eq "work"].${part}`,
    }));
    const before = { ...ann(), addresses: [address, { type: 'home', locality: 'Bonn' }] };
    expect(patch(userType, before, parts).resource.addresses).toEqual([{ type: 'home', locality: 'Bonn' }]);
    const again = { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'Kiel' };
    expect(patch(userType, { ...ann(), addresses: [address] }, [...parts, again]).resource.addresses).toEqual([
      { type: 'work', primary: true, locality: 'Kiel' },
    ]);
  });

  const rows: [string, object[], Resource][] = [
    ['replace a simple attribute', [{ op: 'replace', path: 'title', value: 'Boss' }], { title: 'Boss' }],
    ['capital op, other case of the name', [{ op: 'Replace', path: 'TITLE', value: 'Boss' }], { title: 'Boss' }],
    ['all capitals', [{ op: 'ADD', path: 'nickName', value: 'A' }], { nickName: 'A' }],
    ['by full URN', [{ op: 'replace', path: `${USER}:title`, value: 'Boss' }], { title: 'Boss' }],
    ['remove', [{ op: 'remove', path: 'title' }], { title: undefined }],
    ...[
      { op: 'replace', path: `${ENTERPRISE}:manager.value`, value: '' },
      { op: 'Replace', path: `${ENTERPRISE}:manager`, value: '' },
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: { value: '' } },
      { op: 'replace', value: { [`${ENTERPRISE}:manager.value`]: '' } },
      { op: 'replace', value: { [`${ENTERPRISE}:manager`]: '' } },
      { op: 'replace', value: { [ENTERPRISE]: { 'manager.value': '' } } },
      { op: 'replace', path: ENTERPRISE, value: { manager: { value: '', $ref: 'x' } } },
      { op: 'remove', path: `${ENTERPRISE}:manager.value` },
    ].map((operation): [string, object[], Resource] => [
      `an empty manager means remove (SCIM-2): ${JSON.stringify(operation)}`,
      [operation],
      { [ENTERPRISE]: { department: 'R&D' } },
    ]),
    ['remove what is not there', [{ op: 'remove', path: 'locale' }], {}],
    ['null unassigns', [{ op: 'replace', path: 'title', value: null }], { title: undefined }],
    ['null in an object unassigns', [{ op: 'replace', value: { title: null } }], { title: undefined }],
    [
      'a sub-attribute',
      [{ op: 'replace', path: 'name.familyName', value: 'Kay' }],
      { name: { givenName: 'Ann', familyName: 'Kay' } },
    ],
    [
      'a complex attribute keeps sub-attributes that are not named',
      [{ op: 'replace', path: 'name', value: { familyName: 'Kay' } }],
      { name: { givenName: 'Ann', familyName: 'Kay' } },
    ],
    [
      'null of one sub-attribute removes that one',
      [{ op: 'replace', path: 'name', value: { givenName: null } }],
      { name: { familyName: 'Lee' } },
    ],
    [
      'the last sub-attribute takes the attribute with it',
      [
        { op: 'remove', path: 'name.givenName' },
        { op: 'remove', path: 'name.familyName' },
      ],
      { name: undefined },
    ],
    ['no path', [{ op: 'replace', value: { title: 'Boss', active: false } }], { title: 'Boss', active: false }],
    ['active alone, no path (Okta)', [{ op: 'replace', value: { active: false } }], { active: false }],
    ['a text as boolean (Entra)', [{ op: 'Replace', path: 'active', value: 'False' }], { active: false }],
    ['a text stays a text (Entra)', [{ op: 'Replace', path: 'title', value: 'True' }], { title: 'True' }],
    [
      'dotted keys (Entra)',
      [{ op: 'replace', value: { 'name.givenName': 'Anna', 'NAME.familyname': 'Kay' } }],
      { name: { givenName: 'Anna', familyName: 'Kay' } },
    ],
    [
      'flat extension keys (Entra)',
      [{ op: 'replace', value: { [`${ENTERPRISE}:department`]: 'Sales' } }],
      { [ENTERPRISE]: { department: 'Sales', manager: { value: 'boss' } } },
    ],
    [
      'an extension by path, in another case',
      [{ op: 'add', path: `${ENTERPRISE.toUpperCase()}:costCenter`, value: '7' }],
      { [ENTERPRISE]: { department: 'R&D', manager: { value: 'boss' }, costCenter: '7' } },
    ],
    [
      'an extension as an object',
      [{ op: 'replace', value: { [ENTERPRISE]: { department: 'Sales' } } }],
      { [ENTERPRISE]: { department: 'Sales', manager: { value: 'boss' } } },
    ],
    ['a whole extension goes', [{ op: 'remove', path: ENTERPRISE }], { [ENTERPRISE]: undefined }],
    [
      'manager as a bare text (Entra)',
      [{ op: 'replace', path: `${ENTERPRISE}:manager`, value: 'other' }],
      { [ENTERPRISE]: { department: 'R&D', manager: { value: 'other' } } },
    ],
    [
      'manager with no more than an unknown part',
      [{ op: 'add', path: `${ENTERPRISE}:manager`, value: { 'a.b': 1 } }],
      { [ENTERPRISE]: { department: 'R&D', manager: { value: 'boss', 'a.b': 1 } } },
    ],
    ...['', {}, { value: '' }, null].map((value): [string, object[], Resource] => [
      `manager as ${JSON.stringify(value)} removes it (Entra)`,
      [{ op: 'Replace', path: `${ENTERPRISE}:manager`, value }],
      { [ENTERPRISE]: { department: 'R&D' } },
    ]),
    [
      'value path',
      [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'a@x.test' }],
      { emails: [{ ...work, value: 'a@x.test' }, home] },
    ],
    [
      'value path with a colon, a dot and brackets in the text',
      [{ op: 'add', path: 'emails[type eq "a:b.c]d[\\"e"].value', value: 'a@x.test' }],
      { emails: [work, home, { type: 'a:b.c]d["e', value: 'a@x.test' }] },
    ],
    [
      'Entra: missing elements are made, and several operations make one',
      [
        { op: 'Add', path: 'addresses[type eq "work"].streetAddress', value: 'Main St 1' },
        { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'Ulm' },
        { op: 'Replace', path: 'phoneNumbers[type eq "mobile"].value', value: '123' },
      ],
      {
        addresses: [{ type: 'work', streetAddress: 'Main St 1', locality: 'Ulm' }],
        phoneNumbers: [{ type: 'mobile', value: '123' }],
      },
    ],
    [
      'roles[primary eq "True"].value (Entra)',
      [{ op: 'Add', path: 'roles[primary eq "True"].value', value: 'Admin' }],
      { roles: [{ primary: true, value: 'Admin' }] },
    ],
    [
      'roles as JSON in a text (Entra)',
      [{ op: 'Add', path: 'roles', value: ['{"id":"1","value":"Admin","displayName":"Admin"}'] }],
      { roles: [{ id: '1', value: 'Admin', displayName: 'Admin' }] },
    ],
    [
      'add to a list leaves what is there, and adds nothing twice',
      [{ op: 'add', path: 'emails', value: [{ ...home }, { value: 'new@x.test', type: 'other' }] }],
      { emails: [work, home, { value: 'new@x.test', type: 'other' }] },
    ],
    [
      'one value alone',
      [{ op: 'add', path: 'emails', value: { value: 'new@x.test' } }],
      { emails: [work, home, { value: 'new@x.test' }] },
    ],
    [
      'the new primary value takes the mark from the old one',
      [{ op: 'add', path: 'emails', value: [{ value: 'new@x.test', primary: true }] }],
      { emails: [{ ...work, primary: false }, home, { value: 'new@x.test', primary: true }] },
    ],
    [
      'primary by value path',
      [{ op: 'replace', path: 'emails[type eq "home"].primary', value: 'True' }],
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
    ['replace a list', [{ op: 'replace', path: 'emails', value: [home] }], { emails: [home] }],
    ['replace a list with nothing', [{ op: 'replace', path: 'emails', value: [] }], { emails: undefined }],
    ['remove by filter', [{ op: 'remove', path: 'emails[type eq "home"]' }], { emails: [work] }],
    ['remove a value by filter', [{ op: 'remove', path: 'emails[type eq "home"].value' }], { emails: [work] }],
    [
      'remove a sub-attribute by filter',
      [{ op: 'remove', path: 'emails[type eq "work"].primary' }],
      { emails: [{ value: work.value, type: 'work' }, home] },
    ],
    [
      'remove values by list (OneLogin)',
      [{ op: 'remove', path: 'emails', value: [{ value: 'ANN@home.test' }] }],
      { emails: [work] },
    ],
    [
      'replace a whole element',
      [{ op: 'replace', path: 'emails[type eq "home"]', value: { value: 'h@x.test', type: 'home' } }],
      { emails: [work, { value: 'h@x.test', type: 'home' }] },
    ],
    [
      'a key with a filter inside of an object',
      [{ op: 'replace', value: { 'emails[type eq "work"].value': 'a@x.test' } }],
      { emails: [{ ...work, value: 'a@x.test' }, home] },
    ],
    ['unknown attributes of an object are kept', [{ op: 'add', value: { shoeSize: 42 } }], { shoeSize: 42 }],
    [
      'a custom extension by object',
      [{ op: 'add', value: { [CUSTOM]: { floor: 3, 'a.b': 1 } } }],
      { [CUSTOM]: { floor: 3, 'a.b': 1 } },
    ],
    [
      'add puts values into a list and sub-attributes into an object that no schema has, and empties neither',
      [
        { op: 'add', value: { sizes: [1, 2], home: { floor: 1, door: 'a' } } },
        { op: 'add', value: { sizes: [2, 3], home: { door: 'b', bell: 'x' } } },
        { op: 'add', path: 'sizes', value: 4 },
        { op: 'add', path: 'sizes', value: [] },
        { op: 'add', path: `${CUSTOM}:tags`, value: ['p'] },
        { op: 'add', path: `${CUSTOM}:tags`, value: ['p', 'q'] },
        { op: 'replace', path: 'home', value: { floor: 2 } },
      ],
      { sizes: [1, 2, 3, 4], home: { floor: 2 }, [CUSTOM]: { tags: ['p', 'q'] } },
    ],
    ['a custom extension by path', [{ op: 'add', path: `${CUSTOM}:floor`, value: 3 }], { [CUSTOM]: { floor: 3 } }],
    ['the id repeated (Okta)', [{ op: 'replace', value: { id: 'usr-1', title: 'Boss' } }], { title: 'Boss' }],
    ['read-only attributes in an object are ignored', [{ op: 'replace', value: { groups: [], meta: {} } }], {}],
    ['password is taken and not kept', [{ op: 'replace', path: 'password', value: 'x' }], {}],
    ['schemas follow from the attributes', [{ op: 'add', path: 'schemas', value: [ENTERPRISE] }], {}],
  ];
  test.each(rows)('%s', (_title, operations, expected) => {
    const wanted = { ...ann(), ...expected };
    for (const key of Object.keys(wanted)) if (wanted[key] === undefined) delete wanted[key];
    expect(after(...operations)).toEqual(wanted);
  });
});

describe('PATCH refuses with the scimType of the RFC', () => {
  test.each<[string, object[]]>([
    ['scim_invalid_syntax', [{ op: 'move', path: 'title', value: 'x' }]],
    ['scim_invalid_syntax', [{ path: 'title', value: 'x' }]],
    ['scim_invalid_syntax', [{ op: 3, path: 'title', value: 'x' }]],
    ['scim_invalid_syntax', [[] as object]],
    ['scim_invalid_syntax', []],
    ['scim_no_target', [{ op: 'remove' }]],
    ['scim_no_target', [{ op: 'remove', path: 'emails[type eq "x"]' }]],
    ['scim_no_target', [{ op: 'remove', value: { title: 'x' } }]],
    ['scim_invalid_value', [{ op: 'replace' }]],
    ['scim_invalid_value', [{ op: 'replace', value: 'x' }]],
    ['scim_invalid_value', [{ op: 'add', path: 'title' }]],
    ['scim_invalid_value', [{ op: 'add', path: 'title', value: 5 }]],
    ['scim_invalid_value', [{ op: 'add', path: 'active', value: 'maybe' }]],
    ['scim_invalid_value', [{ op: 'add', path: 'name', value: 'Ann' }]],
    ['scim_invalid_value', [{ op: 'replace', value: { userName: { $ne: null } } }]],
    ['scim_invalid_path', [{ op: 'add', path: 5, value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'shoeSize', value: 42 }]],
    ['scim_invalid_path', [{ op: 'add', path: 'name.shoeSize', value: 42 }]],
    ['scim_invalid_path', [{ op: 'add', path: 'name..givenName', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'emails[type eq "work"', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'emails[type eq "work"]value', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'emails[type eq "work"].value.x', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'name[givenName eq "Ann"].familyName', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'a b', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'remove', path: USER }]],
    ['scim_invalid_path', [{ op: 'add', path: '__proto__.polluted', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: 'constructor.prototype.polluted', value: 'x' }]],
    ['scim_invalid_path', [{ op: 'add', path: `${ENTERPRISE}:__proto__.polluted`, value: 'x' }]],
    ['scim_invalid_syntax', [{ op: 'add', value: JSON.parse('{"__proto__":{"polluted":1}}') }]],
    ['scim_invalid_syntax', [{ op: 'add', value: { 'constructor.prototype.polluted': 1 } }]],
    ['scim_invalid_syntax', [{ op: 'add', path: 'name', value: JSON.parse('{"__proto__.polluted":1}') }]],
    ['scim_invalid_filter', [{ op: 'remove', path: 'emails[shoeSize eq 4]' }]],
    ['scim_invalid_filter', [{ op: 'remove', path: 'emails[type]' }]],
    ['scim_no_target', [{ op: 'replace', path: 'emails[type eq "x"]', value: { value: 'x' } }]],
    ['scim_no_target', [{ op: 'replace', path: 'emails[value eq "x"].type', value: 'work' }]],
    ['scim_no_target', [{ op: 'replace', path: 'emails[type sw "x"].value', value: 'x' }]],
    ['scim_mutability', [{ op: 'replace', path: 'id', value: 'usr-2' }]],
    ['scim_mutability', [{ op: 'replace', value: { id: 'usr-2' } }]],
    ['scim_mutability', [{ op: 'add', path: 'groups', value: [{ value: 'grp-1' }] }]],
    ['scim_mutability', [{ op: 'replace', path: 'meta.created', value: '2020-01-01T00:00:00Z' }]],
    ['scim_mutability', [{ op: 'replace', path: `${ENTERPRISE}:manager.displayName`, value: 'x' }]],
    ['scim_mutability', [{ op: 'remove', path: 'userName' }]],
    ['scim_mutability', [{ op: 'remove', path: 'active' }]],
    [
      'scim_invalid_value',
      [
        {
          op: 'add',
          path: 'emails',
          value: [
            { value: 'a', primary: true },
            { value: 'b', primary: true },
          ],
        },
      ],
    ],
  ])('%s: %j', (code, operations) => expect(refusal(...operations)).toBe(code));

  test('a message without schemas is taken for a PatchOp (SCIM-2)', () => {
    const [operation] = readOperations({ Operations: [{ op: 'add', path: 'title', value: 'x' }] });
    expect(operation).toEqual({ op: 'add', path: 'title', value: 'x', hasValue: true });
  });

  test('the message of an unknown schema is refused', () => {
    expect(() => readOperations({ schemas: [USER], Operations: [] })).toThrow(/PatchOp/);
  });
});

describe('members become edges to add and to remove, never a list (SCIM-4)', () => {
  const steps = (...operations: object[]) => patch(groupType, { displayName: 'G' }, operations).members;
  const fold = (...operations: object[]) => foldMembers(steps(...operations), async () => ['x']);

  test.each<[string, object[], object]>([
    ['add', [{ op: 'add', path: 'members', value: [{ value: 'a' }, { value: 'b' }] }], { add: ['a', 'b'] }],
    ['add one, not in a list', [{ op: 'Add', path: 'members', value: { value: 'a' } }], { add: ['a'] }],
    ['add without path', [{ op: 'add', value: { members: [{ value: 'a', display: 'A' }] } }], { add: ['a'] }],
    ['remove by filter', [{ op: 'remove', path: 'members[value eq "a"]' }], { remove: ['a'] }],
    [
      'remove by several ids',
      [{ op: 'remove', path: 'members[value eq "a" or value eq "b"]' }],
      { remove: ['a', 'b'] },
    ],
    [
      'remove by list (Entra)',
      [{ op: 'Remove', path: 'members', value: [{ $ref: null, value: 'a' }] }],
      { remove: ['a'] },
    ],
    ['remove by an empty list removes nobody', [{ op: 'remove', path: 'members', value: [] }], {}],
    ['remove without value empties', [{ op: 'remove', path: 'members' }], { replace: [] }],
    ['replace', [{ op: 'replace', path: 'members', value: [{ value: 'a' }] }], { replace: ['a'] }],
    ['replace with nothing', [{ op: 'replace', value: { members: [] } }], { replace: [] }],
    ['a rename says nothing of members (Okta)', [{ op: 'replace', value: { id: 'usr-1', displayName: 'H' } }], {}],
    ['null members say nothing', [{ op: 'replace', value: { displayName: 'H', members: null } }], {}],
    [
      'the last word counts',
      [
        { op: 'add', path: 'members', value: [{ value: 'a' }, { value: 'b' }] },
        { op: 'remove', path: 'members[value eq "a"]' },
      ],
      { add: ['b'], remove: ['a'] },
    ],
    [
      'a replacement forgets what came before',
      [
        { op: 'add', path: 'members', value: [{ value: 'a' }] },
        { op: 'replace', path: 'members', value: [{ value: 'b' }] },
        { op: 'add', path: 'members', value: [{ value: 'c' }] },
        { op: 'remove', path: 'members', value: [{ value: 'b' }] },
      ],
      { replace: ['c'] },
    ],
    ['by a condition', [{ op: 'remove', path: 'members[type eq "User"]' }], { remove: ['x'] }],
    [
      'replace those that a filter chooses',
      [{ op: 'replace', path: 'members[value eq "x"]', value: [{ value: 'a' }, { value: 'b' }] }],
      { remove: ['x'], add: ['a', 'b'] },
    ],
    [
      'replace one by itself',
      [{ op: 'replace', path: 'members[value eq "x"]', value: { value: 'x' } }],
      { add: ['x'] },
    ],
    [
      'replace one of those that a replacement has put there',
      [
        { op: 'replace', path: 'members', value: [{ value: 'x' }, { value: 'y' }] },
        { op: 'replace', path: 'members[value eq "x"]', value: { value: 'z' } },
      ],
      { replace: ['y', 'z'] },
    ],
  ])('%s', async (_title, operations, expected) => expect(await fold(...operations)).toEqual(expected));

  test.each<[RegExp, object]>([
    [/cannot be changed/, { op: 'replace', path: 'members[value eq "a"].display', value: 'x' }],
    [/cannot be changed/, { op: 'add', path: 'members.value', value: 'x' }],
    [/null names nobody/, { op: 'replace', path: 'members[value eq "a"]', value: null }],
    [/cannot be chosen by display/, { op: 'replace', path: 'members[display eq "x"]', value: { value: 'a' } }],
    [/chooses members to remove/, { op: 'add', path: 'members[value eq "a"]', value: { value: 'a' } }],
    [/null names nobody/, { op: 'remove', path: 'members', value: null }],
    [/needs the id/, { op: 'add', path: 'members', value: [{ display: 'x' }] }],
    [/needs the id/, { op: 'add', path: 'members', value: [5] }],
    [/cannot be chosen by display/, { op: 'remove', path: 'members[display eq "x"]' }],
  ])('%s: %j', (message, operation) => expect(() => steps(operation)).toThrow(message));

  test.each<[string, object[]]>([
    ['was just removed', [{ op: 'remove', path: 'members[value eq "x"]' }]],
    ['a replacement has left out', [{ op: 'replace', path: 'members', value: [{ value: 'y' }] }]],
  ])('replacing one who %s is noTarget (RFC 7644 3.5.2.3)', async (_title, before) => {
    const replacing = fold(...before, { op: 'replace', path: 'members[value eq "x"]', value: { value: 'z' } });
    await expect(replacing).rejects.toMatchObject({ code: 'scim_no_target' });
  });
});

describe('whatever comes, the process stays as it was', () => {
  const name = fc.constantFrom(
    'title',
    'name',
    'emails',
    'name.givenName',
    'members',
    'active',
    ENTERPRISE,
    `${ENTERPRISE}:manager`,
    CUSTOM,
    '__proto__',
    'constructor',
    'prototype',
    '__proto__.x',
    'constructor.prototype.x',
    'a.b',
    'emails[type eq "work"]',
    'emails[type eq "work"].value',
    'emails[__proto__ eq "x"].y',
    'toString',
    'hasOwnProperty',
    'value',
    '$ref',
    '',
  );
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, 'True', '', 'x', 0, -1.5),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.oneof(name, fc.string()), tie('value')), { maxLength: 4 })
        .map((entries) =>
          JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`),
        ),
    ),
  })).value;
  const operation = fc.record(
    { op: fc.constantFrom('add', 'Replace', 'remove'), path: fc.oneof(name, fc.string()), value: json },
    { requiredKeys: ['op'] },
  );
  const clean = () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  };

  test('arbitrary PATCH messages pollute nothing, and end in a resource or an AppError', () => {
    fc.assert(
      fc.property(fc.constantFrom(userType, groupType), fc.array(operation, { maxLength: 4 }), (type, operations) => {
        const Operations = JSON.parse(JSON.stringify(operations));
        const before = JSON.stringify(Operations);
        try {
          inspect(Operations);
          applyPatch(type, 'usr-1', ann(), readOperations({ schemas: [PATCH], Operations }));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
        expect(JSON.stringify(Operations)).toBe(before);
        clean();
      }),
      { numRuns: 2000 },
    );
  });

  test('arbitrary operations that skip the first inspection pollute nothing either', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 4 }), (operations) => {
        try {
          applyPatch(userType, 'usr-1', ann(), readOperations({ schemas: [PATCH], Operations: operations }));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
        clean();
      }),
      { numRuns: 2000 },
    );
  });

  test('arbitrary bodies of a POST pollute nothing', () => {
    fc.assert(
      fc.property(json, (body) => {
        try {
          const named = { schemas: [USER, GROUP], ...(body as object) };
          inspect(named);
          readResource(userType, named);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
        clean();
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an empty manager in a POST or PUT is none (SCIM-2, SCIM-CLIENTS: empty means remove)', () => {
  test.each<[string, object]>([
    ['a text', { [ENTERPRISE]: { manager: '' } }],
    ['an object', { [ENTERPRISE]: { manager: { value: '' } } }],
    ['an object with more in it', { [ENTERPRISE]: { manager: { value: '', $ref: 'x' } } }],
    ['a flat key', { [`${ENTERPRISE}:manager.value`]: '' }],
    ['a flat key beside another', { [`${ENTERPRISE}:manager.value`]: '', [`${ENTERPRISE}:manager.$ref`]: 'x' }],
    ['a dotted key', { [ENTERPRISE]: { 'manager.value': '' } }],
  ])('%s', (_title, fields) => {
    expect(readResource(userType, { schemas: [USER], userName: 'ann', ...fields }).resource).toEqual({
      userName: 'ann',
    });
  });
});
