import { AppError } from '../../errors.ts';
import { endedVersion, firstVersion, nextVersion } from '../change.ts';
import { type AnyRow, type CheckedChange, checkTenant, deepFreeze } from '../checker.ts';
import type { MarkMoves } from '../marks.ts';
import { type Cause, type CollectionName, type RowChange, type Scope, StoreUsageError } from '../store.ts';
import {
  type Collection,
  CollectionReads,
  type Reading,
  readById,
  readDocById,
  readDocs,
  translated,
  whereSql,
} from './collection.ts';
import type { Connection, Value } from './driver.ts';

export type Collections = Readonly<Record<CollectionName, Collection>>;

/** After so long a body that goes on without a break lets reads, sockets and timers have their turn. */
const longestTurnMs = 20;
/** After so many such turns a transaction is a long one. */
const pausesOfLong = 10;
/** So many rows are inserted before it is looked whether that is so. */
const rowsPerTurn = 100;

/** One run of one body on the writer: what it may still do, what it did, and what went wrong with it. */
export class Run {
  readonly collections: Collections;
  readonly connection: Connection;
  readonly cause: Cause;
  readonly at: Date;
  /** The first write that failed: it dooms the transaction, whatever the body makes of the error. */
  failure: { readonly error: unknown } | undefined;
  readonly inserted = new Set<CollectionName>();
  /** Whether there may be something to commit. */
  wrote = false;
  /** Absent where the store's own layer of OWN-6 is switched off. */
  readonly moves: MarkMoves | undefined;
  /** When the body last asked for something; in the milliseconds of performance.now(). */
  lastCallAt = performance.now();
  /** How its body reads: what it sees is told to nobody before it has been committed itself. */
  readonly reading: Reading;
  #turnBegan = performance.now();
  #pauses = 0;
  #ended = false;

  /** Called when it is found to be a long one, and from then on again and again. */
  readonly #spill: () => void;

  constructor(
    { collections, connection, spill }: Pick<Run, 'collections' | 'connection'> & { readonly spill: () => void },
    cause: Cause,
    at: Date,
    moves?: MarkMoves,
  ) {
    this.collections = collections;
    this.connection = connection;
    this.#spill = spill;
    this.cause = cause;
    this.at = at;
    this.moves = moves;
    this.reading = { connection, inside: true, enter: () => this.enter(), settled: () => undefined };
  }

  end(): void {
    this.#ended = true;
  }

  /**
   * Whether the others are to have their turn before the next call, which waits for that: each call is done when it
   * returns, so that a body of many would hold up the whole process.
   */
  pause(): Promise<void> | undefined {
    this.lastCallAt = performance.now();
    if (this.lastCallAt - this.#turnBegan < longestTurnMs) return undefined;
    if (++this.#pauses >= pausesOfLong) this.#spill();
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnBegan = performance.now();
        resolve();
      });
    });
  }

  /** Refuses calls that come after the end: they would write into somebody else's transaction. */
  enter(): void {
    if (this.#ended) throw new StoreUsageError('the transaction has ended: await all that its body starts');
  }

  /** Runs a write. After one that failed there are no more: SQLite may have ended the transaction by itself. */
  write<T>(call: () => T): T {
    this.enter();
    if (this.failure !== undefined) throw this.failure.error;
    this.wrote = true;
    try {
      // A read that met a fault of the disk may have ended it, whatever the body makes of that: a write would stand alone.
      if (!this.connection.isInTransaction()) throw new AppError('store_unavailable', 'The transaction has been lost.');
      return call();
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }
}

function writeNew(run: Run, collection: Collection, row: AnyRow): void {
  const plain = collection.codec.toPlain(row);
  const columns = collection.columns.map((column) => column.read(plain));
  const values = [String(row._id), JSON.stringify(plain), ...columns];
  collection.cache?.touch();
  translated(collection, () => run.connection.run(collection.insert, values));
  run.inserted.add(collection.name);
}

function checkNew(collection: Collection, scope: Scope, given: unknown): AnyRow {
  const copy = collection.checker.newRow(given);
  checkTenant(collection.name, scope, copy);
  return copy;
}

function insertRow(run: Run, collection: Collection, copy: AnyRow): AnyRow {
  const row = firstVersion(collection.definition, copy, run.cause, run.at);
  writeNew(run, collection, row);
  return row;
}

/** Leaves the version that ends now in `history`, where the collection keeps its versions. */
function keepFormer(run: Run, collection: Collection, former: AnyRow): void {
  if (!collection.definition.history) return;
  writeNew(run, run.collections.history, endedVersion(collection.name, former, run.cause, run.at));
}

function changeRow(run: Run, collection: Collection, doc: string, change: CheckedChange): AnyRow {
  const { codec, columns, table } = collection;
  const former = JSON.parse(doc) as AnyRow;
  const next = nextVersion(collection.definition, codec.fromPlain(former), change, run.cause, run.at);
  keepFormer(run, collection, former);
  const plain = codec.toPlain(next);
  // Only columns with another value are named: SQLite rewrites the indexes of those that are.
  const moved = columns.filter((column) => column.read(plain) !== column.read(former));
  const places = ['doc', ...moved.map(({ name }) => name)].map((name) => `${name} = ?`);
  const values = [JSON.stringify(plain), ...moved.map((column) => column.read(plain)), String(next._id)];
  const sql = `UPDATE ${table} SET ${places.join(', ')} WHERE _id = ?`;
  collection.cache?.touch();
  translated(collection, () => run.connection.run(sql, values));
  return next;
}

/** The reads and writes of one collection in one run; everything has happened when a call returns. */
export class CollectionWrites extends CollectionReads {
  readonly #collection: Collection;
  readonly #run: Run;

  constructor(collection: Collection, run: Run) {
    super(collection, run.reading);
    this.#collection = collection;
    this.#run = run;
  }

  #write<T>(scope: unknown, call: 'update' | 'write', work: (scope: Scope) => T): T {
    return this.#run.write(() => {
      this.#collection.checker.scope(scope, call);
      return work(scope as Scope);
    });
  }

  #checked(owner: Scope, change: unknown): CheckedChange {
    const checked = this.#collection.checker.change(change);
    this.#run.moves?.note(this.#collection.definition, owner, checked);
    return checked;
  }

  /** Does the work of a call, after the turn of the others where it is theirs. */
  async #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const pause = this.#run.pause();
    if (pause) await pause;
    return work();
  }

  override get(...of: Parameters<CollectionReads['get']>) {
    return this.#inTurn(() => super.get(...of));
  }

  override findOne(...of: Parameters<CollectionReads['findOne']>) {
    return this.#inTurn(() => super.findOne(...of));
  }

  override find(...of: Parameters<CollectionReads['find']>) {
    return this.#inTurn(() => super.find(...of));
  }

  override page(...of: Parameters<CollectionReads['page']>) {
    return this.#inTurn(() => super.page(...of));
  }

  override count(...of: Parameters<CollectionReads['count']>) {
    return this.#inTurn(() => super.count(...of));
  }

  insert(scope: unknown, row: unknown): Promise<AnyRow> {
    return this.#inTurn(() =>
      this.#write(scope, 'write', (owner) => {
        const copy = checkNew(this.#collection, owner, row);
        return deepFreeze(insertRow(this.#run, this.#collection, copy));
      }),
    );
  }

  /** Rows in pieces: of each, others get their turn where it takes long. */
  async insertMany(scope: unknown, rows: readonly unknown[]): Promise<void> {
    const copies = this.#write(scope, 'write', (owner) => rows.map((row) => checkNew(this.#collection, owner, row)));
    for (let start = 0; start < copies.length; start += rowsPerTurn) {
      await this.#inTurn(() =>
        this.#write(scope, 'write', () => {
          for (const copy of copies.slice(start, start + rowsPerTurn)) insertRow(this.#run, this.#collection, copy);
        }),
      );
    }
  }

  update(scope: unknown, filter: unknown, change: unknown): Promise<number> {
    return this.#inTurn(() =>
      this.#write(scope, 'update', (owner) => {
        const checked = this.#checked(owner, change);
        const docs = readDocs(this.#collection, this.#run.connection, owner, filter);
        for (const doc of docs) changeRow(this.#run, this.#collection, doc, checked);
        return docs.length;
      }),
    );
  }

  updateOne(scope: unknown, filter: unknown, change: unknown): Promise<AnyRow | undefined> {
    return this.#inTurn(() =>
      this.#write(scope, 'update', (owner) => {
        const checked = this.#checked(owner, change);
        const [doc] = readDocs(this.#collection, this.#run.connection, owner, filter, { limit: 1 });
        if (doc === undefined) return undefined;
        return deepFreeze(changeRow(this.#run, this.#collection, doc, checked));
      }),
    );
  }

  updateEach(scope: unknown, changes: readonly RowChange<AnyRow>[]): Promise<number> {
    return this.#inTurn(() =>
      this.#write(scope, 'update', (owner) => {
        const collection = this.#collection;
        const checked = changes.map(({ id, change }) => ({ id, change: this.#checked(owner, change) }));
        let changed = 0;
        for (const { id, change } of checked) {
          const found = readDocById(collection, this.#run.connection, owner, id);
          if (found === undefined) continue;
          changeRow(this.#run, collection, found.doc, change);
          changed += 1;
        }
        return changed;
      }),
    );
  }

  remove(scope: unknown, filter: unknown): Promise<number> {
    return this.#inTurn(() =>
      this.#write(scope, 'write', (owner) => {
        const { table, definition, cache } = this.#collection;
        cache?.touch();
        if (definition.history) {
          const docs = readDocs(this.#collection, this.#run.connection, owner, filter);
          for (const doc of docs) keepFormer(this.#run, this.#collection, JSON.parse(doc) as AnyRow);
        }
        const values: Value[] = [];
        const sql = `DELETE FROM ${table} WHERE ${whereSql(this.#collection, owner, filter, values)}`;
        return translated(this.#collection, () => this.#run.connection.run(sql, values));
      }),
    );
  }

  /** Bodies run one after another on the single writer: nothing can change the row before this one has committed. */
  lock(scope: unknown, id: unknown): Promise<AnyRow | undefined> {
    return this.#inTurn(() =>
      this.#write(scope, 'write', (owner) => readById(this.#collection, this.#run.connection, owner, id)),
    );
  }

  async lockMany(scope: unknown, ids: unknown): Promise<number> {
    this.#write(scope, 'write', () => undefined);
    return this.count(scope, { _id: { $in: ids } });
  }
}

/** The class of all `tx` of one store: a collection's writes are made when a body first names it. */
export function transactionClass(names: readonly CollectionName[]): new (run: Run) => object {
  class OpenTransaction {
    readonly cause: Cause;
    readonly at: Date;
    readonly #run: Run;
    readonly #writes = new Map<CollectionName, CollectionWrites>();

    constructor(run: Run) {
      this.cause = run.cause;
      this.at = run.at;
      this.#run = run;
    }

    writesOf(name: CollectionName): CollectionWrites {
      let writes = this.#writes.get(name);
      if (writes === undefined) {
        writes = new CollectionWrites(this.#run.collections[name], this.#run);
        this.#writes.set(name, writes);
      }
      return writes;
    }
  }
  for (const name of names) {
    Object.defineProperty(OpenTransaction.prototype, name, {
      get(this: OpenTransaction) {
        return this.writesOf(name);
      },
    });
  }
  return OpenTransaction;
}
