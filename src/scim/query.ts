/** The query of a request: the parameters of RFC 7644 §3.4.2 and §3.9 in typed form. */
import type { ResourceType } from './attributes.ts';
import { type AttributePath, resolvePath } from './attributes.ts';
import { invalidFilter, invalidValue } from './errors.ts';
import { type Condition, parseFilter } from './filter/parse.ts';
import { readSelection, type Selection } from './selection.ts';

export const DEFAULT_COUNT = 100;
export const MAX_COUNT = 200;

export interface ListQuery {
  readonly filter?: Condition;
  /** 1-based. */
  readonly startIndex: number;
  readonly count: number;
  readonly sort?: { readonly path: AttributePath; readonly descending: boolean };
  readonly selection: Selection;
}

export type Parameters = Readonly<Record<string, string>>;

/**
 * Splits the query of a URL. Names are taken in any case; unknown ones are left to be ignored
 * (Entra's `aadOptscim062020`). `+` is a blank, unless blanks come as `%20`: then it is meant.
 * Throws scim_invalid_value for what is not UTF-8 in percent signs.
 */
export function readParameters(url: string): Parameters {
  const start = url.indexOf('?');
  const parameters: Record<string, string> = Object.create(null);
  if (start < 0) return parameters;
  const query = url.slice(start + 1);
  const blanks = query.includes('%20') ? query : query.replaceAll('+', '%20');
  for (const pair of blanks.split('&')) {
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    try {
      parameters[decodeURIComponent(name).toLowerCase()] = decodeURIComponent(value);
    } catch {
      throw invalidValue('The query is not encoded as a URL is');
    }
  }
  return parameters;
}

/** Throws scim_invalid_filter, scim_invalid_value. */
export function readListQuery(type: ResourceType, parameters: Parameters): ListQuery {
  const { filter, startindex, count, sortby, sortorder } = parameters;
  return {
    ...(filter !== undefined && { filter: readFilter(type, filter) }),
    startIndex: Math.max(1, readInteger('startIndex', startindex, 1)),
    count: Math.min(MAX_COUNT, Math.max(0, readInteger('count', count, DEFAULT_COUNT))),
    ...(sortby !== undefined && { sort: { path: readSortBy(type, sortby), descending: readDescending(sortorder) } }),
    selection: selectionIn(type, parameters),
  };
}

export const selectionIn = (type: ResourceType, { attributes, excludedattributes }: Parameters): Selection =>
  readSelection(type, attributes, excludedattributes);

function readFilter(type: ResourceType, text: string): Condition {
  if (text.includes('\0')) throw invalidFilter('The filter holds a NUL character');
  return parseFilter(type, text);
}

function readInteger(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw invalidValue(`${name} must be a whole number`);
  return Number(text);
}

function readSortBy(type: ResourceType, name: string): AttributePath {
  const path = resolvePath(type, name);
  const of = path?.sub ?? path?.attribute;
  if (path === undefined || of === undefined || (path.subName !== undefined && path.sub === undefined)) {
    throw invalidValue(`sortBy: a ${type.name} has no attribute ${name}`);
  }
  if (of.home?.in === 'edges' || of.returned === 'never') throw invalidValue(`sortBy: ${name} cannot be sorted by`);
  return path;
}

function readDescending(order: string | undefined): boolean {
  const lower = order?.toLowerCase() ?? 'ascending';
  if (lower !== 'ascending' && lower !== 'descending') throw invalidValue('sortOrder must be ascending or descending');
  return lower === 'descending';
}
