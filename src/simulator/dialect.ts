/** What differs between vendors: how each says over SCIM what has happened in its directory (SCIM-2). */
import type { Profile } from './population.ts';
import type { Random } from './random.ts';
import type { ScimClient } from './scimClient.ts';

export type Vendor = 'okta' | 'entra';

/** A person in the IdP's own directory; `id` is the vendor's immutable id. */
export interface IdpPerson {
  readonly id: string;
  readonly profile: Profile;
  readonly active: boolean;
}

export interface IdpGroup {
  readonly id: string;
  readonly name: string;
  /** The IdP's ids of its members. */
  readonly members: ReadonlySet<string>;
}

/** A member as a group push names one. */
export interface PushedMember {
  readonly scimId: string;
  readonly display: string;
}

export interface Dialect {
  readonly vendor: Vendor;
  /** How many requests the vendor keeps under way at once. */
  readonly width: number;
  readonly headers: Readonly<Record<string, string>>;
  newId(random: Random, kind: 'person' | 'group'): string;
  /** Looks the person up, and creates or takes over what is there; answers the SCIM id. */
  provision(scim: ScimClient, person: IdpPerson): Promise<string>;
  update(scim: ScimClient, scimId: string, before: IdpPerson, after: IdpPerson): Promise<void>;
  /** Says `person.active`. */
  setActive(scim: ScimClient, scimId: string, person: IdpPerson): Promise<void>;
  removePerson(scim: ScimClient, scimId: string): Promise<void>;
  createGroup(scim: ScimClient, group: IdpGroup, members: readonly PushedMember[]): Promise<string>;
  renameGroup(scim: ScimClient, scimId: string, name: string): Promise<void>;
  changeMembers(
    scim: ScimClient,
    scimId: string,
    change: { readonly add: readonly PushedMember[]; readonly remove: readonly PushedMember[] },
  ): Promise<void>;
  /** Tells the whole group once more, as after a click on "push now" or a restart of provisioning. */
  pushGroup(scim: ScimClient, scimId: string, members: readonly PushedMember[]): Promise<void>;
  removeGroup(scim: ScimClient, scimId: string): Promise<void>;
}

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const enterpriseSchema = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** A PATCH body (RFC 7644 §3.5.2). */
export const patchOf = (...Operations: readonly object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

/** A text in a filter. */
export const quoted = (text: string): string => JSON.stringify(text);
