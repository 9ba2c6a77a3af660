import type { Connection, mongo, Schema } from 'mongoose';
import type { CollectionDefinition, Protection } from '../define.ts';
import { type CollectionName, collections } from '../schemas/index.ts';
import type { Document, Index, MongoCollection, MongoCollections } from './collection.ts';
import { databaseOf } from './connect.ts';

/**
 * Makes a model of every schema on this connection, and brings collections, indexes and validators to what the schemas
 * say: half a second on an empty database, some 20 ms on a complete one, on a small machine. Missing collections are
 * made in turn, since the server writes its catalog one change at a time anyway; the rest is checked all at once.
 * `protection: false` takes the validators of protected rows away again.
 */
export async function prepareCollections(connection: Connection, protection: boolean): Promise<MongoCollections> {
  const infos = await databaseOf(connection).listCollections().toArray();
  const present = new Map(infos.map((info) => [info.name, 'options' in info ? info.options?.validator : undefined]));
  const prepared = Object.values(collections).map((definition: CollectionDefinition) => {
    const collection = describeCollection(connection, definition);
    const validator = protection && definition.protection ? validatorOf(definition.protection) : {};
    return { collection, validator };
  });
  for (const { collection, validator } of prepared) {
    if (!present.has(collection.name)) await makeCollection(connection, collection, validator);
  }
  await Promise.all(
    prepared.map(async ({ collection, validator }) => {
      if (!present.has(collection.name)) return;
      await setValidator(connection, collection, present.get(collection.name) ?? {}, validator);
      await buildIndexes(collection);
    }),
  );
  return Object.fromEntries(prepared.map(({ collection }) => [collection.name, collection])) as MongoCollections;
}

function describeCollection(connection: Connection, definition: CollectionDefinition): MongoCollection {
  const name = definition.name as CollectionName;
  connection.model(name, definition.schema.clone(), name);
  return {
    name,
    definition,
    // Primary reads with read concern `majority`: see index.ts for what that promises. In a transaction its own counts.
    native: databaseOf(connection).collection<Document>(name, {
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      writeConcern: { w: 'majority' },
    }),
    indexes: [...indexesOf(definition.schema), ...arrivalIndex(definition)],
  };
}

async function makeCollection(connection: Connection, collection: MongoCollection, validator: mongo.Document) {
  await connection.model(collection.name).createCollection({ validator });
  await buildIndexes(collection);
}

async function setValidator(
  connection: Connection,
  { name }: MongoCollection,
  present: mongo.Document,
  wanted: mongo.Document,
): Promise<void> {
  if (JSON.stringify(present) === JSON.stringify(wanted)) return;
  await databaseOf(connection).command({ collMod: name, validator: wanted });
}

async function buildIndexes({ indexes, native }: MongoCollection): Promise<void> {
  if (indexes.length > 0) await native.createIndexes(indexes.map(({ description }) => description));
}

/** OWN-6 below every use case: a row that matches `when` must match `require`, whoever writes it. */
function validatorOf({ when, require }: Protection): mongo.Document {
  return { $or: [{ $nor: [{ ...when }] }, { ...require }] };
}

/** Finds the rows of an organization in the order of their arrival. */
function arrivalIndex({ arrivals }: CollectionDefinition): readonly Index[] {
  if (arrivals === undefined) return [];
  const key = { organizationId: 1, _arrival: 1, _id: 1 } as const;
  return [describeIndex(['organizationId'], { key, partialFilterExpression: { ...arrivals } })];
}

/**
 * The schema's indexes. One that is not unique ends in `_id`, so that rows found by it come in the store's own order:
 * without that, MongoDB's planner may walk the whole collection by `_id` rather than sort what the index finds.
 */
function indexesOf(schema: Schema): readonly Index[] {
  return schema.indexes().map(([keys, options]) => {
    const fields = Object.keys(keys);
    const {
      background: _background,
      name: _given,
      ...rest
    } = options as mongo.IndexDescription & { background?: boolean };
    const key = { ...keys } as Record<string, mongo.IndexDirection>;
    if (!rest.unique && rest.expireAfterSeconds === undefined) key._id = 1;
    return describeIndex(fields, { ...rest, key });
  });
}

/** An index under a name that tells its definition. */
function describeIndex(fields: readonly string[], described: mongo.IndexDescription): Index {
  const partial = Object.entries(described.partialFilterExpression ?? {}).flat();
  const name = [...Object.entries(described.key).flat(), ...(described.unique ? ['unique'] : []), ...partial].join('_');
  return { name, fields, description: { ...described, name } };
}
