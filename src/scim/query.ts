/** The query of a request: the parameters of RFC 7644 §3.4.2 and §3.9 in typed form. */
import { quoted } from '../lib/text.ts';
import { type AttributePath, type ResourceType, resolveAsked } from './attributes.ts';
import { type Cursors, cursorsOf } from './cursor.ts';
import { invalidCount, invalidFilter, invalidValue } from './errors.ts';
import { LENGTH_LIMIT as FILTER_LIMIT } from './filter/lex.ts';
import { type Condition, parseFilter } from './filter/parse.ts';
import type { Position } from './order.ts';
import { readSelection, type Selection } from './selection.ts';

export const DEFAULT_COUNT = 100;
export const MAX_COUNT = 200;

/** No directory has as many resources; a store counts so far. */
const FARTHEST = 10 ** 15;

/** What a query means to one of the resource types that it is put to. */
export interface TypeQuery {
  readonly filter?: Condition;
  /** Absent too where this type lacks the attribute: all of it sorts as without a value. */
  readonly sort?: AttributePath;
  readonly selection: Selection;
}

export interface ListQuery {
  readonly of: Readonly<Partial<Record<ResourceType['name'], TypeQuery>>>;
  readonly sorted?: { readonly descending: boolean };
  /** 1-based; of no meaning with a cursor. */
  readonly startIndex: number;
  readonly count: number;
  /** Paging by cursor (RFC 9865): after this position, from the beginning where there is none. */
  readonly cursor?: { readonly cursors: Cursors; readonly after: Position | undefined };
}

export type Parameters = Readonly<Record<string, string>>;

/**
 * Splits the query of a URL. Names are taken in any case; unknown ones are left to be ignored
 * (Entra's `aadOptscim062020`). `+` is a blank, unless the blanks of the parameter come as `%20`: then it is meant. Lists of names that are
 * given several times are one list; anything else that is said twice, in two ways, is refused.
 * Throws scim_invalid_value for that, and for what is not UTF-8 in percent signs.
 */
export function readParameters(url: string): Parameters {
  const start = url.indexOf('?');
  const parameters: Record<string, string> = Object.create(null);
  if (start < 0) return parameters;
  for (const given of url.slice(start + 1).split('&')) {
    const pair = given.includes('%20') ? given : given.replaceAll('+', '%20');
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const key = decoded(name).toLowerCase();
    const [before, text] = [parameters[key], key === 'filter' ? withBlanks(decoded(value)) : decoded(value)];
    if (before === undefined || before === text || !known.has(key)) parameters[key] = text;
    else if (lists.has(key)) parameters[key] = `${before},${text}`;
    else throw invalidValue(`${quoted(decoded(name))} is given twice`);
  }
  return parameters;
}

/** Outside of a filter's texts a `+` is a blank, also where others come as `%20`. */
const withBlanks = (filter: string): string =>
  filter.length > FILTER_LIMIT
    ? filter
    : filter.replace(/"(?:[^"\\]|\\.)*"|\+/g, (part) => (part === '+' ? ' ' : part));

const lists: ReadonlySet<string> = new Set(['attributes', 'excludedattributes']);
const known: ReadonlySet<string> = new Set([
  ...lists,
  ...['filter', 'sortby', 'sortorder', 'startindex', 'count', 'cursor'],
]);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidValue('The query is not encoded as a URL is');
  }
}

/**
 * The query for a list of these types.
 *
 * @param scope what a cursor belongs to, beside the query: the directory
 * Throws scim_invalid_filter, scim_invalid_value, scim_invalid_cursor, scim_invalid_count.
 */
export function readListQuery(types: readonly ResourceType[], parameters: Parameters, scope: string): ListQuery {
  const { filter, sortby, sortorder, startindex, count, cursor } = parameters;
  const sorts = sortby === undefined ? undefined : readSortBy(types, sortby);
  const descending = readDescending(sortorder);
  const of: Partial<Record<ResourceType['name'], TypeQuery>> = {};
  for (const type of types) {
    const sort = sorts?.get(type);
    of[type.name] = {
      ...(filter !== undefined && { filter: readFilter(type, filter, types) }),
      ...(sort && { sort }),
      selection: selectionIn(type, parameters),
    };
  }
  const query = { of, ...(sorts && { sorted: { descending } }) };
  if (cursor === undefined) {
    return {
      ...query,
      startIndex: Math.max(1, readInteger('startIndex', startindex, 1, invalidValue)),
      count: Math.min(MAX_COUNT, Math.max(0, readInteger('count', count, DEFAULT_COUNT, invalidValue))),
    };
  }
  if (startindex !== undefined) throw invalidValue('startIndex and cursor are two ways of paging: send one of them');
  const size = readInteger('count', count, DEFAULT_COUNT, invalidCount);
  if (size < 1) throw invalidCount(`With a cursor, count must be between 1 and ${MAX_COUNT}`);
  const endpoints = types.map(({ name }) => name);
  const cursors = cursorsOf(scope, endpoints, filter ?? null, sortby ?? null, descending);
  return {
    ...query,
    startIndex: 1,
    count: Math.min(MAX_COUNT, size),
    cursor: { cursors, after: cursors.read(cursor) },
  };
}

export const selectionIn = (type: ResourceType, { attributes, excludedattributes }: Parameters): Selection =>
  readSelection(type, attributes, excludedattributes);

function readFilter(type: ResourceType, text: string, types: readonly ResourceType[]): Condition {
  if (text.includes('\0')) throw invalidFilter('The filter holds a NUL character');
  const others = types.filter((other) => other !== type);
  return parseFilter(type, text, others);
}

function readInteger(
  name: string,
  text: string | undefined,
  fallback: number,
  refusal: (message: string) => Error,
): number {
  if (text === undefined || text === '') return fallback;
  if (!/^[+-]?\d{1,400}$/.test(text)) throw refusal(`${name} must be a whole number`);
  // however large, it lies behind the last resource
  return Math.min(Math.max(Number(text), -FARTHEST), FARTHEST);
}

/** The attribute in each type that has it. */
function readSortBy(types: readonly ResourceType[], name: string): ReadonlyMap<ResourceType, AttributePath> {
  const found = new Map<ResourceType, AttributePath>();
  for (const type of types) {
    const path = resolveAsked(type, name);
    const of = path?.subName === undefined ? path?.attribute : path.sub;
    if (path === undefined || of === undefined) continue;
    if (of.type === 'complex' && path.subName === undefined && !of.subAttributes?.has('value')) {
      throw invalidValue(`sortBy: ${name} is complex: name one of its sub-attributes`);
    }
    if (of.returned === 'never' || path.attribute?.returned === 'never')
      throw invalidValue(`sortBy: ${name} cannot be sorted by`);
    found.set(type, path);
  }
  if (found.size === 0) {
    throw invalidValue(`sortBy: a ${types.map((type) => type.name).join(' or ')} has no attribute ${quoted(name)}`);
  }
  return found;
}

function readDescending(order: string | undefined): boolean {
  const lower = order?.toLowerCase() ?? 'ascending';
  if (lower !== 'ascending' && lower !== 'descending') throw invalidValue('sortOrder must be ascending or descending');
  return lower === 'descending';
}
