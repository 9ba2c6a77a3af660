/** Lists: filter, sort, page (RFC 7644 §3.4.2). What the store cannot do exactly is done here, over a bounded number of rows. */
import { AppError } from '../errors.ts';
import type { Directory, ReadStore, Sort } from '../store/index.ts';
import type { AttributePath } from './attributes.ts';
import { comparable, matches, order, valuesAt } from './filter/match.ts';
import { type Plan, planFilter } from './filter/plan.ts';
import type { Resource } from './input.ts';
import type { AnyRow, ResourceKind } from './kind.ts';
import { listResponse } from './messages.ts';
import type { ListQuery } from './query.ts';
import { type BaseUrl, represent } from './representation.ts';
import { select } from './selection.ts';

/** How many rows one request looks at in memory. */
export const SCAN_LIMIT = 20_000;

/**
 * One page of the resources that match. Throws scim_invalid_filter, and scim_too_many where a filter or an order that
 * no index serves would have to look at more than SCAN_LIMIT rows.
 */
export async function listResources<R extends AnyRow>(
  kind: ResourceKind<R>,
  reads: ReadStore,
  directory: Directory,
  base: BaseUrl,
  query: ListQuery,
): Promise<object> {
  const { type } = kind;
  const plan = query.filter && (await planFilter(reads, directory, type, query.filter));
  const sort = query.sort && storeSort(query.sort);
  const byStore = (plan?.exact ?? true) && (query.sort === undefined || sort !== undefined);
  const { total, items } = byStore
    ? await kind.list(reads, directory, {
        filter: plan?.where,
        sort,
        skip: query.startIndex - 1,
        limit: query.count,
      })
    : await scan(kind, reads, directory, base, plan, query);
  const resources = await kind.render(reads, base, items, query.selection);
  return listResponse(
    resources.map((resource) => select(type, resource, query.selection)),
    total,
    query.startIndex,
  );
}

/** The store's order where it is SCIM's: by a column that every row has, in comparable form. */
function storeSort({ path, descending }: NonNullable<ListQuery['sort']>): Sort | undefined {
  const of = path.sub ?? path.attribute;
  if (of?.home?.in !== 'column') return undefined;
  const { column, key } = of.home;
  const complete = key ?? (['_id', 'createdAt', 'updatedAt', 'active'].includes(column) ? column : undefined);
  return complete === undefined ? undefined : { [complete]: descending ? -1 : 1 };
}

async function scan<R extends AnyRow>(
  kind: ResourceKind<R>,
  reads: ReadStore,
  directory: Directory,
  base: BaseUrl,
  plan: Plan | undefined,
  { sort, startIndex, count }: ListQuery,
): Promise<{ total: number; items: readonly R[] }> {
  const found: { row: R; key: SortKey | undefined }[] = [];
  let seen = 0;
  for await (const row of kind.stream(reads, directory, plan?.where)) {
    if (++seen > SCAN_LIMIT) {
      throw new AppError(
        'scim_too_many',
        `This filter or order would look at more than ${SCAN_LIMIT} resources: name an indexed attribute too (userName, externalId, displayName, emails.value, active, meta.lastModified)`,
      );
    }
    const resource = plan?.exact === false || sort ? represent(kind.type, base, row) : {};
    if (plan && !plan.exact && !matches(plan.check, resource)) continue;
    found.push({ row, key: sort && sortKey(sort.path, resource) });
  }
  if (sort) found.sort((a, b) => compareKeys(a.key, b.key) * (sort.descending ? -1 : 1));
  return { total: found.length, items: found.slice(startIndex - 1, startIndex - 1 + count).map(({ row }) => row) };
}

type SortKey = string | number | boolean;

/** By the primary value of a multi-valued attribute, else its first (RFC 7644 §3.4.2.3). */
function sortKey(path: AttributePath, resource: Resource): SortKey | undefined {
  const { attribute } = path;
  const of = path.sub ?? attribute?.subAttributes?.get('value') ?? attribute;
  if (attribute === undefined || of === undefined) return undefined;
  const [holder, ...others] = valuesAt(resource, path.subName === undefined ? path.keys : path.keys.slice(0, -1));
  const primary = others.find(
    (value) => typeof value === 'object' && value !== null && 'primary' in value && value.primary === true,
  );
  const chosen = primary ?? holder;
  const [value] = of === attribute ? [chosen] : valuesAt(chosen, [of.name]);
  return value === undefined ? undefined : comparable(of, value);
}

/** Resources without the attribute come last in ascending order. */
function compareKeys(a: SortKey | undefined, b: SortKey | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  return order(a, b);
}
