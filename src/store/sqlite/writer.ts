import { AsyncResource } from 'node:async_hooks';
import { AppError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { MarkMoves } from '../marks.ts';
import type { Nesting } from '../nesting.ts';
import type { Cause, CollectionName, Transaction } from '../store.ts';
import { within } from '../within.ts';
import type { AnswerCache } from './cache.ts';
import { type Connection, readFault } from './driver.ts';
import { Flushes } from './flushes.ts';
import { type Collections, Run, transactionClass } from './transaction.ts';

/** A transaction in the queue, from the call until its commit. */
interface Waiting {
  readonly cause: Cause;
  readonly work: (tx: Transaction) => Promise<unknown>;
  /** The caller's asynchronous context: request ids and traces reach into the body. */
  readonly context: AsyncResource;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What one body came to. Its caller hears of it after the flush: a refusal may rest on what another one has written. */
interface Outcome {
  readonly waiting: Waiting;
  readonly inserted: ReadonlySet<CollectionName>;
  readonly wrote: boolean;
  settle(): void;
}

export interface WriterOptions {
  readonly connection: Connection;
  readonly collections: Collections;
  readonly clock: Clock;
  readonly nesting: Nesting;
  /** Whether the store itself keeps protected rows (OWN-6). */
  readonly protection: boolean;
  /** Runs every body once and rolls it back before it runs for good. */
  readonly rehearse: boolean;
  /** A body that has asked for nothing for this time, and has not settled, is given up. */
  readonly bodyTimeoutMs: number;
  /** For tests: no further transaction joins a commit after so long. */
  readonly longestBatchMs?: number;
  /** Told into which collections a commit inserted, once it is on the disk. */
  readonly committed: (inserted: ReadonlySet<CollectionName>) => void;
  /** Called once, after a flush that failed. */
  readonly lost: (error: unknown) => void;
}

/** So many transactions share a commit at most, and no further one joins after so long: the first ones wait for it. */
const mostPerCommit = 64;
const usualLongestBatchMs = 20;

/** The driver's own errors as the product's; every other error as it is. */
function readable(error: unknown): unknown {
  const fault = readFault(error);
  return fault?.kind === 'unavailable' ? fault.error : error;
}

/** Ends the open transaction. Where even that fails, the next one cannot begin, and says so. */
function rollBack(connection: Connection): void {
  try {
    if (connection.isInTransaction()) connection.run('ROLLBACK', []);
  } catch {}
}

function rollBackTo(connection: Connection): void {
  connection.run('ROLLBACK TO body', []);
  connection.run('RELEASE body', []);
}

/**
 * The single writer. Transactions wait in a queue; each turn opens one SQLite transaction, runs the waiting bodies one
 * after another, each under a savepoint of its own, and commits once. They are answered when the log is on the disk:
 * one flush for all, on a thread beside, while the next turn has begun.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #Transaction: new (
    run: Run,
  ) => object;
  readonly #caches: readonly AnswerCache[];
  readonly #queue: Waiting[] = [];
  readonly #flushes: Flushes;
  #turning: Promise<void> | undefined;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#flushes = new Flushes(async () => options.connection.flush(), options.lost);
    this.#caches = Object.values(options.collections).flatMap(({ cache }) => cache ?? []);
    this.#Transaction = transactionClass(Object.keys(options.collections) as CollectionName[]);
  }

  transaction(cause: Cause, work: (tx: Transaction) => Promise<unknown>): Promise<unknown> {
    if (this.#closed) return Promise.reject(new AppError('shutting_down', 'The store is closed.'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ cause, work, context: new AsyncResource('GatehouseTransaction'), resolve, reject });
      this.#turning ??= this.#turn();
    });
  }

  /** Refuses new transactions and waits until those in the queue are done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turning;
    await this.flushed()?.catch(() => undefined);
  }

  /**
   * Resolves when all that is committed now is on the disk; undefined where it is. Who has read it may not speak of it
   * sooner. Throws AppError('store_unavailable') where it cannot be put there.
   */
  flushed(): Promise<void> | undefined {
    return this.#flushes.pending();
  }

  /** Whether a flush has failed, after which nothing is written or told any more. */
  get failed(): boolean {
    return this.#flushes.failure !== undefined;
  }

  /** Works until the queue is empty; lets reads, sockets and timers have their turn between two commits. */
  async #turn(): Promise<void> {
    do {
      await new Promise(setImmediate);
      await this.#commitBatch();
      if (!this.failed && this.#options.connection.endLong()) {
        await new Promise(setImmediate);
        this.#options.connection.checkpoint();
      }
    } while (this.#queue.length > 0);
    this.#turning = undefined;
  }

  /** What a long transaction has written so far goes to the disk as it goes on, so that little is left for its end. */
  #spill(): void {
    this.#options.connection.spill();
    if (this.#flushes.pending() === undefined) this.#flushes.request().catch(() => undefined);
  }

  async #commitBatch(): Promise<void> {
    const { connection, longestBatchMs = usualLongestBatchMs } = this.#options;
    const outcomes: Outcome[] = [];
    let current: Waiting | undefined;
    const refuseAll = (waiting: readonly Waiting[], error: unknown): void => {
      for (const each of waiting) each.reject(readable(error));
    };
    const { failure } = this.#flushes;
    if (failure) return refuseAll(this.#queue.splice(0), failure.error);
    try {
      connection.begin();
    } catch (error) {
      return refuseAll(this.#queue.splice(0, mostPerCommit), error);
    }
    try {
      const started = performance.now();
      while (outcomes.length < mostPerCommit) {
        const late = outcomes.length > 0 && performance.now() - started >= longestBatchMs;
        current = late ? undefined : this.#queue.shift();
        if (current === undefined) break;
        outcomes.push(await this.#runInSavepoint(current));
        current = undefined;
        // A full disk or a failed read ends the whole SQLite transaction, and with it what the others have written.
        if (!connection.isInTransaction()) throw new AppError('store_unavailable', 'The data file cannot be written.');
      }
      connection.run('COMMIT', []);
    } catch (error) {
      rollBack(connection);
      return refuseAll([...outcomes.map(({ waiting }) => waiting), ...(current ? [current] : [])], error);
    } finally {
      for (const cache of this.#caches) cache.settle();
    }
    const flushed = outcomes.some(({ wrote }) => wrote) ? this.#flushes.request() : this.#flushes.pending();
    if (flushed === undefined) this.#answer(outcomes);
    else
      flushed.then(
        () => this.#answer(outcomes),
        (error: unknown) =>
          refuseAll(
            outcomes.map(({ waiting }) => waiting),
            error,
          ),
      );
  }

  #answer(outcomes: readonly Outcome[]): void {
    const inserted = new Set(outcomes.flatMap((outcome) => [...outcome.inserted]));
    for (const outcome of outcomes) outcome.settle();
    if (inserted.size > 0) this.#options.committed(inserted);
  }

  async #runInSavepoint(waiting: Waiting): Promise<Outcome> {
    const { connection } = this.#options;
    try {
      if (this.#options.rehearse) {
        connection.run('SAVEPOINT body', []);
        await this.#runBody(waiting).catch(() => undefined);
        rollBackTo(connection);
      }
      connection.run('SAVEPOINT body', []);
      const { answer, run } = await this.#runBody(waiting);
      connection.run('RELEASE body', []);
      return { waiting, inserted: run.inserted, wrote: run.wrote, settle: () => waiting.resolve(answer) };
    } catch (error) {
      if (connection.isInTransaction()) rollBackTo(connection);
      return { waiting, inserted: new Set(), wrote: false, settle: () => waiting.reject(readable(error)) };
    }
  }

  async #runBody({ cause, work, context }: Waiting): Promise<{ answer: unknown; run: Run }> {
    const { connection, collections, clock, nesting, protection } = this.#options;
    const moves = protection ? new MarkMoves() : undefined;
    const place = { collections, connection, spill: () => this.#spill() };
    const run = new Run(place, cause, clock.now(), moves);
    try {
      const tx = new this.#Transaction(run) as Transaction;
      const body = context.runInAsyncScope(() => nesting.run(() => work(tx)));
      // One that waits for anything but its `tx` must not hold up the writer for ever; one that has much to do may take its time.
      const answer = await within(this.#options.bodyTimeoutMs, body, run);
      if (run.failure !== undefined) throw run.failure.error;
      await moves?.refuseLost(tx);
      return { answer, run };
    } finally {
      run.end();
    }
  }
}
