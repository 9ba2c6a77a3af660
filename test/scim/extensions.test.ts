/** Schemas that a directory registers, and what becomes of attributes that no schema has (SCIM-1). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { proves } from './rfc/proves.ts';
import { addDirectory, addWorld, ENTERPRISE, GROUP, openWorld, type ScimWorld, USER } from './setup.ts';

const BADGE = 'urn:example:params:scim:schemas:badge:1.5:User';
const COST = 'urn:example:cost:1.0:Group';

const badge = {
  name: 'Badge',
  description: 'What opens doors',
  attributes: [
    { name: 'number', type: 'string', caseExact: true, mutability: 'immutable' },
    { name: 'level', type: 'integer' },
    { name: 'weight', type: 'decimal' },
    { name: 'blocked', type: 'boolean' },
    { name: 'validUntil', type: 'dateTime' },
    { name: 'photo', type: 'binary' },
    { name: 'page', type: 'reference', referenceTypes: ['external'] },
    { name: 'nick-name', type: 'string' },
    { name: 'zones', type: 'string', multiValued: true, canonicalValues: ['north', 'south'] },
    {
      name: 'room',
      type: 'complex',
      subAttributes: [{ name: 'floor', type: 'integer', required: true }, { name: 'door' }],
    },
    {
      name: 'visits',
      type: 'complex',
      multiValued: true,
      subAttributes: [
        { name: 'value' },
        { name: 'type' },
        { name: 'primary', type: 'boolean' },
        { name: '$ref', type: 'reference' },
      ],
    },
  ],
};

const full = {
  number: 'A-1',
  level: 3,
  weight: 1.5,
  blocked: false,
  validUntil: '2027-01-31T00:00:00+02:00',
  photo: 'SGVsbG8=',
  page: 'https://acme.test/badge',
  'nick-name': 'B',
  zones: ['north', 'west'],
  room: { floor: 2, door: 'b' },
  visits: [
    { value: 'v1', type: 'work', primary: true },
    { value: 'v2', $ref: '../x' },
  ],
};

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
  expect((await schema(world, 'put', BADGE, badge)).status).toBe(200);
  expect(
    (await schema(world, 'put', COST, { resourceType: 'Group', name: 'Cost', attributes: [{ name: 'center' }] }))
      .status,
  ).toBe(200);
});

const management = ({ organizationId, directory }: ScimWorld) =>
  `/api/v1/organizations/${organizationId}/directories/${directory._id}`;
const schema = (target: ScimWorld, method: 'get' | 'put' | 'delete', urn: string, body?: object) =>
  target.gatehouse.operator(method, `${management(target)}/schemas/${encodeURIComponent(urn)}`).send(body);
const set = (target: ScimWorld, body: object) => target.gatehouse.operator('patch', management(target)).send(body);

describe('a registered schema drives everything, in its directory only (SCIM-1)', () => {
  test('a PUT that names nothing of it keeps what is immutable, and what is required beside that (RFC 7644 §3.5.1)', async () => {
    const other = await addDirectory(world);
    const urn = 'urn:example:desk:1.0:User';
    const subAttributes = [
      { name: 'floor', required: true },
      { name: 'number', mutability: 'immutable' },
      { name: 'lamp' },
    ];
    const attributes = [
      { name: 'serial', mutability: 'immutable' },
      { name: 'wood', required: true },
      { name: 'colour' },
      { name: 'place', type: 'complex', subAttributes },
    ];
    expect((await schema(other, 'put', urn, { name: 'Desk', attributes })).status).toBe(200);
    const place = { floor: '3', number: '17', lamp: 'red' };
    const made = await other.user({ [urn]: { serial: 'A', wood: 'oak', colour: 'brown', place } });
    const body = { schemas: [USER], userName: made.userName, active: false };
    const put = await other.call('put', `/Users/${made.id}`, body);
    const kept = { serial: 'A', wood: 'oak', place: { floor: '3', number: '17' } };
    expect([put.status, put.body.active, put.body[urn]]).toEqual([200, false, kept]);
    expect((await other.call('put', `/Users/${made.id}`, body)).body).toEqual(put.body);
    const without = await other.call('put', `/Users/${made.id}`, { ...body, [urn]: { serial: 'A' } });
    expect([without.status, without.body.scimType]).toEqual([400, 'invalidValue']);
  });

  test('it is told in /Schemas and /ResourceTypes, and read back as it was registered', async () => {
    const { body } = await world.call('get', `/Schemas/${BADGE.toUpperCase()}`);
    expect(body).toMatchObject({ id: BADGE, name: 'Badge', description: 'What opens doors' });
    expect(body.attributes).toHaveLength(badge.attributes.length);
    expect(body.attributes[0]).toEqual({
      name: 'number',
      type: 'string',
      multiValued: false,
      description: '',
      required: false,
      caseExact: true,
      mutability: 'immutable',
      returned: 'default',
      uniqueness: 'none',
    });
    const types = (await world.call('get', '/ResourceTypes')).body.Resources;
    expect(types.map(({ schemaExtensions = [] }) => schemaExtensions)).toEqual([
      [
        { schema: ENTERPRISE, required: false },
        { schema: BADGE, required: false },
      ],
      [{ schema: COST, required: false }],
    ]);
    const read = await schema(world, 'get', BADGE);
    expect(read.body).toMatchObject({ id: BADGE, resourceType: 'User', name: 'Badge' });
    const listed = await world.gatehouse.operator('get', `${management(world)}/schemas`);
    expect(listed.body.items.map(({ id }: { id: string }) => id)).toEqual([BADGE, COST]);
  });

  test(
    proves(
      'POST, GET, PUT and PATCH keep its types',
      '7643-2.3.3-01',
      '7643-2.3.4-01',
      '7643-2.3.5-01',
      '7643-2.3.6-01',
      '7643-3-06',
      '7644-3.5.2-06',
    ),
    async () => {
      const user = await world.user({ [BADGE]: full });
      expect(user[BADGE]).toEqual(full);
      expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
      const { body } = await world.patch(
        `/Users/${user.id}`,
        { op: 'Replace', path: `${BADGE.toUpperCase()}:LEVEL`, value: '4' },
        { op: 'add', path: `${BADGE}:zones`, value: ['north', 'east'] },
        { op: 'replace', path: `${BADGE}:room.door`, value: 'c' },
        { op: 'replace', path: `${BADGE}:visits[type eq "work"].value`, value: 'v3' },
        { op: 'add', path: `${BADGE}:visits`, value: { value: 'v4', primary: 'True' } },
        { op: 'remove', path: `${BADGE}:visits[value eq "v2"]` },
        { op: 'remove', path: `${BADGE}:nick-name` },
        { op: 'replace', value: { [`${BADGE}:blocked`]: 'True', [BADGE]: { 'room.floor': 7 } } },
      );
      const { 'nick-name': _, ...rest } = full;
      expect(body[BADGE]).toEqual({
        ...rest,
        level: 4,
        blocked: true,
        zones: ['north', 'west', 'east'],
        room: { floor: 7, door: 'c' },
        visits: [
          { value: 'v3', type: 'work', primary: false },
          { value: 'v4', primary: true },
        ],
      });
      const put = await world.call('put', `/Users/${user.id}`, { ...user, [BADGE]: { level: 1 } });
      // immutable, and not named: it stays
      expect(put.body[BADGE]).toEqual({ number: 'A-1', level: 1 });
    },
  );

  test.each([
    ['level', 1.5, 'a whole number'],
    ['level', 'x', 'a whole number'],
    ['level', 2 ** 60, 'a whole number'],
    ['weight', {}, 'a number'],
    ['blocked', 'no', 'true or false'],
    ['validUntil', '2027-02-30T00:00:00Z', 'a date'],
    ['validUntil', 'tomorrow', 'a date'],
    ['photo', 'no base 64!', 'base64'],
    ['photo', 'SGVsb', 'base64'],
    ['page', 'not a uri', 'a URI'],
    ['zones', [1], 'a text'],
    ['room', 'x', 'an object'],
    ['room', { door: 'b' }, 'floor is required'],
    [
      'visits',
      [
        { value: 'a', primary: true },
        { value: 'b', primary: true },
      ],
      'primary',
    ],
  ])(
    proves(
      '%s: %j is refused with invalidValue by POST and by PATCH, and changes nothing',
      '7643-2.3-01',
      '7643-2.3.4-01',
      '7643-2.3.5-01',
      '7643-2.3.6-01',
      '7643-2.3.7-01',
    ),
    async (name, value, message) => {
      const user = await world.user({ [BADGE]: { number: 'Z' } });
      const posted = await world.call('post', '/Users', {
        schemas: [USER],
        userName: 'no@acme.test',
        [BADGE]: { [name]: value },
      });
      const patched = await world.patch(`/Users/${user.id}`, { op: 'add', path: `${BADGE}:${name}`, value });
      for (const { status, body } of [posted, patched]) {
        expect([status, body.scimType]).toEqual([400, 'invalidValue']);
        expect(body.detail).toContain(message);
        expect(body.detail).toContain(name);
      }
      expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
    },
  );

  test.each<[string, object, number]>([
    ['another value', { op: 'replace', path: `${BADGE}:number`, value: 'B' }, 400],
    ['the same in another case', { op: 'replace', value: { [BADGE]: { number: 'a-1' } } }, 400],
    ['removal', { op: 'remove', path: `${BADGE}:number` }, 400],
    ['removal of the extension', { op: 'remove', path: BADGE }, 400],
    ['the same value', { op: 'replace', path: `${BADGE}:number`, value: 'A-1' }, 200],
  ])(
    proves(
      'what is immutable takes a value once: %s (RFC 7644 §3.5.2, mutability)',
      '7643-7-14',
      '7644-3.5.1-05',
      '7644-3.5.2-10',
      '7644-3.5.2-11',
    ),
    async (_title, operation, status) => {
      const user = await world.user();
      const first = await world.patch(`/Users/${user.id}`, { op: 'add', path: `${BADGE}:number`, value: 'A-1' });
      expect([first.status, first.body[BADGE]]).toEqual([200, { number: 'A-1' }]);
      const answer = await world.patch(`/Users/${user.id}`, operation);
      expect([answer.status, answer.body.scimType]).toEqual([status, status === 400 ? 'mutability' : undefined]);
      const put = await world.call('put', `/Users/${user.id}`, { ...first.body, [BADGE]: { number: 'C' } });
      expect([put.status, put.body.scimType]).toEqual([400, 'mutability']);
      expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(first.body);
    },
  );

  test(proves('what is immutable takes its first value from a PUT as well', '7644-3.5.1-06'), async () => {
    const user = await world.user();
    const put = await world.call('put', `/Users/${user.id}`, { ...user, [BADGE]: { number: 'P-1' } });
    expect([put.status, put.body[BADGE]]).toEqual([200, { number: 'P-1' }]);
  });

  test(
    proves(
      'filters, order and selection know its attributes by type',
      '7644-3.4.2.2-08',
      '7644-3.4.2.2-25',
      '7644-3.4.2.3-10',
      '7644-3.9-05',
    ),
    async () => {
      const tag = 'typed';
      for (const level of [10, 9, 100]) {
        await world.user({
          title: tag,
          [BADGE]: { level, validUntil: `2026-0${1 + (level % 9)}-01T00:00:00Z`, zones: [`z${level}`] },
        });
      }
      const levels = async (query: string): Promise<number[]> =>
        (await world.call('get', `/Users?${query}`)).body.Resources.map(
          (one: Record<string, { level: number }>) => one[BADGE]?.level,
        );
      const filter = (text: string) => `filter=${encodeURIComponent(`title eq "${tag}" and ${text}`)}`;
      expect(await levels(filter(`${BADGE}:level gt 9`))).toEqual([10, 100]);
      expect(await levels(filter(`${BADGE.toUpperCase()}:Level eq 9`))).toEqual([9]);
      expect(await levels(filter(`${BADGE}:zones eq "Z100"`))).toEqual([100]);
      expect(await levels(filter(`${BADGE}:validUntil gt "2026-01-31T21:00:00-02:00"`))).toEqual([10, 100]);
      expect(await levels(`${filter('active eq true')}&sortBy=${BADGE}:level`)).toEqual([9, 10, 100]);
      const wrong = await world.call('get', `/Users?filter=${encodeURIComponent(`${BADGE}:level eq "high"`)}`);
      expect([wrong.status, wrong.body.scimType]).toEqual([400, 'invalidFilter']);
      const chosen = await world.call('get', `/Users?${filter(`${BADGE}:level eq 9`)}&attributes=${BADGE}:LEVEL`);
      expect(chosen.body.Resources).toEqual([
        { schemas: expect.any(Array), id: expect.any(String), [BADGE]: { level: 9 } },
      ]);
    },
  );

  test('values that are not complex are chosen by their value, in filters and in paths (RFC 7643 §2.4)', async () => {
    const zones = `${BADGE}:zones`;
    const made = await world.user({ [BADGE]: { number: 'Z-1', zones: ['zone-a', 'Zone-b', 'zone-c'] } });
    const find = async (filter: string) =>
      (await world.call('get', `/Users?filter=${encodeURIComponent(`id eq "${made.id}" and ${filter}`)}`)).body
        .totalResults;
    for (const filter of ['[value eq "zone-B"]', '.value sw "zone-"', ' co "b"', '[value ew "c" or value eq "x"]'])
      expect([filter, await find(zones + filter)]).toEqual([filter, 1]);
    expect(await find(`${zones}[value eq "none"]`)).toBe(0);
    expect(await find(`not (${zones}[value sw "zone-b" and value ew "c"])`)).toBe(1);
    const path = `/Users/${made.id}`;
    const zonesAfter = async (...operations: object[]) => {
      const { status, body } = await world.patch(path, ...operations);
      return status === 200 ? body[BADGE].zones : [status, body.scimType];
    };
    expect(await zonesAfter({ op: 'remove', path: `${zones}[value eq "ZONE-A"]` })).toEqual(['Zone-b', 'zone-c']);
    expect(await zonesAfter({ op: 'replace', path: `${zones}[value eq "zone-b"]`, value: 'd' })).toEqual([
      'd',
      'zone-c',
    ]);
    expect(await zonesAfter({ op: 'replace', path: `${zones}[value eq "zone-c"].value`, value: 'e' })).toEqual([
      'd',
      'e',
    ]);
    expect(await zonesAfter({ op: 'replace', path: `${zones}[value pr]`, value: 'f' })).toEqual(['f']);
    expect(await zonesAfter({ op: 'add', path: `${zones}.value`, value: ['g'] })).toEqual(['f', 'g']);
    for (const op of ['remove', 'replace', 'add'])
      expect(await zonesAfter({ op, path: `${zones}[value eq "none"]`, value: 'x' })).toEqual([400, 'noTarget']);
    expect(await zonesAfter({ op: 'remove', path: `${zones}[type eq "x"]` })).toEqual([400, 'invalidFilter']);
    expect(await zonesAfter({ op: 'replace', path: `${zones}[value eq "f"]`, value: { a: 1 } })).toEqual([
      400,
      'invalidValue',
    ]);
    const chosen = await world.call('get', `${path}?attributes=${zones}.value`);
    expect(chosen.body[BADGE]).toEqual({ zones: ['f', 'g'] });
    const gone = await world.patch(path, { op: 'remove', path: `${zones}[value pr]` });
    expect(gone.body[BADGE]).toEqual({ number: 'Z-1' });
  });

  test('groups have schemas too', async () => {
    const group = await world.group({ [COST]: { CENTER: '7' } });
    expect(group[COST]).toEqual({ center: '7' });
    const wrong = await world.patch(`/Groups/${group.id}`, { op: 'add', path: `${COST}:center`, value: 7 });
    expect([wrong.status, wrong.body.scimType]).toEqual([400, 'invalidValue']);
  });

  test(
    proves('another directory, of the same organization or of another, knows nothing of it', '7644-6.1-01'),
    async () => {
      for (const other of [await addDirectory(world), await addWorld(world.gatehouse, 'Beta')]) {
        expect((await other.call('get', `/Schemas/${BADGE}`)).status).toBe(404);
        const user = await other.user({ [BADGE]: { level: 'as it came', number: [1] } });
        expect(user[BADGE]).toEqual({ level: 'as it came', number: [1] });
        const filtered = await other.call('get', `/Users?filter=${encodeURIComponent(`${BADGE}:level eq 3`)}`);
        expect([filtered.status, filtered.body.scimType]).toEqual([400, 'invalidFilter']);
      }
    },
  );
});

describe('registering', () => {
  test('takes effect with the next request, at each change, and is audited', async () => {
    const own = await addDirectory(world);
    const urn = 'urn:example:shoe:1.0:User';
    const shoe = (type: string) => ({ name: 'Shoe', attributes: [{ name: 'size', type }] });
    const statusOf = async (size: unknown) =>
      (
        await own.call('post', '/Users', {
          schemas: [USER, urn],
          userName: `s${Math.random()}@acme.test`,
          [urn]: { size },
        })
      ).status;
    expect([await statusOf(42), await statusOf('42 wide')]).toEqual([201, 201]);
    await schema(own, 'put', urn, shoe('integer'));
    expect([await statusOf(42), await statusOf('42 wide')]).toEqual([201, 400]);
    await schema(own, 'put', urn, shoe('string'));
    expect([await statusOf(42), await statusOf('42 wide')]).toEqual([400, 201]);
    expect((await schema(own, 'delete', urn)).status).toBe(204);
    expect((await schema(own, 'delete', urn)).status).toBe(404);
    expect([await statusOf(42), await statusOf('42 wide')]).toEqual([201, 201]);
    const audited = await own.gatehouse.operator(
      'get',
      `/api/v1/organizations/${own.organizationId}/audit?targetId=${own.directory._id}`,
    );
    expect(audited.body.items.map(({ type }: { type: string }) => type)).toEqual([
      'directory.schema_removed',
      'directory.schema_changed',
      'directory.schema_registered',
      'directory.token_issued',
      'directory.created',
    ]);
  });

  const one = { name: 'One', attributes: [{ name: 'a' }] };
  test.each<[string, string, object]>([
    ['a URN of the protocol', USER, one],
    ['the enterprise extension', ENTERPRISE.toLowerCase(), one],
    ['a message of the protocol', 'urn:ietf:params:scim:api:messages:2.0:PatchOp', one],
    ['a URN that reads like an attribute of another', `${BADGE}:more`, one],
    ['a URN of which another reads like an attribute', BADGE.slice(0, BADGE.lastIndexOf(':')), one],
    ['another resource type', BADGE, { ...badge, resourceType: 'Group' }],
    ['another id than its address', 'urn:example:x:1.0', { ...one, id: 'urn:example:y:1.0' }],
    ['no attributes', 'urn:example:x:1.0', { name: 'X', attributes: [] }],
    [
      '101 attributes',
      'urn:example:x:1.0',
      { name: 'X', attributes: Array.from({ length: 101 }, (_, i) => ({ name: `a${i}` })) },
    ],
    ['a name twice', 'urn:example:x:1.0', { name: 'X', attributes: [{ name: 'a' }, { name: 'A' }] }],
    ['a name that is none', 'urn:example:x:1.0', { name: 'X', attributes: [{ name: 'a.b' }] }],
    ['a poisonous name', 'urn:example:x:1.0', { name: 'X', attributes: [{ name: 'constructor' }] }],
    ['a type that is none', 'urn:example:x:1.0', { name: 'X', attributes: [{ name: 'a', type: 'text' }] }],
    [
      'a uniqueness that is not kept',
      'urn:example:x:1.0',
      { name: 'X', attributes: [{ name: 'a', uniqueness: 'server' }] },
    ],
    ['complex without parts', 'urn:example:x:1.0', { name: 'X', attributes: [{ name: 'a', type: 'complex' }] }],
    [
      'parts of a text',
      'urn:example:x:1.0',
      { name: 'X', attributes: [{ name: 'a', subAttributes: [{ name: 'b' }] }] },
    ],
    [
      'complex in complex',
      'urn:example:x:1.0',
      { name: 'X', attributes: [{ name: 'a', type: 'complex', subAttributes: [{ name: 'b', type: 'complex' }] }] },
    ],
    ['an unknown characteristic', 'urn:example:x:1.0', { name: 'X', attributes: [{ name: 'a', secret: true }] }],
  ])('%s is refused', async (_title, urn, body) => {
    const answer = await schema(world, 'put', urn, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });

  test('a directory takes twenty schemas', async () => {
    const own = await addDirectory(world);
    for (let i = 0; i < 20; i++) expect((await schema(own, 'put', `urn:example:many:${i}`, one)).status).toBe(200);
    const answer = await schema(own, 'put', 'urn:example:many:20', one);
    expect([answer.status, answer.body.code]).toEqual([409, 'schema_limit']);
    expect((await schema(own, 'put', 'urn:example:many:7', { ...one, name: 'Other' })).status).toBe(200);
  });
});

describe('attributes that no schema has are kept losslessly, or refused, by the setting of the directory (SCIM-1)', () => {
  test('kept: every JSON value comes back as it was', async () => {
    const odd = { a: [1, null, { b: '' }], 'c.d': true, e: 'x', f: 0, g: { $ref: [[]] } };
    const user = await world.user({ shoeSize: odd, 'urn:x:unknown': odd, name: { givenName: 'A', mood: odd } });
    expect(user).toMatchObject({ shoeSize: odd, 'urn:x:unknown': odd, name: { givenName: 'A', mood: odd } });
    expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
  });

  test('refused: by POST, PUT and PATCH, each named, nothing changed; what was kept before stays and stands in no way', async () => {
    const own = await addDirectory(world);
    const old = await own.user({ shoeSize: 42 });
    const changed = await set(own, { unknownAttributes: 'refuse' });
    expect([changed.status, changed.body.unknownAttributes]).toEqual([200, 'refuse']);
    const refused = [
      await own.call('post', '/Users', {
        schemas: [USER],
        userName: 'n@acme.test',
        shoeSize: 1,
        'urn:x:y': { z: 1 },
        name: { mood: 'x' },
      }),
      await own.call('put', `/Users/${old.id}`, { ...old, shoeSize: 1, 'urn:x:y': { z: 1 }, name: { mood: 'x' } }),
      await own.patch(`/Users/${old.id}`, {
        op: 'add',
        value: { ShoeSize2: 1, 'urn:x:y': { z: 1 }, name: { mood: 'x' } },
      }),
    ];
    for (const { status, body } of refused) {
      expect([status, body.scimType]).toEqual([400, 'invalidValue']);
      for (const name of [/shoeSize/i, /urn:x:y/, /name\.mood/]) expect(body.detail).toMatch(name);
    }
    for (const path of ['urn:x:y:z', 'urn:x:y', 'shoeSize2', `${ENTERPRISE}:mood`]) {
      const { status, body } = await own.patch(`/Users/${old.id}`, { op: 'add', path, value: 'x' });
      expect([path, status, body.scimType]).toEqual([path, 400, 'invalidPath']);
    }
    expect((await own.call('get', `/Users/${old.id}`)).body).toEqual(old);
    const off = await own.patch(`/Users/${old.id}`, { op: 'replace', value: { active: false } });
    expect([off.status, off.body]).toMatchObject([200, { active: false, shoeSize: 42 }]);
    const group = await own.call('post', '/Groups', { schemas: [GROUP, 'urn:ms:group'], displayName: 'G' });
    expect(group.status).toBe(201);
    await set(own, { unknownAttributes: 'keep' });
    expect((await own.user({ shoeSize: 1 })).shoeSize).toBe(1);
  });

  test('a directory keeps what was said of its externalId when it was connected (SCIM-3)', async () => {
    expect((await set(world, { externalIdIsImmutable: true })).status).toBe(400);
    const renamed = await set(world, { name: 'IdP' });
    expect(renamed.body).toMatchObject({ name: 'IdP', externalIdIsImmutable: false });
  });

  test('a schema that was registered later does not stand in the way of a deactivation', async () => {
    const own = await addDirectory(world);
    const urn = 'urn:example:late:1.0:User';
    const user = await own.user({ [urn]: { a: 1 } });
    await schema(own, 'put', urn, { name: 'Late', attributes: [{ name: 'b', required: true }] });
    const off = await own.patch(`/Users/${user.id}`, { op: 'replace', value: { active: false } });
    expect([off.status, off.body.active, off.body[urn]]).toEqual([200, false, { a: 1 }]);
    const touched = await own.patch(`/Users/${user.id}`, { op: 'add', path: urn, value: { c: 1 } });
    expect([touched.status, touched.body.detail]).toEqual([400, `${urn}:b is required`]);
  });
});

describe('JSON that says two things, or what cannot be kept, is refused and changes nothing (OPS-1)', () => {
  const raw = (verb: 'post' | 'put' | 'patch', path: string, text: string) =>
    world.gatehouse
      .bearer(world.token, verb, `/scim/v2/${world.directory._id}${path}`)
      .type('application/scim+json')
      .send(text);

  test.each([
    ['a name twice', '"title":"a","title":"b"', 'invalidSyntax', /"title" is given twice/],
    ['a name twice, once escaped', '"title":"a","t\\u0069tle":"b"', 'invalidSyntax', /"title" is given twice/],
    ['a name twice, deep', '"x":[{"y":{"a":1,"b":2,"a":1}}]', 'invalidSyntax', /"a" is given twice/],
    ['a name in two cases', '"title":"a","TITLE":"b"', 'invalidSyntax', /given twice/],
    ['a sub-attribute in two cases', '"name":{"givenName":"a","GIVENNAME":"b"}', 'invalidSyntax', /given twice/],
    ['a number beyond what is exact', '"x":12345678901234567890', 'invalidValue', /12345678901234567890/],
    ['digits beyond what is exact', '"x":0.12345678901234567890123', 'invalidValue', /cannot be kept exactly/],
    ['a number too large', '"x":1e999', 'invalidValue', /number/],
    ['a number too small', '"x":1e-999', 'invalidValue', /cannot be kept exactly/],
    ['no end of nesting', `"x":${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'invalidSyntax', /nested/],
  ])('%s', async (_title, fields, scimType, detail) => {
    const user = await world.user();
    const posted = await raw('post', '/Users', `{"userName":"odd@acme.test",${fields}}`);
    const put = await raw('put', `/Users/${user.id}`, `{"userName":"odd@acme.test",${fields}}`);
    for (const { status, body } of [posted, put]) {
      expect([status, body.scimType, body.detail]).toEqual([400, scimType, expect.stringMatching(detail)]);
    }
    expect((await world.call('get', `/Users/${user.id}`)).body).toEqual(user);
  });

  test('equal names in different objects, and numbers that can be kept, come back as they were', async () => {
    const x = { a: [{ a: 1 }, { a: 1 }], b: 'a,"a":{', c: [-1.5, 1e21, 123456789012345, 0.000001, -0.25] };
    expect((await world.user({ x })).x).toEqual(x);
  });
});
