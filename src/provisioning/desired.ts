import type { MappedGrant } from '../access/index.ts';
import type { Mapping } from '../store/index.ts';

export type MappingRule = Pick<Mapping, '_id' | 'groupId' | 'target' | 'targetId' | 'role'>;

/**
 * What mappings give to a person (MAP-1, MAP-2): one grant for each mapping whose group they are in. `groups` are all
 * groups that hold them, nested ones too. Who is not a member of the organization is given nothing.
 */
export function desiredGrants(
  isMember: boolean,
  groups: ReadonlySet<string>,
  mappings: readonly MappingRule[],
): readonly MappedGrant[] {
  if (!isMember) return [];
  return mappings
    .filter(({ groupId }) => groups.has(groupId))
    .map(({ _id, groupId, target, targetId, role }) => ({ mappingId: _id, groupId, target, targetId, role }));
}

/** A directory user as far as their groups count. */
export interface LinkedUser {
  readonly _id: string;
  readonly active: boolean;
}

/**
 * Whose groups count for a member: those of the directory user that governs them always (a suspended member's grants
 * are kept up to date), those of others while they are active (SCIM-3).
 */
export function countingUsers(users: readonly LinkedUser[], governingUserId: string | undefined): readonly string[] {
  return users.filter(({ _id, active }) => active || _id === governingUserId).map(({ _id }) => _id);
}
