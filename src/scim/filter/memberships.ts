/** Conditions on `members` and `groups`: memberships are edges, which no row repeats. */
import { type MembershipReads, membersAt } from '../memberships.ts';
import type { BaseUrl } from '../representation.ts';
import type { Condition, Leaf } from './condition.ts';
import { matches } from './match.ts';

interface Where {
  readonly reads: MembershipReads;
  readonly directory: { readonly _id: string; readonly organizationId: string };
  readonly base: BaseUrl;
}

/** The condition on one element that a condition on the attribute asks of any of them. */
export function onElement(leaf: Leaf): Condition {
  if (leaf.kind === 'element') return leaf.one;
  const name = leaf.path.keys.at(-1) ?? leaf.of.name;
  return { ...leaf, path: { name, attribute: leaf.of, keys: [name] } };
}

/** Whether it can be told of a member only by the member's own name. */
export function asksForDisplay(condition: Condition): boolean {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.all.some(asksForDisplay);
    case 'not':
      return asksForDisplay(condition.one);
    case 'compare':
    case 'present':
      return condition.of.name === 'display';
    default:
      return false;
  }
}

/** The id that every element that fulfils the condition has as its value. */
function idIn(condition: Condition): string | undefined {
  if (condition.kind === 'and') return condition.all.map(idIn).find((id) => id !== undefined);
  const isEquation = condition.kind === 'compare' && condition.op === 'eq' && condition.of.name === 'value';
  return isEquation ? String(condition.value) : undefined;
}

/**
 * The ids of the resources that fulfil a condition on memberships in which one member, or one group, is named by id;
 * undefined where none is, or where they are more than `limit`.
 */
export async function planMembership(
  where: Where,
  leaf: Leaf,
  limit: number,
): Promise<ReadonlySet<string> | undefined> {
  const condition = onElement(leaf);
  const id = idIn(condition);
  if (id === undefined) return undefined;
  return leaf.path.name === 'members' ? groupsWith(where, id, condition, limit) : usersIn(where, id, condition, limit);
}

async function groupsWith(
  { reads, directory, base }: Where,
  memberId: string,
  condition: Condition,
  limit: number,
): Promise<ReadonlySet<string> | undefined> {
  const { _id: directoryId, organizationId } = directory;
  const edges = await reads.edges.find(organizationId, { directoryId, memberId }, { limit: limit + 1 });
  if (edges.length > limit) return undefined;
  const [element] = await membersAt(reads, base, organizationId, edges.slice(0, 1), asksForDisplay(condition));
  return new Set(element && matches(condition, element) ? edges.map(({ groupId }) => groupId) : []);
}

/** A user is in a group directly, or through a group in it at any depth: one or the other, as `groups` shows it. */
async function usersIn(
  { reads, directory, base }: Where,
  groupId: string,
  condition: Condition,
  limit: number,
): Promise<ReadonlySet<string> | undefined> {
  const { _id: directoryId, organizationId } = directory;
  const group = await reads.directoryGroups.get(organizationId, groupId);
  if (group?.directoryId !== directoryId) return new Set();
  const direct = new Set<string>();
  const indirect = new Set<string>();
  const visited = new Set([groupId]);
  let seen = 0;
  for (let level = [groupId]; level.length > 0; ) {
    const edges = await reads.edges.find(
      organizationId,
      { directoryId, groupId: { $in: level } },
      { limit: limit + 1 - seen },
    );
    seen += edges.length;
    if (seen > limit) return undefined;
    const next: string[] = [];
    for (const { memberId, memberKind, groupId: holder } of edges) {
      if (memberKind === 'User') (holder === groupId ? direct : indirect).add(memberId);
      else if (!visited.has(memberId)) {
        visited.add(memberId);
        next.push(memberId);
      }
    }
    level = next;
  }
  for (const id of direct) indirect.delete(id);
  const element = { value: groupId, $ref: `${base}/Groups/${groupId}`, display: group.displayName };
  const found = new Set<string>();
  for (const [type, ids] of [
    ['direct', direct],
    ['indirect', indirect],
  ] as const) {
    if (matches(condition, { ...element, type })) for (const id of ids) found.add(id);
  }
  return found;
}
