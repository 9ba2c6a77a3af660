/** Who may enter a project's clusters (PRJ-7): complete, current, and followed within moments. */
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { type Method, openBuilt, type TestGatehouse } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';
import { applyAnswer, followThrough, type Identity, type IdentityAnswer, setStage } from './followers.ts';
import { anyWorld, writeWorld } from './randomWorld.ts';

let gatehouse: TestGatehouse;
let acme: World;
let agent: string;

const openWorld = openBuilt(async (gatehouse) => {
  const credentials = gatehouse.operator('post', '/api/v1/service-credentials');
  const { secret } = await expectStatus(201, credentials.send({ name: 'agent', scopes: ['identities'] }));
  return { acme: await buildWorld(gatehouse, 'acme'), agent: secret as string };
});

beforeEach(async () => {
  ({ gatehouse, acme, agent } = await openWorld({ rehearse: false }));
});

const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const home = () => `/api/v1/organizations/${acme.organizationId}`;
const project = () => `/api/v1/projects/${acme.projectId}`;

const read = (path = project(), etag = '', query = '') =>
  gatehouse.bearer(agent, 'get', `${path}/identities${query}`).set('If-None-Match', etag);
const list = async (path = project()): Promise<readonly Identity[]> => (await expectStatus(200, read(path))).items;
const find = async (accountId: string, path?: string) => (await list(path)).find((one) => one.accountId === accountId);

const core = 'urn:ietf:params:scim:schemas:core:2.0';
const scim = (method: Method, path: string, body: object) =>
  gatehouse.bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}${path}`).send(body);

async function push(name: string) {
  await ask(200, 'post', `${home()}/domains/${acme.domain}/verify`, { force: true });
  const email = `${name}@${acme.domain}`;
  const body = { schemas: [`${core}:User`], userName: email, active: true, emails: [{ value: email, primary: true }] };
  const { id } = await expectStatus(201, scim('post', '/Users', body));
  const { items } = await ask(200, 'get', `/api/v1/accounts?email=${email}`);
  return { id, accountId: items[0].id as string };
}

const change = (path: string, ...operations: object[]) =>
  scim('patch', path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations });

function sshKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([part(Buffer.from('ssh-ed25519')), part(raw)]).toString('base64')}`;
}

describe('the list of who may enter a project (PRJ-7)', () => {
  test('has people with proven address, role, groups at any depth and SSH keys, by account id', async () => {
    const pushed = await push('nora');
    const outer = { schemas: [`${core}:Group`], displayName: 'Everybody', members: [{ value: acme.groupId }] };
    await expectStatus(201, scim('post', '/Groups', outer));
    await change(`/Groups/${acme.groupId}`, { op: 'add', path: 'members', value: [{ value: pushed.id }] });
    await until('the mapping gives the role', async () => (await find(pushed.accountId)) !== undefined);
    const publicKey = sshKey();
    const asPerson = gatehouse.operator('post', '/api/v1/me/ssh-keys', pushed.accountId);
    await expectStatus(201, asPerson.send({ name: 'laptop', publicKey }));
    const nora = await find(pushed.accountId);
    expect(nora).toEqual({
      accountId: pushed.accountId,
      email: `nora@${acme.domain}`,
      role: 'member',
      external: false,
      groups: expect.any(Array),
      sshKeys: [{ name: 'laptop', publicKey, fingerprint: expect.stringMatching(/^SHA256:/) }],
    });
    expect(nora?.groups.map(({ name }) => name).sort()).toEqual(['Engineers', 'Everybody']);
    const ids = (await list()).map(({ accountId }) => accountId);
    expect(ids).toEqual([...ids].sort());
    expect(ids).toEqual(expect.arrayContaining([acme.owner.accountId, acme.admin.accountId]));
    expect(ids).not.toContain(acme.member.accountId);
  });

  test('changes with the very answer to whatever changes access', async () => {
    const guest = await openPerson(gatehouse, 'guest@elsewhere.example');
    const member = acme.member.accountId;
    const collaborators = `${project()}/collaborators`;
    const role = async (accountId: string, path?: string) => (await find(accountId, path))?.role;

    await ask(201, 'post', collaborators, { email: guest.email, external: true, role: 'admin' });
    expect(await find(guest.accountId)).toMatchObject({ role: 'admin', external: true, groups: [] });
    await ask(200, 'delete', `${collaborators}/${guest.accountId}`);
    expect(await find(guest.accountId)).toBeUndefined();

    await ask(201, 'post', collaborators, { email: acme.member.email });
    expect(await role(member)).toBe('member');
    await ask(200, 'patch', `${collaborators}/${member}`, { role: 'admin' });
    expect(await role(member)).toBe('admin');

    expect(await role(acme.admin.accountId)).toBe('admin');
    await ask(200, 'patch', home(), { settings: { adminAccess: 'joined' } });
    expect(await find(acme.admin.accountId)).toBeUndefined();
    expect(await role(acme.admin.accountId, `/api/v1/projects/${acme.defaultProjectId}`)).toBe('admin');

    await ask(200, 'delete', `${home()}/members/${acme.member.memberId}`);
    expect(await find(member)).toBeUndefined();
    expect(await find(member, `/api/v1/projects/${acme.defaultProjectId}`)).toBeUndefined();
  });

  test('loses who is deactivated by the IdP in the very response (MEM-5)', async () => {
    const pushed = await push('deactivated');
    const inDefault = `/api/v1/projects/${acme.defaultProjectId}`;
    expect(await find(pushed.accountId, inDefault)).toBeDefined();
    await change(`/Users/${pushed.id}`, { op: 'replace', path: 'active', value: false });
    expect(await find(pushed.accountId, inDefault)).toBeUndefined();
  });

  test('is whoever an evaluation lets in by SSH, whatever the world', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (plan) => {
        const world = await writeWorld(gatehouse.store, plan);
        for (const id of world.projects) {
          const shared = { action: { name: 'cluster.ssh' }, resource: { type: 'project', id } };
          const evaluations = world.accounts.map((account) => ({ subject: { type: 'user', id: account } }));
          const answers = (await ask(200, 'post', '/access/v1/evaluations', { ...shared, evaluations })).evaluations;
          const entitled = world.accounts.filter((_, index) => answers[index].decision);
          expect((await list(`/api/v1/projects/${id}`)).map(({ accountId }) => accountId)).toEqual(entitled.sort());
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('following it', () => {
  test('an ETag stands for the list: 304 while it is the same, another one once it is not', async () => {
    const first = await read();
    const { etag = '' } = first.headers;
    expect([first.status, etag]).toEqual([200, expect.stringMatching(/^"[\w-]{43}"$/)]);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const same = await read(project(), known);
      expect([same.status, same.text, same.headers.etag]).toEqual([304, '', etag]);
    }
    await ask(201, 'post', `${project()}/collaborators`, { email: acme.member.email });
    const next = await read(project(), etag);
    expect([next.status, next.headers.etag === etag]).toEqual([200, false]);
    await ask(200, 'delete', `${project()}/collaborators/${acme.member.accountId}`);
    expect((await read()).headers.etag).toBe(etag);
  });

  test('a request that waits is answered once the list changes, without asking again', async () => {
    const { etag = '' } = (await read()).headers;
    const waiting = read(project(), etag, '?wait=30').then((answer) => answer);
    await ask(201, 'post', `${project()}/collaborators`, { email: acme.member.email });
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(answer.body.items.map((one: Identity) => one.accountId)).toContain(acme.member.accountId);
  });

  test('one that waits in vain is answered 304, and one that knows nothing does not wait', async () => {
    const first = await read(project(), '', '?wait=30');
    expect(first.status).toBe(200);
    expect((await read(project(), first.headers.etag, '?wait=1')).status).toBe(304);
  });

  test('a credential that is revoked meanwhile learns nothing any more (OPS-4)', async () => {
    const made = await ask(201, 'post', '/api/v1/service-credentials', { name: 'old', scopes: ['identities'] });
    const { etag = '' } = (await read()).headers;
    const path = `${project()}/identities?wait=30`;
    const waiting = gatehouse
      .bearer(made.secret, 'get', path)
      .set('If-None-Match', etag)
      .then((answer) => answer);
    await ask(200, 'delete', `/api/v1/service-credentials/${made.id}`);
    const answer = await waiting;
    expect([answer.status, answer.body.code]).toEqual([401, 'token_revoked']);
  });

  test.each(['wait=31', 'wait=-1', 'wait=soon', 'since=', 'since=no-cursor', `since=${'x'.repeat(44)}`])(
    'refuses %s',
    async (query) => {
      const answer = await read(project(), '', `?${query}`);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    },
  );

  test('there is none of a project that is not', async () => {
    expect((await read('/api/v1/projects/prj-00000000000000000000000000')).status).toBe(404);
  });
});

describe('following it by what has changed', () => {
  const since = async (cursor: string, wait = 0): Promise<IdentityAnswer> =>
    expectStatus(200, read(project(), '', `?since=${cursor}&wait=${wait}`));
  const whole = async (): Promise<IdentityAnswer> => expectStatus(200, read());
  const collaborators = () => `${project()}/collaborators`;
  const none = { delta: true, items: [], removed: [] };

  test('is told who came, who is different and who went, in full or by the account, and nobody else', async () => {
    const guest = await openPerson(gatehouse, 'guest@elsewhere.example');
    const first = await whole();
    expect(first).toMatchObject({ delta: false, removed: [] });
    expect(await since(first.cursor)).toEqual({ ...none, cursor: first.cursor });

    await ask(201, 'post', collaborators(), { email: guest.email, external: true });
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    const came = await since(first.cursor);
    expect(came).toMatchObject({ delta: true, removed: [] });
    expect(came.items.map(({ accountId }) => accountId).sort()).toEqual(
      [guest.accountId, acme.member.accountId].sort(),
    );

    await ask(200, 'patch', `${collaborators()}/${guest.accountId}`, { role: 'admin' });
    await ask(200, 'delete', `${collaborators()}/${acme.member.accountId}`);
    const changed = await since(came.cursor);
    expect(changed).toMatchObject({ delta: true, removed: [acme.member.accountId] });
    expect(changed.items).toEqual([await find(guest.accountId)]);

    const now = await since(first.cursor);
    expect(now).toMatchObject({ delta: true, cursor: changed.cursor, removed: [] });
    expect(now.items).toEqual(changed.items);
    expect([...applyAnswer(new Map(), await whole()).keys()].sort()).toEqual(
      [...applyAnswer(new Map(first.items.map((one) => [one.accountId, one])), now).keys()].sort(),
    );
  });

  test('is told nothing where all is as it was, whatever happened between', async () => {
    const { cursor } = await whole();
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    await whole();
    await ask(200, 'delete', `${collaborators()}/${acme.member.accountId}`);
    expect(await since(cursor)).toEqual({ ...none, cursor });
  });

  test('is told the whole list, and that it is, by a cursor that nobody remembers', async () => {
    const { cursor, items } = await whole();
    expect(await since('x'.repeat(43))).toEqual({ delta: false, cursor, items, removed: [] });
    expect(await since('x'.repeat(43), 30)).toEqual({ delta: false, cursor, items, removed: [] });
  });

  test('waits until something has changed, and is told that nothing has after that time (PRJ-7)', async () => {
    const { cursor } = await whole();
    const waiting = since(cursor, 30);
    await ask(201, 'post', collaborators(), { email: acme.member.email });
    const told = await waiting;
    expect(told.items).toEqual([await find(acme.member.accountId)]);
    expect(await since(told.cursor, 1)).toEqual({ ...none, cursor: told.cursor });
  });

  test('has at every look what the whole list says, whatever happens between (PRJ-7)', async () => {
    const stage = await setStage(gatehouse, acme);
    expect(await followThrough([gatehouse], stage, 8)).toBeGreaterThan(0);
  }, 300_000);
});
