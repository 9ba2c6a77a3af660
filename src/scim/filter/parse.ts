/**
 * From the text of a filter to a typed condition on attributes of the tables: the grammar of RFC 7644 §3.4.2.2, one
 * function per rule. Every refusal names the place of the fault.
 */
import {
  type Attribute,
  type AttributePath,
  attribute,
  isListed,
  isPlainList,
  type ResourceType,
  resolveAsked,
  singleOf,
} from '../attributes.ts';
import { type Comparison, type Condition, type Leaf, suit } from './condition.ts';
import { type FilterValue, faultAt, readWords, type Word } from './lex.ts';
import { matches } from './match.ts';

export type { Condition } from './condition.ts';

/** Deep enough for people and programs; the stores refuse filters that are nested without an end. */
const DEPTH_LIMIT = 15;

/** How the name of an attribute is understood where a condition stands; throws where it is none. */
type Resolve = (name: string, at: number) => Named;

interface Named {
  readonly path: AttributePath;
  readonly of: Attribute;
  /** The attribute is one of another resource type: here it has no value (RFC 7644 §3.4.2.1). */
  readonly elsewhere?: boolean;
}

/**
 * Parses a filter on resources of this type.
 *
 * @param others types that are searched by the same filter: their attributes may be named too
 * Throws scim_invalid_filter: not of the grammar, an attribute that no type has, an operator or a value that does not
 * suit the attribute's type.
 */
export function parseFilter(type: ResourceType, text: string, others: readonly ResourceType[] = []): Condition {
  return parse(text, resourceNames(type, others));
}

/** Parses the inside of a PATCH path's value filter: conditions on the elements of `attribute`. */
export function parseElementFilter(attribute: Attribute, text: string): Condition {
  return parse(text, elementNames(attribute));
}

/** What is known of an extension that is named as a whole: it can be present, and no more be asked of it. */
const extension = attribute('extension', 'complex', '');

function resourceNames(type: ResourceType, others: readonly ResourceType[]): Resolve {
  const find = (candidate: ResourceType, name: string): Named | undefined => {
    const path = resolveAsked(candidate, name);
    const whole = path?.name === undefined && path?.extension !== undefined && isListed(candidate, path.extension);
    const of = whole ? extension : path?.subName === undefined ? path?.attribute : path.sub;
    return path === undefined || of === undefined ? undefined : { path, of };
  };
  return (name, at) => {
    let named = find(type, name);
    for (const other of others) {
      const found = named ? undefined : find(other, name);
      if (found) named = { ...found, elsewhere: true };
    }
    if (named === undefined) throw faultAt(at, `a ${type.name} has no attribute ${name} to filter by`);
    if (named.of.returned === 'never' || named.path.attribute?.returned === 'never')
      throw faultAt(at, `${name} cannot be filtered by`);
    return named;
  };
}

function elementNames(attribute: Attribute): Resolve {
  const plain = isPlainList(attribute);
  return (name, at) => {
    const lower = name.toLowerCase();
    const of = plain && lower === 'value' ? singleOf(attribute) : attribute.subAttributes?.get(lower);
    if (of === undefined) throw faultAt(at, `${attribute.name} has no sub-attribute ${name} to filter by`);
    // a plain value is what its name leads to
    return { path: { name: of.name, attribute: of, keys: plain ? [] : [of.name] }, of };
  };
}

/** `emails co "x"` means `emails.value co "x"`; of single-valued ones, `manager eq "x"` means its value. */
function promote(named: Named): Named {
  const { path, of } = named;
  const value = of.type === 'complex' ? of.subAttributes?.get('value') : undefined;
  if (value === undefined) return named;
  return { ...named, path: { ...path, subName: value.name, sub: value, keys: [...path.keys, value.name] }, of: value };
}

const nothing: Condition = { kind: 'ids', ids: new Set() };

/** What a condition on an attribute of another type comes to: the attribute has no value here. */
const withoutValue = (condition: Condition): Condition =>
  matches(condition, {}) ? { kind: 'not', one: nothing } : nothing;

const comparisons = new Set<string>(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const isComparison = (text: string): text is Comparison => comparisons.has(text);

const constants: Readonly<Record<string, FilterValue>> = { true: true, false: false, null: null };

function parse(text: string, resolve: Resolve): Condition {
  const words = readWords(text);
  let next = 0;
  let depth = 0;

  const peek = (): Word => words[next] ?? { kind: 'end', at: text.length };
  const isSign = (sign: string): boolean => {
    const word = peek();
    return word.kind === 'sign' && word.text === sign;
  };
  const isName = (name: string): boolean => {
    const word = peek();
    return word.kind === 'name' && word.text.toLowerCase() === name;
  };
  const isEnd = (): boolean => peek().kind === 'end';

  function expectSign(sign: string, opened: number): void {
    if (!isSign(sign)) throw faultAt(peek().at, `"${sign}" is missing; the group was opened at position ${opened + 1}`);
    next++;
  }

  /** Goes one level down; what it reads ends with `close`. */
  function inside(close: string, names: Resolve): Condition {
    const opened = peek().at;
    next++;
    if (++depth > DEPTH_LIMIT) throw faultAt(opened, `it is nested more than ${DEPTH_LIMIT} levels deep`);
    const condition = either(names);
    expectSign(close, opened);
    depth--;
    return condition;
  }

  function series(kind: 'and' | 'or', part: () => Condition): Condition {
    const all = [part()];
    while (isName(kind)) {
      next++;
      all.push(part());
    }
    const [only] = all;
    return all.length === 1 && only ? only : { kind, all };
  }

  function either(names: Resolve): Condition {
    return series('or', () => series('and', () => unit(names)));
  }

  function unit(names: Resolve): Condition {
    if (isSign('(')) return inside(')', names);
    const word = peek();
    if (word.kind !== 'name')
      throw faultAt(word.at, isEnd() ? 'it ends where an attribute is expected' : 'an attribute is expected here');
    next++;
    if (word.text.toLowerCase() === 'not') {
      if (!isSign('(')) throw faultAt(word.at, 'not needs a group in parentheses');
      return { kind: 'not', one: inside(')', names) };
    }
    if (isSign('[')) return valuePath(word.text, word.at, names);
    const { elsewhere, ...named } = promote(names(word.text, word.at));
    const condition = test(word.text, word.at, named);
    return elsewhere ? withoutValue(condition) : condition;
  }

  /** `attribute[…]` and `attribute[…].sub op value`, which asks it of one and the same element. */
  function valuePath(name: string, at: number, names: Resolve): Condition {
    const { path, elsewhere } = names(name, at);
    const { attribute } = path;
    const chosen = attribute !== undefined && (attribute.type === 'complex' || isPlainList(attribute));
    if (!chosen || path.subName !== undefined) throw faultAt(at, `${name} has no sub-attributes to filter by`);
    const elements = elementNames(attribute);
    let one = inside(']', (inner, place) => {
      if (isSign('[')) throw faultAt(place, 'a value path cannot stand inside of another');
      return elements(inner, place);
    });
    if (isSign('.')) {
      next++;
      const sub = peek();
      if (sub.kind !== 'name') throw faultAt(sub.at, 'a sub-attribute is expected here');
      next++;
      one = { kind: 'and', all: [one, test(sub.text, sub.at, elements(sub.text, sub.at))] };
    }
    const condition: Leaf = { kind: 'element', path, one };
    return elsewhere ? withoutValue(condition) : condition;
  }

  /** The operator, and the value where it takes one. */
  function test(name: string, at: number, { path, of }: Pick<Named, 'path' | 'of'>): Condition {
    const word = peek();
    const op = word.kind === 'name' ? word.text.toLowerCase() : '';
    if (op === 'pr') {
      next++;
      return { kind: 'present', path, of };
    }
    if (!isComparison(op)) {
      const found = word.kind === 'name' ? `, not ${word.text}` : '';
      throw faultAt(word.at, `an operator is expected here${found} (eq, ne, co, sw, ew, gt, ge, lt, le, pr)`);
    }
    next++;
    const value = readValue(op);
    if (value !== null) return { kind: 'compare', path, of, op, value: suit(name, at, of, op, value) };
    const present: Condition = { kind: 'present', path, of };
    if (op === 'ne') return present;
    if (op === 'eq') return { kind: 'not', one: present };
    throw faultAt(word.at, `${op} cannot be asked of null`);
  }

  function readValue(op: Comparison): FilterValue {
    const word = peek();
    if (word.kind === 'value') {
      next++;
      return word.value;
    }
    const constant = word.kind === 'name' ? word.text.toLowerCase() : '';
    if (!Object.hasOwn(constants, constant)) {
      throw faultAt(word.at, `${op} needs a value: a text in double quotes, a number, true, false or null`);
    }
    next++;
    return constants[constant] ?? null;
  }

  if (isEnd()) throw faultAt(0, 'it is empty');
  const condition = either(resolve);
  if (!isEnd()) throw faultAt(peek().at, 'and, or or the end is expected here');
  return condition;
}
