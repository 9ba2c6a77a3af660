/** From an IdP's claims, whatever the protocol, to what an Identity says of a person. */
import { isEmailAddress } from '../access/index.ts';
import type { ClaimedGroups, Identity } from './identity.ts';
import type { ClaimNames } from './settings.ts';

/**
 * What was claimed: names, each with its values in the order of appearance, repeated ones put together (Keycloak sends
 * groups one by one). A claim without values is there and empty, which is not the same as absent.
 */
export type Claims = ReadonlyMap<string, readonly string[]>;

type Described = Pick<Identity, 'email' | 'userName' | 'immutableId' | 'displayName' | 'givenName' | 'familyName'>;

/** Longer values are none: no IdP means them. */
const TEXT_LIMIT = 1024;
const GROUP_LIMIT = 2000;
const unreadable = /\p{C}/u;
const unkeepable = /[\0\p{Surrogate}]/u;

/** The first value of the first of these claims that is there and not blank. */
export function firstClaim(claims: Claims, names: readonly string[] | undefined): string | undefined {
  for (const name of names ?? []) {
    const value = claims.get(name)?.find((candidate) => candidate.trim() !== '');
    if (value !== undefined && value.length <= TEXT_LIMIT && !unreadable.test(value)) return value.trim();
  }
  return undefined;
}

/**
 * An address that may be believed inside a verified domain: one bare address in ASCII, so that no look-alike passes for
 * another (SSO-3). Undefined for everything else.
 */
export function readAddress(value: string | undefined): string | undefined {
  if (value === undefined || !/^[\x21-\x7e]+$/.test(value)) return undefined;
  return isEmailAddress(value) ? value : undefined;
}

/** How the claims describe the person. `vouched`: whether the IdP says that it has verified the address. */
export function describeByClaims(claims: Claims, names: ClaimNames, vouched: boolean): Described {
  const address = readAddress(firstClaim(claims, names.email));
  const found = {
    userName: firstClaim(claims, names.userName),
    immutableId: firstClaim(claims, names.immutableId),
    displayName: firstClaim(claims, names.displayName),
    givenName: firstClaim(claims, names.givenName),
    familyName: firstClaim(claims, names.familyName),
  };
  return {
    ...(address !== undefined && { email: { address, vouched } }),
    ...Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)),
  };
}

/**
 * The groups that are claimed (SSO-8). Absent means unknown, never none; so does a claim that says of itself that it is
 * cut short (`overage`), and one that is longer than anybody could mean.
 */
export function groupsIn(claims: Claims, names: ClaimNames, overage: boolean): ClaimedGroups {
  if (overage) return { kind: 'unknown', why: 'overage' };
  const claimed = names.groups?.map((name) => claims.get(name)).find((values) => values !== undefined);
  // JSON can say what no row can hold; to pass over it would read as having left that group.
  if (claimed === undefined || claimed.some((value) => unkeepable.test(value)))
    return { kind: 'unknown', why: 'absent' };
  const groups = claimed.map((value) => value.trim()).filter((value) => value !== '' && value.length <= TEXT_LIMIT);
  if (groups.length > GROUP_LIMIT) return { kind: 'unknown', why: 'overage' };
  return { kind: 'known', names: [...new Set(groups)] };
}
