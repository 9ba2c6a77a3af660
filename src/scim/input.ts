/** Reading a resource as clients send it into the one canonical form: names, types and dialects are settled here. */
import { type AttributePath, canonicalUrn, type ResourceType, resolvePath } from './attributes.ts';
import { requireWhole } from './constraints.ts';
import { invalidSyntax, invalidValue } from './errors.ts';
import type { ScimNote } from './notes.ts';
import { isObject, memberOf, type Resource, spelled } from './resource.ts';
import { hasRepetitions, keepUnknown, readValue, unassigned } from './values.ts';

export { isObject, memberOf, type Resource } from './resource.ts';

/** A message body as an object. Throws scim_invalid_syntax. */
export function requireObject(body: unknown): Record<string, unknown> {
  if (!isObject(body)) throw invalidSyntax('The body is not a JSON object');
  return body;
}

/**
 * Checks `schemas`: a list of texts that names `urn`. Others may stand beside it, or be missing although the body uses
 * them (Entra does both). A body without `schemas` is taken for what its address asks for: RFC 7643 §3 requires the
 * attribute, but nothing is ambiguous without it. One that says something else is refused.
 * Throws scim_invalid_syntax.
 */
export function requireSchema(body: Readonly<Record<string, unknown>>, urn: string): readonly string[] {
  const schemas = memberOf(body, 'schemas') ?? [urn];
  if (!Array.isArray(schemas) || !schemas.every((entry) => typeof entry === 'string')) {
    throw invalidSyntax(`schemas must be a list of URNs that names ${urn}`);
  }
  if (!schemas.some((entry: string) => entry.toLowerCase() === urn.toLowerCase())) {
    throw invalidSyntax(`schemas does not name ${urn}`);
  }
  return schemas;
}

/** A resource as it was read, and what of it was accepted without effect. */
export interface Reading {
  readonly resource: Resource;
  readonly notes: ReadonlySet<ScimNote>;
  /** What the body names (marksOf), with a value or without. */
  readonly named: ReadonlySet<string>;
  /** What was sent as `members`, wherever it stood: read where it becomes edges, as there may be many. */
  readonly members?: unknown;
}

interface Work {
  readonly type: ResourceType;
  readonly resource: Resource;
  readonly notes: Set<ScimNote>;
  readonly named: Set<string>;
  members?: unknown;
}

/**
 * Reads the body of a POST or PUT. Read-only attributes are ignored (RFC 7644 §3.3), `null` means unassigned, attributes
 * that no schema has are kept as they came (or refused, where the directory is set so), flat and dotted names are folded
 * into their objects.
 *
 * @param id the resource's own where it exists: a client may repeat it
 * Throws scim_invalid_syntax, scim_invalid_value.
 */
export function readResource(type: ResourceType, body: unknown, id?: string): Reading {
  const source = requireObject(body);
  const schemas = requireSchema(source, type.core.urn).map((urn) => canonicalUrn(type, urn));
  const work: Work = { type, resource: {}, notes: new Set(), named: new Set() };
  const { resource } = work;
  for (const key of Object.keys(source)) {
    if (key.toLowerCase() === 'schemas') continue;
    const value = source[key];
    const path = resolvePath(type, key, schemas);
    if (path === undefined) keepUnknown(resource, key, value);
    else if (path.name === undefined) readExtension(work, path.keys[0] ?? type.core.urn, value);
    else if (path.extension !== undefined && path.attribute === undefined && isObject(value)) {
      readExtension(work, key, value);
    } else if (path.name !== 'id' || value !== id) assign(work, path, key, value);
  }
  dropNobody(type, resource);
  requireWhole(type, resource);
  return work;
}

/** An empty reference (Entra's way to remove a manager) means nobody, also where it was put together from flat names. */
function dropNobody(type: ResourceType, resource: Resource): void {
  for (const { urn, attributes } of type.extensions) {
    const extension = resource[urn];
    if (!isObject(extension)) continue;
    for (const [name, value] of Object.entries(extension)) {
      const single = attributes.get(name.toLowerCase())?.multiValued === false;
      if (single && isObject(value) && value.value === '') delete extension[name];
    }
    if (Object.keys(extension).length === 0) delete resource[urn];
  }
}

/** An extension as an object under its URN. One that core attributes are wrapped in by their full URN is unwrapped. */
function readExtension(work: Work, urn: string, value: unknown): void {
  if (value === null) return;
  if (!isObject(value)) throw invalidValue(`${urn} must be an object`);
  for (const name of Object.keys(value)) {
    const path = resolvePath(work.type, `${urn}:${name}`, [urn]);
    if (path === undefined) keepUnknown(extensionOf(work.resource, urn), name, value[name]);
    else assign(work, path, `${urn}:${name}`, value[name]);
  }
}

function extensionOf(resource: Resource, urn: string): Resource {
  const key = spelled(resource, urn);
  const present = resource[key];
  if (isObject(present)) return present;
  const made: Resource = {};
  resource[key] = made;
  return made;
}

/**
 * What a name and its value speak of, as marks that are equal where two names mean one thing: `name.givenName` and
 * `{"NAME": {"givenname": …}}`.
 */
export function marksOf({ attribute, keys, subName }: AttributePath, value: unknown): readonly string[] {
  const whole = keys.join('\n').toLowerCase();
  const parts = attribute?.type === 'complex' && !attribute.multiValued && subName === undefined && isObject(value);
  return parts ? Object.keys(value).map((name) => `${whole}\n${name.toLowerCase()}`) : [whole];
}

/** Marks what is named; throws scim_invalid_syntax where it was named before, under whatever spelling. */
export function nameOnce(named: Set<string>, path: AttributePath, label: string, value: unknown): void {
  for (const mark of marksOf(path, value)) {
    if (named.has(mark)) throw invalidSyntax(`${label} is given twice`);
    named.add(mark);
  }
}

/** Puts one attribute, or one sub-attribute of a flat name, in its place. */
function assign(work: Work, path: AttributePath, label: string, value: unknown): void {
  const { resource, notes } = work;
  const { attribute, name = label } = path;
  nameOnce(work.named, path, label, value);
  if (attribute?.home?.in === 'edges' && attribute.mutability !== 'readOnly') {
    if (path.subName !== undefined) throw invalidValue(`${label}: members are taken as a list only`);
    work.members = value;
    return;
  }
  const note = noteOn(path, value);
  if (note) notes.add(note);
  const clean = readAt(path, label, value);
  if (clean === undefined) return;
  const target = path.extension === undefined ? resource : extensionOf(resource, path.extension);
  if (path.subName === undefined) {
    const present = target[name];
    if (present !== undefined && !(isObject(present) && isObject(clean))) throw invalidSyntax(`${name} is given twice`);
    target[name] = isObject(present) && isObject(clean) ? { ...present, ...clean } : clean;
  } else if (attribute === undefined || attribute.multiValued || attribute.type !== 'complex') {
    keepUnknown(target, ownName(path), value);
  } else {
    const present = target[name];
    target[name] = { ...(isObject(present) ? present : {}), [path.subName]: clean };
  }
}

/** The name as it stands inside of its schema; a dotted one is no way into an object where no table says so. */
export const ownName = ({ keys, extension }: AttributePath): string =>
  keys.slice(extension === undefined ? 0 : 1).join('.');

/**
 * The value at `path` in canonical form; undefined where it is unassigned, read-only, not kept, or kept as edges.
 * Throws scim_invalid_value.
 */
export function readAt(path: AttributePath, label: string, value: unknown): unknown {
  const { attribute, sub } = path;
  if (attribute === undefined || (path.subName !== undefined && sub === undefined))
    return unassigned(value) ? undefined : value;
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') return undefined;
  if (attribute.home?.in === 'edges') return undefined;
  if (attribute.home?.in === 'nowhere') {
    readValue(attribute, label, value);
    return undefined;
  }
  return readValue(sub ?? attribute, label, value);
}

/** What is to be noted of a value that is accepted; `meta` is repeated by every client that writes what it has read. */
export function noteOn({ attribute, sub }: AttributePath, value: unknown): ScimNote | undefined {
  if (attribute === undefined || attribute.name === 'meta' || unassigned(value)) return undefined;
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') return 'read_only_ignored';
  if (attribute.mutability === 'writeOnly') return 'password_not_kept';
  // of members, it is noted where their ids are read
  const inList = attribute.multiValued && sub === undefined && attribute.home?.in !== 'edges';
  if (inList && hasRepetitions(attribute, value)) return 'repeated_value_ignored';
  const named = sub === undefined && isObject(value) ? Object.keys(value) : [];
  const readOnly = (name: string) => attribute.subAttributes?.get(name.toLowerCase())?.mutability === 'readOnly';
  return named.some(readOnly) ? 'read_only_ignored' : undefined;
}
