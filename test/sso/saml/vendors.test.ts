/** The messages that honest IdPs send, each in its own handwriting (SSO-1, SSO-6, SSO-8). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { findAccountByProvenEmail } from '../../../src/access/index.ts';
import {
  factsFor,
  issueResponse,
  type SamlPerson,
  type SamlVendorName,
  samlVendors,
  writeIdpMetadata,
} from '../../../src/simulator/index.ts';
import { readIdpMetadata } from '../../../src/sso/metadata.ts';
import { presetClaims } from '../../../src/sso/presets.ts';
import type { Connection } from '../../../src/store/index.ts';
import { type Craft, craftResponse, swap } from './craft.ts';
import { ann, openSamlWorld, type SamlWorld } from './world.ts';

let world: SamlWorld;
beforeAll(async () => {
  world = await openSamlWorld();
});

const names = Object.keys(samlVendors) as SamlVendorName[];
const subjectId = 'urn:oasis:names:tc:SAML:attribute:subject-id';
const claimsOf = (vendor: SamlVendorName) =>
  vendor === 'shibboleth' ? { claims: { ...presetClaims('custom', 'saml'), subject: [subjectId] } } : {};

/** The groups that a sign-in left with the person; undefined where it told of none at all. */
async function groupsOf({ organizationId, _id }: Connection): Promise<readonly string[] | undefined> {
  const { read } = world.gatehouse.store;
  const directory = await read.directories.findOne(organizationId, { connectionId: _id });
  if (directory === undefined) return undefined;
  const groups = await read.directoryGroups.find(organizationId, { directoryId: directory._id });
  const edges = await read.edges.find(organizationId, { groupId: { $in: groups.map((group) => group._id) } });
  const held = new Set(edges.map(({ groupId }) => groupId));
  return groups.filter((group) => held.has(group._id)).map(({ displayName }) => displayName);
}

describe('a person of each vendor comes in', () => {
  test.each(names)('%s', async (vendor) => {
    const pair = await world.connect({ vendor, ...claimsOf(vendor) });
    const left = await world.start(pair);
    const facts = factsFor(pair.idp, pair.to, ann, { request: left.request.id, at: world.now() });
    const response = Buffer.from(await issueResponse(pair.idp, pair.to, facts)).toString('base64');
    const ended = await world.post(pair, response, left);
    expect(ended.record?.detail).toBeUndefined();
    expect(ended).toMatchObject({ status: 303, signedIn: true });
    const subject = vendor === 'shibboleth' ? `${ann.id}@idp.example` : samlVendors[vendor].nameId(ann).value;
    const identity = await world.gatehouse.store.read.identities.findOne(world.organizationId, {
      connectionId: pair.connection._id,
    });
    expect(identity).toMatchObject({ subject, link: 'linked', email: 'ann@acme.test' });
    expect(identity?.accountId).toBe((await findAccountByProvenEmail(world.gatehouse.store.read, ann.email))?._id);
  });
});

test("Keycloak's own mappers name people as X.500 does, and its NameID is a user name (SSO-6)", async () => {
  const pair = await world.connect({ vendor: 'keycloak' });
  const ended = await world.signIn(pair, {
    facts: (facts) => ({
      ...facts,
      nameId: { value: 'ann', format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified' },
      attributes: [
        { name: 'urn:oid:1.2.840.113549.1.9.1', friendlyName: 'email', values: [ann.email] },
        { name: 'urn:oid:2.5.4.42', friendlyName: 'givenName', values: [ann.givenName] },
        { name: 'urn:oid:2.5.4.4', friendlyName: 'surname', values: [ann.familyName] },
      ],
    }),
  });
  expect(ended.signedIn).toBe(true);
  const { read } = world.gatehouse.store;
  const identity = await read.identities.findOne(world.organizationId, { connectionId: pair.connection._id });
  expect(identity).toMatchObject({ subject: 'ann', link: 'linked', email: ann.email });
  expect(identity?.accountId).toBe((await findAccountByProvenEmail(read, ann.email))?._id);
});

test.each(names)('the metadata of %s can be read, with all its certificates (SSO-1)', async (vendor) => {
  const { idp } = await world.connect({ vendor, keys: [world.keys.idp, world.keys.next] });
  expect(readIdpMetadata(writeIdpMetadata(idp), { at: world.now(), allowPrivate: false })).toMatchObject({
    entityId: idp.entityId,
    ssoUrl: idp.ssoUrl,
    sloUrl: idp.sloUrl,
    certificates: [{}, {}],
  });
});

describe('groups of a sign-in (SSO-8)', () => {
  const value = (inside: string) => `<saml:AttributeValue>${inside}</saml:AttributeValue>`;
  const nil =
    '<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"></saml:AttributeValue>';
  const some = value('Engineering');
  const nested = value('<g:group xmlns:g="urn:g"><g:name>GPU users</g:name></g:group>');
  const mixed = value('Eng<g:b xmlns:g="urn:g">ine</g:b>ering');
  const groupsAre = (values: string): Craft => ({
    assertion: swap(/(?<=<saml:Attribute Name="groups"[^>]*>)[\s\S]*?(?=<\/saml:Attribute>)/, values),
  });
  const guids = ['a1b2c3d4-0000-4000-8000-000000000001', 'a1b2c3d4-0000-4000-8000-000000000002'];
  const cases: readonly (readonly [string, SamlVendorName, SamlPerson, Craft, readonly string[] | undefined])[] = [
    ['as a list of values', 'okta', ann, {}, ann.groups],
    ['one by one, put together', 'keycloak', ann, {}, ann.groups],
    ['as GUIDs', 'entra', { ...ann, groups: guids }, {}, guids],
    ['inside of what is encrypted', 'adfs', ann, {}, ann.groups],
    ['an empty attribute is no groups', 'okta', { ...ann, groups: [] }, {}, []],
    ['an absent attribute says nothing', 'keycloak', { ...ann, groups: [] }, {}, undefined],
    [
      "Entra's link to a list of them says nothing",
      'entra',
      { ...ann, groups: [] },
      {
        assertion: swap(
          '<AttributeStatement>',
          '<AttributeStatement><Attribute Name="http://schemas.microsoft.com/claims/groups.link"><AttributeValue>https://graph.windows.net/x/users/y/getMemberObjects</AttributeValue></Attribute>',
        ),
      },
      undefined,
    ],
    ['one without a value (xsi:nil) is no groups', 'ping', ann, groupsAre(nil), []],
    ['one that holds elements, not texts, says nothing', 'ping', ann, groupsAre(nested), undefined],
    ['one that cannot be read beside those that can says nothing', 'ping', ann, groupsAre(some + nested), undefined],
    ['text around an element says nothing', 'ping', ann, groupsAre(mixed), undefined],
    ['blank values are none', 'okta', { ...ann, groups: ['Engineering', ' ', ''] }, {}, ['Engineering']],
  ];

  test.each(cases)('%s (%s)', async (_title, vendor, person, craft, groups) => {
    const pair = await world.connect({ vendor, ...claimsOf(vendor) });
    expect(await world.signIn(pair, craft, person)).toMatchObject({ signedIn: true });
    expect((await groupsOf(pair.connection))?.toSorted()).toEqual(groups?.toSorted());
  });

  test('a message with two thousand of them passes, each in an attribute of its own', async () => {
    const pair = await world.connect({ vendor: 'keycloak', jit: false });
    const groups = Array.from({ length: 2000 }, (_, index) => `group-${index}`);
    const { record } = await world.signIn(pair, {}, { ...ann, id: 'nobody-yet', email: 'new@acme.test', groups });
    expect(record).toMatchObject({ code: 'not_provisioned', subject: 'nobody-yet' });
  });
});

describe('what differs between honest IdPs', () => {
  const minutes = (by: number) => (text: string) => new Date(Date.parse(text) + by * 60_000).toISOString();
  const skewed = (seconds: number): Craft => ({
    facts: (facts) => {
      const moved = (text: string) => minutes(seconds / 60)(text);
      return {
        ...facts,
        issueInstant: moved(facts.issueInstant),
        authnInstant: moved(facts.authnInstant),
        notBefore: moved(facts.issueInstant),
        notOnOrAfter: moved(facts.notOnOrAfter),
      };
    },
  });
  const element = (name: string) => new RegExp(`<${name}[ >][\\s\\S]*?</${name}>`);

  test.each<readonly [string, SamlVendorName, Craft]>([
    ['a clock that is 50 seconds ahead', 'okta', skewed(50)],
    [
      'a clock that is 50 seconds behind, of an IdP that lets messages live for a minute',
      'entra',
      {
        facts: (facts) => ({ ...facts, notOnOrAfter: minutes(-50 / 60)(facts.issueInstant) }),
      },
    ],
    [
      'seven digits of a second',
      'adfs',
      { facts: (facts) => ({ ...facts, issueInstant: facts.issueInstant.replace('Z', '4321Z') }) },
    ],
    [
      'no fraction of a second',
      'okta',
      { facts: (facts) => ({ ...facts, issueInstant: facts.issueInstant.replace(/\.\d+/, '') }) },
    ],
    ['an XML declaration', 'okta', { message: (xml) => `<?xml version="1.0" encoding="UTF-8"?>\n${xml}` }],
    ['lines in the base64', 'okta', { field: (field) => field.replace(/.{76}/g, '$&\r\n') }],
    [
      'Windows line ends between elements',
      'entra',
      { assertion: (xml) => xml.replace(/></g, '>\n<'), message: (xml) => xml.replace(/\n/g, '\r\n') },
    ],
    [
      'a response without an Issuer, unsigned',
      'entra',
      { response: swap(/<Issuer[^>]*>[^<]*<\/Issuer><samlp:Status>/, '<samlp:Status>') },
    ],
    [
      'a second audience',
      'okta',
      { assertion: swap('</saml2:Audience>', '</saml2:Audience><saml2:Audience>https://other.test</saml2:Audience>') },
    ],
    ['OneTimeUse', 'okta', { assertion: swap('</saml2:Conditions>', '<saml2:OneTimeUse/></saml2:Conditions>') }],
    [
      'a second confirmation, for somebody else',
      'okta',
      {
        assertion: swap(
          element('saml2:SubjectConfirmation'),
          (found) => `${found.replace('cm:bearer', 'cm:sender-vouches')}${found}`,
        ),
      },
    ],
    [
      'RSA with SHA-512',
      'okta',
      {
        signAssertion: {
          algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
          digest: 'http://www.w3.org/2001/04/xmlenc#sha512',
        },
      },
    ],
    ['RSA-PSS', 'google', { signResponse: { algorithm: 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1' } }],
    ['AES-128 in CBC mode', 'shibboleth', { encryption: { algorithm: 'http://www.w3.org/2001/04/xmlenc#aes128-cbc' } }],
    ['AES-256 in GCM mode', 'adfs', { encryption: { algorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm' } }],
    [
      'an attribute that is called nameID',
      'okta',
      {
        assertion: swap(
          '<saml2:AttributeStatement>',
          '<saml2:AttributeStatement><saml2:Attribute Name="nameID"><saml2:AttributeValue>eve@acme.test</saml2:AttributeValue></saml2:Attribute>',
        ),
      },
    ],
    [
      'a user name in a NameID that is called an email address',
      'google',
      { facts: (facts) => ({ ...facts, nameId: { ...facts.nameId, value: 'alee' } }) },
    ],
    [
      'a value that is an element',
      'shibboleth',
      {
        assertion: swap(/<saml2:AttributeValue>([^<]*)<\/saml2:AttributeValue><\/saml2:Attribute>/, (found) =>
          found.replace(/<saml2:AttributeValue>([^<]*)</, '<saml2:AttributeValue><saml2:NameID>$1</saml2:NameID><'),
        ),
      },
    ],
  ])('%s (%s)', async (_title, vendor, craft) => {
    const pair = await world.connect({ vendor, ...claimsOf(vendor) });
    const ended = await world.signIn(pair, craft);
    expect(ended.record?.detail).toBeUndefined();
    expect(ended).toMatchObject({ status: 303, signedIn: true });
  });

  test('while certificates are rolled over, either key may sign (SSO-1)', async () => {
    const { idp, next } = world.keys;
    for (const signer of [idp, next]) {
      const pair = await world.connect({ vendor: 'entra', keys: [idp, next] });
      expect(await world.signIn({ ...pair, idp: { ...pair.idp, keys: [signer] } })).toMatchObject({ signedIn: true });
    }
  });

  test('encrypted assertions are opened with the current, the next and the former key of the connection (SSO-1)', async () => {
    const pair = await world.connect({ vendor: 'adfs' });
    const { organizationId, _id: connectionId } = pair.connection;
    for (const state of ['former', 'next'] as const) {
      await world.run((tx) => tx.connectionKeys.update(organizationId, { connectionId }, { $set: { state } }));
      expect(await world.signIn(pair)).toMatchObject({ signedIn: true });
    }
  });
});

test('an IdP may begin where its connection allows it, and only with a response to nothing (SSO-2)', async () => {
  const pair = await world.connect({ idpInitiated: true });
  const unasked = await craftResponse(pair.idp, pair.to, ann, { request: undefined, at: world.now() });
  expect(await world.post(pair, unasked)).toMatchObject({ status: 303, signedIn: true });
});
