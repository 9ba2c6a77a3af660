import { beforeAll, describe, expect, test } from '@jest/globals';
import { findUsersOfAccount, listLog } from '../../src/directory/index.ts';
import { ENTERPRISE, openWorld, ownerEmail, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const newest = async () => {
  const page = await listLog(world.gatehouse.store.read, world.organizationId, { limit: 1 });
  const [row] = page.items;
  if (!row) throw new Error('the log is empty');
  return row;
};

describe('every request is in the provisioning log (SCIM-5)', () => {
  test('a write: in the transaction of the change, with bodies, token, duration and whom it touched', async () => {
    const user = await world.user({ userName: 'log@acme.test' });
    const row = await newest();
    expect(row).toMatchObject({
      directoryId: world.directory._id,
      method: 'POST',
      path: '/Users',
      status: 201,
      outcome: 'applied',
      requestId: expect.stringMatching(/^req-/),
      tokenId: expect.stringMatching(/^dtk-/),
      durationMs: expect.any(Number),
    });
    expect(row.touched).toContain(user.id);
    expect(JSON.parse(row.request ?? '')).toEqual({ schemas: [USER], userName: 'log@acme.test' });
    expect(JSON.parse(row.response ?? '')).toEqual(user);
  });

  test('what changed nothing is marked so', async () => {
    const { id } = await world.user({ title: 'Boss' });
    await world.patch(`/Users/${id}`, { op: 'replace', path: 'title', value: 'Boss' });
    expect(await newest()).toMatchObject({ method: 'PATCH', status: 200, outcome: 'no_effect' });
  });

  test('a part without effect is noted beside what was applied: members', async () => {
    const [a, b] = [await world.user(), await world.user()];
    const { id } = await world.group({ members: [{ value: a.id }] });
    const rename = { op: 'replace', path: 'displayName', value: 'Renamed' };
    await world.patch(`/Groups/${id}`, rename, { op: 'remove', path: `members[value eq "${b.id}"]` });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['member_not_in_group'] });
    await world.patch(
      `/Groups/${id}`,
      { ...rename, value: 'Again' },
      { op: 'remove', path: 'members[type eq "Group"]' },
    );
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['member_not_in_group'] });
    await world.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value: a.id }, { value: b.id }] });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['member_already_in_group'] });
    await world.patch(`/Groups/${id}`, { op: 'remove', path: 'members', value: [{ value: a.id }] });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: [] });
  });

  test('a part without effect is noted beside what was applied: attributes', async () => {
    const groups = [{ value: 'grp-x' }];
    const user = await world.user({ userName: 'notes@acme.test', groups });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['read_only_ignored'] });
    const path = `/Users/${user.id}`;
    await world.call('put', path, { ...user, title: 'A', groups });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['read_only_ignored'] });
    await world.call('put', path, { ...user, title: 'B', groups: [], meta: { resourceType: 'User' } });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: [] });
    await world.patch(path, { op: 'replace', value: { title: 'C', groups, id: user.id } });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['read_only_ignored'] });
    const manager = { value: 'boss', displayName: 'The Boss' };
    await world.patch(path, { op: 'add', path: `${ENTERPRISE}:manager`, value: manager });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['read_only_ignored'] });
    const retitle = { op: 'replace', path: 'title', value: 'D' };
    for (const gone of ['locale', 'phoneNumbers', `${ENTERPRISE}:department`]) {
      await world.patch(path, { ...retitle, value: gone }, { op: 'remove', path: gone });
      expect(await newest()).toMatchObject({ outcome: 'applied', notes: ['nothing_to_remove'] });
    }
    await world.patch(path, { op: 'remove', path: 'title' });
    expect(await newest()).toMatchObject({ outcome: 'applied', notes: [] });
  });

  test('a refusal, with its detail; nothing else of it remains', async () => {
    const answer = await world.patch('/Users/usr-unknown', { op: 'replace', path: 'title', value: 'x' });
    expect(await newest()).toMatchObject({
      status: 404,
      outcome: 'refused',
      detail: answer.body.detail,
      requestId: answer.headers['x-request-id'],
    });
    const bad = await world.call('post', '/Users', { schemas: [USER] });
    expect(await newest()).toMatchObject({ status: 400, outcome: 'refused', scimType: bad.body.scimType });
  });

  test('long bodies are cut, secrets redacted wherever they stand', async () => {
    await world.user({ 'urn:example:long': { text: 'x'.repeat(40_000) } });
    const long = await newest();
    expect(long.request).toHaveLength(16 * 1024);
    expect(long.response).toHaveLength(16 * 1024);
    await world.user({
      password: 'hunter2',
      'urn:example:secrets': { clientSecret: 'hunter2', deep: [{ token: 'hunter2' }] },
    });
    const { request } = await newest();
    expect(request).not.toContain('hunter2');
    expect(JSON.parse(request ?? '')).toMatchObject({ password: '[redacted]' });
    await world.call('get', '/Users?access_token=hunter2');
    expect((await world.call('get', '/Users?filter=password eq "hunter2"')).status).toBe(400);
  });

  test('secrets in custom extensions are redacted in responses as in requests: POST, PATCH, PUT, list and GET', async () => {
    const secrets = { apiToken: 'hunter3', nested: { clientSecret: 'hunter3' }, plain: 'shown' };
    const user = await world.user({ userName: 'secrets@acme.test', 'urn:x:1.0:User': secrets });
    expect(user['urn:x:1.0:User']).toEqual(secrets);
    const { response } = await newest();
    expect(JSON.parse(response ?? '')).toMatchObject({
      id: user.id,
      'urn:x:1.0:User': { apiToken: '[redacted]', nested: { clientSecret: '[redacted]' }, plain: 'shown' },
    });
    await world.patch(`/Users/${user.id}`, { op: 'add', path: 'title', value: 'Token clerk' });
    await world.call('put', `/Users/${user.id}`, { ...user, title: 'Boss' });
    await world.call('get', `/Users/${user.id}`);
    await world.call('get', '/Users?filter=userName eq "secrets@acme.test"');
    await new Promise((resolve) => setTimeout(resolve, 700));
    const rows = await world.gatehouse.store.read.provisioningLog.find(world.organizationId, {});
    expect(rows.filter(({ response: text }) => text?.includes('[redacted]')).length).toBeGreaterThanOrEqual(5);
    expect(JSON.stringify(rows)).not.toContain('hunter3');
    expect(JSON.stringify(rows)).toContain('Token clerk');
  });

  test('an op that is none is quoted cut and printable, never the content of an object', async () => {
    const path = `/Users/${(await world.user()).id}`;
    const long = await world.patch(path, { op: `e\u0007\u202e${'x'.repeat(5000)}`, path: 'title', value: 'x' });
    expect(long.body.detail).toMatch(/^op must be add, remove or replace, not "e {2}x{57}…"$/);
    const odd = await world.patch(path, { op: { password: 'hunter4' }, path: 'title', value: 'x' });
    expect(odd.body).toMatchObject({ status: '400', scimType: 'invalidSyntax' });
    expect(odd.body.detail).not.toContain('hunter4');
  });

  test('reads and refused tokens: by the buffer, without a write in the way of the answer', async () => {
    const { gatehouse, organizationId } = world;
    await world.call('get', '/Users?filter=userName eq "nobody"');
    await new Promise((resolve) => setTimeout(resolve, 700));
    const rows = await gatehouse.store.read.provisioningLog.find(organizationId, { method: 'GET' });
    const row = rows.at(-1);
    expect(row).toMatchObject({ path: '/Users?filter=userName%20eq%20%22nobody%22', status: 200, outcome: 'read' });
    expect(JSON.stringify(rows)).not.toContain('hunter2');
  });
});

describe('the Owner cannot be deprovisioned by any push (OWN-1, OWN-2)', () => {
  test.each<[string, (id: string) => Promise<{ status: number; body: { detail?: string } }>]>([
    ['PATCH active', (id) => world.patch(`/Users/${id}`, { op: 'Replace', path: 'active', value: 'False' })],
    [
      'PATCH without path',
      (id) => world.patch(`/Users/${id}`, { op: 'replace', value: { active: false, title: 'x' } }),
    ],
    ['PUT', (id) => world.call('put', `/Users/${id}`, { schemas: [USER], userName: ownerEmail, active: false })],
    ['DELETE', (id) => world.call('delete', `/Users/${id}`)],
  ])('%s: 403 that says why and what to do; nothing changes; logged and audited', async (_title, push) => {
    const { gatehouse, organizationId } = world;
    const { read } = gatehouse.store;
    const owner = await read.members.findOne(organizationId, { owner: true });
    const [known] = await findUsersOfAccount(read, organizationId, owner?.accountId ?? '');
    const id =
      known?._id ?? (await world.user({ userName: ownerEmail, emails: [{ value: ownerEmail, primary: true }] })).id;
    const before = await world.call('get', `/Users/${id}`);
    const member = await read.members.findOne(organizationId, { owner: true });
    const answer = await push(id);
    expect(answer.status).toBe(403);
    expect(answer.body.detail).toMatch(/Owner.*Transfer the ownership/s);
    expect((await world.call('get', `/Users/${id}`)).body).toEqual(before.body);
    expect(await read.members.findOne(organizationId, { owner: true })).toEqual(member);
    const rows = await read.provisioningLog.find(organizationId, { status: 403 });
    expect(rows.at(-1)).toMatchObject({ outcome: 'refused', detail: answer.body.detail });
    const events = await read.auditEvents.find(organizationId, { type: 'owner.deprovision_refused' });
    expect(events.at(-1)).toMatchObject({
      outcome: 'refused',
      actor: `directory:${world.directory._id}`,
      targetId: member?._id,
      requestId: rows.at(-1)?.requestId,
    });
  });

  test('pushed as inactive from the beginning: refused, and no user remains', async () => {
    const fresh = await openWorld();
    const emails = [{ value: ownerEmail, primary: true }];
    const answer = await fresh.call('post', '/Users', { schemas: [USER], userName: 'o', emails, active: false });
    expect(answer.status).toBe(403);
    expect((await fresh.call('get', '/Users')).body.totalResults).toBe(0);
  });
});
