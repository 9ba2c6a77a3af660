/**
 * Groups that sign-ins name (SSO-8): kept as those of a directory that nobody pushes to, one for each connection, so that
 * mappings, reconciliation and explanations know no difference. Read by the next reconcile in the same transaction.
 */
import { findMember } from '../access/index.ts';
import {
  createDirectory,
  findDirectoryOfConnection,
  findUserByUserName,
  insertUser,
  nameGroups,
  replaceGroupsOf,
  setUserLink,
} from '../directory/index.ts';
import { AppError } from '../errors.ts';
import { enqueue } from '../queue/index.ts';
import type { Connection, Directory, DirectoryUser, Transaction } from '../store/index.ts';
import { audit } from './connectionAudit.ts';
import type { Identity } from './identity.ts';

/**
 * Notes the groups that a sign-in claims for this account. Unknown groups change nothing, nor do any where a directory
 * governs the person: its word wins, and stale claims undo nothing. Answers whether anything was noted.
 */
export async function noteClaimedGroups(
  tx: Transaction,
  connection: Connection,
  identity: Identity,
  accountId: string,
): Promise<boolean> {
  const { groups } = identity;
  if (groups.kind === 'unknown' || connection.directoryId !== undefined) return false;
  const member = await findMember(tx, connection.organizationId, accountId);
  if (member === undefined || member.directoryUserId !== undefined) return false;
  const directory = await claimsDirectory(tx, connection);
  const user = await claimsUser(tx, directory, identity, accountId);
  const wanted = await nameGroups(tx, directory, groups.names);
  return replaceGroupsOf(tx, directory, { id: user._id, kind: 'User' }, wanted);
}

/**
 * Names a group that sign-ins of this connection will claim, for a mapping that is made before any has. Throws `invalid_request` where a
 * directory says who is in which group.
 */
export async function nameClaimGroup(
  tx: Transaction,
  connection: Connection,
  name: string,
): Promise<{ readonly id: string; readonly directoryId: string }> {
  if (connection.directoryId !== undefined) {
    throw new AppError(
      'invalid_request',
      'The directory of this connection says who is in which group: claims count for nothing',
    );
  }
  const directory = await claimsDirectory(tx, connection);
  const [id] = await nameGroups(tx, directory, [name]);
  if (id === undefined) throw new Error(`the group ${name} was not named`);
  await audit(tx, connection, 'connection.group_named', { after: { groupId: id, name } });
  return { id, directoryId: directory._id };
}

async function claimsDirectory(tx: Transaction, { organizationId, _id, name }: Connection): Promise<Directory> {
  return (
    (await findDirectoryOfConnection(tx, organizationId, _id)) ??
    createDirectory(tx, organizationId, { name: `Sign-ins: ${name}`, connectionId: _id })
  );
}

/**
 * The person as this connection knows them; the subject is the userName, which nobody else can have. A subject that has become another
 * account (its former one was deleted, or unlinked) takes its groups along.
 */
async function claimsUser(
  tx: Transaction,
  directory: Directory,
  { subject, displayName }: Identity,
  accountId: string,
): Promise<DirectoryUser> {
  const existing = await findUserByUserName(tx, directory, subject);
  if (existing?.accountId === accountId) return existing;
  if (existing) {
    const { organizationId, _id, accountId: former } = existing;
    if (former !== undefined) await enqueue(tx, organizationId, 'reconcile', { people: [former] });
    return setUserLink(tx, organizationId, _id, { link: 'linked', accountId });
  }
  const record = { userName: subject, externalId: subject, active: true, displayName, emails: [], attributes: {} };
  return insertUser(tx, directory, record, { link: 'linked', accountId });
}
