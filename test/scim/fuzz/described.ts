/** Answers judged by what the directory itself says of its resources in /Schemas and /ResourceTypes. */
import { ERROR, LIST } from '../setup.ts';

interface Described {
  readonly name: string;
  readonly type: string;
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly returned: string;
  readonly subAttributes?: readonly Described[];
}

interface TypeDescribed {
  readonly name: string;
  readonly schema: string;
  readonly schemaExtensions?: readonly { readonly schema: string }[];
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7643 §3.1: attributes of every resource, which /Schemas does not list. */
const text = (name: string, required = false): Described => ({
  name,
  type: 'string',
  multiValued: false,
  required,
  returned: 'default',
});
const common: readonly Described[] = [
  { ...text('schemas', true), multiValued: true },
  text('id', true),
  text('externalId'),
  {
    ...text('meta', true),
    type: 'complex',
    subAttributes: [
      text('resourceType', true),
      { ...text('created', true), type: 'dateTime' },
      { ...text('lastModified', true), type: 'dateTime' },
      text('location', true),
      text('version', true),
    ],
  },
];

const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  reference: (value) => typeof value === 'string',
  binary: (value) => typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value),
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isSafeInteger,
  decimal: Number.isFinite,
  dateTime: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  complex: isObject,
};

/** Whether there is `null` or an empty list anywhere, which say nothing (RFC 7643 §2.5), in what a schema describes. */
const saysNothing = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0);

function* faultsInObject(attributes: readonly Described[], holder: Json, label: string): Generator<string> {
  for (const [key, value] of Object.entries(holder)) {
    const known = attributes.find(({ name }) => name.toLowerCase() === key.toLowerCase());
    if (known === undefined) continue;
    if (known.name !== key) yield `${label}${key} is not how ${known.name} is written`;
    yield* faultsInValue(known, value, label + known.name);
  }
  for (const { name, required, returned } of attributes) {
    if (required && returned !== 'never' && !Object.hasOwn(holder, name)) yield `${label}${name} is missing`;
  }
}

function* faultsInValue(described: Described, value: unknown, label: string): Generator<string> {
  const { type, multiValued, returned, subAttributes = [] } = described;
  if (returned === 'never') yield `${label} is never returned`;
  if (saysNothing(value)) yield `${label} says nothing`;
  if (Array.isArray(value) !== multiValued) {
    yield `${label} is ${multiValued ? 'no list' : 'a list'}`;
    return;
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const one of values) {
    if (!fits[type]?.(one)) yield `${label} is no ${type}: ${JSON.stringify(one)}`;
    if (isObject(one)) yield* faultsInObject(subAttributes, one, `${label}.`);
  }
  if (values.filter((one) => isObject(one) && one.primary === true).length > 1) yield `${label} has two primary values`;
}

export interface Judge {
  /** What is wrong with an answer: nothing where the list is empty. */
  faultsOf(answer: { readonly status: number; readonly body: unknown; readonly text: string }): readonly string[];
}

/** A judge by these answers of GET /Schemas and GET /ResourceTypes. */
export function judgeBy(schemas: Json, resourceTypes: Json): Judge {
  const attributesOf = new Map(
    (schemas.Resources as { id: string; attributes: Described[] }[]).map(({ id, attributes }) => [id, attributes]),
  );
  const types = resourceTypes.Resources as TypeDescribed[];

  /** The attributes of the core schema and the common ones stand beside extensions, each under its URN. */
  function* faultsInParts(type: TypeDescribed, resource: Json): Generator<string> {
    const core: Json = {};
    for (const [key, value] of Object.entries(resource)) {
      const extension = type.schemaExtensions?.find(({ schema }) => schema.toLowerCase() === key.toLowerCase());
      if (extension === undefined) core[key] = value;
      else if (extension.schema !== key) yield `${key} is not how ${extension.schema} is written`;
      else if (!isObject(value)) yield `${key} is no object`;
      else yield* faultsInObject(attributesOf.get(key) ?? [], value, `${key}:`);
    }
    yield* faultsInObject([...common, ...(attributesOf.get(type.schema) ?? [])], core, '');
  }

  function* faultsInResource(resource: unknown): Generator<string> {
    const { meta, schemas: named } = isObject(resource) ? resource : {};
    const type = types.find(({ name }) => isObject(meta) && meta.resourceType === name);
    if (!isObject(resource) || !type) {
      yield `no resource of a known type: ${JSON.stringify(resource)}`;
      return;
    }
    yield* faultsInParts(type, resource);
    const urns = new Set<unknown>(Array.isArray(named) ? named : []);
    const used = [type.schema, ...Object.keys(resource).filter((key) => /^urn:/.test(key))];
    for (const urn of used) if (!urns.delete(urn)) yield `schemas does not name ${urn}`;
    for (const urn of urns) yield `schemas names ${urn}, which is not there`;
  }

  function* faults(status: number, body: unknown, content: string): Generator<string> {
    if (status >= 500) yield `answered ${status}`;
    if (status === 204 || status === 304) {
      if (content !== '') yield `a ${status} has a body`;
    } else if (status >= 400) {
      const { schemas: urns, status: said, detail } = isObject(body) ? body : {};
      if (String(urns) !== ERROR || said !== String(status) || typeof detail !== 'string' || detail === '')
        yield `a ${status} without a SCIM error: ${content}`;
    } else if (isObject(body) && String(body.schemas) === LIST) {
      for (const one of (body.Resources ?? []) as unknown[]) yield* faultsInResource(one);
    } else yield* faultsInResource(body);
  }

  return { faultsOf: ({ status, body, text: content }) => [...faults(status, body, content)] };
}
