/** Projects through the management API: archived, deleted, and who sees whom (PRJ-1…8). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { applyMappedGrants } from '../../src/access/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let admin: Person;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  admin = await openPerson(gatehouse, acme.admin.email, 'sign_in');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const pathOf = (projectId: string, more = ''): string => `/api/v1/projects/${projectId}${more}`;
let count = 0;
const makeProject = async (): Promise<string> => {
  count += 1;
  const asked = gatehouse.bearer(admin.token, 'post', `${home}/projects`);
  return (await expectStatus(201, asked.send({ name: `Project ${count}` }))).id;
};
const patch = (token: string, projectId: string, body: object) =>
  gatehouse.bearer(token, 'patch', pathOf(projectId)).send(body);
const remove = (token: string, projectId: string, query: object = {}) =>
  gatehouse.bearer(token, 'delete', pathOf(projectId)).query(query);
const makeKey = (projectId: string) =>
  expectStatus(201, gatehouse.operator('post', pathOf(projectId, '/keys')).send({ name: 'key' }));
const verify = (key: string) => expectStatus(200, gatehouse.operator('post', '/api/v1/keys/verify').send({ key }));
const register = (projectId: string, body: object = { type: 'file', name: 'file' }) =>
  gatehouse.operator('post', pathOf(projectId, '/resources')).send(body);
const collaborate = (projectId: string, body: object) =>
  gatehouse.operator('post', pathOf(projectId, '/collaborators')).send(body);
const evaluate = async (email: string, name: string, projectId: string) => {
  const question = {
    subject: { type: 'user', id: email },
    action: { name },
    resource: { type: 'project', id: projectId },
  };
  const { decision, context } = await expectStatus(
    200,
    gatehouse.operator('post', '/access/v1/evaluation').send(question),
  );
  return [decision, context.reason.code];
};
const namesOf = async (token: string, path: string, status?: string): Promise<string[]> => {
  const asked = gatehouse.bearer(token, 'get', path).query(status === undefined ? {} : { status });
  return (await expectStatus(200, asked)).items.map(({ id }: { id: string }) => id);
};

describe('a project', () => {
  test('is renamed and described by its Admins', async () => {
    const id = await makeProject();
    const changed = await expectStatus(200, patch(admin.token, id, { name: 'Renamed', description: 'For the lab' }));
    expect(changed).toMatchObject({ id, name: 'Renamed', description: 'For the lab', role: 'admin' });
    expect(await expectStatus(200, patch(admin.token, id, { description: null }))).not.toHaveProperty('description');
    expect((await patch(admin.token, id, { name: 'research' })).body.code).toBe('project_name_taken');
    expect((await patch(admin.token, id, {})).status).toBe(400);
  });

  test('archived, is read and listed only when asked for, and nothing is added to it or changed', async () => {
    const id = await makeProject();
    const { email } = acme.member;
    await expectStatus(201, collaborate(id, { email }));
    const file = await expectStatus(201, register(id));
    const archived = await expectStatus(200, patch(admin.token, id, { archived: true }));
    expect(archived.archivedAt).toEqual(expect.any(String));
    expect((await expectStatus(200, patch(admin.token, id, { archived: true }))).archivedAt).toBe(archived.archivedAt);
    for (const [token, path] of [
      [admin.token, `${home}/projects`],
      [acme.member.token, '/api/v1/me/projects'],
      [gatehouse.operatorToken, `${home}/projects`],
    ] as const) {
      expect(await namesOf(token, path)).not.toContain(id);
      expect(await namesOf(token, path, 'archived')).toContain(id);
      expect(await namesOf(token, path, 'all')).toEqual(expect.arrayContaining([id]));
    }
    expect((await gatehouse.bearer(acme.member.token, 'get', pathOf(id))).status).toBe(200);
    const outsider = await openPerson(gatehouse, 'late@partner.example');
    const refusals = [
      register(id),
      gatehouse.operator('post', pathOf(id, '/keys')).send({ name: 'late' }),
      collaborate(id, { email: outsider.email, external: true }),
      patch(gatehouse.operatorToken, id, { name: 'late' }),
      patch(admin.token, id, { name: 'late' }),
      gatehouse.operator('patch', pathOf(id, `/resources/${file.id}`)).send({ name: 'late' }),
      gatehouse.operator('patch', pathOf(id, `/collaborators/${acme.member.accountId}`)).send({ role: 'admin' }),
      gatehouse.bearer(acme.member.token, 'post', pathOf(id, '/keys')).send({ name: 'late' }),
      gatehouse.operator('post', `${home}/mappings`).send({ groupId: acme.groupId, projectId: id, role: 'member' }),
    ];
    for (const refused of refusals) {
      const { status, body } = await refused;
      expect([status, body.code]).toEqual([409, 'project_archived']);
    }
    await expectStatus(200, patch(admin.token, id, { archived: false, name: 'Open again' }));
    expect(await namesOf(admin.token, `${home}/projects`)).toContain(id);
    await expectStatus(201, register(id));
  });

  test('archived, lets people read and take away, and nothing else (PERM-2, PERM-3)', async () => {
    const id = await makeProject();
    const { email } = acme.member;
    await expectStatus(201, collaborate(id, { email }));
    await expectStatus(200, patch(admin.token, id, { archived: true }));
    for (const permission of ['project.read', 'cost.read', 'key.list', 'key.revoke', 'cluster.read', 'file.delete']) {
      expect(await evaluate(email, permission, id)).toEqual([true, 'granted_manually']);
    }
    for (const permission of ['key.create', 'cluster.submit-job', 'cluster.ssh', 'inference.invoke', 'file.upload']) {
      expect(await evaluate(email, permission, id)).toEqual([false, 'project_archived']);
    }
    expect(await evaluate(email, 'cluster.delete', id)).toEqual([false, 'role_insufficient']);
    for (const permission of ['project.update', 'collaborator.remove', 'cluster.delete']) {
      expect(await evaluate(admin.email, permission, id)).toEqual([true, 'organization_admin']);
    }
    expect(await evaluate(admin.email, 'collaborator.add', id)).toEqual([false, 'project_archived']);
  });

  test('archived, has keys that are good for nothing until it is opened again', async () => {
    const id = await makeProject();
    const { id: keyId, secret } = await makeKey(id);
    await expectStatus(200, patch(admin.token, id, { archived: true }));
    expect(await verify(secret)).toMatchObject({ valid: false, reason: 'project_archived', keyId });
    const { items } = await expectStatus(200, gatehouse.bearer(admin.token, 'get', pathOf(id, '/keys')));
    expect(items).toMatchObject([{ id: keyId, status: 'project_archived' }]);
    const gone = await makeProject();
    const other = await makeKey(gone);
    await expectStatus(200, patch(admin.token, id, { archived: false }));
    expect((await verify(secret)).valid).toBe(true);
    expect((await verify(other.secret)).valid).toBe(true);
  });

  test('is deleted with its keys and collaborators, at once', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'leaving@partner.example', 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true }));
    const { secret } = await makeKey(id);
    const answer = await expectStatus(200, remove(admin.token, id));
    expect(answer).toEqual({ deleted: id, resources: 0, keys: 1, collaborators: 2 });
    expect(await verify(secret)).toEqual({ valid: false, reason: 'key_unknown' });
    expect((await gatehouse.bearer(external.token, 'get', pathOf(id))).status).toBe(404);
    expect(await evaluate(external.email, 'project.read', id)).toEqual([false, 'unknown_resource']);
    expect((await expectStatus(200, gatehouse.bearer(external.token, 'get', '/api/v1/me'))).organizations).toEqual([]);
    expect((await remove(admin.token, id)).status).toBe(404);
    const { grants, apiKeys, auditEvents } = gatehouse.store.read;
    expect(await grants.count(acme.organizationId, { targetId: id })).toBe(0);
    expect(await apiKeys.count(acme.organizationId, { projectId: id })).toBe(0);
    const [event] = await auditEvents.find(acme.organizationId, { targetId: id, type: 'project.deleted' });
    expect(event).toMatchObject({ actor: `account:${admin.accountId}`, after: { keys: 1, collaborators: 2 } });
  });

  test('is not deleted while resources exist, unless that is asked for', async () => {
    const id = await makeProject();
    await expectStatus(201, register(id));
    const refused = await remove(admin.token, id);
    expect(refused.body).toMatchObject({ status: 409, code: 'resources_remain', details: { resources: 1 } });
    expect((await remove(admin.token, id, { force: 'false' })).status).toBe(409);
    expect(await expectStatus(200, remove(admin.token, id, { force: 'true' }))).toMatchObject({ resources: 1 });
    expect(await gatehouse.store.read.resources.count(acme.organizationId, { projectId: id })).toBe(0);
  });

  test('is not deleted while a mapping gives roles in it, by force neither (MAP-3)', async () => {
    const id = await makeProject();
    const asked = gatehouse.operator('post', `${home}/mappings`);
    const mapping = await expectStatus(201, asked.send({ groupId: acme.groupId, projectId: id, role: 'member' }));
    const refused = await remove(admin.token, id, { force: 'true' });
    const details = { mappingIds: [mapping.id] };
    expect(refused.body).toMatchObject({ status: 409, code: 'mappings_remain', details });
    await expectStatus(204, gatehouse.operator('delete', `${home}/mappings/${mapping.id}?grants=revoke`));
    await expectStatus(200, remove(admin.token, id));
  });

  test('is never the default one (PRJ-2)', async () => {
    for (const refused of [
      await remove(acme.owner.token, acme.defaultProjectId, { force: 'true' }),
      await remove(gatehouse.operatorToken, acme.defaultProjectId, { force: 'true' }),
      await patch(acme.owner.token, acme.defaultProjectId, { archived: true }),
    ]) {
      expect([refused.status, refused.body.code]).toEqual([409, 'default_project_protected']);
    }
  });

  test('is ended by whoever may make projects: a project Admin alone may not', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'external-admin@partner.example');
    await expectStatus(201, collaborate(id, { email: external.email, external: true, role: 'admin' }));
    await expectStatus(201, collaborate(id, { email: acme.member.email, role: 'admin' }));
    for (const { token } of [external, acme.member]) {
      expect((await patch(token, id, { description: 'mine' })).status).toBe(200);
      const refused = await remove(token, id);
      expect(refused.body).toMatchObject({ status: 403, details: { permission: 'project.create' } });
    }
    expect((await remove(rival.owner.token, id)).status).toBe(404);
    await expectStatus(200, remove(acme.owner.token, id));
  });

  test('that goes while something is made in it leaves nothing behind', async () => {
    for (let round = 0; round < 5; round += 1) {
      const id = await makeProject();
      const person = await openPerson(gatehouse, `racer-${round}@partner.example`);
      const [removed] = await Promise.all([
        remove(admin.token, id, { force: 'true' }),
        register(id),
        gatehouse.operator('post', pathOf(id, '/keys')).send({ name: 'racer' }),
        collaborate(id, { email: person.email, external: true }),
        gatehouse.operator('post', `${home}/mappings`).send({ groupId: acme.groupId, projectId: id, role: 'member' }),
      ]);
      const { resources, apiKeys, grants, mappings, projects } = gatehouse.store.read;
      const org = acme.organizationId;
      if (removed.status !== 200) {
        expect(removed.body.code).toBe('mappings_remain');
        continue;
      }
      expect(await projects.get(org, id)).toBeUndefined();
      expect([
        await resources.count(org, { projectId: id }),
        await apiKeys.count(org, { projectId: id }),
        await grants.count(org, { targetId: id }),
        await mappings.count(org, { targetId: id }),
      ]).toEqual([0, 0, 0, 0]);
    }
  });
});

describe('an External Collaborator', () => {
  test('sees only collaborators who were added, and is marked as external everywhere (PRJ-6)', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'marked@partner.example', 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true }));
    await expectStatus(201, collaborate(id, { email: acme.member.email }));
    const seenBy = async (token: string) =>
      (await expectStatus(200, gatehouse.bearer(token, 'get', pathOf(id, '/collaborators')))).items.map(
        (one: { accountId: string; external: boolean }) => [one.accountId, one.external],
      );
    const added = [
      [admin.accountId, false],
      [external.accountId, true],
      [acme.member.accountId, false],
    ];
    expect(new Set(await seenBy(external.token))).toEqual(new Set(added));
    expect(new Set(await seenBy(admin.token))).toEqual(new Set([...added, [acme.owner.accountId, false]]));
    const own = (path: string) => gatehouse.bearer(external.token, 'get', path);
    expect(await expectStatus(200, own(pathOf(id)))).toMatchObject({ role: 'member', external: true });
    expect((await expectStatus(200, own('/api/v1/me/projects'))).items).toMatchObject([{ id, external: true }]);
    const me = await expectStatus(200, own('/api/v1/me'));
    expect(me.organizations).toEqual([{ id: acme.organizationId, name: 'acme', external: true, session: 'counts' }]);
    expect(await evaluate(external.email, 'project.read', id)).toEqual([true, 'external_collaborator']);
    expect(await expectStatus(200, gatehouse.bearer(admin.token, 'get', pathOf(id)))).not.toHaveProperty('external');
  });

  test('sees what people were given in the project, and nothing of what the organization gives (PRJ-6, MAP-2)', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'reader@partner.example', 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true, role: 'admin' }));
    await expectStatus(201, collaborate(id, { email: acme.owner.email }));
    const list = (await expectStatus(200, gatehouse.bearer(external.token, 'get', pathOf(id, '/collaborators')))).items;
    const sources = list.flatMap((one: { sources: readonly object[] }) => one.sources);
    expect(sources).toEqual([
      { source: 'creator', role: 'admin' },
      { source: 'manual', role: 'admin' },
      { source: 'manual', role: 'member' },
    ]);
  });

  test('does not see who has access by a mapping only, nor what a mapping adds to a role (PRJ-6, MAP-2)', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'unmapped@partner.example', 'sign_in');
    const mapped = await openPerson(gatehouse, acme.member.email, 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true, role: 'admin' }));
    const { organizationId } = acme;
    await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, async (tx) => {
      for (const { accountId } of [acme.member, acme.admin]) {
        const add = [{ target: 'project', targetId: id, role: 'admin', mappingId: 'map-1', groupId: 'grp-1' }] as const;
        await applyMappedGrants(tx, organizationId, accountId, { add, remove: [] });
      }
    });
    const path = pathOf(id, '/collaborators');
    const seen = async () =>
      (await expectStatus(200, gatehouse.bearer(external.token, 'get', path))).items.map(
        (one: { accountId: string; role?: string; sources: readonly object[] }) => [
          one.accountId,
          one.role,
          one.sources,
        ],
      );
    const known = [
      [admin.accountId, 'admin', [{ source: 'creator', role: 'admin' }]],
      [external.accountId, 'admin', [{ source: 'manual', role: 'admin' }]],
    ];
    expect(await seen()).toEqual(known);
    const key = await expectStatus(
      201,
      gatehouse.bearer(mapped.token, 'post', pathOf(id, '/keys')).send({ name: 'by the mapped one' }),
    );
    const keys = await expectStatus(200, gatehouse.bearer(external.token, 'get', pathOf(id, '/keys')));
    expect(keys.items.find((one: { id: string }) => one.id === key.id).createdBy).toEqual({ kind: 'account' });
    const one = `${path}/${acme.member.accountId}`;
    for (const asked of [
      gatehouse.bearer(external.token, 'patch', one).send({ role: 'member' }),
      gatehouse.bearer(external.token, 'delete', one),
    ]) {
      const { status, body } = await asked;
      expect([status, body.detail]).toEqual([404, 'This person is not a collaborator of the project']);
    }
    const added = await expectStatus(
      201,
      gatehouse.bearer(external.token, 'post', path).send({ email: acme.member.email }),
    );
    expect(added).toMatchObject({ role: 'member', sources: [{ source: 'manual', role: 'member' }] });
    expect(await expectStatus(200, gatehouse.bearer(external.token, 'delete', one))).toMatchObject({ remaining: [] });
    expect(await evaluate(acme.member.email, 'cluster.delete', id)).toEqual([true, 'granted_by_mapping']);
  });

  test('who is Admin is answered alike of an Admin of the organization and of a Member (PRJ-6, PRJ-4)', async () => {
    const { id } = await expectStatus(
      201,
      gatehouse.operator('post', `${home}/projects`).send({ name: 'Made by none' }),
    );
    const external = await openPerson(gatehouse, 'curious@partner.example', 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true, role: 'admin' }));
    const path = pathOf(id, '/collaborators');
    const as = (method: 'post' | 'patch' | 'delete', where: string, body: object = {}) =>
      gatehouse.bearer(external.token, method, where).send(body);
    const answers = async ({ accountId, email }: { readonly accountId: string; readonly email: string }) => {
      const one = `${path}/${accountId}`;
      const told = [];
      for (const asked of [
        () => as('post', path, { email, role: 'member' }),
        () => as('patch', one, { role: 'admin' }),
        () => as('patch', one, { role: 'member' }),
        () => as('delete', one),
      ]) {
        const { status, body } = await asked();
        told.push([status, JSON.stringify(body).replaceAll(accountId, 'A').replaceAll(email, 'E')]);
      }
      return told;
    };
    const ofMember = await answers(acme.member);
    expect(ofMember.map(([status]) => status)).toEqual([201, 200, 200, 200]);
    expect(await answers(acme.admin)).toEqual(ofMember);
    expect(await answers(acme.owner)).toEqual(ofMember);
  });

  test('who was Admin of the default project and becomes a Member is Member there; afterwards no grant counts (PRJ-2)', async () => {
    const project = acme.defaultProjectId;
    const person = await openPerson(gatehouse, 'joins@partner.example', 'sign_in');
    const { accountId, email } = person;
    await expectStatus(201, collaborate(project, { email, external: true, role: 'admin' }));
    expect(await evaluate(email, 'cluster.delete', project)).toEqual([true, 'external_collaborator']);
    const { id: memberId } = await expectStatus(201, gatehouse.operator('post', `${home}/members`).send({ accountId }));
    expect(await evaluate(email, 'cluster.delete', project)).toEqual([false, 'role_insufficient']);
    expect(await evaluate(email, 'project.read', project)).toEqual([true, 'default_project']);
    const { grants, auditEvents } = gatehouse.store.read;
    expect(await grants.count(acme.organizationId, { accountId })).toBe(0);
    const removals = await auditEvents.find(acme.organizationId, { targetId: accountId, type: 'grant.removed' });
    expect(removals).toMatchObject([{ before: { targetId: project, role: 'admin', source: 'manual' } }]);

    // one that an earlier program has left is worth nothing, is listed nowhere, and is explained so
    await gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
      tx.grants.insert(acme.organizationId, {
        ...{
          _id: newId('grant'),
          organizationId: acme.organizationId,
          accountId,
          target: 'project',
          targetId: project,
        },
        ...{ role: 'admin', source: 'manual', sourceId: 'manual', grantedBy: 'operator' },
      }),
    );
    expect(await evaluate(email, 'cluster.delete', project)).toEqual([false, 'role_insufficient']);
    const mine = await expectStatus(200, gatehouse.bearer(person.token, 'get', '/api/v1/me/projects'));
    expect(mine.items).toMatchObject([{ id: project, role: 'member' }]);
    const { items } = await expectStatus(200, gatehouse.operator('get', pathOf(project, '/collaborators')));
    expect(items.find((one: { accountId: string }) => one.accountId === accountId)).toMatchObject({
      role: 'member',
      sources: [{ source: 'default_project', role: 'member' }],
    });
    const told = await expectStatus(
      200,
      gatehouse.operator('get', `${home}/access/explain`).query({ person: accountId, project }),
    );
    expect(told).toMatchObject({ role: 'member', reason: { code: 'default_project' } });
    expect(told.candidates).toContainEqual(expect.objectContaining({ source: 'manual', outcome: 'void' }));
    await expectStatus(200, gatehouse.operator('delete', `${home}/members/${memberId}`));
    expect(await grants.count(acme.organizationId, { accountId })).toBe(0);
  });

  test('who renames their project to the name of a hidden one is not told how that is spelt, nor what it is (PRJ-1)', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'namer@partner.example', 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true, role: 'admin' }));
    const hidden = await makeProject();
    await expectStatus(200, patch(admin.token, hidden, { name: 'Project ORCHID' }));
    const asked = async () => {
      const { status, body } = await patch(external.token, id, { name: 'project orchid' });
      return { status, code: body.code, detail: body.detail, details: body.details };
    };
    const open = await asked();
    expect(open).toMatchObject({ status: 409, code: 'project_name_taken' });
    expect(JSON.stringify(open)).not.toMatch(/orchid/i);
    await expectStatus(200, patch(admin.token, hidden, { archived: true }));
    expect(await asked()).toEqual(open);
  });

  test('who is Admin is refused members, suspended ones, and strangers in the very same words (PRJ-6, PRJ-4)', async () => {
    const id = await makeProject();
    const external = await openPerson(gatehouse, 'prober@partner.example', 'sign_in');
    await expectStatus(201, collaborate(id, { email: external.email, external: true, role: 'admin' }));
    const path = pathOf(id, '/collaborators');
    const probe = async (email: string, body: object) => {
      const { status, body: told } = await gatehouse.bearer(external.token, 'post', path).send({ email, ...body });
      return [status, told.code, told.detail.replaceAll(email, 'X'), told.details];
    };
    const unknown = await probe('nobody@nowhere.example', { external: true });
    expect(unknown.slice(0, 2)).toEqual([400, 'account_not_found']);
    for (const email of [acme.member.email, acme.admin.email, acme.owner.email, `blocked@${acme.domain}`]) {
      expect(await probe(email, { external: true })).toEqual(unknown);
    }
    expect(await probe('nobody@nowhere.example', {})).toEqual(unknown);
    expect(await probe(rival.member.email, {})).toEqual(unknown);

    const change = (accountId: string, method: 'patch' | 'delete') =>
      gatehouse
        .bearer(external.token, method, `${path}/${accountId}`)
        .send(method === 'patch' ? { role: 'member' } : {});
    for (const method of ['patch', 'delete'] as const) {
      for (const { accountId } of [acme.owner, acme.member, rival.member]) {
        const { status, body } = await change(accountId, method);
        expect([status, body.detail]).toEqual([404, 'This person is not a collaborator of the project']);
      }
    }
    await expectStatus(201, gatehouse.bearer(external.token, 'post', path).send({ email: acme.owner.email }));
    expect(await expectStatus(200, change(acme.owner.accountId, 'patch'))).toMatchObject({ role: 'member' });
    expect(await evaluate(acme.owner.email, 'cluster.delete', id)).toEqual([true, 'owner']);
    expect(await expectStatus(200, change(acme.owner.accountId, 'delete'))).toMatchObject({ remaining: [] });
  });
});

describe('the lists of projects and collaborators', () => {
  test('are read whole, or in pages: the same items, each once', async () => {
    const { email, token } = await openPerson(gatehouse, 'walker@partner.example', 'sign_in');
    await expectStatus(201, collaborate(acme.defaultProjectId, { email, external: true }));
    await expectStatus(
      201,
      gatehouse.operator('post', pathOf(rival.projectId, '/collaborators')).send({ email, external: true }),
    );
    for (const [by, path] of [
      [admin.token, `${home}/projects`],
      [gatehouse.operatorToken, `${home}/projects`],
      [token, '/api/v1/me/projects'],
      [admin.token, pathOf(acme.defaultProjectId, '/collaborators')],
      [token, pathOf(acme.defaultProjectId, '/collaborators')],
    ] as const) {
      const read = (query: object) => expectStatus(200, gatehouse.bearer(by, 'get', path).query(query));
      const whole = await read({});
      expect(whole.nextCursor).toBeUndefined();
      const size = Math.max(1, Math.ceil(whole.items.length / 3));
      const walked = [];
      let cursor: string | undefined;
      do {
        const page = await read({ limit: size, ...(cursor !== undefined && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(size);
        walked.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      const byId = (a: { id: string; accountId: string }, b: typeof a) =>
        (a.accountId ?? a.id) < (b.accountId ?? b.id) ? -1 : 1;
      if (!path.endsWith('/collaborators')) expect(walked).toEqual(whole.items);
      expect(walked.sort(byId)).toEqual(whole.items.sort(byId));
      for (const query of [{ limit: 0 }, { limit: 201 }, { cursor: 'none' }]) {
        const refused = await gatehouse.bearer(by, 'get', path).query(query);
        expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
      }
    }
  });
});

describe('multiProject (PRJ-8)', () => {
  test('off, leaves the default project alone: others are removed first, and none is made', async () => {
    const solo = await buildWorld(gatehouse, 'solo');
    const path = `/api/v1/organizations/${solo.organizationId}`;
    const off = () => gatehouse.operator('patch', path).send({ settings: { multiProject: false } });
    expect((await off()).body).toMatchObject({ status: 409, code: 'projects_remain' });
    await expectStatus(200, patch(gatehouse.operatorToken, solo.projectId, { archived: true }));
    expect((await off()).body).toMatchObject({ status: 409, code: 'projects_remain' });
    await expectStatus(204, gatehouse.operator('delete', `${path}/mappings/${solo.mappingId}?grants=revoke`));
    await expectStatus(200, remove(gatehouse.operatorToken, solo.projectId, { force: 'true' }));
    await expectStatus(200, off());
    for (const token of [solo.owner.token, gatehouse.operatorToken]) {
      const refused = await gatehouse.bearer(token, 'post', `${path}/projects`).send({ name: 'Second' });
      expect([refused.status, refused.body.code]).toEqual([403, 'multi_project_off']);
    }
    const own = await gatehouse.bearer(solo.owner.token, 'patch', path).send({ settings: { multiProject: true } });
    expect([own.status, own.body.code]).toEqual([403, 'operator_only']);
  });
});
