/** What MongoDB's driver throws, and what becomes of it (OPS-2): a body runs again, or hears that the store is unavailable. */
import { describe, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import type { MongoCollection } from '../../src/store/mongo/collection.ts';
import { isLost, isUnreachable, translate } from '../../src/store/mongo/failures.ts';

const collection = { name: 'accounts', indexes: [] } as unknown as MongoCollection;

/** As the driver wraps what befell a step that writes many rows. */
function ofBulk(error: Error): mongo.MongoBulkWriteError {
  const result = { insertedCount: 0 } as mongo.BulkWriteResult;
  return new mongo.MongoBulkWriteError(error as unknown as mongo.AnyError, result);
}

describe('a step that writes many rows tells what befell it', () => {
  test.each([
    ['its connection broke', new mongo.MongoNetworkError('connection 29 to 127.0.0.1:27017 closed')],
    ['no answer came in time', new mongo.MongoNetworkTimeoutError('timed out')],
    ['no server was found', new mongo.MongoServerSelectionError('no primary', {} as mongo.TopologyDescription)],
  ])('%s: again, and at last unavailable', (_what, error) => {
    for (const thrown of [error, ofBulk(error)]) {
      expect(isLost(thrown)).toBe(true);
      expect(isUnreachable(thrown)).toBe(true);
      expect(translate(collection, thrown)).toMatchObject({ code: 'store_unavailable' });
    }
  });

  test('a row that was refused is none of these', () => {
    const refused = new mongo.MongoServerError({ message: 'Document failed validation', code: 2 });
    for (const thrown of [refused, ofBulk(refused)]) {
      expect(isLost(thrown)).toBe(false);
      expect(isUnreachable(thrown)).toBe(false);
      expect(translate(collection, thrown)).toBe(thrown);
    }
  });
});
