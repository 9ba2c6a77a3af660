import { setTimeout as pause } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { AppError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KeyedMutex } from '../../lib/keyed-mutex.ts';
import { within } from '../within.ts';
import { type Abandoned, patientMs } from './abandoned.ts';
import { isCommitUnknown, isTransient, isUnreachable, unavailable } from './failures.ts';
import { type Doom, Run } from './run.ts';

/** How long a transaction is tried before its caller hears that the store is unavailable; what it waits for its turn does not count. */
const patienceOfTries = 15_000;
/** So many times as long it may take with that, at most: each turn may be as long as its holder's patience. */
const patiencesInAll = 4;
/** How often a body is run again because a unique key was taken. */
const repeatsForDuplicates = 2;
const longestPauseMs = 200;
/** Who has the turn keeps others of the process waiting. */
const longestPauseInTurnMs = 50;
/**
 * A body waits for nothing but its `tx`: one that has asked it for nothing for so long is given up. One that has much to do
 * may go on for as long as the server lets it (`transactionLifetimeLimitSeconds`).
 */
const bodyTimeoutMs = 30_000;

const options: mongo.TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
};

/** What a committed body answered, and into which collections it inserted. */
export interface Committed<T> {
  readonly value: T;
  readonly inserted: ReadonlySet<string>;
}

type Outcome<T> = Committed<T> | Doom;

export interface Transactions {
  readonly client: mongo.MongoClient;
  readonly clock: Clock;
  /** Whether each body is first run once and rolled back. */
  readonly rehearse: boolean;
  /**
   * Turns at rows that many transactions of this process want to write at once. MongoDB lets the first one write and
   * turns all others away; coming back whenever they like, these would mostly meet each other again (64 writers of one
   * row: a seventh of the throughput of one). So who has met a conflict comes back in turn, before its next run opens, and
   * keeps its turn until it has written them: only other processes are in its way now, one transaction of each.
   */
  readonly turns: KeyedMutex;
  readonly abandoned: Abandoned;
  readonly patienceMs?: number | undefined;
}

/**
 * Runs `body` in a transaction until it commits: snapshot reads, commits acknowledged by a majority.
 * Conflicts with other transactions and lost connections run it again after a growing, random pause, and in turn with
 * those of this process that met the same conflict; a commit whose outcome is unknown is sent again by itself (MongoDB
 * knows a transaction that it has committed). What a dead process holds is taken from it.
 * Throws what the body threw; else what doomed the run; AppError('store_unavailable') when patience ends.
 */
export async function runTransaction<T>(
  { client, clock, rehearse, turns, abandoned, patienceMs = patienceOfTries }: Transactions,
  body: (run: Run) => Promise<T>,
): Promise<Committed<T>> {
  let begun = performance.now();
  const latest = begun + patiencesInAll * patienceMs;
  let tries = 0;
  let duplicates = 0;
  const session = startSession(client);

  /** Tries until it commits; or until what is in its way is no longer `rows`, and answers what is. */
  const tryFor = async (rows: string | undefined): Promise<Outcome<T>> => {
    for (;;) {
      const deadline = Math.min(begun + patienceMs, latest);
      const outcome = await attempt(session, clock, body, () => commit(session, deadline));
      if ('value' in outcome) return outcome;
      if (outcome.again === 'duplicate') duplicates += 1;
      if (outcome.again === undefined || duplicates > repeatsForDuplicates) throw outcome.error;
      if (performance.now() > deadline) {
        throw outcome.again === 'transient' ? unavailable(outcome.error) : outcome.error;
      }
      if (outcome.contested !== undefined && performance.now() - begun > patientMs) void abandoned.look();
      const longest = rows === undefined ? longestPauseMs : longestPauseInTurnMs;
      await pause(Math.random() * Math.min(longest, 2 ** (tries + 2)));
      tries += 1;
      if (outcome.contested !== rows) return outcome;
    }
  };

  try {
    let outcome: Outcome<T> | undefined = rehearse ? await attempt(session, clock, body, rollBack) : undefined;
    while (outcome === undefined || !('value' in outcome)) {
      const [rows, error] = [outcome?.contested, outcome?.error];
      const lined = performance.now();
      const inTurn = async () => {
        const now = performance.now();
        if (now > latest) throw unavailable(error);
        begun += now - lined;
        return tryFor(rows);
      };
      outcome = await (rows === undefined ? tryFor(rows) : turns.run(rows, inTurn));
    }
    return outcome;
  } finally {
    await session.endSession();
  }
}

function startSession(client: mongo.MongoClient): mongo.ClientSession {
  try {
    return client.startSession();
  } catch (error) {
    throw unavailable(error);
  }
}

async function rollBack(): Promise<void> {
  throw new Error('rehearsed');
}

async function attempt<T>(
  session: mongo.ClientSession,
  clock: Clock,
  body: (run: Run) => Promise<T>,
  finish: () => Promise<void>,
): Promise<Outcome<T>> {
  session.startTransaction(options);
  const run = new Run(session, clock.now());
  let thrown: Doom | undefined;
  try {
    const value = await within(bodyTimeoutMs, body(run), run);
    const doom = await run.end();
    if (doom === undefined) {
      await finish();
      return { value, inserted: run.inserted };
    }
    thrown = doom;
  } catch (error) {
    const doom = await run.end();
    // What the body makes of a failure counts, unless the failure is one that another run may not meet.
    const again = doom?.again ?? (isTransient(error) ? 'transient' : undefined);
    thrown = { error, again, contested: doom?.contested };
  }
  if (session.inTransaction()) await session.abortTransaction();
  return thrown;
}

async function commit(session: mongo.ClientSession, deadline: number): Promise<void> {
  for (;;) {
    try {
      await session.commitTransaction();
      return;
    } catch (error) {
      if (isTransient(error)) throw error;
      if (!isCommitUnknown(error)) throw isUnreachable(error) ? unavailable(error) : error;
      if (performance.now() > deadline) {
        const message =
          'The store has not confirmed the change: it may or may not have been made; look before trying again';
        throw new AppError('store_unavailable', message, { cause: error });
      }
      await pause(Math.random() * longestPauseMs);
    }
  }
}
