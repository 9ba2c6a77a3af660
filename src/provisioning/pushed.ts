import { primaryEmail, type UserRecord } from '../directory/index.ts';
import type { DirectoryUser, Member } from '../store/index.ts';

/** A person as the rules see a push, whatever the directory's own form. */
export interface Pushed {
  readonly userName: string;
  readonly externalId?: string;
  /** The primary address. */
  readonly address?: string;
}

/** The facts of a record that decide whose account it is. */
export function pushedBy(record: UserRecord): Pushed {
  const address = primaryEmail(record);
  const { userName, externalId } = record;
  return { userName, ...(externalId !== undefined && { externalId }), ...(address !== undefined && { address }) };
}

type Profile = NonNullable<Member['profile']>;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined;
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** The name by which lists show a person: displayName, the name in full, given and family name, userName. */
function nameOf(user: Pick<DirectoryUser, 'userName' | 'displayName' | 'attributes'>): string {
  const name = fields(user.attributes.name);
  const parts = [text(name.givenName), text(name.familyName)].filter((part) => part !== undefined);
  return text(user.displayName) ?? text(name.formatted) ?? text(parts.join(' ')) ?? user.userName;
}

/** Where the enterprise extension is stored: its URN with the dot of its version escaped. */
const enterpriseKey = 'urn:ietf:params:scim:schemas:extension:enterprise:2%2E0:User';

/** What the member shows of the directory's data (ACC-1). */
export function profileOf(
  user: Pick<DirectoryUser, 'userName' | 'displayName' | 'attributes'>,
  address: string | undefined,
): Profile {
  const title = text(user.attributes.title);
  const department = text(fields(user.attributes[enterpriseKey]).department);
  return {
    displayName: nameOf(user),
    ...(address !== undefined && { email: address }),
    ...(title !== undefined && { title }),
    ...(department !== undefined && { department }),
  };
}
