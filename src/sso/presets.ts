/** How the common IdPs name their claims (SSO-1). A connection copies its preset's names, and may change them. */
import type { Connection } from '../store/index.ts';
import type { ClaimNames } from './settings.ts';

const microsoft = 'http://schemas.microsoft.com/identity/claims';
const xmlsoap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';

interface Preset {
  /** For people who choose one. */
  readonly title: string;
  readonly saml: ClaimNames;
  readonly oidc: ClaimNames;
}

/** The standard claims of OpenID Connect Core §5.1, and `groups` as most issuers call it. */
const standard: ClaimNames = {
  email: ['email'],
  userName: ['preferred_username'],
  displayName: ['name'],
  givenName: ['given_name'],
  familyName: ['family_name'],
  groups: ['groups'],
};

/** Plain names, in the spellings that admins choose where the IdP has none of its own. */
const plain = {
  email: [
    ...['email', 'mail', 'Email', 'emailAddress', `${xmlsoap}/emailaddress`, 'urn:oid:0.9.2342.19200300.100.1.3'],
    // As PKCS #9 calls it (RFC 2985 §5.2.1), and with it a mapper that Keycloak brings along.
    'urn:oid:1.2.840.113549.1.9.1',
  ],
  userName: ['userName', 'username', 'login', 'uid', 'urn:oid:0.9.2342.19200300.100.1.1'],
  displayName: ['displayName', 'name', 'urn:oid:2.16.840.1.113730.3.1.241'],
  givenName: ['firstName', 'givenName', 'first_name', 'urn:oid:2.5.4.42'],
  familyName: ['lastName', 'familyName', 'surname', 'sn', 'last_name', 'urn:oid:2.5.4.4'],
  groups: ['groups', 'group', 'memberOf', 'Role'],
} satisfies ClaimNames;

/** What AD FS, Entra ID and others that write Microsoft's way call groups and roles. */
const microsoftGroups = [
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups',
  'http://schemas.xmlsoap.org/claims/Group',
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
] as const;

/** eduPerson, as universities write it. */
const eduPersonPrincipalName = 'urn:oid:1.3.6.1.4.1.5923.1.1.1.6';
const eduPersonEntitlement = 'urn:oid:1.3.6.1.4.1.5923.1.1.1.7';
const isMemberOf = 'urn:oid:1.3.6.1.4.1.5923.1.5.1.1';

const entraSaml: ClaimNames = {
  email: [`${xmlsoap}/emailaddress`],
  userName: [`${xmlsoap}/name`],
  immutableId: [`${microsoft}/objectidentifier`],
  displayName: [`${microsoft}/displayname`],
  givenName: [`${xmlsoap}/givenname`],
  familyName: [`${xmlsoap}/surname`],
  groups: ['http://schemas.microsoft.com/ws/2008/06/identity/claims/groups'],
};

export const presets = {
  okta: {
    title: 'Okta',
    saml: plain,
    oidc: standard,
  },
  entra: {
    title: 'Microsoft Entra ID',
    saml: entraSaml,
    oidc: { ...standard, immutableId: ['oid'] },
  },
  google: {
    title: 'Google Workspace',
    saml: plain,
    oidc: standard,
  },
  jumpcloud: {
    title: 'JumpCloud',
    saml: {
      ...plain,
      givenName: ['firstname', ...(plain.givenName ?? [])],
      familyName: ['lastname', ...(plain.familyName ?? [])],
    },
    oidc: standard,
  },
  onelogin: {
    title: 'OneLogin',
    saml: {
      ...plain,
      email: ['User.email', ...(plain.email ?? [])],
      givenName: ['User.FirstName', ...(plain.givenName ?? [])],
      familyName: ['User.LastName', ...(plain.familyName ?? [])],
    },
    oidc: standard,
  },
  ping: {
    title: 'Ping Identity',
    saml: plain,
    oidc: standard,
  },
  adfs: {
    title: 'AD FS',
    saml: {
      email: [`${xmlsoap}/emailaddress`],
      userName: [`${xmlsoap}/upn`, 'http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname'],
      displayName: [`${xmlsoap}/name`],
      givenName: [`${xmlsoap}/givenname`],
      familyName: [`${xmlsoap}/surname`],
      groups: [
        'http://schemas.xmlsoap.org/claims/Group',
        'http://schemas.microsoft.com/ws/2008/06/identity/claims/role',
      ],
    },
    oidc: { ...standard, userName: ['upn', 'preferred_username'], groups: ['group', 'groups'] },
  },
  keycloak: {
    title: 'Keycloak',
    saml: plain,
    oidc: standard,
  },
  custom: {
    title: 'Another IdP',
    saml: {
      ...plain,
      userName: [...plain.userName, `${xmlsoap}/upn`, `${xmlsoap}/name`, eduPersonPrincipalName],
      displayName: [...plain.displayName, `${microsoft}/displayname`],
      givenName: [...plain.givenName, `${xmlsoap}/givenname`],
      familyName: [...plain.familyName, `${xmlsoap}/surname`],
      groups: [...plain.groups, ...microsoftGroups, isMemberOf, eduPersonEntitlement],
    },
    oidc: standard,
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]];

/** The claim names with which a connection of this preset begins. */
export const presetClaims = (name: PresetName, protocol: Connection['protocol']): ClaimNames => presets[name][protocol];
