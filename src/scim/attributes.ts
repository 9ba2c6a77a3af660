/**
 * The shape of the attribute tables (schemas/*.ts) and the look-up in them. Validation, filters, PATCH, attribute
 * selection and /Schemas are all driven by these tables: what is not in one is not known here.
 */

export type AttributeType =
  | 'string'
  | 'boolean'
  | 'decimal'
  | 'integer'
  | 'dateTime'
  | 'reference'
  | 'binary'
  | 'complex';

/**
 * Where the store holds an attribute:
 * - `column`: a field of the row of its own; `key` is the column that holds it in comparable form (text without case);
 * - `rows`: besides its place in `attributes`, in searchable rows of its own (emails);
 * - `edges`: only as membership edges, never in the row;
 * - `nowhere`: accepted and not kept (password);
 * - absent: in the row's `attributes`, under its own name.
 */
export type Home =
  | { readonly in: 'column'; readonly column: string; readonly key?: string }
  | { readonly in: 'rows' }
  | { readonly in: 'edges' }
  | { readonly in: 'nowhere' };

/** One attribute or sub-attribute with the characteristics of RFC 7643 §2.2 and §7. */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly description: string;
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly home?: Home;
  readonly subAttributes?: ReadonlyMap<string, Attribute>;
}

type Traits = Partial<Omit<Attribute, 'name' | 'type' | 'description' | 'subAttributes'>>;

/** An attribute with the defaults of RFC 7643 §2.2, changed by `traits`; references and binaries compare with case. */
export function attribute(
  name: string,
  type: AttributeType,
  description: string,
  traits: Traits = {},
  subAttributes?: readonly Attribute[],
): Attribute {
  return {
    name,
    type,
    description,
    multiValued: false,
    required: false,
    caseExact: type === 'reference' || type === 'binary',
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...traits,
    ...(subAttributes && { subAttributes: byName(subAttributes) }),
  };
}

/** Attributes by name in lower case: names compare without case (RFC 7643 §2.1). */
export function byName(attributes: readonly Attribute[]): ReadonlyMap<string, Attribute> {
  return new Map(attributes.map((entry) => [entry.name.toLowerCase(), entry]));
}

/** One schema: a URN and its attributes. */
export interface AttributeTable {
  readonly urn: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/**
 * A resource type (RFC 7643 §6): its endpoint, its core schema, and the extensions that are known by table. A directory
 * that has registered schemas has types of its own.
 */
export interface ResourceType {
  readonly name: 'User' | 'Group';
  readonly endpoint: '/Users' | '/Groups';
  readonly description: string;
  readonly core: AttributeTable;
  readonly extensions: readonly AttributeTable[];
  /** What becomes of attributes that none of these tables has. */
  readonly unknown: 'keep' | 'refuse';
}

/**
 * An attribute name, resolved: where it stands in a resource (`keys`, canonical spelling) and what the tables say of
 * it. `attribute` and `sub` are absent where a part is not in the tables (a custom extension's, an unknown one).
 */
export interface AttributePath {
  /** Canonical URN where the attribute belongs to an extension. */
  readonly extension?: string;
  /** The attribute's name; absent where the path names a whole schema (the core one where `extension` is absent too). */
  readonly name?: string;
  readonly attribute?: Attribute;
  readonly subName?: string;
  readonly sub?: Attribute;
  /** The way to the value in a resource as SCIM answers it. */
  readonly keys: readonly string[];
}

const NAME = /^[A-Za-z$][\w$-]*$/;

/** Names that reach the prototype of an object: never a name of an attribute, nowhere. */
export const isPoisonous = (name: string): boolean =>
  name === '__proto__' || name === 'constructor' || name === 'prototype';

/** Whether `text` begins with `urn` (without case) and ends there or goes on with a colon. */
function under(urn: string, text: string): boolean {
  if (text.length < urn.length) return false;
  if (text.slice(0, urn.length).toLowerCase() !== urn.toLowerCase()) return false;
  return text.length === urn.length || text[urn.length] === ':';
}

/** Whether an attribute of the table is written with a dot in place of the last colon, as many clients do. */
function dotted({ urn, attributes }: AttributeTable, text: string): boolean {
  if (text[urn.length] !== '.' || text.slice(0, urn.length).toLowerCase() !== urn.toLowerCase()) return false;
  const [name = ''] = text.slice(urn.length + 1).split('.');
  return attributes.has(name.toLowerCase());
}

/** Splits `urn:…:attribute.sub` into the schema and the rest. An unknown URN ends at its last colon. */
function splitUrn(type: ResourceType, text: string, known: readonly string[]): { urn?: string; rest: string } {
  if (!/^urn:/i.test(text)) return { rest: text };
  const { core, extensions } = type;
  if (under(core.urn, text) || dotted(core, text)) return { rest: text.slice(core.urn.length + 1) };
  const table = extensions.find((extension) => dotted(extension, text));
  if (table) return { urn: table.urn, rest: text.slice(table.urn.length + 1) };
  for (const urn of [...type.extensions.map((table) => table.urn), ...known]) {
    if (under(urn, text)) return { urn, rest: text.slice(urn.length + 1) };
  }
  const colon = text.lastIndexOf(':');
  return { urn: text.slice(0, colon), rest: text.slice(colon + 1) };
}

/** Whether an attribute has several values that are not complex: each of them is its own `value` (RFC 7643 §2.4). */
export const isPlainList = ({ multiValued, type }: Attribute): boolean => multiValued && type !== 'complex';

/** What is known of one value of such an attribute. */
export const singleOf = (attribute: Attribute): Attribute => ({ ...attribute, name: 'value', multiValued: false });

/**
 * Resolves an attribute name such as `userName`, `NAME.givenname`, `urn:…:User:department` (RFC 7644 §3.10).
 *
 * @param known URNs of custom extensions that the resource at hand carries: they tell where an unlisted URN ends
 * @returns undefined where the text is no attribute name at all; a path without `attribute` where it is well-formed,
 *   but not in the tables
 */
export function resolvePath(
  type: ResourceType,
  text: string,
  known: readonly string[] = [],
): AttributePath | undefined {
  return plainNames(type).get(text) ?? resolveAny(type, text, known);
}

const plain = new WeakMap<ResourceType, ReadonlyMap<string, AttributePath>>();

/** The names that nearly all requests consist of: core attributes in their canonical spelling. */
function plainNames(type: ResourceType): ReadonlyMap<string, AttributePath> {
  const made = plain.get(type);
  if (made) return made;
  const attributes = [...type.core.attributes.values()];
  const paths = new Map(
    attributes.map((entry) => [entry.name, { name: entry.name, attribute: entry, keys: [entry.name] }]),
  );
  plain.set(type, paths);
  return paths;
}

function resolveAny(type: ResourceType, text: string, known: readonly string[]): AttributePath | undefined {
  const { urn, rest } = splitUrn(type, text, known);
  if (text === '') return undefined;
  if (rest === '') return urn === undefined ? { keys: [] } : { extension: urn, keys: [urn] };
  const [name = '', subName, ...more] = rest.split('.');
  if (more.length > 0 || !NAME.test(name) || isPoisonous(name)) return undefined;
  if (subName !== undefined && (!NAME.test(subName) || isPoisonous(subName))) return undefined;
  const table = urn === undefined ? type.core : type.extensions.find((extension) => extension.urn === urn);
  const found = table?.attributes.get(name.toLowerCase());
  if (found && isPlainList(found) && subName?.toLowerCase() === 'value')
    return resolveAny(type, text.slice(0, text.lastIndexOf('.')), known);
  const sub = subName === undefined ? undefined : found?.subAttributes?.get(subName.toLowerCase());
  const keys = [...(urn === undefined ? [] : [urn]), found?.name ?? name];
  if (subName !== undefined) keys.push(sub?.name ?? subName);
  return {
    ...(urn !== undefined && { extension: urn }),
    name: found?.name ?? name,
    ...(found && { attribute: found }),
    ...(subName !== undefined && { subName: sub?.name ?? subName }),
    ...(sub && { sub }),
    keys,
  };
}

/**
 * What a name without URN means that the core schema does not have: the attribute of the one extension that has it.
 * Clients should name extensions by their URN, and need not (RFC 7644 §3.10); Entra asks for `manager` like this.
 */
export function meantInExtension(type: ResourceType, path: AttributePath | undefined): AttributePath | undefined {
  if (path?.name === undefined || path.attribute || path.extension !== undefined) return undefined;
  const name = path.name.toLowerCase();
  const [table, ...others] = type.extensions.filter(({ attributes }) => attributes.has(name));
  return table && others.length === 0 ? resolvePath(type, `${table.urn}:${path.keys.join('.')}`) : undefined;
}

/** The attribute by whose name a client asks, as resolvePath has it; the URN of an extension may be missing. */
export function resolveAsked(type: ResourceType, text: string): AttributePath | undefined {
  const path = resolvePath(type, text);
  return meantInExtension(type, path) ?? path;
}

/** Whether this is the URN of an extension that is known by table. */
export const isListed = ({ extensions }: ResourceType, urn: string): boolean =>
  extensions.some((table) => table.urn === urn);

/** The known spelling of a schema URN that compares without case; `urn` itself where no table has it. */
export function canonicalUrn(type: ResourceType, urn: string): string {
  const lower = urn.toLowerCase();
  if (type.core.urn.toLowerCase() === lower) return type.core.urn;
  return type.extensions.find((table) => table.urn.toLowerCase() === lower)?.urn ?? urn;
}
