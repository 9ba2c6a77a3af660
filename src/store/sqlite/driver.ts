import { closeSync, fdatasyncSync, fstatSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSyncInstance } from '@photostructure/sqlite';
import { AppError } from '../../errors.ts';
import type { Inside } from '../inside.ts';
import { FlushThread } from './flushThread.ts';

/** What a statement may be given: `Inside` tests are handed to SQL through `gatehouse_inside`. */
export type Value = string | number | null | Inside;

type Sqlite = InstanceType<typeof DatabaseSync>;
type Statement = StatementSyncInstance;

/** What reads need of a connection. All calls are synchronous. */
export interface ReadConnection {
  /** The first column of the first row; undefined where there is none. */
  first(sql: string, values: readonly Value[]): unknown;
  /** The first column of all rows. */
  all(sql: string, values: readonly Value[]): unknown[];
}

/** One open connection with its prepared statements. */
export interface Connection extends ReadConnection {
  exec(sql: string): void;
  /** Runs a change and answers how many rows it changed. */
  run(sql: string, values: readonly Value[]): number;
  /** Begins a transaction that writes. */
  begin(): void;
  /** Whether such a one is open. */
  isInTransaction(): boolean;
  /** The open transaction is a long one: what it has written goes to the log beside the file as it goes on. May be said again and again. */
  spill(): void;
  /** After the end of a transaction: whether it was a long one. Then `checkpoint` is due, once the others had their turn. */
  endLong(): boolean;
  checkpoint(): void;
  /**
   * Puts on the disk what an earlier program, or the opening itself, has left in the log: before anybody reads it. Throws
   * where that fails.
   */
  harden(): void;
  /** Puts what the log holds on the disk; undefined where the file is not kept durable. One at a time. */
  flush(): Promise<void> | undefined;
  /**
   * Between two of them: keeps one transaction open for all reads, so that each does not lock the file and let it go,
   * which costs more than the read. Only for the one connection that writes: nobody else's commits are to be seen.
   */
  rest(): void;
  close(): void;
}

/** Result codes of SQLite, https://sqlite.org/rescode.html */
const uniqueIndex = 2067;
const primaryKey = 1555;
const raisedByTrigger = 1811;

/** What a failed statement ran into, as far as the store tells it apart. */
export type Fault =
  | { readonly kind: 'duplicate'; readonly fields: readonly string[] }
  | { readonly kind: 'protected' }
  | { readonly kind: 'unavailable'; readonly error: AppError };

/** Reads an error of the driver; undefined for one that is not the driver's. */
export function readFault(error: unknown): Fault | undefined {
  // Not `instanceof Error`: a native module's errors are those of the main realm, under Jest another one than ours.
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  if (error.code !== 'ERR_SQLITE_ERROR') return undefined;
  const code = 'errcode' in error ? error.errcode : undefined;
  if (code === uniqueIndex || code === primaryKey) {
    const message = 'message' in error ? String(error.message) : '';
    // UNIQUE constraint failed: members.organizationId, members.accountId
    const columns = message.slice(message.indexOf(': ') + 2).split(', ');
    return { kind: 'duplicate', fields: columns.map((column) => column.slice(column.indexOf('.') + 1)) };
  }
  if (code === raisedByTrigger) return { kind: 'protected' };
  const message = 'The data file cannot be read or written just now.';
  return { kind: 'unavailable', error: new AppError('store_unavailable', message, { cause: error }) };
}

/** KiB of the file that a connection keeps in memory: usually, and while a long transaction writes. */
const usualCache = 65_536;
const spillingCache = 8192;
/** With so many pages the log is written back to the file. */
const checkpointPages = 8000;

/** Filters come from outside too (SCIM), so there is no end to their texts: the oldest statements make room. */
const mostStatements = 1000;

class OpenConnection implements Connection {
  readonly #sqlite: Sqlite;
  readonly #statements = new Map<string, Statement>();
  #tests: Inside[] = [];
  #resting = false;
  readonly #logPath: string;
  readonly #durable: boolean;
  /** The log beside the file, opened once more to be flushed. */
  #log: number | undefined;
  #thread: FlushThread | undefined;
  #long = false;

  constructor(sqlite: Sqlite, path: string, durable: boolean) {
    this.#sqlite = sqlite;
    this.#logPath = `${path}-wal`;
    this.#durable = durable;
    sqlite.function('gatehouse_inside', { deterministic: true }, (json: string | null, test: number) =>
      this.#tests[test]?.(json === null ? undefined : JSON.parse(json)) ? 1 : 0,
    );
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= mostStatements) {
        const [oldest] = this.#statements.keys();
        this.#statements.delete(oldest ?? '');
      }
      statement = this.#sqlite.prepare(sql, { returnArrays: true });
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Tests cannot be bound: their number in this list is, for as long as the statement runs. */
  #bind(values: readonly Value[]): readonly Value[] {
    if (!values.some((value) => typeof value === 'function')) return values;
    this.#tests = [];
    return values.map((value) => (typeof value === 'function' ? this.#tests.push(value) - 1 : value));
  }

  exec(sql: string): void {
    this.#wake();
    this.#sqlite.exec(sql);
  }

  first(sql: string, values: readonly Value[]): unknown {
    return this.#prepare(sql).get(...this.#bind(values))?.[0];
  }

  all(sql: string, values: readonly Value[]): unknown[] {
    const rows = this.#prepare(sql).all(...this.#bind(values));
    return rows.map((row: readonly unknown[]) => row[0]);
  }

  run(sql: string, values: readonly Value[]): number {
    return this.#prepare(sql).run(...this.#bind(values)).changes;
  }

  begin(): void {
    this.#wake();
    this.run('BEGIN IMMEDIATE', []);
  }

  isInTransaction(): boolean {
    return !this.#resting && this.#sqlite.isTransaction;
  }

  spill(): void {
    if (this.#long) return;
    this.#sqlite.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -${spillingCache}`);
    this.#long = true;
  }

  harden(): void {
    if (!this.#durable) return;
    this.#wake();
    // Written into the file, pages are on the disk even where an earlier flush has lost them (https://lwn.net/Articles/752063).
    const busy = this.all('PRAGMA wal_checkpoint(TRUNCATE)', [])[0] !== 0;
    this.#log = openSync(this.#logPath, 'r+');
    // Another program reads: then the log stays, and is flushed as it is.
    if (busy) fdatasyncSync(this.#log);
    this.#thread = new FlushThread();
  }

  flush(): Promise<void> | undefined {
    return this.#durable ? this.#flushLog() : undefined;
  }

  async #flushLog(): Promise<void> {
    try {
      if (this.#log === undefined || this.#thread === undefined) throw new Error('the log has not been opened');
      if (fstatSync(this.#log).nlink === 0) throw new Error('the log has been removed');
      await this.#thread.flush(this.#log);
    } catch (error) {
      const message = 'The data file cannot be written to the disk.';
      throw new AppError('store_unavailable', message, { cause: error });
    }
  }

  endLong(): boolean {
    if (!this.#long) return false;
    this.#long = false;
    this.#sqlite.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA cache_size = -${usualCache}`);
    return true;
  }

  checkpoint(): void {
    this.#wake();
    try {
      this.all('PRAGMA wal_checkpoint(PASSIVE)', []);
    } catch {
      // as with those that SQLite makes by itself, a later one does it
    }
  }

  rest(): void {
    // An error of the disk may have ended it.
    if (this.#resting && this.#sqlite.isTransaction) return;
    this.run('BEGIN', []);
    this.#resting = true;
  }

  #wake(): void {
    if (!this.#resting) return;
    this.#resting = false;
    // It holds nothing to commit; were it otherwise, nobody would have asked for that.
    if (this.#sqlite.isTransaction) this.run('ROLLBACK', []);
  }

  close(): void {
    this.#wake();
    this.#statements.clear();
    void this.#thread?.end();
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    this.#sqlite.close();
  }
}

/**
 * Reads committed data: on the writer's connection while no transaction is open there, for every commit makes another
 * connection forget its pages; else on the reader's.
 */
export function readCommitted(writer: Connection, reader: Connection): ReadConnection {
  const at = (): ReadConnection => {
    if (writer.isInTransaction()) return reader;
    writer.rest();
    return writer;
  };
  return {
    first: (sql, values) => at().first(sql, values),
    all: (sql, values) => at().all(sql, values),
  };
}

/**
 * Makes the file where it is missing, readable by its owner only; SQLite gives the log beside it the same mode. What is
 * wrong with the place is SQLite's to say. One that is there is not opened: with the first descriptor that a process closes, it
 * loses all its locks on a file, and SQLite those of its open connections (https://sqlite.org/howtocorrupt.html#posix_close_bug).
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch {}
}

/**
 * Opens the data file. With NORMAL, SQLite itself flushes the log only before it moves pages from there into the file; what
 * is acknowledged has been flushed by the writer (`flush`), which tests of other things switch off.
 */
export function openConnection(path: string, use: 'write' | 'read', durable = true): Connection {
  makeFile(path);
  const sqlite = new DatabaseSync(path, { timeout: 5_000 });
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  // On macOS only these make a flush reach the disk, as FlushThread's does; elsewhere they say nothing.
  sqlite.exec('PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
  if (!durable) sqlite.exec('PRAGMA synchronous = OFF');
  sqlite.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA cache_size = -${usualCache}`);
  sqlite.exec('PRAGMA temp_store = MEMORY');
  if (use === 'read') sqlite.exec('PRAGMA query_only = ON');
  return new OpenConnection(sqlite, path, durable);
}

/**
 * Makes sure that this is the only open store on the file, in this process or another: the single writer's queue, its
 * listeners and the embedded queue's leases live in memory. The lock is SQLite's own exclusive lock on a file beside the
 * data, so the system drops it with the process, however that ends. Answers the function that gives it back.
 */
export function lockFile(path: string): () => void {
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new AppError('store_unavailable', `${path} is open already: another Gatehouse runs on this data.`, { cause });
  }
  return () => lock.close();
}
