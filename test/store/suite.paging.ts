import { describe, expect, test } from '@jest/globals';
import { type Filter, type Row, type Sort, type Store, StoreUsageError } from '../../src/store/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

type Job = Row<'outbox'>;

async function pages(
  store: Store,
  org: string,
  filter: Filter<Job>,
  sort: Sort | undefined,
  limit: number,
): Promise<Job[]> {
  const items: Job[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.read.outbox.page(org, filter, { limit, cursor, ...(sort && { sort }) });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

const names = (found: readonly Job[]): string[] => found.map((row) => `${row.job}${row.error ?? '-'}`);

/** Order, limits, and pages that stay put while rows come and go. */
export function pagingSuite(open: OpenStore): void {
  describe('order and pages', () => {
    const store = sharedStore(open);

    async function insert(org: string, given: readonly Partial<Job>[]): Promise<void> {
      await write(store(), (tx) =>
        tx.outbox.insertMany(
          org,
          given.map((row) => rows.job(org, row)),
        ),
      );
    }

    test('the default order is the order of making', async () => {
      const org = newOrganization();
      await insert(org, [{ job: 'c' }, { job: 'a' }, { job: 'b' }]);
      expect(names([...(await store().read.outbox.find(org, {}))])).toEqual(['c-', 'a-', 'b-']);
      expect((await store().read.outbox.findOne(org, {}))?.job).toBe('c');
      expect((await store().read.outbox.findOne(org, {}, { sort: { _id: -1 } }))?.job).toBe('b');
    });

    test('texts sort by code point; rows without the field sort below all; _id decides ties', async () => {
      const org = newOrganization();
      const given = ['b', undefined, '😀', '～', 'B', '', undefined, 'é', 'b'];
      await insert(
        org,
        given.map((error, i) => ({ job: String(i), ...(error !== undefined && { error }) })),
      );
      const up = ['1-', '6-', '5', '4B', '0b', '8b', '7é', '3～', '2😀'];
      const down = ['2😀', '3～', '7é', '0b', '8b', '4B', '5', '1-', '6-'];
      expect(names([...(await store().read.outbox.find(org, {}, { sort: { error: 1 } }))])).toEqual(up);
      expect(names([...(await store().read.outbox.find(org, {}, { sort: { error: -1 } }))])).toEqual(down);
      for (const limit of [1, 2, 3, 100]) {
        expect(names(await pages(store(), org, {}, { error: 1 }, limit))).toEqual(up);
        expect(names(await pages(store(), org, {}, { error: -1 }, limit))).toEqual(down);
      }
    });

    test('pages by several fields, in both directions, hold each row once and in order', async () => {
      const org = newOrganization();
      const given = Array.from({ length: 60 }, (_, i) => ({
        job: `j${i % 4}`,
        attempts: i % 3,
        dueAt: new Date(i % 5),
        ...(i % 7 > 2 && { error: `e${i % 2}` }),
      }));
      await insert(org, given);
      const sorts: readonly Sort[] = [
        { attempts: 1, error: -1 },
        { error: 1, dueAt: -1, job: 1 },
        { dueAt: -1, error: 1 },
        { job: -1, _id: -1 },
        { _id: -1 },
      ];
      for (const sort of sorts) {
        const whole = await store().read.outbox.find(org, {}, { sort });
        for (const limit of [1, 7, 60]) expect(await pages(store(), org, {}, sort, limit)).toEqual(whole);
      }
      const some = await store().read.outbox.find(org, { attempts: 1 }, { sort: { error: -1 } });
      expect(await pages(store(), org, { attempts: 1 }, { error: -1 }, 4)).toEqual(some);
    });

    test('limit and skip count in the order of the sort', async () => {
      const org = newOrganization();
      await insert(
        org,
        Array.from({ length: 10 }, (_, attempts) => ({ attempts })),
      );
      const find = async (options: { limit?: number; skip?: number }): Promise<number[]> =>
        (await store().read.outbox.find(org, {}, { sort: { attempts: -1 }, ...options })).map((row) => row.attempts);
      expect(await find({ limit: 3 })).toEqual([9, 8, 7]);
      expect(await find({ limit: 3, skip: 8 })).toEqual([1, 0]);
      expect(await find({ skip: 8 })).toEqual([1, 0]);
      expect(await find({ skip: 10 })).toEqual([]);
      expect(await find({ limit: 0 })).toEqual([]);
      for (const options of [{ limit: -1 }, { limit: 1.5 }, { skip: -1 }, { skip: Number.NaN }]) {
        await expect(find(options)).rejects.toThrow(StoreUsageError);
      }
    });

    test('the last page has no cursor, also when it is full', async () => {
      const org = newOrganization();
      await insert(org, [{}, {}, {}, {}]);
      const first = await store().read.outbox.page(org, {}, { limit: 2 });
      const second = await store().read.outbox.page(org, {}, { limit: 2, cursor: first.nextCursor });
      expect(second.items).toHaveLength(2);
      expect(second).not.toHaveProperty('nextCursor');
      expect(await store().read.outbox.page(newOrganization(), {}, { limit: 2 })).toEqual({ items: [] });
      for (const limit of [0, -1, 1.5]) {
        await expect(store().read.outbox.page(org, {}, { limit })).rejects.toThrow(StoreUsageError);
      }
    });

    test('while rows are added and removed, nothing that stays is seen twice or skipped', async () => {
      const org = newOrganization();
      await insert(
        org,
        Array.from({ length: 20 }, (_, i) => ({ job: `stays-${String(i).padStart(2, '0')}`, attempts: i % 3 })),
      );
      const sorts: readonly (Sort | undefined)[] = [undefined, { job: 1 }, { job: -1 }, { attempts: -1 }];
      for (const sort of sorts) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store().read.outbox.page(org, {}, { limit: 3, cursor, ...(sort && { sort }) });
          seen.push(...page.items.map((row) => row.job));
          cursor = page.nextCursor;
          await write(store(), async (tx) => {
            await tx.outbox.remove(org, { job: startsWithTemporary });
            await tx.outbox.insertMany(org, [
              rows.job(org, { job: 'temporary-first', attempts: 9 }),
              rows.job(org, { job: 'stays-05-temporary', attempts: 1 }),
              rows.job(org, { job: 'zz', attempts: -1 }),
            ]);
            await tx.outbox.remove(org, { job: 'zz' });
          });
        } while (cursor !== undefined);
        const stayed = seen.filter((job) => /^stays-\d\d$/.test(job));
        expect(new Set(stayed).size).toBe(20);
        expect(stayed).toHaveLength(20);
        await write(store(), (tx) => tx.outbox.remove(org, { job: 'stays-05-temporary' }));
      }
    });

    test('a cursor goes on after its row has been removed', async () => {
      const org = newOrganization();
      await insert(org, [{ job: 'a' }, { job: 'b' }, { job: 'c' }]);
      const { nextCursor } = await store().read.outbox.page(org, {}, { limit: 2, sort: { job: 1 } });
      await write(store(), (tx) => tx.outbox.remove(org, { job: 'b' }));
      const rest = await store().read.outbox.page(org, {}, { limit: 2, sort: { job: 1 }, cursor: nextCursor });
      expect(names([...rest.items])).toEqual(['c-']);
    });

    test('a text that is no cursor of this list is refused as bad input', async () => {
      const org = newOrganization();
      await insert(org, [{ job: 'a' }, { job: 'b' }]);
      const { nextCursor = '' } = await store().read.outbox.page(org, {}, { limit: 1, sort: { job: 1 } });
      const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const page = (cursor: string, sort: Sort = { job: 1 }) =>
        store().read.outbox.page(org, {}, { limit: 1, sort, cursor });
      const decoded = JSON.parse(Buffer.from(nextCursor, 'base64url').toString()) as unknown[];
      const [signature] = decoded;
      const forged = [
        [signature, { $gt: '' }, 'x'],
        [signature, null, 'x'],
        [signature, 1, 'x'],
        [signature, 'a'],
        {},
        'x',
        null,
      ];
      for (const cursor of ['', 'x', '{}', `${nextCursor}x!`.slice(1), ...forged.map(encode)]) {
        await expect(page(cursor)).rejects.toMatchObject({ code: 'invalid_request' });
      }
      await expect(page(nextCursor, { job: -1 })).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(page(nextCursor, { dueAt: 1 })).rejects.toMatchObject({ code: 'invalid_request' });
      expect((await page(nextCursor)).items).toHaveLength(1);
    });

    test('a sort that the schema does not allow is refused', async () => {
      const org = newOrganization();
      for (const sort of [{ color: 1 }, { payload: 1 }, { 'payload.x': 1 }, { job: 2 }, { job: '1' }, 'job']) {
        await expect(store().read.outbox.find(org, {}, { sort: sort as never })).rejects.toThrow(StoreUsageError);
        await expect(store().read.outbox.page(org, {}, { limit: 1, sort: sort as never })).rejects.toThrow(
          StoreUsageError,
        );
      }
    });

    test('a stream answers all that match in the order of making, and sees what is added meanwhile', async () => {
      const org = newOrganization();
      await insert(
        org,
        Array.from({ length: 25 }, (_, attempts) => ({ attempts })),
      );
      const seen: number[] = [];
      for await (const row of store().read.outbox.stream(org, { attempts: { $gte: 3 } }, { batch: 4 })) {
        seen.push(row.attempts);
        if (row.attempts === 20) await insert(org, [{ attempts: 100 }]);
      }
      expect(seen).toEqual([...Array.from({ length: 22 }, (_, i) => i + 3), 100]);
    });

    test('an open stream does not hold back what other reads see', async () => {
      const org = newOrganization();
      await insert(
        org,
        Array.from({ length: 10 }, (_, attempts) => ({ attempts })),
      );
      const stream = store().read.outbox.stream(org, {}, { batch: 2 })[Symbol.asyncIterator]();
      await stream.next();
      await write(store(), (tx) => tx.outbox.update(org, {}, { $set: { error: 'late' } }));
      expect(await store().read.outbox.count(org, { error: 'late' })).toBe(10);
      await stream.return?.();
    });
  });
}

const startsWithTemporary = { $regex: '^temporary' } as const;
