import { describe, expect, test } from '@jest/globals';
import { DuplicateKeyError, StoreUsageError, type Transaction } from '../../src/store/index.ts';
import {
  cause,
  insertOwner,
  movableClock,
  newOrganization,
  type OpenStore,
  rows,
  sharedStore,
  write,
} from './support.ts';

/** All or nothing, seen only when it is all. */
export function transactionSuite(open: OpenStore): void {
  describe('transactions', () => {
    const clock = movableClock();
    const store = sharedStore(open, { clock });
    const jobs = async (org: string): Promise<string[]> =>
      (await store().read.outbox.find(org, {})).map((row) => row.job);

    test('what a body answers is answered after the commit, and is read by all from then on', async () => {
      const org = newOrganization();
      const answer = await write(store(), async (tx) => {
        await tx.outbox.insert(org, rows.job(org, { job: 'a' }));
        return 42;
      });
      expect(answer).toBe(42);
      expect(await jobs(org)).toEqual(['a']);
    });

    test('a body that throws leaves nothing, and its error comes out as it is', async () => {
      const org = newOrganization();
      await insertOwner(store(), org);
      const error = new Error('no');
      const failed = write(store(), async (tx) => {
        await tx.outbox.insert(org, rows.job(org));
        await tx.members.update(org, {}, { $set: { source: 'sso' } });
        await tx.organizations.updateOne(org, { _id: org }, { $set: { name: 'Changed' } });
        throw error;
      });
      await expect(failed).rejects.toBe(error);
      expect(await jobs(org)).toEqual([]);
      expect(await store().read.members.count(org, { source: 'owner' })).toBe(1);
      expect((await store().read.organizations.get(org, org))?.name).toBe('Acme');
      expect(await store().read.history.count(org, {})).toBe(0);
    });

    const failing: readonly (readonly [string, (tx: Transaction, org: string, id: string) => Promise<unknown>])[] = [
      ['a duplicate', (tx, org, _id) => tx.outbox.insert(org, rows.job(org, { _id }))],
      ['a row that breaks its schema', (tx, org) => tx.outbox.insert(org, { ...rows.job(org), job: 7 } as never)],
      ['a change that breaks the schema', (tx, org) => tx.outbox.update(org, {}, { $set: { job: 7 } } as never)],
      ['a filter that is none', (tx, org) => tx.outbox.remove(org, { color: 1 } as never)],
      ['a foreign row', (tx, org) => tx.outbox.insert(org, rows.job(newOrganization()))],
      ['a protected row', (tx, org) => tx.members.remove(org, { owner: true })],
    ];
    test.each(failing)(
      'a failed write dooms the transaction, even when the body catches its error: %s',
      async (_, fail) => {
        const org = newOrganization();
        await insertOwner(store(), org);
        const first = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org, { job: 'first' })));
        let caught: unknown;
        const doomed = write(store(), async (tx) => {
          await tx.outbox.insert(org, rows.job(org, { job: 'before' }));
          await fail(tx, org, first._id).catch((error: unknown) => {
            caught = error;
          });
          await tx.outbox.insert(org, rows.job(org, { job: 'after' })).catch(() => undefined);
          return 'done';
        });
        const error = await doomed.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).name).toBe((caught as Error).name);
        expect(await jobs(org)).toEqual(['first']);
      },
    );

    test('a failed read dooms nothing', async () => {
      const org = newOrganization();
      await write(store(), async (tx) => {
        await expect(tx.outbox.find(org, { color: 1 } as never)).rejects.toThrow(StoreUsageError);
        await tx.outbox.insert(org, rows.job(org, { job: 'kept' }));
      });
      expect(await jobs(org)).toEqual(['kept']);
    });

    test('a body reads its own writes; others see none of them before the commit', async () => {
      const org = newOrganization();
      let outside: Promise<string[]> | undefined;
      let release: () => void = () => undefined;
      const asked = new Promise<void>((resolve) => {
        release = resolve;
      });
      const watcher = asked.then(() => jobs(org));
      await write(store(), async (tx) => {
        await tx.outbox.insert(org, rows.job(org, { job: 'mine' }));
        await tx.outbox.updateOne(org, { job: 'mine' }, { $set: { error: 'seen' } });
        expect((await tx.outbox.findOne(org, { error: 'seen' }))?.job).toBe('mine');
        expect(await tx.outbox.count(org, {})).toBe(1);
        release();
        outside ??= watcher;
        for (let i = 0; i < 5; i += 1) await tx.outbox.count(org, {});
      });
      expect(await outside).toEqual([]);
      expect(await jobs(org)).toEqual(['mine']);
    });

    test('a body runs again without a trace of its first run', async () => {
      const org = newOrganization();
      let runs = 0;
      const found: number[] = [];
      await write(store(), async (tx) => {
        runs += 1;
        found.push(await tx.outbox.count(org, {}));
        await tx.outbox.insert(org, rows.job(org, { job: `run-${runs}` }));
      });
      expect(runs).toBeGreaterThanOrEqual(2);
      expect(found.every((count) => count === 0)).toBe(true);
      expect(await jobs(org)).toEqual([`run-${runs}`]);
    });

    test('a transaction carries its cause and one instant', async () => {
      const org = newOrganization();
      clock.move(777);
      await write(store(), async (tx) => {
        expect(tx.cause).toEqual(cause);
        expect(tx.at).toEqual(clock.now());
        const a = await tx.outbox.insert(org, rows.job(org));
        const b = await tx.members.insert(org, rows.member(org));
        expect([a.createdAt, a.updatedAt, b.createdAt, b.updatedAt]).toEqual([tx.at, tx.at, tx.at, tx.at]);
      });
    });

    test('opening a transaction, or reading through the store, inside a body is refused', async () => {
      const org = newOrganization();
      const inside: readonly (() => Promise<unknown>)[] = [
        () => write(store(), async () => undefined),
        () => store().read.outbox.find(org, {}),
        () => store().read.outbox.get(org, 'x'),
        () => store().read.outbox.count(org, {}),
        () => store().read.outbox.page(org, {}, { limit: 1 }),
        async () => {
          for await (const _ of store().read.outbox.stream(org, {})) throw new Error('answered');
        },
      ];
      for (const call of inside) {
        await write(store(), async (tx) => {
          await tx.outbox.count(org, {});
          await expect(Promise.resolve().then(call)).rejects.toThrow(StoreUsageError);
        });
      }
      expect(await write(store(), async () => 'afterwards')).toBe('afterwards');
    });

    test('a tx that has ended does nothing more', async () => {
      const org = newOrganization();
      let kept: Transaction | undefined;
      await write(store(), async (tx) => {
        kept = tx;
      });
      await expect(kept?.outbox.insert(org, rows.job(org))).rejects.toThrow(StoreUsageError);
      await expect(kept?.outbox.find(org, {})).rejects.toThrow(StoreUsageError);
      expect(await jobs(org)).toEqual([]);
    });

    test('one transaction that fails takes no other with it', async () => {
      const org = newOrganization();
      const results = await Promise.allSettled(
        Array.from({ length: 40 }, (_, i) =>
          write(store(), async (tx) => {
            await tx.outbox.insert(
              org,
              rows.job(org, { job: `job-${i}`, _id: i % 4 === 1 ? `${org}-same` : `${org}-${i}` }),
            );
            if (i % 4 === 2) throw new Error('no');
            if (i % 4 === 3) await tx.outbox.insert(org, { job: 1 } as never).catch(() => undefined);
          }),
        ),
      );
      const kept = results.flatMap((result, i) => (result.status === 'fulfilled' ? [`job-${i}`] : []));
      expect(kept).toHaveLength(11);
      expect([...(await jobs(org))].sort()).toEqual([...kept].sort());
      const duplicates = results.filter((r) => r.status === 'rejected' && r.reason instanceof DuplicateKeyError);
      expect(duplicates).toHaveLength(9);
    });

    test('listeners hear of inserts after the commit, and of nothing else', async () => {
      const org = newOrganization();
      let heard = 0;
      const seen: Promise<number>[] = [];
      const stop = store().onInsert('outbox', () => {
        heard += 1;
        seen.push(store().read.outbox.count(org, {}));
      });
      const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
      await write(store(), (tx) => tx.members.insert(org, rows.member(org)));
      await write(store(), async (tx) => {
        await tx.outbox.insert(org, rows.job(org));
        throw new Error('no');
      }).catch(() => undefined);
      await settled();
      expect(heard).toBe(0);
      await write(store(), (tx) => tx.outbox.insertMany(org, [rows.job(org), rows.job(org)]));
      await settled();
      expect(heard).toBe(1);
      expect(await Promise.all(seen)).toEqual([2]);
      await write(store(), (tx) => tx.outbox.update(org, {}, { $set: { error: 'x' } }));
      stop();
      await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      await settled();
      expect(heard).toBe(1);
    });

    test('the store answers a ping, and keeps its data when it is opened again', async () => {
      const opened = await open({ clock });
      const org = newOrganization();
      await opened.store.ping();
      const made = await write(opened.store, (tx) => tx.members.insert(org, rows.member(org)));
      const again = (await opened.reopen?.({ clock })) ?? opened.store;
      expect(await again.read.members.get(org, made._id)).toStrictEqual(made);
      await opened.close();
    });
  });
}
