/**
 * PATCH on a resource. Operations are first taken apart into changes of single attributes, checked against the table;
 * scim-patch then makes each change. It is never handed a path, name or value that has not passed here: version 0.8
 * reaches Object.prototype through both, compares names with case and gets value paths wrong.
 */
import { isDeepStrictEqual } from 'node:util';
import { type ScimResource, scimPatch } from 'scim-patch';
import { canonicalJson } from '../../lib/canonicalJson.ts';
import { caseKey } from '../../lib/text.ts';
import {
  type Attribute,
  type AttributePath,
  isListed,
  isPoisonous,
  type ResourceType,
  resolvePath,
} from '../attributes.ts';
import { hasConstraints, requirePatched } from '../constraints.ts';
import { invalidPath, invalidValue, mutability } from '../errors.ts';
import { isObject, memberOf, nameOnce, noteOn, ownName, type Resource, readAt } from '../input.ts';
import type { ScimNote } from '../notes.ts';
import { NAME_LIMIT } from '../safety.ts';
import { distinct, onlyOne, unassigned } from '../values.ts';
import { addElements, changeElements, isHollow, removeElements } from './elements.ts';
import { type MemberStep, memberStep } from './members.ts';
import type { Operation } from './operations.ts';
import { type PatchPath, parsePath } from './path.ts';
import { dropStale, referencesIn } from './references.ts';
import { added, holds, keysIn } from './unlisted.ts';

export interface Patched {
  /** The resource after all operations; the one handed in is untouched. */
  readonly resource: Resource;
  /** Steps on `members`, in order. */
  readonly members: readonly MemberStep[];
  /** Canonical names of the attributes that the operations set, added to or removed. */
  readonly named: ReadonlySet<string>;
  /** What of the operations was accepted without effect. */
  readonly notes: ReadonlySet<ScimNote>;
}

interface Work {
  readonly type: ResourceType;
  readonly id: string;
  readonly resource: Resource;
  readonly members: MemberStep[];
  readonly named: Set<string>;
  readonly notes: Set<ScimNote>;
  /** Lists of which elements have lost a part: those that are left hollow go at the end. */
  readonly thinned: Map<string, AttributePath>;
  /** Lists whose elements were changed: two of them may have become one. */
  readonly reshaped: Map<string, AttributePath>;
  /** What the operation at hand has named, so that it names nothing twice. */
  readonly given: Set<string>;
  /** Parts of complex attributes that the operations name. */
  readonly parts: Set<string>;
  /** How many values of lists the operations have gone through. */
  visited: number;
}

/** After so many, which take about a second, no further operation goes through a list. */
const VISIT_LIMIT = 100_000;

/**
 * Applies operations in their order, all or none (RFC 7644 §3.5.2).
 *
 * @param id of the resource: a client may repeat it (Okta does), not change it
 * @param resource a copy of its own, in canonical form; it becomes the answer's
 * Throws scim_invalid_path, scim_invalid_value, scim_invalid_filter, scim_mutability, scim_no_target.
 */
export function applyPatch(
  type: ResourceType,
  id: string,
  resource: Resource,
  operations: readonly Operation[],
): Patched {
  const before = hasConstraints(type) ? copyOf(resource) : undefined;
  const references = referencesIn(type, resource);
  const work: Work = {
    type,
    id,
    resource,
    members: [],
    named: new Set(),
    notes: new Set(),
    thinned: new Map(),
    reshaped: new Map(),
    given: new Set(),
    parts: new Set(),
    visited: 0,
  };
  for (const operation of operations) {
    work.given.clear();
    if (operation.path === undefined) applyObject(work, operation, operation.value as Resource);
    else applyAt(work, operation, parsePath(type, operation.path, urnsOf(resource), resource), 'path');
  }
  for (const path of work.thinned.values()) dropHollow(work, path);
  for (const path of work.reshaped.values()) dropRepeated(work, path);
  dropStale(references, resource, work.parts);
  if (before) requirePatched(type, before, resource);
  return work;
}

/** A copy of what JSON can say. */
const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value));

const urnsOf = (resource: Resource): readonly string[] => Object.keys(resource).filter((key) => /^urn:/i.test(key));

/**
 * Every attribute of the object is an operation of its own; its name may be a whole path (Entra's dotted keys).
 * A name that is no path is an unknown attribute's, kept as in a POST.
 */
function applyObject(work: Work, operation: Operation, value: Resource, schema?: string): void {
  const known = [...urnsOf(work.resource), ...(schema === undefined ? [] : [schema])];
  for (const key of Object.keys(value)) {
    const name = schema === undefined ? key : `${schema}:${key}`;
    if (isObject(value[key])) known.push(key);
    const path = resolvePath(work.type, name, known);
    if (path?.name !== undefined) nameOnce(work.given, path, name, value[key]);
    if (key.includes('[') || path) {
      const part: Operation = { op: operation.op, path: name, value: value[key], hasValue: true };
      applyAt(work, part, parsePath(work.type, name, known), 'object');
    } else {
      const keys = schema === undefined || schema === work.type.core.urn ? [key] : [schema, key];
      put(work, keys, value[key], operation.op);
    }
  }
}

/** One operation at one path. `from`: read-only attributes are refused by path, and ignored inside of an object. */
function applyAt(work: Work, operation: Operation, target: PatchPath, from: 'path' | 'object'): void {
  const { path } = target;
  if (path.name === undefined) {
    applySchema(work, operation, target);
    return;
  }
  if (path.attribute === undefined) {
    applyUnknown(work, operation, target, from);
    return;
  }
  if (path.subName !== undefined && path.sub === undefined) {
    if (from === 'path' || path.attribute.multiValued || path.attribute.type !== 'complex') {
      throw invalidPath(`${path.name} has no sub-attribute ${path.subName}`);
    }
    put(work, path.keys, operation.value, operation.op);
    return;
  }
  if (isReadOnly(work, operation, target, from)) return;
  const note = operation.op === 'remove' ? undefined : noteOn(path, operation.value);
  if (note) work.notes.add(note);
  if (path.attribute.home?.in === 'nowhere') {
    if (operation.op !== 'remove') readAt(path, target.text, operation.value);
    return;
  }
  work.named.add(path.attribute.name);
  if (path.attribute.name === 'members' && path.attribute.home?.in === 'edges') {
    if (from === 'object' && operation.value === null) return;
    const { step, notes } = memberStep(operation, target);
    for (const one of notes) work.notes.add(one);
    work.members.push(step);
  } else if (path.attribute.multiValued) applyPlural(work, operation, target);
  else applySingle(work, operation, target);
}

function isReadOnly(work: Work, { op, value }: Operation, { path, text }: PatchPath, from: 'path' | 'object'): boolean {
  // it follows from the attributes; clients name extensions there before use, and that is all that they may do with it
  if (path.name === 'schemas' && op !== 'remove' && !(from === 'path' && unassigned(value))) {
    work.notes.add('read_only_ignored');
    return true;
  }
  if (path.attribute?.mutability !== 'readOnly' && path.sub?.mutability !== 'readOnly') return false;
  const sameId = path.name === 'id' && value === work.id;
  if (from === 'path' || (path.name === 'id' && !sameId)) throw mutability(`${text} is read-only`);
  const note = sameId ? undefined : noteOn(path, value);
  if (note) work.notes.add(note);
  return true;
}

/** A whole extension, or the core schema by its URN. */
function applySchema(work: Work, operation: Operation, { path, text }: PatchPath): void {
  const { extension } = path;
  if (operation.op === 'remove' || operation.value === null) {
    if (extension === undefined) throw invalidPath(`${text} names the whole resource`);
    put(work, [extension], null, 'remove');
  } else if (isObject(operation.value)) applyObject(work, operation, operation.value, extension ?? work.type.core.urn);
  else throw invalidValue(`${text} takes an object of attributes`);
}

/**
 * An attribute that no table has. In a custom extension it is the client's own, where the directory takes such; else only
 * one that the resource already carries can be named by path (in an object it is kept, as in a POST).
 */
function applyUnknown(work: Work, operation: Operation, { path, text }: PatchPath, from: 'path' | 'object'): void {
  const { op, value } = operation;
  const { extension } = path;
  const custom = work.type.unknown === 'keep' && extension !== undefined && !isListed(work.type, extension);
  if (!custom && from === 'path' && !holds(work.resource, keysIn(work.resource, path.keys))) {
    throw invalidPath(`A ${work.type.name} has no attribute ${text}`);
  }
  // `urn:…:2.0:User` with an object is the extension itself, not an attribute `User` of `urn:…:2.0`
  const whole =
    from === 'path' &&
    custom &&
    path.subName === undefined &&
    !holds(work.resource, keysIn(work.resource, path.keys.slice(0, 1)));
  if (whole && isObject(value)) {
    applyObject(work, operation, value, text);
    return;
  }
  const literal = extension === undefined ? [ownName(path)] : [extension, ownName(path)];
  put(work, from === 'object' ? literal : path.keys, op === 'remove' ? null : value, op);
}

/** Sets or removes (`null`) what is in no table; its name may be none that scim-patch's reader of paths may see. */
function put(work: Work, way: readonly string[], given: unknown, op: Operation['op']): void {
  const keys = keysIn(work.resource, way);
  if (keys.some(isPoisonous)) throw invalidPath(`${keys.join('.')} is not a path`);
  work.named.add(keys[0] ?? '');
  if (given === null && !holds(work.resource, keys)) work.notes.add('nothing_to_remove');
  let holder = work.resource;
  for (const key of keys.slice(0, -1)) {
    if (!isObject(holder[key])) holder[key] = {};
    holder = holder[key] as Resource;
  }
  const last = keys[keys.length - 1] ?? '';
  if (!Object.hasOwn(holder, last) && Object.keys(holder).length >= NAME_LIMIT) {
    throw invalidValue(`An object of the resource would hold more than ${NAME_LIMIT} names`);
  }
  const value = op === 'add' ? added(holder[last], given) : given;
  if (value === null || (Array.isArray(value) && value.length === 0)) delete holder[last];
  else holder[last] = copyOf(value); // the request's own value stays as it is: a transaction may run again
  dropEmpty(work.resource, keys.slice(0, -1));
}

function applySingle(work: Work, operation: Operation, { path, text }: PatchPath): void {
  const { attribute } = path;
  const { op } = operation;
  const value = attribute && path.subName === undefined ? onlyOne(attribute, operation.value) : operation.value;
  if (path.subName !== undefined) work.parts.add(path.keys.join('\n'));
  if (attribute?.type === 'complex' && path.subName === undefined && op !== 'remove' && isObject(value)) {
    readAt(path, text, value);
    if (isNobody(attribute, value)) change(work, path, undefined);
    else for (const name of Object.keys(value)) applySub(work, operation, path, text, name, value[name]);
    return;
  }
  const clean = op === 'remove' ? undefined : readAt(path, text, value);
  if (attribute && path.sub?.name === 'value' && (clean === undefined || clean === '')) {
    // a reference to nobody: with its value, `$ref` and all else of it goes
    change(work, { ...path, keys: path.keys.slice(0, -1) }, undefined);
    return;
  }
  if (clean === undefined && (attribute?.required || attribute?.name === 'active')) {
    throw mutability(`${text} always has a value: replace it instead`);
  }
  change(work, path, clean);
}

/** An empty reference means nobody (Entra's way to remove a manager). */
const isNobody = (attribute: Attribute, value: Resource): boolean =>
  attribute.subAttributes?.has('value') === true &&
  (Object.keys(value).length === 0 || memberOf(value, 'value') === '');

function applySub(
  work: Work,
  operation: Operation,
  path: AttributePath,
  text: string,
  name: string,
  value: unknown,
): void {
  const sub = path.attribute?.subAttributes?.get(name.toLowerCase());
  if (sub?.mutability === 'readOnly') return;
  if (sub === undefined) {
    put(work, [...path.keys, name], value, operation.op);
    return;
  }
  const at: AttributePath = { ...path, subName: sub.name, sub, keys: [...path.keys, sub.name] };
  applySingle(work, { ...operation, value }, { text: `${text}.${sub.name}`, path: at });
}

function applyPlural(work: Work, operation: Operation, { path, filter, text }: PatchPath): void {
  const { attribute, sub } = path;
  if (attribute === undefined) return;
  const list = listAt(work, path);
  if (work.visited > VISIT_LIMIT) throw invalidValue('The operations go through too many values: send fewer at once');
  work.visited += list.length;
  const whole: AttributePath = { ...path, keys: path.subName === undefined ? path.keys : path.keys.slice(0, -1) };
  const target = { attribute, filter, sub, text };
  let next: readonly unknown[] | undefined;
  if (operation.op === 'remove') {
    next = filter || sub ? removeElements(list, target) : removeValues(list, path, operation, text);
  } else if (filter || sub) next = changeElements(list, operation.op, target, operation.value);
  else {
    const values = readAt(whole, text, operation.value) as readonly unknown[] | undefined;
    next = operation.op === 'replace' ? values : addElements(list, values ?? [], target);
  }
  if (operation.op === 'remove' && isDeepStrictEqual(next ?? [], list)) work.notes.add('nothing_to_remove');
  work.reshaped.set(whole.keys.join(' '), whole);
  if (sub && next?.some(isHollow)) work.thinned.set(whole.keys.join(' '), whole);
  change(work, whole, next?.length === 0 ? undefined : next);
}

function listAt({ resource }: Work, { extension, attribute }: AttributePath): readonly unknown[] {
  const holder = extension === undefined ? resource : resource[extension];
  const present = isObject(holder) && attribute ? holder[attribute.name] : undefined;
  return Array.isArray(present) ? present : [];
}

function dropHollow(work: Work, path: AttributePath): void {
  const list = listAt(work, path);
  const left = list.filter((element) => !isHollow(element));
  if (left.length < list.length) change(work, path, left.length === 0 ? undefined : left);
}

/** Elements that have become the same value of the same type are one, as in a POST. */
function dropRepeated(work: Work, path: AttributePath): void {
  const list = listAt(work, path);
  const left = path.attribute ? distinct(path.attribute, list) : list;
  if (left.length === list.length) return;
  work.notes.add('repeated_value_ignored');
  change(work, path, left);
}

/** `remove` without filter: everything, or (OneLogin, Entra) the values that it names. */
function removeValues(
  list: readonly unknown[],
  path: AttributePath,
  operation: Operation,
  text: string,
): readonly unknown[] {
  if (!operation.hasValue || operation.value === null) return [];
  const values = (readAt(path, text, operation.value) as readonly unknown[] | undefined) ?? [];
  const named = (entry: unknown): string => {
    const own = isObject(entry) ? entry.value : entry;
    const of = isObject(entry) ? path.attribute?.subAttributes?.get('value') : path.attribute;
    if (typeof own !== 'string') return canonicalJson(entry);
    return JSON.stringify(of?.caseExact ? own : caseKey(own));
  };
  const gone = new Set(values.map(named));
  return list.filter((entry) => !gone.has(named(entry)));
}

/** One change of one attribute of the tables to a simple value or a list, by scim-patch; `undefined` removes it, and objects left empty with it. */
function change(work: Work, path: AttributePath, value: unknown): void {
  const names = path.extension === undefined ? path.keys : path.keys.slice(1);
  const at = (path.extension === undefined ? '' : `${path.extension}:`) + names.join('.');
  if (value === undefined && !holds(work.resource, path.keys)) work.notes.add('nothing_to_remove');
  clearMisfits(work.resource, path, value);
  // the library's type asks for what belongs to a whole resource; it touches nothing but the path
  const resource = work.resource as Resource & ScimResource;
  scimPatch(resource, [value === undefined ? { op: 'remove', path: at } : { op: 'replace', path: at, value }]);
  if (value === undefined) dropEmpty(work.resource, path.keys.slice(0, -1));
}

/**
 * Takes away what has another shape than the table says, since the table has changed after it was stored: the library would write
 * into it.
 */
function clearMisfits(resource: Resource, { keys }: AttributePath, value: unknown): void {
  let holder = resource;
  for (const key of keys.slice(0, -1)) {
    if (!Object.hasOwn(holder, key)) return;
    if (!isObject(holder[key])) {
      delete holder[key];
      return;
    }
    holder = holder[key] as Resource;
  }
  const last = keys[keys.length - 1] ?? '';
  if (Object.hasOwn(holder, last) && shapeOf(holder[last]) !== shapeOf(value)) delete holder[last];
}

const shapeOf = (value: unknown): string => (Array.isArray(value) ? 'list' : isObject(value) ? 'object' : 'single');

function dropEmpty(resource: Resource, keys: readonly string[]): void {
  const [first, second] = keys;
  const outer = first === undefined ? undefined : resource[first];
  if (first === undefined || !isObject(outer)) return;
  if (second !== undefined && isObject(outer[second]) && Object.keys(outer[second]).length === 0) delete outer[second];
  if (Object.keys(outer).length === 0) delete resource[first];
}
