import { types } from 'node:util';
import { isPlainObject, isStorableText } from './checker.ts';
import { readPattern } from './filter.ts';
import { compareScalars } from './order.ts';
import { StoreUsageError } from './store.ts';

/**
 * A test of what a free-form field or a list holds (undefined where the row lacks the field). Free-form data is not
 * indexed, so SQLite asks such a test row by row; it follows MongoDB's own reading of paths: a path leads through lists,
 * and a value that is a list matches where one of its elements does.
 */
export type Inside = (root: unknown) => boolean;

/** What a path leads to. `asIs`: it is an element of a list, so that its own elements are not looked at in its place. */
interface Leaf {
  readonly value: unknown;
  readonly asIs: boolean;
}

type Leaves = readonly Leaf[];
type LeafTest = (leaves: Leaves) => boolean;

function step(value: unknown, key: string): Leaf[] {
  if (isPlainObject(value)) return Object.hasOwn(value, key) ? [{ value: value[key], asIs: false }] : [];
  if (!Array.isArray(value)) return [];
  const through = value.flatMap((item) => (isPlainObject(item) ? step(item, key) : []));
  const isIndex = /^(0|[1-9]\d*)$/.test(key) && Number(key) < value.length;
  return isIndex ? [...through, { value: value[Number(key)], asIs: true }] : through;
}

/** The values that a path leads to; none where it leads nowhere. */
function leavesAt(root: unknown, path: readonly string[]): Leaves {
  return path.reduce<Leaves>(
    (leaves, key) => leaves.flatMap(({ value }) => step(value, key)),
    root === undefined ? [] : [{ value: root, asIs: false }],
  );
}

const anyValue =
  (matches: (value: unknown) => boolean): LeafTest =>
  (leaves) =>
    leaves.some(({ value, asIs }) => matches(value) || (!asIs && Array.isArray(value) && value.some(matches)));

/** A scalar that free-form data can hold; a date or an unstorable text never matches there. */
function readValue(value: unknown, where: string): string | number | boolean | undefined {
  if (typeof value === 'string') return isStorableText(value) ? value : undefined;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
  if (types.isDate(value)) return undefined;
  throw new StoreUsageError(`${where}: a filter compares with texts, finite numbers, booleans and dates only`);
}

const ranges: Readonly<Record<string, (order: number) => boolean>> = {
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
};

function readRegex(value: unknown, where: string): LeafTest {
  const pattern = readPattern(value);
  if (pattern === undefined) throw new StoreUsageError(`${where}: $regex takes the patterns of filter.ts only`);
  const { at, text } = pattern;
  if (!isStorableText(text)) return () => false;
  return anyValue((leaf) => {
    if (typeof leaf !== 'string') return false;
    return at === 'start' ? leaf.startsWith(text) : at === 'end' ? leaf.endsWith(text) : leaf.includes(text);
  });
}

function readOperator(operator: string, value: unknown, where: string): LeafTest {
  const range = Object.hasOwn(ranges, operator) ? ranges[operator] : undefined;
  if (range !== undefined) {
    readValue(value, where);
    return anyValue((leaf) => {
      const order = compareScalars(leaf, value);
      return order !== undefined && range(order);
    });
  }
  switch (operator) {
    case '$eq':
    case '$ne': {
      const wanted = readValue(value, where);
      const equal = anyValue((leaf) => wanted !== undefined && leaf === wanted);
      return operator === '$eq' ? equal : (leaves) => !equal(leaves);
    }
    case '$in': {
      if (!Array.isArray(value)) throw new StoreUsageError(`${where}: $in takes a list`);
      const wanted = new Set(value.map((item) => readValue(item, where)));
      wanted.delete(undefined);
      return anyValue((leaf) => wanted.has(leaf as string));
    }
    case '$exists':
      if (typeof value !== 'boolean') throw new StoreUsageError(`${where}: $exists takes true or false`);
      return (leaves) => leaves.length > 0 === value;
    case '$regex':
      return readRegex(value, where);
    case '$elemMatch': {
      const element = readElement(where, value);
      return (leaves) => leaves.some(({ value: list }) => element(list));
    }
    default:
      throw new StoreUsageError(`${where}: ${operator} is not supported`);
  }
}

function readOperators(given: unknown, where: string): LeafTest {
  if (!isPlainObject(given)) return readOperator('$eq', given, where);
  const operators = Object.entries(given);
  if (operators.length === 0) throw new StoreUsageError(`${where}: compares with nothing`);
  const tests = operators.map(([operator, value]) => readOperator(operator, value, where));
  return (leaves) => tests.every((test) => test(leaves));
}

/** The test of a path into free-form data, given a scalar or operators. */
export function readInside(where: string, path: readonly string[], given: unknown): Inside {
  const test = readOperators(given, where);
  return (root) => test(leavesAt(root, path));
}

function readFields(where: string, given: Readonly<Record<string, unknown>>): Inside {
  const tests = Object.entries(given).map(([key, value]): Inside => {
    if (key === '$and' || key === '$or' || key === '$nor') {
      if (!Array.isArray(value) || value.length === 0)
        throw new StoreUsageError(`${where}: ${key} takes a list of filters`);
      const parts = value.map((part) => {
        if (!isPlainObject(part)) throw new StoreUsageError(`${where}: ${key} takes a list of filters`);
        return readFields(where, part);
      });
      if (key === '$and') return (item) => parts.every((part) => part(item));
      return (item) => parts.some((part) => part(item)) === (key === '$or');
    }
    const path = key.split('.');
    if (path.some((segment) => segment === '' || segment.startsWith('$') || !isStorableText(segment))) {
      throw new StoreUsageError(`${where}: the path ${JSON.stringify(key)} cannot be`);
    }
    return readInside(`${where}.${key}`, path, value);
  });
  return (item) => tests.every((test) => test(item));
}

/** The test of a list ($elemMatch): one element that matches it all, given operators on it or a filter of its fields. */
export function readElement(where: string, given: unknown): Inside {
  if (!isPlainObject(given) || Object.keys(given).length === 0) {
    throw new StoreUsageError(`${where}: $elemMatch takes operators or a filter`);
  }
  const logical = new Set(['$and', '$or', '$nor']);
  if (Object.keys(given).every((key) => key.startsWith('$') && !logical.has(key))) {
    const test = readOperators(given, where);
    return (list) => Array.isArray(list) && list.some((value) => test([{ value, asIs: true }]));
  }
  const matches = readFields(where, given);
  // A list among the elements is asked like an object whose keys are its indexes.
  return (list) =>
    Array.isArray(list) &&
    list.some((item) => (Array.isArray(item) ? matches({ ...item }) : isPlainObject(item) && matches(item)));
}
