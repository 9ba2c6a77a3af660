/** Resources, PATCH operations and filters, made by fast-check from the attribute tables of a resource type. */
import fc from 'fast-check';
import type { Attribute, AttributeTable, ResourceType } from '../../../src/scim/attributes.ts';
import { common } from '../../../src/scim/schemas/common.ts';

type Made = fc.Arbitrary<Record<string, unknown>>;

/** Whether no object in it has two names that differ by case alone: those are one name, given twice (RFC 7643 §2.1). */
function namesOnce(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const names = Array.isArray(value) ? [] : Object.keys(value).map((name) => name.toLowerCase());
  return new Set(names).size === names.length && Object.values(value).every(namesOnce);
}

/** A place in a resource: how it is named, and values that fit there. */
interface Place {
  readonly path: string;
  readonly value: fc.Arbitrary<unknown>;
}

const shared = new Set(common.map(({ name }) => name));

/** What a client may write, but for what identifies the resource and for the mark that one value of a list may have. */
const writable = (attributes: Iterable<Attribute> = []): readonly Attribute[] =>
  [...attributes].filter(
    ({ name, mutability }) =>
      !shared.has(name) && name !== 'userName' && name !== 'primary' && /^(?:readWrite|immutable)$/.test(mutability),
  );

const text = fc.oneof(
  fc.constantFrom(
    'work',
    'Work',
    'home',
    'True',
    'ann@acme.test',
    'ANN@acme.test',
    'a.b',
    '$x',
    '%',
    ' ',
    '"',
    '\\',
    'ß',
    '𝄞',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0')),
);

/** A text that is not blank. */
export const spoken = text.filter((value) => value.trim() !== '');

const simple: Readonly<Record<Attribute['type'], fc.Arbitrary<unknown>>> = {
  string: text,
  boolean: fc.oneof(fc.boolean(), fc.constantFrom('True', 'false')),
  integer: fc.integer(),
  decimal: fc.integer({ min: -1e6, max: 1e6 }).map((number) => number / 4),
  dateTime: fc
    .date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  reference: fc.oneof(fc.webUrl(), fc.constantFrom('../Users/x', 'urn:x:y', '')),
  binary: fc.base64String({ maxLength: 12 }),
  complex: fc.constant({}),
};

/** What the arbitraries draw from, beside the tables. */
export interface Pool {
  /** Who can be a member. */
  readonly ids: readonly string[];
}

/** The arbitraries of one resource type, as its directory knows it. */
export function madeFrom(type: ResourceType, { ids }: Pool) {
  const member = fc.record(
    { value: fc.constantFrom(...ids), type: fc.constantFrom('User', 'Group'), display: text },
    { requiredKeys: ['value'] },
  );

  function oneOf(attribute: Attribute): fc.Arbitrary<unknown> {
    if (attribute.home?.in === 'edges') return member.map(({ value }) => ({ value }));
    if (attribute.type === 'complex') return fields(attribute.subAttributes?.values());
    // a text that must be there must say something
    return attribute.required && attribute.type === 'string' ? spoken : simple[attribute.type];
  }

  function valuesOf(attribute: Attribute): fc.Arbitrary<unknown> {
    const one = oneOf(attribute);
    return attribute.multiValued ? fc.array(one, { maxLength: 3 }) : one;
  }

  /** An object of these attributes: all that are required, any of the others. */
  function fields(attributes: Iterable<Attribute> = []): Made {
    const own = writable(attributes);
    const requiredKeys = own.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(own.map((one) => [one.name, valuesOf(one)])), { requiredKeys });
  }

  function placesOf({ attributes }: AttributeTable, prefix = ''): readonly Place[] {
    return writable(attributes.values()).flatMap((one): Place[] => {
      const path = prefix + one.name;
      const own = { path, value: valuesOf(one) };
      if (one.home?.in === 'edges') {
        return [own, ...ids.map((id) => ({ path: `${path}[value eq "${id}"]`, value: fc.constant(undefined) }))];
      }
      const below = writable(one.subAttributes?.values()).flatMap((sub) => [
        { path: `${path}.${sub.name}`, value: valuesOf(sub) },
        ...(one.multiValued ? [{ path: `${path}[type eq "work"].${sub.name}`, value: valuesOf(sub) }] : []),
      ]);
      return [own, ...below];
    });
  }

  const places = [
    ...placesOf(type.core),
    ...type.extensions.flatMap((table) => placesOf(table, `${table.urn}:`)),
    { path: 'externalId', value: text },
  ];

  const unknown = fc
    .dictionary(
      fc.oneof(fc.constantFrom('a.b', '$ref', '', '%', '%2E', 'x'), fc.string({ maxLength: 5 })),
      fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
      { maxKeys: 3 },
    )
    // names that no body may hold are tested elsewhere
    .filter(
      (value) =>
        namesOnce(value) && !/\\u0000|"(?:__proto__|constructor|prototype|_bsontype)":/.test(JSON.stringify(value)),
    );

  const extensions = fc.record(
    { ...Object.fromEntries(type.extensions.map((table) => [table.urn, fields(table.attributes.values())])) },
    { requiredKeys: [] },
  );

  /** A resource without its userName; what no schema has stands in it too. */
  const resource: Made = fc
    .record({
      core: fields(type.core.attributes.values()),
      extensions,
      unknown,
      externalId: fc.option(text, { nil: undefined }),
    })
    .map(({ core, extensions: own, unknown: rest, externalId }) => ({
      ...core,
      ...(externalId !== undefined && { externalId }),
      ...own,
      'urn:example:unknown:2.0:Thing': rest,
    }));

  /** An operation whose value fits its path, or is any JSON. */
  const operation = fc.constantFrom(...places).chain(({ path, value }) =>
    fc.record({
      op: fc.constantFrom('add', 'Replace', 'remove'),
      path: fc.constant(path),
      value: fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) }),
    }),
  );

  /** A resource in which any attribute may be any JSON. */
  const nonsense: Made = fc
    .tuple(
      resource,
      fc.dictionary(fc.constantFrom(...places.map(({ path }) => path)), fc.jsonValue({ maxDepth: 3 }), {
        minKeys: 1,
        maxKeys: 3,
      }),
    )
    .map(([sound, odd]) => ({ ...sound, ...odd }));

  const literal = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : String(value));
  const values = fc.oneof(text, fc.boolean(), fc.integer(), simple.dateTime, fc.constantFrom(...ids));
  const comparison = fc
    .constantFrom(
      ...places.map(({ path }) => path).filter((path) => !path.includes('[')),
      'id',
      'meta.lastModified',
      'userName',
    )
    .chain((path) =>
      fc.oneof(
        fc.constant(`${path} pr`),
        fc
          .record({ op: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'), value: values })
          .map(({ op, value }) => `${path} ${op} ${literal(value)}`),
      ),
    );
  const filter = fc.oneof(
    comparison,
    fc.tuple(comparison, fc.constantFrom('and', 'or'), comparison).map((parts) => parts.join(' ')),
    comparison.map((inner) => `not (${inner})`),
  );

  return { resource, operation, nonsense, filter };
}
