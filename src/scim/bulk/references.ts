/**
 * References between the operations of a bulk (RFC 7644 §3.7.2): `bulkId:x` stands for the id of the resource that the
 * POST with this bulkId makes. They are looked for where ids stand: as `value` or `$ref`, and as members or manager.
 */
import { isObject } from '../input.ts';

const referenceName = /(?:^|[.:])(?:value|\$ref|members|manager)$/i;

/** The bulkId that a text refers to; undefined where it refers to none. */
export const bulkIdIn = (text: string): string | undefined => /^bulkId:(.+)$/is.exec(text)?.[1];

/** All bulkIds that `data` refers to. */
export function referencesIn(data: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  replaceReferences(data, (bulkId) => {
    found.add(bulkId);
    return bulkId;
  });
  return found;
}

const dropped = Symbol('dropped');

/**
 * A copy of `data` with the id that `idOf` answers in place of each reference. Where it answers none, the value that
 * the reference is part of is left out: the member of a group, the manager of a user.
 */
export function replaceReferences(data: unknown, idOf: (bulkId: string) => string | undefined): unknown {
  const copy = replaced(data, '', idOf);
  return copy === dropped ? undefined : copy;
}

function replaced(value: unknown, name: string, idOf: (bulkId: string) => string | undefined): unknown {
  if (typeof value === 'string') {
    const bulkId = referenceName.test(name) ? bulkIdIn(value) : undefined;
    return bulkId === undefined ? value : (idOf(bulkId) ?? dropped);
  }
  if (Array.isArray(value)) {
    return value.map((entry) => replaced(entry, name, idOf)).filter((entry) => entry !== dropped);
  }
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const part = replaced(value[key], key, idOf);
    if (part !== dropped) copy[key] = part;
    else if (key.toLowerCase() === 'value') return dropped;
  }
  return copy;
}
