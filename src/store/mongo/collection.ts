import type { mongo } from 'mongoose';
import type { CollectionDefinition } from '../define.ts';
import type { CollectionName } from '../schemas/index.ts';

/** A row as MongoDB holds it; `_lock` and `_arrival` are the engine's own and never leave it. */
export type Document = { readonly _id: string } & Record<string, unknown>;

/** One index as it is built, and the fields that the schema named (without the engine's own tie-breaker). */
export interface Index {
  readonly name: string;
  readonly fields: readonly string[];
  readonly description: mongo.IndexDescription;
}

/** One collection as this engine works on it. */
export interface MongoCollection {
  readonly name: CollectionName;
  readonly definition: CollectionDefinition;
  readonly native: mongo.Collection<Document>;
  readonly indexes: readonly Index[];
}

export type MongoCollections = { readonly [N in CollectionName]: MongoCollection };
