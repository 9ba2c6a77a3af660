import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  claimDomain,
  createAccount,
  findAccountByProvenEmail,
  findAccountEmails,
  forceVerifyDomain,
} from '../../src/access/index.ts';
import { openWorld, ownerEmail, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.store.close());

const email = 'shared@acme.example';
const verify = () =>
  world.run(async (tx) => {
    await claimDomain(tx, world.id, 'acme.example');
    await forceVerifyDomain(tx, world.id, 'acme.example');
  });
const userOf = async (id: string) => world.store.read.directoryUsers.get(world.id, id);
const holder = async () => (await findAccountByProvenEmail(world.store.read, email))?._id;
const population = () => world.store.read.members.count(world.id, {});

describe('an address that two people of a directory go by (ACC-3)', () => {
  test('as a secondary address keeps nobody from it: its holder is adopted, and offboarded (SCIM-3, MEM-5)', async () => {
    await verify();
    const member = await world.member('alice@acme.example', 'admin');
    await world.push({ userName: 'bob', email: 'bob@acme.example', otherEmail: 'alice@acme.example' });
    const { user } = await world.push({ userName: 'alice', email: 'alice@acme.example' });
    expect(user).toMatchObject({ accountId: member.accountId });
    expect(user.conflict).toBeUndefined();
    await world.change(user._id, { userName: 'alice', email: 'alice@acme.example', active: false });
    expect(await world.memberOf('alice@acme.example')).toMatchObject({ _id: member._id, status: 'suspended' });
  });

  test('after a change to it does not keep the Owner from their account, nor OWN-2 from the Owner (SCIM-3)', async () => {
    const { user } = await world.push({ userName: 'x', email: 'x@acme.example' });
    const changed = await world.change(user._id, { userName: 'x', email: ownerEmail });
    expect(changed.user.conflict).toBe('email_held_by_another');
    const olga = { userName: 'olga', email: ownerEmail };
    const pushed = await world.push(olga);
    expect(await world.linked(pushed)).toMatchObject({ owner: true, directoryUserId: pushed.user._id });
    await expect(world.change(pushed.user._id, { ...olga, active: false })).rejects.toMatchObject({
      code: 'owner_protected',
    });
  });

  test.each(['the domain is verified', 'they are pushed again', 'both'])(
    'who waited for it first keeps their place when %s, however many come after (SCIM-3)',
    async (what) => {
      const { _id } = await world.run((tx) => createAccount(tx, { email, provenBy: 'mailbox' }));
      const first = await world.push({ userName: 'u1', email });
      const second = await world.push({ userName: 'u2', email });
      expect(second.user).toMatchObject({ link: 'linked', conflict: 'email_held_by_another' });
      if (what !== 'the domain is verified') {
        expect((await world.change(first.user._id, { userName: 'u1', email })).user.link).toBe('waiting');
      }
      if (what === 'they are pushed again') return;
      await verify();
      await world.runJobs();
      expect(await userOf(first.user._id)).toMatchObject({ link: 'linked', accountId: _id });
      expect(await userOf(second.user._id)).toMatchObject({ conflict: 'email_held_by_another' });
    },
  );

  test.each([
    ['the first', 'verified'],
    ['the second', 'verified'],
    ['the first', 'not verified'],
    ['the second', 'not verified'],
  ])('%s of them, deleted and pushed again, is the same member, domain %s (SCIM-3)', async (which, domain) => {
    if (domain === 'verified') await verify();
    const first = await world.push({ userName: 'u1', email });
    const second = await world.push({ userName: 'u2', email });
    const [gone, userName] = which === 'the first' ? [first, 'u1'] : [second, 'u2'];
    await world.remove(gone.user._id);
    const again = await world.push({ userName, email });
    expect(again.user.accountId).toBe(gone.user.accountId);
    expect(again.user.conflict).toBe(gone.user.conflict);
    expect(await world.linked(again)).toMatchObject({ status: 'active', review: 'recycled_identity' });
    expect(await population()).toBe(3);
  });
});

describe('a conflict ends (ACC-3)', () => {
  const twins = async () => {
    const first = await world.push({ userName: 'u1', email });
    const second = await world.push({ userName: 'u2', email });
    return { first: first.user, second: second.user };
  };
  const free = async (how: string, userId: string) => {
    if (how === 'moves away') await world.change(userId, { userName: 'u1', email: 'other@acme.example' });
    else await world.remove(userId);
  };

  test.each(['moves away', 'is deleted'])(
    'when the first claimant %s: the next push claims the address, and a verified domain proves it (ACC-2)',
    async (how) => {
      const { first, second } = await twins();
      const still = await world.change(second._id, { userName: 'u2', email });
      expect(still).toMatchObject({ changed: false, notes: ['email_held_by_another'] });
      await free(how, first._id);
      const pushed = await world.change(second._id, { userName: 'u2', email });
      expect(pushed).toMatchObject({ changed: true, notes: [] });
      expect(pushed.user.conflict).toBeUndefined();
      expect(await findAccountEmails(world.store.read, second.accountId ?? '')).toMatchObject([
        { email, proven: false },
      ]);
      await verify();
      await world.runJobs();
      expect(await holder()).toBe(second.accountId);
    },
  );

  test.each(['moves away', 'is deleted'])(
    'when the first claimant %s and the domain is verified, without another push (ACC-2)',
    async (how) => {
      const { first, second } = await twins();
      await free(how, first._id);
      await verify();
      await world.runJobs();
      expect((await userOf(second._id))?.conflict).toBeUndefined();
      expect(await holder()).toBe(second.accountId);
    },
  );

  test('never while an account has the address proven, wherever its directory user has moved (ACC-2, ACC-4)', async () => {
    await verify();
    const { first, second } = await twins();
    await free('moves away', first._id);
    expect((await world.change(second._id, { userName: 'u2', email })).notes).toEqual(['email_held_by_another']);
    expect(await holder()).toBe(first.accountId);
  });

  test('without giving an address to an account that has one of its own (ACC-4)', async () => {
    const { first } = await twins();
    const { user } = await world.push({ userName: 'u3', email: 'u3@acme.example' });
    await world.change(user._id, { userName: 'u3', email });
    await world.remove(first._id);
    const pushed = await world.change(user._id, { userName: 'u3', email });
    expect(pushed.user.conflict).toBeUndefined();
    const emails = await findAccountEmails(world.store.read, user.accountId ?? '');
    expect(emails.map((row) => row.email)).toEqual(['u3@acme.example']);
  });
});

describe('a domain that is verified after the first push', () => {
  test('tells of a conflict where two directories have pushed the address: one account proves it (ACC-3, SCIM-3)', async () => {
    const first = await world.push({ userName: 'jane', email });
    const second = await world.push({ userName: 'jane', email }, await world.another());
    await verify();
    await world.runJobs();
    const proven = await holder();
    const [winner, loser] = proven === first.user.accountId ? [first, second] : [second, first];
    expect((await userOf(winner.user._id))?.conflict).toBeUndefined();
    expect(await userOf(loser.user._id)).toMatchObject({
      accountId: loser.user.accountId,
      conflict: 'email_held_by_another',
    });
  });

  test('tells of a conflict where an account has been made with the address meanwhile (ACC-3)', async () => {
    const { user } = await world.push({ userName: 'jane', email });
    const { _id } = await world.run((tx) => createAccount(tx, { email, provenBy: 'operator' }));
    await verify();
    await world.runJobs();
    expect(await holder()).toBe(_id);
    expect(await userOf(user._id)).toMatchObject({ accountId: user.accountId, conflict: 'email_held_by_another' });
  });
});
