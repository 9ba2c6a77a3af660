/** From a condition to the store's filter: exactly where the store can, else a wider one whose rows are looked at again. */

import { AppError } from '../../errors.ts';
import { caseKey } from '../../lib/text.ts';
import { contains, type Directory, endsWith, type ReadStore, startsWith } from '../../store/index.ts';
import type { AttributePath, ResourceType } from '../attributes.ts';
import { invalidFilter } from '../errors.ts';
import { encodeKey } from '../keys.ts';
import type { Comparison, Condition } from './parse.ts';

/** A filter of the store on rows of whichever collection the resource type lives in. */
export type Where = Readonly<Record<string, unknown>>;

/** What of the store is read while planning: addresses and memberships are rows of their own. */
export type PlanReads = Pick<ReadStore, 'directoryEmails' | 'edges'>;

/**
 * `where` never misses a match. `exact`: it lets nothing else through either; otherwise rows must be held against
 * `check`. Without `where`, the store cannot narrow at all.
 */
export interface Plan {
  readonly where?: Where;
  readonly exact: boolean;
  readonly check: Condition;
}

const ID_LIMIT = 5000;

/**
 * Plans the search for `condition` among the resources of one directory.
 * Throws scim_invalid_filter for what memberships cannot be asked, scim_too_many where one leads to too many resources.
 */
export async function planFilter(
  reads: PlanReads,
  directory: Directory,
  type: ResourceType,
  condition: Condition,
): Promise<Plan> {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts: Plan[] = [];
      for (const part of condition.all) parts.push(await planFilter(reads, directory, type, part));
      return condition.kind === 'and' ? both(parts) : either(parts);
    }
    case 'not': {
      const inner = await planFilter(reads, directory, type, condition.one);
      const check: Condition = { kind: 'not', one: inner.check };
      return inner.exact && inner.where
        ? { where: { $nor: [inner.where] }, exact: true, check }
        : { exact: false, check };
    }
    case 'ids':
      return among(condition.ids);
    case 'element':
      return planElement(reads, directory, condition);
    case 'present':
      return planPresence(condition);
    case 'compare':
      return planComparison(reads, directory, condition);
  }
}

function both(parts: readonly Plan[]): Plan {
  const wheres = parts.flatMap((part) => part.where ?? []);
  const check: Condition = { kind: 'and', all: parts.map((part) => part.check) };
  const exact = parts.every((part) => part.exact);
  return wheres.length === 0 ? { exact: false, check } : { where: { $and: wheres }, exact, check };
}

function either(parts: readonly Plan[]): Plan {
  const wheres = parts.flatMap((part) => part.where ?? []);
  const check: Condition = { kind: 'or', all: parts.map((part) => part.check) };
  if (wheres.length < parts.length) return { exact: false, check };
  return { where: { $or: wheres }, exact: parts.every((part) => part.exact), check };
}

function among(ids: ReadonlySet<string>): Plan {
  return { where: { _id: { $in: [...ids] } }, exact: true, check: { kind: 'ids', ids } };
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
      if (typeof value !== 'string' || value === '') return undefined;
      return op === 'co' ? contains(value) : op === 'sw' ? startsWith(value) : endsWith(value);
    }
    default:
      return { [ranges[op]]: value };
  }
}

/** The field that holds the attribute in comparable form, and whether it holds texts without case. */
function fieldOf({ path, of }: Pick<Compare, 'path' | 'of'>): { field: string; keyed: boolean } | undefined {
  const home = of.home ?? path.attribute?.home;
  if (home?.in === 'column') {
    if (home.key !== undefined) return { field: home.key, keyed: true };
    return of.type === 'string' && !of.caseExact ? undefined : { field: home.column, keyed: false };
  }
  // a date of a custom extension is stored as the text that came, which compares in another order
  const textWithoutCase = (of.type === 'string' && !of.caseExact) || of.type === 'dateTime';
  const nested = path.attribute?.multiValued === true || of.multiValued;
  if (home !== undefined || textWithoutCase || nested) return undefined;
  return { field: ['attributes', ...path.keys.map(encodeKey)].join('.'), keyed: false };
}

async function planComparison(reads: PlanReads, directory: Directory, condition: Compare): Promise<Plan> {
  const home = condition.path.attribute?.home?.in;
  if (home === 'edges') return planMembership(reads, directory, condition.path, condition);
  if (home === 'rows') return planAddress(reads, directory, condition, condition);
  const place = fieldOf(condition);
  if (place === undefined) return { exact: false, check: condition };
  const { value } = condition;
  const stored =
    condition.of.type === 'dateTime' ? new Date(Number(value)) : place.keyed ? caseKey(String(value)) : value;
  const test = operator(condition.op, stored);
  return test === undefined
    ? { exact: false, check: condition }
    : { where: { [place.field]: test }, exact: true, check: condition };
}

/** Columns tell whether they are there; an empty text counts as absent (RFC 7644 §3.4.2.2, pr). */
function planPresence(condition: Condition & { kind: 'present' }): Plan {
  const home = condition.of.home ?? condition.path.attribute?.home;
  if (home?.in === 'edges') throw invalidFilter(`${condition.path.name} can be compared by value with eq only`);
  if (home?.in !== 'column') return { exact: false, check: condition };
  const where = { [home.column]: condition.of.type === 'string' ? { $exists: true, $ne: '' } : { $exists: true } };
  return { where, exact: true, check: condition };
}

async function planElement(
  reads: PlanReads,
  directory: Directory,
  condition: Condition & { kind: 'element' },
): Promise<Plan> {
  const home = condition.path.attribute?.home?.in;
  if (home === 'edges') {
    return planMembership(reads, directory, condition.path, condition.one);
  }
  const address = home === 'rows' ? addressIn(condition.one) : undefined;
  return address ? planAddress(reads, directory, address, condition) : { exact: false, check: condition };
}

/** The equation on `value` that every element that fulfils `condition` fulfils too. */
function addressIn(condition: Condition): Compare | undefined {
  if (condition.kind === 'and') {
    for (const part of condition.all) {
      const found = addressIn(part);
      if (found) return found;
    }
    return undefined;
  }
  return condition.kind === 'compare' && condition.of.name === 'value' ? condition : undefined;
}

/** People by address: `eq` and `sw` look into the index of addresses. What else is asked of them is checked after. */
async function planAddress(reads: PlanReads, directory: Directory, address: Compare, check: Condition): Promise<Plan> {
  if (address.of.name !== 'value' || (address.op !== 'eq' && address.op !== 'sw')) return { exact: false, check };
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
  const where = { _id: { $in: [...new Set(rows.map((row) => row.userId))] } };
  return { where, exact: address === check, check };
}

/**
 * `members.value eq` on groups, `groups.value eq` on users, each also together with `type eq`: by the edges, which no
 * row repeats.
 */
async function planMembership(
  reads: PlanReads,
  directory: Directory,
  { name }: AttributePath,
  condition: Condition,
): Promise<Plan> {
  const equations = equationsIn(condition);
  const ids = new Set(equations.flatMap(({ of, value }) => (of.name === 'value' ? [String(value)] : [])));
  const [id] = ids;
  const known = equations.every(({ of, op }) => op === 'eq' && (of.name === 'value' || of.name === 'type'));
  if (id === undefined || !known)
    throw invalidFilter(`${name} can be compared by value with eq only, and type beside it`);
  const byMember = name === 'members';
  const types = equations.flatMap(({ of, value }) => (of.name === 'type' ? [caseKey(String(value))] : []));
  const kinds = (['User', 'Group'] as const).filter((kind) => types.every((type) => type === caseKey(kind)));
  // a user's groups are all of type direct
  if (ids.size > 1 || (byMember ? kinds.length === 0 : types.some((type) => type !== 'direct')))
    return among(new Set());
  const side = byMember ? { memberId: id, memberKind: { $in: kinds } } : { groupId: id, memberKind: 'User' as const };
  const rows = await reads.edges.find(
    directory.organizationId,
    { directoryId: directory._id, ...side },
    { limit: ID_LIMIT + 1 },
  );
  if (rows.length > ID_LIMIT)
    throw new AppError('scim_too_many', `The filter on ${name} leads to more than ${ID_LIMIT} resources`);
  return among(new Set(rows.map((row) => (byMember ? row.groupId : row.memberId))));
}

/** The comparisons that must all hold. Throws scim_invalid_filter where the condition is more than that. */
function equationsIn(condition: Condition): readonly Compare[] {
  if (condition.kind === 'compare') return [condition];
  if (condition.kind === 'and') return condition.all.flatMap(equationsIn);
  throw invalidFilter('Memberships can be compared by value with eq only, and type beside it');
}
