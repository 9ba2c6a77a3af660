/** A condition applied to a resource in memory: the meaning of filters, against which what the store answers is judged. */
import { caseKey } from '../../lib/text.ts';
import type { Attribute } from '../attributes.ts';
import { type Condition, readInstant } from './condition.ts';

/** Conditions that have been judged already, where what they ask of is too much to stand in a resource. */
export type Known = ReadonlyMap<Condition, boolean>;

/** Whether `resource` (or an element of a multi-valued attribute) fulfils the condition. */
export function matches(condition: Condition, resource: unknown, known?: Known): boolean {
  const judged = known?.get(condition);
  if (judged !== undefined) return judged;
  switch (condition.kind) {
    case 'and':
      return condition.all.every((part) => matches(part, resource, known));
    case 'or':
      return condition.all.some((part) => matches(part, resource, known));
    case 'not':
      return !matches(condition.one, resource, known);
    case 'ids':
      return valuesAt(resource, ['id']).some((id) => condition.ids.has(String(id)));
    case 'element':
      return valuesAt(resource, condition.path.keys).some((element) => matches(condition.one, element));
    case 'present':
      return valuesAt(resource, condition.path.keys).some(isPresent);
    case 'compare': {
      const values = valuesAt(resource, condition.path.keys);
      if (values.length === 0) return condition.op === 'ne';
      return values.some((value) => compare(condition, value));
    }
  }
}

/** All values at this way, through lists. */
export function valuesAt(from: unknown, keys: readonly string[]): readonly unknown[] {
  let level: unknown[] = [from];
  for (const key of keys) {
    const next: unknown[] = [];
    for (const holder of level) {
      if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) continue;
      const value = (holder as Record<string, unknown>)[key];
      if (Array.isArray(value)) next.push(...value);
      else if (value !== undefined && value !== null) next.push(value);
    }
    level = next;
  }
  return level;
}

function isPresent(value: unknown): boolean {
  if (value === '' || value === null || value === undefined) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** A value in the form in which it compares. */
export function comparable(of: Attribute, value: unknown): string | number | boolean | undefined {
  if (of.type === 'dateTime') return typeof value === 'number' ? value : readInstant(String(value));
  if (typeof value === 'string') return of.caseExact ? value : keyOf(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** A filter may ask many things of one long text: its key is kept until another one is asked for. */
const LONG = 1_000;
let lastLong = { text: '', key: '' };

function keyOf(text: string): string {
  if (text.length < LONG) return caseKey(text);
  if (lastLong.text !== text) lastLong = { text, key: caseKey(text) };
  return lastLong.key;
}

function compare(condition: Condition & { kind: 'compare' }, value: unknown): boolean {
  const left = comparable(condition.of, value);
  const right = comparable(condition.of, condition.value);
  if (left === undefined || right === undefined || typeof left !== typeof right) return condition.op === 'ne';
  switch (condition.op) {
    case 'eq':
      return left === right;
    case 'ne':
      return left !== right;
    case 'co':
      return String(left).includes(String(right));
    case 'sw':
      return String(left).startsWith(String(right));
    case 'ew':
      return String(left).endsWith(String(right));
    case 'gt':
      return order(left, right) > 0;
    case 'ge':
      return order(left, right) >= 0;
    case 'lt':
      return order(left, right) < 0;
    case 'le':
      return order(left, right) <= 0;
  }
}

/** By code point for texts, as the store orders them. */
export function order(a: string | number | boolean, b: string | number | boolean): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
