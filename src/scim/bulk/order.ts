/**
 * In which order operations are processed: each after those that it depends on, else in the order of the request; those
 * that depend on each other in a circle come as one group (Tarjan's strongly connected components).
 *
 * @param count how many operations there are
 * @param dependenciesOf the operations that one depends on
 */
export function orderOf(count: number, dependenciesOf: (index: number) => Iterable<number>): readonly number[][] {
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
