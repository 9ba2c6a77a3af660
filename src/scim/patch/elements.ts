/** PATCH on the elements of multi-valued attributes: chosen by a filter, made where Entra expects them to be made. */

import { caseKey } from '../../lib/text.ts';
import { type Attribute, isPlainList } from '../attributes.ts';
import { invalidValue, noTarget } from '../errors.ts';
import { matches } from '../filter/match.ts';
import type { Condition } from '../filter/parse.ts';
import { isObject, type Resource } from '../resource.ts';
import { identityOf, readValue } from '../values.ts';

type List = readonly unknown[];

/** What an operation says about elements: all of them, or those that `filter` chooses; whole, or their sub-attribute. */
export interface ElementTarget {
  readonly attribute: Attribute;
  readonly filter?: Condition | undefined;
  readonly sub?: Attribute | undefined;
  readonly text: string;
}

const chosen = (filter: Condition | undefined, element: unknown): boolean => !filter || matches(filter, element);

/**
 * The list without what the operation removes; undefined where nothing is left. An element that is left hollow stays: a
 * later operation may name it once more (Entra removes an address part by part). Throws scim_no_target where the filter
 * chooses none (RFC 7644 §3.12, Table 9).
 */
export function removeElements(list: List, target: ElementTarget): List | undefined {
  const { filter, sub } = target;
  if (filter && !list.some((element) => chosen(filter, element))) throw matchless(target);
  const left = list.flatMap((element) => {
    if (!chosen(filter, element)) return [element];
    if (!sub || !isObject(element)) return [];
    if (!Object.hasOwn(element, sub.name)) return [element];
    const { [sub.name]: _, ...rest } = element;
    return [rest];
  });
  return left.length === 0 ? undefined : left;
}

/** Whether what is left of an element says what kind of value it was, and no value. */
export const isHollow = (element: unknown): boolean =>
  isObject(element) && Object.keys(element).every((key) => key === 'type' || key === 'primary');

const matchless = ({ attribute, text }: ElementTarget): Error =>
  noTarget(`${text}: no value of ${attribute.name} is like this`);

/**
 * The list after `add` or `replace` on chosen elements or on a sub-attribute. Where a filter chooses none: an element
 * with what the filter asks for is made (Entra: `emails[type eq "work"].value`), unless it asks for a particular value,
 * `replace` names a type that the attribute does not know, or the whole element is to be replaced (RFC 7644 §3.5.2.3).
 * Throws scim_no_target, scim_invalid_value.
 */
export function changeElements(
  list: List,
  op: 'add' | 'replace',
  target: ElementTarget,
  value: unknown,
): List | undefined {
  const { attribute, filter, sub, text } = target;
  const clean = sub ? readValue(sub, text, value) : readElement(attribute, text, value);
  const matched = list.some((element) => chosen(filter, element));
  const seed = matched || !filter ? {} : seedOf(op, filter);
  if (!matched && (seed === undefined || (op === 'replace' && !sub))) throw matchless(target);
  if (clean === undefined) return matched && (sub || op === 'replace') ? removeElements(list, target) : list;
  const fresh = new Set<unknown>();
  const change = (element: unknown): unknown => {
    const before = isObject(element) ? element : {};
    const merged = sub ? { ...before, [sub.name]: clean } : { ...before, ...(clean as Resource) };
    const after = isPlainList(attribute) || (op === 'replace' && !sub) ? clean : merged;
    fresh.add(after);
    return after;
  };
  if (!matched) return onePrimary([...list, change(seed)], fresh, text);
  const touched = list.map((element) => (chosen(filter, element) ? change(element) : element));
  return isPlainList(attribute) ? [...new Set(touched)] : onePrimary(touched, fresh, text);
}

function readElement(attribute: Attribute, text: string, value: unknown): unknown {
  const clean = readValue(attribute, text, value);
  if (clean === undefined) return undefined;
  const [only, ...more] = clean as unknown[];
  if ((attribute.type === 'complex' && !isObject(only)) || more.length > 0)
    throw invalidValue(`${text} takes one value`);
  return only;
}

/** What an element must hold to be chosen by an `and` of equations; undefined where none is to be made for this filter. */
function seedOf(op: 'add' | 'replace', filter: Condition): Resource | undefined {
  if (filter.kind === 'compare') {
    const { name, canonicalValues } = filter.of;
    const selective = ['value', '$ref', 'display'].includes(name);
    const foreign = op === 'replace' && canonicalValues && !canonicalValues.some((one) => sameText(one, filter.value));
    return filter.op === 'eq' && !selective && !foreign ? { [name]: filter.value } : undefined;
  }
  if (filter.kind !== 'and') return undefined;
  const seeds = filter.all.map((part) => seedOf(op, part));
  return seeds.every((seed) => seed !== undefined) ? Object.assign({}, ...seeds) : undefined;
}

const sameText = (one: string, other: unknown): boolean => typeof other === 'string' && caseKey(one) === caseKey(other);

/** The list with `values` added: one that has the same value and type as an element is that element, brought up to date. */
export function addElements(list: List, values: List, { attribute, text }: ElementTarget): List {
  const fresh = new Set<unknown>();
  const byIdentity = new Map(list.map((element, index) => [identityOf(attribute, element), index]));
  const result = [...list];
  for (const value of values) {
    const identity = identityOf(attribute, value);
    const index = byIdentity.get(identity);
    if (index === undefined) {
      byIdentity.set(identity, result.push(value) - 1);
      fresh.add(value);
    } else if (isObject(value)) {
      const merged = { ...(result[index] as Resource), ...value };
      result[index] = merged;
      fresh.add(merged);
    }
  }
  return onePrimary(result, fresh, text);
}

/** An element that has become the primary one takes the mark from the others (RFC 7644 §3.5.2). */
function onePrimary(list: List, fresh: ReadonlySet<unknown>, text: string): List {
  const claims = list.filter((element) => fresh.has(element) && isObject(element) && element.primary === true);
  if (claims.length > 1) throw invalidValue(`${text}: primary may be true on one value only`);
  if (claims.length === 0) return list;
  return list.map((element) =>
    isObject(element) && element.primary === true && !fresh.has(element) ? { ...element, primary: false } : element,
  );
}
