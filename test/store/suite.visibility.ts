import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { enqueue } from '../../src/queue/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

/** What others see of a transaction, and when. */
export function visibilitySuite(open: OpenStore): void {
  describe('visibility', () => {
    const store = sharedStore(open, { rehearse: false });

    test('under load no reader sees uncommitted data, half a transaction, or less than was acknowledged before', async () => {
      const org = newOrganization();
      const [a, b] = await write(store(), async (tx) => [
        await tx.outbox.insert(org, rows.job(org)),
        await tx.outbox.insert(org, rows.job(org)),
      ]);
      const set = (attempts: number, fails = false) =>
        write(store(), async (tx) => {
          await tx.outbox.updateOne(org, { _id: a?._id ?? '' }, { $set: { attempts } });
          await tx.outbox.count(org, {});
          await tx.outbox.updateOne(org, { _id: b?._id ?? '' }, { $set: { attempts } });
          if (fails) throw new Error('taken back');
        });
      let acknowledged = 0;
      let done = false;
      let looks = 0;
      const reader = async (): Promise<void> => {
        while (!done) {
          const floor = acknowledged;
          const one = (await store().read.outbox.get(org, a?._id ?? ''))?.attempts ?? -1;
          expect(one).toBeGreaterThanOrEqual(floor);
          expect(one).toBeLessThan(1000);
          const both = await write(store(), (tx) => tx.outbox.find(org, {}));
          const [first, second] = both.map(({ attempts }) => attempts);
          expect(first).toBe(second);
          // What one has seen, one never sees undone.
          expect(first).toBeGreaterThanOrEqual(one);
          expect(first).toBeLessThan(1000);
          looks += 1;
          await new Promise(setImmediate);
        }
      };
      const writer = async (): Promise<void> => {
        for (let n = 1; n <= 30; n += 1) {
          await expect(set(1000 + n, true)).rejects.toThrow('taken back');
          await set(n);
          acknowledged = n;
        }
      };
      const readers = [reader(), reader(), reader()];
      await writer().finally(() => {
        done = true;
      });
      await Promise.all(readers);
      expect(looks).toBeGreaterThan(3);
      expect(await store().read.outbox.count(org, { attempts: 30 })).toBe(2);
    });

    test('a doomed transaction leaves neither its document nor its outbox row, and wakes nobody', async () => {
      const org = newOrganization();
      let woken = 0;
      const stop = store().onInsert('outbox', () => {
        woken += 1;
      });
      const member = await write(store(), (tx) => tx.members.insert(org, rows.member(org)));
      const doomed = write(store(), async (tx) => {
        await tx.projects.insert(org, rows.project(org));
        await enqueue(tx, org, 'reconcile', { people: [member.accountId] });
        await tx.members.insert(org, rows.member(org, { accountId: member.accountId })).catch(() => undefined);
      });
      await expect(doomed).rejects.toMatchObject({ name: 'DuplicateKeyError' });
      await new Promise((resolve) => setTimeout(resolve, 20));
      stop();
      expect(await store().read.projects.count(org, {})).toBe(0);
      expect(await store().read.outbox.count(org, {})).toBe(0);
      expect(woken).toBe(0);
    });

    test('a lock prevents write skew: no membership of a group survives the user whom it names', async () => {
      for (let round = 0; round < 10; round += 1) {
        const org = newOrganization();
        const user = await write(store(), (tx) => tx.directoryUsers.insert(org, rows.user(org)));
        const edge = () => ({
          ...{ _id: newId('edge'), organizationId: org, directoryId: user.directoryId },
          ...({ groupId: newId('directoryGroup'), memberId: user._id, memberKind: 'User' } as const),
        });
        const add = async (): Promise<void> =>
          write(store(), async (tx) => {
            if ((await tx.directoryUsers.lock(org, user._id)) === undefined) return;
            await tx.edges.insert(org, edge());
          });
        const remove = async (): Promise<void> =>
          write(store(), async (tx) => {
            await tx.edges.remove(org, { memberId: user._id });
            await tx.directoryUsers.remove(org, { _id: user._id });
          });
        await Promise.all(round % 2 === 0 ? [add(), remove(), add()] : [remove(), add(), add()]);
        expect(await store().read.directoryUsers.count(org, {})).toBe(0);
        expect(await store().read.edges.count(org, {})).toBe(0);
      }
    });
  });
}
