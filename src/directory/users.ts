/** Directory users: people as an IdP tells of them, whatever became of them here (ACC-1). */
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { caseKey, quoted } from '../lib/text.ts';
import type { Change, DirectoryUser, Filter, Page, PageOptions, ReadStore, Sort, Transaction } from '../store/index.ts';
import { removeEdgesOf } from './edges.ts';
import { insertEmails, refreshEmails, removeEmails } from './emails.ts';
import { type DirectoryRef, emailsIn, type UserRecord } from './records.ts';

/** What became of a directory user: linked to an account, or waiting in the adoption queue (SCIM-3). */
export interface UserLink {
  readonly link: DirectoryUser['link'];
  readonly accountId?: string | undefined;
  /** The address that this user claims is another account's (ACC-3). */
  readonly conflict?: 'email_held_by_another' | undefined;
}

/**
 * Stores a new user of the directory. Throws AppError `scim_uniqueness` where one of the directory's users, active or
 * not, has this userName; compared without case (RFC 7643 §4.1.1, SCIM-3).
 */
export async function insertUser(
  tx: Transaction,
  directory: DirectoryRef,
  record: UserRecord,
  link: UserLink = { link: 'waiting' },
): Promise<DirectoryUser> {
  await refuseTakenName(tx, directory, record.userName);
  const user = await tx.directoryUsers.insert(directory.organizationId, {
    _id: newId('directoryUser'),
    organizationId: directory.organizationId,
    directoryId: directory._id,
    userName: record.userName,
    userNameKey: caseKey(record.userName),
    ...(record.externalId !== undefined && { externalId: record.externalId }),
    active: record.active,
    ...nameFields(record),
    attributes: record.attributes,
    ...linkFields(link),
  });
  await insertEmails(tx, directory, user._id, record.emails);
  return user;
}

/**
 * Makes the user say what `record` says; where it does already, nothing is written and `changed` is false.
 * Throws AppError `scim_uniqueness` for a userName that another user has, `stale` where the row changed since `user` was read.
 */
export async function updateUser(
  tx: Transaction,
  directory: DirectoryRef,
  user: DirectoryUser,
  record: UserRecord,
): Promise<{ readonly user: DirectoryUser; readonly changed: boolean }> {
  const change = changeOf(user, record);
  if (!change) return { user, changed: false };
  const userNameKey = caseKey(record.userName);
  if (userNameKey !== user.userNameKey) await refuseTakenName(tx, directory, record.userName);
  const updated = await tx.directoryUsers.updateOne(
    directory.organizationId,
    { _id: user._id, version: user.version },
    change,
  );
  if (!updated) throw new AppError('stale', `The user ${user._id} has changed meanwhile`);
  if (!isDeepStrictEqual(record.emails, emailsIn(user.attributes))) {
    await refreshEmails(tx, directory, user._id, record.emails);
  }
  return { user: updated, changed: true };
}

/**
 * Removes the user, its memberships of groups and its addresses: the userName is free at once, filters find nobody
 * (SCIM-3). Answers the groups that it was in directly.
 */
export async function deleteUser(
  tx: Transaction,
  directory: DirectoryRef,
  user: DirectoryUser,
): Promise<{ readonly groupIds: readonly string[] }> {
  const groupIds = await removeEdgesOf(tx, directory, user._id);
  await removeEmails(tx, directory, user._id);
  await tx.directoryUsers.remove(directory.organizationId, { _id: user._id });
  return { groupIds };
}

/** Notes what became of the user; unchanged, writes nothing. Absent fields are cleared. Throws AppError `not_found`. */
export async function setUserLink(
  tx: Transaction,
  organizationId: string,
  userId: string,
  link: UserLink,
): Promise<DirectoryUser> {
  const user = await tx.directoryUsers.get(organizationId, userId);
  if (!user) throw new AppError('not_found', `There is no directory user ${userId}`);
  if (user.link === link.link && user.accountId === link.accountId && user.conflict === link.conflict) return user;
  const changed = await tx.directoryUsers.updateOne(
    organizationId,
    { _id: userId },
    {
      $set: linkFields(link),
      $unset: {
        ...(link.accountId === undefined && { accountId: true as const }),
        ...(link.conflict === undefined && { conflict: true as const }),
      },
    },
  );
  return changed ?? user;
}

/** The user of this directory; undefined where it has none by this id, also if another directory has. */
export async function findUser(
  reads: ReadStore,
  directory: DirectoryRef,
  userId: string,
): Promise<DirectoryUser | undefined> {
  const user = await reads.directoryUsers.get(directory.organizationId, userId);
  return user?.directoryId === directory._id ? user : undefined;
}

/** The user of this directory; throws AppError `not_found`. */
export async function getUser(reads: ReadStore, directory: DirectoryRef, userId: string): Promise<DirectoryUser> {
  const user = await findUser(reads, directory, userId);
  if (!user) throw new AppError('not_found', `The directory has no user ${userId}`);
  return user;
}

/** The user with this userName, compared without case; deactivated ones too (SCIM-3). */
export function findUserByUserName(
  reads: ReadStore,
  directory: DirectoryRef,
  userName: string,
): Promise<DirectoryUser | undefined> {
  return reads.directoryUsers.findOne(directory.organizationId, {
    directoryId: directory._id,
    userNameKey: caseKey(userName),
  });
}

/** The users with this externalId, which a directory may give to several (RFC 7643 §3.1). */
export function findUsersByExternalId(
  reads: ReadStore,
  directory: DirectoryRef,
  externalId: string,
): Promise<readonly DirectoryUser[]> {
  return reads.directoryUsers.find(directory.organizationId, { directoryId: directory._id, externalId });
}

/** The directory users that are this account's, in all directories of the organization. */
export function findUsersOfAccount(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
): Promise<readonly DirectoryUser[]> {
  return reads.directoryUsers.find(organizationId, { accountId, link: 'linked' });
}

/** Whether an IdP pushes this account's person: what sign-ins have claimed lies in directories that nobody pushes to (SSO-8). */
export async function isPushed(reads: ReadStore, organizationId: string, accountId: string): Promise<boolean> {
  const users = await findUsersOfAccount(reads, organizationId, accountId);
  const among = { _id: { $in: [...new Set(users.map(({ directoryId }) => directoryId))] } };
  if (users.length === 0) return false;
  return (
    (await reads.directories.findOne(organizationId, { ...among, connectionId: { $exists: false } })) !== undefined
  );
}

/** Those of the organization's directory users that wait in the adoption queue. */
export function listWaitingUsers(
  reads: ReadStore,
  organizationId: string,
  page: PageOptions,
): Promise<Page<DirectoryUser>> {
  return reads.directoryUsers.page(organizationId, { link: 'waiting' }, page);
}

/** A directory's users for the admin's list, in the order of making. */
export function pageUsers(reads: ReadStore, directory: DirectoryRef, page: PageOptions): Promise<Page<DirectoryUser>> {
  return reads.directoryUsers.page(directory.organizationId, { directoryId: directory._id }, page);
}

export interface ListQuery<R> {
  readonly filter?: Filter<R> | undefined;
  readonly sort?: Sort | undefined;
  readonly skip?: number | undefined;
  /** 0 asks for the total only (RFC 7644 §3.4.2.4). */
  readonly limit: number;
}

/** Those of the directory's users that match, and how many there are in all (RFC 7644 §3.4.2). */
export async function listUsers(
  reads: ReadStore,
  directory: DirectoryRef,
  { filter, sort, skip = 0, limit }: ListQuery<DirectoryUser>,
): Promise<{ readonly total: number; readonly items: readonly DirectoryUser[] }> {
  const own: Filter<DirectoryUser> = { directoryId: directory._id };
  const matching: Filter<DirectoryUser> = filter ? { $and: [own, filter] } : own;
  const count = () => reads.directoryUsers.count(directory.organizationId, matching);
  if (limit === 0) return { total: await count(), items: [] };
  const items = await reads.directoryUsers.find(directory.organizationId, matching, {
    ...(sort && { sort }),
    skip,
    limit,
  });
  // the last page tells the total by itself, and a look-up by userName is nothing else
  const last = items.length < limit && (items.length > 0 || skip === 0);
  return { total: last ? skip + items.length : await count(), items };
}

async function refuseTakenName(tx: Transaction, directory: DirectoryRef, userName: string): Promise<void> {
  const holder = await findUserByUserName(tx, directory, userName);
  if (!holder) return;
  throw new AppError(
    'scim_uniqueness',
    `The userName ${quoted(userName)} is taken: this directory has ${holder.active ? 'a' : 'a deactivated'} user with it. ` +
      'Find it by a filter on userName and update it.',
    { details: { attribute: 'userName', value: userName, id: holder._id } },
  );
}

const nameFields = ({ displayName }: UserRecord) =>
  displayName === undefined ? {} : { displayName, displayNameKey: caseKey(displayName) };

function linkFields({ link, accountId, conflict }: UserLink) {
  return { link, ...(accountId !== undefined && { accountId }), ...(conflict !== undefined && { conflict }) };
}

/** What has to be written so that the row says what the record says; undefined where it does. */
function changeOf(user: DirectoryUser, record: UserRecord): Change<DirectoryUser> | undefined {
  const same =
    user.userName === record.userName &&
    user.externalId === record.externalId &&
    user.active === record.active &&
    user.displayName === record.displayName &&
    isDeepStrictEqual(user.attributes, record.attributes);
  if (same) return undefined;
  return {
    $set: {
      userName: record.userName,
      userNameKey: caseKey(record.userName),
      active: record.active,
      attributes: record.attributes,
      ...(record.externalId !== undefined && { externalId: record.externalId }),
      ...nameFields(record),
    },
    $unset: {
      ...(record.externalId === undefined && { externalId: true as const }),
      ...(record.displayName === undefined && { displayName: true as const, displayNameKey: true as const }),
    },
  };
}
