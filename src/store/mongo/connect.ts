import mongoose, { type Connection, type mongo } from 'mongoose';
import { AppError } from '../../errors.ts';
import { isUnreachable } from './failures.ts';

/** How long a call waits for a primary to be found before it counts as unreachable; an attempt, not the whole patience. */
const selectionMs = 5_000;
/**
 * By this name the server knows what is Gatehouse's, and of which data: that of `database`, of the one that the address names, or of the
 * driver's own. Of its 128 bytes a database's name has 63 at most.
 */
export function appNameFor(uri: string, database: string | undefined): string {
  const named = /^[^:]*:\/\/[^/]*\/([^?]+)/.exec(uri)?.[1];
  return `gatehouse ${database ?? named ?? 'test'}`;
}

/**
 * Opens a connection of its own (no global state) and makes sure that transactions work there.
 * Throws AppError('store_unavailable') where nothing answers, or where the server is not part of a replica set.
 */
export async function connect(uri: string, database: string | undefined): Promise<Connection> {
  const connection = mongoose.createConnection(uri, {
    ...(database !== undefined && { dbName: database }),
    appName: appNameFor(uri, database),
    autoIndex: false,
    autoCreate: false,
    bufferCommands: false,
    serverSelectionTimeoutMS: selectionMs,
    ignoreUndefined: true,
    // Strings come back as they went in; what is not UTF-8 was never written by us.
    enableUtf8Validation: false,
  });
  try {
    await connection.asPromise();
    const fault = replicaSetFault(await databaseOf(connection).admin().command({ hello: 1 }));
    if (fault !== undefined) throw new AppError('store_unavailable', fault);
    return connection;
  } catch (error) {
    await connection.close(true);
    if (!isUnreachable(error)) throw error;
    const hint = 'MongoDB does not answer. Check MONGODB_URI, and that its replica set has been initiated';
    throw new AppError('store_unavailable', hint, { cause: error });
  }
}

/**
 * What keeps a server with this `hello` answer from running transactions, in words for the operator; undefined where
 * nothing does. A member of a replica set names its set; a router of a sharded cluster says `isdbgrid`.
 */
export function replicaSetFault(hello: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof hello.setName === 'string' || hello.msg === 'isdbgrid') return undefined;
  const why = 'This MongoDB is not a replica set, and transactions work on replica sets only';
  return `${why}. Start mongod with --replSet rs0 and run rs.initiate() once; a set of one member will do`;
}

export function databaseOf(connection: Connection): mongo.Db {
  if (connection.db === undefined) throw new AppError('store_unavailable', 'The connection to MongoDB is closed');
  return connection.db;
}
