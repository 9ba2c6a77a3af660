import { types } from 'node:util';
import { isPlainObject, isStorableText } from './checker.ts';
import type { Declared, Field, Fields } from './fields.ts';
import { readPattern, type TextPattern } from './filter.ts';
import { type Inside, readElement, readInside } from './inside.ts';
import { type Scalar, StoreUsageError } from './store.ts';

export type Comparison = '$eq' | '$ne' | '$gt' | '$gte' | '$lt' | '$lte';

/** A place in a row that a filter or a sort may name. `inside` are the keys below a field of free-form data. */
export interface Path {
  readonly text: string;
  readonly root: string;
  readonly field: Field;
  readonly required: boolean;
  readonly inside: readonly string[];
}

/**
 * A filter that has been checked against the schema, as a tree. `compare`, `in` and `text` stand on declared scalars and
 * on values of their own type; `inside` is a test of free-form data or of a list.
 */
export type Condition =
  | { readonly kind: 'always' | 'never' }
  | { readonly kind: 'all' | 'any' | 'none'; readonly parts: readonly Condition[] }
  | { readonly kind: 'compare'; readonly path: Path; readonly operator: Comparison; readonly value: Scalar }
  | { readonly kind: 'in'; readonly path: Path; readonly values: readonly Scalar[] }
  | { readonly kind: 'exists'; readonly path: Path; readonly wanted: boolean }
  | { readonly kind: 'text'; readonly path: Path; readonly pattern: TextPattern }
  | { readonly kind: 'inside'; readonly path: Path; readonly test: Inside };

const comparisons: ReadonlySet<string> = new Set<Comparison>(['$eq', '$ne', '$gt', '$gte', '$lt', '$lte']);
const always: Condition = { kind: 'always' };
const never: Condition = { kind: 'never' };

/** Filters nested deeper than this are refused; nobody writes such ones, and SQLite's parser has a limit. */
const deepest = 60;

/** Paths that schemas declare, found once each; those into free-form data are without number and not kept. */
const declaredPaths = new WeakMap<Fields, Map<string, Path>>();

/** Finds what a path names; throws StoreUsageError where the schema declares no such place. */
export function resolvePath(fields: Fields, text: string): Path {
  const known = declaredPaths.get(fields) ?? new Map<string, Path>();
  const found = known.get(text);
  if (found !== undefined) return found;
  const path = findPath(fields, text);
  if (path.inside.length === 0) declaredPaths.set(fields, known.set(text, path));
  return path;
}

function findPath(fields: Fields, text: string): Path {
  const segments = text.split('.');
  let declared: Declared | undefined = fields.get(segments[0] ?? '');
  let required = declared?.required === true;
  let depth = 1;
  while (declared?.field.kind === 'object' && depth < segments.length) {
    declared = declared.field.fields.get(segments[depth] ?? '');
    required &&= declared?.required === true;
    depth += 1;
  }
  const inside = segments.slice(depth);
  if (declared === undefined || (inside.length > 0 && declared.field.kind !== 'free')) {
    throw new StoreUsageError(`the path ${JSON.stringify(text)} is not declared`);
  }
  if (inside.some((key) => key === '' || key.startsWith('$') || !isStorableText(key))) {
    throw new StoreUsageError(`the path ${JSON.stringify(text)} cannot be`);
  }
  return { text, root: segments.slice(0, depth).join('.'), field: declared.field, required, inside };
}

/** The value as a filter may hold it; everything but a finite scalar is refused. */
export function readScalar(value: unknown, where: string): Scalar {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (types.isDate(value) && !Number.isNaN(value.getTime())) return value;
  throw new StoreUsageError(`${where}: a filter compares with texts, finite numbers, booleans and dates only`);
}

/** Whether a field can hold the value at all. */
function holds(field: Field, value: Scalar): boolean {
  switch (field.kind) {
    case 'text':
      return typeof value === 'string' && isStorableText(value);
    case 'date':
      return types.isDate(value);
    default:
      return typeof value === field.kind;
  }
}

/**
 * A range may begin or end at a text that no row can hold. Before a NUL everything is cut: no stored text lies between
 * "a" and "a\0…". Half a character stands for the replacement character.
 */
function readRange(path: Path, operator: Comparison, value: Scalar): Condition {
  if (typeof value !== 'string' || isStorableText(value)) return { kind: 'compare', path, operator, value };
  const whole = Buffer.from(value, 'utf8').toString('utf8');
  const end = whole.indexOf('\0');
  if (end < 0) return { kind: 'compare', path, operator, value: whole };
  const cut = operator === '$gt' || operator === '$gte' ? '$gt' : '$lte';
  return { kind: 'compare', path, operator: cut, value: whole.slice(0, end) };
}

function readComparison(path: Path, operator: Comparison, given: unknown): Condition {
  const value = readScalar(given, path.text);
  if (operator === '$eq' || operator === '$ne') {
    if (holds(path.field, value)) return { kind: 'compare', path, operator, value };
    return operator === '$ne' ? always : never;
  }
  if (path.field.kind === 'text' ? typeof value !== 'string' : !holds(path.field, value)) return never;
  return readRange(path, operator, value);
}

function readOperator(path: Path, operator: string, value: unknown): Condition {
  if (operator === '$exists') {
    if (typeof value !== 'boolean') throw new StoreUsageError(`${path.text}: $exists takes true or false`);
    return { kind: 'exists', path, wanted: value };
  }
  const { kind } = path.field;
  if (kind === 'list' || kind === 'free' || kind === 'object') {
    throw new StoreUsageError(
      `${path.text}: ${operator} cannot be asked of a ${kind === 'list' ? 'list' : 'whole object'}`,
    );
  }
  if (comparisons.has(operator)) return readComparison(path, operator as Comparison, value);
  if (operator === '$in') {
    if (!Array.isArray(value)) throw new StoreUsageError(`${path.text}: $in takes a list`);
    const values = value.map((item) => readScalar(item, path.text)).filter((item) => holds(path.field, item));
    return values.length === 0 ? never : { kind: 'in', path, values };
  }
  if (operator === '$regex') {
    const pattern = readPattern(value);
    if (pattern === undefined) throw new StoreUsageError(`${path.text}: $regex takes the patterns of filter.ts only`);
    return kind === 'text' && isStorableText(pattern.text) ? { kind: 'text', path, pattern } : never;
  }
  throw new StoreUsageError(`${path.text}: ${operator} is not supported`);
}

function readField(path: Path, given: unknown): Condition {
  if (path.inside.length > 0) return { kind: 'inside', path, test: readInside(path.text, path.inside, given) };
  if (!isPlainObject(given)) return readOperator(path, '$eq', given);
  const operators = Object.entries(given);
  if (operators.length === 0) throw new StoreUsageError(`${path.text}: compares with nothing`);
  const parts = operators.map(([operator, value]): Condition => {
    if (operator === '$elemMatch' && path.field.kind === 'list') {
      return { kind: 'inside', path, test: readElement(path.text, value) };
    }
    return readOperator(path, operator, value);
  });
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'all', parts };
}

/**
 * Checks a filter against the schema's fields and answers it as a tree. Whatever the documented subset does not have
 * throws StoreUsageError, also where no row would match (store.ts, Operators).
 */
export function readFilter(fields: Fields, filter: unknown, depth = 0): Condition {
  if (!isPlainObject(filter)) throw new StoreUsageError('a filter must be an object');
  if (depth > deepest) throw new StoreUsageError(`a filter is nested deeper than ${deepest} levels`);
  const parts: Condition[] = [];
  for (const key of Object.keys(filter)) {
    const given = filter[key];
    if (key === '$and' || key === '$or' || key === '$nor') {
      if (!Array.isArray(given) || given.length === 0) throw new StoreUsageError(`${key} takes a list of filters`);
      const kind = key === '$and' ? 'all' : key === '$or' ? 'any' : 'none';
      parts.push({ kind, parts: given.map((part) => readFilter(fields, part, depth + 1)) });
    } else {
      parts.push(readField(resolvePath(fields, key), given));
    }
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'all', parts };
}

/** The fields of a sort in turn, with `_id` at the end; only declared scalars have an order that both engines share. */
export function readSort(
  fields: Fields,
  sort: unknown,
): readonly { readonly path: Path; readonly direction: 1 | -1 }[] {
  if (sort !== undefined && !isPlainObject(sort)) throw new StoreUsageError('a sort must be an object');
  const keys: { path: Path; direction: 1 | -1 }[] = [];
  for (const [text, direction] of Object.entries(sort ?? {})) {
    const path = resolvePath(fields, text);
    const { kind } = path.field;
    if (kind === 'list' || kind === 'free' || kind === 'object') throw new StoreUsageError(`cannot sort by ${text}`);
    if (direction !== 1 && direction !== -1) throw new StoreUsageError(`${text}: a sort goes by 1 or -1`);
    keys.push({ path, direction });
    if (text === '_id') return keys;
  }
  return [...keys, { path: resolvePath(fields, '_id'), direction: 1 }];
}
