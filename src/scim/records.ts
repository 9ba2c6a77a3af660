/** Between resources in canonical form and the directory's records and rows. */
import { emailsIn, type GroupRecord, type UserRecord } from '../directory/index.ts';
import type { DirectoryGroup, DirectoryUser } from '../store/index.ts';
import { invalidValue } from './errors.ts';
import type { Resource } from './input.ts';
import { decodeKeys, encodeKeys } from './keys.ts';

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function requireText(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw invalidValue(`${name} is required and must not be empty`);
  return value;
}

/** An empty externalId is none: it would identify nothing. */
const identifier = (value: unknown): string | undefined => text(value) || undefined;

/**
 * The record of a User.
 *
 * @param active what holds where the resource does not say: true for a new one, the present state in a PUT (SCIM-3)
 * Throws scim_invalid_value where userName is missing.
 */
export function userRecord(resource: Resource, active: boolean): UserRecord {
  const { userName, externalId, active: stated, displayName, groups: _, ...rest } = resource;
  const attributes = encodeKeys(rest);
  return {
    userName: requireText(userName, 'userName'),
    externalId: identifier(externalId),
    active: typeof stated === 'boolean' ? stated : active,
    displayName: text(displayName),
    emails: emailsIn(attributes),
    attributes,
  };
}

/** The record of a Group, without its members. Throws scim_invalid_value where displayName is missing. */
export function groupRecord(resource: Resource): GroupRecord {
  const { displayName, externalId, members: _, ...rest } = resource;
  return {
    displayName: requireText(displayName, 'displayName'),
    externalId: identifier(externalId),
    attributes: encodeKeys(rest),
  };
}

/** The resource of a row, without id, meta, schemas and memberships: a copy that may be changed. */
export function resourceOf(row: DirectoryUser | DirectoryGroup): Resource {
  const { externalId, displayName } = row;
  return {
    ...('userName' in row && { userName: row.userName, active: row.active }),
    ...(externalId !== undefined && { externalId }),
    ...(displayName !== undefined && { displayName }),
    ...decodeKeys(row.attributes),
  };
}
