/** Literal text as the only patterns that `$regex` may hold; both engines understand exactly these. */

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Matches text that begins with `text`. Uses an index. */
export const startsWith = (text: string): { readonly $regex: string } => ({ $regex: `^${literal(text)}` });

/** Matches text that ends with `text`. Reads every candidate. */
export const endsWith = (text: string): { readonly $regex: string } => ({ $regex: `${literal(text)}$` });

/** Matches text that holds `text`. Reads every candidate. */
export const contains = (text: string): { readonly $regex: string } => ({ $regex: literal(text) });

/** What one of the patterns above looks for. */
export interface TextPattern {
  readonly at: 'start' | 'end' | 'anywhere';
  readonly text: string;
}

/** Reads back a pattern that `startsWith`, `endsWith` or `contains` made; undefined for anything else. */
export function readPattern(pattern: unknown): TextPattern | undefined {
  if (typeof pattern !== 'string') return undefined;
  const parts = /^(\^?)((?:[^\\^$.*+?()[\]{}|/-]|\\[\\^$.*+?()[\]{}|/-])*)(\$?)$/s.exec(pattern);
  if (parts === null || (parts[1] !== '' && parts[3] !== '')) return undefined;
  const text = (parts[2] ?? '').replace(/\\(.)/gs, '$1');
  return { at: parts[1] === '' ? (parts[3] === '' ? 'anywhere' : 'end') : 'start', text };
}
