/** The core of every sign-in on a real store: attempts, single-use messages, and what an identity becomes. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  claimDomain,
  createAccount,
  createOrganization,
  createProject,
  evaluate,
  findAccountByProvenEmail,
  findAccountEmails,
  findMember,
  forceVerifyDomain,
  proveEmail,
  removeMember,
  suspendMember,
} from '../../src/access/index.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { createMapping } from '../../src/provisioning/index.ts';
import { linkIdentity } from '../../src/sso/identities.ts';
import {
  beginAttempt,
  consumeMessage,
  type Identity,
  nameClaimGroup,
  newState,
  settleSignIn,
  takeAttempt,
} from '../../src/sso/index.ts';
import type { Connection, IdentityRow, Store, Transaction } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';

const cause = { actor: 'system', requestId: 'req-test' };
let store: Store;
let org: string;
let connection: Connection;
let projectId: string;

const run = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => store.transaction(cause, work);

const identity = (subject: string, more: Partial<Identity> = {}): Identity => ({
  subject,
  email: { address: `${subject}@acme.test`, vouched: true },
  groups: { kind: 'unknown', why: 'absent' },
  received: {},
  ...more,
});

const groups = (...names: string[]): Pick<Identity, 'groups'> => ({ groups: { kind: 'known', names } });

const signIn = (who: Identity, through = connection) => run((tx) => settleSignIn(tx, through, who));

async function accountOf(who: Identity): Promise<string> {
  const settled = await signIn(who);
  if (settled.kind !== 'signed_in') throw new Error(JSON.stringify(settled));
  return settled.accountId;
}

const mayReadProject = async (accountId: string): Promise<boolean> =>
  (await evaluate(store.read, { accountId, permission: 'project.read', resource: { kind: 'project', id: projectId } }))
    .allowed;

function connect(tx: Transaction, _id: string): Promise<Connection> {
  return tx.connections.insert(org, {
    _id,
    organizationId: org,
    name: _id,
    protocol: 'saml',
    status: 'active',
    preset: 'custom',
    claims: {},
    jit: true,
    idpInitiated: false,
  });
}

beforeAll(async () => {
  store = await openTestStore();
  await run(async (tx) => {
    const made = await createOrganization(tx, openSealer('k'), { name: 'Acme', owner: { email: 'owner@acme.test' } });
    org = made.organization._id;
    await claimDomain(tx, org, 'acme.test');
    await forceVerifyDomain(tx, org, 'acme.test');
    projectId = (await createProject(tx, org, { name: 'production' }))._id;
    connection = await connect(tx, 'con-okta');
  });
});

describe('what an identity becomes', () => {
  test('a first sign-in makes account and membership, and the next one finds them (SSO-4, SSO-6)', async () => {
    const first = await accountOf(identity('ann', { displayName: 'Ann Lee' }));
    const moved = identity('ann', { email: { address: 'ann.new@acme.test', vouched: true } });
    expect(await accountOf(moved)).toBe(first);
    const member = await findMember(store.read, org, first);
    expect(member).toMatchObject({ source: 'sso', status: 'active', profile: { email: 'ann.new@acme.test' } });
    const emails = await findAccountEmails(store.read, first);
    expect(emails.map(({ email, proven }) => ({ email, proven }))).toEqual([{ email: 'ann@acme.test', proven: true }]);
  });

  test('groups that a sign-in names give mapped roles before it ends, and take them at the next (SSO-8)', async () => {
    const bob = await accountOf(identity('bob', groups('gpu-users')));
    expect(await mayReadProject(bob)).toBe(false);
    const group = await store.read.directoryGroups.findOne(org, { displayName: 'gpu-users' });
    await run((tx) =>
      createMapping(tx, org, { groupId: group?._id ?? '', target: 'project', targetId: projectId, role: 'member' }),
    );
    await accountOf(identity('bob', groups('gpu-users', 'others')));
    expect(await mayReadProject(bob)).toBe(true);
    await accountOf(identity('bob'));
    expect(await mayReadProject(bob)).toBe(true);
    await accountOf(identity('bob', { groups: { kind: 'unknown', why: 'overage' } }));
    expect(await mayReadProject(bob)).toBe(true);
    await accountOf(identity('bob', groups()));
    expect(await mayReadProject(bob)).toBe(false);
  });

  test('two thousand new groups are noted in one sign-in, and change as a set at the next (SSO-8)', async () => {
    const names = (from: number) => Array.from({ length: 2000 }, (_, index) => `team-${from + index}`);
    const gus = await accountOf(identity('gus', groups(...names(0))));
    await accountOf(identity('gus', groups(...names(500))));
    const user = await store.read.directoryUsers.findOne(org, { accountId: gus });
    const edges = await store.read.edges.find(org, { memberId: user?._id ?? '' });
    const all = await store.read.directoryGroups.find(org, { _id: { $in: edges.map(({ groupId }) => groupId) } });
    expect(new Set(all.map(({ displayName }) => displayName))).toEqual(new Set(names(500)));
    expect(edges).toHaveLength(2000);
  });

  test('people who name a new group at the same time are in one group, not each in one of their own (SSO-8)', async () => {
    const subjects = Array.from({ length: 12 }, (_, index) => `ida-${index}`);
    await Promise.all(subjects.map((subject) => accountOf(identity(subject, groups('newcomers')))));
    const [group, ...further] = await store.read.directoryGroups.find(org, { displayName: 'newcomers' });
    expect(further).toEqual([]);
    expect(await store.read.edges.count(org, { groupId: group?._id ?? '' })).toBe(12);
  });

  test('twenty first sign-ins of one person at once make one account (SSO-6)', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => accountOf(identity('cat'))));
    expect(new Set(all).size).toBe(1);
  });

  test('an account outside the verified domains is left alone, and the question is noted once (SSO-3)', async () => {
    const victim = await run((tx) => createAccount(tx, { email: 'vera@other.test', provenBy: 'mailbox' }));
    const who = identity('vera', { email: { address: 'vera@other.test', vouched: true } });
    const question = { about: 'identity', id: expect.any(String) };
    expect(await signIn(who)).toEqual({ kind: 'waiting', reason: 'unverified_domain', question });
    expect(await signIn(who)).toEqual({ kind: 'waiting', reason: 'unverified_domain', question });
    expect(await findMember(store.read, org, victim._id)).toBeUndefined();
    const noted = await store.read.identities.find(org, { accountId: victim._id });
    expect(noted.map(({ link, reason }) => ({ link, reason }))).toEqual([
      { link: 'waiting', reason: 'unverified_domain' },
    ]);
  });

  test('the address of an account that is another subject already asks an Admin (SSO-6)', async () => {
    const dan = await accountOf(identity('dan'));
    const other = identity('dan-2', { email: { address: 'dan@acme.test', vouched: true } });
    expect(await signIn(other)).toEqual({ kind: 'waiting', reason: 'other_subject' });
    expect((await findAccountByProvenEmail(store.read, 'dan@acme.test'))?._id).toBe(dan);
  });

  test('the same subject through another connection is somebody else until an address links it (SSO-6)', async () => {
    const second = await run((tx) => connect(tx, 'con-entra'));
    const eve = await accountOf(identity('eve'));
    const linked = await signIn(identity('eve'), second);
    expect(linked).toEqual({ kind: 'signed_in', accountId: eve });
    const stranger = await signIn(identity('ann', { email: { address: 'x@elsewhere.test', vouched: true } }), second);
    expect(stranger.kind === 'signed_in' && stranger.accountId).not.toBe(await accountOf(identity('ann')));
  });

  test('a suspended member is refused, a removed one comes back (MEM-1, MEM-4)', async () => {
    const fay = await accountOf(identity('fay'));
    const member = await findMember(store.read, org, fay);
    await run((tx) => suspendMember(tx, org, member?._id ?? ''));
    expect(await signIn(identity('fay'))).toEqual({ kind: 'refused', reason: 'member_suspended' });
    await run((tx) => removeMember(tx, org, member?._id ?? ''));
    expect(await accountOf(identity('fay'))).toBe(fay);
    expect(await findMember(store.read, org, fay)).toMatchObject({ status: 'active' });
  });
});

describe('a domain that is lost (SSO-3)', () => {
  const lose = () =>
    run((tx) => tx.domains.updateOne(org, { _id: domainId() }, { $set: { verified: false } })).then(() => undefined);
  const win = () => run((tx) => tx.domains.updateOne(org, { _id: domainId() }, { $set: { verified: true } }));
  let id = '';
  const domainId = () => id;

  test('lets nobody in whom it has vouched for, until it is verified again; who has confirmed goes on', async () => {
    id = (await store.read.domains.findOne(org, { domain: 'acme.test' }))?._id ?? '';
    const gina = await accountOf(identity('gina'));
    const other = await run((tx) => createAccount(tx, { email: 'hal@other.test', provenBy: 'mailbox' }));
    const hal = identity('hal', { email: { address: 'hal@other.test', vouched: true } });
    const waiting = await signIn(hal);
    if (waiting.kind !== 'waiting' || !waiting.question) throw new Error(JSON.stringify(waiting));
    const row = await store.read.identities.get(org, waiting.question.id);
    await run((tx) => linkIdentity(tx, row as IdentityRow, { confirmed: true }));
    const nameless = identity('ida');
    const { email: _email, ...without } = nameless;
    const ida = await accountOf(without);
    await lose();
    expect(await signIn(identity('gina'))).toEqual({ kind: 'refused', reason: 'domain_not_verified' });
    expect(await accountOf(hal)).toBe(other._id);
    expect(await accountOf(without)).toBe(ida);
    await win();
    expect(await accountOf(identity('gina'))).toBe(gina);
  });

  test('says so to the person, whose account another verified domain of the organization may still vouch for', async () => {
    const jo = await accountOf(identity('jo'));
    await run(async (tx) => {
      await claimDomain(tx, org, 'acme2.test');
      await forceVerifyDomain(tx, org, 'acme2.test');
      await proveEmail(tx, jo, 'jo@acme2.test', 'idp');
    });
    await lose();
    expect(await accountOf(identity('jo'))).toBe(jo);
    await win();
  });
});

test('a group that was named ahead gives its role at the first sign-in that claims it (SSO-8)', async () => {
  const mapped = await run(async (tx) => {
    const { id, directoryId } = await nameClaimGroup(tx, connection, 'named-ahead');
    expect(await nameClaimGroup(tx, connection, 'named-ahead')).toEqual({ id, directoryId });
    return createMapping(tx, org, { groupId: id, target: 'project', targetId: projectId, role: 'member' });
  });
  expect(mapped.groupId).toBeDefined();
  expect(await mayReadProject(await accountOf(identity('kim', groups('named-ahead'))))).toBe(true);
  expect(await mayReadProject(await accountOf(identity('lou', groups('another'))))).toBe(false);
  const named = { ...connection, directoryId: 'dir-1' };
  await expect(run((tx) => nameClaimGroup(tx, named, 'x'))).rejects.toMatchObject({ code: 'invalid_request' });
});

describe('a sign-in that has begun', () => {
  async function begin(browser?: string): Promise<{ readonly state: string }> {
    const state = newState();
    await run((tx) => beginAttempt(tx, connection, { state, purpose: 'sign_in', browser, requestId: '_r1' }));
    return { state };
  }

  const takeAnswer = (returned: Omit<Parameters<typeof takeAttempt>[2], 'as'>) =>
    takeAttempt(store, 'req', { ...returned, as: 'sign_in' });

  test('is ended once, however many answers come at the same time', async () => {
    const { state } = await begin('browser-1');
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () => takeAnswer({ state, browser: 'browser-1' })),
    );
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is ended by the browser that began it, and by no other', async () => {
    const { state } = await begin('browser-1');
    await expect(takeAnswer({ state, browser: 'browser-2' })).rejects.toMatchObject({
      code: 'sign_in_elsewhere',
    });
    await expect(takeAnswer({ state, browser: undefined })).rejects.toMatchObject({
      code: 'sign_in_elsewhere',
    });
    await expect(takeAnswer({ state, browser: 'browser-1' })).resolves.toMatchObject({
      requestId: '_r1',
    });
  });

  test('is ended through its own connection only', async () => {
    const { state } = await begin('b');
    await expect(takeAnswer({ state, browser: 'b', connectionId: 'con-entra' })).rejects.toMatchObject({
      code: 'sign_in_expired',
    });
    await expect(takeAnswer({ state, browser: 'b', connectionId: connection._id })).resolves.toBeDefined();
  });

  test('is ended by an answer of its own kind only: no sign-out signs anybody in, and the other way round (SSO-2)', async () => {
    const { state } = await begin('b');
    for (const as of ['sign_out', 'test_link'] as const) {
      const asked = takeAttempt(store, 'req', { state, browser: 'b', as });
      await expect(asked).rejects.toMatchObject({ code: 'sign_in_expired' });
    }
    await expect(takeAnswer({ state, browser: 'b' })).resolves.toBeDefined();
    const out = newState();
    await run((tx) =>
      beginAttempt(tx, connection, { state: out, purpose: 'sign_out', browser: 'b', requestId: '_r2' }),
    );
    await expect(takeAnswer({ state: out, browser: 'b' })).rejects.toMatchObject({ code: 'sign_in_expired' });
  });

  test('accepts a message of an IdP once, also when ten come at once', async () => {
    const until = new Date(Date.now() + 60_000);
    const all = await Promise.all(
      Array.from({ length: 10 }, () => run((tx) => consumeMessage(tx, connection, '_assertion', until))),
    );
    expect(all.filter(Boolean)).toHaveLength(1);
  });
});
