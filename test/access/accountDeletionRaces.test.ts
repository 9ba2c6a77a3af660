/**
 * Deletions of accounts that race: whatever is tied to an account at the same moment, nothing revives it and nothing is left with it
 * (ACC-1, OWN-3, MEM-4). Either act may win; what must hold holds in each order.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { makeLink, openSession } from '../../src/access/index.ts';
import { settleSignIn } from '../../src/sso/index.ts';
import { PLATFORM } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openBrowser } from '../sso/web/browser.ts';
import { openConnection } from '../sso/web/people.ts';
import { type Method, openTestGatehouse, type TestGatehouse, testBaseUrl } from '../support/gatehouse.ts';
import { whatIsLeft } from './whatIsLeft.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
  await ask(200, 'post', `${home}/domains/acme.example/verify`, { force: true });
});

const cause = { actor: 'system', requestId: 'req-test' };
const rounds = [0, 1, 2, 3] as const;
const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const deleteByOperator = (accountId: string) => gatehouse.operator('delete', `/api/v1/accounts/${accountId}`);
const push = (method: 'post' | 'put', path: string, user: object) =>
  gatehouse
    .bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}/Users${path}`)
    .send({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], active: true, ...user });

/** Sends the deletion beside other acts, in every second round after them; it is done, and leaves nothing. Answers what the others did. */
async function race<T>(round: number, accountId: string, ...others: readonly (() => PromiseLike<T>)[]) {
  const remove = async () => expect((await deleteByOperator(accountId)).status).toBe(204);
  const first = round % 2 === 0 ? remove() : undefined;
  const begun = others.map((other) => Promise.resolve(other()));
  await (first ?? remove());
  const done = await Promise.all(begun);
  expect(await whatIsLeft(gatehouse, accountId)).toEqual({});
  return done;
}

async function linkFor(asked: { readonly email: string; readonly accountId?: string }): Promise<string> {
  const purpose = asked.accountId === undefined ? 'sign_in' : 'prove_email';
  const made = await gatehouse.store.transaction(cause, (tx) => makeLink(tx, { purpose, site: testBaseUrl, ...asked }));
  if (made.kind !== 'link') throw new Error('no link');
  return made.token;
}

describe('an account that is deleted at the moment when', () => {
  test.each(rounds)('it is added to an organization and to a project (MEM-3, PRJ-4) #%d', async (round) => {
    const { accountId, email } = await openPerson(gatehouse, `added${round}@people.example`);
    await race(
      round,
      accountId,
      () => gatehouse.operator('post', `${home}/members`).send({ accountId }),
      () =>
        gatehouse.operator('post', `/api/v1/projects/${acme.projectId}/collaborators`).send({ email, external: true }),
    );
  });

  test.each(rounds)('its person proves a further address (ACC-4) #%d', async (round) => {
    const { accountId, token } = await openPerson(gatehouse, `prover${round}@people.example`, 'sign_in');
    const further = await linkFor({ email: `further${round}@people.example`, accountId });
    const prove = () => gatehouse.bearer(token, 'post', '/api/v1/me/emails/prove').send({ token: further });
    const [answer] = await race(round, accountId, prove);
    expect([200, 400, 401, 404, 409, 410]).toContain(answer?.status);
    expect(await gatehouse.store.read.accountEmails.count(PLATFORM, { email: `further${round}@people.example` })).toBe(
      0,
    );
  });

  test.each(rounds)(
    'its person asks for a link to a further address, adds an SSH key and changes the name #%d',
    async (round) => {
      const { accountId, token } = await openPerson(gatehouse, `busy${round}@people.example`, 'sign_in');
      const email = `asked${round}@people.example`;
      await race<unknown>(
        round,
        accountId,
        () => gatehouse.bearer(token, 'post', '/api/v1/me/emails').send({ email }),
        () => gatehouse.bearer(token, 'patch', '/api/v1/me').send({ name: 'Busy' }),
        () => linkFor({ email: `busy${round}@people.example` }).catch(() => undefined),
      );
      expect((await ask(200, 'get', `/api/v1/accounts/${accountId}`)).name).toBeUndefined();
    },
  );

  test.each(rounds)('its person signs in by a mailed link (ACC-5) #%d', async (round) => {
    const email = `visitor${round}@people.example`;
    const { accountId } = await openPerson(gatehouse, email);
    const browser = openBrowser(gatehouse);
    const page = await browser.open(`/sign-in/link?token=${await linkFor({ email })}`);
    const [done] = await race(round, accountId, () => browser.submit(page));
    expect([200, 303, 400, 410]).toContain(done?.status);
    const { items } = await ask(200, 'get', `/api/v1/accounts?email=${email}`);
    expect(items.map(({ id }: { id: string }) => id)).not.toContain(accountId);
  });

  test.each(rounds)('its person signs in through an IdP (SSO-4, SSO-6) #%d', async (round) => {
    const email = `sso${round}@acme.example`;
    const { accountId } = await openPerson(gatehouse, email);
    const connection = await openConnection(gatehouse, acme.organizationId);
    const enter = (subject: string) =>
      gatehouse.store.transaction(cause, async (tx) => {
        const settled = await settleSignIn(tx, connection, {
          subject,
          email: { address: email, vouched: true },
          groups: { kind: 'unknown', why: 'absent' },
          received: {},
        });
        if (settled.kind !== 'signed_in') throw new Error(`not let in: ${JSON.stringify(settled)}`);
        const { _id: connectionId, organizationId } = connection;
        const proof = { kind: 'connection', at: tx.at, organizationId, connectionId, subject } as const;
        await openSession(tx, { accountId: settled.accountId, proofs: [proof] });
        return settled.accountId;
      });
    if (round > 1) expect(await enter('known')).toBe(accountId);
    const [entered] = await race(round, accountId, () => enter('known'));
    const now = await enter('known');
    expect(now).not.toBe(accountId);
    expect([accountId, now]).toContain(entered);
  });

  test.each(rounds)('an IdP pushes its person, known or new (SCIM-3, MEM-4) #%d', async (round) => {
    const email = `pushed${round}@acme.example`;
    const { accountId } = await openPerson(gatehouse, email);
    const user = { userName: `pushed${round}`, emails: [{ value: email, primary: true }] };
    const known = round > 1 ? await expectStatus(201, push('post', '', user)) : undefined;
    if (known && round === 3) {
      // removed by an Admin, and about to come back by the very push
      const [member] = await gatehouse.store.read.members.find(acme.organizationId, { accountId });
      await ask(200, 'delete', `${home}/members/${member?._id}`);
    }
    const [pushed] = await race(round, accountId, () =>
      known ? push('put', `/${known.id}`, user) : push('post', '', user),
    );
    expect(pushed?.status).toBe(known ? 200 : 201);
    await expectStatus(200, push('put', `/${pushed?.body.id}`, { ...user, title: 'again' }));
    expect(await whatIsLeft(gatehouse, accountId)).toEqual({});
    const row = await gatehouse.store.read.directoryUsers.get(acme.organizationId, pushed?.body.id);
    expect(row).toMatchObject({ link: 'linked', active: true });
    expect(row?.accountId).not.toBe(accountId);
  });
});

describe('no organization is left without its Owner (OWN-1, OWN-3) when an account is deleted at the moment when', () => {
  const ownersAlive = async (organizationId: string) => {
    const owners = await gatehouse.store.read.members.find(organizationId, { owner: true });
    expect(owners).toHaveLength(1);
    const account = await gatehouse.store.read.accounts.get(PLATFORM, owners[0]?.accountId ?? '');
    expect(account).toBeDefined();
    expect(account?.deletedAt).toBeUndefined();
  };

  test.each(rounds)('an organization is made for it #%d', async (round) => {
    const email = `founder${round}@people.example`;
    const { accountId } = await openPerson(gatehouse, email);
    const make = async () => ask(201, 'post', '/api/v1/organizations', { name: `Made ${round}`, owner: { email } });
    const made = round % 2 === 0 ? undefined : make();
    const removal = Promise.resolve(deleteByOperator(accountId));
    const { id } = await (made ?? make());
    expect([204, 409]).toContain((await removal).status);
    await ownersAlive(id);
  });

  test.each(rounds)('the operator moves the ownership to it (OWN-4) #%d', async (round) => {
    const owner = { email: `former${round}@people.example` };
    const { id } = await ask(201, 'post', '/api/v1/organizations', { name: `Moved ${round}`, owner });
    const path = `/api/v1/organizations/${id}`;
    const heir = await openPerson(gatehouse, `heir${round}@people.example`);
    const member = await ask(201, 'post', `${path}/members`, { accountId: heir.accountId, role: 'admin' });
    const move = async () => {
      const asked = gatehouse.operator('post', `${path}/ownership-transfer`);
      return (await asked.send({ memberId: member.id, force: true })).status;
    };
    const moved = round % 2 === 0 ? undefined : move();
    const removal = Promise.resolve(deleteByOperator(heir.accountId));
    const statuses = [await (moved ?? move()), (await removal).status];
    expect([
      [201, 409],
      [404, 204],
      [409, 204],
    ]).toContainEqual(statuses);
    await ownersAlive(id);
  });
});
