/**
 * Groups that sign-ins name (SSO-8): kept as those of a directory that nobody pushes to, one for each connection, so that
 * mappings, reconciliation and explanations know no difference. Read by the next reconcile in the same transaction.
 */
import { findMember } from '../access/index.ts';
import {
  addMembers,
  createDirectory,
  findDirectoryOfConnection,
  findGroupsByExternalId,
  findGroupsOf,
  findUserByUserName,
  insertGroup,
  insertUser,
  removeMembers,
} from '../directory/index.ts';
import type { Connection, Directory, DirectoryUser, Transaction } from '../store/index.ts';
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
  const wanted = await groupIds(tx, directory, groups.names);
  const present = new Set(await findGroupsOf(tx, directory.organizationId, user._id));
  let changed = false;
  for (const groupId of wanted) {
    if (present.has(groupId)) continue;
    await addMembers(tx, directory, groupId, [{ id: user._id, kind: 'User' }]);
    changed = true;
  }
  for (const groupId of present) {
    if (wanted.has(groupId)) continue;
    await removeMembers(tx, directory, groupId, [user._id]);
    changed = true;
  }
  return changed;
}

async function claimsDirectory(tx: Transaction, { organizationId, _id, name }: Connection): Promise<Directory> {
  return (
    (await findDirectoryOfConnection(tx, organizationId, _id)) ??
    createDirectory(tx, organizationId, { name: `Sign-ins: ${name}`, connectionId: _id })
  );
}

/** The person as this connection knows them; the subject is the userName, which nobody else can have. */
async function claimsUser(
  tx: Transaction,
  directory: Directory,
  { subject, displayName }: Identity,
  accountId: string,
): Promise<DirectoryUser> {
  const existing = await findUserByUserName(tx, directory, subject);
  if (existing) return existing;
  const record = { userName: subject, externalId: subject, active: true, displayName, emails: [], attributes: {} };
  return insertUser(tx, directory, record, { link: 'linked', accountId });
}

/** The groups of these names, made where a name is new. */
async function groupIds(tx: Transaction, directory: Directory, names: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const name of new Set(names)) {
    const [known] = await findGroupsByExternalId(tx, directory, name);
    const group = known ?? (await insertGroup(tx, directory, { displayName: name, externalId: name, attributes: {} }));
    ids.add(group._id);
  }
  return ids;
}
