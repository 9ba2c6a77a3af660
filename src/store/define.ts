import { type InferSchemaType, Schema, type SchemaDefinition } from 'mongoose';

/** Who may hold rows of a collection: one organization each, or the platform as a whole. */
export type CollectionScope = 'organization' | 'platform';

/**
 * A rule on rows that the store itself keeps, below every use case (OWN-6): a row that matches `when` must also match
 * `require`, is never removed while its organization exists, and loses its mark (the fields of `when`) only in a
 * transaction that gives the mark to another row of the organization.
 */
export interface Protection {
  readonly when: Readonly<Record<string, boolean | string>>;
  readonly require: Readonly<Record<string, boolean | string>>;
}

/** One collection as both engines see it. `schema` is the only definition of its fields, types and indexes. */
export interface CollectionDefinition<S extends Schema = Schema> {
  readonly name: string;
  readonly scope: CollectionScope;
  /** Whether each change leaves the former version in `history`. */
  readonly history: boolean;
  readonly protection?: Protection;
  /** Of rows that match this the store keeps in which order transactions wrote them: what `ARRIVAL` sorts by. */
  readonly arrivals?: Readonly<Record<string, boolean>>;
  readonly schema: S;
}

/**
 * The options of every schema: unknown fields are refused, empty objects kept, no `__v`, `_id` is ours, and a field
 * called `type` is a field (Mongoose reads it as a declaration unless `typeKey` says otherwise), so declarations of
 * types are written `$type`.
 */
const options = {
  strict: 'throw',
  minimize: false,
  versionKey: false,
  autoIndex: false,
  autoCreate: false,
} as const;

/** What the store itself writes on every row; nobody hands these in. */
const maintained = {
  _id: { type: String, required: true },
  version: { type: Number, required: true },
  createdAt: { type: Date, required: true },
  updatedAt: { type: Date, required: true },
} as const satisfies SchemaDefinition;

const tenant = { organizationId: { type: String, required: true } } as const satisfies SchemaDefinition;

const attributed = {
  changedBy: {
    type: { actor: { type: String, required: true }, requestId: { type: String, required: true } },
    required: true,
    _id: false,
  },
} as const satisfies SchemaDefinition;

export type Maintained = 'version' | 'createdAt' | 'updatedAt' | 'changedBy';

function build<const D extends SchemaDefinition>(definition: D) {
  return new Schema(definition, options);
}

/** A collection whose rows each belong to one organization. */
export function organizationCollection<const N extends string, const D extends SchemaDefinition>(
  name: N,
  definition: D,
  kept: Pick<CollectionDefinition, 'arrivals'> = {},
) {
  const schema = build({ ...maintained, ...tenant, ...definition });
  return { name, scope: 'organization' as const, history: false as const, schema, ...kept };
}

/** The same, keeping every former version of its rows (who changed it, by which request, from when to when). */
export function versionedCollection<const N extends string, const D extends SchemaDefinition>(
  name: N,
  definition: D,
  protection?: Protection,
) {
  const schema = build({ ...maintained, ...tenant, ...attributed, ...definition });
  return { name, scope: 'organization' as const, history: true as const, schema, ...(protection && { protection }) };
}

/** A collection that belongs to no organization. */
export function platformCollection<const N extends string, const D extends SchemaDefinition>(name: N, definition: D) {
  const schema = build({ ...maintained, ...definition });
  return { name, scope: 'platform' as const, history: false as const, schema };
}

/** Free-form data: what JSON can say. Keys never hold a dot, a leading `$`, `__proto__` or a NUL; the store checks it. */
export type JsonObject = Readonly<Record<string, unknown>>;

type WithoutNull<T> = 0 extends 1 & T
  ? JsonObject
  : T extends Date
    ? Date
    : T extends readonly (infer E)[]
      ? readonly WithoutNull<E>[]
      : T extends object
        ? { readonly [K in keyof T]: WithoutNull<Exclude<T[K], null>> }
        : T;

/** The plain, frozen object that a read answers. Optional fields are absent, never null. */
export type RowOf<C extends { readonly schema: Schema }> = WithoutNull<InferSchemaType<C['schema']>>;
