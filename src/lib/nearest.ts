/**
 * Which of `candidates` was probably meant by `text`: the one with the fewest changed letters, if these are few.
 * Answers undefined where none is near.
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.floor(text.length / 4) + 1;
  for (const candidate of candidates) {
    const steps = distance(text, candidate);
    if (steps < least) {
      best = candidate;
      least = steps;
    }
  }
  return best;
}

/** The Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= b.length; column += 1) {
      const change = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
