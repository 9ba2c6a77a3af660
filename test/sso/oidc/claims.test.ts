/** What a really signed ID token claims, over HTTP: tenants, addresses and groups count for what they are worth, and no more (SSO-3, SSO-8). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../../src/access/index.ts';
import type { Connection } from '../../../src/store/index.ts';
import { type BrowserWorld, openBrowserWorld } from './browser.ts';
import { type EvilIdp, type Flaw, type Json, openEvilIdp, type Person } from './evilIdp.ts';

let world: BrowserWorld;
let idp: EvilIdp;
let people = 0;

beforeAll(async () => {
  world = await openBrowserWorld();
  idp = await openEvilIdp();
});
afterAll(() => idp.close());

/** Somebody whom no earlier test knows. */
const somebody = (more: Json = {}): Person => {
  people += 1;
  return { sub: `u-${people}`, email: `u-${people}@acme.test`, email_verified: true, name: 'Somebody', ...more };
};
/** Who has an account here already, which an IdP must not open by its address alone. */
const withAccount = async (more: Json = {}): Promise<Person> => {
  const person = somebody(more);
  await world.run((tx) => createAccount(tx, { email: String(person.email), provenBy: 'operator' }));
  return person;
};

/** How a sign-in ends: the code of its record, or that it let somebody in. The page of a refusal tells nothing of why. */
async function ends(connection: Connection, person: Person, flaw: Flaw = {}): Promise<string> {
  const { signedIn, record, page } = await world.signIn(connection, idp, person, flaw);
  if (signedIn) return 'signed in';
  for (const told of [record?.code ?? '?', record?.detail ?? '?', String(person.email)])
    expect(page).not.toContain(told);
  expect(record?.detail).toMatch(/\S/);
  return record?.code ?? 'no record';
}

describe('an address opens an account only where the IdP vouches for it', () => {
  test.each<readonly [string, Json]>([
    ['email_verified absent', { email_verified: undefined }],
    ['email_verified false', { email_verified: false }],
    ['email_verified "true"', { email_verified: 'true' }],
    ['email_verified "false"', { email_verified: 'false' }],
    ['email_verified 1', { email_verified: 1 }],
    ['email_verified null', { email_verified: null }],
    ['email_verified in a list', { email_verified: [true] }],
  ])('%s', async (_title, claims) => {
    const connection = await world.connect(idp.issuer);
    const person = await withAccount();
    expect(await ends(connection, { ...person, ...claims })).toBe('address_not_vouched');
    expect(await ends(connection, person)).toBe('signed in');
  });
});

describe('Microsoft Entra ID', () => {
  const tenantId = '0f3ac9a1-7a7b-4b4c-8a8e-1c2d3e4f5a6b';
  const connect = () => world.connect(idp.issuer, { tenantId }, 'entra');

  test.each<readonly [string, unknown]>([
    ['another tenant', '9188040d-6c67-4c5b-b112-36a304b66dad'],
    ['no tenant', undefined],
    ['an empty one', ''],
    ['a list with ours', [tenantId]],
  ])('a token of %s is refused', async (_title, tid) => {
    const connection = await connect();
    const person = somebody({ tid: tenantId, xms_edov: true });
    expect(await ends(connection, { ...person, tid })).toBe('issuer_mismatch');
    expect(await ends(connection, person)).toBe('signed in');
  });

  test.each<readonly [string, unknown]>([
    ['absent', undefined],
    ['false', false],
    ['0', 0],
    ['"true"', 'true'],
    ['a list', [true]],
  ])('an address whose owner Entra does not name opens no account: xms_edov %s (nOAuth)', async (_title, xms_edov) => {
    const connection = await connect();
    const person = await withAccount({ tid: tenantId, xms_edov: true });
    expect(await ends(connection, { ...person, xms_edov })).toBe('address_not_vouched');
    expect(await ends(connection, person)).toBe('signed in');
  });
});

describe('groups that a token leaves out, or cuts short, take nothing away (SSO-8)', () => {
  async function groupsOf({ _id }: Connection): Promise<readonly string[]> {
    const { read } = world.gatehouse.store;
    const { organizationId } = world;
    const directory = await read.directories.findOne(organizationId, { connectionId: _id });
    const groups = await read.directoryGroups.find(organizationId, { directoryId: directory?._id ?? 'none' });
    const edges = await read.edges.find(organizationId, { groupId: { $in: groups.map((group) => group._id) } });
    const held = new Set(edges.map(({ groupId }) => groupId));
    return groups.filter((group) => held.has(group._id)).map(({ displayName }) => displayName);
  }

  test.each<readonly [string, Json]>([
    ['no claim', {}],
    ['null', { groups: null }],
    ['an object', { groups: { staff: true } }],
    ['a list with an object in it', { groups: ['staff', { name: 'gpu' }] }],
    ['a list with a name that no text can hold (NUL)', { groups: ['staff', 'gp\0u'] }],
    ['a list with half a character', { groups: ['staff', 'gpu\ud800'] }],
    [
      "Entra's pointer to more",
      { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://x' } } },
    ],
    ['a pointer beside some of them', { groups: ['staff'], _claim_names: { groups: 'src1' } }],
    ['hasgroups', { hasgroups: true }],
    ['hasgroups as a text', { hasgroups: 'true' }],
  ])('%s', async (_title, claims) => {
    const connection = await world.connect(idp.issuer);
    const person = somebody();
    expect(await ends(connection, { ...person, groups: ['staff', 'gpu'] })).toBe('signed in');
    expect((await groupsOf(connection)).toSorted()).toEqual(['gpu', 'staff']);
    expect(await ends(connection, { ...person, ...claims })).toBe('signed in');
    expect((await groupsOf(connection)).toSorted()).toEqual(['gpu', 'staff']);
    // An IdP that says that there are none is believed.
    expect(await ends(connection, { ...person, groups: [] })).toBe('signed in');
    expect(await groupsOf(connection)).toEqual([]);
  });
});

test('metadata that says null for what the IdP does not have is that of an honest one', async () => {
  idp.misbehave({
    metadata: (honest) => ({
      ...honest,
      userinfo_endpoint: null,
      end_session_endpoint: null,
      id_token_signing_alg_values_supported: null,
    }),
  });
  const connection = await world.connect(idp.issuer);
  expect(await ends(connection, somebody())).toBe('signed in');
  idp.misbehave({});
});
