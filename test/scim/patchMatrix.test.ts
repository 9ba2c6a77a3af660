/**
 * PATCH, exhaustively (RFC 7644 §3.5.2.1 to §3.5.2.3): every operation on every shape of attribute, in every state that
 * the attribute may be in before, addressed in every way that clients have.
 */
import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/errors.ts';
import { type AttributeTable, attribute, byName, type ResourceType } from '../../src/scim/attributes.ts';
import type { Resource } from '../../src/scim/input.ts';
import { applyPatch } from '../../src/scim/patch/apply.ts';
import { readOperations } from '../../src/scim/patch/operations.ts';
import { userType } from '../../src/scim/schemas/user.ts';
import { ENTERPRISE, PATCH, USER } from './setup.ts';

const BADGE = 'urn:example:badge:1.5:User';
const badge: AttributeTable = {
  urn: BADGE,
  name: 'Badge',
  description: '',
  attributes: byName([
    attribute('level', 'integer', ''),
    attribute('zones', 'string', '', { multiValued: true }),
    attribute('room', 'complex', '', {}, [attribute('floor', 'integer', ''), attribute('door', 'string', '')]),
    attribute('visits', 'complex', '', { multiValued: true }, [
      attribute('value', 'string', ''),
      attribute('type', 'string', ''),
      attribute('display', 'string', ''),
      attribute('primary', 'boolean', ''),
    ]),
  ]),
};
const type: ResourceType = { ...userType, extensions: [...userType.extensions, badge] };
const UNKNOWN = 'urn:nobody:knows:2.0:User';

/** What every resource has beside the attribute at issue: a neighbour in each holder, so that nothing else may go. */
const base = (): Resource => ({
  userName: 'ann',
  active: true,
  nickName: 'A',
  [ENTERPRISE]: { division: 'D' },
  [BADGE]: { zones: ['z'] },
});

type Op = 'add' | 'replace' | 'remove';
interface Shape {
  readonly path: string;
  /** Where the value stands. */
  readonly keys: readonly string[];
  readonly kind: 'simple' | 'complex' | 'list';
  readonly a: unknown;
  readonly b: unknown;
}

const work = { value: 'a@acme.test', type: 'work' };
const home = { value: 'b@acme.test', type: 'home' };
const shapes: readonly Shape[] = [
  { path: 'title', keys: ['title'], kind: 'simple', a: 'Boss', b: 'Clerk' },
  { path: 'profileUrl', keys: ['profileUrl'], kind: 'simple', a: 'https://a.test/', b: 'https://a.test/B' },
  { path: 'displayName', keys: ['displayName'], kind: 'simple', a: 'Ann', b: 'ann' },
  {
    path: 'name',
    keys: ['name'],
    kind: 'complex',
    a: { givenName: 'Ann', familyName: 'Lee' },
    b: { givenName: 'Bo', middleName: 'X' },
  },
  { path: 'name.givenName', keys: ['name', 'givenName'], kind: 'simple', a: 'Ann', b: 'Bo' },
  { path: 'emails', keys: ['emails'], kind: 'list', a: work, b: home },
  { path: 'roles', keys: ['roles'], kind: 'list', a: { value: 'Admin', type: 'work', extra: 1 }, b: { value: 'User' } },
  {
    path: 'addresses',
    keys: ['addresses'],
    kind: 'list',
    a: { type: 'work', locality: 'Ulm' },
    b: { locality: 'Bonn' },
  },
  { path: `${ENTERPRISE}:department`, keys: [ENTERPRISE, 'department'], kind: 'simple', a: 'R&D', b: 'Ops' },
  {
    path: `${ENTERPRISE}:manager`,
    keys: [ENTERPRISE, 'manager'],
    kind: 'complex',
    a: { value: 'm1' },
    b: { value: 'm2', $ref: '../Users/m2' },
  },
  { path: `${ENTERPRISE}:manager.$ref`, keys: [ENTERPRISE, 'manager', '$ref'], kind: 'simple', a: '../m1', b: '../m2' },
  { path: `${BADGE}:level`, keys: [BADGE, 'level'], kind: 'simple', a: 1, b: 2 },
  { path: `${BADGE}:zones`, keys: [BADGE, 'zones'], kind: 'list', a: 'north', b: 'south' },
  { path: `${BADGE}:room`, keys: [BADGE, 'room'], kind: 'complex', a: { floor: 1, door: 'a' }, b: { floor: 2 } },
  { path: `${BADGE}:room.door`, keys: [BADGE, 'room', 'door'], kind: 'simple', a: 'a', b: 'b' },
  { path: `${BADGE}:visits`, keys: [BADGE, 'visits'], kind: 'list', a: work, b: home },
  { path: `${UNKNOWN}:floor`, keys: [UNKNOWN, 'floor'], kind: 'simple', a: 3, b: 'three' },
];

const isObject = (value: unknown): value is Resource =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The resource with this value there; objects that nothing is left in go with it. */
function having(resource: Resource, [first = '', ...rest]: readonly string[], value: unknown): Resource {
  const { [first]: held, ...others } = resource;
  const next = rest.length === 0 ? value : having(isObject(held) ? held : {}, rest, value);
  const empty = next === undefined || (isObject(next) && Object.keys(next).length === 0);
  return empty ? others : { ...others, [first]: next };
}

/** The operation in all forms that mean it. */
function formsOf({ path, keys }: Shape, op: Op, value: unknown): readonly (readonly [string, object])[] {
  const [urn, name] = /^urn:/.test(path) ? [keys[0] ?? '', path.slice((keys[0] ?? '').length + 1)] : [USER, path];
  const full = `${urn}:${name}`;
  const said = op === 'remove' ? {} : { value };
  const byPath = [
    ['path', { op, path, ...said }],
    ['capital op', { op: op[0]?.toUpperCase() + op.slice(1), path, ...said }],
    [
      'op and member names in capitals',
      Object.fromEntries(Object.entries({ op: op.toUpperCase(), path, ...said }).map(([k, v]) => [k.toUpperCase(), v])),
    ],
    ['path by URN', { op, path: full, ...said }],
    ...(urn === UNKNOWN ? [] : [['path in capitals', { op, path: path.toUpperCase(), ...said }] as const]),
  ] as const;
  if (op === 'remove') return byPath;
  return [
    ...byPath,
    ['no path', { op, value: { [path]: value } }],
    ['no path, by URN', { op, value: { [full]: value } }],
    ['no path, in the object of the schema', { op, value: { [urn]: { [name]: value } } }],
    ['the schema as path', { op, path: urn, value: { [name]: value } }],
  ];
}

const patched = (resource: Resource, ...operations: readonly object[]) =>
  applyPatch(
    type,
    'usr-1',
    resource,
    readOperations(JSON.parse(JSON.stringify({ schemas: [PATCH], Operations: operations }))),
  );

/** What the RFC says becomes of the value. */
function expected({ kind }: Shape, op: Op, before: unknown, value: unknown): unknown {
  if (op === 'remove') return undefined;
  const nothing = value === null || (Array.isArray(value) && value.length === 0);
  if (kind === 'list') {
    const held = Array.isArray(before) ? before : [];
    const given = nothing ? [] : Array.isArray(value) ? value : [value];
    const next =
      op === 'replace'
        ? given
        : [...held, ...given.filter((one) => !held.some((other) => JSON.stringify(one) === JSON.stringify(other)))];
    return next.length === 0 ? undefined : next;
  }
  if (nothing) return undefined;
  if (kind !== 'complex' || !isObject(before) || !isObject(value)) return value;
  // the address of somebody whose id has been replaced goes with the id
  const { $ref, ...held } = before;
  const stays = $ref !== undefined && (value.value === undefined || value.value === before.value);
  return { ...held, ...(stays && { $ref }), ...value };
}

describe.each(shapes)('$path', (shape) => {
  const { a, b, kind, keys } = shape;
  const states: readonly (readonly [string, unknown])[] =
    kind === 'list'
      ? [
          ['absent', undefined],
          ['equal', [a]],
          ['other', [b]],
          ['both', [a, b]],
        ]
      : [
          ['absent', undefined],
          ['equal', a],
          ['other', b],
        ];
  const values: readonly unknown[] = kind === 'list' ? [[a], a, [a, a], [], null] : [a, null];

  describe.each(states)('%s before', (state, before) => {
    const resource = () => having(base(), keys, before);

    test.each(['add', 'replace', 'remove'] as const)('%s, in every form', (op) => {
      for (const value of op === 'remove' ? [undefined] : values) {
        const distinct = Array.isArray(value) ? [...new Set(value)] : value;
        const wanted = having(base(), keys, expected(shape, op, before, distinct));
        for (const [form, operation] of formsOf(shape, op, value)) {
          const result = patched(resource(), operation);
          expect([form, value, result.resource]).toEqual([form, value, wanted]);
          const idle = state === 'absent' && expected(shape, op, before, distinct) === undefined;
          expect([form, value, result.notes.has('nothing_to_remove')]).toEqual([form, value, idle]);
        }
      }
    });
  });
});

describe('a value path chooses elements (RFC 7644 §3.5.2)', () => {
  const lists = [
    ['emails', ['emails']],
    [`${BADGE}:visits`, [BADGE, 'visits']],
  ] as const;
  const of = (keys: readonly string[], ...list: unknown[]) =>
    having(base(), keys, list.length === 0 ? undefined : list);
  const code = (resource: Resource, operation: object): string => {
    try {
      patched(resource, operation);
    } catch (error) {
      if (error instanceof AppError) return error.code;
      throw error;
    }
    return 'accepted';
  };

  describe.each(lists)('%s', (name, keys) => {
    const rows: readonly [string, unknown[], object, unknown[]][] = [
      [
        'replace of an element',
        [work, home],
        { op: 'replace', path: '[type eq "work"]', value: { value: 'c' } },
        [{ value: 'c' }, home],
      ],
      [
        'add to an element',
        [work, home],
        { op: 'add', path: '[type eq "work"]', value: { display: 'W' } },
        [{ ...work, display: 'W' }, home],
      ],
      [
        'add where none is like this makes one',
        [home],
        { op: 'add', path: '[type eq "work"]', value: { value: 'c' } },
        [home, { type: 'work', value: 'c' }],
      ],
      ['remove of an element', [work, home], { op: 'remove', path: '[type eq "work"]' }, [home]],
      ['remove of the last element', [work], { op: 'remove', path: '[type eq "work"]' }, []],
      [
        'remove by several conditions',
        [work, home],
        { op: 'remove', path: '[type eq "work" and value co "a@"]' },
        [home],
      ],
      ['remove of all that are like this', [work, home], { op: 'remove', path: '[value co "@acme"]' }, []],
      [
        'add of a sub-attribute',
        [work, home],
        { op: 'add', path: '[type eq "home"].display', value: 'H' },
        [work, { ...home, display: 'H' }],
      ],
      [
        'replace of a sub-attribute',
        [work, home],
        { op: 'replace', path: '[type eq "home"].value', value: 'c' },
        [work, { ...home, value: 'c' }],
      ],
      [
        'the same value again',
        [work, home],
        { op: 'replace', path: '[type eq "home"].value', value: home.value },
        [work, home],
      ],
      [
        'replace of a sub-attribute of all',
        [work, home],
        { op: 'replace', path: '[value pr].display', value: 'D' },
        [
          { ...work, display: 'D' },
          { ...home, display: 'D' },
        ],
      ],
      [
        'a sub-attribute of an element that is not there (Entra)',
        [],
        { op: 'replace', path: '[type eq "work"].value', value: 'c' },
        [{ type: 'work', value: 'c' }],
      ],
      [
        'null of a sub-attribute',
        [{ ...work, display: 'W' }],
        { op: 'replace', path: '[type eq "work"].display', value: null },
        [work],
      ],
      [
        'remove of a sub-attribute',
        [{ ...work, display: 'W' }],
        { op: 'remove', path: '[type eq "work"].display' },
        [work],
      ],
      [
        'remove of a sub-attribute that is not there',
        [work],
        { op: 'remove', path: '[type eq "work"].display' },
        [work],
      ],
      ['remove of the value takes the element', [work, home], { op: 'remove', path: '[type eq "work"].value' }, [home]],
      [
        'primary moves',
        [{ ...work, primary: true }, home],
        { op: 'add', path: '[type eq "home"].primary', value: true },
        [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      ],
      [
        'primary off touches no other',
        [{ ...work, primary: true }, home],
        { op: 'replace', path: '[type eq "home"].primary', value: false },
        [
          { ...work, primary: true },
          { ...home, primary: false },
        ],
      ],
      [
        'a colon, a bracket, a quote and a backslash in the text',
        [home],
        { op: 'add', path: '[type eq "a:b]c\\"d\\\\e"].value', value: 'c' },
        [home, { type: 'a:b]c"d\\e', value: 'c' }],
      ],
      [
        'names and operators in any case',
        [work, home],
        { op: 'REPLACE', path: '[TYPE EQ "WORK"].VALUE', value: 'c' },
        [{ ...work, value: 'c' }, home],
      ],
    ];
    test.each(rows)('%s', (_title, before, { path, ...operation }: { path?: string }, after) => {
      const result = patched(of(keys, ...before), { ...operation, path: name + path });
      expect(result.resource).toEqual(of(keys, ...after));
    });

    test.each<[string, string, object]>([
      ['scim_no_target', 'remove of none', { op: 'remove', path: '[type eq "other"]' }],
      ['scim_no_target', 'remove of a part of none', { op: 'remove', path: '[type eq "other"].display' }],
      [
        'scim_no_target',
        'replace of an element that is not there',
        { op: 'replace', path: '[type eq "x"]', value: { value: 'c' } },
      ],
      [
        'scim_no_target',
        'a particular value that is not there',
        { op: 'replace', path: '[value eq "x"].type', value: 'work' },
      ],
      [
        'scim_no_target',
        'a condition that makes no element',
        { op: 'replace', path: '[type sw "x"].value', value: 'c' },
      ],
      ['scim_invalid_filter', 'a sub-attribute that is none', { op: 'remove', path: '[shoeSize eq 4]' }],
      ['scim_invalid_filter', 'half a filter', { op: 'remove', path: '[type eq]' }],
      ['scim_invalid_path', 'no end', { op: 'remove', path: '[type eq "work"' }],
      ['scim_invalid_path', 'a sub-attribute of a sub-attribute', { op: 'remove', path: '[type eq "work"].value.x' }],
      ['scim_invalid_value', 'two values for one', { op: 'add', path: '[type eq "home"]', value: [work, work, home] }],
      ['scim_invalid_value', 'primary on two', { op: 'replace', path: '[value pr].primary', value: true }],
      ['scim_invalid_value', 'another type', { op: 'replace', path: '[type eq "home"].value', value: 5 }],
    ])('%s: %s', (wanted, _title, { path, ...operation }: { path?: string }) => {
      const before = of(keys, { ...home }, { value: 'c@acme.test', type: 'home2' });
      expect(code(before, { ...operation, path: name + path })).toBe(wanted);
    });
  });

  test('a whole extension: add and replace change what they name, remove takes all', () => {
    const before = having(base(), [BADGE], { level: 1, room: { floor: 1 } });
    const value = { level: 2, room: { door: 'd' }, zones: ['n'] };
    for (const op of ['add', 'replace']) {
      for (const operation of [
        { op, path: BADGE, value },
        { op, value: { [BADGE]: value } },
      ]) {
        expect(patched(structuredClone(before), operation).resource[BADGE]).toEqual({
          level: 2,
          room: { floor: 1, door: 'd' },
          zones: ['n'],
        });
      }
    }
    expect(patched(structuredClone(before), { op: 'remove', path: BADGE }).resource).toEqual(
      having(before, [BADGE], undefined),
    );
    expect(patched(structuredClone(before), { op: 'replace', value: { [BADGE]: null } }).resource).toEqual(
      having(before, [BADGE], undefined),
    );
  });

  test('an extension that nobody knows takes objects whole, and leaves out what says nothing', () => {
    const value = { room: { a: [1, { b: null }] }, floor: null };
    for (const op of ['add', 'replace']) {
      for (const operation of [
        { op, path: UNKNOWN, value },
        { op, value: { [UNKNOWN]: value } },
      ]) {
        expect(patched(base(), operation).resource).toEqual({ ...base(), [UNKNOWN]: { room: value.room } });
      }
    }
  });

  test.each([
    ['userName', 'scim_mutability'],
    ['active', 'scim_mutability'],
    ['id', 'scim_mutability'],
    ['meta', 'scim_mutability'],
    ['groups', 'scim_mutability'],
    [`${ENTERPRISE}:manager.displayName`, 'scim_mutability'],
    ['shoeSize', 'scim_invalid_path'],
    ['', 'scim_no_target'],
  ])('what must not go: remove %j is %s', (path, wanted) => {
    expect(code(base(), { op: 'remove', path })).toBe(wanted);
  });
});
