/** The real MongoDB and Redis that `npm run test:services` runs on, named by MONGODB_URI and REDIS_URL. */
import { randomBytes } from 'node:crypto';
import { type Connection, createConnection } from 'mongoose';

function required(name: 'MONGODB_URI' | 'REDIS_URL'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this suite runs on the real service and is never skipped`);
  return value;
}

/** The Redis server of the tests. */
export const testRedisUrl = (): string => required('REDIS_URL');

/** A prefix for keys in Redis that nobody else uses. */
export const uniquePrefix = (): string => `gatehouse-test-${randomBytes(6).toString('hex')}`;

/** The MongoDB server of the tests, leading to this database, with few connections for each process. */
export function databaseUri(database: string): string {
  const [, server, options = '?'] =
    /^(\w+(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(required('MONGODB_URI')) ?? [];
  if (server === undefined) throw new Error('MONGODB_URI is no MongoDB address');
  return `${server}/${database}${options}${options.endsWith('?') ? '' : '&'}maxPoolSize=12`;
}

/** A connection to the server, for one errand. */
async function onServer<T>(errand: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await createConnection(databaseUri('admin')).asPromise();
  try {
    return await errand(connection);
  } finally {
    await connection.close();
  }
}

const prefix = 'gatehouse-test-';
/** The databases of this run are called so; begin.services.ts sets it for all workers. */
const runVariable = 'GATEHOUSE_TEST_RUN';

/** Marks the beginning of a run: its databases tell when it began. */
export function beginRun(): void {
  process.env[runVariable] = `${Date.now()}-${randomBytes(3).toString('hex')}`;
}

const free: string[] = [];
let made = 0;

/**
 * An empty database that nobody else uses until it is given back. A Jest worker has a few of them, emptied for the next
 * test and the next file: building the collections anew takes much longer, and what is dropped keeps the server's files
 * open for a minute.
 */
export async function takeDatabase(): Promise<{ readonly database: string; readonly isNew: boolean }> {
  const run = process.env[runVariable];
  if (run === undefined) throw new Error('Suites on MongoDB run by `npm run test:services` (jest.services.config.js)');
  const database = free.pop() ?? `${prefix}${run}-${process.env.JEST_WORKER_ID}-${made++}`;
  const isNew = await onServer(async (connection) => {
    const collections = (await connection.useDb(database).db?.collections()) ?? [];
    await Promise.all(collections.map((collection) => collection.deleteMany({})));
    return collections.length === 0;
  });
  return { database, isNew };
}

export function giveBackDatabase(database: string): void {
  free.push(database);
}

const staleMs = 60 * 60_000;

/** Removes the databases of this run, and those that runs which crashed an hour ago have left. */
export async function dropDatabases(): Promise<void> {
  const run = process.env[runVariable] ?? 'none';
  await onServer(async (connection) => {
    const { databases } = await connection.listDatabases();
    for (const { name } of databases.filter((database) => database.name.startsWith(prefix))) {
      const [began] = name.slice(prefix.length).split('-');
      const isStale = Number(began) < Date.now() - staleMs;
      if (isStale || name.startsWith(`${prefix}${run}-`)) await connection.useDb(name).dropDatabase();
    }
  });
}
