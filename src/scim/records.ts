/** Between resources in canonical form and the directory's records and rows. */
import { emailsIn, type GroupRecord, type UserRecord } from '../directory/index.ts';
import type { DirectoryGroup, DirectoryUser } from '../store/index.ts';
import { invalidValue } from './errors.ts';
import type { Resource } from './input.ts';
import { decodeKeys, encodeKeys } from './keys.ts';

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** How many characters an attribute that is searched may have; of an address, what RFC 5321 §4.5.3.1 leaves room for. */
const TEXT_LIMIT = 1024;
const EMAIL_LIMIT = 320;

/** How many characters all that has no column may have, as JSON: less than what a document of MongoDB has room for. */
const ATTRIBUTES_LIMIT = 2 * 1024 * 1024;

/** What is kept of a resource beside its columns. Throws scim_invalid_value where it is too much. */
function attributesIn(rest: Resource): Record<string, unknown> {
  const length = JSON.stringify(rest).length;
  if (length > ATTRIBUTES_LIMIT)
    throw invalidValue(`A resource may have ${ATTRIBUTES_LIMIT} characters of attributes; these have ${length}`);
  return encodeKeys(rest);
}

/** Throws scim_invalid_value naming the attribute and the limit. */
function requireLength(value: string | undefined, name: string, most = TEXT_LIMIT): void {
  // in UTF-16 units there are never fewer: only what is long has to be counted
  if (value === undefined || value.length <= most) return;
  const length = [...value].length;
  if (length > most) throw invalidValue(`${name} may have at most ${most} characters; this one has ${length}`);
}

function requireText(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw invalidValue(`${name} is required and must not be empty`);
  requireLength(value, name);
  return value;
}

/** An empty externalId is none: it would identify nothing. */
function identifier(value: unknown): string | undefined {
  const id = text(value) || undefined;
  requireLength(id, 'externalId');
  return id;
}

/**
 * The record of a User.
 *
 * @param active what holds where the resource does not say: true for a new one, the present state in a PUT (SCIM-3)
 * Throws scim_invalid_value where userName is missing, or a text that is searched is too long.
 */
export function userRecord(resource: Resource, active: boolean): UserRecord {
  const { userName, externalId, active: stated, displayName, groups: _, ...rest } = resource;
  const attributes = attributesIn(rest);
  const emails = emailsIn(attributes);
  requireLength(text(displayName), 'displayName');
  for (const { value } of emails) requireLength(value, 'emails.value', EMAIL_LIMIT);
  return {
    userName: requireText(userName, 'userName'),
    externalId: identifier(externalId),
    active: typeof stated === 'boolean' ? stated : active,
    displayName: text(displayName),
    emails,
    attributes,
  };
}

/** The record of a Group, without its members. Throws scim_invalid_value where displayName is missing or too long. */
export function groupRecord(resource: Resource): GroupRecord {
  const { displayName, externalId, members: _, ...rest } = resource;
  return {
    displayName: requireText(displayName, 'displayName'),
    externalId: identifier(externalId),
    attributes: attributesIn(rest),
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
