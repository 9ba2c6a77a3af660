/**
 * The embedded engine: one SQLite file with one writer and one reader. Owns how collections become tables, filters SQL,
 * and waiting transactions one commit.
 */
import { AsyncResource } from 'node:async_hooks';
import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { makeFolder } from '../../lib/folder.ts';
import { type Migration, migrations } from '../migrations.ts';
import { openNesting } from '../nesting.ts';
import { collections } from '../schemas/index.ts';
import type { CollectionName, ReadStore, Store, Transaction } from '../store.ts';
import { CollectionReads, compileCollection } from './collection.ts';
import { type Connection, lockFile, openConnection, readCommitted, readFault } from './driver.ts';
import { buildTables } from './tables.ts';
import type { Collections } from './transaction.ts';
import { Writer } from './writer.ts';

export interface SqliteStoreOptions {
  /** The data file; it and its folder are made where they are missing. */
  readonly path: string;
  readonly clock?: Clock;
  /** Off only in tests that prove the other layer of OWN-6. Default: on. */
  readonly protection?: boolean;
  /** For tests: every transaction's body runs twice, the first time for nothing. */
  readonly rehearse?: boolean;
  /** Off only in tests of anything but files: commits are answered before the disk has them. Default: on. */
  readonly durable?: boolean;
  /** Called once, when the disk did not take what was written: nothing is answered any more, until a new process reads what it has. */
  readonly onLost?: (error: unknown) => void;
  /** After how long without a call a transaction's body that does not end is rolled back. Default: ten seconds. */
  readonly bodyTimeoutMs?: number;
  /** For tests: other migrations than the program's. */
  readonly migrations?: readonly Migration[];
}

const names = Object.keys(collections) as CollectionName[];

const forAll = <T>(make: (name: CollectionName) => T): Readonly<Record<CollectionName, T>> =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as Record<CollectionName, T>;

function openFile({ path, protection = true, durable, migrations: upgrades = migrations }: SqliteStoreOptions) {
  makeFolder(dirname(path));
  const unlock = lockFile(path);
  const opened: Connection[] = [];
  try {
    const connection = openConnection(path, 'write', durable);
    opened.push(connection);
    buildTables(connection, collections, protection, upgrades);
    connection.harden();
    return { unlock, connection, reader: openConnection(path, 'read') };
  } catch (error) {
    for (const connection of opened) connection.close();
    unlock();
    const fault = readFault(error);
    throw fault?.kind === 'unavailable' ? fault.error : error;
  }
}

/**
 * Opens the embedded store, upgrading what an earlier program has written. Throws AppError('store_unavailable') where the
 * file is open in another process, was written by a newer program, or cannot be used.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { clock = systemClock, protection = true, rehearse = false, bodyTimeoutMs = 10_000 } = options;
  const { unlock, connection, reader } = openFile(options);
  const compiled: Collections = forAll((name) => compileCollection(name, collections[name]));

  const nesting = openNesting(rehearse);
  const listeners = new Map<CollectionName, Set<() => void>>();
  const committed = (inserted: ReadonlySet<CollectionName>): void => {
    for (const name of inserted) for (const listener of listeners.get(name) ?? []) queueMicrotask(listener);
  };
  const writer = new Writer({
    connection,
    collections: compiled,
    clock,
    nesting,
    protection,
    rehearse,
    bodyTimeoutMs,
    committed,
    lost: options.onLost ?? (() => {}),
  });
  let closing: Promise<void> | undefined;
  const enter = (): void => {
    nesting.refuse('reading through the store');
    if (closing !== undefined) throw new AppError('shutting_down', 'The store is closed.');
  };
  const close = async (): Promise<void> => {
    await writer.close();
    reader.close();
    // What the disk has may be less than the log says: nothing of it goes into the file, and closing would do that.
    if (writer.failed) return unlock();
    try {
      // Then the data file alone holds everything. Where that fails, the log beside it still does.
      connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      connection.close();
      unlock();
    }
  };
  const reading = {
    ...{ connection: readCommitted(connection, reader), inside: false, enter },
    // What the disk may lose has not been seen by anybody.
    settled: () => writer.flushed(),
  };
  const read = forAll((name) => new CollectionReads(compiled[name], reading));

  return {
    engine: 'sqlite',
    // The engine's collections are untyped inside; the interface gives them the types of their rows.
    read: read as unknown as ReadStore,
    /** The single writer is one line for all. */
    async transaction<T>(
      cause: Parameters<Store['transaction']>[0],
      work: (tx: Transaction) => Promise<T>,
    ): Promise<T> {
      nesting.refuse('opening a transaction');
      return (await writer.transaction(cause, work)) as T;
    },
    onInsert(collection, listener) {
      const own = listeners.get(collection) ?? new Set();
      // A listener works for itself, not for the request whose commit woke it.
      const bound = AsyncResource.bind(listener);
      listeners.set(collection, own.add(bound));
      return () => own.delete(bound);
    },
    async ping() {
      enter();
      reader.first('SELECT 1', []);
      await writer.flushed();
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
