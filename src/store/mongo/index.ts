/**
 * The MongoDB engine of the store: Mongoose for the connection, the models and the collections' shape; rows go through
 * the driver, checked once, never hydrated.
 */
import { AppError } from '../../errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { keyedMutex } from '../../lib/keyed-mutex.ts';
import { type Checker, compileChecker } from '../checker.ts';
import { MarkMoves } from '../marks.ts';
import { type Migration, migrations } from '../migrations.ts';
import { openNesting } from '../nesting.ts';
import { type CollectionName, collections as definitions } from '../schemas/index.ts';
import type { ReadStore, Store, Transaction } from '../store.ts';
import { openAbandoned } from './abandoned.ts';
import type { MongoCollections } from './collection.ts';
import { connect, databaseOf } from './connect.ts';
import { isUnreachable, translate, unavailable } from './failures.ts';
import { prepareInTurn } from './prepare.ts';
import { MongoReads } from './reads.ts';
import type { Calls } from './run.ts';
import { prepareCollections } from './shape.ts';
import { runTransaction } from './transaction.ts';
import { MongoWrites, type WriteContext } from './writes.ts';

export interface MongoStoreOptions {
  readonly uri: string;
  /** The database; else the one that the address names. */
  readonly database?: string;
  readonly clock?: Clock;
  /** Whether the store itself keeps protected rows (OWN-6); tests switch it off. */
  readonly protection?: boolean;
  /** Runs each transaction's body once and rolls it back before running it for real: shows what it does besides. */
  readonly rehearse?: boolean;
  /** For tests: how long a transaction is tried, in milliseconds. */
  readonly patienceMs?: number;
  /** For tests: other migrations than the program's. */
  readonly migrations?: readonly Migration[];
}

const names = Object.keys(definitions) as CollectionName[];
const checkers = Object.fromEntries(names.map((name) => [name, compileChecker(name, definitions[name])])) as Record<
  CollectionName,
  Checker
>;

/**
 * Opens the store on a MongoDB replica set, upgrading what an earlier program has written, and making collections and
 * indexes where they are missing. Throws AppError('store_unavailable') where no replica set answers, or where a newer
 * program has written the data.
 *
 * A response that a client has received is visible to the next request on any process: every commit waits for a majority
 * (`w: majority`), which the primary acknowledges only once its majority-committed snapshot holds it, and every read goes
 * to the primary with read concern `majority` (or, in transactions, `snapshot`), which reads that snapshot or a later
 * one. What is read can never be rolled back. The bound of the promise is a failover: a primary that is cut off may
 * answer old reads until it notices, ten seconds at most; it can commit nothing meanwhile.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const { uri, database, clock = systemClock, protection = true, rehearse = false } = options;
  const connection = await connect(uri, database);
  const collections = await prepareInTurn(databaseOf(connection), options.migrations ?? migrations, () =>
    prepareCollections(connection, protection),
  ).catch(async (error: unknown) => {
    await connection.close(true);
    throw isUnreachable(error) ? unavailable(error) : error;
  });
  const client = connection.getClient();
  const nesting = openNesting(rehearse);
  const lines = keyedMutex();
  const listeners = new Map<string, Set<() => void>>();

  const read = readStore(collections, {
    async read(collection, call) {
      nesting.refuse('store.read');
      try {
        return await call();
      } catch (error) {
        throw translate(collection, error);
      }
    },
  });

  const turns = keyedMutex();
  const abandoned = openAbandoned(client);
  const running = new Set<Promise<unknown>>();
  let closed = false;

  return {
    engine: 'mongodb',
    read,
    async transaction(cause, work, { line } = {}) {
      nesting.refuse('a transaction');
      if (closed) throw new AppError('shutting_down', 'The store is closed.');
      const run = () =>
        runTransaction({ client, clock, rehearse, turns, abandoned, patienceMs: options.patienceMs }, (attempt) =>
          nesting.run(async () => {
            const moves = new MarkMoves();
            const tx = transactionOf({ run: attempt, cause, collections, protection, moves });
            const value = await work(tx);
            await moves.refuseLost(tx);
            return value;
          }),
        );
      const committing = (line === undefined ? run() : lines.run(line, run)).finally(() => running.delete(committing));
      running.add(committing);
      const { value, inserted } = await committing;
      for (const name of inserted) for (const listener of listeners.get(name) ?? []) queueMicrotask(listener);
      return value;
    },
    onInsert(collection, listener) {
      const known = listeners.get(collection) ?? new Set();
      listeners.set(collection, known.add(listener));
      return () => known.delete(listener);
    },
    async ping() {
      await databaseOf(connection)
        .command({ ping: 1 })
        .catch((error: unknown) => {
          throw unavailable(error);
        });
    },
    /** Refuses new transactions and waits for those that run. */
    async close() {
      closed = true;
      await Promise.allSettled(running);
      await connection.close();
    },
  };
}

function readStore(collections: MongoCollections, calls: Calls): ReadStore {
  return Object.fromEntries(
    names.map((name) => [name, new MongoReads(collections[name], checkers[name], calls)]),
  ) as unknown as ReadStore;
}

function transactionOf(context: WriteContext): Transaction {
  const { run, cause, collections } = context;
  const tx: Record<string, unknown> = { cause, at: run.at };
  for (const name of names) tx[name] = new MongoWrites(collections[name], checkers[name], context);
  return tx as unknown as Transaction;
}
