import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, GROUP, openWorld, PATCH, type ScimWorld, USER } from '../setup.ts';
import { proves, rows } from './proves.ts';

let world: ScimWorld;
let ann: { id: string };
let bob: { id: string };
beforeAll(async () => {
  world = await openWorld();
  ann = await world.user();
  bob = await world.user();
});

const work = { value: 'work@acme.test', type: 'work', primary: true };
const home = { value: 'home@acme.test', type: 'home' };
const full = () => ({
  title: 'Boss',
  name: { givenName: 'Ann', familyName: 'Lee' },
  emails: [work, home],
  phoneNumbers: [
    { value: '1', type: 'work' },
    { value: '2', type: 'work' },
    { value: '3', type: 'mobile' },
  ],
  [ENTERPRISE]: { department: 'R&D', costCenter: '7' },
});

type Fields = Record<string, unknown>;
type Case = [string, object[], Fields];

describe('PATCH of a User (RFC 7644 §3.5.2)', () => {
  const cases: Case[] = [
    // add, §3.5.2.1
    [
      rows('7644-3.5.2.1-01', '7644-3.5.2-04'),
      [{ op: 'add', value: { title: 'Chief', nickName: 'A' } }],
      { title: 'Chief', nickName: 'A' },
    ],
    [rows('7644-3.5.2.1-02'), [{ op: 'add', path: 'nickName', value: 'A' }], { nickName: 'A' }],
    [
      rows('7644-3.5.2.1-03', '7644-3.10-01'),
      [{ op: 'add', path: 'name', value: { middleName: 'M', familyName: 'Kay' } }],
      { name: { givenName: 'Ann', familyName: 'Kay', middleName: 'M' } },
    ],
    [
      rows('7644-3.5.2.1-03'),
      [{ op: 'add', path: 'name.middleName', value: 'M' }],
      { name: { ...full().name, middleName: 'M' } },
    ],
    [
      rows('7644-3.5.2.1-04'),
      [{ op: 'add', path: 'emails', value: [{ value: 'new@acme.test', type: 'other' }] }],
      { emails: [work, home, { value: 'new@acme.test', type: 'other' }] },
    ],
    [rows('7644-3.5.2.1-04', '7643-2.4-03'), [{ op: 'add', path: 'emails', value: [home] }], { emails: [work, home] }],
    [rows('7644-3.5.2.1-05'), [{ op: 'add', path: 'title', value: 'Chief' }], { title: 'Chief' }],
    [rows('7644-3.5.2.1-06'), [{ op: 'add', path: 'title', value: 'Boss' }], {}],
    [
      rows('7644-3.5.2.1-09'),
      [{ op: 'add', path: 'emails[type eq "home"].display', value: 'H' }],
      { emails: [work, { ...home, display: 'H' }] },
    ],
    // remove, §3.5.2.2
    [rows('7644-3.5.2.2-02'), [{ op: 'remove', path: 'title' }], { title: undefined }],
    [rows('7644-3.5.2.2-02'), [{ op: 'remove', path: 'name.givenName' }], { name: { familyName: 'Lee' } }],
    [rows('7644-3.5.2.2-03'), [{ op: 'remove', path: 'emails' }], { emails: undefined }],
    [rows('7644-3.5.2.2-04'), [{ op: 'remove', path: 'emails[type eq "home"]' }], { emails: [work] }],
    [
      rows('7644-3.5.2.2-04'),
      [{ op: 'remove', path: 'emails[type eq "home" and value ew "acme.test"]' }],
      { emails: [work] },
    ],
    [rows('7644-3.5.2.2-05'), [{ op: 'remove', path: 'emails[value pr]' }], { emails: undefined }],
    [
      rows('7644-3.5.2.2-06'),
      [{ op: 'remove', path: 'emails[type eq "work"].primary' }],
      { emails: [{ value: work.value, type: 'work' }, home] },
    ],
    // replace, §3.5.2.3
    [
      rows('7644-3.5.2.3-01', '7644-3.5.2-04'),
      [{ op: 'replace', value: { title: 'Chief', emails: [home] } }],
      { title: 'Chief', emails: [home] },
    ],
    [rows('7644-3.5.2.3-02'), [{ op: 'replace', path: 'title', value: 'Chief' }], { title: 'Chief' }],
    [rows('7644-3.5.2.3-03'), [{ op: 'replace', path: 'emails', value: [home] }], { emails: [home] }],
    [rows('7644-3.5.2.3-04'), [{ op: 'replace', path: 'nickName', value: 'A' }], { nickName: 'A' }],
    [
      rows('7644-3.5.2.3-05'),
      [{ op: 'replace', path: 'name', value: { familyName: 'Kay' } }],
      { name: { givenName: 'Ann', familyName: 'Kay' } },
    ],
    [
      rows('7644-3.5.2.3-06'),
      [{ op: 'replace', path: 'emails[type eq "home"]', value: { value: 'h2@acme.test', type: 'home' } }],
      { emails: [work, { value: 'h2@acme.test', type: 'home' }] },
    ],
    [
      rows('7644-3.5.2.3-07'),
      [{ op: 'replace', path: 'phoneNumbers[type eq "work"].display', value: 'W' }],
      {
        phoneNumbers: [
          { value: '1', type: 'work', display: 'W' },
          { value: '2', type: 'work', display: 'W' },
          { value: '3', type: 'mobile' },
        ],
      },
    ],
    // names, order, primary
    [
      rows('7644-3.5.2-07', '7643-2.1-01'),
      [{ op: 'replace', path: 'NAME.FAMILYNAME', value: 'Kay' }],
      { name: { givenName: 'Ann', familyName: 'Kay' } },
    ],
    [
      rows('7644-3.5.2-06', '7644-3.10-02', '7644-3.10-04'),
      [{ op: 'replace', path: `${ENTERPRISE.toUpperCase()}:Department`, value: 'Sales' }],
      { [ENTERPRISE]: { department: 'Sales', costCenter: '7' } },
    ],
    [
      rows('7644-3.5.2-06', '7644-3.10-01', '7644-3.10-03'),
      [{ op: 'replace', path: `${USER}:name.familyName`, value: 'Kay' }],
      { name: { givenName: 'Ann', familyName: 'Kay' } },
    ],
    [
      rows('7644-3.5.2-06'),
      [{ op: 'add', value: { [ENTERPRISE]: { division: 'D' } } }],
      { [ENTERPRISE]: { department: 'R&D', costCenter: '7', division: 'D' } },
    ],
    [
      rows('7644-3.5.2-12'),
      [
        { op: 'add', path: 'nickName', value: 'one' },
        { op: 'replace', path: 'nickName', value: 'two' },
        { op: 'remove', path: 'title' },
        { op: 'add', path: 'title', value: 'three' },
      ],
      { nickName: 'two', title: 'three' },
    ],
    [
      rows('7644-3.5.2-17'),
      [{ op: 'add', path: 'emails', value: [{ value: 'p@acme.test', type: 'other', primary: true }] }],
      { emails: [{ ...work, primary: false }, home, { value: 'p@acme.test', type: 'other', primary: true }] },
    ],
    [
      rows('7644-3.5.2-17'),
      [{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }],
      {
        emails: [
          { ...work, primary: false },
          { ...home, primary: true },
        ],
      },
    ],
  ];
  test.each(cases)(
    proves('%s %j', '7644-3.5-02', '7643-5-05', '7644-3.5.2-05', '7644-3.5.2-15', '7644-3.2-01'),
    async (_rows, operations, changed) => {
      const made = await world.user(full());
      const answer = await world.patch(`/Users/${made.id}`, ...operations);
      expect(answer.status).toBe(200);
      const wanted: Fields = { ...made, ...changed };
      for (const key of Object.keys(wanted)) if (wanted[key] === undefined) delete wanted[key];
      const { meta: _, ...rest } = answer.body;
      const { meta: __, ...expected } = wanted;
      expect(rest).toEqual(expected);
      expect((await world.call('get', `/Users/${made.id}`)).body).toEqual(answer.body);
    },
  );

  const refusals: [string, string, unknown[]][] = [
    [rows('7644-3.5.2-02'), 'invalidSyntax', []],
    [rows('7644-3.5.2-03', '7644-3.12-18'), 'invalidSyntax', [{ op: 'move', path: 'title', value: 'x' }]],
    [rows('7644-3.5.2-03'), 'invalidSyntax', [{ path: 'title', value: 'x' }]],
    [
      rows('7644-3.5.2-08', '7644-3.12-19'),
      'invalidPath',
      [{ op: 'replace', path: 'emails[type eq "work"', value: 'x' }],
    ],
    [rows('7644-3.5.2-08', '7643-2.1-03'), 'invalidPath', [{ op: 'replace', path: '1title', value: 'x' }]],
    [rows('7644-3.5.2-08'), 'invalidPath', [{ op: 'replace', path: 'name..givenName', value: 'x' }]],
    [rows('7644-3.5.2-09', '7644-3.12-17', '7643-7-13'), 'mutability', [{ op: 'replace', path: 'id', value: 'x' }]],
    [rows('7644-3.5.2-09'), 'mutability', [{ op: 'add', path: 'meta.resourceType', value: 'x' }]],
    [
      rows('7644-3.5.2-09', '7643-4.1.2-11'),
      'mutability',
      [{ op: 'add', path: 'groups', value: [{ value: 'grp-1' }] }],
    ],
    [rows('7644-3.5.2-19', '7643-2.3-01'), 'invalidValue', [{ op: 'replace', path: 'active', value: 'perhaps' }]],
    [rows('7644-3.5.2-19'), 'invalidValue', [{ op: 'replace', path: 'name', value: 'Ann' }]],
    [rows('7644-3.5.2.1-08'), 'invalidValue', [{ op: 'add', path: 'title' }]],
    [rows('7644-3.5.2.2-01', '7644-3.12-20'), 'noTarget', [{ op: 'remove' }]],
    [rows('7644-3.5.2.2-07'), 'mutability', [{ op: 'remove', path: 'userName' }]],
    [rows('7644-3.5.2.2-08'), 'mutability', [{ op: 'remove', path: 'id' }]],
    [rows('7644-3.5.2.2-08'), 'mutability', [{ op: 'remove', path: 'meta' }]],
    [rows('7644-3.5.2.3-08'), 'noTarget', [{ op: 'replace', path: 'emails[value eq "none"]', value: { value: 'x' } }]],
    [rows('7644-3.5.2.3-08'), 'noTarget', [{ op: 'replace', path: 'emails[value eq "none"].display', value: 'x' }]],
    [
      rows('7644-3.5.2.3-08'),
      'noTarget',
      [{ op: 'replace', path: 'emails[type eq "fax" or type eq "x"].value', value: 'x' }],
    ],
    [rows('7644-3.5.2.3-08'), 'noTarget', [{ op: 'replace', path: 'emails[type eq "nonsense"].value', value: 'x' }]],
    [rows('7644-3.5.2.3-08'), 'noTarget', [{ op: 'replace', path: 'emails[type eq "nonsense"].value', value: null }]],
    [rows('7644-3.12-20'), 'noTarget', [{ op: 'remove', path: 'emails[value eq "none"]' }]],
    [rows('7644-3.12-20'), 'noTarget', [{ op: 'remove', path: 'emails[type eq "other"].display' }]],
    [rows('7644-3.12-20'), 'noTarget', [{ op: 'remove', path: 'ims[value pr]' }]],
    [rows('7644-3.12-14'), 'invalidFilter', [{ op: 'remove', path: 'emails[type xx "work"]' }]],
  ];
  test.each(refusals)(
    proves(
      '%s is 400 %s, and nothing that stood before it is done: %j',
      '7644-3.5.2-13',
      '7644-3.5.2-14',
      '7644-3.12-05',
    ),
    async (_rows, scimType, operations) => {
      const made = await world.user(full());
      const first = operations.length === 0 ? [] : [{ op: 'replace', path: 'title', value: 'Changed' }];
      const body = { schemas: [PATCH], Operations: [...first, ...operations] };
      const answer = await world.call('patch', `/Users/${made.id}`, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({ schemas: [ERROR], status: '400', scimType, detail: expect.stringMatching(/./) });
      expect((await world.call('get', `/Users/${made.id}`)).body).toEqual(made);
    },
  );

  test(
    proves(
      'a body of another message is refused, and so is one without operations',
      '7644-3.5.2-01',
      '7644-3.5.2-02',
      '7644-3.1-02',
    ),
    async () => {
      for (const body of [
        { schemas: [USER], Operations: [{ op: 'remove', path: 'title' }] },
        { schemas: [PATCH] },
        { schemas: [PATCH], Operations: {} },
      ])
        expect((await world.call('patch', `/Users/${ann.id}`, body)).body).toMatchObject({
          status: '400',
          scimType: 'invalidSyntax',
        });
    },
  );

  test(proves('PATCH of what does not exist is 404', '7644-3.5.2-18', '7644-3.12-08'), async () => {
    for (const path of ['/Users/none', '/Groups/none'])
      expect((await world.patch(path, { op: 'replace', path: 'displayName', value: 'x' })).body).toMatchObject({
        status: '404',
      });
  });

  test(
    proves(
      'an add of what is there leaves version and lastModified',
      '7644-3.5.2.1-07',
      '7644-3.5.2.1-06',
      '7644-3.14-05',
    ),
    async () => {
      const made = await world.user(full());
      for (const operation of [
        { op: 'add', path: 'title', value: 'Boss' },
        { op: 'add', path: 'emails', value: [home] },
        { op: 'add', value: { name: { givenName: 'Ann' } } },
      ])
        expect((await world.patch(`/Users/${made.id}`, operation)).body).toEqual(made);
    },
  );

  test(
    proves('attributes and excludedAttributes choose what a PATCH answers, with 200', '7644-3.5.2-16', '7644-3.9-08'),
    async () => {
      const { id } = await world.user(full());
      const set = (path: string) => world.patch(path, { op: 'replace', path: 'title', value: 'T' });
      const only = await set(`/Users/${id}?attributes=title`);
      expect([only.status, only.body]).toEqual([200, { schemas: [USER, ENTERPRISE], id, title: 'T' }]);
      expect((await set(`/Users/${id}?excludedAttributes=title`)).body).not.toHaveProperty('title');
      const group = await world.group();
      const rename = { op: 'replace', path: 'displayName', value: 'G' };
      const answer = await world.patch(`/Groups/${group.id}?attributes=displayName`, rename);
      expect([answer.status, answer.body]).toEqual([200, { schemas: [GROUP], id: group.id, displayName: 'G' }]);
    },
  );
});

describe('PATCH of a Group', () => {
  const members = async (id: string) =>
    ((await world.call('get', `/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value).sort();

  test.each<[string, () => object[], () => string[]]>([
    [
      rows('7644-3.5.2.1-04', '7643-4.2-06'),
      () => [{ op: 'add', path: 'members', value: [{ value: bob.id }] }],
      () => [ann.id, bob.id],
    ],
    [rows('7644-3.5.2.1-06'), () => [{ op: 'add', path: 'members', value: [{ value: ann.id }] }], () => [ann.id]],
    [rows('7644-3.5.2.2-03'), () => [{ op: 'remove', path: 'members' }], () => []],
    [rows('7644-3.5.2.2-09', '7643-4.2-06'), () => [{ op: 'remove', path: `members[value eq "${ann.id}"]` }], () => []],
    [rows('7644-3.5.2.3-09'), () => [{ op: 'replace', path: 'members', value: [{ value: bob.id }] }], () => [bob.id]],
    [rows('7644-3.5.2.3-01'), () => [{ op: 'replace', value: { displayName: 'New' } }], () => [ann.id]],
  ])(proves('%s answers 204 without a body', '7644-3.5.2-15'), async (_rows, operations, expected) => {
    const { id } = await world.group({ members: [{ value: ann.id }] });
    const answer = await world.patch(`/Groups/${id}`, ...operations());
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await members(id)).toEqual(expected().sort());
  });

  test(
    proves('a member who is to be replaced must be there: 400 noTarget, and nothing is changed', '7644-3.5.2.3-08'),
    async () => {
      const { id } = await world.group({ members: [{ value: ann.id }] });
      for (const filter of [`value eq "${bob.id}"`, 'value eq "nobody"', 'type eq "Group"']) {
        const answer = await world.patch(
          `/Groups/${id}`,
          { op: 'replace', path: 'displayName', value: 'Changed' },
          { op: 'replace', path: `members[${filter}]`, value: [{ value: bob.id }] },
        );
        expect(answer.body).toMatchObject({ status: '400', scimType: 'noTarget' });
      }
      expect((await world.call('get', `/Groups/${id}`)).body).toMatchObject({
        displayName: expect.not.stringContaining('Changed'),
        members: [expect.objectContaining({ value: ann.id })],
      });
    },
  );

  test(
    proves(
      'what a member is cannot be changed: 400 mutability',
      '7644-3.5.2-10',
      '7643-7-14',
      '7643-4.2-06',
      '7644-3.12-17',
    ),
    async () => {
      const { id } = await world.group({ members: [{ value: ann.id }] });
      for (const path of [
        `members[value eq "${ann.id}"].value`,
        `members[value eq "${ann.id}"].type`,
        'members.display',
      ]) {
        const answer = await world.patch(`/Groups/${id}`, { op: 'replace', path, value: bob.id });
        expect(answer.body).toMatchObject({ status: '400', scimType: 'mutability' });
      }
      expect(await members(id)).toEqual([ann.id]);
    },
  );

  test(proves('displayName is required: it cannot be removed', '7644-3.5.2.2-07'), async () => {
    const { id } = await world.group();
    const answer = await world.patch(`/Groups/${id}`, { op: 'remove', path: 'displayName' });
    expect(answer.body).toMatchObject({ status: '400', scimType: 'mutability' });
  });
});
