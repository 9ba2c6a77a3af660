/**
 * In which order operations are processed: that of the request, in which each waits for those that it depends on; those that
 * depend on each other in a circle come as one group.
 *
 * @param count how many operations there are
 * @param dependenciesOf the operations that one depends on
 */
export function orderOf(
  count: number,
  dependenciesOf: (index: number) => Iterable<number>,
): readonly (readonly number[])[] {
  const groups = groupsOf(count, dependenciesOf);
  const groupOf = new Map(groups.flatMap((group) => group.map((index) => [index, group] as const)));
  const followers = new Map<readonly number[], Set<readonly number[]>>(groups.map((group) => [group, new Set()]));
  const missing = new Map<readonly number[], number>(groups.map((group) => [group, 0]));
  for (const [index, group] of groupOf) {
    for (const next of dependenciesOf(index)) {
      const needed = followers.get(groupOf.get(next) ?? group);
      if (groupOf.get(next) === group || !needed || needed.has(group)) continue;
      needed.add(group);
      missing.set(group, (missing.get(group) ?? 0) + 1);
    }
  }
  const first = ([index = 0]: readonly number[]) => index;
  const ready = groups.filter((group) => missing.get(group) === 0).sort((a, b) => first(a) - first(b));
  const order: (readonly number[])[] = [];
  for (let group = ready.shift(); group; group = ready.shift()) {
    order.push(group);
    for (const follower of followers.get(group) ?? []) {
      const left = (missing.get(follower) ?? 0) - 1;
      missing.set(follower, left);
      if (left > 0) continue;
      const at = ready.findIndex((other) => first(other) > first(follower));
      ready.splice(at < 0 ? ready.length : at, 0, follower);
    }
  }
  return order;
}

/** The groups of a circle each, most of them of one: Tarjan's strongly connected components. */
function groupsOf(count: number, dependenciesOf: (index: number) => Iterable<number>): readonly (readonly number[])[] {
  const order: number[][] = [];
  const depth = new Map<number, number>();
  const lowest = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();

  const low = (index: number): number => lowest.get(index) ?? index;
  const lower = (index: number, to: number): void => {
    if (to < low(index)) lowest.set(index, to);
  };

  // as deep as the longest chain of references, which the number of operations bounds
  function visit(index: number): void {
    depth.set(index, depth.size);
    lowest.set(index, depth.size - 1);
    open.push(index);
    isOpen.add(index);
    for (const next of dependenciesOf(index)) {
      if (!depth.has(next)) {
        visit(next);
        lower(index, low(next));
      } else if (isOpen.has(next)) lower(index, depth.get(next) ?? 0);
    }
    if (low(index) !== depth.get(index)) return;
    const group = open.splice(open.indexOf(index));
    for (const member of group) isOpen.delete(member);
    order.push(group.sort((a, b) => a - b));
  }

  for (let index = 0; index < count; index++) if (!depth.has(index)) visit(index);
  return order;
}
