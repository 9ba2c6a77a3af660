/** A resource in canonical form: plain, unfrozen, nobody else's; without `id`, `meta`, `schemas` and other read-only parts. */
export type Resource = Record<string, unknown>;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
