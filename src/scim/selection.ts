/** Which attributes are answered: `attributes` and `excludedAttributes` (RFC 7644 §3.9). */
import { type AttributePath, type ResourceType, resolvePath } from './attributes.ts';
import { invalidValue } from './errors.ts';
import { isObject, type Resource } from './input.ts';

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
  return list.flatMap((name) => resolvePath(type, name) ?? []);
}

/** Whether an attribute of the core schema is answered at all: what is not need not be read. */
export function wants({ only, without }: Selection, name: string): boolean {
  if (only) return only.some((path) => path.name === name && path.extension === undefined);
  return !without?.some((path) => path.name === name && path.subName === undefined && path.extension === undefined);
}

/** The resource with the attributes that were asked for, and those that are always returned. */
export function select(type: ResourceType, resource: Resource, { only, without }: Selection): Resource {
  if (only) {
    const chosen: Resource = {};
    for (const key of Object.keys(resource)) if (alwaysReturned(type, key)) chosen[key] = resource[key];
    for (const path of only) copy(resource, chosen, keysIn(resource, path));
    return chosen;
  }
  if (!without) return resource;
  return without.reduce((left, path) => {
    const keys = keysIn(left, path);
    return alwaysReturned(type, keys[0] ?? '') ? left : drop(left, keys);
  }, resource);
}

/** Where the name stands in this resource: only a resource that carries it tells a custom extension's URN from its attributes. */
function keysIn(resource: Resource, { extension, attribute, name, subName, keys }: AttributePath): readonly string[] {
  if (extension === undefined || attribute || name === undefined || keyIn(resource, extension) !== undefined)
    return keys;
  return [`${extension}:${name}${subName === undefined ? '' : `.${subName}`}`];
}

const alwaysReturned = (type: ResourceType, key: string): boolean =>
  type.core.attributes.get(key.toLowerCase())?.returned === 'always';

/** The key of `from` that is this one without case (names that no table has). */
const keyIn = (from: Resource, key: string): string | undefined =>
  Object.hasOwn(from, key) ? key : Object.keys(from).find((own) => own.toLowerCase() === key.toLowerCase());

function copy(from: Resource, to: Resource, [first, ...rest]: readonly string[]): void {
  const key = first === undefined ? undefined : keyIn(from, first);
  if (key === undefined) return;
  const value = from[key];
  if (rest.length === 0) to[key] = value;
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
  if (Array.isArray(value))
    return { ...from, [key]: value.map((entry) => (isObject(entry) ? drop(entry, rest) : entry)) };
  return isObject(value) ? { ...from, [key]: drop(value, rest) } : from;
}
