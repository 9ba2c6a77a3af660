import { type AnyRow, type Checker, compileChecker } from '../checker.ts';
import { type Condition, readFilter, readSort } from '../condition.ts';
import { type Paging, pagingBy } from '../cursor.ts';
import type { CollectionDefinition } from '../define.ts';
import {
  ARRIVAL,
  type CollectionName,
  DuplicateKeyError,
  type FindOptions,
  type Page,
  type PageOptions,
  PLATFORM,
  ProtectedRowError,
  type Scope,
  StoreUsageError,
} from '../store.ts';
import { type AnswerCache, cacheFor, keyOf, type Read } from './cache.ts';
import { type Codec, codecFor } from './codec.ts';
import { atOf, type Column, insertSql, readColumns } from './columns.ts';
import { type ReadConnection, readFault, type Value } from './driver.ts';
import { type At, type Compile, compileFor, named } from './sql.ts';

/** What the engine knows of one collection, compiled once at start-up. */
export interface Collection {
  readonly name: CollectionName;
  readonly definition: CollectionDefinition;
  readonly checker: Checker;
  readonly codec: Codec;
  readonly compile: Compile;
  /** The table's name as SQL. */
  readonly table: string;
  readonly columns: readonly Column[];
  readonly at: At;
  readonly insert: string;
  readonly cache: AnswerCache | undefined;
  readonly pagings: Map<string, Paging>;
}

export function compileCollection(name: CollectionName, definition: CollectionDefinition): Collection {
  const checker = compileChecker(name, definition);
  const columns = readColumns(definition, checker.fields);
  const at = atOf(columns);
  return {
    name,
    definition,
    checker,
    codec: codecFor(checker.fields),
    columns,
    at,
    compile: compileFor(definition, at),
    table: named(name),
    insert: insertSql(name, columns),
    cache: cacheFor(name),
    pagings: new Map(),
  };
}

/** Turns the driver's errors into the store's own; every other error is thrown on as it is. */
export function translated<T>(collection: Collection, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const fault = readFault(cause);
    if (fault === undefined) throw cause;
    if (fault.kind === 'unavailable') throw fault.error;
    if (fault.kind === 'protected') throw new ProtectedRowError(collection.name, { cause });
    throw new DuplicateKeyError(collection.name, fault.fields, { cause });
  }
}

function whole(value: unknown, name: string, least: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new StoreUsageError(`${name} must be a whole number of at least ${least}`);
  }
  return value;
}

/** Whether it names rows by their ids. */
const isById = (condition: Condition): boolean =>
  (condition.kind === 'in' || (condition.kind === 'compare' && condition.operator === '$eq')) &&
  condition.path.text === '_id';

/**
 * The WHERE clause of a call: its filter, confined to its scope. Where the filter names ids, a plus keeps SQLite's
 * planner from walking an index of the whole organization instead.
 */
export function whereSql(collection: Collection, scope: Scope, filter: unknown, values: Value[]): string {
  const condition: Condition = readFilter(collection.checker.fields, filter);
  const parts = condition.kind === 'all' ? condition.parts : [condition];
  const byId = parts.find(isById);
  if (byId === undefined) return confined(collection, scope, condition, values);
  const found = collection.compile(byId, values);
  const others: Condition = { kind: 'all', parts: parts.filter((part) => part !== byId) };
  return `${found} AND +(${confined(collection, scope, others, values)})`;
}

function confined(collection: Collection, scope: Scope, condition: Condition, values: Value[]): string {
  if (scope === PLATFORM) return collection.compile(condition, values);
  values.push(scope);
  return `${collection.at('organizationId')} = ? AND ${collection.compile(condition, values)}`;
}

function orderSql(collection: Collection, sort: unknown): string {
  // The file is one process's, whose ids rise: their order is the order of arrival.
  if (sort === undefined || sort === ARRIVAL) return '_id';
  const keys = readSort(collection.checker.fields, sort);
  return keys.map(({ path, direction }) => `${collection.at(path.text)}${direction === -1 ? ' DESC' : ''}`).join(', ');
}

/** Whether a row that was found by its id lies inside the scope. */
const belongs = (scope: Scope, row: AnyRow): boolean => scope === PLATFORM || row.organizationId === scope;

/** The row with this id, decoded and as its JSON text. */
export function readDocById(
  collection: Collection,
  connection: ReadConnection,
  scope: Scope,
  id: unknown,
): { readonly doc: string; readonly row: AnyRow } | undefined {
  if (typeof id !== 'string') throw new StoreUsageError(`${collection.name}: an id must be a text`);
  if (id.includes('\0')) return undefined;
  const doc = translated(collection, () => connection.first(`SELECT doc FROM ${collection.table} WHERE _id = ?`, [id]));
  if (doc === undefined) return undefined;
  const row = collection.codec.decode(String(doc));
  return belongs(scope, row) ? { doc: String(doc), row } : undefined;
}

export const readById = (...of: Parameters<typeof readDocById>): AnyRow | undefined => readDocById(...of)?.row;

/** The query for the documents that match: its SQL, and the values of its question marks. */
export function selectSql(
  collection: Collection,
  scope: Scope,
  filter: unknown,
  options: FindOptions = {},
): { readonly sql: string; readonly values: readonly Value[] } {
  const values: Value[] = [];
  const where = whereSql(collection, scope, filter, values);
  const sql = `SELECT doc FROM ${collection.table} WHERE ${where} ORDER BY ${orderSql(collection, options.sort)}`;
  if (options.limit === undefined && options.skip === undefined) return { sql, values };
  // As a bare parameter SQLite would look at the number, and for that prepare the statement anew at each call.
  const limit = options.limit === undefined ? -1 : whole(options.limit, 'limit', 0);
  const skip = whole(options.skip ?? 0, 'skip', 0);
  if (skip === 0) return { sql: `${sql} LIMIT ${limit}`, values };
  values.push(skip);
  return { sql: `${sql} LIMIT ${limit} OFFSET (? + 0)`, values };
}

/** The documents that match, as their JSON texts. */
export function readDocs(
  collection: Collection,
  connection: ReadConnection,
  scope: Scope,
  filter: unknown,
  options?: FindOptions,
): string[] {
  const { sql, values } = selectSql(collection, scope, filter, options);
  return translated(collection, () => connection.all(sql, values)) as string[];
}

/** From where reads come. */
export interface Reading {
  readonly connection: ReadConnection;
  /** Whether it is the inside of a transaction. */
  readonly inside: boolean;
  /** Called first by every read; throws where reading is not allowed. */
  enter(): void;
  /** What a read waits for before it answers; undefined where nothing. */
  settled(): Promise<void> | undefined;
}

/** The reads of one collection. All are done when they are called; their promises only say when that may be told. */
export class CollectionReads {
  readonly #collection: Collection;
  readonly #reading: Reading;

  constructor(collection: Collection, reading: Reading) {
    this.#collection = collection;
    this.#reading = reading;
  }

  #told<T>(answer: T): T | Promise<T> {
    const settled = this.#reading.settled();
    return settled === undefined ? answer : settled.then(() => answer);
  }

  /** What a look-up without options answers, from the cache where the collection has one. */
  #lookUp(call: 'first' | 'all', scope: Scope, filter: unknown): readonly AnyRow[] {
    const read = () => this.#read(scope, filter, call === 'first' ? { limit: 1 } : undefined);
    const { cache } = this.#collection;
    return cache ? cache.answer(keyOf(call, scope, filter), this.#reading.inside, read) : read().rows;
  }

  #check(scope: unknown): asserts scope is Scope {
    this.#reading.enter();
    this.#collection.checker.scope(scope, 'read');
  }

  #find(scope: Scope, filter: unknown, options?: FindOptions): readonly AnyRow[] {
    return this.#read(scope, filter, options).rows;
  }

  #read(scope: Scope, filter: unknown, options?: FindOptions): Read {
    const docs = readDocs(this.#collection, this.#reading.connection, scope, filter, options);
    const rows = Object.freeze(docs.map(this.#collection.codec.decode));
    return { rows, text: docs.reduce((sum, doc) => sum + doc.length, 0) };
  }

  async get(scope: unknown, id: unknown): Promise<AnyRow | undefined> {
    this.#check(scope);
    const { cache } = this.#collection;
    return this.#told(
      cache && typeof id === 'string'
        ? this.#lookUp('first', scope, { _id: id })[0]
        : readById(this.#collection, this.#reading.connection, scope, id),
    );
  }

  async findOne(scope: unknown, filter: unknown, options: Pick<FindOptions, 'sort'> = {}): Promise<AnyRow | undefined> {
    this.#check(scope);
    const [row] =
      options.sort === undefined
        ? this.#lookUp('first', scope, filter)
        : this.#find(scope, filter, { ...options, limit: 1 });
    return this.#told(row);
  }

  async find(scope: unknown, filter: unknown, options?: FindOptions): Promise<readonly AnyRow[]> {
    this.#check(scope);
    return this.#told(options === undefined ? this.#lookUp('all', scope, filter) : this.#find(scope, filter, options));
  }

  async page(scope: unknown, filter: unknown, options: PageOptions): Promise<Page<AnyRow>> {
    this.#check(scope);
    const limit = whole(options.limit, 'limit', 1);
    const paging = this.#pagingBy(options.sort);
    const rest = options.cursor === undefined ? filter : { $and: [filter, paging.filterAfter(options.cursor)] };
    const rows = this.#find(scope, rest, { sort: paging.sort, limit: limit + 1 });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return this.#told(
      rows.length > limit && last !== undefined ? { items, nextCursor: paging.cursorAfter(last) } : { items },
    );
  }

  async count(scope: unknown, filter: unknown): Promise<number> {
    this.#check(scope);
    const values: Value[] = [];
    const where = whereSql(this.#collection, scope, filter, values);
    const sql = `SELECT count(*) FROM ${this.#collection.table} WHERE ${where}`;
    return this.#told(Number(translated(this.#collection, () => this.#reading.connection.first(sql, values))));
  }

  async *stream(scope: unknown, filter: unknown, options: { readonly batch?: number } = {}): AsyncGenerator<AnyRow> {
    const limit = whole(options.batch ?? 500, 'batch', 1);
    let after: unknown;
    while (true) {
      this.#check(scope);
      const rest = after === undefined ? filter : { $and: [filter, { _id: { $gt: after } }] };
      const rows = await this.#told(this.#find(scope, rest, { limit }));
      yield* rows;
      if (rows.length < limit) return;
      after = rows.at(-1)?._id;
    }
  }

  #pagingBy(sort: unknown): Paging {
    const key = JSON.stringify(sort ?? null);
    let paging = this.#collection.pagings.get(key);
    if (paging === undefined) {
      paging = pagingBy(this.#collection.checker.fields, sort);
      if (this.#collection.pagings.size < 100) this.#collection.pagings.set(key, paging);
    }
    return paging;
  }
}
