/** Resources through the management API: registered, attached, listed, everywhere at once (RES-1, RES-2, PERM-3, PERM-4). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  createProject,
  findProjectsOf,
  findResourcesIn,
  registerResource,
  resourceTypes,
} from '../../src/access/index.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let projectAdmin: Person;
let projectMember: Person;
let external: Person;

beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  projectAdmin = await join('project-admin@acme.example', 'admin');
  projectMember = await join('project-member@acme.example', 'member');
  external = await openPerson(gatehouse, 'external@partner.example', 'sign_in');
  await collaborate(external, 'member', true);
});

async function join(email: string, role: string): Promise<Person> {
  const person = await openPerson(gatehouse, email, 'sign_in');
  const members = `/api/v1/organizations/${acme.organizationId}/members`;
  await expectStatus(201, gatehouse.operator('post', members).send({ accountId: person.accountId, role: 'member' }));
  await collaborate(person, role, false);
  return person;
}

const collaborate = ({ email }: Person, role: string, outside: boolean) =>
  expectStatus(
    201,
    gatehouse
      .operator('post', `/api/v1/projects/${acme.projectId}/collaborators`)
      .send({ email, role, ...(outside && { external: true }) }),
  );

const pathOf = (projectId: string, resourceId = ''): string =>
  `/api/v1/projects/${projectId}/resources${resourceId && `/${resourceId}`}`;
const register = (token: string, body: object, projectId = acme.projectId) =>
  gatehouse.bearer(token, 'post', pathOf(projectId)).send(body);
const made = (body: object, projectId = acme.projectId) =>
  expectStatus(201, register(gatehouse.operatorToken, body, projectId));
const change = (token: string, id: string, body: object) =>
  gatehouse.bearer(token, 'patch', pathOf(acme.projectId, id)).send(body);
const remove = (token: string, id: string, query: object = {}) =>
  gatehouse.bearer(token, 'delete', pathOf(acme.projectId, id)).query(query);
const list = async (token: string, projectId: string, query: object = {}) =>
  (await expectStatus(200, gatehouse.bearer(token, 'get', pathOf(projectId)).query(query))).items;
const idsOf = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id);

describe('by the tables of PERM-3 and PERM-4', () => {
  // Written by hand: what a project Member may do with each type; an Admin may do everything.
  test.each([
    ['cluster', { create: false, read: true, update: false, remove: false }],
    ['volume', { create: false, read: true, update: false, remove: false }],
    ['fine-tuned-model', { create: true, read: true, update: true, remove: true }],
    ['dedicated-endpoint', { create: true, read: true, update: true, remove: true }],
    ['evaluation', { create: true, read: true, update: true, remove: true }],
    ['file', { create: true, read: true, update: true, remove: true }],
  ] as const)('a project Member and a project Admin are let do with a %s what is theirs', async (type, may) => {
    const code = async (asked: PromiseLike<{ status: number }>, allowed: boolean, status: number) =>
      expect((await asked).status).toBe(allowed ? status : 403);
    for (const [{ token }, mayAll] of [
      [projectAdmin, true],
      [projectMember, false],
      [external, false],
    ] as const) {
      const { id } = await made({ type, name: 'theirs' });
      await code(register(token, { type, name: 'own' }), mayAll || may.create, 201);
      await code(gatehouse.bearer(token, 'get', pathOf(acme.projectId, id)), mayAll || may.read, 200);
      await code(change(token, id, { name: 'renamed' }), mayAll || may.update, 200);
      await code(remove(token, id), mayAll || may.remove, 204);
    }
  });

  test('a member who is no collaborator, and another organization, see nothing of it (PRJ-1)', async () => {
    const { id } = await made({ type: 'file', name: 'secret' });
    for (const token of [acme.member.token, rival.owner.token]) {
      expect((await register(token, { type: 'file', name: 'x' })).status).toBe(404);
      expect((await gatehouse.bearer(token, 'get', pathOf(acme.projectId))).status).toBe(404);
      expect((await gatehouse.bearer(token, 'get', pathOf(acme.projectId, id))).status).toBe(404);
      expect((await change(token, id, { name: 'x' })).status).toBe(404);
      expect((await remove(token, id)).status).toBe(404);
    }
    expect((await gatehouse.bearer(rival.owner.token, 'get', pathOf(rival.projectId, id))).status).toBe(404);
    expect((await gatehouse.bearer(acme.owner.token, 'get', pathOf(acme.defaultProjectId, id))).status).toBe(404);
  });
});

describe('a registration', () => {
  test('says who made it, and is audited (RES-1, AUD-1)', async () => {
    const body = { type: 'cluster', name: 'H100 west', externalId: 'k8s-17' };
    const { id, ...row } = await expectStatus(201, register(projectAdmin.token, body));
    const { accountId, email } = projectAdmin;
    expect(row).toMatchObject({ ...body, projectId: acme.projectId, createdBy: { kind: 'account', accountId, email } });
    await expectStatus(200, change(projectAdmin.token, id, { name: 'H100 east' }));
    await expectStatus(204, remove(projectAdmin.token, id));
    const events = await gatehouse.store.read.auditEvents.find(acme.organizationId, { targetId: id });
    expect(events.map(({ type, actor }) => [type, actor])).toEqual(
      ['resource.registered', 'resource.updated', 'resource.removed'].map((type) => [type, `account:${accountId}`]),
    );
    expect(events[1]).toMatchObject({ before: { name: 'H100 west' }, after: { name: 'H100 east' } });
    expect((await remove(projectAdmin.token, id)).status).toBe(404);
  });

  test('without a project goes to the default one (PRJ-2), by the permission there', async () => {
    const path = `/api/v1/organizations/${acme.organizationId}/resources`;
    const ask = (token: string, type: string) => gatehouse.bearer(token, 'post', path).send({ type, name: 'x' });
    expect((await expectStatus(201, ask(acme.member.token, 'file'))).projectId).toBe(acme.defaultProjectId);
    expect((await expectStatus(201, ask(acme.admin.token, 'cluster'))).projectId).toBe(acme.defaultProjectId);
    expect((await expectStatus(201, ask(gatehouse.operatorToken, 'cluster'))).projectId).toBe(acme.defaultProjectId);
    expect((await ask(acme.member.token, 'cluster')).body).toMatchObject({
      status: 403,
      details: { permission: 'cluster.create', reason: 'role_insufficient' },
    });
    expect((await ask(external.token, 'file')).status).toBe(403);
    expect((await ask(rival.owner.token, 'file')).status).toBe(404);
  });

  test('can be repeated by its externalId; said otherwise it is refused, and names what is there', async () => {
    const body = { type: 'evaluation', name: 'MMLU', externalId: 'run-1' };
    const first = await made(body);
    expect(await made(body)).toEqual(first);
    const otherwise = await register(gatehouse.operatorToken, { ...body, name: 'GPQA' });
    expect(otherwise.body).toMatchObject({ status: 409, code: 'resource_exists', details: { resourceId: first.id } });
    expect((await made({ ...body, type: 'file' })).id).not.toBe(first.id);
    expect((await made(body, acme.defaultProjectId)).id).not.toBe(first.id);
    expect((await made(body, rival.projectId)).id).not.toBe(first.id);
  });

  test('is one, however many make it at once', async () => {
    const body = { type: 'dedicated-endpoint', name: 'llama', externalId: 'ep-1' };
    const answers = await Promise.all(Array.from({ length: 12 }, () => register(gatehouse.operatorToken, body)));
    expect(new Set(answers.map(({ status, body: { id } }) => `${status} ${id}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    const listed = await list(gatehouse.operatorToken, acme.projectId, { type: 'dedicated-endpoint', limit: 200 });
    expect(listed.filter(({ externalId }: { externalId?: string }) => externalId === 'ep-1')).toHaveLength(1);
  });

  test('is listed by type, in pages, in the order of registration', async () => {
    const path = `/api/v1/organizations/${acme.organizationId}/projects`;
    const { id } = await expectStatus(201, gatehouse.operator('post', path).send({ name: 'Listed' }));
    const all: string[] = [];
    for (const type of [...resourceTypes, ...resourceTypes]) all.push((await made({ type, name: type }, id)).id);
    expect(idsOf(await list(acme.owner.token, id))).toEqual(all);
    expect(idsOf(await list(acme.owner.token, id, { type: 'volume' }))).toEqual([all[1], all[7]]);
    const seen: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const asked = gatehouse.bearer(acme.owner.token, 'get', pathOf(id));
      const page = await expectStatus(200, asked.query({ limit: 5, ...(cursor && { cursor }) }));
      seen.push(...idsOf(page.items));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(all);
  });
});

describe('a volume', () => {
  const cluster = (projectId = acme.projectId) => made({ type: 'cluster', name: 'c' }, projectId);

  test('names a cluster of its own project, and nothing else (RES-1, PRJ-1)', async () => {
    const { id: clusterId } = await cluster();
    expect(await made({ type: 'volume', name: 'v', clusterId })).toMatchObject({ clusterId });
    const file = await made({ type: 'file', name: 'f' });
    const foreign = await cluster(rival.projectId);
    const elsewhere = await cluster(acme.defaultProjectId);
    const nobody = { id: 'res-00000000000000000000000000' };
    for (const { id } of [file, foreign, elsewhere, nobody]) {
      const answer = await register(gatehouse.operatorToken, { type: 'volume', name: 'v', clusterId: id });
      expect(answer.body).toMatchObject({ status: 400, code: 'cluster_not_found' });
      expect(answer.body.detail).toBe(`clusterId: the project has no cluster ${id}`);
    }
    const wrong = await register(gatehouse.operatorToken, { type: 'file', name: 'f', clusterId });
    expect(wrong.body).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  test('is attached and taken off', async () => {
    const [one, other] = [await cluster(), await cluster()];
    const { id } = await made({ type: 'volume', name: 'v' });
    const set = (clusterId: string | null) => expectStatus(200, change(projectAdmin.token, id, { clusterId }));
    expect((await set(one.id)).clusterId).toBe(one.id);
    expect((await set(other.id)).clusterId).toBe(other.id);
    expect(await set(null)).not.toHaveProperty('clusterId');
    expect((await change(projectAdmin.token, id, {})).status).toBe(400);
  });

  test('keeps its cluster from being removed, unless it is said to be taken off', async () => {
    const { id: clusterId } = await cluster();
    const volumes = [
      await made({ type: 'volume', name: 'a', clusterId }),
      await made({ type: 'volume', name: 'b', clusterId }),
    ];
    const refused = await remove(projectAdmin.token, clusterId);
    expect(refused.body).toMatchObject({ status: 409, code: 'cluster_in_use', details: { volumeIds: idsOf(volumes) } });
    await expectStatus(204, remove(projectAdmin.token, clusterId, { volumes: 'detach' }));
    for (const { id } of volumes) {
      const asked = gatehouse.bearer(projectMember.token, 'get', pathOf(acme.projectId, id));
      expect(await expectStatus(200, asked)).not.toHaveProperty('clusterId');
    }
  });

  test('never names a cluster that is gone, when both are asked for at once', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { id: clusterId } = await cluster();
      const [attached, removed] = await Promise.all([
        register(gatehouse.operatorToken, { type: 'volume', name: 'v', clusterId }),
        remove(gatehouse.operatorToken, clusterId),
      ]);
      expect([
        [201, 409],
        [400, 204],
      ]).toContainEqual([attached.status, removed.status]);
    }
  });
});

describe('the list of all of a person’s resources (RES-2)', () => {
  interface Own {
    readonly id: string;
    readonly projectId: string;
  }
  const all = async (token: string, query: object = {}): Promise<Own[]> => {
    const found: Own[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const asked = gatehouse.bearer(token, 'get', '/api/v1/me/resources');
      const page = await expectStatus(200, asked.query({ ...query, ...(cursor && { cursor }) }));
      found.push(...page.items);
      cursor = page.nextCursor;
    }
    return found;
  };

  test('spans all projects and organizations that one has access to, and no other one', async () => {
    const person = await openPerson(gatehouse, 'everywhere@acme.example', 'sign_in');
    const { accountId, email } = person;
    const members = `/api/v1/organizations/${acme.organizationId}/members`;
    const { id: memberId } = await expectStatus(
      201,
      gatehouse.operator('post', members).send({ accountId, role: 'member' }),
    );
    const outside = gatehouse.operator('post', `/api/v1/projects/${rival.projectId}/collaborators`);
    await expectStatus(201, outside.send({ email, role: 'admin', external: true }));
    const home = await made({ type: 'cluster', name: 'home' }, acme.defaultProjectId);
    const hidden = await made({ type: 'cluster', name: 'hidden' });
    const theirs = await made({ type: 'cluster', name: 'theirs' }, rival.projectId);
    const unseen = await made({ type: 'cluster', name: 'unseen' }, rival.defaultProjectId);

    const seen = await all(person.token, { type: 'cluster' });
    expect(seen.find(({ id }) => id === home.id)).toMatchObject({
      project: { id: acme.defaultProjectId, name: 'Default' },
      organization: { id: acme.organizationId, name: 'acme' },
      role: 'member',
    });
    expect(seen.find(({ id }) => id === theirs.id)).toMatchObject({
      organization: { id: rival.organizationId, name: 'rival' },
      role: 'admin',
      external: true,
    });
    for (const { id } of [hidden, unseen]) expect(idsOf(seen)).not.toContain(id);
    expect(idsOf(await all(person.token))).toEqual(expect.arrayContaining(idsOf(seen)));
    expect(await all(person.token, { type: 'cluster', limit: 1 })).toEqual(seen);

    // A suspended member is denied everywhere in the organization at once, and nowhere else (MEM-1).
    await gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
      tx.members.updateOne(acme.organizationId, { _id: memberId }, { $set: { status: 'suspended' } }),
    );
    const left = await all(person.token, { type: 'cluster' });
    expect(idsOf(left)).toContain(theirs.id);
    expect(new Set(left.map(({ projectId }) => projectId))).toEqual(new Set([rival.projectId]));
    const added = `/api/v1/projects/${rival.projectId}/collaborators/${accountId}`;
    await expectStatus(200, gatehouse.operator('delete', added));
    expect(await all(person.token)).toEqual([]);
  });

  test('has those of archived projects when it is asked for them (RES-2)', async () => {
    const projects = gatehouse.operator('post', `/api/v1/organizations/${acme.organizationId}/projects`);
    const { id: projectId } = await expectStatus(201, projects.send({ name: 'To be archived' }));
    const kept = await made({ type: 'cluster', name: 'kept' }, projectId);
    const { token } = await openPerson(gatehouse, acme.owner.email, 'sign_in');
    const has = async (query: object) => idsOf(await all(token, { limit: 200, ...query })).includes(kept.id);
    expect([await has({}), await has({ status: 'archived' })]).toEqual([true, false]);
    await expectStatus(200, gatehouse.operator('patch', `/api/v1/projects/${projectId}`).send({ archived: true }));
    expect([await has({}), await has({ status: 'archived' }), await has({ status: 'all' })]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('leaves out organizations in which the session that asks has ended (SSO-5)', async () => {
    const path = `/api/v1/organizations/${acme.organizationId}/members/${acme.admin.memberId}/sessions`;
    const asked = { type: 'cluster', limit: 200 };
    expect((await all(acme.admin.token, asked)).length).toBeGreaterThan(0);
    const outside = gatehouse.operator('post', `/api/v1/projects/${rival.projectId}/collaborators`);
    await expectStatus(201, outside.send({ email: acme.admin.email, external: true }));
    await expectStatus(200, gatehouse.operator('delete', path));
    const left = await all(acme.admin.token, asked);
    expect(new Set(left.map(({ projectId }) => projectId))).toEqual(new Set([rival.projectId]));
  });

  test('takes as many reads for 200 projects as for two', async () => {
    const person = await openPerson(gatehouse, 'busy@partner.example', 'sign_in');
    const counted = async () => {
      let reads = 0;
      const counting = new Proxy(gatehouse.store.read, {
        get: (target, name) => {
          reads += 1;
          return Reflect.get(target, name);
        },
      });
      const projects = await findProjectsOf(counting, person.accountId);
      const page = await findResourcesIn(counting, projects, { type: 'cluster', limit: 50 });
      return { reads, projects: projects.length, found: page.items.length };
    };
    const addTo = (first: number, end: number) =>
      gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, async (tx) => {
        for (let index = first; index < end; index += 1) {
          const { _id } = await createProject(tx, acme.organizationId, { name: `busy ${index}` });
          await addCollaborator(tx, acme.organizationId, _id, { email: person.email, external: true });
          await registerResource(tx, acme.organizationId, _id, { type: 'cluster', name: `of ${index}` });
        }
      });
    await addTo(0, 2);
    const few = await counted();
    for (let index = 2; index < 200; index += 18) await addTo(index, index + 18);
    const many = await counted();
    expect(few).toMatchObject({ projects: 2, found: 2 });
    expect(many).toEqual({ reads: few.reads, projects: 200, found: 50 });
    const seen = await all(person.token, { type: 'cluster', limit: 60 });
    expect(new Set(idsOf(seen)).size).toBe(200);
  });
});
