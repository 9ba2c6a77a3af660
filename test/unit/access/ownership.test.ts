import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  acceptOwnership,
  changeMemberRole,
  claimEmail,
  decideAcceptance,
  decideFreshOwnersSignIn,
  decideFreshSignIn,
  decideHeir,
  decideOwnersSignIn,
  endOffer,
  findGrants,
  findOwner,
  forceOwnership,
  getOffer,
  offerOwnership,
  type Presence,
  proveEmail,
  reactivateMember,
  removeMember,
  suspendMember,
} from '../../../src/access/index.ts';
import { type Member, PLATFORM } from '../../../src/store/index.ts';
import { openWorld, refused, type World } from './world.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const start = Date.UTC(2030, 0, 1);
let now = start;
let world: World;

beforeEach(async () => {
  now = start;
  world = await openWorld({ clock: { now: () => new Date(now) } });
});

/** A person who has signed in just now, by a mailed link. */
const signedIn = ({ accountId }: Pick<Member, 'accountId'>): Presence => ({
  kind: 'session',
  accountId,
  madeBy: 'sign_in',
  authenticatedAt: new Date(now),
  mailboxAt: new Date(now),
});

/** The same through the organization's IdP, which was told to ask them again. */
const throughIdp = ({ accountId }: Pick<Member, 'accountId'>): Presence => ({
  kind: 'session',
  accountId,
  madeBy: 'sign_in',
  authenticatedAt: new Date(now),
});

const offer = (to: Member, by: Presence = signedIn(world.owner)) =>
  world.write((tx) => offerOwnership(tx, world.org, by, to._id));
const accept = (by: Presence) => world.write((tx) => acceptOwnership(tx, world.org, by));
const force = (to: Member) => world.write((tx) => forceOwnership(tx, world.org, to._id));
const ownerNow = async () => (await findOwner(world.store.read, world.org))?._id;

describe('who may become the Owner (OWN-4)', () => {
  const owner = { _id: 'mem-1' };
  test.each([
    ['an active Admin', { _id: 'mem-2', role: 'admin', status: 'active' }, undefined],
    ['a Member', { _id: 'mem-2', role: 'member', status: 'active' }, 'heir_not_eligible'],
    ['a suspended Admin', { _id: 'mem-2', role: 'admin', status: 'suspended' }, 'heir_not_eligible'],
    ['the Owner', { _id: 'mem-1', role: 'admin', status: 'active' }, 'heir_not_eligible'],
  ] as const)('%s: %j → %s', (_who, heir, code) => {
    expect(decideHeir(heir, owner)?.code).toBe(code);
  });
});

describe('an acceptance (OWN-4)', () => {
  const heir = { _id: 'mem-2', role: 'admin', status: 'active' } as const;
  const transfer = { fromMemberId: 'mem-1', toMemberId: 'mem-2', expiresAt: new Date(1000) };
  const facts = { transfer, heir, owner: { _id: 'mem-1' }, now: new Date(999) };
  test.each([
    ['in time, by the Admin named', {}, undefined],
    ['at the end of its time', { now: new Date(1000) }, 'transfer_expired'],
    ['by another Admin', { heir: { ...heir, _id: 'mem-3' } }, 'permission_denied'],
    ['of an offer of who was the Owner before', { owner: { _id: 'mem-4' } }, 'not_found'],
    ['by an Admin who has become a Member', { heir: { ...heir, role: 'member' } }, 'heir_not_eligible'],
    ['by an Admin who has been suspended', { heir: { ...heir, status: 'suspended' } }, 'heir_not_eligible'],
  ] as const)('%s: %j → %s', (_what, changed, code) => {
    expect(decideAcceptance({ ...facts, ...changed })?.code).toBe(code);
  });
});

describe('a fresh sign-in (OWN-4)', () => {
  const at = new Date(start);
  const session = { kind: 'session', accountId: 'acc-1', madeBy: 'sign_in', authenticatedAt: at } as const;
  test.each([
    ['at once', session, 0, undefined],
    ['within ten minutes', session, 10 * minute, undefined],
    ['after ten minutes', session, 10 * minute + 1, 'reauthentication_required'],
    ['without a time', { ...session, authenticatedAt: undefined }, 0, 'reauthentication_required'],
    ['of a session that the operator made', { ...session, madeBy: 'operator' }, 0, 'permission_denied'],
    ['with Act-As', { kind: 'act_as', accountId: 'acc-1' }, 0, 'act_as_refused'],
  ] as const)('%s', (_what, presence, later, code) => {
    expect(decideFreshSignIn(presence, new Date(start + later), 'This')?.code).toBe(code);
  });
});

describe("the Owner's own sign-in (OWN-4, KEY-3)", () => {
  const at = new Date(start);
  const session = { kind: 'session', accountId: 'acc-1', madeBy: 'sign_in', authenticatedAt: at } as const;
  const byMail = { ...session, mailboxAt: at } as const;
  test.each([
    ['by a mailed link', byMail, 0, undefined, undefined],
    ['by a mailed link, ten minutes ago', byMail, 10 * minute, undefined, undefined],
    ['by a mailed link, longer ago', byMail, 10 * minute + 1, undefined, 'reauthentication_required'],
    ['through an IdP, however fresh', session, 0, 'reauthentication_required', 'reauthentication_required'],
    [
      'in a session that the operator made',
      { ...byMail, madeBy: 'operator' },
      0,
      'permission_denied',
      'permission_denied',
    ],
    ['with Act-As', { kind: 'act_as', accountId: 'acc-1' }, 0, 'act_as_refused', 'act_as_refused'],
  ] as const)('%s', (_what, presence, later, ever, fresh) => {
    expect(decideOwnersSignIn(presence, 'This')?.code).toBe(ever);
    expect(decideFreshOwnersSignIn(presence, new Date(start + later), 'This')?.code).toBe(fresh);
  });
});

describe('the ownership', () => {
  test('is offered, and the offer cancelled, by no word of an IdP; accepting goes on to count it (OWN-4)', async () => {
    const { org, owner, admin } = world;
    const end = (by: Presence) => world.write((tx) => endOffer(tx, org, by));
    await refused(offer(admin, throughIdp(owner)), 'reauthentication_required');
    await offer(admin);
    await refused(end(throughIdp(owner)), 'reauthentication_required');
    await end(signedIn(owner));
    await offer(admin);
    expect(await accept(throughIdp(admin))).toMatchObject({ _id: admin._id, owner: true });
  });

  test('moves when the Admin accepts what the Owner has offered; who was the Owner stays an Admin (OWN-4)', async () => {
    const { org, owner, admin, store } = world;
    await offer(admin);
    expect(await ownerNow()).toBe(owner._id);
    expect(await accept(signedIn(admin))).toMatchObject({ _id: admin._id, owner: true, role: 'admin' });
    expect(await ownerNow()).toBe(admin._id);
    expect(await store.read.members.get(org, owner._id)).toMatchObject({ role: 'admin', status: 'active' });
    expect(await findGrants(store.read, org, { accountId: owner.accountId, targetId: org })).toMatchObject([
      { role: 'admin', source: 'manual' },
    ]);
    expect(await store.read.ownershipTransfers.count(org, {})).toBe(0);
    await refused(
      world.write((tx) => removeMember(tx, org, admin._id)),
      'owner_protected',
    );
    await world.write((tx) => changeMemberRole(tx, org, owner._id, 'member'));
    expect((await world.audit('ownership.transferred'))[0]).toMatchObject({
      targetId: admin._id,
      before: { ownerMemberId: owner._id },
      after: { ownerMemberId: admin._id },
    });
  });

  test('may go on to the next, and back', async () => {
    const { owner, admin } = world;
    for (const [from, to] of [
      [owner, admin],
      [admin, owner],
      [owner, admin],
    ] as const) {
      await offer(to, signedIn(from));
      await accept(signedIn(to));
      expect(await ownerNow()).toBe(to._id);
    }
  });

  test('is offered by nobody but the Owner, to nobody but an active Admin, to one at a time', async () => {
    const { org, owner, admin, member } = world;
    await refused(offer(admin, signedIn(admin)), 'permission_denied');
    await refused(offer(admin, { kind: 'operator' }), 'permission_denied');
    await refused(offer(member), 'heir_not_eligible');
    await refused(offer(owner), 'heir_not_eligible');
    await refused(offer({ ...admin, _id: 'mem-00000000000000000000000000' }), 'not_found');
    await offer(admin);
    await world.write((tx) => changeMemberRole(tx, org, member._id, 'admin'));
    await refused(offer(member), 'transfer_pending');
  });

  test('goes to nobody whom no sign-in link could reach (OWN-5)', async () => {
    const { org, admin } = world;
    await offer(admin);
    await world.write((tx) => tx.accountEmails.remove(PLATFORM, { accountId: admin.accountId }));
    await refused(accept(signedIn(admin)), 'heir_not_eligible');
    await refused(force(admin), 'heir_not_eligible');
    expect(await ownerNow()).toBe(world.owner._id);
    await world.write((tx) => claimEmail(tx, admin.accountId, 'admin@else.test'));
    await refused(force(admin), 'heir_not_eligible');
    await world.write((tx) => proveEmail(tx, admin.accountId, 'admin@else.test', 'idp'));
    await force(admin);
    expect(await ownerNow()).toBe(admin._id);
    expect(await findOwner(world.store.read, org)).toMatchObject({ owner: true });
  });

  test('is not offered or accepted without a fresh sign-in of the person (OWN-4)', async () => {
    const { owner, admin } = world;
    const borrowed = ({ accountId }: Member): Presence => ({ kind: 'act_as', accountId });
    const made = ({ accountId }: Member): Presence => ({ kind: 'session', accountId, madeBy: 'operator' });
    const stale = signedIn(owner);
    now += 11 * minute;
    await refused(offer(admin, borrowed(owner)), 'act_as_refused');
    await refused(offer(admin, made(owner)), 'permission_denied');
    await refused(offer(admin, stale), 'reauthentication_required');
    await offer(admin);
    const late = signedIn(admin);
    now += 11 * minute;
    await refused(accept(borrowed(admin)), 'act_as_refused');
    await refused(accept(made(admin)), 'permission_denied');
    await refused(accept(late), 'reauthentication_required');
    await refused(accept({ kind: 'operator' }), 'permission_denied');
    await refused(accept(signedIn(owner)), 'permission_denied');
    expect(await ownerNow()).toBe(owner._id);
  });

  test('is offered for seven days, and may then be offered anew', async () => {
    const { org, owner, admin, store } = world;
    await offer(admin);
    now += 7 * day;
    await refused(accept(signedIn(admin)), 'transfer_expired');
    await expect(getOffer(store.read, org, new Date(now))).rejects.toMatchObject({ code: 'not_found' });
    expect(await ownerNow()).toBe(owner._id);
    await offer(admin);
    await accept(signedIn(admin));
    expect(await ownerNow()).toBe(admin._id);
  });

  test('stays where the offer is cancelled, or declined; nobody else can end it', async () => {
    const { org, owner, admin, member } = world;
    const end = (by: Presence) => world.write((tx) => endOffer(tx, org, by));
    await refused(end(signedIn(owner)), 'not_found');
    for (const by of [signedIn(owner), { kind: 'operator' } as const, signedIn(admin)]) {
      await offer(admin);
      await refused(end(signedIn(member)), 'permission_denied');
      await end(by);
      await refused(accept(signedIn(admin)), 'not_found');
    }
    expect(await world.audit('ownership.offer_cancelled')).toHaveLength(2);
    expect(await world.audit('ownership.offer_declined')).toHaveLength(1);
    expect(await ownerNow()).toBe(owner._id);
  });

  test('is moved by the operator to an active Admin, at once; an offer ends by it', async () => {
    const { org, owner, admin, member } = world;
    await refused(force(member), 'heir_not_eligible');
    await refused(force(owner), 'heir_not_eligible');
    await offer(admin);
    await world.write((tx) => changeMemberRole(tx, org, member._id, 'admin'));
    await force(member);
    expect(await ownerNow()).toBe(member._id);
    await refused(accept(signedIn(admin)), 'not_found');
  });

  test('does not reach an Admin who was suspended or demoted after the offer', async () => {
    const { org, owner, admin } = world;
    await offer(admin);
    await world.write((tx) => suspendMember(tx, org, admin._id));
    await refused(accept(signedIn(admin)), 'not_found');
    expect(await ownerNow()).toBe(owner._id);
    await world.write((tx) => reactivateMember(tx, org, admin._id));
    await offer(admin);
    await world.write((tx) => changeMemberRole(tx, org, admin._id, 'member'));
    await world.write((tx) => changeMemberRole(tx, org, admin._id, 'admin'));
    await refused(accept(signedIn(admin)), 'not_found');
    expect(await ownerNow()).toBe(owner._id);
  });

  test('is with exactly one active Admin, whatever races with its transfer (OWN-4)', async () => {
    const { org, admin, member, store } = world;
    await world.write((tx) => changeMemberRole(tx, org, member._id, 'admin'));
    for (let round = 0; round < 10; round += 1) {
      const owner = (await findOwner(store.read, org)) as Member;
      const [heir, rival] = [world.owner, admin, member].filter(({ _id }) => _id !== owner._id) as [Member, Member];
      await offer(heir, signedIn(owner));
      await Promise.allSettled([
        accept(signedIn(heir)),
        force(rival),
        world.write((tx) => suspendMember(tx, org, heir._id)),
        offer(rival, signedIn(owner)),
        accept(signedIn(heir)),
        world.write((tx) => changeMemberRole(tx, org, rival._id, 'member')),
        force(heir),
      ]);
      expect(await store.read.members.find(org, { owner: true })).toMatchObject([{ role: 'admin', status: 'active' }]);
      await world.write(async (tx) => {
        await tx.members.update(org, { status: 'suspended' }, { $set: { status: 'active' } });
        await tx.ownershipTransfers.remove(org, {});
      });
      for (const { _id } of [world.owner, admin, member]) {
        await world.write((tx) => changeMemberRole(tx, org, _id, 'admin'));
      }
    }
  });
});
