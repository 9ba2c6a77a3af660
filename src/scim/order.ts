/** The order of lists (RFC 7644 §3.4.2.3): by an attribute, else by id; total, so that every page has its place. */
import type { Sort } from '../store/index.ts';
import type { AttributePath, ResourceType } from './attributes.ts';
import { invalidCursor } from './errors.ts';
import { comparable, order, valuesAt } from './filter/match.ts';
import type { Where } from './filter/plan.ts';
import type { Resource } from './input.ts';

export type SortKey = string | number | boolean;

/** Where a resource stands in a list. Without `key`, it lacks the attribute, or the list is by id. */
export interface Position {
  readonly type: ResourceType['name'];
  readonly id: string;
  readonly key?: SortKey | undefined;
}

/** Longer texts are ordered by their beginning: a position must fit into a cursor. */
const KEY_LIMIT = 256;

/** The sub-attribute, or attribute, whose values decide; `sortBy=emails` means their `value`. */
const decisive = ({ attribute, subName, sub }: AttributePath) =>
  subName === undefined ? (attribute?.subAttributes?.get('value') ?? attribute) : sub;

/** By the primary value of a multi-valued attribute, else its first (RFC 7644 §3.4.2.3). */
export function sortKey(path: AttributePath, resource: Resource): SortKey | undefined {
  const { attribute } = path;
  const of = decisive(path);
  if (attribute === undefined || of === undefined) return undefined;
  const entries = valuesAt(resource, path.subName === undefined ? path.keys : path.keys.slice(0, -1));
  const primary = entries.find(
    (value) => typeof value === 'object' && value !== null && 'primary' in value && value.primary === true,
  );
  const chosen = primary ?? entries[0];
  const [value] = of === attribute ? [chosen] : valuesAt(chosen, [of.name]);
  const key = value === undefined || value === '' ? undefined : comparable(of, value);
  if (typeof key === 'number' && Number.isNaN(key)) return undefined;
  return typeof key === 'string' && columnOf(path) === undefined ? beginning(key) : key;
}

/** Never half of a character. */
const beginning = (key: string): string =>
  key.length <= KEY_LIMIT ? key : key.slice(0, KEY_LIMIT).replace(/[\uD800-\uDBFF]$/, '');

/** The store's column that orders as SCIM does: one that every row has, in comparable form. */
export function columnOf(path: AttributePath): string | undefined {
  const of = path.sub ?? path.attribute;
  if (path.extension !== undefined || of?.home?.in !== 'column') return undefined;
  const { column, key } = of.home;
  const inAll = of.required || ['_id', 'createdAt', 'updatedAt', 'active'].includes(column);
  if (!inAll) return undefined;
  return key ?? (of.type === 'string' && !of.caseExact ? undefined : column);
}

/** The store's sort; equal ones are by id, upwards. */
export const storeSort = (column: string | undefined, descending: boolean): Sort | undefined =>
  column === undefined ? undefined : { [column]: descending ? -1 : 1 };

/** The store's filter of what comes after a position in the order of this column; by id where there is none. */
export function whereAfter(column: string | undefined, descending: boolean, { key, id }: Position): Where {
  if (column === undefined || key === undefined) return { _id: { $gt: id } };
  requireKind(column, key);
  const value = column === 'createdAt' || column === 'updatedAt' ? new Date(Number(key)) : key;
  const [beyond, from] = descending ? ['$lt', '$lte'] : ['$gt', '$gte'];
  // booleans have no ranges in the store
  if (typeof value === 'boolean') {
    const level = { [column]: value, _id: { $gt: id } };
    return value === descending ? { $or: [level, { [column]: !value }] } : level;
  }
  if (column === '_id') return { _id: { [beyond as string]: id } };
  // the bound once more by itself: an index can begin there
  return {
    $and: [
      { [column]: { [from as string]: value } },
      { $or: [{ [column]: { [beyond as string]: value } }, { [column]: value, _id: { $gt: id } }] },
    ],
  };
}

/** A cursor that somebody has made may hold any key. Throws scim_invalid_cursor. */
function requireKind(column: string, key: SortKey): void {
  const instant = column === 'createdAt' || column === 'updatedAt';
  const fits = instant
    ? typeof key === 'number' && !Number.isNaN(new Date(key).getTime())
    : typeof key === (column === 'active' ? 'boolean' : 'string');
  if (!fits) throw invalidCursor('The cursor is none that this service has answered');
}

/** Resources without the attribute come last in ascending order, first in descending; equal ones by type and id. */
export const compareBy =
  (descending: boolean) =>
  (a: Position, b: Position): number => {
    const by = compareKeys(a.key, b.key) * (descending ? -1 : 1);
    if (by !== 0) return by;
    if (a.type !== b.type) return a.type === 'User' ? -1 : 1;
    return order(a.id, b.id);
  };

function compareKeys(a: SortKey | undefined, b: SortKey | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  return order(a, b);
}

/** Keeps the first `limit` of all positions that are added, in a memory of twice as many. */
export function keepFirst(limit: number, compare: (a: Position, b: Position) => number) {
  let kept: Position[] = [];
  const cut = (): void => {
    kept = kept.sort(compare).slice(0, limit);
  };
  return {
    add(position: Position): void {
      if (limit === 0) return;
      kept.push(position);
      if (kept.length >= 2 * limit + 1000) cut();
    },
    /** In their order. */
    all(): readonly Position[] {
      cut();
      return kept;
    },
  };
}
