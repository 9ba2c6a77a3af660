/** Why does this person have Admin on production? (PERM-6): every source, back to the push, and why each won or lost. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';
import { anyWorld, writeWorld } from './randomWorld.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
});

const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const home = () => `/api/v1/organizations/${acme.organizationId}`;
type Query = Readonly<Record<string, string>>;
const address = (query: Query, organizationId = acme.organizationId) =>
  `/api/v1/organizations/${organizationId}/access/explain?${new URLSearchParams(query)}`;
const explain = (query: Query) => ask(200, 'get', address(query));

const core = 'urn:ietf:params:scim:schemas:core:2.0';
const scim = (method: Method, path: string, body: object, requestId: string) =>
  gatehouse
    .bearer(acme.directoryToken.secret, method, `/scim/v2/${acme.directoryId}${path}`)
    .set('X-Request-Id', requestId)
    .send(body);

test('a mapped role is led back to the pushes that put the person into the groups, nested ones too', async () => {
  await ask(200, 'post', `${home()}/domains/${acme.domain}/verify`, { force: true });
  const email = `nora@${acme.domain}`;
  const user = { schemas: [`${core}:User`], userName: email, active: true, emails: [{ value: email, primary: true }] };
  const { id } = await expectStatus(201, scim('post', '/Users', user, 'push-user'));
  const team = { schemas: [`${core}:Group`], displayName: 'Team', members: [{ value: id }] };
  const inner = await expectStatus(201, scim('post', '/Groups', team, 'push-team'));
  const operation = { op: 'add', path: 'members', value: [{ value: inner.id, type: 'Group' }] };
  const patch = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] };
  await scim('patch', `/Groups/${acme.groupId}`, patch, 'push-nesting');
  const query = { person: email, project: acme.projectId, permission: 'project.read' };
  await until('the mapping has given the role', async () => (await explain(query)).decision === true);

  const told = await explain(query);
  expect(told).toMatchObject({
    subject: { type: 'user', email, status: 'active' },
    resource: { type: 'project', id: acme.projectId, name: 'Research' },
    role: 'member',
    reason: { code: 'granted_by_mapping' },
  });
  expect(told.candidates.map(({ source, outcome }: Record<string, string>) => [source, outcome])).toEqual([
    ['organization_role', 'void'],
    ['mapping', 'wins'],
  ]);
  expect(told.candidates[1].origin).toMatchObject({
    role: 'member',
    grantedBy: `group:${acme.groupId}`,
    mapping: {
      mappingId: acme.mappingId,
      groupId: acme.groupId,
      groupName: 'Engineers',
      directoryName: 'Okta',
      directoryUserId: id,
      userName: email,
      path: [
        { groupName: 'Team', requestId: 'push-team', by: `directory:${acme.directoryId}`, since: expect.any(String) },
        { groupName: 'Engineers', requestId: 'push-nesting', logEntryId: expect.stringMatching(/^log-/) },
      ],
    },
  });

  // Added by hand as Admin too: the higher one wins, and the mapping is said to lose.
  const added = gatehouse.operator('post', `/api/v1/projects/${acme.projectId}/collaborators`);
  await expectStatus(201, added.set('X-Request-Id', 'by-hand').send({ email, role: 'admin' }));
  const both = await explain({ ...query, permission: 'cluster.create' });
  expect(both).toMatchObject({ decision: true, role: 'admin', reason: { code: 'granted_manually' } });
  expect(both.candidates).toContainEqual(expect.objectContaining({ source: 'mapping', outcome: 'lower' }));
  const manual = both.candidates.find(({ source }: { source: string }) => source === 'manual');
  expect(manual).toMatchObject({ outcome: 'wins', origin: { grantedBy: 'operator', requestId: 'by-hand' } });

  // Suspended by the IdP: nothing of it counts, and it says so.
  const off = { schemas: patch.schemas, Operations: [{ op: 'replace', path: 'active', value: false }] };
  await scim('patch', `/Users/${id}`, off, 'push-off');
  const suspended = await explain(query);
  expect(suspended).toMatchObject({ decision: false, reason: { code: 'member_suspended' } });
  expect(new Set(suspended.candidates.map(({ outcome }: { outcome: string }) => outcome))).toEqual(new Set(['void']));
});

test('the push that is named is the one that did it, though the client gives its requests all the same id', async () => {
  const [email, other] = [`same-id@${acme.domain}`, `same-id-too@${acme.domain}`];
  const userOf = (userName: string) => ({
    schemas: [`${core}:User`],
    userName,
    active: true,
    emails: [{ value: userName }],
  });
  const { id } = await expectStatus(201, scim('post', '/Users', userOf(email), 'constant'));
  const { id: otherId } = await expectStatus(201, scim('post', '/Users', userOf(other), 'constant'));
  const elsewhere = { schemas: [`${core}:Group`], displayName: 'Elsewhere', members: [{ value: id }] };
  await expectStatus(201, scim('post', '/Groups', elsewhere, 'constant'));
  const add = (value: string) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'add', path: 'members', value: [{ value }] }],
  });
  await scim('patch', `/Groups/${acme.groupId}`, add(id), 'constant');
  await scim('patch', `/Groups/${acme.groupId}`, add(otherId), 'constant');
  const query = { person: other, project: acme.projectId, permission: 'project.read' };
  await until('the mapping has given the role', async () => (await explain(query)).decision === true);
  const mapping = (await explain(query)).candidates.find(({ source }: { source: string }) => source === 'mapping');
  const [step] = mapping.origin.mapping.path;
  expect(step.requestId).toBe('constant');
  const row = await gatehouse.store.read.provisioningLog.get(acme.organizationId, step.logEntryId);
  expect(row).toMatchObject({ method: 'PATCH', path: `/Groups/${acme.groupId}`, touched: [acme.groupId, otherId] });
});

test('somebody is found by the address that the member list shows, proven or not; who has proven it goes first (PERM-6, ACC-4)', async () => {
  const pushed = (userName: string, value: string) => ({
    ...{ schemas: [`${core}:User`], userName, active: true, emails: [{ value, primary: true }] },
  });
  const email = 'shown@unverified.example';
  const { id } = await expectStatus(201, scim('post', '/Users', pushed('shown', email), 'push-shown'));
  const found = async (person: string) => (await explain({ person })).subject;
  const shown = await found(email.toUpperCase());
  expect(shown).toMatchObject({ type: 'user', memberId: expect.stringMatching(/^mem-/), status: 'active' });
  // renamed at the IdP, the account keeps its addresses: the person is found by what the list shows now
  await expectStatus(200, scim('put', `/Users/${id}`, pushed('shown', 'renamed@unverified.example'), 'push-renamed'));
  expect((await found('renamed@unverified.example')).id).toBe(shown.id);
  await ask(404, 'get', address({ person: email }));
  // shown under the address that another member has proven, they do not hide that one
  await expectStatus(200, scim('put', `/Users/${id}`, pushed('shown', acme.admin.email), 'push-renamed'));
  expect((await found(acme.admin.email)).id).toBe(acme.admin.accountId);
});

test('an inherited Admin is led back to the grant that made them one, and says where adminAccess stops it (PRJ-5)', async () => {
  const query = { person: acme.admin.memberId, project: acme.projectId, permission: 'cluster.create' };
  const told = await explain(query);
  expect(told).toMatchObject({ decision: true, reason: { code: 'organization_admin' } });
  expect(told.candidates[0]).toMatchObject({
    source: 'organization_role',
    outcome: 'wins',
    from: [{ role: 'admin', grantedBy: 'operator', grantId: expect.stringMatching(/^grt-/) }],
  });
  await ask(200, 'patch', home(), { settings: { adminAccess: 'joined' } });
  const joined = await explain(query);
  expect(joined).toMatchObject({ decision: false, reason: { code: 'project_not_joined' } });
  expect(joined.candidates[0]).toMatchObject({ outcome: 'void', why: expect.stringContaining('adminAccess') });
  await ask(200, 'patch', home(), { settings: { adminAccess: 'all' } });
});

test('a key is a Member of its project, until it is revoked (KEY-2)', async () => {
  const key = await ask(201, 'post', `/api/v1/projects/${acme.projectId}/keys`, { name: 'ci' });
  const query = { key: key.id, permission: 'cluster.create' };
  expect(await explain(query)).toMatchObject({
    subject: { type: 'api_key', id: key.id, name: 'ci' },
    role: 'member',
    decision: false,
    reason: { code: 'role_insufficient' },
    candidates: [{ source: 'key', outcome: 'wins' }],
  });
  const elsewhere = await explain({ ...query, project: acme.defaultProjectId });
  expect(elsewhere).toMatchObject({ decision: false, reason: { code: 'key_of_other_project' } });
  await ask(200, 'delete', `/api/v1/projects/${acme.projectId}/keys/${key.id}`);
  expect(await explain(query)).toMatchObject({ decision: false, reason: { code: 'key_revoked' } });
});

describe('of somebody who is not there any more', () => {
  const leaver = async (name: string) => {
    const { accountId } = await openPerson(gatehouse, `${name}@gone.example`);
    const { id } = await ask(201, 'post', `${home()}/members`, { accountId, role: 'admin' });
    return { accountId, memberId: id as string, email: `${name}@gone.example` };
  };
  const query = (person: string) => ({ person, project: acme.projectId, permission: 'project.read' });

  test('says that they were removed, when, by whom and as what, until they are there again (PERM-6, MEM-3)', async () => {
    const { accountId, memberId, email } = await leaver('removed');
    const { token } = await openPerson(gatehouse, acme.admin.email, 'sign_in');
    const removal = gatehouse.bearer(token, 'delete', `${home()}/members/${memberId}`);
    await expectStatus(200, removal.set('X-Request-Id', 'the-removal'));
    const told = await explain(query(email));
    const by = `account:${acme.admin.accountId}`;
    expect(told).toMatchObject({ decision: false, reason: { code: 'not_a_member' }, subject: { id: accountId } });
    expect(told.subject.email).toBeUndefined();
    expect(told.former).toEqual({
      ...{ state: 'removed', was: 'member', memberId, role: 'admin', endedBy: by, requestId: 'the-removal' },
      endedAt: expect.any(String),
    });
    expect(told.candidates).toMatchObject([
      { source: 'organization_role', role: 'admin', outcome: 'void', why: expect.stringContaining(by) },
    ]);
    for (const person of [accountId, memberId]) expect(await explain(query(person))).toEqual(told);
    await ask(201, 'post', `${home()}/members`, { accountId });
    expect((await explain(query(email))).former).toBeUndefined();
  });

  test('says that they are blocked, and by which block (PERM-6, MEM-4)', async () => {
    const { accountId, memberId } = await leaver('kept-out');
    await ask(200, 'delete', `${home()}/members/${memberId}?block=true`);
    const told = await explain(query(accountId));
    const { items } = await ask(200, 'get', `${home()}/blocks`);
    const block = items.find((one: { accountId: string }) => one.accountId === accountId);
    expect(told).toMatchObject({
      decision: false,
      former: { state: 'blocked', block: { id: block.id, blockedBy: 'operator', since: block.createdAt } },
      candidates: [{ outcome: 'void', why: expect.stringContaining(block.id) }],
    });
    await ask(204, 'delete', `${home()}/blocks/${block.id}`);
    expect((await explain(query(accountId))).former.state).toBe('removed');
  });

  test('says it of a deleted account too, which it does not name (OWN-3)', async () => {
    const { accountId, memberId } = await leaver('deleted');
    await ask(204, 'delete', `/api/v1/accounts/${accountId}`);
    const told = await explain(query(accountId));
    expect(told.former).toMatchObject({ state: 'removed', memberId, endedBy: 'operator' });
    expect(told.subject).toEqual({ type: 'user', id: accountId });
  });

  test('says it of a former External Collaborator (PRJ-6)', async () => {
    const { accountId, email } = await openPerson(gatehouse, 'outside@gone.example');
    const collaborators = `/api/v1/projects/${acme.projectId}/collaborators`;
    await ask(201, 'post', collaborators, { email, external: true });
    expect((await explain(query(accountId))).subject).toEqual({ type: 'user', id: accountId, email, external: true });
    await ask(200, 'delete', `${collaborators}/${accountId}`);
    expect(await explain(query(email))).toMatchObject({
      ...{ decision: false, reason: { code: 'not_a_member' }, candidates: [] },
      former: { state: 'removed', was: 'collaborator', endedBy: 'operator' },
    });
  });

  test('says nothing where they never were: a former member of another organization is not there (PRJ-1)', async () => {
    const { accountId, memberId, email } = await leaver('foreign');
    await ask(200, 'delete', `${home()}/members/${memberId}?block=true`);
    for (const person of [accountId, memberId, email]) {
      await ask(404, 'get', address({ person }, rival.organizationId));
    }
  });
});

describe('who may ask', () => {
  const asked = async (token: string, query: Query) => {
    const answer = await gatehouse.bearer(token, 'get', address(query));
    return [answer.status, answer.body.code];
  };

  test('is a Member about themself, an Admin about everybody', async () => {
    const { member, admin, owner } = acme;
    expect(await asked(member.token, { person: member.email })).toEqual([200, undefined]);
    const others: Query[] = [{ person: owner.email }, { person: 'nobody@acme.example' }, { key: 'key-1' }];
    for (const query of others) {
      expect(await asked(member.token, query)).toEqual([403, 'permission_denied']);
    }
    expect(await asked(admin.token, { person: member.memberId })).toEqual([200, undefined]);
  });

  test('learns nothing of who and what belongs to others: 404 (PRJ-1)', async () => {
    const key = await ask(201, 'post', `/api/v1/projects/${rival.projectId}/keys`, { name: 'theirs' });
    const foreign: Query[] = [
      { person: rival.member.email },
      { person: rival.member.memberId },
      { person: 'nobody@acme.example' },
      { person: acme.member.email, project: rival.projectId },
      { key: key.id },
    ];
    for (const query of foreign) {
      expect(await asked(acme.admin.token, query)).toEqual([404, 'not_found']);
      expect(await asked(gatehouse.operatorToken, query)).toEqual([404, 'not_found']);
    }
  });

  test('is answered of what belongs to others as of what nobody has, to the letter (PRJ-1)', async () => {
    const key = await ask(201, 'post', `/api/v1/projects/${rival.projectId}/keys`, { name: 'theirs' });
    const hidden = await ask(201, 'post', `${home()}/projects`, { name: 'Hidden from Members' });
    const ghost = (text: string): string =>
      text.includes('@') ? 'nobody@nowhere.example' : `${text.slice(0, 4)}${'0'.repeat(26)}`;
    const told = async (token: string, query: Query) => {
      const { status, body } = await gatehouse.bearer(token, 'get', address(query));
      const { requestId, ...rest } = body;
      const text = Object.values(query).reduce((left, value) => left.replaceAll(value, 'X'), JSON.stringify(rest));
      return [status, text];
    };
    const own = { person: acme.member.accountId };
    const foreign: readonly [string, Query, Query][] = [
      ...[rival.member.email, rival.member.accountId, rival.member.memberId].map((person): [string, Query, Query] => [
        acme.admin.token,
        { person },
        { person: ghost(person) },
      ]),
      [acme.admin.token, { key: key.id }, { key: ghost(key.id) }],
      [acme.admin.token, { ...own, project: rival.projectId }, { ...own, project: ghost(rival.projectId) }],
      [
        acme.admin.token,
        { key: acme.apiKeyId, project: rival.projectId },
        { key: acme.apiKeyId, project: ghost(rival.projectId) },
      ],
      [acme.member.token, { ...own, project: hidden.id }, { ...own, project: ghost(hidden.id) }],
      [acme.member.token, { ...own, project: rival.projectId }, { ...own, project: ghost(rival.projectId) }],
    ];
    for (const [token, query, nobodys] of foreign) {
      const answer = await told(token, query);
      expect(answer[0]).toBe(404);
      expect(answer).toEqual(await told(token, nobodys));
    }
  });

  test.each<Query>([{}, { person: 'x', key: 'key-1' }])('names either a person or a key %#', async (query) => {
    expect(await asked(acme.admin.token, query)).toEqual([400, 'invalid_request']);
  });
});

test('whatever the world, it says what an evaluation says, and the source that wins is the reason', async () => {
  const reasons: Readonly<Record<string, string>> = {
    owner: 'owner',
    organization_admin: 'organization_role',
    organization_member: 'organization_role',
    default_project: 'default_project',
    granted_manually: 'manual',
    external_collaborator: 'manual',
    granted_by_mapping: 'mapping',
    granted_as_creator: 'creator',
  };
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.constantFrom('project.read', 'cluster.delete'), async (plan, permission) => {
      const world = await writeWorld(gatehouse.store, plan);
      const organizationId = world.organizations[0] ?? '';
      for (const project of world.projects.slice(0, 3)) {
        for (const person of world.accounts) {
          const answer = await gatehouse.operator('get', address({ person, project, permission }, organizationId));
          const { decision, context } = await ask(200, 'post', '/access/v1/evaluation', {
            ...{ subject: { type: 'user', id: person }, action: { name: permission } },
            resource: { type: 'project', id: project },
          });
          if (answer.status === 404) {
            expect([decision, context.reason.code]).toEqual([false, 'not_a_member']);
            continue;
          }
          const { body } = answer;
          expect([body.decision, body.role, body.reason]).toEqual([decision, context.role, context.reason]);
          const winners = body.candidates.filter(({ outcome }: { outcome: string }) => outcome === 'wins');
          expect(winners).toHaveLength(context.role === undefined ? 0 : 1);
          if (decision) expect(winners[0].source).toBe(reasons[context.reason.code]);
        }
      }
    }),
    { numRuns: 15 },
  );
});

test('a Member is not told of a project that they cannot see, whatever they ask about it (PERM-6, PRJ-1)', async () => {
  const secret = await ask(201, 'post', `${home()}/projects`, { name: 'Secret merger' });
  const { accountId: person } = acme.member;
  const asked = (query: Query, as: string) =>
    gatehouse.operator('get', address({ person, project: secret.id, ...query }), as);
  for (const permission of ['project.read', 'no.such', undefined]) {
    const query: Query = permission === undefined ? {} : { permission };
    const refused = await asked(query, person);
    expect([refused.status, refused.body.code]).toEqual([404, 'not_found']);
    expect(JSON.stringify(refused.body)).not.toContain('merger');
  }
  const told = await expectStatus(200, asked({}, acme.admin.accountId));
  expect(told).toMatchObject({ resource: { name: 'Secret merger' }, reason: { code: 'no_project_access' } });
  expect(await expectStatus(200, asked({ project: acme.defaultProjectId }, person))).toMatchObject({ role: 'member' });
});
