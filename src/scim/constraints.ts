/** What the tables ask of a resource as a whole, after it has been read or patched. */
import { isDeepStrictEqual } from 'node:util';
import type { Attribute, AttributeTable, ResourceType } from './attributes.ts';
import { invalidValue, mutability } from './errors.ts';
import { isObject, type Resource } from './resource.ts';

const NAMED = 10;

/** Whether anything has to be compared with what was there before. */
export const hasConstraints = (type: ResourceType): boolean =>
  type.unknown === 'refuse' || type.extensions.some((table) => demands(table));

const demands = ({ attributes }: AttributeTable): boolean =>
  [...attributes.values()].some(
    (one) =>
      one.required ||
      one.mutability === 'immutable' ||
      [...(one.subAttributes?.values() ?? [])].some((sub) => sub.required || sub.mutability === 'immutable'),
  );

/**
 * Checks a new or replaced resource. Throws scim_invalid_value for attributes that no schema has, where the directory
 * refuses them, and for what an extension requires and the resource lacks.
 */
export function requireWhole(type: ResourceType, resource: Resource): void {
  if (type.unknown === 'refuse') refuseUnknown(unknownNames(type, resource));
  for (const table of type.extensions) requireAssigned(table, resource[table.urn]);
}

/**
 * Checks a patched resource: of what was there before the PATCH, nothing is held against it (SCIM-5: a schema that was
 * registered later must not stand in the way of a deactivation).
 * Throws scim_invalid_value as requireWhole does, scim_mutability where an immutable attribute has changed.
 */
export function requirePatched(type: ResourceType, before: Resource, resource: Resource): void {
  if (type.unknown === 'refuse') {
    const known = new Set(unknownNames(type, before));
    refuseUnknown(unknownNames(type, resource).filter((name) => !known.has(name)));
  }
  for (const table of type.extensions) {
    if (isDeepStrictEqual(before[table.urn], resource[table.urn])) continue;
    requireAssigned(table, resource[table.urn]);
    for (const change of immutableChanges(table, before[table.urn], resource[table.urn])) refuseChange(change);
  }
}

/**
 * What a PUT may do to immutable attributes (RFC 7644 §3.5.1): values that are set must match, and those that it does
 * not name stay, with what is required beside them. Changes `resource`, which is the caller's own. Throws scim_mutability.
 */
export function keepImmutable(type: ResourceType, before: () => Resource, resource: Resource): void {
  for (const table of type.extensions) {
    if (!demands(table)) continue;
    const held = before()[table.urn];
    for (const change of immutableChanges(table, held, resource[table.urn])) {
      if (change.after !== undefined) refuseChange(change);
      const extension = isObject(resource[table.urn]) ? (resource[table.urn] as Resource) : {};
      resource[table.urn] = extension;
      const [name = '', sub] = change.names;
      if (sub === undefined) extension[name] = change.before;
      else {
        const complex = { ...(isObject(extension[name]) ? extension[name] : {}), [sub]: change.before };
        const heldComplex = isObject(held) ? held[name] : undefined;
        extension[name] = keepRequired(table.attributes.get(name.toLowerCase())?.subAttributes, heldComplex, complex);
      }
      keepRequired(table.attributes, held, extension);
    }
  }
}

/** What must stand beside a value that stays, and was not named either, stays with it. Changes and answers `kept`. */
function keepRequired(attributes: ReadonlyMap<string, Attribute> | undefined, held: unknown, kept: Resource): Resource {
  if (!isObject(held)) return kept;
  for (const { name, required } of attributes?.values() ?? []) {
    if (required && kept[name] === undefined && held[name] !== undefined) kept[name] = held[name];
  }
  return kept;
}

interface ImmutableChange {
  readonly urn: string;
  readonly names: readonly [string] | readonly [string, string];
  readonly before: unknown;
  readonly after: unknown;
}

function refuseChange({ urn, names }: ImmutableChange): never {
  throw mutability(`${urn}:${names.join('.')} is immutable: it keeps the value that it has`);
}

/** Immutable attributes that had a value and have another, or none. */
function immutableChanges(table: AttributeTable, before: unknown, after: unknown): readonly ImmutableChange[] {
  if (!isObject(before)) return [];
  const changes: ImmutableChange[] = [];
  const compare = (names: ImmutableChange['names'], held: unknown, next: unknown) => {
    if (held !== undefined && !isDeepStrictEqual(held, next))
      changes.push({ urn: table.urn, names, before: held, after: next });
  };
  for (const { name, mutability: how, multiValued, subAttributes } of table.attributes.values()) {
    const held = before[name];
    const next = isObject(after) ? after[name] : undefined;
    if (how === 'immutable') compare([name], held, next);
    else if (subAttributes && !multiValued && isObject(held)) {
      for (const sub of subAttributes.values()) {
        if (sub.mutability !== 'immutable') continue;
        compare([name, sub.name], held[sub.name], isObject(next) ? next[sub.name] : undefined);
      }
    }
  }
  return changes;
}

function requireAssigned({ urn, attributes }: AttributeTable, extension: unknown): void {
  if (!isObject(extension)) return;
  requireEach(attributes, extension, `${urn}:`);
}

function requireEach(attributes: ReadonlyMap<string, Attribute>, holder: Resource, label: string): void {
  for (const { name, required, subAttributes } of attributes.values()) {
    const value = holder[name];
    if (required && value === undefined) throw invalidValue(`${label}${name} is required`);
    if (!subAttributes) continue;
    for (const one of Array.isArray(value) ? value : [value]) {
      if (isObject(one)) requireEach(subAttributes, one, `${label}${name}.`);
    }
  }
}

function refuseUnknown(names: readonly string[]): void {
  if (names.length === 0) return;
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  throw invalidValue(`No schema of this directory has ${names.slice(0, NAMED).join(', ')}${more}; it takes no others`);
}

/** The names in a resource that no schema has, each as a path, once. */
export function unknownNames({ core, extensions }: ResourceType, resource: Resource): readonly string[] {
  const names = new Set<string>();
  const walk = (attributes: ReadonlyMap<string, Attribute> | undefined, holder: Resource, label: string) => {
    for (const key of Object.keys(holder)) {
      const known = attributes?.get(key.toLowerCase());
      if (known === undefined) names.add(label + key);
      else if (known.subAttributes) {
        const value = holder[key];
        for (const one of Array.isArray(value) ? value : [value]) {
          if (isObject(one)) walk(known.subAttributes, one, `${label}${key}.`);
        }
      }
    }
  };
  for (const key of Object.keys(resource)) {
    const value = resource[key];
    const table = extensions.find(({ urn }) => urn === key);
    if (table === undefined) walk(core.attributes, { [key]: value }, '');
    else if (isObject(value)) walk(table.attributes, value, `${table.urn}:`);
    else names.add(key);
  }
  return [...names];
}
