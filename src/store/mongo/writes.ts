import { mongo } from 'mongoose';
import { endedVersion, firstVersion, nextVersion } from '../change.ts';
import { type AnyRow, attribution, type CheckedChange, type Checker, checkTenant } from '../checker.ts';
import type { MarkMoves } from '../marks.ts';
import {
  type Cause,
  type Change,
  type Filter,
  type NewRow,
  ProtectedRowError,
  type RowChange,
  type Scope,
  type Writes,
} from '../store.ts';
import type { Document, MongoCollection, MongoCollections } from './collection.ts';
import { both } from './filter.ts';
import { MongoReads, visible } from './reads.ts';
import type { Run } from './run.ts';

type Where = mongo.Filter<Document>;
type Session = mongo.ClientSession;

/** The driver's typings know no fields but declared ones. */
const updating = (update: object) => update as mongo.UpdateFilter<Document>;

const lockOnce = updating({ $inc: { _lock: 1 } });

/** What the writes of one run share. */
export interface WriteContext {
  readonly run: Run;
  readonly cause: Cause;
  readonly collections: MongoCollections;
  /** Whether the store itself keeps protected rows (OWN-6). */
  readonly protection: boolean;
  readonly moves: MarkMoves;
}

/** The reads and writes of one collection inside one run of a transaction. */
export class MongoWrites<R> extends MongoReads<R> implements Writes<R> {
  readonly #context: WriteContext;

  constructor(collection: MongoCollection, checker: Checker, context: WriteContext) {
    super(collection, checker, context.run);
    this.#context = context;
  }

  insert(scope: Scope, row: NewRow<R>): Promise<R> {
    return this.#write(scope, 'write', '', async (session) => {
      const document = this.#newDocument(scope, row);
      await this.collection.native.insertOne(this.#stamped(document), { session });
      return this.answer(document);
    });
  }

  insertMany(scope: Scope, rows: readonly NewRow<R>[]): Promise<void> {
    return this.#write(scope, 'write', '', async (session) => {
      const documents = rows.map((row) => this.#stamped(this.#newDocument(scope, row)));
      if (documents.length > 0) await this.collection.native.insertMany(documents, { session });
    });
  }

  update(scope: Scope, filter: Filter<R>, change: Change<R>): Promise<number> {
    return this.#write(scope, 'update', filter, async (session) => {
      const checked = this.#checked(scope, change);
      const where = await this.#ending(this.where(scope, filter), session);
      if (where === undefined) return 0;
      const { matchedCount } = await this.collection.native.updateMany(where, this.#updateOf(checked), { session });
      return matchedCount;
    });
  }

  updateOne(scope: Scope, filter: Filter<R>, change: Change<R>): Promise<R | undefined> {
    return this.#write(scope, 'update', filter, async (session) => {
      const checked = this.#checked(scope, change);
      const { definition, native } = this.collection;
      const row = await native.findOneAndUpdate(this.where(scope, filter), this.#updateOf(checked), {
        session,
        ...visible,
        sort: { _id: 1 },
        returnDocument: definition.history ? 'before' : 'after',
      });
      if (row === null) return undefined;
      if (!definition.history) return this.answer(row);
      await this.#recordEnded([row], session);
      return this.answer(nextVersion(definition, row, checked, this.#context.cause, this.#context.run.at));
    });
  }

  updateEach(scope: Scope, changes: readonly RowChange<R>[]): Promise<number> {
    const ids = changes.map(({ id }) => id);
    return this.#write(scope, 'update', ids, async (session) => {
      const updates = changes.map(({ id, change }) => ({
        filter: this.one(scope, id),
        update: this.#updateOf(this.#checked(scope, change)),
      }));
      if (updates.length === 0) return 0;
      const { definition, native } = this.collection;
      if (!definition.history) {
        const { matchedCount } = await native.bulkWrite(
          updates.map((updateOne) => ({ updateOne })),
          { session },
        );
        return matchedCount;
      }
      let changed = 0;
      for (const { filter, update } of updates) {
        const row = await native.findOneAndUpdate(filter, update, { session, ...visible, returnDocument: 'before' });
        if (row === null) continue;
        await this.#recordEnded([row], session);
        changed += 1;
      }
      return changed;
    });
  }

  remove(scope: Scope, filter: Filter<R>): Promise<number> {
    return this.#write(scope, 'write', filter, async (session) => {
      const asked = this.where(scope, filter);
      await this.#refuseProtected(asked, session);
      const where = await this.#ending(asked, session);
      if (where === undefined) return 0;
      const { deletedCount } = await this.collection.native.deleteMany(where, { session });
      return deletedCount;
    });
  }

  /**
   * Writes the row's hidden counter, so that a concurrent change or removal of the row conflicts with this transaction:
   * snapshot isolation alone would let both commit.
   */
  lock(scope: Scope, id: string): Promise<R | undefined> {
    return this.#write(scope, 'write', { _id: id }, async (session) => {
      const row = await this.collection.native.findOneAndUpdate(this.one(scope, id), lockOnce, {
        session,
        ...visible,
        returnDocument: 'after',
      });
      return row === null ? undefined : this.answer(row);
    });
  }

  lockMany(scope: Scope, ids: readonly string[]): Promise<number> {
    return this.#write(scope, 'write', ids, async (session) => {
      const where = this.where(scope, { _id: { $in: ids } });
      const { matchedCount } = await this.collection.native.updateMany(where, lockOnce, { session });
      return matchedCount;
    });
  }

  #write<T>(
    scope: Scope,
    call: 'update' | 'write',
    rows: unknown,
    steps: (session: Session) => Promise<T>,
  ): Promise<T> {
    return this.#context.run.write(this.collection, JSON.stringify(rows), async (session) => {
      this.checker.scope(scope, call);
      return steps(session);
    });
  }

  #checked(scope: Scope, change: Change<R>): CheckedChange {
    const checked = this.checker.change(change);
    if (this.#context.protection) this.#context.moves.note(this.collection.definition, scope, checked);
    return checked;
  }

  #newDocument(scope: Scope, row: unknown): Document {
    const { cause, run } = this.#context;
    const checked = this.checker.newRow(row);
    checkTenant(this.collection.name, scope, checked);
    run.inserted.add(this.collection.name);
    return firstVersion(this.collection.definition, checked, cause, run.at) as Document;
  }

  /** The server writes its own time, which never goes back, for a timestamp that is empty. */
  #stamped(document: Document): Document {
    return this.collection.definition.arrivals ? { ...document, _arrival: new mongo.Timestamp(0n) } : document;
  }

  #updateOf({ set, unset, increase }: CheckedChange): mongo.UpdateFilter<Document> {
    const { cause, run } = this.#context;
    const changedBy = this.collection.definition.history ? { changedBy: attribution(cause) } : {};
    return updating({
      $set: { ...set, updatedAt: run.at, ...changedBy },
      $inc: { ...increase, version: 1 },
      ...(unset.length > 0 && { $unset: Object.fromEntries(unset.map((name) => [name, 1 as const])) }),
    });
  }

  /**
   * Which rows a write that ends versions is about to touch, once what it ends is in `history`: in the transaction's
   * snapshot they cannot become others. Undefined where there are none.
   */
  async #ending(where: Where, session: Session): Promise<Where | undefined> {
    if (!this.collection.definition.history) return where;
    const rows = await this.collection.native.find(where, { session, ...visible }).toArray();
    if (rows.length === 0) return undefined;
    await this.#recordEnded(rows, session);
    return { _id: { $in: rows.map(({ _id }) => _id) } };
  }

  async #recordEnded(rows: readonly Document[], session: Session): Promise<void> {
    const { cause, collections, run } = this.#context;
    const { name } = this.collection;
    const ended = rows.map((row) => endedVersion(name, freeForm(row) as AnyRow, cause, run.at) as Document);
    await collections.history.native.insertMany(ended, { session });
    run.inserted.add('history');
  }

  /** A protected row goes only with its organization. */
  async #refuseProtected(where: Where, session: Session): Promise<void> {
    const { collections, protection } = this.#context;
    const protects = this.collection.definition.protection;
    if (!protection || protects === undefined) return;
    const rows = await this.collection.native
      .find(both(where, { ...protects.when }), { session, projection: { organizationId: 1 } })
      .toArray();
    if (rows.length === 0) return;
    const owners = rows.map((row) => String(row.organizationId));
    const standing = await collections.organizations.native.findOne({ _id: { $in: owners } }, { session });
    if (standing !== null) throw new ProtectedRowError(this.collection.name);
  }
}

/** A row as free-form data: its dates as milliseconds. */
function freeForm(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) return value.map(freeForm);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, freeForm(item)]));
}
