/** What a filter says, with the types of the attribute tables. */
import type { Attribute, AttributePath } from '../attributes.ts';
import { type FilterValue, faultAt } from './lex.ts';

export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/** What a resource, or an element of a multi-valued attribute, must be like. Dates are milliseconds. */
export type Condition =
  | {
      readonly kind: 'compare';
      readonly path: AttributePath;
      readonly of: Attribute;
      readonly op: Comparison;
      readonly value: string | number | boolean;
    }
  | { readonly kind: 'present'; readonly path: AttributePath; readonly of: Attribute }
  | { readonly kind: 'and' | 'or'; readonly all: readonly Condition[] }
  | { readonly kind: 'not'; readonly one: Condition }
  /** One element of the multi-valued attribute fulfils it all; paths in `one` begin at the element. */
  | { readonly kind: 'element'; readonly path: AttributePath; readonly one: Condition }
  /** Among these ids: what conditions on memberships become once they are looked up. */
  | { readonly kind: 'ids'; readonly ids: ReadonlySet<string> };

/** A condition that says something of one attribute. */
export type Leaf = Condition & { readonly kind: 'compare' | 'present' | 'element' };

/** The conditions on single attributes that a condition consists of; the inside of an element is its own. */
export function leavesOf(condition: Condition): readonly Leaf[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.all.flatMap(leavesOf);
    case 'not':
      return leavesOf(condition.one);
    case 'ids':
      return [];
    default:
      return [condition];
  }
}

const xsdDateTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/i;

/** The instant of an xsd:dateTime (RFC 7643 §2.3.5) in milliseconds; without a zone it is UTC's. NaN where it is none. */
export function readInstant(text: string): number {
  const form = xsdDateTime.exec(text);
  if (!form) return Number.NaN;
  return Date.parse(form[1] === undefined && text.length > 10 ? `${text}Z` : text);
}

/**
 * The value as the attribute's type has it.
 *
 * @param name as it stands in the filter, at `at`
 * Throws scim_invalid_filter for an operator or a value that does not suit the type.
 */
export function suit(
  name: string,
  at: number,
  of: Attribute,
  op: Comparison,
  value: Exclude<FilterValue, null>,
): string | number | boolean {
  const ordered = op === 'gt' || op === 'ge' || op === 'lt' || op === 'le';
  const textual = op === 'co' || op === 'sw' || op === 'ew';
  switch (of.type) {
    case 'complex':
      throw faultAt(at, `${name} is complex: name one of its sub-attributes, or ask whether it is present (pr)`);
    case 'boolean': {
      const flag = typeof value === 'string' ? ({ true: true, false: false } as const)[value.toLowerCase()] : value;
      if (typeof flag !== 'boolean' || ordered || textual)
        throw faultAt(at, `${name} is a boolean: use eq or ne with true or false`);
      return flag;
    }
    case 'integer':
    case 'decimal':
      if (typeof value !== 'number' || textual)
        throw faultAt(at, `${name} is a number and cannot be compared like this`);
      return value;
    case 'dateTime': {
      const instant = typeof value === 'string' ? readInstant(value) : Number.NaN;
      if (Number.isNaN(instant) || textual)
        throw faultAt(at, `${name} is a date: compare it with a text such as "2026-01-31T00:00:00Z"`);
      return instant;
    }
    default:
      if (typeof value !== 'string') throw faultAt(at, `${name} is a text: compare it with a text in double quotes`);
      if (of.type === 'binary' && ordered) throw faultAt(at, `${name} is binary and has no order`);
      return value;
  }
}
