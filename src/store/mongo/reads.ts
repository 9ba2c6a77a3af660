import type { mongo } from 'mongoose';
import { type AnyRow, type Checker, deepFreeze } from '../checker.ts';
import { readSort } from '../condition.ts';
import { pagingBy } from '../cursor.ts';
import type { Fields } from '../fields.ts';
import { compareText } from '../order.ts';
import {
  ARRIVAL,
  type Filter,
  type FindOptions,
  type Page,
  type PageOptions,
  PLATFORM,
  type Reads,
  type Scope,
  StoreUsageError,
} from '../store.ts';
import type { Document, MongoCollection } from './collection.ts';
import { both, confine } from './filter.ts';
import type { Calls } from './run.ts';

type Where = mongo.Filter<Document>;
type Session = mongo.ClientSession | undefined;
type Order = [string, 1 | -1][];

/** Every answer leaves out what is the engine's own. */
export const visible = { projection: { _lock: 0, _arrival: 0 } } as const;

const streamBatch = 500;

/** The reads of one collection, outside of transactions or inside one. Rows are never hydrated. */
export class MongoReads<R> implements Reads<R> {
  protected readonly collection: MongoCollection;
  protected readonly checker: Checker;
  readonly #calls: Calls;

  constructor(collection: MongoCollection, checker: Checker, calls: Calls) {
    this.collection = collection;
    this.checker = checker;
    this.#calls = calls;
  }

  get(scope: Scope, id: string): Promise<R | undefined> {
    return this.#read(scope, async (session) => {
      const row = await this.collection.native.findOne(this.one(scope, id), { session, ...visible });
      return row === null ? undefined : this.answer(row);
    });
  }

  findOne(scope: Scope, filter: Filter<R>, options: Pick<FindOptions, 'sort'> = {}): Promise<R | undefined> {
    return this.#read(scope, async (session) => {
      const [row] = await this.#list(this.where(scope, filter), { ...options, limit: 1 }, session);
      return row;
    });
  }

  find(scope: Scope, filter: Filter<R>, options: FindOptions = {}): Promise<readonly R[]> {
    return this.#read(scope, async (session) =>
      Object.freeze(await this.#list(this.where(scope, filter), options, session)),
    );
  }

  page(scope: Scope, filter: Filter<R>, { sort, limit, cursor }: PageOptions): Promise<Page<R>> {
    return this.#read(scope, async (session) => {
      const paging = pagingBy(this.checker.fields, sort);
      const where = this.where(scope, filter);
      const after =
        cursor === undefined ? where : both(where, confine(this.checker.fields, PLATFORM, paging.filterAfter(cursor)));
      const rows = await this.#list(after, { sort: paging.sort, limit: whole(limit, 'limit', 1) + 1 }, session);
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      return rows.length > limit && last !== undefined
        ? { items, nextCursor: paging.cursorAfter(last as AnyRow) }
        : { items };
    });
  }

  count(scope: Scope, filter: Filter<R>): Promise<number> {
    return this.#read(scope, (session) =>
      this.collection.native.countDocuments(this.where(scope, filter), { session }),
    );
  }

  async *stream(scope: Scope, filter: Filter<R>, options: { readonly batch?: number } = {}): AsyncIterable<R> {
    const limit = whole(options.batch ?? streamBatch, 'batch', 1);
    for (let cursor: string | undefined; ; ) {
      const page: Page<R> = await this.page(scope, filter, { limit, cursor });
      yield* page.items;
      if (page.nextCursor === undefined) return;
      cursor = page.nextCursor;
    }
  }

  protected where(scope: Scope, filter: unknown): Where {
    return confine(this.checker.fields, scope, filter);
  }

  protected one(scope: Scope, id: unknown): Where {
    if (typeof id !== 'string') throw new StoreUsageError(`${this.collection.name}: an id is a text`);
    return this.where(scope, { _id: id });
  }

  protected answer(row: AnyRow): R {
    return deepFreeze(row) as R;
  }

  #read<T>(scope: Scope, call: (session: Session) => Promise<T>): Promise<T> {
    return this.#calls.read(this.collection, async (session) => {
      this.checker.scope(scope, 'read');
      return call(session);
    });
  }

  async #list(where: Where, { sort, limit, skip }: FindOptions, session: Session): Promise<R[]> {
    const order = sort === ARRIVAL ? arrival : orderOf(this.checker.fields, sort);
    if (limit !== undefined && whole(limit, 'limit', 0) === 0) return [];
    const cursor = this.collection.native.find(where, { session, ...visible });
    const isWhole = sort === undefined && limit === undefined && skip === undefined;
    if (!isWhole) cursor.sort(order);
    if (limit !== undefined) cursor.limit(limit);
    if (skip !== undefined) cursor.skip(whole(skip, 'skip', 0));
    const rows = await cursor.toArray();
    // Asked to sort by `_id`, the planner may walk the whole collection in that order; here nothing needs it to.
    if (isWhole) rows.sort((a, b) => compareText(a._id, b._id));
    return rows.map((row) => this.answer(row));
  }
}

const arrival: Order = [
  ['_arrival', 1],
  ['_id', 1],
];

const orderOf = (fields: Fields, sort: unknown): Order =>
  readSort(fields, sort).map(({ path, direction }) => [path.text, direction]);

function whole(value: unknown, name: string, least: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new StoreUsageError(`${name} must be a whole number of at least ${least}`);
  }
  return value;
}
