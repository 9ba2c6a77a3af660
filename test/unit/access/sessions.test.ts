import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  addMember,
  countsIn,
  createOrganization,
  endSession,
  evaluate,
  findLiveSession,
  findSessions,
  idleLimitMs,
  isLive,
  needsTouch,
  openSession,
  type Proof,
  proofsOf,
  removeMember,
  stepUpSession,
  suspendMember,
  touchSession,
} from '../../../src/access/index.ts';
import { PLATFORM, type Session } from '../../../src/store/index.ts';
import { openWorld, refused, sealer, type World } from './world.ts';

const hour = 3_600_000;
let now: Date;
let world: World;
beforeEach(async () => {
  now = new Date('2026-01-01T00:00:00Z');
  world = await openWorld({ clock: { now: () => now } });
});

const open = (accountId = world.member.accountId) =>
  world.write((tx) => openSession(tx, { accountId, proofs: [{ kind: 'operator', at: tx.at }] }));
const find = (token: string) => findLiveSession(world.store.read, token, now);
const later = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

describe('a session', () => {
  test('is found by its token, of which the store keeps only a hash (SSO-7)', async () => {
    const { session, token } = await open();
    expect(token).toMatch(/^ghs_[0-9a-f]{64}$/);
    expect((await find(token))?._id).toBe(session._id);
    const [row] = await world.store.read.sessions.find(PLATFORM, {});
    expect(JSON.stringify(row)).not.toContain(token.slice(4));
    for (const wrong of ['', 'ghs_', `${token}0`, token.slice(4), token.toUpperCase()]) {
      expect(await find(wrong)).toBeUndefined();
    }
  });

  test('ends with idleness; use keeps it alive, written at most once an hour (SSO-7)', async () => {
    const { session, token } = await open();
    expect(needsTouch(session, now)).toBe(false);
    later(hour + 1);
    expect(needsTouch(session, now)).toBe(true);
    await world.write((tx) => touchSession(tx, session._id));
    later(23 * hour);
    expect(await find(token)).toBeDefined();
    later(hour);
    expect(await find(token)).toBeUndefined();
    await world.write((tx) => touchSession(tx, session._id));
    expect(await find(token)).toBeUndefined();
  });

  test('ends with age however much it is used (SSO-7)', async () => {
    const { session, token } = await open();
    for (let i = 0; i < 8; i++) {
      later(idleLimitMs - hour);
      await world.write((tx) => touchSession(tx, session._id));
    }
    expect(await find(token)).toBeUndefined();
    expect(isLive({ idleExpiresAt: now, expiresAt: new Date(now.getTime() + 1) }, now)).toBe(false);
  });

  test('is listed and ended by its own account only (SSO-7)', async () => {
    const { session, token } = await open();
    const { member, admin } = world;
    expect(await findSessions(world.store.read, member.accountId, now)).toHaveLength(1);
    await refused(
      world.write((tx) => endSession(tx, admin.accountId, session._id)),
      'not_found',
    );
    await world.write((tx) => endSession(tx, member.accountId, session._id));
    expect(await find(token)).toBeUndefined();
  });

  test('is made for accounts that exist', async () => {
    await refused(open('acc-none'), 'not_found');
  });

  test('lives on elsewhere when one organization offboards the person, and is worth nothing there (SSO-5, MEM-5)', async () => {
    const { member, org, store } = world;
    const other = await world.write(async (tx) => {
      const made = await createOrganization(tx, sealer, { name: 'Other', owner: { email: 'o@other.test' } });
      await addMember(tx, made.organization._id, { accountId: member.accountId, source: 'operator' });
      return made.organization._id;
    });
    const { token } = await open();
    await world.write((tx) => suspendMember(tx, org, member._id));
    const session = await find(token);
    if (!session) throw new Error('the session is gone');
    expect(session.endedIn).toEqual([org]);
    expect([countsIn(session, org), countsIn(session, other)]).toEqual([false, true]);
    const ask = (id: string) =>
      evaluate(store.read, {
        accountId: member.accountId,
        permission: 'organization.read',
        resource: { kind: 'organization', id },
        session,
      });
    expect((await ask(other)).allowed).toBe(true);
    expect(await ask(org)).toMatchObject({ allowed: false, reason: 'session_ended' });
    await world.write(async (tx) => {
      const [own] = await tx.members.find(other, { accountId: member.accountId });
      await removeMember(tx, other, own?._id ?? '');
    });
    expect(await find(token)).toBeUndefined();
  });

  test('lives on where the person is an External Collaborator elsewhere (SSO-5)', async () => {
    const { member, org } = world;
    await world.write(async (tx) => {
      const made = await createOrganization(tx, sealer, { name: 'Other', owner: { email: 'o@other.test' } });
      const person = { email: 'member@acme.test', external: true };
      await addCollaborator(tx, made.organization._id, made.defaultProject._id, person);
    });
    const { token } = await open();
    await world.write((tx) => removeMember(tx, org, member._id));
    expect((await find(token))?.endedIn).toEqual([org]);
  });
});

describe('a further proof (SSO-5)', () => {
  type OwnProof = Exclude<Proof, { kind: 'operator' }>;
  const connection = (organizationId: string): OwnProof => ({
    kind: 'connection',
    at: now,
    organizationId,
    connectionId: `con-${organizationId}`,
    subject: 's',
  });
  const begin = (proofs: readonly Proof[], endedIn: readonly string[] = []) =>
    world.write(async (tx) => {
      const opened = await openSession(tx, { accountId: world.member.accountId, proofs });
      await tx.sessions.updateOne(PLATFORM, { _id: opened.session._id }, { $set: { endedIn } });
      return opened;
    });
  const add = (sessionId: string, proof: OwnProof, accountId = world.member.accountId) =>
    world.write((tx) => stepUpSession(tx, sessionId, accountId, proof));
  const kinds = (session: Session | undefined) =>
    session &&
    proofsOf(session)
      .map((proof) => placeOf(proof))
      .sort();
  const placeOf = (proof: Proof) => (proof.kind === 'connection' ? proof.organizationId : proof.kind);
  const mailbox = { kind: 'mailbox', at: new Date(0) } as const;

  test('keeps the session and its absolute end, and makes its old token worthless (fixation)', async () => {
    const { session, token } = await begin([mailbox]);
    later(20 * hour);
    const stepped = await add(session._id, connection('org-1'));
    expect(stepped?.session).toMatchObject({ _id: session._id, expiresAt: session.expiresAt });
    expect(kinds(stepped?.session)).toEqual(['mailbox', 'org-1']);
    expect(await find(token)).toBeUndefined();
    expect((await find(stepped?.token ?? ''))?._id).toBe(session._id);
  });

  test('revives the organization that it speaks for, and nothing that was proven before the end', async () => {
    const { session } = await begin([connection('org-1'), connection('org-2')], ['org-1', 'org-2']);
    const one = await add(session._id, connection('org-1'));
    expect([one?.session.endedIn, kinds(one?.session)]).toEqual([['org-2'], ['org-1', 'org-2']]);
    // a mailbox speaks everywhere: what org-2 had said before its end is forgotten
    const all = await add(session._id, { ...mailbox, at: now });
    expect([all?.session.endedIn, kinds(all?.session)]).toEqual([[], ['mailbox', 'org-1']]);
  });

  test("is not added to somebody else's session, to the operator's, or to one that has ended", async () => {
    const own = await begin([mailbox]);
    expect(await add(own.session._id, { ...mailbox, at: now }, world.admin.accountId)).toBeUndefined();
    const { session: made } = await open();
    expect(await add(made._id, { ...mailbox, at: now })).toBeUndefined();
    later(24 * hour);
    expect(await add(own.session._id, { ...mailbox, at: now })).toBeUndefined();
  });
});
