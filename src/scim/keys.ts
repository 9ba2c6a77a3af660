/**
 * Names of attributes as keys of the store's documents: those hold no dot and no leading `$`, while extension URNs and
 * `$ref` do. Everything else about a resource is stored as it came.
 */
type Json = unknown;

const isPlain = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `$ref` → `%24ref`, `urn:a:2.0:b` → `urn:a:2%2E0:b`; the empty name becomes a lone `%`. */
export function encodeKey(key: string): string {
  if (key === '') return '%';
  if (!/[%.]|^\$/.test(key)) return key;
  return key.replace(/%/g, '%25').replace(/\./g, '%2E').replace(/^\$/, '%24');
}

/** The inverse of encodeKey. */
export function decodeKey(key: string): string {
  if (!key.includes('%')) return key;
  if (key === '%') return '';
  return key.replace(/^%24/, '$').replace(/%2E/g, '.').replace(/%25/g, '%');
}

function mapKeys(value: Json, rename: (key: string) => string): Json {
  if (Array.isArray(value)) return value.map((entry) => mapKeys(entry, rename));
  if (!isPlain(value)) return value;
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) copy[rename(key)] = mapKeys(value[key], rename);
  return copy;
}

/** A copy under the store's keys. */
export const encodeKeys = (resource: Readonly<Record<string, Json>>): Record<string, Json> =>
  mapKeys(resource, encodeKey) as Record<string, Json>;

/** A deep, unfrozen copy under SCIM's keys. */
export const decodeKeys = (stored: Readonly<Record<string, Json>>): Record<string, Json> =>
  mapKeys(stored, decodeKey) as Record<string, Json>;
