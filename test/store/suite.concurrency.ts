import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { DuplicateKeyError, PLATFORM } from '../../src/store/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

const fifty = Array.from({ length: 50 }, (_, i) => i);

/** What races end in, on the real engine and without rehearsal. */
export function concurrencySuite(open: OpenStore): void {
  describe('concurrency', () => {
    const store = sharedStore(open, { rehearse: false });

    test('of fifty writers of one unique key one wins, and the others are told so', async () => {
      const emailKey = `${newId('accountEmail')}@example.com`;
      const results = await Promise.allSettled(
        fifty.map(() =>
          write(store(), (tx) =>
            tx.accountEmails.insert(PLATFORM, rows.email({ email: emailKey, emailKey, proven: true })),
          ),
        ),
      );
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(reasons.every((reason) => reason instanceof DuplicateKeyError)).toBe(true);
      expect(await store().read.accountEmails.count(PLATFORM, { emailKey })).toBe(1);
    });

    test('of fifty who look first and then insert, one inserts and the others see the winner', async () => {
      const org = newOrganization();
      const accountId = newId('account');
      const answers = await Promise.all(
        fifty.map(() =>
          write(store(), async (tx) => {
            const found = await tx.members.findOne(org, { accountId });
            return found ?? (await tx.members.insert(org, rows.member(org, { accountId })));
          }),
        ),
      );
      expect(new Set(answers.map((member) => member._id)).size).toBe(1);
      expect(await store().read.members.count(org, { accountId })).toBe(1);
    });

    test('of fifty conditional updates of one version one wins', async () => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      const answers = await Promise.all(
        fifty.map((attempts) =>
          write(store(), (tx) => tx.outbox.updateOne(org, { _id: made._id, version: 1 }, { $set: { attempts } })),
        ),
      );
      const winners = answers.filter((answer) => answer !== undefined);
      expect(winners).toHaveLength(1);
      expect(await store().read.outbox.get(org, made._id)).toStrictEqual(winners[0]);
    });

    test('no increase is lost', async () => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      await Promise.all(
        fifty.slice(0, 20).map(() =>
          write(store(), async (tx) => {
            const row = await tx.outbox.get(org, made._id);
            await tx.outbox.updateOne(org, { _id: made._id }, { $set: { attempts: (row?.attempts ?? 0) + 1 } });
          }),
        ),
      );
      expect(await store().read.outbox.get(org, made._id)).toMatchObject({ attempts: 20, version: 21 });
    });

    test('a lock prevents write skew: no grant survives the member whom it was given to', async () => {
      for (let round = 0; round < 10; round += 1) {
        const org = newOrganization();
        const member = await write(store(), (tx) => tx.members.insert(org, rows.member(org)));
        const grant = async (): Promise<void> =>
          write(store(), async (tx) => {
            if ((await tx.members.lock(org, member._id)) === undefined) return;
            await tx.grants.insert(org, rows.grant(org, { accountId: member.accountId }));
          });
        const remove = async (): Promise<void> =>
          write(store(), async (tx) => {
            await tx.grants.remove(org, { accountId: member.accountId });
            await tx.members.remove(org, { _id: member._id });
          });
        await Promise.all(round % 2 === 0 ? [grant(), remove(), grant()] : [remove(), grant(), grant()]);
        expect(await store().read.members.count(org, {})).toBe(0);
        expect(await store().read.grants.count(org, {})).toBe(0);
      }
    });

    test('many rows are locked in one step: none of them is removed before the transaction that relies on it', async () => {
      for (let round = 0; round < 10; round += 1) {
        const org = newOrganization();
        const members = await write(store(), async (tx) => [
          await tx.members.insert(org, rows.member(org)),
          await tx.members.insert(org, rows.member(org)),
        ]);
        const ids = members.map(({ _id }) => _id);
        const grant = async (): Promise<void> =>
          write(store(), async (tx) => {
            if ((await tx.members.lockMany(org, [...ids, 'nobody'])) < ids.length) return;
            for (const { accountId } of members) await tx.grants.insert(org, rows.grant(org, { accountId }));
          });
        const remove = async (): Promise<void> =>
          write(store(), async (tx) => {
            await tx.grants.remove(org, {});
            await tx.members.remove(org, { _id: ids[round % 2] ?? '' });
          });
        await Promise.all(round % 4 < 2 ? [grant(), remove()] : [remove(), grant()]);
        expect(await store().read.grants.count(org, {})).toBe(0);
      }
    });

    test('a lock answers the row as it is and leaves no mark on it', async () => {
      const org = newOrganization();
      const member = await write(store(), (tx) => tx.members.insert(org, rows.member(org)));
      expect(await write(store(), (tx) => tx.members.lock(org, member._id))).toStrictEqual(member);
      expect(await write(store(), (tx) => tx.members.lock(org, 'nobody'))).toBeUndefined();
      expect(await write(store(), (tx) => tx.members.lock(newOrganization(), member._id))).toBeUndefined();
      expect(await store().read.members.get(org, member._id)).toStrictEqual(member);
      expect(await store().read.history.count(org, {})).toBe(0);
    });

    test('transactions of many organizations do not mix', async () => {
      const organizations = Array.from({ length: 10 }, newOrganization);
      await Promise.all(
        fifty.flatMap((i) => {
          const org = organizations[i % 10] ?? '';
          return write(store(), async (tx) => {
            const count = await tx.outbox.count(org, {});
            await tx.outbox.insert(org, rows.job(org, { attempts: count }));
            await tx.outbox.insert(org, rows.job(org, { attempts: count }));
          });
        }),
      );
      for (const org of organizations) expect(await store().read.outbox.count(org, {})).toBe(10);
    });
  });
}
