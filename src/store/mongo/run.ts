import type { mongo } from 'mongoose';
import { DuplicateKeyError, StoreUsageError } from '../store.ts';
import type { MongoCollection } from './collection.ts';
import { isConflict, isDriverError, isLost, isTransient, translate } from './failures.ts';

const nothing = () => {};

/** How a collection's calls reach the database: outside of transactions, or one after the other inside one. */
export interface Calls {
  read<T>(collection: MongoCollection, call: (session?: mongo.ClientSession) => Promise<T>): Promise<T>;
}

/** Why nothing of a run may remain, and whether running the body again may go better. */
export interface Doom {
  readonly error: unknown;
  readonly again: 'transient' | 'duplicate' | undefined;
  /** Where another transaction was in the way: what both wanted to write. */
  readonly contested?: string | undefined;
}

/**
 * One run of a transaction's body. MongoDB takes one command of a session at a time, so calls queue here, each write
 * with all its steps; the first failure dooms the run (MongoDB has then aborted it), whatever the body makes of it.
 */
export class Run implements Calls {
  readonly at: Date;
  readonly inserted = new Set<string>();
  /** When a call of the body last came to its end; in the milliseconds of performance.now(). */
  lastCallAt = performance.now();
  readonly #session: mongo.ClientSession;
  #doom: Doom | undefined;
  #last: Promise<void> = Promise.resolve();
  #over = false;

  constructor(session: mongo.ClientSession, at: Date) {
    this.#session = session;
    this.at = at;
  }

  read<T>(collection: MongoCollection, call: (session: mongo.ClientSession) => Promise<T>): Promise<T> {
    return this.#inTurn(collection, call, isDriverError, undefined);
  }

  /** `rows` names what the call writes, alike for calls that write the same. */
  write<T>(collection: MongoCollection, rows: string, call: (session: mongo.ClientSession) => Promise<T>): Promise<T> {
    return this.#inTurn(collection, call, () => true, `${collection.name} ${rows}`);
  }

  /** Ends the run: waits for calls that the body did not await, takes no more, and says whether it may be committed. */
  async end(): Promise<Doom | undefined> {
    this.#over = true;
    await this.#last;
    return this.#doom;
  }

  #inTurn<T>(
    collection: MongoCollection,
    call: (session: mongo.ClientSession) => Promise<T>,
    dooms: (error: unknown) => boolean,
    writes: string | undefined,
  ): Promise<T> {
    if (this.#over)
      return Promise.reject(new StoreUsageError('this transaction is over: await every call inside its body'));
    const answer = this.#last.then(async () => {
      if (this.#doom !== undefined) throw this.#doom.error;
      try {
        return await call(this.#session);
      } catch (error) {
        const translated = translate(collection, error);
        if (dooms(error)) {
          const contested = isConflict(error) ? writes : undefined;
          this.#doom = { error: translated, again: reasonToRepeat(error, translated), contested };
        }
        throw translated;
      } finally {
        this.lastCallAt = performance.now();
      }
    });
    this.#last = answer.then(nothing, nothing);
    return answer;
  }
}

/** A unique key may have been taken after this run's snapshot: the next run's own look-up then sees the winner. */
function reasonToRepeat(error: unknown, translated: unknown): Doom['again'] {
  if (isTransient(error) || isLost(error)) return 'transient';
  return translated instanceof DuplicateKeyError ? 'duplicate' : undefined;
}
