/** `items` in lists of at most `size`. */
export function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/**
 * Does `work` for each item, `atOnce` of them at a time. One that fails stops nobody else: its error is thrown when all
 * have had their turn, the first one where there are several.
 */
export async function forEach<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const some of chunks(items, atOnce)) {
    for (const outcome of await Promise.allSettled(some.map(work))) {
      if (outcome.status === 'rejected') failures.push(outcome.reason);
    }
  }
  if (failures.length > 0) throw failures[0];
}
