/**
 * Lists: filter, sort, page (RFC 7644 §3.4.2, RFC 9865), of one resource type or of several. The store answers what it
 * can answer exactly; the rest is searched in memory (scan.ts). The total is exact either way.
 */
import { hasCode } from '../errors.ts';
import type { Directory, ReadStore } from '../store/index.ts';
import { type Plan, planFilter, type Where } from './filter/plan.ts';
import type { Resource } from './input.ts';
import type { AnyRow, ResourceKind, Steady } from './kind.ts';
import { LongList } from './long.ts';
import { listPage } from './messages.ts';
import { columnOf, compareBy, type Position, sortKey, storeSort, whereAfter } from './order.ts';
import type { ListQuery, TypeQuery } from './query.ts';
import { type BaseUrl, represent } from './representation.ts';
import { scan } from './scan.ts';
import { select } from './selection.ts';

/** Where a list is searched. */
interface Place {
  readonly reads: ReadStore;
  readonly directory: Directory;
  readonly base: BaseUrl;
  readonly steady: Steady;
}

/** One page of the resources that match. Throws directory_busy. */
export async function listResources(
  kinds: readonly ResourceKind<AnyRow>[],
  place: Place,
  query: ListQuery,
): Promise<object> {
  const { cursor, count } = query;
  const skip = cursor ? 0 : query.startIndex - 1;
  // one more than the page tells whether another one follows
  const wanted = cursor ? count + 1 : skip + count;
  const { total, found } = query.sorted
    ? await locateSorted(kinds, place, query, wanted, skip)
    : await locateByType(kinds, place, query, count + (cursor ? 1 : 0), skip);
  const page = found.slice(0, count);
  const last = page.at(-1);
  return listPage({
    total,
    ...(await open(kinds, place, query, page)),
    ...(cursor
      ? { nextCursor: found.length > count && last ? cursor.cursors.after(last.position) : undefined }
      : { startIndex: query.startIndex }),
  });
}

/** A place in the list, and its row where it has been read on the way. */
interface Found {
  readonly position: Position;
  readonly row?: AnyRow;
}

interface Located {
  readonly total: number;
  readonly found: readonly Found[];
}

/** By id within each type, one type after the other. */
async function locateByType(
  kinds: readonly ResourceKind<AnyRow>[],
  place: Place,
  query: ListQuery,
  limit: number,
  skip: number,
): Promise<Located> {
  const after = query.cursor?.after;
  const found: Found[] = [];
  let total = 0;
  for (const kind of kinds) {
    const own = after?.type === kind.type.name ? after : undefined;
    // types that come before the cursor's are done with, and only counted
    const done =
      after !== undefined &&
      own === undefined &&
      compareBy(false)({ ...after, id: '' }, { type: kind.type.name, id: '' }) > 0;
    const left = done ? 0 : limit - found.length;
    const part = await locate(kind, place, query, { after: own, limit: left, skip: Math.max(0, skip - total) });
    found.push(...part.found);
    total += part.total;
  }
  return { total, found };
}

/** In the order of an attribute, over all types. */
async function locateSorted(
  kinds: readonly ResourceKind<AnyRow>[],
  place: Place,
  query: ListQuery,
  wanted: number,
  skip: number,
): Promise<Located> {
  const [only, ...others] = kinds;
  const after = query.cursor?.after;
  if (only && others.length === 0) return locate(only, place, query, { after, limit: wanted - skip, skip });
  const parts: Located[] = [];
  for (const kind of kinds) parts.push(await locate(kind, place, query, { after, limit: wanted, skip: 0 }, false));
  const compare = compareBy(query.sorted?.descending === true);
  const found = parts.flatMap((part) => part.found).sort((a, b) => compare(a.position, b.position));
  return { total: parts.reduce((sum, part) => sum + part.total, 0), found: found.slice(skip, wanted) };
}

interface Window {
  readonly after: Position | undefined;
  readonly skip: number;
  readonly limit: number;
}

const typeQuery = (query: ListQuery, kind: ResourceKind<AnyRow>): TypeQuery =>
  query.of[kind.type.name] ?? { selection: {} };

/** The positions in a window of one type's matches. `byStore`: the store's order may be used where it is SCIM's. */
async function locate(
  kind: ResourceKind<AnyRow>,
  place: Place,
  query: ListQuery,
  window: Window,
  byStore = true,
): Promise<Located> {
  const { filter, sort } = typeQuery(query, kind);
  const plan = filter && (await planFilter(place, filter));
  const descending = query.sorted?.descending === true;
  const column = sort && columnOf(sort);
  const answersAll = (plan?.exact ?? true) && (query.sorted === undefined || (byStore && column !== undefined));
  if (answersAll) return locateInStore(kind, place, plan, { ...window, column, descending, sort });
  const { after, skip, limit } = window;
  const kept = limit === 0 ? 0 : skip + limit;
  const { total, positions } = await scan(kind, place.reads, place.directory, place.base, {
    plan,
    sort,
    descending,
    after,
    limit: kept,
  });
  return { total, found: positions.slice(skip).map((position) => ({ position })) };
}

async function locateInStore(
  kind: ResourceKind<AnyRow>,
  { reads, directory, base }: Place,
  plan: Plan | undefined,
  {
    after,
    skip,
    limit,
    column,
    descending,
    sort,
  }: Window & { column: string | undefined; descending: boolean; sort: TypeQuery['sort'] },
): Promise<Located> {
  const filter = plan?.where;
  const order = storeSort(column, descending);
  const positionOf = (row: AnyRow): Position => ({
    type: kind.type.name,
    id: row._id,
    key: sort && sortKey(sort, represent(kind.type, base, row)),
  });
  if (after === undefined) {
    const { total, items } = await kind.list(reads, directory, { filter, sort: order, skip, limit });
    return { total, found: items.map((row) => ({ position: positionOf(row), row })) };
  }
  const { total } = await kind.list(reads, directory, { filter, limit: 0 });
  const rest: Where = { $and: [...(filter ? [filter] : []), whereAfter(column, descending, after)] };
  const rows = limit === 0 ? [] : await kind.rows(reads, directory, { filter: rest, sort: order, limit });
  return { total, found: rows.map((row) => ({ position: positionOf(row), row })) };
}

/**
 * The resources of a page, as they are answered: a long list where one of them may be long. Who is gone since the
 * search is left out.
 */
async function open(
  kinds: readonly ResourceKind<AnyRow>[],
  { reads, directory, base, steady }: Place,
  query: ListQuery,
  page: readonly Found[],
): Promise<{ readonly count: number; readonly resources: readonly Resource[] | LongList }> {
  const ready = new Map<string, () => Promise<Resource>>();
  let long = false;
  for (const kind of kinds) {
    const own = page.filter(({ position }) => position.type === kind.type.name);
    if (own.length === 0) continue;
    const unread = own.flatMap(({ position, row }) => (row ? [] : [position.id]));
    const read =
      unread.length === 0
        ? []
        : await kind.rows(reads, directory, { filter: { _id: { $in: unread } }, limit: unread.length });
    const rows = [...own.flatMap(({ row }) => row ?? []), ...read];
    const { selection } = typeQuery(query, kind);
    const show = async (some: readonly AnyRow[]) =>
      (await kind.render(reads, base, some, selection, { steady })).map((resource) =>
        select(kind.type, resource, selection),
      );
    if (kind.mayBeLong(selection)) {
      long = true;
      for (const row of rows) ready.set(row._id, async () => (await show([row]))[0] ?? {});
    } else {
      for (const [i, resource] of (await show(rows)).entries()) ready.set(rows[i]?._id ?? '', async () => resource);
    }
  }
  const present = page.flatMap(({ position }) => ready.get(position.id) ?? []);
  async function* eachInTurn() {
    for (const resource of present) {
      const shown = await resource().catch((error: unknown) => {
        if (!hasCode(error, 'not_found')) throw error;
      });
      if (shown) yield shown;
    }
  }
  const resources = long ? new LongList([], eachInTurn) : await Promise.all(present.map((resource) => resource()));
  return { count: present.length, resources };
}
