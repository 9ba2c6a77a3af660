/**
 * The Store interface: named typed collections and transactions. Two engines implement it (sqlite/, mongo/) and one
 * suite in test/store proves that they behave alike. Every "must" below is a test there.
 */
import type { Maintained } from './define.ts';
import type { CollectionName, Row } from './schemas/index.ts';

export type { CollectionName, Row } from './schemas/index.ts';

/**
 * Whose rows a call touches: an organization's id, or PLATFORM. In a collection of organizations' rows, an id confines
 * the call to that organization's rows, and PLATFORM reads across all of them (finding a token by its hash, the relay,
 * the sweep): it must be refused for every write but `update` and `updateOne`. A platform collection takes PLATFORM only.
 */
export const PLATFORM: unique symbol = Symbol('platform');
export type Scope = string | typeof PLATFORM;

export type Scalar = string | number | boolean | Date;

/** Operators on one field, a subset of MongoDB's own. Anything else must throw, also where no row would match. */
export interface Operators<V> {
  readonly $eq?: V;
  /** Also matches rows without the field. */
  readonly $ne?: V;
  readonly $in?: readonly V[];
  readonly $gt?: V;
  readonly $gte?: V;
  readonly $lt?: V;
  readonly $lte?: V;
  readonly $exists?: boolean;
  /** Only patterns made by `startsWith`, `endsWith` and `contains` of filter.ts: literal text, case-sensitive. */
  readonly $regex?: string;
  /** On a field that holds a list of objects or of scalars: one element that matches it all. */
  readonly $elemMatch?: Readonly<Record<string, unknown>>;
}

type Condition<V> = [V] extends [Scalar]
  ? V | Operators<V>
  : V extends readonly (infer E)[]
    ? Operators<E>
    : Operators<never>;

/**
 * Which rows. All fields must match (and). A field may be a dotted path into an object or into free-form data
 * (`attributes.title`). Equality on a field that is declared as a list must throw: use $elemMatch. Comparisons are by
 * type: a number never matches a string; text compares by code point, case-sensitively; ranges match only rows that
 * have the field.
 */
export type Filter<R> = {
  readonly [K in keyof R & string]?: Condition<NonNullable<R[K]>>;
} & {
  readonly [path: `${string}.${string}`]: Scalar | Operators<Scalar>;
} & {
  readonly $and?: readonly Filter<R>[];
  readonly $or?: readonly Filter<R>[];
  readonly $nor?: readonly Filter<R>[];
};

/** Order of results: fields in turn, 1 upwards, -1 downwards; rows without the field sort below all others. `_id` decides ties. */
export type Sort = Readonly<Record<string, 1 | -1>>;

/**
 * Sorts rows by the order in which transactions wrote them: of two that followed one another, the later one's come later,
 * whatever the clocks of their processes say (by which ids are ordered). For collections and rows that keep it (`arrivals`).
 */
export const ARRIVAL: unique symbol = Symbol('arrival');

export interface FindOptions {
  readonly sort?: Sort | typeof ARRIVAL;
  /** At most this many rows; all of them where absent. */
  readonly limit?: number;
  readonly skip?: number;
}

export interface PageOptions {
  /** Default: by `_id`, upwards, which is the order of making. */
  readonly sort?: Sort;
  readonly limit: number;
  /** `nextCursor` of the page before; a text that is none must throw AppError('invalid_request'). */
  readonly cursor?: string | undefined;
}

export interface Page<R> {
  readonly items: readonly R[];
  /** Absent on the last page. Stays valid while rows are added and removed: nothing that stays is seen twice or skipped. */
  readonly nextCursor?: string;
}

export interface Reads<R> {
  get(scope: Scope, id: string): Promise<R | undefined>;
  /** The first by `sort`; by `_id` where absent. */
  findOne(scope: Scope, filter: Filter<R>, options?: Pick<FindOptions, 'sort'>): Promise<R | undefined>;
  find(scope: Scope, filter: Filter<R>, options?: FindOptions): Promise<readonly R[]>;
  page(scope: Scope, filter: Filter<R>, options: PageOptions): Promise<Page<R>>;
  count(scope: Scope, filter: Filter<R>): Promise<number>;
  /** All rows by `_id`, fetched in pages by key: pins no snapshot, sees changes made meanwhile. */
  stream(scope: Scope, filter: Filter<R>, options?: { readonly batch?: number }): AsyncIterable<R>;
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A row to insert: all but what the store maintains. */
export type NewRow<R> = DistributiveOmit<R, Maintained>;

/** Fields to set and to remove. `version` rises by one and `updatedAt` moves with every change. */
export interface Change<R> {
  readonly $set?: Partial<Omit<R, '_id' | 'organizationId' | Maintained>>;
  readonly $unset?: Readonly<Partial<Record<Exclude<keyof R & string, '_id' | 'organizationId' | Maintained>, true>>>;
  readonly $inc?: Readonly<Record<string, number>>;
}

/** What becomes of the row with this id. */
export interface RowChange<R> {
  readonly id: string;
  readonly change: Change<R>;
}

export interface Writes<R> extends Reads<R> {
  /** Answers the row(s) as stored. A row that breaks its schema must throw, a taken unique key DuplicateKeyError. */
  insert(scope: Scope, row: NewRow<R>): Promise<R>;
  insertMany(scope: Scope, rows: readonly NewRow<R>[]): Promise<void>;
  /** Changes all that match; answers how many. */
  update(scope: Scope, filter: Filter<R>, change: Change<R>): Promise<number>;
  /** Changes the first that matches (by `_id`) and answers it as it is now; undefined where none did. */
  updateOne(scope: Scope, filter: Filter<R>, change: Change<R>): Promise<R | undefined>;
  /** Changes each of these rows in its own way, in one step; answers how many of them there were. */
  updateEach(scope: Scope, changes: readonly RowChange<R>[]): Promise<number>;
  /** Removes all that match; answers how many. A protected row that matches must throw ProtectedRowError. */
  remove(scope: Scope, filter: Filter<R>): Promise<number>;
  /**
   * Makes sure that this row, which the transaction relies on but does not write, is neither changed nor removed by
   * another transaction before this one commits; answers it as it is, undefined where there is none.
   */
  lock(scope: Scope, id: string): Promise<R | undefined>;
  /** The same for many rows in one step; answers how many of them there are. */
  lockMany(scope: Scope, ids: readonly string[]): Promise<number>;
}

/** Who makes a change, and by which request: on history rows, audit events and jobs. */
export interface Cause {
  /** `operator`, `account:<id>`, `service:<id>`, `directory:<id>`, `job:<name>`, `system`. */
  readonly actor: string;
  /** With Gatehouse-Act-As: the account whose rights the operator used. */
  readonly onBehalfOf?: string;
  readonly requestId: string;
  /** From where the request came, where it came from outside (AUD-1). */
  readonly from?: Origin | undefined;
}

/** The address as the proxies that are trusted tell it, and what the client calls itself. */
export interface Origin {
  readonly address?: string;
  readonly userAgent?: string;
}

export type ReadStore = { readonly [N in CollectionName]: Reads<Row<N>> };

export type Transaction = { readonly [N in CollectionName]: Writes<Row<N>> } & {
  readonly cause: Cause;
  /** The instant of this run of the transaction; `createdAt` and `updatedAt` of all that it writes. */
  readonly at: Date;
};

export interface TransactionOptions {
  /**
   * Transactions of this process with the same line run one after another, in the order of calls, where they would else
   * abort each other: for many writers of one row, such as a group. It only saves work; correctness needs no line.
   */
  readonly line?: string | undefined;
}

export interface Store {
  readonly engine: 'sqlite' | 'mongodb';
  /** Committed data only. */
  readonly read: ReadStore;
  /**
   * Runs `work`, commits, and only then answers. `work` touches nothing but its `tx` and may be run again (transient
   * conflicts; a unique key taken meanwhile: its own look-up then sees the winner). If it throws, or if any of its
   * writes failed (even one whose error it caught), nothing of it remains. Opening a transaction or using `store.read`
   * inside `work` must throw.
   */
  transaction<T>(cause: Cause, work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Calls `listener` after each commit that inserted into this collection. Answers the function that ends it. */
  onInsert(collection: CollectionName, listener: () => void): () => void;
  /** Throws where the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A write ran into a unique index. Use cases look first and refuse with their own code; this is what a race leaves. */
export class DuplicateKeyError extends Error {
  readonly collection: string;
  /** The indexed fields, in order. */
  readonly fields: readonly string[];

  constructor(collection: string, fields: readonly string[], options?: ErrorOptions) {
    super(`${collection}: another row has the same ${fields.join(', ')}`, options);
    this.name = 'DuplicateKeyError';
    this.collection = collection;
    this.fields = fields;
  }
}

/** The store's own refusal to change or remove a protected row (OWN-6). */
export class ProtectedRowError extends Error {
  constructor(collection: string, options?: ErrorOptions) {
    super(`${collection}: the row is protected`, options);
    this.name = 'ProtectedRowError';
  }
}

/** A row, change or filter that the schemas do not allow: a fault of the caller's code, never of a user. */
export class StoreUsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StoreUsageError';
  }
}
