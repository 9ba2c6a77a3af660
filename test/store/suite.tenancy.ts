import { describe, expect, test } from '@jest/globals';
import { organizationCollections, type Store, type Transaction } from '../../src/store/index.ts';
import type { CollectionName } from '../../src/store/schemas/index.ts';
import { anyChange, anyRow } from './anyRow.ts';
import { newOrganization, type OpenStore, sharedStore, write } from './support.ts';

type Row = { readonly _id: string; readonly version: number };
interface Reads {
  get(scope: string, id: string): Promise<Row | undefined>;
  findOne(scope: string, filter: object): Promise<Row | undefined>;
  find(scope: string, filter: object): Promise<readonly Row[]>;
  page(scope: string, filter: object, options: { readonly limit: number }): Promise<{ readonly items: readonly Row[] }>;
  count(scope: string, filter: object): Promise<number>;
  stream(scope: string, filter: object): AsyncIterable<Row>;
}
interface Writes extends Reads {
  insert(scope: string, row: object): Promise<Row>;
  insertMany(scope: string, rows: readonly object[]): Promise<void>;
  update(scope: string, filter: object, change: object): Promise<number>;
  updateOne(scope: string, filter: object, change: object): Promise<Row | undefined>;
  updateEach(scope: string, changes: readonly { readonly id: string; readonly change: object }[]): Promise<number>;
  remove(scope: string, filter: object): Promise<number>;
  lock(scope: string, id: string): Promise<Row | undefined>;
  lockMany(scope: string, ids: readonly string[]): Promise<number>;
}

/** No method of any collection reaches into another organization (PRJ-1): walked over the schemas. */
export function tenancySuite(open: OpenStore): void {
  describe('tenant isolation of every method (PRJ-1)', () => {
    const store = sharedStore(open);
    const readsOf = (of: Store, name: CollectionName): Reads => of.read[name] as unknown as Reads;
    const writesOf = (tx: Transaction, name: CollectionName): Writes => tx[name] as unknown as Writes;

    /** All reads, asked in one organization for the row of another one; and for all rows. */
    async function expectBlind(reads: Reads, mine: string, own: Row, theirs: string, foreign: Row): Promise<void> {
      const byId = { _id: foreign._id };
      const sly = [byId, { organizationId: theirs }, { $or: [byId, { organizationId: theirs }] }];
      expect(await reads.get(mine, foreign._id)).toBeUndefined();
      for (const filter of sly) {
        expect(await reads.findOne(mine, filter)).toBeUndefined();
        expect(await reads.find(mine, filter)).toEqual([]);
        expect(await reads.count(mine, filter)).toBe(0);
        expect((await reads.page(mine, filter, { limit: 5 })).items).toEqual([]);
        for await (const row of reads.stream(mine, filter)) expect(row).toBeUndefined();
      }
      for (const filter of [{}, { $nor: [{ _id: 'nobody' }] }]) {
        expect(await reads.find(mine, filter)).toEqual([own]);
        expect(await reads.findOne(mine, filter)).toEqual(own);
        expect(await reads.count(mine, filter)).toBe(1);
        expect((await reads.page(mine, filter, { limit: 5 })).items).toEqual([own]);
        const streamed: Row[] = [];
        for await (const row of reads.stream(mine, filter)) streamed.push(row);
        expect(streamed).toEqual([own]);
      }
    }

    test.each(organizationCollections)('%s', async (name) => {
      const [mine, theirs] = [newOrganization(), newOrganization()];
      const [own, foreign] = await write(store(), async (tx) => [
        await writesOf(tx, name).insert(mine, anyRow(name, mine)),
        await writesOf(tx, name).insert(theirs, anyRow(name, theirs)),
      ]);
      if (own === undefined || foreign === undefined) throw new Error('nothing was inserted');
      await expectBlind(readsOf(store(), name), mine, own, theirs, foreign);
      const change = anyChange(name);
      await write(store(), async (tx) => {
        const writes = writesOf(tx, name);
        await expectBlind(writes, mine, own, theirs, foreign);
        for (const filter of [{ _id: foreign._id }, { organizationId: theirs }]) {
          expect(await writes.update(mine, filter, change)).toBe(0);
          expect(await writes.updateOne(mine, filter, change)).toBeUndefined();
          expect(await writes.remove(mine, filter)).toBe(0);
        }
        expect(await writes.updateEach(mine, [{ id: foreign._id, change }])).toBe(0);
        expect(await writes.lock(mine, foreign._id)).toBeUndefined();
        expect(await writes.lockMany(mine, [foreign._id])).toBe(0);
      });
      const smuggled = anyRow(name, theirs);
      await expect(write(store(), (tx) => writesOf(tx, name).insert(mine, smuggled))).rejects.toThrow();
      await expect(write(store(), (tx) => writesOf(tx, name).insertMany(mine, [smuggled]))).rejects.toThrow();
      // Without a filter, too, only one's own rows are touched.
      await write(store(), async (tx) => {
        expect(await writesOf(tx, name).update(mine, {}, change)).toBe(1);
        expect((await writesOf(tx, name).updateOne(mine, {}, change))?._id).toBe(own._id);
        expect(await writesOf(tx, name).remove(mine, {})).toBe(1);
      });
      expect(await readsOf(store(), name).find(theirs, {})).toEqual([foreign]);
    });
  });
}
