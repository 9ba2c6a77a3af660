/** The addresses of directory users as rows of their own, because they are searched; kept in step with the user's row. */
import { newId } from '../lib/ids.ts';
import { caseKey } from '../lib/text.ts';
import type { DirectoryEmail, Filter, NewRow, ReadStore, Transaction } from '../store/index.ts';
import type { DirectoryRef, EmailRecord } from './records.ts';

/** Writes the rows of a new user's addresses. */
export async function insertEmails(
  tx: Transaction,
  directory: DirectoryRef,
  userId: string,
  emails: readonly EmailRecord[],
): Promise<void> {
  const rows = distinct(emails).map((email) => rowOf(directory, userId, email));
  if (rows.length > 0) await tx.directoryEmails.insertMany(directory.organizationId, rows);
}

/** Makes the rows say what `emails` says: removes and adds only what differs. */
export async function refreshEmails(
  tx: Transaction,
  directory: DirectoryRef,
  userId: string,
  emails: readonly EmailRecord[],
): Promise<void> {
  const wanted = new Map(distinct(emails).map((email) => [identity(email), email]));
  const surplus: string[] = [];
  for (const row of await tx.directoryEmails.find(directory.organizationId, { userId })) {
    if (!wanted.delete(identity({ value: row.value, type: row.kind, primary: row.primary }))) surplus.push(row._id);
  }
  if (surplus.length > 0) await tx.directoryEmails.remove(directory.organizationId, { _id: { $in: surplus } });
  await insertEmails(tx, directory, userId, [...wanted.values()]);
}

/** Removes the rows of a user that is being deleted. */
export async function removeEmails(tx: Transaction, { organizationId }: DirectoryRef, userId: string): Promise<void> {
  await tx.directoryEmails.remove(organizationId, { userId });
}

/** The ids of the directory's users who carry this address, compared without case; `type` narrows to SCIM's type. */
export async function findUserIdsByEmail(
  reads: ReadStore,
  directory: DirectoryRef,
  value: string,
  type?: string,
): Promise<readonly string[]> {
  return findUserIdsByEmails(reads, directory, { valueKey: caseKey(value), ...(type !== undefined && { kind: type }) });
}

/** The ids of the directory's users with an address that matches `filter`, each once, in the order of making. */
export async function findUserIdsByEmails(
  reads: ReadStore,
  directory: DirectoryRef,
  filter: Filter<DirectoryEmail>,
): Promise<readonly string[]> {
  const rows = await reads.directoryEmails.find(directory.organizationId, {
    $and: [{ directoryId: directory._id }, filter],
  });
  return [...new Set(rows.map(({ userId }) => userId))].sort();
}

function rowOf(directory: DirectoryRef, userId: string, email: EmailRecord): NewRow<DirectoryEmail> {
  return {
    _id: newId('directoryEmail'),
    organizationId: directory.organizationId,
    directoryId: directory._id,
    userId,
    value: email.value,
    valueKey: caseKey(email.value),
    ...(email.type !== undefined && { kind: email.type }),
    primary: email.primary === true,
  };
}

const identity = ({ value, type, primary }: EmailRecord): string =>
  JSON.stringify([value, type ?? null, primary === true]);

/** Entries that say the same are one. */
const distinct = (emails: readonly EmailRecord[]): readonly EmailRecord[] => [
  ...new Map(emails.map((email) => [identity(email), email])).values(),
];
