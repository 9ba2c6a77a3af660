/** From a condition to the store's filter: exactly where the store can, else a wider one whose rows are looked at again. */

import { caseKey } from '../../lib/text.ts';
import { contains, type Directory, endsWith, type ReadStore, startsWith } from '../../store/index.ts';
import type { AttributeType } from '../attributes.ts';
import { encodeKey } from '../keys.ts';
import type { BaseUrl } from '../representation.ts';
import type { Comparison, Condition, Leaf } from './condition.ts';
import { planMembership } from './memberships.ts';

/** A filter of the store on rows of whichever collection the resource type lives in. */
export type Where = Readonly<Record<string, unknown>>;

/** Where a filter is asked. Addresses and memberships are rows of their own, which are read while planning. */
export interface PlanContext {
  readonly reads: Pick<ReadStore, 'directoryEmails' | 'directoryUsers' | 'directoryGroups' | 'edges'>;
  readonly directory: Directory;
  readonly base: BaseUrl;
}

/**
 * `where` never misses a match. `exact`: it lets nothing else through either; otherwise rows must be held against
 * `check`. Without `where`, the store cannot narrow at all.
 */
export interface Plan {
  readonly where?: Where;
  readonly exact: boolean;
  readonly check: Condition;
  /** How many rows `where` lets through at most; absent where nobody knows. */
  readonly most?: number;
}

/** So many ids are looked up at once; a condition that leads to more is judged row by row. */
export const ID_LIMIT = 5000;

/** MongoDB takes patterns of up to 32 KiB, in which signs may need a backslash each. */
const PATTERN_LIMIT = 12_000;

/** Plans the search for `condition` among the resources of one directory. */
export async function planFilter(context: PlanContext, condition: Condition): Promise<Plan> {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts: Plan[] = [];
      for (const part of condition.all) parts.push(await planFilter(context, part));
      return condition.kind === 'and' ? both(parts) : either(parts);
    }
    case 'not': {
      const inner = await planFilter(context, condition.one);
      const check: Condition = { kind: 'not', one: inner.check };
      return inner.exact && inner.where
        ? { where: { $nor: [inner.where] }, exact: true, check }
        : { exact: false, check };
    }
    case 'ids':
      return among(condition.ids);
    default:
      return planLeaf(context, condition);
  }
}

function both(all: readonly Plan[]): Plan {
  const check: Condition = { kind: 'and', all: all.map((part) => part.check) };
  const parts = narrowest(all);
  const wheres = parts.flatMap((part) => part.where ?? []);
  const exact = parts.length === all.length && parts.every((part) => part.exact);
  const known = parts.flatMap(({ most }) => most ?? []);
  const most = known.length > 0 && { most: Math.min(...known) };
  return wheres.length === 0 ? { exact: false, check } : { where: { $and: wheres }, exact, check, ...most };
}

const idsIn = (parts: readonly Plan[]): number => parts.reduce((sum, { most = 0 }) => sum + most, 0);

/** All of them, unless together they would name too many ids for one filter: then, of those that do, the one with the fewest. */
function narrowest(parts: readonly Plan[]): readonly Plan[] {
  if (idsIn(parts) <= ID_LIMIT) return parts;
  const named = parts.filter(({ most }) => most !== undefined);
  const fewest = named.reduce((least, part) => ((part.most ?? 0) < (least.most ?? 0) ? part : least));
  return parts.filter((part) => part.most === undefined || part === fewest);
}

function either(parts: readonly Plan[]): Plan {
  const wheres = parts.flatMap((part) => part.where ?? []);
  const check: Condition = { kind: 'or', all: parts.map((part) => part.check) };
  if (wheres.length < parts.length || idsIn(parts) > ID_LIMIT) return { exact: false, check };
  const most = parts.every((part) => part.most !== undefined) && { most: idsIn(parts) };
  return { where: { $or: wheres }, exact: parts.every((part) => part.exact), check, ...most };
}

function among(ids: ReadonlySet<string>): Plan {
  return { where: { _id: { $in: [...ids] } }, exact: true, check: { kind: 'ids', ids }, most: ids.size };
}

async function planLeaf(context: PlanContext, condition: Leaf): Promise<Plan> {
  switch (condition.path.attribute?.home?.in) {
    case 'edges': {
      const ids = await planMembership(context, condition, ID_LIMIT);
      return ids ? among(ids) : { exact: false, check: condition };
    }
    case 'rows': {
      const address = condition.kind === 'present' ? undefined : addressIn(condition);
      return address ? planAddress(context, address, condition) : { exact: false, check: condition };
    }
    default:
      if (condition.kind === 'compare') return planComparison(condition);
      return condition.kind === 'present' ? planPresence(condition) : { exact: false, check: condition };
  }
}

type Compare = Condition & { kind: 'compare' };

const ranges = { gt: '$gt', ge: '$gte', lt: '$lt', le: '$lte' } as const;

/** One comparison as an operator of the store; undefined where it has none that means the same. */
function operator(op: Comparison, value: string | number | boolean | Date): Where | undefined {
  switch (op) {
    case 'eq':
      return { $eq: value };
    case 'ne':
      return { $ne: value };
    case 'co':
    case 'sw':
    case 'ew': {
      if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > PATTERN_LIMIT) return undefined;
      return op === 'co' ? contains(value) : op === 'sw' ? startsWith(value) : endsWith(value);
    }
    default:
      return { [ranges[op]]: value };
  }
}

const isText = (type: AttributeType): boolean => type === 'string' || type === 'reference' || type === 'binary';

/** The field that holds the attribute in comparable form, and whether it holds texts without case. */
function fieldOf({ path, of }: Pick<Compare, 'path' | 'of'>): { field: string; keyed: boolean } | undefined {
  const home = of.home ?? path.attribute?.home;
  if (home?.in === 'column') {
    if (home.key !== undefined) return { field: home.key, keyed: true };
    return isText(of.type) && !of.caseExact ? undefined : { field: home.column, keyed: false };
  }
  const nested = path.attribute?.multiValued === true || of.multiValued;
  // dates stand in `attributes` as the texts that were sent
  const comparable = of.type === 'dateTime' ? false : !isText(of.type) || of.caseExact;
  if (home !== undefined || !comparable || nested) return undefined;
  return { field: ['attributes', ...path.keys.map(encodeKey)].join('.'), keyed: false };
}

function planComparison(condition: Compare): Plan {
  const place = fieldOf(condition);
  if (place === undefined) return { exact: false, check: condition };
  const { value } = condition;
  const stored =
    condition.of.type === 'dateTime' ? new Date(Number(value)) : place.keyed ? caseKey(String(value)) : value;
  const test = operator(condition.op, stored);
  if (test === undefined) return { exact: false, check: condition };
  // a userName is unique
  const one = condition.op === 'eq' && place.field === 'userNameKey' && { most: 1 };
  return { where: { [place.field]: test }, exact: true, check: condition, ...one };
}

/** Columns tell whether they are there; an empty text counts as absent (RFC 7644 §3.4.2.2, pr). */
function planPresence(condition: Condition & { kind: 'present' }): Plan {
  const home = condition.of.home ?? condition.path.attribute?.home;
  if (home?.in !== 'column') return { exact: false, check: condition };
  const where = { [home.column]: condition.of.type === 'string' ? { $exists: true, $ne: '' } : { $exists: true } };
  return { where, exact: true, check: condition };
}

/** What every element that fulfils `condition` has as its `value`, or as the beginning of it. */
function addressIn(condition: Condition): Compare | undefined {
  switch (condition.kind) {
    case 'element':
      return addressIn(condition.one);
    case 'and':
      return condition.all.map(addressIn).find((found) => found !== undefined);
    case 'compare':
      return condition.of.name === 'value' && (condition.op === 'eq' || condition.op === 'sw') ? condition : undefined;
    default:
      return undefined;
  }
}

/** People by address: `eq` and `sw` look into the index of addresses. What else is asked of them is checked after. */
async function planAddress({ reads, directory }: PlanContext, address: Compare, check: Condition): Promise<Plan> {
  const sought = caseKey(String(address.value));
  const valueKey = operator(address.op, sought);
  // a blank address has no row in the index
  if (valueKey === undefined || sought.trim() === '') return { exact: false, check };
  const rows = await reads.directoryEmails.find(
    directory.organizationId,
    { directoryId: directory._id, valueKey },
    { limit: ID_LIMIT + 1 },
  );
  if (rows.length > ID_LIMIT) return { exact: false, check };
  const ids = [...new Set(rows.map((row) => row.userId))];
  return { where: { _id: { $in: ids } }, exact: address === check, check, most: ids.length };
}
