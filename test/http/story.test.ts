/** One story through the API that meets every route: each answers as its schema says, which the app checks in tests. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeLink } from '../../src/access/index.ts';
import { apiRoutes } from '../../src/http/api/index.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { opened, sealedPlaces } from '../support/sealedTexts.ts';
import { until } from '../support/until.ts';
import { bodies, nameOf } from './samples.ts';
import { buildWorld, expectStatus, openPerson, type World } from './world.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;
const met = new Set<string>();

beforeAll(async () => {
  // nobody is to be found under the names that webhooks have here
  gatehouse = await openTestGatehouse({ resolve: async () => [] });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

afterAll(() => {
  expect([...met].sort()).toEqual(apiRoutes.map(nameOf).sort());
});

/** The name of the route that a request meets. */
function routeOf(method: Method, path: string): string {
  const found = apiRoutes.find(
    (route) => route.method === method && new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  if (!found) throw new Error(`no route for ${method} ${path}`);
  return nameOf(found);
}

/** Sends a request; whoever names a person sends it with that person's session. */
async function ask(status: number, method: Method, path: string, body?: object, token = gatehouse.operatorToken) {
  const [address = ''] = path.split('?');
  met.add(routeOf(method, address));
  return expectStatus(status, gatehouse.bearer(token, method, path).send(body));
}

const org = '/api/v1/organizations/{org}';
const sample = (name: string): object => bodies[name]?.(acme) ?? {};

test('accounts are made, found by proven email and read', async () => {
  const made = await ask(201, 'post', '/api/v1/accounts', { email: 'Pat@People.example', name: ' Pat ' });
  expect(made).toMatchObject({ name: 'Pat', emails: [{ email: 'Pat@People.example', proven: true }] });
  const found = await ask(200, 'get', '/api/v1/accounts?email=pat@people.EXAMPLE');
  expect(found.items).toEqual([made]);
  expect((await ask(200, 'get', '/api/v1/accounts?email=nobody@people.example')).items).toEqual([]);
  expect(await ask(200, 'get', `/api/v1/accounts/${made.id}`)).toEqual(made);
});

test('an organization is made with its Owner and default project, listed, read and changed (ORG-2)', async () => {
  const made = await ask(201, 'post', '/api/v1/organizations', sample('POST /api/v1/organizations'));
  expect(made).toMatchObject({ slug: 'third', owner: { email: 'owner@third.example' } });
  const first = await ask(200, 'get', '/api/v1/organizations?limit=1');
  expect(first.items).toHaveLength(1);
  const rest = await ask(200, 'get', `/api/v1/organizations?cursor=${encodeURIComponent(first.nextCursor)}`);
  expect(rest.items).toEqual([made]);
  expect(rest.nextCursor).toBeUndefined();
  const path = `/api/v1/organizations/${made.id}`;
  expect(await ask(200, 'get', path)).toEqual(made);
  const changed = await ask(200, 'patch', path, { name: 'Fourth', settings: { adminAccess: 'joined' } });
  expect(changed).toEqual({ ...made, name: 'Fourth', settings: { ...made.settings, adminAccess: 'joined' } });
});

test('members are added, listed, read, changed and removed (MEM-3)', async () => {
  const { accountId, email } = await openPerson(gatehouse, 'guest@elsewhere.example');
  const added = await ask(201, 'post', `${home}/members`, { email: email.toUpperCase(), role: 'ADMIN' });
  expect(added).toMatchObject({
    accountId,
    email,
    role: 'admin',
    status: 'active',
    source: 'operator',
    isOwner: false,
  });
  const path = `${home}/members/${added.id}`;
  expect(await ask(200, 'get', path, undefined, acme.member.token)).toEqual(added);
  expect(await ask(200, 'patch', path, { role: 'Member' }, acme.admin.token)).toEqual({ ...added, role: 'member' });
  const admins = await ask(200, 'get', `${home}/members?role=Admin&status=active`, undefined, acme.member.token);
  expect(admins.items.map((one: { email: string }) => one.email)).toEqual([acme.owner.email, acme.admin.email]);
  expect(await ask(200, 'delete', path, undefined, acme.admin.token)).toEqual({
    removed: added.id,
    blocked: false,
    comesBack: false,
    comesBackBy: [],
    message: 'Removed. No directory or connection brings the person back.',
  });
  await ask(404, 'get', path);
});

test('domains are claimed by Admins and verified by the operator (SSO-3)', async () => {
  const claimed = await ask(201, 'post', `${home}/domains`, { domain: 'Acme-Two.Example' }, acme.owner.token);
  expect(claimed).toMatchObject({ domain: 'acme-two.example', verified: false });
  const verified = await ask(200, 'post', `${home}/domains/acme-two.example/verify`, { force: true });
  expect(verified).toMatchObject({ verified: true, verifiedBy: 'operator', verifiedAt: expect.any(String) });
  const { items } = await ask(200, 'get', `${home}/domains`, undefined, acme.admin.token);
  expect(items).toContainEqual(verified);
  await ask(204, 'delete', `${home}/domains/acme-two.example`, undefined, acme.owner.token);
  expect((await ask(200, 'get', `${home}/domains`)).items).not.toContainEqual(verified);
});

test('what became of a sign-in is found by the reference on its page (SSO-1)', async () => {
  const one = await ask(200, 'get', `${home}/sign-ins/${acme.signInReference}`, undefined, acme.admin.token);
  expect((await ask(200, 'get', `${home}/sign-ins?outcome=refused`)).items).toContainEqual(one);
});

test('an IdP is connected, activated, given another key, and forgotten (SSO-1)', async () => {
  const path = `${home}/connections`;
  const made = await ask(201, 'post', path, sample(`POST /api/v1/organizations/{org}/connections`), acme.admin.token);
  const group = await ask(201, 'post', `${path}/${made.id}/groups`, { name: 'gpu-admins' }, acme.admin.token);
  expect(await ask(201, 'post', `${path}/${made.id}/groups`, { name: 'gpu-admins' })).toEqual(group);
  expect((await ask(200, 'get', path, undefined, acme.owner.token)).items).toContainEqual(made);
  const active = await ask(200, 'patch', `${path}/${made.id}`, { status: 'active', force: true });
  expect(await ask(200, 'get', `${path}/${made.id}`)).toEqual(active);
  const link = await ask(201, 'post', `${path}/${made.id}/test`, undefined, acme.admin.token);
  expect(link.url).toContain('http://gatehouse.test/');
  const { items: ends } = await ask(200, 'get', `${home}/expiries`, undefined, acme.admin.token);
  expect(ends).toContainEqual(expect.objectContaining({ kind: 'connection_key', id: made.keys[0].id }));
  const next = await ask(201, 'post', `${path}/${made.id}/keys`);
  const current = await ask(200, 'post', `${path}/${made.id}/keys/${next.id}/activate`);
  expect(current).toEqual({ ...next, state: 'current' });
  await ask(204, 'delete', `${path}/${made.id}/keys/${made.keys[0].id}`);
  await ask(204, 'delete', `${path}/${made.id}`, undefined, acme.admin.token);
  await ask(404, 'get', `${path}/${made.id}`);
});

test('a directory is connected, and its tokens rotate (SCIM-1)', async () => {
  const { directory, token } = await ask(201, 'post', `${home}/directories`, { name: 'Entra' }, acme.admin.token);
  const path = `${home}/directories/${directory.id}`;
  expect(directory.scimBaseUrl).toBe(`http://gatehouse.test/scim/v2/${directory.id}`);
  expect(await ask(200, 'get', path)).toEqual(directory);
  expect((await ask(200, 'get', `${home}/directories`)).items).toContainEqual(directory);
  const expiresAt = '2100-01-01T00:00:00.000Z';
  const next = await ask(201, 'post', `${path}/tokens`, { name: 'next', expiresAt });
  expect(next).toMatchObject({ name: 'next', expiresAt, lastFour: next.secret.slice(-4) });
  const revoked = await ask(200, 'delete', `${path}/tokens/${token.id}`);
  expect(revoked.revokedAt).toEqual(expect.any(String));
  const { items } = await ask(200, 'get', `${path}/tokens`);
  expect(items.map((one: { id: string }) => one.id)).toEqual([token.id, next.id]);
  expect(JSON.stringify(items)).not.toContain(next.secret);
  const users = `/scim/v2/${directory.id}/Users`;
  expect((await gatehouse.bearer(token.secret, 'get', users)).status).toBe(401);
  expect((await gatehouse.bearer(next.secret, 'get', users)).status).toBe(200);
});

test('a directory is renamed, told to refuse unknown attributes, and registers schemas, by its Admin (SCIM-1)', async () => {
  const { directory, token } = await ask(201, 'post', `${home}/directories`, { name: 'Custom' }, acme.admin.token);
  const path = `${home}/directories/${directory.id}`;
  const changed = await ask(200, 'patch', path, { name: 'Strict', unknownAttributes: 'refuse' }, acme.admin.token);
  expect(changed).toEqual({ ...directory, name: 'Strict', unknownAttributes: 'refuse' });
  const urn = 'urn:example:badge:1.0:User';
  const body = { name: 'Badge', attributes: [{ name: 'level', type: 'integer' }] };
  const registered = await ask(200, 'put', `${path}/schemas/${urn}`, body, acme.admin.token);
  expect(registered).toMatchObject({
    id: urn,
    resourceType: 'User',
    attributes: [{ name: 'level', caseExact: false }],
  });
  expect(await ask(200, 'put', `${path}/schemas/${urn}`, body)).toEqual(registered);
  expect(await ask(200, 'get', `${path}/schemas/${urn}`, undefined, acme.admin.token)).toEqual(registered);
  expect((await ask(200, 'get', `${path}/schemas`, undefined, acme.admin.token)).items).toEqual([registered]);
  await ask(403, 'put', `${path}/schemas/${urn}`, body, acme.member.token);
  const told = await gatehouse.bearer(token.secret, 'get', `/scim/v2/${directory.id}/Schemas/${urn}`);
  expect(registered.attributes).toMatchObject(told.body.attributes);
  await ask(204, 'delete', `${path}/schemas/${urn}`, undefined, acme.admin.token);
  await ask(404, 'get', `${path}/schemas/${urn}`);
});

test('an OAuth client of a directory is made, given secrets and keys, and removed; a token is rotated (SCIM-1)', async () => {
  const { directory, token } = await ask(201, 'post', `${home}/directories`, { name: 'OAuth' }, acme.admin.token);
  const path = `${home}/directories/${directory.id}`;
  const clients = `${path}/oauth-clients`;
  const { client } = await ask(201, 'post', clients, { name: 'Entra' }, acme.admin.token);
  const one = `${clients}/${client.id}`;
  const secret = await ask(201, 'post', `${one}/secrets`, { name: 'next' }, acme.admin.token);
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const key = await ask(201, 'post', `${one}/keys`, { name: 'signing', pem }, acme.admin.token);
  const shown = await ask(200, 'get', one, undefined, acme.admin.token);
  expect(shown.secrets.map(({ name }: { name: string }) => name)).toContain('next');
  expect(shown.keys).toEqual([key]);
  expect((await ask(200, 'get', clients, undefined, acme.admin.token)).items).toEqual([shown]);
  await ask(200, 'delete', `${one}/secrets/${secret.id}`, undefined, acme.admin.token);
  await ask(204, 'delete', `${one}/keys/${key.id}`, undefined, acme.admin.token);
  await ask(204, 'delete', one, undefined, acme.admin.token);
  await ask(404, 'get', one);
  await ask(
    201,
    'post',
    `${path}/tokens/${token.id}/rotate`,
    { oldExpiresAt: '2100-01-01T00:00:00.000Z' },
    acme.admin.token,
  );
});

test('an organization is deleted by the operator, who has to name it', async () => {
  const made = await ask(201, 'post', '/api/v1/organizations', {
    name: 'Gone',
    slug: 'gone',
    owner: { email: 'owner@gone.example' },
  });
  const path = `/api/v1/organizations/${made.id}`;
  await ask(400, 'delete', path);
  await ask(202, 'delete', `${path}?confirm=gone`);
});

test('what an IdP has pushed can be read: users, groups, the log, and who waits for adoption (SCIM-3, SCIM-5)', async () => {
  await openPerson(gatehouse, 'held@elsewhere.example');
  const user = (email: string) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: email,
    emails: [{ value: email, primary: true }],
    active: true,
  });
  const push = (email: string) =>
    gatehouse.bearer(acme.directoryToken.secret, 'post', `/scim/v2/${acme.directoryId}/Users`).send(user(email));
  const fresh = await expectStatus(201, push('fresh@elsewhere.example'));
  const held = await expectStatus(201, push('held@elsewhere.example'));
  await gatehouse.flush();
  const path = `${home}/directories/${acme.directoryId}`;
  const users = await ask(200, 'get', `${path}/users`, undefined, acme.admin.token);
  expect(users.items.map((one: { id: string; link: string }) => [one.id, one.link])).toEqual([
    [fresh.id, 'linked'],
    [held.id, 'waiting'],
  ]);
  const groups = await ask(200, 'get', `${path}/groups`, undefined, acme.admin.token);
  expect(groups.items).toMatchObject([{ id: acme.groupId, displayName: 'Engineers' }]);
  const waiting = await ask(200, 'get', `${home}/adoptions`, undefined, acme.admin.token);
  expect(waiting.items).toMatchObject([{ user: { id: held.id }, reason: 'account_exists_domain_not_verified' }]);
  const query = `directoryId=${acme.directoryId}&outcome=applied&limit=1`;
  const log = await ask(200, 'get', `${home}/provisioning-log?${query}`, undefined, acme.admin.token);
  expect(log.items).toMatchObject([{ method: 'POST', path: '/Users', status: 201, outcome: 'applied' }]);
});

test('a request that was refused is sent again by an Admin, and its new entry names the old one (SCIM-5)', async () => {
  const replay = `${home}/provisioning-log/${acme.refusedEntryId}/replay`;
  const entry = await ask(200, 'post', replay, undefined, acme.admin.token);
  expect(entry).toMatchObject({ replayOf: acme.refusedEntryId, method: 'DELETE', status: 404, outcome: 'refused' });
});

test('the audit is a chain that an Admin can verify: each event shows its number and hash (AUD-1)', async () => {
  const verify = () => ask(200, 'get', `${home}/audit/verify`, undefined, acme.admin.token);
  const numbered = async () => (await ask(200, 'get', `${home}/audit?limit=1`)).items[0]?.seq !== undefined;
  await until('the newest event is numbered', numbered);
  const { items } = await ask(200, 'get', `${home}/audit?limit=1`);
  const { seq, hash } = items[0];
  expect(await verify()).toEqual({ verified: true, count: seq, head: { seq, hash } });
});

test('the audit says who did what, for whom, by which request (AUD-1)', async () => {
  const asked = gatehouse.operator('post', `${home}/projects`, acme.owner.email).set('X-Request-Id', 'audit-test-1');
  const project = await expectStatus(201, asked.send({ name: 'Audited' }));
  const query = `type=project.created&targetId=${project.id}`;
  const audit = await ask(200, 'get', `${home}/audit?${query}`, undefined, acme.admin.token);
  expect(audit.items).toMatchObject([
    { actor: 'operator', onBehalfOf: acme.owner.accountId, requestId: 'audit-test-1', outcome: 'done' },
  ]);
});

test.each([
  ['a session that the operator made names both', 'operator', 'operator'],
  ['a session of the person’s own sign-in names the person', 'sign_in', 'account'],
] as const)('the audit of %s (AUD-1)', async (_name, madeBy, actor) => {
  const person = await openPerson(gatehouse, acme.admin.email, madeBy);
  const project = await ask(201, 'post', `${home}/projects`, { name: `Audited, ${madeBy}` }, person.token);
  const audit = await ask(200, 'get', `${home}/audit?type=project.created&targetId=${project.id}`);
  const { accountId } = person;
  const who = actor === 'operator' ? { actor, onBehalfOf: accountId } : { actor: `account:${accountId}` };
  expect(audit.items).toMatchObject([who]);
});

test('a parked job is seen with its error and given all its attempts again', async () => {
  const parked = await ask(200, 'get', `${home}/jobs/parked`, undefined, acme.admin.token);
  expect(parked.items).toMatchObject([{ id: acme.parkedJobId, error: 'the last error', attempts: 5 }]);
  await ask(200, 'post', `${home}/jobs/parked/${acme.parkedJobId}/replay`);
  await gatehouse.queue?.idle();
  expect((await ask(200, 'get', `${home}/jobs/parked`)).items).toEqual([]);
});

test('mappings are made, listed, changed, and deleted with a choice about their grants (MAP-1, MAP-3)', async () => {
  const { groupId } = acme;
  const path = `${home}/mappings`;
  const toAdmin = await ask(201, 'post', path, { groupId, role: 'Admin', organization: true }, acme.admin.token);
  expect(toAdmin).toMatchObject({ groupId, role: 'admin', organization: true });
  const { items } = await ask(200, 'get', path, undefined, acme.admin.token);
  expect(items.map((one: { id: string }) => one.id)).toEqual([acme.mappingId, toAdmin.id]);
  const changed = await ask(200, 'patch', `${path}/${acme.mappingId}`, { role: 'admin' });
  expect(changed).toMatchObject({ projectId: acme.projectId, role: 'admin' });
  expect(await ask(200, 'get', `${path}/${acme.mappingId}`)).toEqual(changed);
  const undecided = await ask(400, 'delete', `${path}/${toAdmin.id}`);
  expect(undecided).toMatchObject({ code: 'grants_choice_required', details: { choices: ['revoke', 'keep'] } });
  await ask(204, 'delete', `${path}/${toAdmin.id}?grants=revoke`);
  await ask(404, 'get', `${path}/${toAdmin.id}`);
});

test('projects and their collaborators (PRJ-3, PRJ-4, PRJ-6)', async () => {
  const made = await ask(201, 'post', `${home}/projects`, { name: 'Production' }, acme.admin.token);
  const path = `/api/v1/projects/${made.id}`;
  expect(await ask(200, 'get', path, undefined, acme.admin.token)).toMatchObject({ name: 'Production', role: 'admin' });
  expect(await ask(200, 'patch', path, { name: 'Live' }, acme.admin.token)).toMatchObject({ name: 'Live' });
  const listed = await ask(200, 'get', `${home}/projects`, undefined, acme.member.token);
  expect(listed.items).toMatchObject([{ id: acme.defaultProjectId, isDefault: true, role: 'member' }]);

  const guest = await openPerson(gatehouse, 'guest@partner.example');
  const added = await ask(
    201,
    'post',
    `${path}/collaborators`,
    { email: guest.email, role: 'admin', external: true },
    acme.admin.token,
  );
  expect(added).toMatchObject({ external: true, role: 'admin', sources: [{ source: 'manual', role: 'admin' }] });
  await ask(201, 'post', `${path}/collaborators`, { email: acme.member.email }, acme.admin.token);
  const emails = async (token: string) => {
    const { items } = await ask(200, 'get', `${path}/collaborators`, undefined, token);
    return items.map((one: { email: string }) => one.email).sort();
  };
  const everybody = [acme.admin.email, acme.owner.email, acme.member.email, guest.email].sort();
  expect(await emails(acme.admin.token)).toEqual(everybody);
  expect(await emails(guest.token)).not.toContain(acme.owner.email);
  const one = `${path}/collaborators/${guest.accountId}`;
  expect(await ask(200, 'patch', one, { role: 'MEMBER' })).toMatchObject({ role: 'member' });
  expect(await ask(200, 'delete', one)).toEqual({ removed: guest.accountId, remaining: [] });
  expect((await gatehouse.bearer(guest.token, 'get', path)).status).toBe(404);
});

test("the Default Key is read and replaced in the Owner's own sign-in (KEY-3)", async () => {
  const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
  const key = await ask(200, 'get', `${home}/default-key`, undefined, owner.token);
  expect(key).toMatchObject({ projectId: acme.defaultProjectId, secret: expect.stringMatching(/^ghk_[0-9a-f]{64}$/) });
  const next = await ask(200, 'post', `${home}/default-key/regenerate`, undefined, owner.token);
  expect(next.secret).not.toBe(key.secret);
  expect(await ask(200, 'get', `${home}/default-key`, undefined, owner.token)).toEqual(next);
});

test('the ownership is offered, declined, accepted, and brought back by the operator (OWN-4)', async () => {
  const path = `${home}/ownership-transfer`;
  const owner = await openPerson(gatehouse, acme.owner.email, 'sign_in');
  const admin = await openPerson(gatehouse, acme.admin.email, 'sign_in');
  const offer = () => ask(201, 'post', path, { memberId: acme.admin.memberId }, owner.token);
  expect(await offer()).toEqual(await ask(200, 'get', path));
  await ask(204, 'delete', path, undefined, admin.token);
  await offer();
  await ask(200, 'post', `${path}/accept`, undefined, admin.token);
  const back = await ask(201, 'post', path, { memberId: acme.owner.memberId, force: true });
  expect(back).toEqual({ state: 'transferred', toMemberId: acme.owner.memberId });
});

test('sessions are made, introspected, listed and ended (SSO-7)', async () => {
  const { email, accountId } = acme.member;
  const made = await ask(201, 'post', '/api/v1/sessions', { email });
  expect(made).toMatchObject({ accountId, token: expect.stringMatching(/^ghs_/) });
  const { token } = made;
  expect(await ask(200, 'post', '/api/v1/sessions/introspect', { token })).toMatchObject({
    active: true,
    accountId,
    organizations: [acme.organizationId],
  });
  expect(await ask(200, 'post', '/api/v1/sessions/introspect', { token: `${token}0` })).toEqual({ active: false });
  const mine = await ask(200, 'get', '/api/v1/me/sessions', undefined, token);
  const current = mine.items.filter((one: { current: boolean }) => one.current);
  expect(current).toMatchObject([{ id: made.id, madeBy: 'operator' }]);
  await ask(204, 'delete', `/api/v1/me/sessions/${made.id}`, undefined, token);
  await ask(401, 'get', '/api/v1/me/sessions', undefined, token);
});

test('a person adds an address by the link that is mailed there, and takes one off (ACC-4)', async () => {
  const { token, accountId } = await openPerson(gatehouse, 'mover@people.example', 'sign_in');
  const emails = '/api/v1/me/emails';
  const email = 'moved@people.example';
  expect(await ask(202, 'post', emails, { email }, token)).toEqual({ email });
  const link = await gatehouse.store.transaction({ actor: 'system', requestId: 'test' }, (tx) =>
    makeLink(tx, { purpose: 'prove_email', email, accountId, site: 'http://gatehouse.test' }),
  );
  if (link.kind !== 'link') throw new Error('no link');
  const proven = await ask(200, 'post', `${emails}/prove`, { token: link.token }, token);
  expect(proven).toMatchObject({ email, proven: true, provenBy: 'mailbox', getsLinks: true });
  const { items } = await ask(200, 'get', emails, undefined, token);
  expect(items).toEqual([expect.objectContaining({ email: 'mover@people.example' }), proven]);
  await ask(204, 'delete', `${emails}/${items[0].id}`, undefined, token);
  expect((await ask(200, 'get', emails, undefined, token)).items).toEqual([proven]);
});

test('a person sees who they are and all their projects', async () => {
  const me = await ask(200, 'get', '/api/v1/me', undefined, acme.member.token);
  expect(me).toMatchObject({
    id: acme.member.accountId,
    emails: [{ email: acme.member.email, proven: true }],
    organizations: [{ id: acme.organizationId, role: 'member', status: 'active', isOwner: false, external: false }],
  });
  const { items } = await ask(200, 'get', '/api/v1/me/projects', undefined, acme.member.token);
  expect(items).toContainEqual(expect.objectContaining({ id: acme.defaultProjectId, role: 'member' }));
});

test('decisions are served by AuthZEN (PERM-5)', async () => {
  const one = await ask(200, 'post', '/access/v1/evaluation', sample('POST /access/v1/evaluation'));
  expect(one).toMatchObject({ decision: true, context: { role: 'member', via: 'default_project' } });
  const many = await ask(200, 'post', '/access/v1/evaluations', sample('POST /access/v1/evaluations'));
  expect(many.evaluations).toMatchObject([{ decision: true }]);
  for (const [kind, found] of [
    ['subject', { type: 'user', id: acme.owner.accountId }],
    ['resource', { type: 'project', id: acme.defaultProjectId }],
    ['action', { name: 'project.read' }],
  ] as const) {
    const path = `/access/v1/search/${kind}`;
    const { results, page } = await ask(200, 'post', path, { ...sample(`POST ${path}`), page: { limit: 100 } });
    expect([results, page.next_token]).toEqual([expect.arrayContaining([found]), '']);
  }
  const about = await ask(200, 'get', '/.well-known/authzen-configuration');
  expect(about.access_evaluation_endpoint).toBe('http://gatehouse.test/access/v1/evaluation');
});

test("a service asks with a credential of its own, made and revoked in the platform's trail (OPS-4)", async () => {
  const path = '/api/v1/service-credentials';
  const made = await ask(201, 'post', path, sample(`POST ${path}`));
  await ask(200, 'post', '/access/v1/evaluation', sample('POST /access/v1/evaluation'), made.secret);
  expect((await ask(200, 'get', '/api/v1/expiries')).items).toMatchObject([{ id: made.id, name: 'gateway' }]);
  const revoked = await ask(200, 'delete', `${path}/${made.id}`);
  expect((await ask(200, 'get', path)).items).toEqual([revoked]);
  const types = (await ask(200, 'get', '/api/v1/audit')).items.map(({ type }: { type: string }) => type);
  expect(types.slice(0, 2)).toEqual(['service_credential.revoked', 'service_credential.issued']);
  expect(types.slice(2)).toEqual(['session.made', 'organization.deleted']);
  expect((await ask(200, 'get', '/api/v1/audit/verify')).verified).toBe(true);
});

test('access is explained, to people about themselves and to Admins about everybody (PERM-6)', async () => {
  const path = `${home}/access/explain?person=${acme.member.accountId}`;
  const told = await ask(200, 'get', path, undefined, acme.admin.token);
  expect(told.candidates).toMatchObject([{ source: 'organization_role', outcome: 'wins' }]);
});

test('a node agent reads who may enter a project (PRJ-7)', async () => {
  const { items } = await ask(200, 'get', `/api/v1/projects/${acme.defaultProjectId}/identities`);
  expect(items).toContainEqual(expect.objectContaining({ accountId: acme.owner.accountId, role: 'admin' }));
});

test('a person ends all their other sessions, and an Admin a member’s in the organization (SSO-7)', async () => {
  const person = await openPerson(gatehouse, acme.member.email, 'sign_in');
  expect((await ask(200, 'delete', '/api/v1/me/sessions', undefined, person.token)).ended).toBeGreaterThan(0);
  const path = `${home}/members/${acme.member.memberId}/sessions`;
  const { items } = await ask(200, 'get', path);
  expect(items).toMatchObject([{ id: person.sessionId, madeBy: 'sign_in', proofs: [{ kind: 'mailbox' }] }]);
  const other = await openPerson(gatehouse, acme.member.email, 'sign_in');
  await ask(204, 'delete', `${path}/${other.sessionId}`, undefined, acme.admin.token);
  await ask(404, 'delete', `${path}/${other.sessionId}`, undefined, acme.admin.token);
  await ask(404, 'delete', `${path}/${acme.admin.sessionId}`, undefined, acme.admin.token);
  expect(await ask(200, 'delete', path)).toEqual({ ended: 1 });
  expect((await ask(200, 'get', path)).items).toEqual([]);
});

test('API keys are made, listed, verified and revoked (KEY-1)', async () => {
  const path = `/api/v1/projects/${acme.projectId}/keys`;
  const key = await ask(201, 'post', path, { name: 'CI' }, acme.admin.token);
  const verified = await ask(200, 'post', '/api/v1/keys/verify', { key: key.secret, project: acme.projectId });
  expect(verified).toMatchObject({ valid: true, keyId: key.id, organization: acme.organizationId });
  const { secret: _, ...listed } = key;
  const { items } = await ask(200, 'get', path, undefined, acme.admin.token);
  expect(items).toContainEqual(listed);
  expect((await ask(200, 'delete', `${path}/${key.id}`)).status).toBe('revoked');
  expect((await ask(201, 'post', `${home}/keys`, { name: 'default' })).projectId).toBe(acme.defaultProjectId);
});

test('resources are registered, read, renamed, listed everywhere and removed, and then their project (RES-1, RES-2)', async () => {
  const project = await ask(201, 'post', `${home}/projects`, { name: 'Short-lived' }, acme.admin.token);
  const path = `/api/v1/projects/${project.id}/resources`;
  const made = await ask(201, 'post', path, { type: 'cluster', name: 'c1' }, acme.admin.token);
  expect(await ask(200, 'get', `${path}/${made.id}`, undefined, acme.admin.token)).toEqual(made);
  expect((await ask(200, 'patch', `${path}/${made.id}`, { name: 'c2' }, acme.admin.token)).name).toBe('c2');
  expect((await ask(200, 'get', `${path}?type=cluster`, undefined, acme.admin.token)).items).toHaveLength(1);
  const everywhere = await ask(200, 'get', '/api/v1/me/resources?type=cluster', undefined, acme.admin.token);
  expect(everywhere.items).toContainEqual(expect.objectContaining({ id: made.id }));
  await ask(204, 'delete', `${path}/${made.id}`, undefined, acme.admin.token);
  await ask(201, 'post', `${home}/resources`, { type: 'file', name: 'f1' }, acme.admin.token);
  await ask(200, 'delete', `/api/v1/projects/${project.id}`, undefined, acme.admin.token);
});

test('people are invited, invited again, and not any more (MEM-2)', async () => {
  const path = `${home}/invitations`;
  const made = await ask(201, 'post', path, { email: 'new@invited.example' }, acme.admin.token);
  expect(await ask(200, 'get', `${path}/${made.id}`, undefined, acme.admin.token)).toEqual(made);
  expect((await ask(200, 'get', path)).items).toContainEqual(made);
  await ask(200, 'post', `${path}/${made.id}/resend`, undefined, acme.admin.token);
  await ask(204, 'delete', `${path}/${made.id}`, undefined, acme.admin.token);
  await ask(404, 'post', '/api/v1/invitations/accept', { token: '0'.repeat(64) });
});

test('people say how they are called and by which SSH keys they come, and leave (ACC-5)', async () => {
  const person = await openPerson(gatehouse, 'leaver@acme.example', 'sign_in');
  await ask(201, 'post', `${home}/members`, { accountId: person.accountId });
  expect((await ask(200, 'patch', '/api/v1/me', { name: 'Lee' }, person.token)).name).toBe('Lee');
  const key = await ask(201, 'post', '/api/v1/me/ssh-keys', sample('POST /api/v1/me/ssh-keys'), person.token);
  expect((await ask(200, 'get', '/api/v1/me/ssh-keys', undefined, person.token)).items).toEqual([key]);
  await ask(204, 'delete', `/api/v1/me/ssh-keys/${key.id}`, undefined, person.token);
  await ask(200, 'post', `${home}/leave`, undefined, person.token);
});

test('an account is deleted by its person or by the operator, and leaves one without a name (OWN-3)', async () => {
  const person = await openPerson(gatehouse, 'done@people.example', 'sign_in');
  await ask(204, 'delete', '/api/v1/me', undefined, person.token);
  await ask(401, 'get', '/api/v1/me', undefined, person.token);
  const { id } = await ask(201, 'post', '/api/v1/accounts', { email: 'gone@people.example', name: 'Gone' });
  await ask(204, 'delete', `/api/v1/accounts/${id}`);
  const left = await ask(200, 'get', `/api/v1/accounts/${id}`);
  expect(left).toMatchObject({ id, emails: [], deletedAt: expect.any(String) });
  expect(left.name).toBeUndefined();
  await ask(404, 'delete', `/api/v1/accounts/${id}`);
});

test('members are changed many at once; who is blocked is listed and let go again (MEM-3, MEM-4)', async () => {
  const bulk = await ask(200, 'post', `${home}/members/bulk`, sample(`POST ${org}/members/bulk`));
  expect(bulk.results.length).toBeGreaterThan(0);
  const { items } = await ask(200, 'get', `${home}/blocks`, undefined, acme.admin.token);
  expect(items).toMatchObject([{ id: acme.blockId }]);
  await ask(204, 'delete', `${home}/blocks/${acme.blockId}`, undefined, acme.admin.token);
});

test('issuers of assertions are trusted and no longer trusted (SCIM-1)', async () => {
  const client = `${home}/directories/${acme.directoryId}/oauth-clients/${acme.oauthClient.id}`;
  const name = `POST ${org}/directories/{directory}/oauth-clients/{client}/issuers`;
  const issuer = await ask(201, 'post', `${client}/issuers`, { ...sample(name), name: 'second' });
  await ask(204, 'delete', `${client}/issuers/${issuer.id}`);
});

test('an organization is closed and opened again (ORG-2)', async () => {
  const path = '/api/v1/organizations';
  const made = await ask(201, 'post', path, {
    name: 'Closing',
    slug: 'closing',
    owner: { email: 'c@closing.example' },
  });
  await ask(200, 'post', `${path}/${made.id}/close`, { confirm: 'closing' });
  await ask(200, 'post', `${path}/${made.id}/restore`);
});

// Behind the others, for it ends the session of the member.
test('subjects that wait are looked through, approved and unlinked (SSO-6)', async () => {
  const path = `${home}/identities`;
  const { items } = await ask(200, 'get', `${path}?link=waiting`, undefined, acme.admin.token);
  expect(items).toMatchObject([
    { id: acme.waitingIdentityId, link: 'waiting' },
    { id: acme.outsideIdentityId, link: 'waiting', reason: 'unverified_domain' },
  ]);
  const asking = { identityId: acme.outsideIdentityId };
  expect(await ask(202, 'post', `${home}/confirmations`, asking, acme.admin.token)).toEqual({ asked: true });
  await ask(200, 'post', `${path}/${acme.waitingIdentityId}/approve`, undefined, acme.admin.token);
  await ask(204, 'delete', `${path}/${acme.waitingIdentityId}`);
});

test.each([
  ['an organization', () => home, org],
  ['the platform', () => '/api/v1', '/api/v1'],
])(
  'webhooks of %s are made, tried, read, told again and removed, and its events followed (EVT-1)',
  async (_, at, named) => {
    const path = `${at()}/webhooks`;
    const { id, secret } = await ask(201, 'post', path, sample(`POST ${named}/webhooks`));
    expect(secret).toMatch(/^whsec_/);
    const one = `${path}/${id}`;
    expect((await ask(200, 'get', path)).items.map((webhook: { id: string }) => webhook.id)).toContain(id);
    expect(await ask(200, 'patch', one, { enabled: true, description: 'Billing' })).toMatchObject({
      id,
      enabled: true,
    });
    const rotated = await ask(
      200,
      'post',
      `${one}/rotate-secret`,
      sample(`POST ${named}/webhooks/{webhook}/rotate-secret`),
    );
    expect(rotated.secret).not.toBe(secret);
    const trial = await ask(202, 'post', `${one}/test`);
    expect(trial.type).toBe('webhook.test');
    expect((await ask(200, 'get', `${one}/deliveries`)).items).toMatchObject([{ id: trial.id }]);
    expect(await ask(200, 'get', `${one}/deliveries/${trial.id}`)).toMatchObject({ id: trial.id });
    expect(await ask(202, 'post', `${one}/deliveries/${trial.id}/replay`)).toMatchObject({ id: trial.id });
    const { replayed } = await ask(202, 'post', `${one}/replay`, sample(`POST ${named}/webhooks/{webhook}/replay`));
    expect(replayed).toBe(0);
    expect(await ask(200, 'get', one)).toMatchObject({ id, description: 'Billing' });
    await ask(204, 'delete', one);
    expect((await gatehouse.operator('get', one)).status).toBe(404);
    await until('events are told', async () => (await ask(200, 'get', `${at()}/events`)).items.length > 0);
  },
);

test('nothing that all these have sealed stands where a change of the key would not find it (OPS-4)', async () => {
  const sealed = await opened(gatehouse.store, openSealer(gatehouse.secrets.key));
  expect(sealed).toContain('connectionKeys.privateKey');
  expect(sealedPlaces).toEqual(expect.arrayContaining(sealed));
});
