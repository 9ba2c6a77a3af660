/** The refusals of single routes, each with its code. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { buildWorld, openPerson, type World } from './world.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let home: string;
beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
  home = `/api/v1/organizations/${acme.organizationId}`;
  await openPerson(gatehouse, 'outsider@elsewhere.example');
});

async function refusal(method: Method, path: string, body?: object, token = gatehouse.operatorToken) {
  const { status, body: problem } = await gatehouse.bearer(token, method, path).send(body);
  expect(problem.detail).toEqual(expect.any(String));
  return [status, problem.code];
}

test('an address is proven on one account only (ACC-2)', async () => {
  const body = { email: acme.member.email.toUpperCase() };
  expect(await refusal('post', '/api/v1/accounts', body)).toEqual([409, 'email_taken']);
});

test.each(['no-at-sign', 'a b@c.example', `${'x'.repeat(64)}@${'y.'.repeat(95)}example`])(
  '%s is no address, neither of an account nor to look for (ACC-2)',
  async (email) => {
    expect(await refusal('post', '/api/v1/accounts', { email })).toEqual([400, 'invalid_request']);
    const query = `/api/v1/accounts?email=${encodeURIComponent(email)}`;
    expect(await refusal('get', query)).toEqual([400, 'invalid_request']);
  },
);

test('a slug belongs to one organization', async () => {
  const body = { name: 'Again', slug: 'acme', owner: { email: 'owner@again.example' } };
  expect(await refusal('post', '/api/v1/organizations', body)).toEqual([409, 'slug_taken']);
});

test.each(['Capital', '-edge', 'under_score', ''])('%j is no slug', async (slug) => {
  const body = { name: 'Again', slug, owner: { email: 'owner@again.example' } };
  expect(await refusal('post', '/api/v1/organizations', body)).toEqual([400, 'invalid_request']);
});

describe('the Owner (OWN-1)', () => {
  test('cannot be removed, also not by themselves', async () => {
    const path = `${home}/members/${acme.owner.memberId}`;
    expect(await refusal('delete', path)).toEqual([403, 'owner_protected']);
    expect(await refusal('delete', path, undefined, acme.admin.token)).toEqual([403, 'owner_protected']);
    expect(await refusal('delete', path, undefined, acme.owner.token)).toEqual([403, 'owner_protected']);
  });

  test('cannot be demoted', async () => {
    const path = `${home}/members/${acme.owner.memberId}`;
    expect(await refusal('patch', path, { role: 'member' })).toEqual([403, 'owner_protected']);
    expect(await refusal('patch', path, { role: 'member' }, acme.admin.token)).toEqual([403, 'owner_protected']);
  });
});

test('a Member changes nothing of the organization, and reads its member list (MEM-3, PERM-1)', async () => {
  const { token } = acme.member;
  for (const [method, path, body] of [
    ['patch', '', { name: 'x' }],
    ['patch', `/members/${acme.admin.memberId}`, { role: 'member' }],
    ['delete', `/members/${acme.admin.memberId}`, undefined],
    ['post', '/projects', { name: 'x' }],
    ['post', '/domains', { domain: 'x.example' }],
    ['get', '/directories', undefined],
    ['get', '/mappings', undefined],
    ['get', '/audit', undefined],
    ['get', '/provisioning-log', undefined],
    ['post', `/provisioning-log/${acme.refusedEntryId}/replay`, undefined],
    ['get', '/adoptions', undefined],
    ['get', '/jobs/parked', undefined],
  ] as const) {
    expect(await refusal(method, `${home}${path}`, body, token)).toEqual([403, 'permission_denied']);
  }
  expect((await gatehouse.bearer(token, 'get', `${home}/members`)).status).toBe(200);
});

test('a member is added once, and only where the account exists (ACC-2)', async () => {
  const path = `${home}/members`;
  expect(await refusal('post', path, { email: 'nobody@acme.example' })).toEqual([400, 'account_not_found']);
  expect(await refusal('post', path, { accountId: acme.admin.accountId })).toEqual([409, 'already_a_member']);
  const both = { email: acme.admin.email, accountId: acme.admin.accountId };
  expect(await refusal('post', path, both)).toEqual([400, 'invalid_request']);
  expect(await refusal('post', path, {})).toEqual([400, 'invalid_request']);
  expect(await refusal('post', path, { email: acme.admin.email, role: 'owner' })).toEqual([400, 'invalid_request']);
});

test('multiProject is for the operator to switch, and off only where no project is in the way (PRJ-8)', async () => {
  const off = { settings: { multiProject: false } };
  expect(await refusal('patch', home, off, acme.owner.token)).toEqual([403, 'operator_only']);
  expect(await refusal('patch', home, off)).toEqual([409, 'projects_remain']);
  const fresh = await gatehouse
    .operator('post', '/api/v1/organizations')
    .send({ name: 'One', owner: { email: 'o@one.example' } });
  const path = `/api/v1/organizations/${fresh.body.id}`;
  expect((await gatehouse.operator('patch', path).send(off)).body.settings.multiProject).toBe(false);
  expect(await refusal('post', `${path}/projects`, { name: 'Two' })).toEqual([403, 'multi_project_off']);
});

describe('projects', () => {
  test('have names of their own, compared without case', async () => {
    expect(await refusal('post', `${home}/projects`, { name: 'RESEARCH' })).toEqual([409, 'project_name_taken']);
    const path = `/api/v1/projects/${acme.defaultProjectId}`;
    expect(await refusal('patch', path, { name: 'research' })).toEqual([409, 'project_name_taken']);
    expect(await refusal('post', `${home}/projects`, { name: '  ' })).toEqual([400, 'invalid_request']);
  });

  test('are not there for members who have no access (PRJ-1, PRJ-5)', async () => {
    const path = `/api/v1/projects/${acme.projectId}`;
    expect(await refusal('get', path, undefined, acme.member.token)).toEqual([404, 'not_found']);
    expect(await refusal('get', path, undefined, rival.owner.token)).toEqual([404, 'not_found']);
  });

  test('take collaborators with an account, and outsiders only as such (PRJ-4)', async () => {
    const path = `/api/v1/projects/${acme.projectId}/collaborators`;
    const outsider = { email: 'outsider@elsewhere.example' };
    expect(await refusal('post', path, { email: 'nobody@acme.example' })).toEqual([400, 'account_not_found']);
    expect(await refusal('post', path, outsider)).toEqual([409, 'not_organization_member']);
    const asExternal = { email: acme.member.email, external: true };
    expect(await refusal('post', path, asExternal)).toEqual([409, 'already_a_member']);
    expect((await gatehouse.operator('post', path).send({ ...outsider, external: true })).status).toBe(201);
    expect(await refusal('post', path, { ...outsider, external: true })).toEqual([409, 'already_a_collaborator']);
    expect(await refusal('delete', `${path}/${rival.owner.accountId}`)).toEqual([404, 'not_found']);
  });

  test('of which one is the default keep every member (PRJ-2)', async () => {
    const path = `/api/v1/projects/${acme.defaultProjectId}/collaborators`;
    const one = `${path}/${acme.member.accountId}`;
    expect(await refusal('delete', one)).toEqual([409, 'default_project_protected']);
    expect(await refusal('patch', one, { role: 'admin' })).toEqual([409, 'default_project_protected']);
    expect(await refusal('post', path, { email: acme.member.email })).toEqual([409, 'default_project_protected']);
  });

  test('keep organization Admins as Admins (PRJ-5)', async () => {
    const path = `/api/v1/projects/${acme.projectId}/collaborators`;
    const inherited = `${path}/${acme.admin.accountId}`;
    expect(await refusal('patch', inherited, { role: 'admin' })).toEqual([409, 'role_from_organization']);
    expect(await refusal('delete', inherited)).toEqual([409, 'role_from_organization']);
    expect((await gatehouse.operator('post', path).send({ email: acme.admin.email, role: 'member' })).body.role).toBe(
      'admin',
    );
    const one = `${path}/${acme.admin.accountId}`;
    expect(await refusal('patch', one, { role: 'member' })).toEqual([409, 'role_from_organization']);
  });
});

test('an External Collaborator sees the name of the organization, and nothing else of it (PRJ-6)', async () => {
  const guest = await openPerson(gatehouse, 'guest@elsewhere.example');
  const body = { email: guest.email, external: true };
  await gatehouse.operator('post', `/api/v1/projects/${acme.projectId}/collaborators`).send(body);
  for (const path of ['', '/members', '/projects', '/audit', '/default-key']) {
    expect(await refusal('get', `${home}${path}`, undefined, guest.token)).toEqual([403, 'permission_denied']);
  }
  const me = await gatehouse.bearer(guest.token, 'get', '/api/v1/me');
  expect(me.body.organizations).toEqual([{ id: acme.organizationId, name: 'acme', external: true, session: 'counts' }]);
});

describe('domains', () => {
  test.each(['nonsense', '127.0.0.1', 'a..b', 'user@acme.example'])('%s is none', async (domain) => {
    expect(await refusal('post', `${home}/domains`, { domain })).toEqual([400, 'invalid_request']);
  });

  test('are verified by one organization, after it has claimed them (SSO-3)', async () => {
    const verify = (organizationId: string, domain: string) =>
      refusal('post', `/api/v1/organizations/${organizationId}/domains/${domain}/verify`, { force: true });
    expect(await verify(acme.organizationId, 'unclaimed.example')).toEqual([404, 'not_found']);
    for (const organizationId of [acme.organizationId, rival.organizationId]) {
      const path = `/api/v1/organizations/${organizationId}/domains`;
      expect((await gatehouse.operator('post', path).send({ domain: 'shared.example' })).status).toBe(201);
    }
    await gatehouse.operator('post', `${home}/domains/shared.example/verify`).send({ force: true });
    expect(await verify(rival.organizationId, 'shared.example')).toEqual([409, 'domain_taken']);
  });

  test('are verified on the operator’s word only where it says so', async () => {
    const path = `${home}/domains/${acme.domain}/verify`;
    expect(await refusal('post', path, { force: false })).toEqual([400, 'invalid_request']);
  });
});

describe('mappings', () => {
  test('stand once for a group and a target', async () => {
    const body = { groupId: acme.groupId, projectId: acme.projectId, role: 'admin' };
    const answer = await gatehouse.operator('post', `${home}/mappings`).send(body);
    expect(answer.body).toMatchObject({ code: 'mapping_exists', details: { mappingId: acme.mappingId } });
  });

  test.each([
    ['no target', () => ({}), 400, 'invalid_request'],
    ['two targets', () => ({ projectId: acme.projectId, organization: true }), 400, 'invalid_request'],
    ['organization: false', () => ({ organization: false }), 400, 'invalid_request'],
    ['Member of the organization', () => ({ organization: true, role: 'member' }), 400, 'invalid_request'],
    ['the default project (PRJ-2)', () => ({ projectId: acme.defaultProjectId }), 409, 'default_project_protected'],
    ["another organization's project (PRJ-1)", () => ({ projectId: rival.projectId }), 404, 'not_found'],
    ["another organization's group (PRJ-1)", () => ({ groupId: rival.groupId, organization: true }), 404, 'not_found'],
  ])('are not made with %s', async (_, change, status, code) => {
    const body = { groupId: acme.groupId, role: 'admin', ...change() };
    expect(await refusal('post', `${home}/mappings`, body)).toEqual([status, code]);
  });

  test('are not deleted with a choice that there is not (MAP-3)', async () => {
    const path = `${home}/mappings/${acme.mappingId}`;
    expect(await refusal('delete', `${path}?grants=maybe`)).toEqual([400, 'invalid_request']);
    expect(await refusal('delete', path)).toEqual([400, 'grants_choice_required']);
    const { body } = await gatehouse.operator('delete', path);
    expect(body.detail).toMatch(/\?grants=revoke or \?grants=keep$/);
  });
});

test('a SCIM token is not issued to end in the past', async () => {
  const path = `${home}/directories/${acme.directoryId}/tokens`;
  const body = { name: 'late', expiresAt: '2000-01-01T00:00:00Z' };
  expect(await refusal('post', path, body)).toEqual([400, 'invalid_request']);
  expect(await refusal('post', path, { name: 'late', expiresAt: 'tomorrow' })).toEqual([400, 'invalid_request']);
});

test('a session is made for an account that exists', async () => {
  const path = '/api/v1/sessions';
  expect(await refusal('post', path, { email: 'nobody@acme.example' })).toEqual([400, 'account_not_found']);
});

test.each(['limit=0', 'limit=201', 'limit=ten', 'limit=1.5', 'limit=1&limit=2', 'cursor=nonsense', 'cursor='])(
  'lists refuse %s',
  async (query) => {
    expect(await refusal('get', `${home}/members?${query}`)).toEqual([400, 'invalid_request']);
  },
);

test('a page is never cut short or repeated by its cursor', async () => {
  const seen: string[] = [];
  let cursor = '';
  for (let page = 0; page < 5; page += 1) {
    const { body } = await gatehouse.operator('get', `${home}/members?limit=1${cursor}`);
    seen.push(...body.items.map((one: { id: string }) => one.id));
    if (body.nextCursor === undefined) break;
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
  expect(seen).toEqual([acme.owner.memberId, acme.admin.memberId, acme.member.memberId, acme.invitationId]);
});

test('what is wrong with an input is said in words, field by field (OPS-1)', async () => {
  const wordsOf = async (path: string, body: object) =>
    (await gatehouse.operator('post', path).send(body)).body.errors.map(
      ({ field, message }: { field: string; message: string }) => `${field} ${message}`,
    );
  expect(await wordsOf('/api/v1/organizations', { name: 7, owner: {}, colour: 'red' })).toEqual([
    'name must be a string',
    'owner.email is required',
    'colour is not a known field',
  ]);
  expect(await wordsOf(`${home}/projects`, { name: '' })).toEqual(['name must have at least 1 character']);
  expect(await wordsOf(`${home}/projects`, { name: 'x'.repeat(201) })).toEqual([
    'name must have at most 200 characters',
  ]);
  expect(await wordsOf(`${home}/members`, { accountId: acme.member.accountId, role: 'king' })).toEqual([
    'role must be "admin" or "member"',
  ]);
});
