/** Attributes that no table has: where they stand in a resource, and what is added to them. */
import { canonicalJson } from '../../lib/canonicalJson.ts';
import { isObject } from '../input.ts';
import { spelled } from '../resource.ts';

/** Whether the resource has a value on this way. */
export const holds = (resource: unknown, [first, ...rest]: readonly string[]): boolean =>
  first === undefined || (isObject(resource) && Object.hasOwn(resource, first) && holds(resource[first], rest));

/** The way as the resource spells it: what no table has compares without case all the same (RFC 7643 §2.1). */
export function keysIn(resource: unknown, [first, ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return [];
  if (!isObject(resource)) return [first, ...rest];
  const own = spelled(resource, first);
  return [own, ...keysIn(Object.hasOwn(resource, own) ? resource[own] : undefined, rest)];
}

/**
 * What `add` makes of a value that no table describes: its form tells whether it has several values, or sub-attributes
 * (RFC 7644 §3.5.2.1).
 */
export function added(held: unknown, value: unknown): unknown {
  if (Array.isArray(held)) {
    const values = Array.isArray(value) ? value : value === null ? [] : [value];
    const there = new Set(held.map(canonicalJson));
    return [...held, ...values.filter((one) => !there.has(canonicalJson(one)))];
  }
  if (!isObject(held) || !isObject(value)) return value;
  const merged = { ...held };
  for (const name of Object.keys(value)) merged[spelled(held, name)] = value[name];
  return merged;
}
