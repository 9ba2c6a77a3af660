/** How the common IdPs write: what they sign, how they name people and attributes, which prefixes they use. */
import type { Handwriting, SamlAttribute } from './message.ts';
import { formats } from './names.ts';

/** A person whom the IdP signs in. */
export interface SamlPerson {
  readonly id: string;
  readonly email: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly groups: readonly string[];
}

export interface SamlVendor {
  readonly title: string;
  /** The preset of a connection that understands it. */
  readonly preset: string;
  readonly hand: Handwriting;
  readonly signs: { readonly response: boolean; readonly assertion: boolean };
  readonly inclusivePrefixes?: readonly string[];
  /** The algorithm of encrypted assertions, where it encrypts. */
  readonly encrypts?: string;
  readonly nameId: (person: SamlPerson) => { readonly value: string; readonly format: string };
  readonly attributes: (person: SamlPerson) => readonly SamlAttribute[];
}

const xmlsoap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';
const microsoft = 'http://schemas.microsoft.com';
const basic = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';
const uri = 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri';

const saml2: Handwriting = { protocol: 'saml2p', assertion: 'saml2', signature: 'ds', typedValues: true };
const samlp: Handwriting = { protocol: 'samlp', assertion: 'saml', signature: 'ds', typedValues: false };
const dotNet: Handwriting = { protocol: 'samlp', assertion: '', signature: '', typedValues: false };

const byEmail = ({ email }: SamlPerson) => ({ value: email, format: formats.email });
const unspecified = ({ email }: SamlPerson) => ({ value: email, format: formats.unspecified });
const persistent = ({ id }: SamlPerson) => ({ value: id, format: formats.persistent });

const attribute = (
  name: string,
  values: readonly string[],
  nameFormat?: string,
  friendlyName?: string,
): SamlAttribute => ({
  name,
  values,
  ...(nameFormat !== undefined && { nameFormat }),
  ...(friendlyName !== undefined && { friendlyName }),
});

const fullName = ({ givenName, familyName }: SamlPerson) => `${givenName} ${familyName}`;

/** As most admins name them where the IdP has no names of its own. */
const plainNames = (person: SamlPerson) => [
  attribute('email', [person.email], basic),
  attribute('firstName', [person.givenName], basic),
  attribute('lastName', [person.familyName], basic),
  attribute('groups', person.groups, basic),
];

export const samlVendors = {
  okta: {
    title: 'Okta',
    preset: 'okta',
    hand: saml2,
    signs: { response: true, assertion: true },
    inclusivePrefixes: ['xs'],
    nameId: unspecified,
    attributes: plainNames,
  },
  entra: {
    title: 'Microsoft Entra ID',
    preset: 'entra',
    hand: dotNet,
    signs: { response: false, assertion: true },
    nameId: persistent,
    attributes: (person) => [
      attribute(`${microsoft}/identity/claims/objectidentifier`, [person.id]),
      attribute(`${microsoft}/identity/claims/displayname`, [fullName(person)]),
      attribute(`${xmlsoap}/emailaddress`, [person.email]),
      attribute(`${xmlsoap}/name`, [person.email]),
      attribute(`${xmlsoap}/givenname`, [person.givenName]),
      attribute(`${xmlsoap}/surname`, [person.familyName]),
      attribute(`${microsoft}/ws/2008/06/identity/claims/groups`, person.groups),
    ],
  },
  google: {
    title: 'Google Workspace',
    preset: 'google',
    hand: { ...saml2, typedValues: true },
    signs: { response: true, assertion: false },
    nameId: byEmail,
    attributes: (person) => [
      attribute('email', [person.email]),
      attribute('firstName', [person.givenName]),
      attribute('lastName', [person.familyName]),
      attribute('groups', person.groups),
    ],
  },
  adfs: {
    title: 'AD FS',
    preset: 'adfs',
    hand: { ...dotNet, signature: 'ds' },
    signs: { response: false, assertion: true },
    encrypts: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
    nameId: byEmail,
    attributes: (person) => [
      attribute(`${xmlsoap}/emailaddress`, [person.email]),
      attribute(`${xmlsoap}/upn`, [person.email]),
      attribute(`${xmlsoap}/name`, [fullName(person)]),
      attribute('http://schemas.xmlsoap.org/claims/Group', person.groups),
    ],
  },
  onelogin: {
    title: 'OneLogin',
    preset: 'onelogin',
    hand: { ...samlp, typedValues: true },
    signs: { response: true, assertion: false },
    nameId: byEmail,
    attributes: (person) => [
      attribute('User.email', [person.email], basic),
      attribute('User.FirstName', [person.givenName], basic),
      attribute('User.LastName', [person.familyName], basic),
      attribute('memberOf', person.groups, basic),
    ],
  },
  /** Sends every group in an attribute of its own. */
  keycloak: {
    title: 'Keycloak',
    preset: 'keycloak',
    hand: { ...samlp, signature: 'dsig', typedValues: true },
    signs: { response: true, assertion: false },
    nameId: persistent,
    attributes: (person) => [
      attribute('email', [person.email], basic),
      attribute('givenName', [person.givenName], basic),
      attribute('surname', [person.familyName], basic),
      ...person.groups.map((group) => attribute('groups', [group], basic)),
    ],
  },
  ping: {
    title: 'Ping Identity',
    preset: 'ping',
    hand: { ...samlp, typedValues: true },
    signs: { response: false, assertion: true },
    inclusivePrefixes: ['xs'],
    nameId: unspecified,
    attributes: plainNames,
  },
  /** Names people anew each time: a connection to it names the attribute that stays. */
  shibboleth: {
    title: 'Shibboleth',
    preset: 'custom',
    hand: { ...saml2, typedValues: false },
    signs: { response: true, assertion: false },
    encrypts: 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
    nameId: ({ id }) => ({
      value: `_${Buffer.from(`${id}${Date.now()}`).toString('hex')}`.slice(0, 64),
      format: formats.transient,
    }),
    attributes: (person) => [
      attribute('urn:oasis:names:tc:SAML:attribute:subject-id', [`${person.id}@idp.example`], uri, 'subject-id'),
      attribute('urn:oid:0.9.2342.19200300.100.1.3', [person.email], uri, 'mail'),
      attribute('urn:oid:2.5.4.42', [person.givenName], uri, 'givenName'),
      attribute('urn:oid:2.5.4.4', [person.familyName], uri, 'sn'),
      attribute('memberOf', person.groups, uri, 'isMemberOf'),
    ],
  },
  jumpcloud: {
    title: 'JumpCloud',
    preset: 'jumpcloud',
    hand: { protocol: 'samlp', assertion: 'saml2', signature: 'ds', typedValues: true },
    signs: { response: false, assertion: true },
    nameId: unspecified,
    attributes: (person) => [
      attribute('email', [person.email], basic),
      attribute('firstname', [person.givenName], basic),
      attribute('lastname', [person.familyName], basic),
      attribute('memberOf', person.groups, basic),
    ],
  },
} as const satisfies Record<string, SamlVendor>;

export type SamlVendorName = keyof typeof samlVendors;
