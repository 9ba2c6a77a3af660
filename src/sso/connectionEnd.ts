/** The end of a connection, and of all that was known through it (SSO-1). */

import { keepWayIn, withdrawProofs } from '../access/index.ts';
import { deleteDirectory, findDirectoryOfConnection } from '../directory/index.ts';
import { AppError } from '../errors.ts';
import { deleteMapping, type GrantsChoice } from '../provisioning/index.ts';
import type { Connection, Transaction } from '../store/index.ts';
import { audit } from './connectionAudit.ts';
import { getConnection } from './connections.ts';

/**
 * Removes a connection with its keys, the identities of its people, its sign-ins, begun and recorded, and what it has proven
 * in sessions. People keep their
 * accounts and memberships; who comes back through another connection is linked anew, by a proven address. The groups that
 * its sign-ins have claimed go, and with them the mappings on those groups: `grants` says what becomes of what these have
 * given (MAP-3). Throws `not_found`, `grants_choice_required`, `no_active_connection`.
 */
export async function deleteConnection(
  tx: Transaction,
  organizationId: string,
  connectionId: string,
  grants: GrantsChoice | undefined,
): Promise<void> {
  const connection = await getConnection(tx, organizationId, connectionId);
  if (connection.status === 'active') await keepWayIn(tx, organizationId, connectionId);
  await endClaims(tx, connection, grants);
  const sessionsEnded = await withdrawProofs(tx, connection);
  const own = { connectionId };
  await tx.identities.remove(organizationId, own);
  await tx.signInAttempts.remove(organizationId, own);
  await tx.consumedMessages.remove(organizationId, own);
  await tx.signInRecords.remove(organizationId, own);
  await tx.connectionKeys.remove(organizationId, own);
  if ((await tx.connections.remove(organizationId, { _id: connectionId, version: connection.version })) === 0) {
    throw new AppError('stale', 'The connection was changed by somebody else meanwhile: try again');
  }
  const { name, protocol, status } = connection;
  await audit(tx, connection, 'connection.deleted', {
    before: { name, protocol, status },
    after: { sessionsEnded, ...(grants && { grants }) },
  });
}

/** The mappings go first, while it can still be told who is in their groups. */
async function endClaims(
  tx: Transaction,
  { organizationId, _id }: Connection,
  grants: GrantsChoice | undefined,
): Promise<void> {
  const directory = await findDirectoryOfConnection(tx, organizationId, _id);
  if (!directory) return;
  for (const mapping of await tx.mappings.find(organizationId, { directoryId: directory._id })) {
    await deleteMapping(tx, organizationId, mapping._id, grants);
  }
  await deleteDirectory(tx, organizationId, directory._id);
}
