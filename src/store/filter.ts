/** Literal text as the only patterns that `$regex` may hold; both engines understand exactly these. */

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Matches text that begins with `text`. Uses an index. */
export const startsWith = (text: string): { readonly $regex: string } => ({ $regex: `^${literal(text)}` });

/** Matches text that ends with `text`. Reads every candidate. */
export const endsWith = (text: string): { readonly $regex: string } => ({ $regex: `${literal(text)}$` });

/** Matches text that holds `text`. Reads every candidate. */
export const contains = (text: string): { readonly $regex: string } => ({ $regex: literal(text) });
