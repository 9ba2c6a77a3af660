/** The shapes in which the protocol hands resources to this area and gets them back; stored rows ↔ records. */
import type { Directory, DirectoryUser, JsonObject } from '../store/index.ts';

/** The part of a directory's row that every call here needs. */
export type DirectoryRef = Pick<Directory, '_id' | 'organizationId'>;

export interface EmailRecord {
  readonly value: string;
  readonly type?: string | undefined;
  readonly primary?: boolean | undefined;
}

/**
 * A user as an IdP pushes it (RFC 7643 §4.1). `attributes` is the resource as it is to be answered, without userName,
 * externalId, active, displayName, id, meta, schemas, groups and password; its keys hold no dots. `emails` repeats
 * `attributes.emails` in the form that is searched.
 */
export interface UserRecord {
  readonly userName: string;
  readonly externalId?: string | undefined;
  readonly active: boolean;
  readonly displayName?: string | undefined;
  readonly emails: readonly EmailRecord[];
  readonly attributes: JsonObject;
}

/** A group as an IdP pushes it (RFC 7643 §4.2), without its members: those are edges. */
export interface GroupRecord {
  readonly displayName: string;
  readonly externalId?: string | undefined;
  readonly attributes: JsonObject;
}

/** Who is named as a group's member: a user or a group of the same directory. */
export interface MemberRef {
  readonly id: string;
  readonly kind: 'User' | 'Group';
}

/** The record of a stored user. */
export function userRecordOf(user: DirectoryUser): UserRecord {
  const { userName, externalId, active, displayName, attributes } = user;
  return { userName, externalId, active, displayName, emails: emailsIn(attributes), attributes };
}

/** The addresses in a resource's `emails`; entries without a text as value are none. */
export function emailsIn(attributes: JsonObject): readonly EmailRecord[] {
  const { emails } = attributes;
  if (!Array.isArray(emails)) return [];
  return emails.flatMap((email: unknown): EmailRecord[] => {
    if (typeof email !== 'object' || email === null) return [];
    const { value, type, primary } = email as Readonly<Record<string, unknown>>;
    if (typeof value !== 'string' || value.trim() === '') return [];
    return [{ value, ...(typeof type === 'string' && { type }), ...(primary === true && { primary }) }];
  });
}

/** The address that stands for the person: the one marked primary, else the first of type work, else the first. */
export function primaryEmail({ emails }: Pick<UserRecord, 'emails'>): string | undefined {
  const chosen =
    emails.find(({ primary }) => primary === true) ??
    emails.find(({ type }) => type?.toLowerCase() === 'work') ??
    emails[0];
  return chosen?.value.trim() || undefined;
}
