/** The real MongoDB and Redis that `npm run test:services` runs on, named by MONGODB_URI and REDIS_URL. */
import { randomBytes } from 'node:crypto';
import { createConnection } from 'mongoose';

function required(name: 'MONGODB_URI' | 'REDIS_URL'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this suite runs on the real service and is never skipped`);
  return value;
}

/** The Redis server of the tests. */
export const testRedisUrl = (): string => required('REDIS_URL');

/** A prefix for keys in Redis that nobody else uses. */
export const uniquePrefix = (): string => `gatehouse-test-${randomBytes(6).toString('hex')}`;

/** The MongoDB server of the tests, leading to this database. */
export function databaseUri(database: string): string {
  const [, server, options = ''] =
    /^(\w+(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(required('MONGODB_URI')) ?? [];
  if (server === undefined) throw new Error('MONGODB_URI is no MongoDB address');
  return `${server}/${database}${options}`;
}

/** Removes the database with all it holds. */
export async function dropDatabase(database: string): Promise<void> {
  const connection = await createConnection(databaseUri(database)).asPromise();
  await connection.dropDatabase();
  await connection.close();
}

/** Removes every document and keeps collections, validators and indexes. */
export async function emptyDatabase(database: string): Promise<void> {
  const connection = await createConnection(databaseUri(database)).asPromise();
  const collections = (await connection.db?.collections()) ?? [];
  await Promise.all(collections.map((collection) => collection.deleteMany({})));
  await connection.close();
}

const staleMs = 60 * 60_000;

/** A name for a database of one test file; it tells when it was made. */
export const newDatabaseName = (): string => `gatehouse-test-${Date.now()}-${randomBytes(4).toString('hex')}`;

/** Removes the databases that crashed runs have left. */
export async function dropStaleDatabases(): Promise<void> {
  const connection = await createConnection(databaseUri('admin')).asPromise();
  const { databases } = await connection.listDatabases();
  for (const { name } of databases) {
    const madeAt = Number(/^gatehouse-test-(\d+)-/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
    if (madeAt < Date.now() - staleMs) await connection.useDb(name).dropDatabase();
  }
  await connection.close();
}
