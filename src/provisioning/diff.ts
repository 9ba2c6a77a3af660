import type { MappedGrant } from '../access/index.ts';
import type { Grant } from '../store/index.ts';

export type GivenGrant = Pick<Grant, '_id' | 'target' | 'targetId' | 'role' | 'sourceId' | 'grantedBy'>;

export interface GrantDifference<G extends GivenGrant> {
  readonly add: readonly MappedGrant[];
  /** A grant of which only the role is another now. */
  readonly change: readonly { readonly grant: G; readonly role: MappedGrant['role'] }[];
  readonly remove: readonly G[];
}

/**
 * What must change for `given` (one person's mapped grants) to become `desired` (MAP-3). A grant that names another
 * group than its mapping does now (MAP-1, bound again) is taken away and given anew.
 */
export function diffGrants<G extends GivenGrant>(
  desired: readonly MappedGrant[],
  given: readonly G[],
): GrantDifference<G> {
  const wanted = new Map(
    desired.map((grant) => [keyOf(grant.mappingId, grant.targetId, `group:${grant.groupId}`), grant]),
  );
  const change: { grant: G; role: MappedGrant['role'] }[] = [];
  const remove: G[] = [];
  for (const grant of given) {
    const key = keyOf(grant.sourceId, grant.targetId, grant.grantedBy);
    const want = wanted.get(key);
    wanted.delete(key);
    if (want === undefined) remove.push(grant);
    else if (want.role !== grant.role) change.push({ grant, role: want.role });
  }
  return { add: [...wanted.values()], change, remove };
}

const keyOf = (...parts: readonly string[]): string => parts.join(' ');

/** How many grants a difference touches. */
export function differenceSize({ add, change, remove }: GrantDifference<GivenGrant>): number {
  return add.length + change.length + remove.length;
}
