import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  createAccount,
  createProvisionedAccount,
  findAccount,
  findAccountByProvenEmail,
  findAccountEmails,
  findContacts,
  getAccount,
  proveEmail,
} from '../../../src/access/index.ts';
import { DuplicateKeyError, type Store } from '../../../src/store/index.ts';
import { openTestStore } from '../../support/engines.ts';
import { refused, writeTo } from './world.ts';

let store: Store;
beforeEach(async () => {
  store = await openTestStore();
});

describe('accounts', () => {
  test('are found by a proven address, without case, and by id (ACC-2)', async () => {
    const made = await writeTo(store, (tx) =>
      createAccount(tx, { email: 'Ann@Acme.test', name: 'Ann', provenBy: 'operator' }),
    );
    expect((await findAccountByProvenEmail(store.read, 'ann@ACME.test'))?._id).toBe(made._id);
    expect((await findAccount(store.read, made._id))?.name).toBe('Ann');
    expect((await findAccount(store.read, 'ann@acme.test'))?._id).toBe(made._id);
    expect(await findAccountEmails(store.read, made._id)).toMatchObject([
      { email: 'Ann@Acme.test', proven: true, provenBy: 'operator' },
    ]);
  });

  test('share no proven address (ACC-2)', async () => {
    const add = () => writeTo(store, (tx) => createAccount(tx, { email: 'ann@acme.test', provenBy: 'operator' }));
    await add();
    await refused(add(), 'email_taken');
    const again = { email: { address: 'ANN@acme.test', proven: true } };
    await expect(writeTo(store, (tx) => createProvisionedAccount(tx, again))).rejects.toThrow(DuplicateKeyError);
  });

  test('that race for one address leave one account (ACC-2)', async () => {
    const add = () => writeTo(store, (tx) => createAccount(tx, { email: 'ann@acme.test', provenBy: 'operator' }));
    const ends = await Promise.allSettled([add(), add(), add(), add()]);
    expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'email_taken' });
  });

  test('with an unproven address squat nothing and are not found by it (ACC-2, ACC-3)', async () => {
    const pushed = { email: { address: 'ann@acme.test', proven: false } };
    const first = await writeTo(store, (tx) => createProvisionedAccount(tx, pushed));
    const second = await writeTo(store, (tx) => createProvisionedAccount(tx, pushed));
    expect(first._id).not.toBe(second._id);
    expect(await findAccountByProvenEmail(store.read, 'ann@acme.test')).toBeUndefined();
    const real = await writeTo(store, (tx) => createAccount(tx, { email: 'ann@acme.test', provenBy: 'mailbox' }));
    expect((await findAccountByProvenEmail(store.read, 'ann@acme.test'))?._id).toBe(real._id);
  });

  test('may have no address at all (ACC-3)', async () => {
    const made = await writeTo(store, (tx) => createProvisionedAccount(tx, { name: 'Robot' }));
    expect(await findAccountEmails(store.read, made._id)).toEqual([]);
    expect((await findContacts(store.read, [made._id])).get(made._id)).toEqual({ accountId: made._id, name: 'Robot' });
  });

  test('prove an address once; somebody else cannot prove it any more (ACC-2)', async () => {
    const email = { address: 'ann@acme.test', proven: false };
    const [first, second] = await writeTo(store, async (tx) => [
      await createProvisionedAccount(tx, { email }),
      await createProvisionedAccount(tx, { email }),
    ]);
    const prove = (id: string | undefined) => writeTo(store, (tx) => proveEmail(tx, id ?? '', 'Ann@acme.test', 'idp'));
    expect(await prove(first?._id)).toBe(true);
    expect(await prove(first?._id)).toBe(true);
    expect(await prove(second?._id)).toBe(false);
    expect((await findAccountByProvenEmail(store.read, 'ann@acme.test'))?._id).toBe(first?._id);
    expect(await findAccountEmails(store.read, second?._id ?? '')).toMatchObject([{ proven: false }]);
  });

  test('gain an address by proving one that they did not have (ACC-2)', async () => {
    const made = await writeTo(store, (tx) => createAccount(tx, { email: 'ann@acme.test', provenBy: 'operator' }));
    await writeTo(store, (tx) => proveEmail(tx, made._id, 'ann@home.test', 'mailbox'));
    expect(await findAccountEmails(store.read, made._id)).toMatchObject([
      { email: 'ann@acme.test' },
      { email: 'ann@home.test', proven: true, provenBy: 'mailbox' },
    ]);
    expect((await findContacts(store.read, [made._id])).get(made._id)?.email).toBe('ann@acme.test');
  });

  test('that do not exist are said not to', async () => {
    await refused(getAccount(store.read, 'acc-none'), 'not_found');
    expect(await findAccount(store.read, 'nobody@acme.test')).toBeUndefined();
    expect((await findContacts(store.read, [])).size).toBe(0);
  });
});
