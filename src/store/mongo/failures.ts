import { mongo } from 'mongoose';
import { AppError } from '../../errors.ts';
import { DuplicateKeyError, ProtectedRowError } from '../store.ts';
import type { MongoCollection } from './collection.ts';

const duplicateKey = 11_000;
const validatorRefused = 121;
const writeConflict = 112;
/** Somebody has ended the session, or the operation, while the command ran: the server puts no label on this one. */
const interrupted = 11_601;
const noSuchTransaction = 251;

/**
 * The server is shutting down, or is no longer (or not yet) the primary:
 * https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
const noPrimaryHere: ReadonlySet<unknown> = new Set([
  6, 7, 89, 91, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436,
]);

/**
 * A step that writes many rows throws an error of its own whatever befell it. Where a connection broke after the driver had noticed that the
 * server is gone, or none was found, that error bears no label, and only the one within says so.
 */
const withinBulk = (error: unknown): unknown =>
  error instanceof mongo.MongoBulkWriteError && error.errorResponse instanceof mongo.MongoError
    ? error.errorResponse
    : error;

/** What a failed call says of its transaction. */
export function isTransient(error: unknown): boolean {
  return error instanceof mongo.MongoError && error.hasErrorLabel('TransientTransactionError');
}

/** Whether another transaction has written, or is about to, what this call wanted to write. */
export function isConflict(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === writeConflict;
}

/**
 * The commit was sent, and nobody knows what became of it: only sending it again tells. A server that knows no such
 * transaction and could not have a majority confirm that does not call it transient.
 */
export function isCommitUnknown(error: unknown): boolean {
  if (!(error instanceof mongo.MongoError) || isTransient(error)) return false;
  const { code } = error;
  return error.hasErrorLabel('UnknownTransactionCommitResult') || code === interrupted || code === noSuchTransaction;
}

/**
 * Whether the connection broke, no primary was found in time, or the command was ended: a transaction is then tried again,
 * from its start.
 */
export function isLost(thrown: unknown): boolean {
  const error = withinBulk(thrown);
  if (!(error instanceof mongo.MongoError)) return false;
  const labels = ['RetryableWriteError', 'RetryableError', 'ResetPool'];
  return (
    error instanceof mongo.MongoNetworkError ||
    error instanceof mongo.MongoSystemError ||
    noPrimaryHere.has(error.code) ||
    error.code === interrupted ||
    labels.some((label) => error.hasErrorLabel(label))
  );
}

/** Whether the store does not answer at the moment; later it may well do. */
export function isUnreachable(thrown: unknown): boolean {
  const error = withinBulk(thrown);
  return (
    isLost(error) ||
    error instanceof mongo.MongoNotConnectedError ||
    error instanceof mongo.MongoTopologyClosedError ||
    error instanceof mongo.MongoClientClosedError ||
    (error instanceof Error && error.name === 'MongooseServerSelectionError')
  );
}

export function unavailable(error: unknown): AppError {
  return new AppError('store_unavailable', 'The store does not answer at the moment; try again', { cause: error });
}

/** The store's own error for what the driver threw; anything unknown as it is. */
export function translate(collection: MongoCollection, error: unknown): unknown {
  if (error instanceof mongo.MongoServerError) {
    if (error.code === duplicateKey) {
      return new DuplicateKeyError(collection.name, takenFields(collection, error), { cause: error });
    }
    if (error.code === validatorRefused) return new ProtectedRowError(collection.name, { cause: error });
  }
  return isUnreachable(error) ? unavailable(error) : error;
}

/** Bulk errors carry no key pattern: the index is then known by the name in the message. */
function takenFields(collection: MongoCollection, error: mongo.MongoServerError): readonly string[] {
  const pattern: unknown = error.keyPattern;
  if (typeof pattern === 'object' && pattern !== null) return Object.keys(pattern);
  const name = /index: (\S+) dup key/.exec(error.message)?.[1];
  if (name === '_id_') return ['_id'];
  return collection.indexes.find((index) => index.name === name)?.fields ?? [];
}

/** Whether the driver or the server threw it; a server aborts the transaction of a command that it refuses. */
export function isDriverError(error: unknown): boolean {
  return error instanceof mongo.MongoError;
}
