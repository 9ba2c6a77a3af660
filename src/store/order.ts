/** Text compares by code point on both engines. JavaScript's own `<` compares UTF-16 units: 😀 would sort before U+FF5E. */
export function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const astralX = (x & 0xf800) === 0xd800;
    const astralY = (y & 0xf800) === 0xd800;
    return astralX === astralY ? x - y : astralX ? 1 : -1;
  }
  return a.length - b.length;
}

/** Compares two scalars of one type; undefined where the types differ, since no such pair has an order. */
export function compareScalars(a: unknown, b: unknown): number | undefined {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return undefined;
}
