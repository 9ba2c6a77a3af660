/** The transfer of the ownership over HTTP: who may, with which kind of session, and what follows it (OWN-4, KEY-3). */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { openBuilt, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { until } from '../support/until.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from './world.ts';

const minute = 60_000;
let now: number;
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let home: string;
/** Owner and Admin, signed in themselves. */
let owner: Person;
let admin: Person;

const openWorld = openBuilt(async (gatehouse) => {
  const acme = await buildWorld(gatehouse, 'acme');
  const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
  const admin = await openPerson(gatehouse, acme.admin.email, 'sign_in');
  return { acme, owner, admin };
});

beforeEach(async () => {
  now = Date.UTC(2030, 0, 1);
  mailbox = await openMailbox();
  ({ gatehouse, acme, owner, admin } = await openWorld({
    clock: { now: () => new Date(now) },
    rehearse: false,
    env: { SMTP_URL: mailbox.url },
  }));
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const transfer = () => `${home}/ownership-transfer`;
const offer = ({ token }: Person, memberId = acme.admin.memberId) =>
  gatehouse.bearer(token, 'post', transfer()).send({ memberId });
const accept = ({ token }: Person) => gatehouse.bearer(token, 'post', `${transfer()}/accept`);
const owners = async (): Promise<readonly string[]> => {
  const { items } = await expectStatus(200, gatehouse.operator('get', `${home}/members`));
  return items.filter((one: { isOwner: boolean }) => one.isOwner).map((one: { id: string }) => one.id);
};

describe('a transfer of the ownership', () => {
  test('is offered, read, and accepted, and the Default Key follows it (OWN-4, KEY-3)', async () => {
    const key = () => `${home}/default-key`;
    const before = await expectStatus(200, gatehouse.bearer(owner.token, 'get', key()));
    const offered = await expectStatus(201, offer(owner));
    expect(offered).toEqual({
      state: 'offered',
      fromMemberId: acme.owner.memberId,
      toMemberId: acme.admin.memberId,
      offeredAt: new Date(now).toISOString(),
      expiresAt: new Date(now + 7 * 24 * 60 * minute).toISOString(),
    });
    expect(await expectStatus(200, gatehouse.bearer(admin.token, 'get', transfer()))).toEqual(offered);
    expect(await owners()).toEqual([acme.owner.memberId]);
    const done = await expectStatus(200, accept(admin));
    expect(done).toEqual({ state: 'transferred', toMemberId: acme.admin.memberId });
    expect(await owners()).toEqual([acme.admin.memberId]);
    expect((await gatehouse.bearer(owner.token, 'get', key())).status).toBe(403);
    expect((await expectStatus(200, gatehouse.bearer(admin.token, 'get', key()))).secret).toBe(before.secret);
    expect((await gatehouse.bearer(admin.token, 'get', transfer())).status).toBe(404);
    const { items } = await expectStatus(
      200,
      gatehouse.operator('get', `${home}/audit`).query({ type: 'ownership.transferred' }),
    );
    expect(items).toMatchObject([{ actor: `account:${admin.accountId}`, targetId: acme.admin.memberId }]);
  });

  test('takes the protection with it: the former Owner may be removed, the new one not (OWN-1)', async () => {
    await expectStatus(201, offer(owner));
    await expectStatus(200, accept(admin));
    const remove = (memberId: string) => gatehouse.operator('delete', `${home}/members/${memberId}`);
    expect((await remove(acme.admin.memberId)).body.code).toBe('owner_protected');
    await expectStatus(200, remove(acme.owner.memberId));
    expect(await owners()).toEqual([acme.admin.memberId]);
  });

  test('is neither offered nor accepted with Act-As or in a session that the operator made (OWN-4)', async () => {
    const actAs = (path: string, who: string, body?: object) => gatehouse.operator('post', path, who).send(body);
    const body = { memberId: acme.admin.memberId };
    for (const [asked, code] of [
      [actAs(transfer(), acme.owner.email, body), 'act_as_refused'],
      [offer(acme.owner), 'permission_denied'],
      [offer(admin), 'permission_denied'],
      [gatehouse.operator('post', transfer()).send(body), 'permission_denied'],
      [gatehouse.bearer(owner.token, 'post', transfer()).send({ ...body, force: true }), 'operator_only'],
      [actAs(transfer(), acme.owner.email, { ...body, force: true }), 'operator_only'],
    ] as const) {
      const answer = await asked;
      expect([answer.status, answer.body.code]).toEqual([403, code]);
      expect(answer.body.detail).toMatch(/\w/);
    }
    await expectStatus(201, offer(owner));
    for (const [asked, code] of [
      [actAs(`${transfer()}/accept`, acme.admin.email), 'act_as_refused'],
      [accept(acme.admin), 'permission_denied'],
      [accept(owner), 'permission_denied'],
      [gatehouse.operator('post', `${transfer()}/accept`), 'permission_denied'],
      [accept(acme.member), 'permission_denied'],
    ] as const) {
      const answer = await asked;
      expect([answer.status, answer.body.code]).toEqual([403, code]);
    }
    expect(await owners()).toEqual([acme.owner.memberId]);
  });

  test('needs a sign-in of the last ten minutes on both sides (OWN-4)', async () => {
    now += 11 * minute;
    expect((await offer(owner)).body.code).toBe('reauthentication_required');
    await expectStatus(201, offer(await openPerson(gatehouse, acme.owner.email, 'sign_in')));
    const answer = await accept(admin);
    expect([answer.status, answer.body.code]).toEqual([403, 'reauthentication_required']);
    await expectStatus(200, accept(await openPerson(gatehouse, acme.admin.email, 'sign_in')));
    expect(await owners()).toEqual([acme.admin.memberId]);
  });

  test('ends after seven days, and is cancelled or declined before', async () => {
    await expectStatus(201, offer(owner));
    const again = await offer(owner);
    expect([again.status, again.body.code]).toEqual([409, 'transfer_pending']);
    for (const by of [owner, admin]) {
      await expectStatus(204, gatehouse.bearer(by.token, 'delete', transfer()));
      expect((await accept(admin)).status).toBe(404);
      await expectStatus(201, offer(owner));
    }
    now += 7 * 24 * 60 * minute;
    const late = await accept(await openPerson(gatehouse, acme.admin.email, 'sign_in'));
    expect([late.status, late.body.code]).toEqual([409, 'transfer_expired']);
  });

  test('is done by the operator with force, to an active Admin only', async () => {
    const force = (memberId: string) => gatehouse.operator('post', transfer()).send({ memberId, force: true });
    const refused = await force(acme.member.memberId);
    expect([refused.status, refused.body.code]).toEqual([409, 'heir_not_eligible']);
    await expectStatus(201, force(acme.admin.memberId));
    expect(await owners()).toEqual([acme.admin.memberId]);
    expect((await gatehouse.operator('get', `${home}/members/${acme.owner.memberId}`)).body.role).toBe('admin');
  });

  test('leaves exactly one Owner when acceptance and the operator race (OWN-4)', async () => {
    await expectStatus(201, offer(owner));
    const second = await expectStatus(
      200,
      gatehouse.operator('patch', `${home}/members/${acme.member.memberId}`).send({ role: 'admin' }),
    );
    const force = gatehouse.operator('post', transfer()).send({ memberId: second.id, force: true });
    const answers = await Promise.all([accept(admin), force, accept(admin)]);
    expect(answers.map(({ status }) => status).filter((status) => status < 300).length).toBeGreaterThanOrEqual(1);
    expect(await owners()).toHaveLength(1);
  });
});

describe('of acts that race for the ownership (OWN-4)', () => {
  /** Of both, the one that came too late was refused, and the Owner is one active Admin. */
  async function oneOwner(): Promise<string> {
    const { items } = await expectStatus(200, gatehouse.operator('get', `${home}/members`));
    const found = items.filter((one: { isOwner: boolean }) => one.isOwner);
    expect(found).toMatchObject([{ status: 'active', role: 'admin' }]);
    return found[0].id;
  }
  const cancel = () => gatehouse.bearer(owner.token, 'delete', transfer());
  const remove = () => gatehouse.operator('delete', `${home}/members/${acme.admin.memberId}`);
  const force = (memberId: string) => gatehouse.operator('post', transfer()).send({ memberId, force: true });
  const winners = (answers: readonly { readonly status: number }[]) => answers.map(({ status }) => status < 300);

  const others: Readonly<Record<string, () => PromiseLike<{ readonly status: number }>>> = {
    cancellation: cancel,
    'removal of who accepts': remove,
    'demotion of who accepts': () =>
      gatehouse.operator('patch', `${home}/members/${acme.admin.memberId}`).send({ role: 'member' }),
    'deletion of the account that accepts (OWN-3)': () =>
      gatehouse.operator('delete', `/api/v1/accounts/${admin.accountId}`),
  };
  const orders = ['the acceptance', 'the other'] as const;
  const races = Object.entries(others).flatMap(([name, other]) => orders.map((first) => [name, first, other] as const));

  test.each(races)('acceptance and %s: one is done (%s is sent first)', async (_, first, other) => {
    await expectStatus(201, offer(owner));
    const asked = [() => accept(admin), other];
    const order = first === 'the acceptance' ? asked : asked.toReversed();
    const answers = await Promise.all(order.map((ask) => ask()));
    expect(winners(answers).filter(Boolean)).toHaveLength(1);
    const [accepted] = winners(first === 'the acceptance' ? answers : answers.toReversed());
    expect(await oneOwner()).toBe(accepted ? acme.admin.memberId : acme.owner.memberId);
  });

  test('two offers: one is made', async () => {
    const { memberId } = acme.member;
    await expectStatus(200, gatehouse.operator('patch', `${home}/members/${memberId}`).send({ role: 'admin' }));
    const answers = await Promise.all([offer(owner), offer(owner, memberId)]);
    expect(winners(answers).filter(Boolean)).toHaveLength(1);
    const made = answers.find(({ status }) => status === 201)?.body.toMemberId;
    expect((await expectStatus(200, gatehouse.bearer(owner.token, 'get', transfer()))).toMemberId).toBe(made);
  });

  test('two acceptances: one is done', async () => {
    await expectStatus(201, offer(owner));
    expect(winners(await Promise.all([accept(admin), accept(admin)])).filter(Boolean)).toHaveLength(1);
    expect(await oneOwner()).toBe(acme.admin.memberId);
  });

  test('acceptance and the operator: the operator has the last word, or finds the ownership moved', async () => {
    await expectStatus(
      200,
      gatehouse.operator('patch', `${home}/members/${acme.member.memberId}`).send({ role: 'admin' }),
    );
    await expectStatus(201, offer(owner));
    const [, forced] = await Promise.all([accept(admin), force(acme.member.memberId)]);
    expect(forced.status).toBe(201);
    expect(await oneOwner()).toBe(acme.member.memberId);
  });
});

describe('both sides of a transfer are told by letter (OWN-4)', () => {
  /** Once each side has this many letters that say so. */
  async function told(words: RegExp, count = 1): Promise<void> {
    for (const { email } of [acme.owner, acme.admin]) await hasLetters(email, words, count);
  }
  const hasLetters = (email: string, words: RegExp, count = 1) =>
    until(
      `${count} letters to ${email} that say ${words}`,
      () => mailbox.to(email).filter(({ text }) => words.test(text)).length >= count,
    );

  test('of the offer, that it was declined or cancelled, and the acceptance', async () => {
    await expectStatus(201, offer(owner));
    await told(/offers the ownership to/);
    await expectStatus(204, gatehouse.bearer(admin.token, 'delete', transfer()));
    await told(/has declined the offer/);
    await expectStatus(201, offer(owner));
    await told(/offers the ownership to/, 2);
    await expectStatus(204, gatehouse.bearer(owner.token, 'delete', transfer()));
    await told(/was cancelled/);
    await expectStatus(201, offer(owner));
    await told(/offers the ownership to/, 3);
    await expectStatus(200, accept(admin));
    await told(/The offer was accepted/);
  });

  test('of the operator’s word, and of an offer that ended with the membership', async () => {
    await expectStatus(201, offer(owner));
    await told(/offers the ownership to/);
    await expectStatus(200, gatehouse.operator('delete', `${home}/members/${acme.admin.memberId}`));
    await told(/no longer an active Admin/);
    const { memberId, email } = acme.member;
    await expectStatus(200, gatehouse.operator('patch', `${home}/members/${memberId}`).send({ role: 'admin' }));
    await expectStatus(201, gatehouse.operator('post', transfer()).send({ memberId, force: true }));
    for (const to of [acme.owner.email, email]) await hasLetters(to, /The operator has moved the ownership/);
  });
});
