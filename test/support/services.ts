/** The real MongoDB and Redis that `npm run test:services` runs on, named by MONGODB_URI and REDIS_URL. */
import { randomBytes } from 'node:crypto';
import { type Connection, createConnection, type mongo } from 'mongoose';

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

/** The rows of each collection that has any, as MongoDB keeps them: no number changes its type on the way. */
export type Rows = ReadonlyMap<string, readonly mongo.Document[]>;

const driverDatabase = (connection: Connection, database: string): mongo.Db => {
  const { db } = connection.useDb(database);
  if (db === undefined) throw new Error('the connection to MongoDB is closed');
  return db;
};

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
    const emptied = driverDatabase(connection, database);
    const names = await listCollections(emptied);
    const filled = await findFilled(emptied, names);
    await Promise.all(filled.map((name) => emptied.collection(name).deleteMany({})));
    return names.length === 0;
  });
  return { database, isNew };
}

const listCollections = async (database: mongo.Db): Promise<readonly string[]> =>
  (await database.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);

/** The collections that have rows, found by one command: each round trip costs milliseconds, and most are empty. */
async function findFilled(database: mongo.Db, names: readonly string[]): Promise<readonly string[]> {
  const [first, ...others] = names;
  if (first === undefined) return [];
  const nameOf = (name: string) => [{ $limit: 1 }, { $project: { _id: 0, name: { $literal: name } } }];
  const further = others.map((name) => ({ $unionWith: { coll: name, pipeline: nameOf(name) } }));
  const found = await database
    .collection(first)
    .aggregate([...nameOf(first), ...further])
    .toArray();
  return found.map(({ name }) => String(name));
}

/** All rows of a database. */
export function readRows(database: string): Promise<Rows> {
  return onServer(async (connection) => {
    const from = driverDatabase(connection, database);
    const names = await findFilled(from, await listCollections(from));
    const read = async (name: string) =>
      [name, await from.collection(name).find({}, { promoteValues: false }).toArray()] as const;
    return new Map(await Promise.all(names.map(read)));
  });
}

/** Makes the collections that `rows` names hold these, and nothing else; nothing may be open on the database. */
export function writeRows(database: string, rows: Rows): Promise<void> {
  return onServer(async (connection) => {
    const into = driverDatabase(connection, database);
    const write = async ([name, all]: readonly [string, readonly mongo.Document[]]) => {
      await into.collection(name).deleteMany({});
      await into.collection(name).insertMany([...all], { writeConcern: { w: 'majority' } });
    };
    await Promise.all([...rows].map(write));
  });
}

export function giveBackDatabase(database: string): void {
  free.push(database);
}

const staleMs = 12 * 60 * 60_000;

/** Removes the databases of this run, and those that runs which crashed long ago have left. */
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
