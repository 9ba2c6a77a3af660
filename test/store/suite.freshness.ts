import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { type DirectoryToken, type NewRow, PLATFORM, type Transaction } from '../../src/store/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

const token = (organizationId: string, hash: string): NewRow<DirectoryToken> => ({
  _id: newId('directoryToken'),
  organizationId,
  directoryId: newId('directory'),
  name: 'token',
  hash,
  lastFour: 'abcd',
});

/** An engine may keep what it has answered; nobody may notice. All look-ups are made twice before they must change. */
export function freshnessSuite(open: OpenStore): void {
  describe('look-ups that are made again and again', () => {
    const store = sharedStore(open);

    /** What every kind of look-up answers of a token's name: by its hash, by its id, in lists, by id in a filter. */
    const look = async (reads: Pick<Transaction, 'directoryTokens'>, org: string, row: NewRow<DirectoryToken>) => {
      const found = [
        await reads.directoryTokens.findOne(PLATFORM, { hash: row.hash }),
        await reads.directoryTokens.get(org, row._id),
        (await reads.directoryTokens.find(org, { directoryId: row.directoryId }))[0],
        await reads.directoryTokens.findOne(org, { _id: row._id }),
        (await reads.directoryTokens.find(PLATFORM, { _id: { $in: [row._id, 'nobody'] } }))[0],
      ].map((one) => one?.name);
      expect(new Set(found).size).toBe(1);
      return found[0];
    };
    const inside = (org: string, row: NewRow<DirectoryToken>) => write(store(), (tx) => look(tx, org, row));
    const outside = (org: string, row: NewRow<DirectoryToken>) =>
      look(store().read as unknown as Pick<Transaction, 'directoryTokens'>, org, row);

    test('see every commit at once: a row made, changed, and removed', async () => {
      const org = newOrganization();
      const row = token(org, newId('session'));
      const steps: [string | undefined, (tx: Transaction) => Promise<unknown>][] = [
        ['token', (tx) => tx.directoryTokens.insert(org, row)],
        ['one', (tx) => tx.directoryTokens.updateOne(org, { _id: row._id }, { $set: { name: 'one' } })],
        ['all', (tx) => tx.directoryTokens.update(PLATFORM, { hash: row.hash }, { $set: { name: 'all' } })],
        [undefined, (tx) => tx.directoryTokens.remove(org, { _id: row._id })],
        ['token', (tx) => tx.directoryTokens.insertMany(org, [row])],
      ];
      for (const [name, change] of steps) {
        for (const see of [outside, inside, outside]) await see(org, row);
        await write(store(), change);
        expect([await outside(org, row), await inside(org, row), await outside(org, row)]).toEqual([name, name, name]);
      }
    });

    test('see inside of a transaction what it has written itself, outside of it nothing before the commit', async () => {
      const org = newOrganization();
      const row = token(org, newId('session'));
      await write(store(), (tx) => tx.directoryTokens.insert(org, row));
      for (const see of [outside, inside]) await see(org, row);
      let written = () => {};
      let goOn = () => {};
      const isWritten = new Promise<void>((resolve) => (written = resolve));
      const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
      const open = write(store(), async (tx) => {
        expect(await look(tx, org, row)).toBe('token');
        await tx.directoryTokens.update(org, { _id: row._id }, { $set: { name: 'changed' } });
        expect(await look(tx, org, row)).toBe('changed');
        written();
        await mayGoOn;
        expect(await look(tx, org, row)).toBe('changed');
      });
      await isWritten;
      expect([await outside(org, row), await outside(org, row)]).toEqual(['token', 'token']);
      goOn();
      await open;
      expect([await outside(org, row), await inside(org, row)]).toEqual(['changed', 'changed']);
    });

    test('never see what was rolled back', async () => {
      const org = newOrganization();
      const row = token(org, newId('session'));
      await write(store(), (tx) => tx.directoryTokens.insert(org, row));
      await outside(org, row);
      const failed = write(store(), async (tx) => {
        await tx.directoryTokens.updateOne(org, { _id: row._id }, { $set: { name: 'never' } });
        expect(await look(tx, org, row)).toBe('never');
        throw new Error('no');
      });
      const beside = inside(org, row);
      await expect(failed).rejects.toThrow('no');
      expect([await beside, await outside(org, row), await inside(org, row)]).toEqual(['token', 'token', 'token']);
    });

    test('see what the transactions before them in the line have written, though they share a commit', async () => {
      const org = newOrganization();
      const seen = await Promise.all(
        Array.from({ length: 20 }, () =>
          write(store(), async (tx) => {
            const made = (await tx.projects.find(org, {})).length;
            await tx.projects.insert(org, rows.project(org));
            return [made, (await tx.projects.find(org, {})).length];
          }),
        ),
      );
      for (const [before = 0, after] of seen) expect(after).toBe(before + 1);
      expect((await store().read.projects.find(org, {})).length).toBe(20);
    });

    test('see who is in which group as it is, whatever was kept of it', async () => {
      const org = newOrganization();
      const directoryId = newId('directory');
      const groupId = newId('directoryGroup');
      const ids = Array.from({ length: 12 }, () => newId('directoryUser'));
      const named = (displayName: string) => ({ displayName, displayNameKey: displayName });
      const group = { _id: groupId, organizationId: org, directoryId, ...named('before'), attributes: {} };
      const edges = ids.map((memberId) => ({
        ...{ _id: newId('edge'), organizationId: org, directoryId, groupId, memberId },
        memberKind: 'User' as const,
      }));
      await write(store(), async (tx) => {
        await tx.directoryGroups.insert(org, group);
        await tx.edges.insertMany(org, edges);
      });
      const see = async () => [
        (await store().read.edges.find(org, { memberId: { $in: ids.slice(0, 3) } })).length,
        (await store().read.edges.find(org, { memberId: { $in: ids } })).length,
        (await store().read.edges.find(org, { memberId: ids[0] ?? '' })).length,
        (await store().read.directoryGroups.find(org, { _id: { $in: [groupId] } }))[0]?.displayName,
      ];
      for (let again = 0; again < 2; again += 1) expect(await see()).toEqual([3, 12, 1, 'before']);
      await write(store(), (tx) => tx.edges.remove(org, { memberId: ids[0] ?? '' }));
      for (let again = 0; again < 2; again += 1) expect(await see()).toEqual([2, 11, 0, 'before']);
      await write(store(), (tx) => tx.directoryGroups.updateOne(org, { _id: groupId }, { $set: named('after') }));
      for (let again = 0; again < 2; again += 1) expect(await see()).toEqual([2, 11, 0, 'after']);
    });

    test('tell scopes and kinds of values apart', async () => {
      const [org, other] = [newOrganization(), newOrganization()];
      const row = token(org, newId('session'));
      await write(store(), (tx) => tx.directoryTokens.insert(org, row));
      expect(await store().read.directoryTokens.findOne(other, { hash: row.hash })).toBeUndefined();
      expect(await store().read.directoryTokens.findOne(org, { hash: row.hash })).toBeDefined();
      expect(await store().read.directoryTokens.findOne(other, { hash: row.hash })).toBeUndefined();
      expect(await store().read.directoryTokens.get(other, row._id)).toBeUndefined();
      const at = (await store().read.directoryTokens.get(org, row._id))?.createdAt ?? new Date();
      expect(await store().read.directoryTokens.findOne(org, { createdAt: at })).toBeDefined();
      expect(await store().read.directoryTokens.findOne(org, { createdAt: at.toJSON() as never })).toBeUndefined();
    });
  });
}
