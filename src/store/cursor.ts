import { AppError } from '../errors.ts';
import type { AnyRow } from './checker.ts';
import { type Path, readSort } from './condition.ts';
import type { Fields } from './fields.ts';

/** The sort of a page with `_id` at its end, and how its cursors are made and read. */
export interface Paging {
  readonly sort: Readonly<Record<string, 1 | -1>>;
  /** The cursor that continues after this row. */
  cursorAfter(row: AnyRow): string;
  /**
   * The filter, in the store's own terms, of all rows after the one that the cursor names. It holds the values of that
   * row, so it does not matter whether the row still exists. Throws AppError('invalid_request') for a text that is no
   * cursor of this sort.
   */
  filterAfter(cursor: string): Readonly<Record<string, unknown>>;
}

type SortKey = { readonly path: Path; readonly direction: 1 | -1 };
type Position = string | number | boolean | Date | null;

function valueAt(row: AnyRow, path: string): unknown {
  let value: unknown = row;
  for (const key of path.split('.')) value = (value as AnyRow | undefined)?.[key];
  return value;
}

/** `undefined` where this text can be no value of the field. */
function readPosition(value: unknown, { field, required }: Path): Position | undefined {
  if (value === null) return required ? undefined : null;
  if (field.kind === 'date') {
    const date = typeof value === 'number' ? new Date(value) : undefined;
    return date !== undefined && !Number.isNaN(date.getTime()) ? date : undefined;
  }
  const expected = field.kind === 'text' ? 'string' : field.kind;
  return typeof value === expected ? (value as Position) : undefined;
}

/** Rows beyond this position in one field; undefined where there can be none. Rows without the field sort lowest. */
function beyond({ path, direction }: SortKey, position: Position): Readonly<Record<string, unknown>> | undefined {
  if (position === null) return direction === 1 ? { [path.text]: { $exists: true } } : undefined;
  if (direction === 1) return { [path.text]: { $gt: position } };
  const lower = { [path.text]: { $lt: position } };
  return path.required ? lower : { $or: [lower, { [path.text]: { $exists: false } }] };
}

const level = ({ path }: SortKey, position: Position): Readonly<Record<string, unknown>> => ({
  [path.text]: position === null ? { $exists: false } : position,
});

function filterBeyond(keys: readonly SortKey[], positions: readonly Position[]): Readonly<Record<string, unknown>> {
  const ways: Readonly<Record<string, unknown>>[] = [];
  const levels: Readonly<Record<string, unknown>>[] = [];
  keys.forEach((key, i) => {
    const position = positions[i] ?? null;
    const further = beyond(key, position);
    if (further !== undefined) ways.push(levels.length === 0 ? further : { $and: [...levels, further] });
    levels.push(level(key, position));
  });
  const [first] = keys;
  const start = positions[0] ?? null;
  if (ways.length === 1 && ways[0] !== undefined) return ways[0];
  if (first === undefined || start === null || !(first.direction === 1 || first.path.required)) return { $or: ways };
  // The same bound once more by itself: an index can begin there.
  return { $and: [{ [first.path.text]: { [first.direction === 1 ? '$gte' : '$lte']: start } }, { $or: ways }] };
}

function readCursor(keys: readonly SortKey[], signature: string, cursor: string): readonly Position[] {
  const refused = () => new AppError('invalid_request', 'The cursor is not one that this list has answered.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (cause) {
    throw new AppError('invalid_request', refused().message, { cause });
  }
  if (!Array.isArray(parsed) || parsed.length !== keys.length + 1 || parsed[0] !== signature) throw refused();
  return keys.map((key, i) => {
    const position = readPosition(parsed[i + 1], key.path);
    if (position === undefined) throw refused();
    return position;
  });
}

/** How pages of this sort go on; throws StoreUsageError for a sort that the schema does not allow. */
export function pagingBy(fields: Fields, sort: unknown): Paging {
  const keys = readSort(fields, sort);
  const signature = keys.map(({ path, direction }) => (direction === 1 ? path.text : `-${path.text}`)).join(',');
  return {
    sort: Object.fromEntries(keys.map(({ path, direction }) => [path.text, direction])),
    cursorAfter(row) {
      const positions = keys.map(({ path }) => {
        const value = valueAt(row, path.text);
        return value instanceof Date ? value.getTime() : (value ?? null);
      });
      return Buffer.from(JSON.stringify([signature, ...positions])).toString('base64url');
    },
    filterAfter: (cursor) => filterBeyond(keys, readCursor(keys, signature, cursor)),
  };
}
