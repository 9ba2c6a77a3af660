/** From the text of a filter to a typed condition on attributes of the tables. */
import { parse, type Filter as Tree } from 'scim2-parse-filter';
import { type Attribute, type AttributePath, type ResourceType, resolvePath } from '../attributes.ts';
import { invalidFilter } from '../errors.ts';
import { type FilterValue, nameOf, prepareFilter } from './lex.ts';

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

/** How the name of an attribute is understood where a condition stands. */
type Resolve = (name: string) => { path: AttributePath; of: Attribute };

/**
 * Parses a filter on resources of this type. Throws scim_invalid_filter: not of the grammar, an attribute that the
 * type does not have, an operator or a value that does not suit the attribute's type.
 */
export function parseFilter(type: ResourceType, text: string): Condition {
  const { tree, values } = parseTree(text);
  return read(tree, values, resourceNames(type));
}

/** Parses the inside of a PATCH path's value filter: conditions on the elements of `attribute`. */
export function parseElementFilter(attribute: Attribute, text: string): Condition {
  const { tree, values } = parseTree(text);
  return read(tree, values, elementNames(attribute));
}

function parseTree(text: string): { tree: Tree; values: readonly FilterValue[] } {
  const { text: prepared, values } = prepareFilter(text);
  try {
    return { tree: parse(prepared), values };
  } catch {
    throw invalidFilter(
      'The filter is not valid: an attribute, operator, value or parenthesis is missing or out of place',
    );
  }
}

function resourceNames(type: ResourceType): Resolve {
  return (name) => {
    const path = resolvePath(type, name);
    const of = path?.subName === undefined ? path?.attribute : path.sub;
    if (path === undefined || of === undefined)
      throw invalidFilter(`A ${type.name} has no attribute ${name} to filter by`);
    if (of.returned === 'never') throw invalidFilter(`${name} cannot be filtered by`);
    return promote(path, of);
  };
}

/** `emails co "x"` means `emails.value co "x"`; of single-valued ones, `manager eq "x"` means its value. */
function promote(path: AttributePath, of: Attribute): { path: AttributePath; of: Attribute } {
  const value = of.type === 'complex' ? of.subAttributes?.get('value') : undefined;
  if (value === undefined) return { path, of };
  return { path: { ...path, subName: value.name, sub: value, keys: [...path.keys, value.name] }, of: value };
}

function elementNames(attribute: Attribute): Resolve {
  return (name) => {
    const of = attribute.subAttributes?.get(name.toLowerCase());
    if (of === undefined) throw invalidFilter(`${attribute.name} has no sub-attribute ${name} to filter by`);
    return { path: { name: of.name, attribute: of, keys: [of.name] }, of };
  };
}

function read(tree: Tree, values: readonly FilterValue[], resolve: Resolve): Condition {
  switch (tree.op) {
    case 'and':
    case 'or':
      return { kind: tree.op, all: tree.filters.map((part) => read(part, values, resolve)) };
    case 'not':
      return { kind: 'not', one: read(tree.filter, values, resolve) };
    case 'pr': {
      const { path, of } = resolve(nameOf(tree.attrPath));
      return { kind: 'present', path, of };
    }
    case '[]':
      return readElement(nameOf(tree.attrPath), tree.valFilter, values, resolve);
    default:
      return readComparison(nameOf(tree.attrPath), tree.op, values[Number(tree.compValue)], resolve);
  }
}

function readElement(name: string, inner: Tree, values: readonly FilterValue[], resolve: Resolve): Condition {
  const { path } = resolve(name);
  const { attribute } = path;
  if (attribute?.type !== 'complex') throw invalidFilter(`${name} has no sub-attributes to filter by`);
  const whole = { ...path, keys: path.sub === undefined ? path.keys : path.keys.slice(0, -1) };
  return { kind: 'element', path: whole, one: read(inner, values, elementNames(attribute)) };
}

function readComparison(name: string, op: Comparison, value: FilterValue | undefined, resolve: Resolve): Condition {
  const { path, of } = resolve(name);
  if (value === undefined) throw invalidFilter(`${name} ${op} needs a value`);
  if (value === null) {
    const present: Condition = { kind: 'present', path, of };
    if (op === 'ne') return present;
    if (op === 'eq') return { kind: 'not', one: present };
    throw invalidFilter(`${name} ${op} cannot be asked of null`);
  }
  return { kind: 'compare', path, of, op, value: suit(name, of, op, value) };
}

/** The value as the attribute's type has it. */
function suit(
  name: string,
  of: Attribute,
  op: Comparison,
  value: string | number | boolean,
): string | number | boolean {
  const ordered = op === 'gt' || op === 'ge' || op === 'lt' || op === 'le';
  const textual = op === 'co' || op === 'sw' || op === 'ew';
  switch (of.type) {
    case 'complex':
      throw invalidFilter(`${name} is complex: name one of its sub-attributes, or ask whether it is present (pr)`);
    case 'boolean': {
      const flag = typeof value === 'string' ? ({ true: true, false: false } as const)[value.toLowerCase()] : value;
      if (typeof flag !== 'boolean' || ordered || textual)
        throw invalidFilter(`${name} is a boolean: use eq or ne with true or false`);
      return flag;
    }
    case 'integer':
    case 'decimal':
      if (typeof value !== 'number' || textual)
        throw invalidFilter(`${name} is a number and cannot be compared like this`);
      return value;
    case 'dateTime': {
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(at) || textual)
        throw invalidFilter(`${name} is a date: compare it with a text such as "2026-01-31T00:00:00Z"`);
      return at;
    }
    default:
      if (typeof value !== 'string') throw invalidFilter(`${name} is a text: compare it with a text in double quotes`);
      if (of.type === 'binary' && ordered) throw invalidFilter(`${name} is binary and has no order`);
      return value;
  }
}
