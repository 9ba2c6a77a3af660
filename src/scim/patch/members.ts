/**
 * Operations on a group's members. They never touch a list: they become steps that end as edges to add and to remove,
 * so that a group of 100,000 costs what one of ten does (SCIM-4).
 */
import { isId } from '../../lib/ids.ts';
import type { Edge } from '../../store/index.ts';
import { invalidFilter, invalidPath, invalidValue, mutability, noTarget } from '../errors.ts';
import type { Condition } from '../filter/parse.ts';
import { isObject, memberOf, type Resource } from '../input.ts';
import type { ScimNote } from '../notes.ts';
import type { Operation } from './operations.ts';
import type { PatchPath } from './path.ts';

export type MemberStep =
  | { readonly step: 'add' | 'remove' | 'replace'; readonly ids: readonly string[] }
  /** Remove those that fulfil a condition on `value` and `type`. */
  | { readonly step: 'remove_where'; readonly condition: Condition }
  /** Put these in the place of those that fulfil a condition, of whom there must be one; `text` is the path as it was sent. */
  | {
      readonly step: 'replace_where';
      readonly condition: Condition;
      readonly ids: readonly string[];
      readonly text: string;
    };

/** An id says by its form what it is of; a foreign one is looked for among the users, and not found there. */
export const kindOfMember = (id: string): Edge['memberKind'] => (isId('directoryGroup', id) ? 'Group' : 'User');

/** Members as they were sent, and what of them has no effect. */
export interface NamedMembers {
  readonly ids: readonly string[];
  readonly notes: readonly ScimNote[];
}

/**
 * Ids of a list of members in any of its dialects: objects with `value`, bare ids, or one such thing alone; each once.
 * Throws scim_invalid_value for a member without an id, and for a part of one that is no text.
 */
export function readMembers(value: unknown): NamedMembers {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  let contradicts = false;
  const ids = new Set<string>();
  for (const entry of list) {
    const id = isObject(entry) ? memberOf(entry, 'value') : entry;
    if (typeof id !== 'string' || id === '')
      throw invalidValue('Every member needs the id of a user or group as its value');
    if (isObject(entry)) {
      requireTexts(entry);
      contradicts ||= isContradictory(entry, id);
    }
    ids.add(id);
  }
  return {
    ids: [...ids],
    notes: [
      ...(ids.size < list.length ? ['repeated_value_ignored' as const] : []),
      ...(contradicts ? ['member_contradiction_ignored' as const] : []),
    ],
  };
}

/** Whether `type` or `$ref`, where they say anything, speak of something else than the id does. */
function isContradictory(member: Resource, id: string): boolean {
  const kind = kindOfMember(id);
  const type = memberOf(member, 'type');
  const ref = memberOf(member, '$ref');
  if (typeof type === 'string' && type !== '' && type.toLowerCase() !== kind.toLowerCase()) return true;
  if (typeof ref !== 'string' || ref.endsWith(`/${kind}s/${id}`)) return false;
  const [, endpoint, named] = /(?:^|\/)(users|groups)\/([^/?#]+)\/?$/i.exec(ref) ?? [];
  return endpoint !== undefined && (endpoint.toLowerCase() !== `${kind.toLowerCase()}s` || named !== id);
}

const parts: ReadonlySet<string> = new Set(['$ref', 'type', 'display']);

function requireTexts(member: Resource): void {
  for (const name of Object.keys(member)) {
    const part = member[name];
    if (typeof part !== 'string' && part !== null && parts.has(name.toLowerCase()))
      throw invalidValue(`members.${name} must be a text`);
  }
}

/**
 * One operation on `members` as a step, and what of it has no effect.
 * Throws scim_mutability for a part of a member, scim_invalid_value, scim_invalid_path, scim_invalid_filter.
 */
export function memberStep(
  operation: Operation,
  { path, filter, text }: PatchPath,
): { readonly step: MemberStep; readonly notes: readonly ScimNote[] } {
  if (path.subName !== undefined) throw mutability(`${text}: a member cannot be changed, only added or removed`);
  if (filter !== undefined) {
    if (operation.op === 'add')
      throw invalidPath(`${text}: a filter chooses members to remove or replace; add takes them as value`);
    if (operation.op === 'replace') {
      const { ids, notes } = readNamed(operation);
      return { step: { step: 'replace_where', condition: onEdges(filter), ids, text }, notes };
    }
    const ids = idsIn(filter);
    const step: MemberStep = ids ? { step: 'remove', ids } : { step: 'remove_where', condition: onEdges(filter) };
    return { step, notes: [] };
  }
  const { op, hasValue } = operation;
  if (op === 'remove' && !hasValue) return { step: { step: 'replace', ids: [] }, notes: [] };
  const { ids, notes } = readNamed(operation);
  return { step: { step: op, ids }, notes };
}

function readNamed({ op, value }: Operation): NamedMembers {
  if (value === null) throw invalidValue(`${op} members: null names nobody; send a list of members, [] for none`);
  return readMembers(value);
}

/** The ids, where the condition says nothing but `value eq "a" or value eq "b" …`. */
export function idsIn(filter: Condition): readonly string[] | undefined {
  if (filter.kind === 'compare') {
    return filter.of.name === 'value' && filter.op === 'eq' ? [String(filter.value)] : undefined;
  }
  if (filter.kind !== 'or') return undefined;
  const ids = filter.all.map(idsIn);
  return ids.every((list) => list !== undefined) ? ids.flat() : undefined;
}

/** Refuses what an edge does not know of its member. */
function onEdges(condition: Condition): Condition {
  switch (condition.kind) {
    case 'and':
    case 'or':
      condition.all.forEach(onEdges);
      return condition;
    case 'not':
      onEdges(condition.one);
      return condition;
    case 'compare':
    case 'present':
      if (condition.of.name === 'value' || condition.of.name === 'type') return condition;
      throw invalidFilter(`Members cannot be chosen by ${condition.of.name}: use value or type`);
    default:
      throw invalidFilter('Members can be chosen by value and type only');
  }
}

/** The net effect of member steps: a new whole, or a difference. */
export interface MemberChange {
  readonly replace?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly notes?: readonly ScimNote[];
}

/**
 * Folds steps, in their order, into one change. Throws scim_no_target where a member is to be replaced who is not there (RFC 7644
 * §3.5.2.3).
 *
 * @param choose answers the ids of the group's present members that fulfil a condition, and keeps those of `added`
 *   that do
 */
export async function foldMembers(
  steps: readonly MemberStep[],
  choose: (condition: Condition, added: readonly string[]) => Promise<readonly string[]>,
): Promise<MemberChange> {
  let whole: Set<string> | undefined;
  const add = new Set<string>();
  const remove = new Set<string>();
  let missed = false;
  const chosenBy = (condition: Condition) => choose(condition, [...(whole ?? add)]);
  const isThere = (id: string): boolean => whole?.has(id) ?? !remove.has(id);
  const join = (ids: readonly string[]): void => void take(ids, whole ?? add, whole ? undefined : remove);
  const leave = (ids: readonly string[]): void => {
    const absent = take(ids, whole ? undefined : remove, whole ?? add);
    if (whole && absent) missed = true;
  };
  for (const step of steps) {
    switch (step.step) {
      case 'replace':
        whole = new Set(step.ids);
        add.clear();
        remove.clear();
        break;
      case 'add':
        join(step.ids);
        break;
      case 'remove':
        leave(step.ids);
        break;
      case 'remove_where': {
        const ids = await chosenBy(step.condition);
        if (ids.length === 0) missed = true;
        leave(ids);
        break;
      }
      case 'replace_where': {
        const ids = (await chosenBy(step.condition)).filter(isThere);
        if (ids.length === 0) throw noTarget(`${step.text}: no member of the group is like this`);
        leave(ids);
        join(step.ids);
        break;
      }
    }
  }
  const notes = missed && { notes: ['member_not_in_group' as const] };
  if (whole) return { replace: [...whole], ...notes };
  return {
    ...notes,
    ...(add.size > 0 && { add: [...add] }),
    ...(remove.size > 0 && { remove: [...remove] }),
  };
}

/** Takes ids out of one set and into another; whether one of them was not where it is taken out of. */
function take(ids: readonly string[], into: Set<string> | undefined, outOf: Set<string> | undefined): boolean {
  let missed = false;
  for (const id of ids) {
    if (outOf && !outOf.delete(id)) missed = true;
    into?.add(id);
  }
  return missed;
}
