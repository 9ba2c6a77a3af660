/** What mappings give: added and taken away by reconciliation only, one person at a time (MAP-2, MAP-3). */
import { AppError } from '../errors.ts';
import type { Grant, Transaction } from '../store/index.ts';
import { type GrantTarget, insertGrant, removeGrants } from './grants.ts';
import { refreshMemberRole } from './memberRole.ts';
import { findMember } from './members.ts';
import type { Role } from './permissions.ts';

export interface MappedGrant extends GrantTarget {
  readonly role: Role;
  readonly mappingId: string;
  /** The directory group that the mapping names: kept on the grant, so that every answer can say why. */
  readonly groupId: string;
}

/**
 * Adds and takes away mapped grants of one account, and brings the organization role in line. A changed role is one
 * taken away and one added. Locks the member, so that nobody is removed while being granted; not the project, since a
 * sync of thousands would then queue on one row, and a grant on a project that is gone is worth nothing anyway.
 * Throws `not_organization_member` where grants are to be added to somebody who is no member.
 */
export async function applyMappedGrants(
  tx: Transaction,
  organizationId: string,
  accountId: string,
  change: { readonly add: readonly MappedGrant[]; readonly remove: readonly Grant[] },
): Promise<void> {
  const { add, remove } = change;
  if (add.length + remove.length === 0) return;
  const member = await findMember(tx, organizationId, accountId);
  if (member) await tx.members.lock(organizationId, member._id);
  else if (add.length > 0) {
    throw new AppError('not_organization_member', 'A mapping gives roles to members of the organization only');
  }
  // What comes before what goes keeps it from being told as a loss; but a mapping gives one grant on a target at a time.
  const replaced = new Set(add.map(({ mappingId, targetId }) => `${mappingId} ${targetId}`));
  const isReplaced = ({ sourceId, targetId }: Grant): boolean => replaced.has(`${sourceId} ${targetId}`);
  await removeGrants(tx, organizationId, remove.filter(isReplaced));
  for (const { target, targetId, role, mappingId, groupId } of add) {
    const grant = { accountId, target, targetId, role, source: 'mapping', sourceId: mappingId } as const;
    await insertGrant(tx, organizationId, { ...grant, grantedBy: `group:${groupId}` });
  }
  await removeGrants(
    tx,
    organizationId,
    remove.filter((grant) => !isReplaced(grant)),
  );
  const touched = [...add, ...remove].some(({ target }) => target === 'organization');
  if (touched) await refreshMemberRole(tx, organizationId, accountId);
}
