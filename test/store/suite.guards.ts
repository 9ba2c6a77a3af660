import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { PLATFORM, ProtectedRowError, type Scope, StoreUsageError } from '../../src/store/index.ts';
import { insertOwner, newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

/** What the store refuses below every use case: to harm the Owner's row, and to reach into another organization. */
export function guardSuite(open: OpenStore): void {
  describe('protected rows (OWN-6)', () => {
    const store = sharedStore(open);

    test('the Owner cannot be demoted, suspended or removed by any write of the store', async () => {
      const org = newOrganization();
      const owner = await insertOwner(store(), org);
      const attempts = [
        write(store(), (tx) => tx.members.updateOne(org, { _id: owner._id }, { $set: { role: 'member' } })),
        write(store(), (tx) => tx.members.updateOne(org, { _id: owner._id }, { $set: { status: 'suspended' } })),
        write(store(), (tx) => tx.members.update(org, {}, { $set: { status: 'suspended' } })),
        write(store(), (tx) => tx.members.update(PLATFORM, { _id: owner._id }, { $set: { role: 'member' } })),
        write(store(), (tx) => tx.members.remove(org, { _id: owner._id })),
        write(store(), (tx) => tx.members.remove(org, {})),
      ];
      for (const attempt of attempts) await expect(attempt).rejects.toThrow(ProtectedRowError);
      expect(await store().read.members.get(org, owner._id)).toStrictEqual(owner);
    });

    test('a row cannot become the Owner without being an active Admin', async () => {
      const org = newOrganization();
      for (const given of [{ role: 'member' }, { role: 'admin', status: 'suspended' }] as const) {
        const insert = write(store(), (tx) => tx.members.insert(org, rows.member(org, { ...given, owner: true })));
        await expect(insert).rejects.toThrow(ProtectedRowError);
      }
      const member = await write(store(), (tx) => tx.members.insert(org, rows.member(org)));
      const mark = write(store(), (tx) => tx.members.updateOne(org, { _id: member._id }, { $set: { owner: true } }));
      await expect(mark).rejects.toThrow(ProtectedRowError);
      expect(await store().read.members.count(org, { owner: true })).toBe(0);
    });

    test('harmless changes of the Owner, and all changes of others, pass', async () => {
      const org = newOrganization();
      const owner = await insertOwner(store(), org);
      const other = await write(store(), (tx) => tx.members.insert(org, rows.member(org, { role: 'admin' })));
      await write(store(), async (tx) => {
        await tx.members.updateOne(org, { _id: owner._id }, { $set: { profile: { title: 'Owner' } } });
        await tx.members.updateOne(org, { _id: other._id }, { $set: { role: 'member', status: 'suspended' } });
        await tx.members.remove(org, { owner: { $ne: true } });
      });
      expect((await store().read.members.find(org, {})).map((row) => row._id)).toEqual([owner._id]);
    });

    test('ownership can move in one transaction', async () => {
      const org = newOrganization();
      const owner = await insertOwner(store(), org);
      const heir = await write(store(), (tx) => tx.members.insert(org, rows.member(org, { role: 'admin' })));
      await write(store(), async (tx) => {
        await tx.members.updateOne(org, { _id: owner._id }, { $unset: { owner: true } });
        await tx.members.updateOne(org, { _id: heir._id }, { $set: { owner: true } });
      });
      expect((await store().read.members.find(org, { owner: true })).map((row) => row._id)).toEqual([heir._id]);
    });

    test('ownership moves to another member of the organization, and nowhere else (OWN-4)', async () => {
      const [org, other] = [newOrganization(), newOrganization()];
      const owner = await insertOwner(store(), org);
      await insertOwner(store(), other);
      const heir = await write(store(), (tx) => tx.members.insert(org, rows.member(org, { role: 'admin' })));
      const unmark = { $unset: { owner: true } } as const;
      const attempts = [
        write(store(), (tx) => tx.members.updateOne(org, { _id: owner._id }, unmark)),
        write(store(), (tx) => tx.members.updateOne(org, { _id: owner._id }, { $set: { owner: false } })),
        write(store(), (tx) => tx.members.update(org, {}, unmark)),
        write(store(), (tx) => tx.members.updateOne(PLATFORM, { _id: owner._id }, unmark)),
        write(store(), (tx) => tx.members.update(PLATFORM, {}, unmark)),
        write(store(), async (tx) => {
          await tx.members.updateOne(org, { _id: owner._id }, unmark);
          await tx.members.remove(org, { _id: owner._id });
        }),
        write(store(), async (tx) => {
          await tx.members.updateOne(org, { _id: owner._id }, unmark);
          await tx.members.updateOne(org, { _id: heir._id }, { $set: { owner: true } });
          await tx.members.updateOne(org, { _id: heir._id }, unmark);
        }),
      ];
      for (const attempt of attempts) await expect(attempt).rejects.toThrow(ProtectedRowError);
      expect(await store().read.members.find(org, { owner: true })).toStrictEqual([owner]);
      expect(await store().read.members.count(other, { owner: true })).toBe(1);
    });

    test('the Owner goes with the organization', async () => {
      const org = newOrganization();
      await insertOwner(store(), org);
      await write(store(), async (tx) => {
        await tx.organizations.remove(org, { _id: org });
        await tx.members.remove(org, {});
      });
      expect(await store().read.members.count(org, {})).toBe(0);
    });

    test('switched off, the store lets it happen: the domain is the other layer', async () => {
      const opened = await open({ protection: false });
      const org = newOrganization();
      const owner = await insertOwner(opened.store, org);
      await write(opened.store, (tx) => tx.members.updateOne(org, { _id: owner._id }, { $set: { role: 'member' } }));
      await write(opened.store, (tx) => tx.members.updateOne(org, { _id: owner._id }, { $unset: { owner: true } }));
      await write(opened.store, (tx) => tx.members.remove(org, { _id: owner._id }));
      expect(await opened.store.read.members.count(org, {})).toBe(0);
      await opened.close();
    });
  });

  describe('tenancy (PRJ-1)', () => {
    const store = sharedStore(open);

    test('a call in the scope of an organization neither sees nor touches rows of another', async () => {
      const [mine, theirs] = [newOrganization(), newOrganization()];
      const row = await write(store(), (tx) => tx.outbox.insert(theirs, rows.job(theirs, { job: 'theirs' })));
      const { read } = store();
      expect(await read.outbox.get(mine, row._id)).toBeUndefined();
      expect(await read.outbox.find(mine, { _id: row._id })).toEqual([]);
      expect(await read.outbox.find(mine, { organizationId: theirs })).toEqual([]);
      expect(await read.outbox.find(mine, { $or: [{ organizationId: theirs }, { job: 'theirs' }] })).toEqual([]);
      expect(await read.outbox.findOne(mine, { job: 'theirs' })).toBeUndefined();
      expect(await read.outbox.count(mine, { $nor: [{ job: 'mine' }] })).toBe(0);
      expect((await read.outbox.page(mine, {}, { limit: 5 })).items).toEqual([]);
      for await (const _ of read.outbox.stream(mine, {})) throw new Error('a foreign row was streamed');
      await write(store(), async (tx) => {
        expect(await tx.outbox.update(mine, {}, { $set: { error: 'x' } })).toBe(0);
        expect(await tx.outbox.updateOne(mine, { _id: row._id }, { $set: { error: 'x' } })).toBeUndefined();
        expect(await tx.outbox.remove(mine, { _id: row._id })).toBe(0);
        expect(await tx.outbox.lock(mine, row._id)).toBeUndefined();
      });
      expect(await read.outbox.get(theirs, row._id)).toStrictEqual(row);
    });

    test('a row is inserted into the organization of the scope only', async () => {
      const [mine, theirs] = [newOrganization(), newOrganization()];
      const insert = write(store(), (tx) => tx.outbox.insert(mine, rows.job(theirs)));
      await expect(insert).rejects.toThrow(StoreUsageError);
      const many = write(store(), (tx) => tx.outbox.insertMany(mine, [rows.job(mine), rows.job(theirs)]));
      await expect(many).rejects.toThrow(StoreUsageError);
      expect(await store().read.outbox.count(mine, {})).toBe(0);
    });

    test('PLATFORM reads and updates across organizations, and writes nothing else', async () => {
      const [a, b] = [newOrganization(), newOrganization()];
      const lease = newId('lease');
      const [first] = await write(store(), async (tx) => [
        await tx.outbox.insert(a, rows.job(a, { lease })),
        await tx.outbox.insert(b, rows.job(b, { lease })),
      ]);
      const id = first?._id ?? '';
      const { read } = store();
      expect(await read.outbox.count(PLATFORM, { lease })).toBe(2);
      expect(await read.outbox.get(PLATFORM, id)).toStrictEqual(first);
      expect((await read.outbox.find(PLATFORM, { lease, organizationId: b })).map((row) => row.organizationId)).toEqual(
        [b],
      );
      const { count, one } = await write(store(), async (tx) => ({
        count: await tx.outbox.update(PLATFORM, { lease }, { $inc: { attempts: 1 } }),
        one: await tx.outbox.updateOne(PLATFORM, { lease, organizationId: b }, { $inc: { attempts: 1 } }),
      }));
      expect(count).toBe(2);
      expect(one).toMatchObject({ organizationId: b, attempts: 2 });
      const refused = [
        write(store(), (tx) => tx.outbox.insert(PLATFORM, rows.job(a))),
        write(store(), (tx) => tx.outbox.insertMany(PLATFORM, [rows.job(a)])),
        write(store(), (tx) => tx.outbox.remove(PLATFORM, { lease })),
        write(store(), (tx) => tx.outbox.lock(PLATFORM, id)),
      ];
      for (const call of refused) await expect(call).rejects.toThrow(StoreUsageError);
      expect(await read.outbox.count(PLATFORM, { lease })).toBe(2);
    });

    test('a platform collection takes no organization as its scope', async () => {
      const org = newOrganization();
      const email = rows.email();
      await expect(store().read.accountEmails.find(org, {})).rejects.toThrow(StoreUsageError);
      await expect(store().read.accountEmails.get(org, email._id)).rejects.toThrow(StoreUsageError);
      await expect(write(store(), (tx) => tx.accountEmails.insert(org, email))).rejects.toThrow(StoreUsageError);
      await expect(write(store(), (tx) => tx.accountEmails.update(org, {}, {}))).rejects.toThrow(StoreUsageError);
    });

    test.each([undefined, null, '', 0, {}, { $ne: '' }, ['org'], Symbol('platform')])(
      'a scope that is none is refused: %p',
      async (scope) => {
        const wrong = scope as unknown as Scope;
        await expect(store().read.outbox.find(wrong, {})).rejects.toThrow(StoreUsageError);
        await expect(store().read.outbox.get(wrong, 'x')).rejects.toThrow(StoreUsageError);
        await expect(write(store(), (tx) => tx.outbox.remove(wrong, {}))).rejects.toThrow(StoreUsageError);
      },
    );
  });
}
