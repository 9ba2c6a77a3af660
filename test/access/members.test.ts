/** The member list, removal with and without a block, leaving, and many at once, over HTTP (MEM-1, MEM-3, MEM-4, OWN-3). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { suspendMember } from '../../src/access/index.ts';
import { settleSignIn } from '../../src/sso/index.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openBrowser } from '../sso/web/browser.ts';
import { openConnection } from '../sso/web/people.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';

let now = Date.UTC(2030, 0, 1);
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let home: string;
let counter = 0;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url },
  });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  home = `/api/v1/organizations/${acme.organizationId}`;
  const verify = gatehouse.operator('post', `${home}/domains/${acme.domain}/verify`).send({ force: true });
  await expectStatus(200, verify);
});

beforeEach(() => {
  now += 60_000;
});

type Listed = {
  readonly id: string;
  readonly name?: string;
  readonly email?: string;
  readonly status: string;
  readonly lastSignInAt?: string;
};

const asAdmin = (method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object) =>
  gatehouse.operator(method, path, acme.admin.accountId).send(body);
const fresh = () => {
  counter += 1;
  return `worker${counter}@acme.example`;
};
async function join(role: 'admin' | 'member' = 'member'): Promise<Person & { readonly memberId: string }> {
  const person = await openPerson(gatehouse, fresh());
  const added = await expectStatus(
    201,
    gatehouse.operator('post', `${home}/members`).send({ accountId: person.accountId, role }),
  );
  return { ...person, memberId: added.id };
}
const remove = ({ memberId }: { readonly memberId: string }, query: object = {}) =>
  asAdmin('delete', `${home}/members/${memberId}`).query(query);

/** The whole list, walked page by page. */
async function list(query: object, limit = 200): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  let cursor: string | undefined;
  do {
    const page = await expectStatus(
      200,
      asAdmin('get', `${home}/members`).query({ ...query, limit, ...(cursor !== undefined && { cursor }) }),
    );
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

const scim = (method: 'post' | 'patch' | 'put' | 'delete', path: string, body?: object) =>
  gatehouse.bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}${path}`).send(body);
const userOf = (userName: string, more: object = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName,
  emails: [{ value: userName, primary: true }],
  active: true,
  ...more,
});
const activate = {
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'active', value: true }],
};
const memberOf = async (email: string) => (await list({ search: email }))[0];

describe('the member list (MEM-1)', () => {
  test('is searched by part of a name or an address, in any case, members and invited alike', async () => {
    const pushed = userOf('zoe.q@acme.example', { displayName: 'Zoë Quartz' });
    await expectStatus(201, scim('post', '/Users', pushed));
    await expectStatus(201, asAdmin('post', `${home}/invitations`, { email: 'quartzite@acme.example' }));
    const names = (listed: readonly Listed[]) => listed.map(({ email }) => email);
    expect(names(await list({ search: 'QUARTZ' }))).toEqual(['zoe.q@acme.example', 'quartzite@acme.example']);
    expect(names(await list({ search: 'zoë' }))).toEqual(['zoe.q@acme.example']);
    expect(names(await list({ search: 'quartz', status: 'invited' }))).toEqual(['quartzite@acme.example']);
    expect(names(await list({ search: 'quartz', source: 'scim' }))).toEqual(['zoe.q@acme.example']);
    expect(names(await list({ search: 'quartz', role: 'admin' }))).toEqual([]);
    expect(names(await list({ search: '.*' }))).toEqual([]);
  });

  test('says the same page by page, whatever the size of the pages', async () => {
    for (let n = 0; n < 5; n += 1) await join();
    for (const query of [{}, { search: 'worker' }, { search: 'o' }, { status: 'active' }, { source: 'invitation' }]) {
      const whole = (await list(query)).map(({ id }) => id);
      expect(new Set(whole).size).toBe(whole.length);
      for (const limit of [1, 2, 3]) expect((await list(query, limit)).map(({ id }) => id)).toEqual(whole);
    }
    for (const cursor of ['nonsense', 'invited.nonsense']) {
      expect((await asAdmin('get', `${home}/members`).query({ cursor })).status).toBe(400);
    }
    const foreign = asAdmin('get', `${home}/members`).query({ cursor: 'invited.', status: 'active' });
    expect((await foreign).status).toBe(400);
  });

  test('tells the last sign-in by a link or through an own connection, and none that was elsewhere', async () => {
    const person = await join();
    const last = async () => (await memberOf(person.email))?.lastSignInAt;
    expect(await last()).toBeUndefined();
    const elsewhere = await openConnection(gatehouse, rival.organizationId);
    const own = await openConnection(gatehouse, acme.organizationId);
    const seen = (connection: typeof own, at: Date) =>
      gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
        tx.identities.insert(connection.organizationId, {
          _id: `idn-${connection._id.slice(4)}`,
          organizationId: connection.organizationId,
          connectionId: connection._id,
          ...{ subject: 's', accountId: person.accountId, link: 'linked', lastSignInAt: at },
        }),
      );
    await seen(elsewhere, new Date(now));
    expect(await last()).toBeUndefined();
    await seen(own, new Date(now - 1000));
    expect(await last()).toBe(new Date(now - 1000).toISOString());
    const browser = openBrowser(gatehouse);
    await browser.submit(await browser.open('/sign-in'), { email: person.email, action: 'link' });
    const [letter] = await mailbox.waitFor(person.email);
    expect((await browser.submit(await browser.open(letter?.link ?? ''))).status).toBe(303);
    expect(await last()).toBe(new Date(now).toISOString());
    for (const { organizationId, _id } of [own, elsewhere]) {
      await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
        tx.connections.remove(organizationId, { _id }),
      );
    }
  });
});

describe('an offer of the ownership (OWN-4)', () => {
  test.each(['demoted', 'suspended'] as const)('ends when its heir is %s, and both sides are told', async (how) => {
    const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
    const transfer = `${home}/ownership-transfer`;
    const heir = await join('admin');
    await expectStatus(201, gatehouse.bearer(owner.token, 'post', transfer).send({ memberId: heir.memberId }));
    if (how === 'demoted') {
      await expectStatus(200, asAdmin('patch', `${home}/members/${heir.memberId}`, { role: 'member' }));
      await expectStatus(200, asAdmin('patch', `${home}/members/${heir.memberId}`, { role: 'admin' }));
    } else {
      await gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
        suspendMember(tx, acme.organizationId, heir.memberId),
      );
    }
    expect((await gatehouse.bearer(owner.token, 'get', transfer)).status).toBe(404);
    const query = { targetId: heir.memberId, type: 'ownership.offer_cancelled' };
    expect((await expectStatus(200, asAdmin('get', `${home}/audit`).query(query))).items).toHaveLength(1);
    // what it was offered with, and what it ended with
    const letters = await mailbox.waitFor(heir.email, 2);
    expect(letters.at(-1)?.subject).toMatch(/ownership of acme stays/);
  });
});

describe('a removal', () => {
  test('revokes what was pending for the person, an invitation and an offered ownership (MEM-3, OWN-4)', async () => {
    const email = 'unproven@outside.example';
    const { id } = await expectStatus(201, asAdmin('post', `${home}/invitations`, { email, role: 'admin' }));
    await expectStatus(201, scim('post', '/Users', userOf(email)));
    const member = await memberOf(email);
    await expectStatus(200, remove({ memberId: member?.id ?? '' }));
    expect((await asAdmin('get', `${home}/invitations/${id}`)).body.state).toBe('revoked');
    const heir = await join('admin');
    const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
    const transfer = `${home}/ownership-transfer`;
    await expectStatus(201, gatehouse.bearer(owner.token, 'post', transfer).send({ memberId: heir.memberId }));
    await expectStatus(200, remove(heir));
    expect((await gatehouse.bearer(owner.token, 'get', transfer)).status).toBe(404);
    await expectStatus(201, gatehouse.bearer(owner.token, 'post', transfer).send({ memberId: acme.admin.memberId }));
    await expectStatus(204, gatehouse.bearer(owner.token, 'delete', transfer));
  });

  test('says in words by which ways the person would be back (MEM-4)', async () => {
    const nowhere = await expectStatus(200, remove(await join()));
    expect(nowhere).toMatchObject({ comesBack: false, comesBackBy: [], blocked: false });
    const email = fresh();
    const user = await expectStatus(201, scim('post', '/Users', userOf(email)));
    const pushed = await expectStatus(200, remove({ memberId: (await memberOf(email))?.id ?? '' }));
    expect(pushed).toMatchObject({ comesBack: true, comesBackBy: ['push'] });
    expect(pushed.message).toMatch(/identity provider, or remove with block/);
    await expectStatus(200, scim('patch', `/Users/${user.id}`, activate));
    expect((await memberOf(email))?.status).toBe('active');
  });

  test('with block keeps the person out of every push: 403 with the reason, audited; unblocked, the next one brings them back (MEM-4)', async () => {
    const email = fresh();
    const user = await expectStatus(201, scim('post', '/Users', userOf(email)));
    const { id: memberId = '', status } = (await memberOf(email)) ?? {};
    expect(status).toBe('active');
    const removed = await expectStatus(200, remove({ memberId }, { block: 'true' }));
    expect(removed).toMatchObject({ blocked: true, comesBack: false, comesBackBy: [] });
    // a push that does not say that the person is active asks for nothing, and is taken as the directory's data
    await expectStatus(200, scim('put', `/Users/${user.id}`, { ...userOf(email), title: 'Boss', active: undefined }));
    for (const push of [
      () => scim('patch', `/Users/${user.id}`, activate),
      () => scim('put', `/Users/${user.id}`, userOf(email)),
    ]) {
      const answer = await push();
      expect(answer.status).toBe(403);
      expect(answer.body).toMatchObject({ status: '403', detail: expect.stringMatching(/blocked.*unblock/) });
    }
    // deleted and made again at the IdP, it is still the person
    await expectStatus(204, scim('delete', `/Users/${user.id}`));
    expect((await scim('post', '/Users', userOf(email))).status).toBe(403);
    expect(await list({ search: email })).toEqual([]);
    const audit = await expectStatus(200, asAdmin('get', `${home}/audit`).query({ type: 'member.return_refused' }));
    expect(audit.items).toHaveLength(3);
    expect(audit.items[0]).toMatchObject({ outcome: 'refused', targetKind: 'account' });
    const log = await expectStatus(200, asAdmin('get', `${home}/provisioning-log?outcome=refused`));
    expect(log.items[0].detail).toMatch(/blocked/);
    const blocks = await expectStatus(200, asAdmin('get', `${home}/blocks`));
    const block = blocks.items.find((one: { email?: string }) => one.email === email);
    await expectStatus(204, asAdmin('delete', `${home}/blocks/${block.id}`));
    await expectStatus(201, scim('post', '/Users', userOf(email)));
    expect((await memberOf(email))?.status).toBe('active');
  });

  test('with block keeps the person out of sign-ins, invitations, acceptances and the operator, too (MEM-4)', async () => {
    const person = await join();
    const { id } = await expectStatus(201, asAdmin('post', `${home}/invitations`, { email: fresh() }));
    expect(id).toBeDefined();
    await expectStatus(200, remove(person, { block: 'true' }));
    const connection = await openConnection(gatehouse, acme.organizationId);
    const signIn = () =>
      gatehouse.store.transaction({ actor: `idp:${connection._id}`, requestId: 'test' }, (tx) =>
        settleSignIn(tx, connection, {
          subject: person.email,
          email: { address: person.email, vouched: true },
          groups: { kind: 'unknown', why: 'absent' },
          received: {},
        }),
      );
    expect(await signIn()).toEqual({ kind: 'refused', reason: 'blocked' });
    const invited = await asAdmin('post', `${home}/invitations`, { email: person.email });
    expect([invited.status, invited.body.code]).toEqual([403, 'member_blocked']);
    const added = await gatehouse.operator('post', `${home}/members`).send({ accountId: person.accountId });
    expect([added.status, added.body.code]).toEqual([403, 'member_blocked']);
    const blocks = await expectStatus(200, asAdmin('get', `${home}/blocks`));
    const block = blocks.items.find((one: { email?: string }) => one.email === person.email);
    const foreign = `/api/v1/organizations/${rival.organizationId}/blocks/${block.id}`;
    expect((await gatehouse.operator('delete', foreign, rival.owner.accountId)).status).toBe(404);
    await expectStatus(204, asAdmin('delete', `${home}/blocks/${block.id}`));
    expect(await signIn()).toMatchObject({ kind: 'signed_in', accountId: person.accountId });
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
      tx.connections.remove(acme.organizationId, { _id: connection._id }),
    );
  });
});

describe('leaving', () => {
  test('ends the own membership at once, sessions and projects with it; the Owner cannot (OWN-3, MEM-3)', async () => {
    const person = await join();
    const leave = (who: Person) => gatehouse.operator('post', `${home}/leave`, who.accountId);
    expect(await expectStatus(200, leave(person))).toMatchObject({ removed: person.memberId, comesBack: false });
    expect((await gatehouse.bearer(person.token, 'get', home)).status).toBe(401);
    expect((await leave(person)).status).toBe(404);
    const refused = await leave(acme.owner);
    expect([refused.status, refused.body.code]).toEqual([403, 'owner_protected']);
    expect((await gatehouse.operator('post', `${home}/leave`)).status).toBe(403);
    expect((await leave(rival.member)).status).toBe(404);
  });
});

describe('many members at once (MEM-3)', () => {
  const bulk = (operations: readonly object[], who = acme.admin.accountId) =>
    gatehouse.operator('post', `${home}/members/bulk`, who).send({ operations });

  test('each is done or refused by itself, and says which (OWN-1, PRJ-1)', async () => {
    const [one, two] = [await join(), await join()];
    const { results } = await expectStatus(
      200,
      bulk([
        { action: 'set_role', memberId: one.memberId, role: 'admin' },
        { action: 'remove', memberId: acme.owner.memberId },
        { action: 'set_role', memberId: acme.owner.memberId, role: 'member' },
        { action: 'remove', memberId: rival.member.memberId },
        { action: 'remove', memberId: two.memberId, block: true },
        { action: 'remove', memberId: two.memberId },
      ]),
    );
    expect(results).toMatchObject([
      { memberId: one.memberId, status: 'done', role: 'admin' },
      { status: 'refused', code: 'owner_protected' },
      { status: 'refused', code: 'owner_protected' },
      { status: 'refused', code: 'not_found' },
      { status: 'done', comesBack: false },
      { status: 'refused', code: 'not_found' },
    ]);
    expect(await memberOf(two.email)).toBeUndefined();
    expect(
      (
        await gatehouse.operator(
          'get',
          `/api/v1/organizations/${rival.organizationId}/members/${rival.member.memberId}`,
        )
      ).status,
    ).toBe(200);
  });

  test('at most 200, by Admins only; one who loses the right on the way does no more', async () => {
    const operation = { action: 'remove', memberId: acme.member.memberId };
    expect((await bulk(Array(201).fill(operation))).status).toBe(400);
    expect((await bulk([operation], acme.member.accountId)).status).toBe(403);
    const admin = await join('admin');
    const { results } = await expectStatus(
      200,
      bulk([{ action: 'set_role', memberId: admin.memberId, role: 'member' }, operation], admin.accountId),
    );
    expect(results.map(({ status }: { status: string }) => status)).toEqual(['done', 'refused']);
    expect(results[1].code).toBe('permission_denied');
  });
});
