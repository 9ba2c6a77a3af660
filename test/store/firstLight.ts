/** The state that the program of commit b69c6e8 wrote, as fixtures/first-light.make.mjs has kept it for each engine. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { createConnection, mongo } from 'mongoose';
import type { TestPlace } from '../support/engines.ts';

/** One request, and what the program that wrote the state answered. */
export interface Asked {
  readonly who: 'operator' | 'alice' | 'scim';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly answer: object;
}

export interface FirstLight {
  /** When the last of it was written. */
  readonly at: string;
  readonly key: string;
  readonly operatorToken: string;
  readonly sessionToken: string;
  readonly scimToken: string;
  readonly organizationId: string;
  readonly parkedJobId: string;
  /** A question whose answer the waiting job changes. */
  readonly pending: object;
  readonly asked: readonly Asked[];
}

const read = (name: string): Promise<string> =>
  readFile(new URL(`fixtures/first-light.${name}`, import.meta.url), 'utf8');

/** Puts the state into a place that nobody has opened yet. */
export async function loadFirstLight(place: TestPlace): Promise<FirstLight> {
  if (place.engine === 'sqlite') {
    const sqlite = new DatabaseSync(join(place.env.GATEHOUSE_DATA ?? '', 'gatehouse.db'));
    sqlite.exec(await read('sqlite.sql'));
    sqlite.close();
  } else {
    await emptyDatabase(place);
    await onDatabase(place, async (database) => {
      for (const line of (await read('mongodb.ejsonl')).trim().split('\n')) {
        const { name, options, indexes, rows } = mongo.BSON.EJSON.parse(line, { relaxed: false });
        const collection = await database.createCollection(name, options);
        if (indexes.length > 0) await collection.createIndexes(indexes);
        if (rows.length > 0) await collection.insertMany(rows);
      }
    });
  }
  return JSON.parse(await read(`${place.engine}.expected.json`)) as FirstLight;
}

/** A MongoDB place without any collection, as it was before the first start. */
export async function emptyDatabase(place: TestPlace): Promise<void> {
  await onDatabase(place, (database) => database.dropDatabase());
}

/** One errand on the database of a place, beside every store. */
export async function onDatabase<T>(place: TestPlace, errand: (database: mongo.Db) => Promise<T>): Promise<T> {
  const connection = await createConnection(place.env.MONGODB_URI ?? '').asPromise();
  try {
    if (connection.db === undefined) throw new Error('not connected');
    return await errand(connection.db);
  } finally {
    await connection.close();
  }
}
