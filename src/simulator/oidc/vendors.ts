/** How Okta, Entra ID and Google describe a person in an ID token: their claim names, and what they leave out. */
import { createHash } from 'node:crypto';

/** Somebody at the IdP, whatever its make. */
export interface OidcPerson {
  /** The IdP's own id of the person, from which what only one vendor has is made. */
  readonly id: string;
  readonly email: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly groups: readonly string[];
}

export interface OidcVendor {
  readonly title: string;
  readonly subject: (person: OidcPerson) => string;
  /** What is said beside `sub`. */
  readonly claims: (person: OidcPerson) => Readonly<Record<string, unknown>>;
}

/** Entra's tenant of the simulator: what a connection pins as `tenantId`. */
export const simulatedTenant = '5f1d0a3e-8c5e-4b57-9a43-0d6f6f5f4c21';

/** Entra cuts lists of groups short from here on, and says so. */
const entraGroupLimit = 200;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A GUID that is always the same for the same text. */
const guid = (text: string): string => hash(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

const nameOf = ({ givenName, familyName }: OidcPerson): string => `${givenName} ${familyName}`;

const profileOf = (person: OidcPerson) => ({
  email: person.email,
  name: nameOf(person),
  given_name: person.givenName,
  family_name: person.familyName,
});

export const oidcVendors = {
  okta: {
    title: 'Okta',
    subject: ({ id }) => `00u${hash(id).slice(0, 17)}`,
    claims: (person) => ({
      ...profileOf(person),
      email_verified: true,
      preferred_username: person.email,
      groups: [...person.groups],
    }),
  },
  entra: {
    title: 'Microsoft Entra ID',
    // Pairwise: `sub` is another one for each application, `oid` the same for all.
    subject: ({ id }) => Buffer.from(hash(`pairwise ${id}`), 'hex').toString('base64url'),
    claims: ({ groups, ...person }) => ({
      email: person.email,
      name: nameOf({ groups, ...person }),
      preferred_username: person.email,
      oid: guid(person.id),
      tid: simulatedTenant,
      ver: '2.0',
      // No email_verified: that the domain's owner is known is an optional claim.
      xms_edov: true,
      ...(groups.length <= entraGroupLimit
        ? { groups: groups.map(guid) }
        : { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example/groups' } } }),
    }),
  },
  google: {
    title: 'Google Workspace',
    subject: ({ id }) =>
      BigInt(`0x${hash(id).slice(0, 16)}`)
        .toString()
        .padStart(21, '1')
        .slice(0, 21),
    // Google tells no groups.
    claims: (person) => ({
      ...profileOf(person),
      email_verified: true,
      hd: person.email.slice(person.email.lastIndexOf('@') + 1),
    }),
  },
} as const satisfies Record<string, OidcVendor>;

export type OidcVendorName = keyof typeof oidcVendors;
