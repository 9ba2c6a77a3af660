import type { CollectionName } from './schemas/index.ts';
import type { ReadStore, Transaction } from './store.ts';

/**
 * The rows of the collection of this name, as far as `Rows` describes them: what runs over several collections says there
 * what all of them have. The one place where a name stands for a collection's own type.
 */
export const rowsByName = <Rows>(from: ReadStore | Transaction, name: CollectionName): Rows =>
  from[name] as unknown as Rows;
