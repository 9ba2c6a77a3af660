/** Which attributes are answered: `attributes` and `excludedAttributes` (RFC 7644 §3.9). */
import { type Attribute, type AttributePath, meantInExtension, type ResourceType, resolvePath } from './attributes.ts';
import { invalidValue } from './errors.ts';
import { isObject, type Resource } from './input.ts';
import { LongList } from './long.ts';

export interface Selection {
  readonly only?: readonly AttributePath[];
  readonly without?: readonly AttributePath[];
}

/** Both parameters as lists of names, separated by commas. Throws scim_invalid_value where both are given. */
export function readSelection(type: ResourceType, attributes?: string, excludedAttributes?: string): Selection {
  const only = pathsIn(type, attributes);
  const without = pathsIn(type, excludedAttributes);
  if (only && without) throw invalidValue('attributes and excludedAttributes exclude each other');
  return { ...(only && { only }), ...(without && { without }) };
}

function pathsIn(type: ResourceType, names: string | undefined): readonly AttributePath[] | undefined {
  const list = names
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (!list || list.length === 0) return undefined;
  return list.flatMap((name) => {
    const path = resolvePath(type, name);
    // the resource may have an attribute of this name that no schema has, too
    return [path ?? [], meantInExtension(type, path) ?? []].flat();
  });
}

/** Whether a path names the whole core schema, by its URN. */
const isCore = ({ name, extension }: AttributePath): boolean => name === undefined && extension === undefined;

const names = (path: AttributePath, name: string): boolean => path.name === name && path.extension === undefined;

/** Whether an attribute of the core schema is answered at all: what is not need not be read. */
export function wants({ only, without }: Selection, name: string): boolean {
  if (only) return only.some((path) => isCore(path) || names(path, name));
  return !without?.some((path) => isCore(path) || (names(path, name) && path.subName === undefined));
}

/** Whether a sub-attribute of a core attribute that is answered is answered with it. */
export function wantsSub({ only, without }: Selection, name: string, sub: string): boolean {
  if (only) return only.some((path) => isCore(path) || (names(path, name) && (path.subName ?? sub) === sub));
  return !without?.some((path) => names(path, name) && path.subName === sub);
}

/**
 * The resource with the attributes that were asked for, and those that are always returned. What is returned on request
 * only is there where it is named.
 */
export function select(type: ResourceType, resource: Resource, { only, without }: Selection): Resource {
  if (only) {
    const chosen: Resource = {};
    for (const key of Object.keys(resource)) if (returned(type, key) === 'always') chosen[key] = resource[key];
    for (const path of only) {
      if (!isCore(path)) copy(resource, chosen, keysIn(resource, path));
      else for (const key of coreKeys(resource)) if (returned(type, key) !== 'request') chosen[key] = resource[key];
    }
    return chosen;
  }
  const start = withoutRequestOnly(type, resource);
  if (!without) return start;
  return without.reduce((left, path) => {
    const keys = isCore(path) ? coreKeys(left) : [];
    if (isCore(path)) return keys.reduce((rest, key) => dropUnlessAlways(type, rest, [key]), left);
    return dropUnlessAlways(type, left, keysIn(left, path));
  }, start);
}

const dropUnlessAlways = (type: ResourceType, from: Resource, keys: readonly string[]): Resource =>
  returned(type, keys[0] ?? '') === 'always' ? from : drop(from, keys);

const coreKeys = (resource: Resource): readonly string[] => Object.keys(resource).filter((key) => !/^urn:/i.test(key));

const returned = (type: ResourceType, key: string): Attribute['returned'] | undefined =>
  type.core.attributes.get(key.toLowerCase())?.returned;

const requestOnly = new WeakMap<ResourceType, readonly (readonly string[])[]>();

/** The ways to what this type returns on request only. */
function requestOnlyOf(type: ResourceType): readonly (readonly string[])[] {
  const known = requestOnly.get(type);
  if (known) return known;
  const found = [type.core, ...type.extensions].flatMap((table) =>
    [...table.attributes.values()].flatMap((attribute) => {
      const way = table === type.core ? [attribute.name] : [table.urn, attribute.name];
      if (attribute.returned === 'request') return [way];
      const subs = [...(attribute.subAttributes?.values() ?? [])].filter((sub) => sub.returned === 'request');
      return subs.map((sub) => [...way, sub.name]);
    }),
  );
  requestOnly.set(type, found);
  return found;
}

const withoutRequestOnly = (type: ResourceType, resource: Resource): Resource =>
  requestOnlyOf(type).reduce((left, keys) => drop(left, keys), resource);

/** Where the name stands in this resource: only a resource that carries it tells a custom extension's URN from its attributes. */
function keysIn(resource: Resource, { extension, attribute, name, subName, keys }: AttributePath): readonly string[] {
  if (extension === undefined || attribute || name === undefined || keyIn(resource, extension) !== undefined)
    return keys;
  return [`${extension}:${name}${subName === undefined ? '' : `.${subName}`}`];
}

/** The key of `from` that is this one without case (names that no table has). */
const keyIn = (from: Resource, key: string): string | undefined =>
  Object.hasOwn(from, key) ? key : Object.keys(from).find((own) => own.toLowerCase() === key.toLowerCase());

function copy(from: Resource, to: Resource, [first, ...rest]: readonly string[]): void {
  const key = first === undefined ? undefined : keyIn(from, first);
  if (key === undefined) return;
  const value = from[key];
  // the parts of a long list's elements are chosen where they are made
  if (rest.length === 0 || value instanceof LongList) to[key] = value;
  else if (Array.isArray(value)) {
    const present = to[key];
    to[key] = value.map((entry, index) => {
      const part: Resource = Array.isArray(present) && isObject(present[index]) ? present[index] : {};
      if (isObject(entry)) copy(entry, part, rest);
      return part;
    });
  } else if (isObject(value)) {
    const part: Resource = isObject(to[key]) ? to[key] : {};
    copy(value, part, rest);
    to[key] = part;
  }
}

function drop(from: Resource, [first, ...rest]: readonly string[]): Resource {
  const key = first === undefined ? undefined : keyIn(from, first);
  if (key === undefined) return from;
  const { [key]: value, ...left } = from;
  if (rest.length === 0) return left;
  if (value instanceof LongList) return from;
  if (Array.isArray(value))
    return { ...from, [key]: value.map((entry) => (isObject(entry) ? drop(entry, rest) : entry)) };
  return isObject(value) ? { ...from, [key]: drop(value, rest) } : from;
}
