/** Names of attributes as clients write them beside the RFC's own notation (RFC 7644 §3.10, SCIM-2). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, openWorld, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const enterprise = { department: 'Tours', costCenter: '7', manager: { value: 'boss-1' } };
const person = () => world.user({ title: 'Guide', [ENTERPRISE]: enterprise });
const find = (filter: string) => world.call('get', `/Users?filter=${encodeURIComponent(filter)}`);
const extensionOf = async (id: string) => (await world.call('get', `/Users/${id}`)).body[ENTERPRISE];

describe('an attribute of an extension may be named without its URN where nothing else has its name (RFC 7644 §3.10)', () => {
  test('Entra asks whether somebody is the manager, and finds who', async () => {
    const { id } = await person();
    const yes = await find(`id eq "${id}" and manager eq "boss-1"`);
    expect(yes.body.Resources.map((found: { id: string }) => found.id)).toEqual([id]);
    expect((await find(`id eq "${id}" and manager eq "boss-2"`)).body.totalResults).toBe(0);
    expect(
      (await find(`id eq "${id}" and manager.value sw "boss" and not (department ne "tours")`)).body.totalResults,
    ).toBe(1);
  });

  test('Entra sets the manager as a list of one, and the path leads to the extension', async () => {
    const { id } = await person();
    const value = [{ $ref: 'http://gatehouse.test/x', value: 'boss-3' }];
    const { status } = await world.patch(`/Users/${id}`, { op: 'Add', path: 'manager', value });
    expect(status).toBe(200);
    expect((await extensionOf(id)).manager).toMatchObject({ value: 'boss-3' });
    await world.patch(
      `/Users/${id}`,
      { op: 'replace', path: 'manager.value', value: 'boss-4' },
      { op: 'remove', path: 'DEPARTMENT' },
    );
    expect(await extensionOf(id)).toMatchObject({ costCenter: '7', manager: { value: 'boss-4' } });
    expect((await extensionOf(id)).department).toBeUndefined();
  });

  test('attributes, excludedAttributes and sortBy understand it', async () => {
    const { id } = await person();
    const only = await world.call('get', `/Users/${id}?attributes=department,manager.value`);
    expect(only.body).toEqual({
      schemas: expect.any(Array),
      id,
      [ENTERPRISE]: { department: 'Tours', manager: { value: 'boss-1' } },
    });
    const without = await world.call('get', `/Users/${id}?excludedAttributes=department,manager`);
    expect(without.body[ENTERPRISE]).toEqual({ costCenter: '7' });
    const last = await world.user({ [ENTERPRISE]: { department: 'Zoo' } });
    const sorted = await world.call('get', '/Users?sortBy=department&sortOrder=descending&filter=department sw "z"');
    expect(sorted.body.Resources.map((found: { id: string }) => found.id)).toEqual([last.id]);
  });

  test('an attribute of the same name that the resource carries in no schema goes before', async () => {
    const { id } = await world.user({ department: 'own', [ENTERPRISE]: enterprise });
    await world.patch(`/Users/${id}`, { op: 'replace', path: 'department', value: 'changed' });
    const { body } = await world.call('get', `/Users/${id}?attributes=department`);
    expect(body).toMatchObject({ department: 'changed', [ENTERPRISE]: { department: 'Tours' } });
  });

  test('in a body it stays what it is: an attribute that no schema has', async () => {
    const { id } = await person();
    await world.patch(`/Users/${id}`, { op: 'replace', value: { costCenter: 'own' } });
    const { body } = await world.call('get', `/Users/${id}`);
    expect(body).toMatchObject({ costCenter: 'own', [ENTERPRISE]: { costCenter: '7' } });
  });
});

describe('an extension as a whole', () => {
  test('is asked for its presence by its URN, as a path names it, and for nothing else', async () => {
    const [has, lacks] = [await person(), await world.user({ title: 'Guide' })];
    const among = `(id eq "${has.id}" or id eq "${lacks.id}")`;
    const found = async (filter: string) =>
      (await find(`${among} and ${filter}`)).body.Resources.map((one: { id: string }) => one.id);
    expect(await found(`${ENTERPRISE} pr`)).toEqual([has.id]);
    expect(await found(`not (${ENTERPRISE.toUpperCase()} PR)`)).toEqual([lacks.id]);
    for (const filter of [`${ENTERPRISE} eq "x"`, `${ENTERPRISE}[department pr]`, 'urn:example:none pr'])
      expect((await find(filter)).body.scimType).toBe('invalidFilter');
  });
});

describe('a dot in place of the last colon, as many write it, leads to the attribute', () => {
  const dotted = `${ENTERPRISE}.department`;

  test('in a path, a filter, a list of attributes and a body', async () => {
    const { id } = await person();
    const { body } = await world.patch(
      `/Users/${id}`,
      { op: 'replace', path: dotted, value: 'Sales' },
      { op: 'replace', path: `${ENTERPRISE}.manager.value`, value: 'boss-5' },
      { op: 'add', path: `${USER}.emails[type eq "work"].value`, value: 'a@acme.test' },
      { op: 'replace', value: { [`${ENTERPRISE}.division`]: 'North' } },
    );
    expect(body[ENTERPRISE]).toMatchObject({ department: 'Sales', division: 'North', manager: { value: 'boss-5' } });
    expect(body.emails).toEqual([{ type: 'work', value: 'a@acme.test' }]);
    expect(body.schemas).toEqual([USER, ENTERPRISE]);
    expect((await find(`id eq "${id}" and ${dotted.toUpperCase()} eq "sales"`)).body.totalResults).toBe(1);
    const only = await world.call('get', `/Users/${id}?attributes=${dotted}`);
    expect(only.body[ENTERPRISE]).toEqual({ department: 'Sales' });
    const made = await world.user({ [dotted]: 'Sales' });
    expect(made).toMatchObject({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'Sales' } });
  });

  test('where the schema has no such attribute, nothing is taken for one', async () => {
    const { id } = await person();
    const before = (await world.call('get', `/Users/${id}`)).body;
    for (const path of [`emails.value[type eq "work"].display`, `${USER}:name.givenName[x eq "y"]`]) {
      const { status, body } = await world.patch(`/Users/${id}`, { op: 'replace', path, value: 'x' });
      expect([status, body.scimType]).toEqual([400, 'invalidPath']);
    }
    expect((await find(`${ENTERPRISE}.shoeSize eq "9"`)).body.scimType).toBe('invalidFilter');
    expect((await world.call('get', `/Users/${id}`)).body).toEqual(before);
  });
});
