import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves, rows } from './proves.ts';

let world: ScimWorld;
let id: string;
const whole = {
  title: 'Boss',
  name: { givenName: 'Ann', familyName: 'Lee' },
  emails: [
    { value: 'ann@work.test', type: 'work' },
    { value: 'ann@home.test', type: 'home' },
  ],
  [ENTERPRISE]: { department: 'R&D', division: 'D' },
};
beforeAll(async () => {
  world = await openWorld();
  id = (await world.user({ userName: 'ann', ...whole })).id;
  await world.group({ displayName: 'G', members: [{ value: id }] });
});

const always = () => ({ schemas: [USER, ENTERPRISE], id });

describe('attributes (RFC 7644 §3.9): what is named, and what is always returned', () => {
  test.each<[string, string, object]>([
    [rows('7644-3.9-01', '7643-7-16'), 'userName', { userName: 'ann' }],
    [rows('7644-3.9-01', '7644-3.10-04'), 'USERNAME,Title', { userName: 'ann', title: 'Boss' }],
    [rows('7644-3.9-04', '7644-3.10-01'), 'name.familyName', { name: { familyName: 'Lee' } }],
    [rows('7644-3.9-04'), 'emails.value', { emails: whole.emails.map(({ value }) => ({ value })) }],
    [rows('7644-3.9-05', '7644-3.10-03'), `${USER}:userName`, { userName: 'ann' }],
    [rows('7644-3.9-05', '7644-3.10-01'), `${USER}:name.givenName`, { name: { givenName: 'Ann' } }],
    [rows('7644-3.9-05', '7644-3.10-02'), `${ENTERPRISE}:department`, { [ENTERPRISE]: { department: 'R&D' } }],
    [rows('7644-3.9-05'), ENTERPRISE, { [ENTERPRISE]: whole[ENTERPRISE] }],
    [rows('7644-3.9-11'), 'userName,shoeSize', { userName: 'ann' }],
    [rows('7644-3.9-09', '7643-7-17'), 'userName,password', { userName: 'ann' }],
  ])('%s %s', async (_rows, attributes, expected) => {
    const wanted = { ...always(), ...expected };
    expect((await world.call('get', `/Users/${id}?attributes=${attributes}`)).body).toEqual(wanted);
  });

  test(proves('they hold for every resource of a list', '7644-3.4.2.5-01', '7644-3.9-01'), async () => {
    const { body } = await world.call('get', '/Users?attributes=userName');
    expect(body.Resources).toEqual([{ ...always(), userName: 'ann' }]);
    expect(body.totalResults).toBe(1);
    const groups = await world.call('get', '/Groups?attributes=displayName');
    expect(Object.keys(groups.body.Resources[0]).sort()).toEqual(['displayName', 'id', 'schemas']);
  });
});

describe('excludedAttributes (RFC 7644 §3.9): everything else', () => {
  test.each<[string, string, string[]]>([
    [rows('7644-3.9-02'), 'title', ['title']],
    [rows('7644-3.9-02'), 'title,emails,meta', ['title', 'emails', 'meta']],
    [rows('7644-3.9-03', '7644-3.4.2.5-03', '7643-7-16'), 'id,schemas', []],
    [rows('7644-3.9-05'), `${ENTERPRISE},${USER}:title`, [ENTERPRISE, 'title']],
    [rows('7644-3.9-11'), 'shoeSize', []],
  ])('%s %s', async (_rows, excluded, gone) => {
    const { body: full } = await world.call('get', `/Users/${id}`);
    for (const name of gone) delete full[name];
    expect((await world.call('get', `/Users/${id}?excludedAttributes=${excluded}`)).body).toEqual(full);
  });

  test(proves('parts of attributes too', '7644-3.9-04'), async () => {
    const { body } = await world.call('get', `/Users/${id}?excludedAttributes=name.givenName,emails.type`);
    expect(body).toMatchObject({ name: { familyName: 'Lee' }, emails: whole.emails.map(({ value }) => ({ value })) });
    expect(body.name).not.toHaveProperty('givenName');
    expect(body.emails[0]).not.toHaveProperty('type');
  });

  test(proves('they hold for every resource of a list', '7644-3.4.2.5-02', '7644-3.4.2.5-03'), async () => {
    const { body } = await world.call('get', '/Groups?excludedAttributes=members,id');
    expect(body.Resources).toHaveLength(1);
    expect(body.Resources[0]).not.toHaveProperty('members');
    expect(body.Resources[0].id).toMatch(/./);
  });
});

test(proves('both at once are refused', '7644-3.9-10'), async () => {
  const { body } = await world.call('get', `/Users/${id}?attributes=title&excludedAttributes=name`);
  expect(body).toMatchObject({ schemas: [ERROR], status: '400', scimType: 'invalidValue' });
});

test(
  proves('what is returned by default is there where nothing is asked for', '7643-7-18', '7643-3.1-12'),
  async () => {
    const { body } = await world.call('get', `/Users/${id}`);
    expect(body).toMatchObject({
      ...always(),
      userName: 'ann',
      active: true,
      ...whole,
      meta: { resourceType: 'User' },
    });
  },
);
