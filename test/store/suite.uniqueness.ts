import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { DuplicateKeyError, PLATFORM } from '../../src/store/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

/** Unique indexes are what races end at; partial ones bind only the rows that they speak of. */
export function uniquenessSuite(open: OpenStore): void {
  describe('uniqueness', () => {
    const store = sharedStore(open);

    const fault = async (
      work: Promise<unknown>,
    ): Promise<{ collection: string; fields: readonly string[] } | undefined> => {
      try {
        await work;
        return undefined;
      } catch (error) {
        if (!(error instanceof DuplicateKeyError)) throw error;
        return { collection: error.collection, fields: error.fields };
      }
    };

    test('a taken key is refused with its collection and fields', async () => {
      const org = newOrganization();
      const member = rows.member(org);
      await write(store(), (tx) => tx.members.insert(org, member));
      const again = rows.member(org, { accountId: member.accountId });
      expect(await fault(write(store(), (tx) => tx.members.insert(org, again)))).toEqual({
        collection: 'members',
        fields: ['organizationId', 'accountId'],
      });
      expect(await fault(write(store(), (tx) => tx.members.insert(org, { ...member, accountId: 'other' })))).toEqual({
        collection: 'members',
        fields: ['_id'],
      });
      expect(await store().read.members.count(org, {})).toBe(1);
    });

    test('the same key in another organization is free', async () => {
      const member = rows.member(newOrganization());
      const other = rows.member(newOrganization(), { accountId: member.accountId });
      await write(store(), (tx) => tx.members.insert(member.organizationId, member));
      await write(store(), (tx) => tx.members.insert(other.organizationId, other));
    });

    test('an id is taken across organizations', async () => {
      const member = rows.member(newOrganization());
      await write(store(), (tx) => tx.members.insert(member.organizationId, member));
      const org = newOrganization();
      const copy = rows.member(org, { _id: member._id });
      expect(await fault(write(store(), (tx) => tx.members.insert(org, copy)))).toMatchObject({ fields: ['_id'] });
    });

    test('keys differ by case, accent and trailing blank', async () => {
      const org = newOrganization();
      for (const nameKey of ['zoe', 'Zoe', 'zoë', 'zoe\u0308', 'zoe ', '']) {
        await write(store(), (tx) => tx.projects.insert(org, { ...rows.project(org), nameKey }));
      }
      const again = { ...rows.project(org), nameKey: 'zoe' };
      expect(await fault(write(store(), (tx) => tx.projects.insert(org, again)))).toMatchObject({
        fields: ['organizationId', 'nameKey'],
      });
    });

    test('an address is unique among proven ones only (ACC-2)', async () => {
      const emailKey = `${newId('accountEmail')}@example.com`;
      const email = (proven: boolean) => rows.email({ email: emailKey, emailKey, proven });
      const [first, second] = [email(false), email(false)];
      await write(store(), (tx) => tx.accountEmails.insertMany(PLATFORM, [first, second, email(true)]));
      const expected = { collection: 'accountEmails', fields: ['emailKey'] };
      expect(await fault(write(store(), (tx) => tx.accountEmails.insert(PLATFORM, email(true))))).toEqual(expected);
      const prove = write(store(), (tx) =>
        tx.accountEmails.updateOne(PLATFORM, { _id: first._id }, { $set: { proven: true } }),
      );
      expect(await fault(prove)).toEqual(expected);
      expect(await store().read.accountEmails.count(PLATFORM, { emailKey, proven: true })).toBe(1);
      expect(await store().read.accountEmails.count(PLATFORM, { emailKey, proven: false })).toBe(2);
      await write(store(), async (tx) => {
        await tx.accountEmails.update(PLATFORM, { emailKey, proven: true }, { $set: { proven: false } });
        await tx.accountEmails.updateOne(PLATFORM, { _id: first._id }, { $set: { proven: true } });
      });
      expect((await store().read.accountEmails.findOne(PLATFORM, { emailKey, proven: true }))?._id).toBe(first._id);
    });

    test('the Owner mark is unique in an organization; its absence is not (OWN-6)', async () => {
      const org = newOrganization();
      await write(store(), async (tx) => {
        await tx.members.insertMany(org, [rows.member(org), rows.member(org), rows.member(org)]);
        await tx.members.insert(org, rows.member(org, { role: 'admin', owner: true }));
      });
      const second = rows.member(org, { role: 'admin', owner: true });
      expect(await fault(write(store(), (tx) => tx.members.insert(org, second)))).toEqual({
        collection: 'members',
        fields: ['organizationId'],
      });
      const unmarked = await store().read.members.find(org, { owner: { $exists: false } });
      const mark = write(store(), (tx) =>
        tx.members.updateOne(org, { _id: unmarked[0]?._id ?? '' }, { $set: { owner: true, role: 'admin' } }),
      );
      expect(await fault(mark)).toMatchObject({ fields: ['organizationId'] });
    });

    test('an organization has one default project, and a name once', async () => {
      const org = newOrganization();
      await write(store(), (tx) => tx.projects.insert(org, rows.project(org, { name: 'Default', isDefault: true })));
      await write(store(), (tx) => tx.projects.insert(org, rows.project(org, { name: 'Second', isDefault: false })));
      await write(store(), (tx) => tx.projects.insert(org, rows.project(org, { name: 'Third', isDefault: false })));
      const second = rows.project(org, { isDefault: true });
      expect(await fault(write(store(), (tx) => tx.projects.insert(org, second)))).toMatchObject({
        fields: ['organizationId'],
      });
      const rename = write(store(), (tx) =>
        tx.projects.update(org, { nameKey: 'third' }, { $set: { nameKey: 'second' } }),
      );
      expect(await fault(rename)).toMatchObject({ fields: ['organizationId', 'nameKey'] });
    });

    test('a removed row gives its key back at once', async () => {
      const org = newOrganization();
      const user = rows.user(org);
      await write(store(), (tx) => tx.directoryUsers.insert(org, user));
      await write(store(), async (tx) => {
        await tx.directoryUsers.remove(org, { _id: user._id });
        await tx.directoryUsers.insert(org, { ...rows.user(org), userNameKey: user.userNameKey });
      });
      expect(await store().read.directoryUsers.count(org, { userNameKey: user.userNameKey })).toBe(1);
    });
  });
}
