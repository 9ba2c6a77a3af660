import type { mongo } from 'mongoose';
import { type AnyRow, isPlainObject, isStorableText } from '../checker.ts';
import { readFilter } from '../condition.ts';
import type { Fields } from '../fields.ts';
import { PLATFORM, type Scope } from '../store.ts';
import type { Document } from './collection.ts';

type Where = mongo.Filter<Document>;

const logical: ReadonlySet<string> = new Set(['$and', '$or', '$nor']);
const never = { $in: [] } as const;
const always = { $nin: [] } as const;

/**
 * The filter as MongoDB takes it: the caller's own, checked against the schema (StoreUsageError otherwise) and confined
 * to the scope. It differs from the caller's in two spots, where MongoDB would answer otherwise than the store promises:
 * - a text that no row can hold (a NUL, half a character) matches nothing: the driver would write half a character as
 *   U+FFFD, which a row may hold, and the server refuses a NUL in a pattern;
 * - the `$` of `endsWith` is the very end: to PCRE it is also the place before a last line break.
 */
export function confine(fields: Fields, scope: Scope, filter: unknown): Where {
  readFilter(fields, filter);
  const where = rewriteFilter(filter as AnyRow);
  if (scope === PLATFORM) return where;
  return 'organizationId' in where ? { $and: [{ organizationId: scope }, where] } : { organizationId: scope, ...where };
}

/** Both conditions at once. */
export const both = (a: Where, b: Where): Where => ({ $and: [a, b] });

function rewriteFilter(filter: AnyRow): Where {
  const where: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(filter)) {
    if (logical.has(key)) where[key] = (given as readonly AnyRow[]).map(rewriteFilter);
    else where[key] = isPlainObject(given) ? rewriteOperators(given) : rewriteOperators({ $eq: given });
  }
  return where;
}

function rewriteOperators(operators: AnyRow): Where {
  const rewritten: Record<string, unknown> = {};
  for (const [operator, value] of Object.entries(operators)) {
    switch (operator) {
      case '$eq':
        if (!isMatchable(value)) return never;
        rewritten[operator] = value;
        break;
      case '$ne':
        if (isMatchable(value)) rewritten[operator] = value;
        break;
      case '$in':
        rewritten[operator] = (value as readonly unknown[]).filter(isMatchable);
        break;
      case '$regex':
        if (!isMatchable(value)) return never;
        rewritten[operator] = toTheVeryEnd(value as string);
        break;
      case '$elemMatch':
        rewritten[operator] = rewriteElement(value as AnyRow);
        break;
      default:
        rewritten[operator] = value;
    }
  }
  return Object.keys(rewritten).length === 0 ? always : rewritten;
}

/** $elemMatch takes operators on the element, or a filter of its fields. */
function rewriteElement(given: AnyRow): Where {
  const onElement = Object.keys(given).every((key) => key.startsWith('$') && !logical.has(key));
  return onElement ? rewriteOperators(given) : rewriteFilter(given);
}

const isMatchable = (value: unknown): boolean => typeof value !== 'string' || isStorableText(value);

/** `a\$` looks for a dollar sign, `a$` for an `a` at the end: filter.ts escapes with one backslash, and only so. */
function toTheVeryEnd(pattern: string): string {
  return /^(?:[^\\]|\\.)*\$$/s.test(pattern) && !/^(?:[^\\]|\\.)*\\\$$/s.test(pattern)
    ? `${pattern.slice(0, -1)}\\z`
    : pattern;
}
