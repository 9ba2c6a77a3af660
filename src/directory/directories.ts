/** Directories: the SCIM endpoints of an organization, one per IdP (SCIM-1, SCIM-3). */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import type { Directory, Page, PageOptions, ReadStore, Transaction } from '../store/index.ts';

/** What becomes of pushed attributes that no schema of the directory has: kept and answered back, or refused (SCIM-1). */
export type UnknownAttributes = 'keep' | 'refuse';

export const unknownAttributesOf = (directory: Directory): UnknownAttributes => directory.unknownAttributes ?? 'keep';

/** Throws `organization_closed` for a directory of a closed organization (ORG-2). */
export function refuseClosedDirectory({ organizationClosed }: Pick<Directory, 'organizationClosed'>): void {
  if (!organizationClosed) return;
  const message = 'The organization of this directory has been closed: nothing is provisioned there';
  throw new AppError('organization_closed', message);
}

/**
 * Makes a directory. `externalIdIsImmutable` says that this IdP's externalId is its immutable id of a person, which
 * alone proves that somebody deleted and pushed again is the same person (SCIM-3).
 */
export async function createDirectory(
  tx: Transaction,
  organizationId: string,
  {
    name,
    externalIdIsImmutable = false,
    unknownAttributes = 'keep',
    connectionId,
  }: {
    readonly name: string;
    readonly externalIdIsImmutable?: boolean | undefined;
    readonly unknownAttributes?: UnknownAttributes | undefined;
    /** For what sign-ins through this connection claim (SSO-8): nobody pushes there. */
    readonly connectionId?: string | undefined;
  },
): Promise<Directory> {
  // Whoever closes the organization meanwhile, and marks its directories, meets this one there (ORG-2).
  await tx.organizations.lock(organizationId, organizationId);
  const directory = await tx.directories.insert(organizationId, {
    _id: newId('directory'),
    organizationId,
    name,
    externalIdIsImmutable,
    unknownAttributes,
    ...(connectionId !== undefined && { connectionId }),
  });
  await recordAudit(tx, organizationId, {
    type: 'directory.created',
    targetKind: 'directory',
    targetId: directory._id,
    after: { name, externalIdIsImmutable, unknownAttributes, ...(connectionId !== undefined && { connectionId }) },
  });
  return directory;
}

/**
 * Changes a directory's settings, audited; what is equal already is not written. `externalIdIsImmutable` is none of
 * them: a directory keeps what it was made with (SCIM-3). Throws AppError `not_found`.
 */
export async function updateDirectory(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  wanted: { readonly name?: string | undefined; readonly unknownAttributes?: UnknownAttributes | undefined },
): Promise<Directory> {
  const before = await getDirectory(tx, organizationId, directoryId);
  const { name = before.name, unknownAttributes = unknownAttributesOf(before) } = wanted;
  if (name === before.name && unknownAttributes === unknownAttributesOf(before)) return before;
  const change = { $set: { name, unknownAttributes } };
  const after = await tx.directories.updateOne(organizationId, { _id: directoryId }, change);
  if (!after) throw new AppError('not_found', `The organization has no directory ${directoryId}`);
  await recordAudit(tx, organizationId, {
    type: 'directory.updated',
    targetKind: 'directory',
    targetId: directoryId,
    before: { name: before.name, unknownAttributes: unknownAttributesOf(before) },
    after: { name, unknownAttributes },
  });
  return after;
}

/** The directory of this organization; undefined where it has none by this id. */
export function findDirectory(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
): Promise<Directory | undefined> {
  return reads.directories.get(organizationId, directoryId);
}

/** The directory of this organization; throws AppError `not_found`, also for another organization's (PRJ-1). */
export async function getDirectory(reads: ReadStore, organizationId: string, directoryId: string): Promise<Directory> {
  const directory = await findDirectory(reads, organizationId, directoryId);
  if (!directory) throw new AppError('not_found', `The organization has no directory ${directoryId}`);
  return directory;
}

/** The directory that holds what sign-ins through this connection claim; undefined before the first such claim (SSO-8). */
export function findDirectoryOfConnection(
  reads: ReadStore,
  organizationId: string,
  connectionId: string,
): Promise<Directory | undefined> {
  return reads.directories.findOne(organizationId, { connectionId });
}

/** The organization's directories, in the order of making. */
export function listDirectories(reads: ReadStore, organizationId: string, page: PageOptions): Promise<Page<Directory>> {
  return reads.directories.page(organizationId, {}, page);
}

/**
 * Removes a directory that nobody pushes to, with its users, groups and who is in which. What was given for its groups is to
 * be settled before, and it governs nobody. Throws AppError `not_found`.
 */
export async function deleteDirectory(tx: Transaction, organizationId: string, directoryId: string): Promise<void> {
  const { name, connectionId } = await getDirectory(tx, organizationId, directoryId);
  if (connectionId === undefined) throw new Error(`directory ${directoryId} is one that an IdP pushes to`);
  const groups = await tx.directoryGroups.find(organizationId, { directoryId });
  await tx.edges.remove(organizationId, { groupId: { $in: groups.map(({ _id }) => _id) } });
  await tx.directoryGroups.remove(organizationId, { directoryId });
  await tx.directoryEmails.remove(organizationId, { directoryId });
  await tx.directoryUsers.remove(organizationId, { directoryId });
  await tx.directories.remove(organizationId, { _id: directoryId });
  await recordAudit(tx, organizationId, {
    type: 'directory.deleted',
    targetKind: 'directory',
    targetId: directoryId,
    before: { name, connectionId },
  });
}
