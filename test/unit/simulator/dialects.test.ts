import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createTenant,
  type Exchange,
  type Idp,
  makePopulation,
  openEntraIdp,
  openOktaIdp,
  ScimFailure,
  type Tenant,
} from '../../../src/simulator/index.ts';
import { openListening } from '../../journeys/world.ts';

const domain = 'acme.example';
const profiles = makePopulation({ seed: 5, count: 3, domain });

let tenant: Tenant;
let exchanges: Exchange[];
let close: () => Promise<void>;

beforeEach(async () => {
  const { gatehouse, platform } = await openListening();
  close = gatehouse.close;
  tenant = await createTenant(platform, 'Acme', { email: `olivia@${domain}`, name: 'Olivia' });
  await tenant.addDomain(domain);
  exchanges = [];
});
afterEach(() => close());

async function open(openIdp: typeof openOktaIdp): Promise<Idp> {
  const endpoint = await tenant.addDirectory('IdP');
  return openIdp({ ...endpoint, onExchange: (exchange) => exchanges.push(exchange) });
}

/** What was sent since the last call: method, path without ids, and body. */
function sent(): readonly (readonly [string, unknown])[] {
  return exchanges
    .splice(0)
    .map(({ method, path, request }) => [`${method} ${path.replace(/(usr|grp)-\w+/g, ':id')}`, request] as const);
}

const operations = (...Operations: readonly unknown[]) => expect.objectContaining({ Operations });

async function hireOne(idp: Idp, index = 0) {
  const [person] = idp.hire(profiles.slice(index, index + 1));
  if (!person) throw new Error('one person was hired');
  await idp.assign([person]);
  return person;
}

describe('Okta', () => {
  test('looks up by userName, then creates with a full POST', async () => {
    const okta = await open(openOktaIdp);
    const { id, profile } = await hireOne(okta);
    expect(sent()).toEqual([
      [
        `GET /Users?filter=userName%20eq%20%22${encodeURIComponent(profile.userName)}%22&startIndex=1&count=100`,
        undefined,
      ],
      [
        'POST /Users',
        expect.objectContaining({ externalId: id, active: true, groups: [], password: expect.any(String) }),
      ],
    ]);
  });

  test('deactivates and reactivates by PATCH without path, and updates profiles by full PUT', async () => {
    const okta = await open(openOktaIdp);
    const { id } = await hireOne(okta);
    sent();
    await okta.deactivate(id);
    expect(sent()).toEqual([['PATCH /Users/:id', operations({ op: 'replace', value: { active: false } })]]);
    await okta.reactivate(id);
    expect(sent().at(-1)).toEqual(['PATCH /Users/:id', operations({ op: 'replace', value: { active: true } })]);
    await okta.update(id, { title: 'CTO' });
    expect(sent().map(([request]) => request)).toEqual(['GET /Users/:id', 'PUT /Users/:id']);
  });

  test('pushes groups with members, renames without path, removes by filtered path, and pushes the full list', async () => {
    const okta = await open(openOktaIdp);
    const people = [await hireOne(okta), await hireOne(okta, 1)];
    const [first, second] = people.map(({ id }) => okta.scimId(id));
    const ids = people.map(({ id }) => id);
    sent();
    const group = await okta.pushGroup('Team', ids.slice(0, 1));
    const scimId = okta.scimId(group.id);
    await okta.renameGroup(group.id, 'Crew');
    await okta.addToGroup(group.id, ids.slice(1));
    await okta.removeFromGroup(group.id, ids.slice(0, 1));
    await okta.pushGroupNow(group.id);
    await okta.removeGroup(group.id);
    const display = expect.any(String);
    expect(sent()).toEqual([
      ['POST /Groups', expect.objectContaining({ displayName: 'Team', members: [{ value: first, display }] })],
      ['PATCH /Groups/:id', operations({ op: 'replace', value: { id: scimId, displayName: 'Crew' } })],
      ['PATCH /Groups/:id', operations({ op: 'add', path: 'members', value: [{ value: second, display }] })],
      ['PATCH /Groups/:id', operations({ op: 'remove', path: `members[value eq "${first}"]` })],
      ['PATCH /Groups/:id', operations({ op: 'replace', path: 'members', value: [{ value: second, display }] })],
      ['DELETE /Groups/:id', undefined],
    ]);
  });
});

describe('Entra ID', () => {
  test('looks up with plus signs for blanks, and creates without the extension in schemas', async () => {
    const entra = await open(openEntraIdp);
    const { profile } = await hireOne(entra);
    const [lookUp, create] = sent();
    expect(lookUp?.[0]).toBe(`GET /Users?filter=userName+eq+%22${encodeURIComponent(profile.userName)}%22`);
    expect(create).toEqual([
      'POST /Users',
      expect.objectContaining({
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        meta: { resourceType: 'User' },
        roles: [],
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: profile.department },
      }),
    ]);
  });

  test('says booleans as texts, capitalises operations, and names single attributes by path', async () => {
    const entra = await open(openEntraIdp);
    const { id } = await hireOne(entra);
    sent();
    await entra.deactivate(id);
    expect(sent()).toEqual([['PATCH /Users/:id', operations({ op: 'Replace', path: 'active', value: 'False' })]]);
    await entra.reactivate(id);
    await entra.update(id, { email: `new@${domain}`, department: 'Legal' });
    expect(sent().at(-1)?.[1]).toEqual(
      operations(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: `new@${domain}` },
        {
          op: 'Replace',
          path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department',
          value: 'Legal',
        },
      ),
    );
    await entra.remove(id);
    expect(sent()).toEqual([['DELETE /Users/:id', undefined]]);
  });

  test('makes groups empty and fills them by PATCH, reads them without members, removes by a list of values', async () => {
    const entra = await open(openEntraIdp);
    const { id } = await hireOne(entra);
    const value = [{ $ref: null, value: entra.scimId(id) }];
    sent();
    const group = await entra.pushGroup('Team', [id]);
    await entra.renameGroup(group.id, 'Crew');
    await entra.removeFromGroup(group.id, [id]);
    expect(sent()).toEqual([
      ['GET /Groups?excludedAttributes=members&filter=displayName+eq+%22Team%22', undefined],
      ['POST /Groups', expect.not.objectContaining({ members: expect.anything() })],
      ['GET /Groups/:id?excludedAttributes=members', undefined],
      ['PATCH /Groups/:id', operations({ op: 'Add', path: 'members', value })],
      ['PATCH /Groups/:id', operations({ op: 'Replace', path: 'displayName', value: 'Crew' })],
      ['PATCH /Groups/:id', operations({ op: 'Remove', path: 'members', value })],
    ]);
  });
});

describe.each([
  ['Okta', openOktaIdp],
  ['Entra ID', openEntraIdp],
])('%s', (_, openIdp) => {
  test('takes over whom it finds, instead of making them twice', async () => {
    const first = await open(openIdp);
    const endpoint = await tenant.addDirectory('Again');
    const again = openIdp({ ...endpoint, seed: 1 });
    const anew = openIdp({ ...endpoint, seed: 2 });
    const before = await hireOne(again);
    const after = await hireOne(anew);
    expect(anew.scimId(after.id)).toBe(again.scimId(before.id));
    expect(first.people).toEqual([]);
    expect((await tenant.members()).length).toBe(2);
  });

  test('stays as it was where a push is refused, and says why', async () => {
    const idp = await open(openIdp);
    const [owner] = idp.hire([
      {
        userName: `olivia@${domain}`,
        email: `olivia@${domain}`,
        givenName: 'Olivia',
        familyName: 'O',
        displayName: 'Olivia O',
      },
    ]);
    if (!owner) throw new Error('one person was hired');
    await idp.assign([owner]);
    const refusal = await idp.deactivate(owner.id).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ScimFailure);
    expect(refusal).toMatchObject({ status: 403, detail: expect.stringContaining('Owner') });
    expect(idp.person(owner.id).active).toBe(true);
  });
});
