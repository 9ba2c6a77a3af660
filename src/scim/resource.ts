/** A resource in canonical form: plain, unfrozen, nobody else's; without `id`, `meta`, `schemas` and other read-only parts. */
export type Resource = Record<string, unknown>;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The name in `holder` that is this one without case (RFC 7643 §2.1); `name` itself where there is none. */
export function spelled(holder: Readonly<Record<string, unknown>>, name: string): string {
  if (Object.hasOwn(holder, name)) return name;
  const lower = name.toLowerCase();
  return Object.keys(holder).find((own) => own.toLowerCase() === lower) ?? name;
}

/** A member of `holder` by its name without case. */
export function memberOf(holder: Readonly<Record<string, unknown>>, name: string): unknown {
  const own = spelled(holder, name);
  return Object.hasOwn(holder, own) ? holder[own] : undefined;
}
