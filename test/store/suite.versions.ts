import { describe, expect, test } from '@jest/globals';
import { type Filter, type Row, StoreUsageError } from '../../src/store/index.ts';
import { movableClock, newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

/** Changes, conditional changes, and the versions that they leave. */
export function versionSuite(open: OpenStore): void {
  describe('changes and versions', () => {
    const clock = movableClock();
    const store = sharedStore(open, { clock });

    test('$set, $unset and $inc change a row, its version and its time', async () => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org, { error: 'x', attempts: 2 })));
      clock.move(1000);
      const changed = await write(store(), (tx) =>
        tx.outbox.updateOne(
          org,
          { _id: made._id },
          {
            $set: { payload: { a: 1 }, lease: undefined },
            $unset: { error: true },
            $inc: { attempts: 3 },
          },
        ),
      );
      const { error: _, ...kept } = made;
      expect(changed).toStrictEqual({ ...kept, payload: { a: 1 }, attempts: 5, version: 2, updatedAt: clock.now() });
      expect(changed?.createdAt).toEqual(made.createdAt);
      expect(await store().read.outbox.get(org, made._id)).toStrictEqual(changed);
      expect(Object.isFrozen(changed?.payload)).toBe(true);
    });

    test('a value replaces the former one as a whole', async () => {
      const org = newOrganization();
      const user = rows.user(org, { attributes: { a: { b: 1, c: 2 } } });
      await write(store(), (tx) => tx.directoryUsers.insert(org, user));
      const changed = await write(store(), (tx) =>
        tx.directoryUsers.updateOne(org, { _id: user._id }, { $set: { attributes: { a: { b: 3 } } } }),
      );
      expect(changed?.attributes).toStrictEqual({ a: { b: 3 } });
    });

    test('an update changes all that match and answers how many', async () => {
      const org = newOrganization();
      await write(store(), (tx) =>
        tx.outbox.insertMany(
          org,
          [1, 2, 3, 4].map((attempts) => rows.job(org, { attempts })),
        ),
      );
      const update = (filter: Filter<Row<'outbox'>>) =>
        write(store(), (tx) => tx.outbox.update(org, filter, { $set: { error: 'late' } }));
      expect(await update({ attempts: { $gt: 1 } })).toBe(3);
      expect(await update({ attempts: 9 })).toBe(0);
      expect(await store().read.outbox.count(org, { error: 'late', version: 2 })).toBe(3);
      expect(await store().read.outbox.count(org, { error: { $exists: false }, version: 1 })).toBe(1);
    });

    test('each of many rows is changed in its own way, in one step; foreign and unknown ones are passed over', async () => {
      const [org, other] = [newOrganization(), newOrganization()];
      const mine = [rows.job(org), rows.job(org)];
      const foreign = rows.job(other);
      await write(store(), (tx) => tx.outbox.insertMany(org, mine));
      await write(store(), (tx) => tx.outbox.insert(other, foreign));
      const changes = [...mine, foreign, rows.job(org)].map(({ _id: id }, attempts) => ({
        id,
        change: { $set: { attempts } },
      }));
      expect(await write(store(), (tx) => tx.outbox.updateEach(org, changes))).toBe(2);
      expect(await write(store(), (tx) => tx.outbox.updateEach(org, []))).toBe(0);
      const found = await store().read.outbox.find(org, {});
      expect(found.map(({ attempts, version }) => [attempts, version])).toEqual([
        [0, 2],
        [1, 2],
      ]);
      expect(await store().read.outbox.get(other, foreign._id)).toMatchObject({ attempts: 0, version: 1 });
    });

    test('each of many rows that are changed in one step leaves its former version', async () => {
      const org = newOrganization();
      const users = [rows.user(org), rows.user(org)];
      await write(store(), (tx) => tx.directoryUsers.insertMany(org, users));
      const changes = users.map(({ _id: id }) => ({ id, change: { $set: { displayName: id } } }));
      expect(await write(store(), (tx) => tx.directoryUsers.updateEach(org, changes))).toBe(2);
      const former = await store().read.history.find(org, { of: 'directoryUsers' });
      expect(former.map(({ rowId }) => rowId).sort()).toEqual(users.map(({ _id }) => _id).sort());
    });

    test('a taken unique key in one of many changes undoes them all', async () => {
      const org = newOrganization();
      const users = [rows.user(org), rows.user(org), rows.user(org)];
      await write(store(), (tx) => tx.directoryUsers.insertMany(org, users));
      const taken = users[2]?.userNameKey ?? '';
      const changes = users.slice(0, 2).map(({ _id: id }) => ({ id, change: { $set: { userNameKey: taken } } }));
      const written = write(store(), (tx) => tx.directoryUsers.updateEach(org, changes));
      await expect(written).rejects.toMatchObject({ name: 'DuplicateKeyError' });
      expect(await store().read.directoryUsers.count(org, { version: 1 })).toBe(3);
    });

    test('an update whose change makes rows match anew changes each row once', async () => {
      const org = newOrganization();
      await write(store(), (tx) =>
        tx.outbox.insertMany(
          org,
          [1, 2, 3].map((attempts) => rows.job(org, { attempts })),
        ),
      );
      await write(store(), (tx) => tx.outbox.update(org, { attempts: { $gte: 1 } }, { $inc: { attempts: 1 } }));
      const found = await store().read.outbox.find(org, {}, { sort: { attempts: 1 } });
      expect(found.map((row) => row.attempts)).toEqual([2, 3, 4]);
    });

    test('updateOne changes the first by _id, or answers undefined', async () => {
      const org = newOrganization();
      await write(store(), (tx) =>
        tx.outbox.insertMany(
          org,
          [1, 2].map((attempts) => rows.job(org, { attempts })),
        ),
      );
      const first = await write(store(), (tx) => tx.outbox.updateOne(org, {}, { $set: { error: 'x' } }));
      expect(first?.attempts).toBe(1);
      const none = await write(store(), (tx) => tx.outbox.updateOne(org, { attempts: 7 }, { $set: { error: 'x' } }));
      expect(none).toBeUndefined();
      expect(await store().read.outbox.count(org, { error: 'x' })).toBe(1);
    });

    test('a change of nothing is still a new version', async () => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      clock.move(5);
      const touched = await write(store(), (tx) => tx.outbox.updateOne(org, { _id: made._id }, {}));
      expect(touched).toStrictEqual({ ...made, version: 2, updatedAt: clock.now() });
    });

    test('a conditional update says which version it has seen', async () => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      const change = (version: number) =>
        write(store(), (tx) => tx.outbox.updateOne(org, { _id: made._id, version }, { $inc: { attempts: 1 } }));
      expect((await change(1))?.version).toBe(2);
      expect(await change(1)).toBeUndefined();
      expect((await change(2))?.version).toBe(3);
    });

    const refused: readonly (readonly [string, unknown])[] = [
      ['an undeclared field', { $set: { color: 'red' } }],
      ['a path', { $set: { 'payload.a': 1 } }],
      ['the id', { $set: { _id: 'x' } }],
      ['the organization', { $set: { organizationId: 'x' } }],
      ['the version', { $set: { version: 1 } }],
      ['the time of making', { $set: { createdAt: new Date() } }],
      ['a wrong type', { $set: { attempts: '1' } }],
      ['null', { $set: { error: null } }],
      ['a value that its list does not allow', { $set: { state: 'done' } }],
      ['a key that cannot be stored', { $set: { payload: { $a: 1 } } }],
      ['to remove a required field', { $unset: { job: true } }],
      ['to remove with anything but true', { $unset: { error: 1 } }],
      ['to increase a text', { $inc: { job: 1 } }],
      ['to increase by no number', { $inc: { attempts: '1' } }],
      ['to increase by NaN', { $inc: { attempts: Number.NaN } }],
      ['the same field twice', { $set: { error: 'x' }, $unset: { error: true } }],
      ['an unknown operator', { $push: { error: 'x' } }],
      ['a field without an operator', { error: 'x' }],
      ['a list', []],
    ];
    test.each(refused)('a change of %s is refused', async (_, change) => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      for (const method of ['update', 'updateOne'] as const) {
        const call = write(store(), async (tx) => tx.outbox[method](org, { _id: made._id }, change as never));
        await expect(call).rejects.toThrow(StoreUsageError);
      }
      expect(await store().read.outbox.get(org, made._id)).toStrictEqual(made);
    });

    test('remove answers how many went', async () => {
      const org = newOrganization();
      await write(store(), (tx) =>
        tx.outbox.insertMany(
          org,
          [1, 2, 3].map((attempts) => rows.job(org, { attempts })),
        ),
      );
      expect(await write(store(), (tx) => tx.outbox.remove(org, { attempts: { $gt: 1 } }))).toBe(2);
      expect(await write(store(), (tx) => tx.outbox.remove(org, { attempts: { $gt: 1 } }))).toBe(0);
      expect(await store().read.outbox.count(org, {})).toBe(1);
    });

    test('each former version stays in the history: from when to when, who made it so, who ended it', async () => {
      const org = newOrganization();
      const asDirectory = { actor: 'directory:dir-1', requestId: 'req-2' };
      const asJob = { actor: 'job:reconcile', requestId: 'req-3' };
      const user = rows.user(org, { displayName: 'Ada', attributes: { list: [{ a: null }] } });
      const first = await write(store(), (tx) => tx.directoryUsers.insert(org, user));
      expect(await store().read.history.count(org, {})).toBe(0);
      clock.move(1000);
      const second = await store().transaction(asDirectory, (tx) =>
        tx.directoryUsers.updateOne(org, { _id: user._id }, { $set: { active: false }, $unset: { displayName: true } }),
      );
      expect(second?.changedBy).toEqual(asDirectory);
      clock.move(1000);
      await store().transaction(asJob, (tx) => tx.directoryUsers.remove(org, { _id: user._id }));
      const versions = await store().read.history.find(org, { rowId: user._id }, { sort: { to: 1 } });
      const plain = (row: object | undefined): unknown => {
        const millis = Object.entries(row ?? {}).map(([key, value]) => [key, value instanceof Date ? +value : value]);
        return Object.fromEntries(millis);
      };
      expect(versions).toMatchObject([
        { of: 'directoryUsers', from: first.createdAt, to: second?.updatedAt, endedBy: asDirectory, row: plain(first) },
        { of: 'directoryUsers', from: second?.updatedAt, to: clock.now(), endedBy: asJob, row: plain(second) },
      ]);
      expect(versions[0]?.row).toStrictEqual(plain(first));
      expect(versions[1]?.row).toStrictEqual(plain(second));
    });

    test('a bulk change and a bulk removal leave one version per row', async () => {
      const org = newOrganization();
      await write(store(), (tx) => tx.grants.insertMany(org, [rows.grant(org), rows.grant(org), rows.grant(org)]));
      await write(store(), (tx) => tx.grants.update(org, {}, { $set: { role: 'admin' } }));
      expect(await store().read.history.count(org, { of: 'grants' })).toBe(3);
      await write(store(), (tx) => tx.grants.remove(org, {}));
      expect(await store().read.history.count(org, { of: 'grants' })).toBe(6);
      expect(await store().read.history.count(org, { of: 'grants', 'row.role': 'admin' })).toBe(3);
    });

    test('collections without history leave none', async () => {
      const org = newOrganization();
      const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org)));
      await write(store(), (tx) => tx.outbox.updateOne(org, { _id: made._id }, { $inc: { attempts: 1 } }));
      await write(store(), (tx) => tx.outbox.remove(org, { _id: made._id }));
      expect(await store().read.history.count(org, {})).toBe(0);
      expect(made).not.toHaveProperty('changedBy');
    });
  });
}
