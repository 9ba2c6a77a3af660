/** API keys through the management API: made, listed, verified, revoked (KEY-1, KEY-2, KEY-3, OPS-3). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { findKeyById } from '../../src/access/index.ts';
import { warnOfExpiries } from '../../src/sso/tasks.ts';
import { openLastUses } from '../../src/store/index.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

const hour = 3_600_000;
const day = 24 * hour;
let now = new Date('2030-01-01T00:00:00Z').getTime();
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;

beforeAll(async () => {
  // Last uses are written when a test says so, however slow the store is.
  gatehouse = await openTestGatehouse({ clock: { now: () => new Date(now) }, lastUseDelayMs: day });
  const built = await buildWorld(gatehouse, 'acme');
  // Sessions of their own: what one does through a session that the operator made, the operator does too.
  const signIn = async <P extends Person>(person: P): Promise<P> => ({
    ...person,
    ...(await openPerson(gatehouse, person.email, 'sign_in')),
  });
  acme = {
    ...built,
    owner: await signIn(built.owner),
    admin: await signIn(built.admin),
    member: await signIn(built.member),
  };
  rival = await buildWorld(gatehouse, 'rival');
});

interface Issued {
  readonly id: string;
  readonly secret: string;
}

const keysOf = (projectId: string): string => `/api/v1/projects/${projectId}/keys`;
const make = (token: string, projectId: string, body: object = { name: 'CI' }): Promise<Issued> =>
  expectStatus(201, gatehouse.bearer(token, 'post', keysOf(projectId)).send(body));
const list = async (token: string, projectId: string) =>
  (await expectStatus(200, gatehouse.bearer(token, 'get', keysOf(projectId)).query({ limit: 200 }))).items;
const verify = (key: string, project?: string) =>
  expectStatus(200, gatehouse.operator('post', '/api/v1/keys/verify').send({ key, ...(project && { project }) }));
const revoke = (token: string, projectId: string, keyId: string) =>
  gatehouse.bearer(token, 'delete', `${keysOf(projectId)}/${keyId}`);
const audit = async (type: string, targetId: string) => {
  const path = `/api/v1/organizations/${acme.organizationId}/audit`;
  return (await expectStatus(200, gatehouse.operator('get', path).query({ type, targetId }))).items;
};

async function addExternal(projectId: string, email: string): Promise<Person> {
  const person = await openPerson(gatehouse, email, 'sign_in');
  const asked = gatehouse.operator('post', `/api/v1/projects/${projectId}/collaborators`);
  await expectStatus(201, asked.send({ email, external: true }));
  return person;
}

describe('a key of a project', () => {
  test('is shown once, and kept as a hash only (KEY-1)', async () => {
    const made = await make(acme.member.token, acme.defaultProjectId, { name: 'Training runs' });
    expect(made.secret).toMatch(/^ghk_[0-9a-f]{64}$/);
    const { secret, ...shown } = made;
    expect(shown).toEqual({
      ...{ id: made.id, projectId: acme.defaultProjectId, kind: 'project', name: 'Training runs', status: 'live' },
      ...{ prefix: 'ghk_', lastFour: secret.slice(-4), createdAt: expect.any(String) },
      createdBy: { kind: 'account', accountId: acme.member.accountId, email: acme.member.email },
    });
    expect((await list(acme.member.token, acme.defaultProjectId)).at(-1)).toEqual(shown);
    const kept = JSON.stringify([
      await findKeyById(gatehouse.store.read, made.id),
      await audit('key.created', made.id),
    ]);
    expect(kept).toContain(secret.slice(-4));
    expect(kept).not.toContain(secret.slice(4, 60));
    expect((await audit('key.created', made.id))[0]).toMatchObject({ actor: `account:${acme.member.accountId}` });
  });

  test('opens its own project and no other one, neither here nor elsewhere (KEY-2)', async () => {
    const { id, secret } = await make(acme.owner.token, acme.projectId);
    const told = { keyId: id, kind: 'project', project: acme.projectId, organization: acme.organizationId };
    expect(await verify(secret)).toEqual({ valid: true, reason: 'key_of_project', ...told });
    expect(await verify(secret, acme.projectId)).toEqual({ valid: true, reason: 'key_of_project', ...told });
    for (const other of [acme.defaultProjectId, rival.projectId, acme.organizationId, 'prj-nonsense']) {
      expect(await verify(secret, other)).toEqual({ valid: false, reason: 'key_of_other_project', ...told });
    }
  });

  test('is nothing that looks otherwise, of which nothing is told', async () => {
    for (const key of ['ghk_', `ghk_${'0'.repeat(64)}`, 'Bearer ghk_x', 'ghd_1', 'ключ', 'x'.repeat(8000)]) {
      expect(await verify(key)).toEqual({ valid: false, reason: 'key_unknown' });
    }
  });

  test('is verified for services with the scope keys.verify, and for no others (OPS-4)', async () => {
    const { secret } = await make(acme.owner.token, acme.projectId);
    const ask = async (scopes: readonly string[]) => {
      const asked = gatehouse.operator('post', '/api/v1/service-credentials');
      const credential = await expectStatus(201, asked.send({ name: 'gateway', scopes }));
      return gatehouse.bearer(credential.secret, 'post', '/api/v1/keys/verify').send({ key: secret });
    };
    expect((await ask(['keys.verify'])).body).toMatchObject({ valid: true });
    expect(await ask(['introspect'])).toMatchObject({ status: 403, body: { code: 'scope_insufficient' } });
    const itself = await gatehouse.bearer(secret, 'post', '/api/v1/keys/verify').send({ key: secret });
    expect(itself.status).toBe(401);
  });

  test('is revoked at once by any collaborator, and stays revoked, which is told apart from unknown (KEY-1)', async () => {
    const external = await addExternal(acme.projectId, 'revoker@partner.example');
    const { id, secret } = await make(acme.admin.token, acme.projectId);
    expect((await verify(secret)).valid).toBe(true);
    now += 1000;
    const revoked = await expectStatus(200, revoke(external.token, acme.projectId, id));
    expect(revoked).toMatchObject({ id, status: 'revoked', revokedAt: new Date(now).toISOString() });
    expect(await verify(secret, acme.projectId)).toMatchObject({ valid: false, reason: 'key_revoked', keyId: id });
    now += 1000;
    const again = await expectStatus(200, revoke(acme.admin.token, acme.projectId, id));
    expect(again.revokedAt).toBe(revoked.revokedAt);
    const events = await audit('key.revoked', id);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ actor: `account:${external.accountId}` });
  });

  test('of another project is not there to be revoked (PRJ-1)', async () => {
    const { id, secret } = await make(acme.owner.token, acme.projectId);
    for (const [token, projectId] of [
      [acme.owner.token, acme.defaultProjectId],
      [rival.owner.token, rival.projectId],
      [rival.owner.token, acme.projectId],
    ] as const) {
      expect((await revoke(token, projectId, id)).status).toBe(404);
    }
    expect((await verify(secret)).valid).toBe(true);
  });

  test('ends at its expiry, and cannot be made with one that has passed (KEY-1)', async () => {
    const expiresAt = new Date(now + hour).toISOString();
    const { secret } = await make(acme.owner.token, acme.projectId, { name: 'short', expiresAt });
    expect(await verify(secret)).toMatchObject({ valid: true, expiresAt });
    now += hour - 1;
    expect((await verify(secret)).valid).toBe(true);
    now += 1;
    expect(await verify(secret)).toMatchObject({ valid: false, reason: 'key_expired', expiresAt });
    expect((await list(acme.owner.token, acme.projectId)).at(-1)).toMatchObject({ status: 'expired', expiresAt });
    const late = gatehouse.bearer(acme.owner.token, 'post', keysOf(acme.projectId));
    expect((await late.send({ name: 'late', expiresAt: new Date(now).toISOString() })).status).toBe(400);
  });

  test('outlives the membership of whoever made it, and still says who (KEY-1, MEM-3)', async () => {
    const leaver = await openPerson(gatehouse, 'leaver@acme.example', 'sign_in');
    const members = `/api/v1/organizations/${acme.organizationId}/members`;
    const { id } = await expectStatus(
      201,
      gatehouse.operator('post', members).send({ accountId: leaver.accountId, role: 'member' }),
    );
    const made = await make(leaver.token, acme.defaultProjectId);
    await expectStatus(200, gatehouse.operator('delete', `${members}/${id}`));
    expect((await verify(made.secret, acme.defaultProjectId)).valid).toBe(true);
    const shown = (await list(acme.member.token, acme.defaultProjectId)).find((one: Issued) => one.id === made.id);
    expect(shown).toMatchObject({ status: 'live', createdBy: { kind: 'account', accountId: leaver.accountId } });
  });

  test('that the operator made for somebody names both', async () => {
    const asked = gatehouse.operator('post', keysOf(acme.defaultProjectId), acme.member.accountId);
    const { createdBy } = await expectStatus(201, asked.send({ name: 'for Mia' }));
    expect(createdBy).toEqual({ kind: 'operator', accountId: acme.member.accountId, email: acme.member.email });
    const own = await make(gatehouse.operatorToken, acme.defaultProjectId);
    expect(own).toMatchObject({ createdBy: { kind: 'operator' } });
  });

  test('tells an External Collaborator of makers who were added to the project only (PRJ-6)', async () => {
    const external = await addExternal(acme.projectId, 'reader@partner.example');
    const hidden = await make(acme.admin.token, acme.projectId);
    const own = await make(external.token, acme.projectId);
    const find = async (token: string, { id }: Issued) =>
      (await list(token, acme.projectId)).find((one: Issued) => one.id === id).createdBy;
    expect(await find(external.token, hidden)).toEqual({ kind: 'account' });
    const self = { kind: 'account', accountId: external.accountId, email: external.email, external: true };
    expect(await find(external.token, own)).toEqual(self);
    expect(await find(acme.admin.token, own)).toEqual(self);
    expect(await find(acme.admin.token, hidden)).toMatchObject({ email: acme.admin.email });
  });

  test('made without naming a project belongs to the default one (PRJ-2)', async () => {
    const path = `/api/v1/organizations/${acme.organizationId}/keys`;
    const made = await expectStatus(201, gatehouse.bearer(acme.member.token, 'post', path).send({ name: 'quick' }));
    expect(made.projectId).toBe(acme.defaultProjectId);
    expect((await verify(made.secret, acme.defaultProjectId)).valid).toBe(true);
    const external = await addExternal(acme.defaultProjectId, 'outside@partner.example');
    const refused = await gatehouse.bearer(external.token, 'post', path).send({ name: 'no' });
    expect([refused.status, refused.body.code]).toEqual([403, 'permission_denied']);
    expect((await gatehouse.bearer(rival.owner.token, 'post', path).send({ name: 'no' })).status).toBe(404);
  });

  test('is listed in pages, in the order of making', async () => {
    const project = await expectStatus(
      201,
      gatehouse.operator('post', `/api/v1/organizations/${acme.organizationId}/projects`).send({ name: 'Paged' }),
    );
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) made.push((await make(acme.owner.token, project.id, { name: `key ${i}` })).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const asked = gatehouse.bearer(acme.owner.token, 'get', keysOf(project.id));
      const page = await expectStatus(200, asked.query({ limit: 2, ...(cursor && { cursor }) }));
      seen.push(...page.items.map(({ id }: Issued) => id));
      cursor = page.nextCursor;
    } while (cursor);
    expect(seen).toEqual(made);
  });

  test('is not good in any verification that begins after the answer to its revocation', async () => {
    const { id, secret } = await make(acme.owner.token, acme.projectId);
    let revoked = false;
    const outcomes: boolean[] = [];
    const ask = async () => {
      const late = revoked;
      const { valid } = await verify(secret, acme.projectId);
      if (late) outcomes.push(valid);
    };
    const before = Array.from({ length: 20 }, ask);
    await expectStatus(200, revoke(acme.owner.token, acme.projectId, id));
    revoked = true;
    await Promise.all([...before, ...Array.from({ length: 20 }, ask)]);
    expect(outcomes).toEqual(Array(20).fill(false));
  });
});

describe('the Organization Default Key', () => {
  const home = () => `/api/v1/organizations/${acme.organizationId}/default-key`;
  const read = () => expectStatus(200, gatehouse.bearer(acme.owner.token, 'get', home()));
  const regenerate = () => expectStatus(200, gatehouse.bearer(acme.owner.token, 'post', `${home()}/regenerate`));

  test('is a key of the default project, until its Owner regenerates it (KEY-2, KEY-3)', async () => {
    const { id, secret } = await read();
    const told = { keyId: id, kind: 'default', project: acme.defaultProjectId, organization: acme.organizationId };
    expect(await verify(secret, acme.defaultProjectId)).toEqual({ valid: true, reason: 'key_of_project', ...told });
    expect(await verify(secret, acme.projectId)).toEqual({ valid: false, reason: 'key_of_other_project', ...told });
    const next = await regenerate();
    expect(await verify(secret)).toEqual({ valid: false, reason: 'key_unknown' });
    expect((await verify(next.secret)).valid).toBe(true);
  });

  test('is listed without its secret, and nobody can revoke it (KEY-3)', async () => {
    const { secret } = await read();
    const items = await list(acme.member.token, acme.defaultProjectId);
    const listed = items.find(({ kind }: { kind: string }) => kind === 'default');
    expect(listed).toMatchObject({ name: 'Organization Default Key', lastFour: secret.slice(-4), status: 'live' });
    expect(JSON.stringify(items)).not.toContain(secret.slice(4, 60));
    for (const token of [acme.owner.token, acme.admin.token, gatehouse.operatorToken]) {
      const refused = await revoke(token, acme.defaultProjectId, listed.id);
      expect([refused.status, refused.body.code]).toEqual([409, 'default_key_protected']);
    }
    expect((await verify(secret)).valid).toBe(true);
  });
});

describe('the last use of a key (KEY-2)', () => {
  const rowOf = (id: string) => findKeyById(gatehouse.store.read, id);

  test('is written in batches, not with each verification, and only where the key was good', async () => {
    const { id, secret } = await make(acme.owner.token, acme.projectId);
    const { id: other, secret: unused } = await make(acme.owner.token, acme.projectId);
    for (let i = 0; i < 10; i += 1) {
      now += 1000;
      await verify(secret, acme.projectId);
      await verify(unused, acme.defaultProjectId);
    }
    expect(await rowOf(id)).toMatchObject({ version: 1 });
    await gatehouse.flush();
    expect(await rowOf(id)).toMatchObject({ version: 2, lastUsedAt: new Date(now) });
    expect(await rowOf(other)).toMatchObject({ version: 1 });
    const listed = (await list(acme.owner.token, acme.projectId)).find((one: Issued) => one.id === id);
    expect(listed.lastUsedAt).toBe(new Date(now).toISOString());
  });

  test('is the newest that any node has seen, in whatever order the nodes write', async () => {
    const { id } = await make(acme.owner.token, acme.projectId);
    const row = { _id: id, organizationId: acme.organizationId };
    const open = () =>
      openLastUses(gatehouse.store, 'apiKeys', {
        delayMs: day,
        onError: (error) => {
          throw error;
        },
      });
    const nodes = [open(), open(), open()];
    nodes[0]?.note(row, new Date(2000));
    nodes[1]?.note(row, new Date(9000));
    nodes[1]?.note(row, new Date(4000));
    nodes[2]?.note(row, new Date(7000));
    await Promise.all(nodes.map((node) => node.close()));
    expect((await rowOf(id))?.lastUsedAt).toEqual(new Date(9000));
    await nodes[0]?.flush();
    expect((await rowOf(id))?.lastUsedAt).toEqual(new Date(9000));
  });

  test('is that of the secret: a use of the Default Key before it was regenerated is none of the new one (KEY-3)', async () => {
    const home = `/api/v1/organizations/${acme.organizationId}/default-key`;
    const { id, secret } = await expectStatus(200, gatehouse.bearer(acme.owner.token, 'get', home));
    await gatehouse.flush();
    now += 1000;
    await verify(secret);
    const next = await expectStatus(200, gatehouse.bearer(acme.owner.token, 'post', `${home}/regenerate`));
    await gatehouse.flush();
    expect((await rowOf(id))?.lastUsedAt).toBeUndefined();
    // the clock stands still: a use of the new one at the same instant counts
    await verify(next.secret);
    await gatehouse.flush();
    expect((await rowOf(id))?.lastUsedAt).toEqual(new Date(now));
  });

  test('is not lost by a graceful end, nor by a store that fails for a while', async () => {
    const { id } = await make(acme.owner.token, acme.projectId);
    let broken = true;
    const faults: unknown[] = [];
    const store = {
      ...gatehouse.store,
      transaction: (...asked: Parameters<typeof gatehouse.store.transaction>) => {
        if (broken) throw new Error('the store does not answer');
        return gatehouse.store.transaction(...asked);
      },
    } as typeof gatehouse.store;
    const uses = openLastUses(store, 'apiKeys', { delayMs: day, onError: (error) => faults.push(error) });
    uses.note({ _id: id, organizationId: acme.organizationId }, new Date(5000));
    await uses.flush();
    expect(faults).toHaveLength(1);
    broken = false;
    await uses.close();
    expect((await rowOf(id))?.lastUsedAt).toEqual(new Date(5000));
  });
});

test('a key that is about to expire is listed and warned of, once (OPS-3)', async () => {
  const expiresAt = new Date(now + 5 * day).toISOString();
  const { id } = await make(acme.owner.token, acme.projectId, { name: 'Nightly', expiresAt });
  const path = `/api/v1/organizations/${acme.organizationId}/expiries`;
  const find = async () => {
    const { items } = await expectStatus(200, gatehouse.bearer(acme.owner.token, 'get', path));
    return items.find((one: Issued) => one.id === id);
  };
  expect(await find()).toEqual({ kind: 'api_key', id, name: 'Nightly', projectId: acme.projectId, expiresAt, warn: 7 });
  for (let round = 0; round < 2; round += 1) {
    const cause = { actor: 'job:warn', requestId: 'test' };
    await warnOfExpiries(gatehouse.store, cause, { at: new Date(now), goOn: () => true });
  }
  expect(await audit('expiry.warned', id)).toMatchObject([
    { targetKind: 'api_key', after: { name: 'Nightly', days: 7 } },
  ]);
  await expectStatus(200, revoke(acme.owner.token, acme.projectId, id));
  expect(await find()).toBeUndefined();
});
