import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { PLATFORM } from '../../src/store/index.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { beginRequest } from './slowRequest.ts';
import { buildWorld, expectStatus, openPerson, type World } from './world.ts';

const tokens = ['first-operator-token-0123456789', 'second-operator-token-012345678'] as const;
const start = new Date('2030-01-01T00:00:00Z').getTime();
let now = start;
let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ clock: { now: () => new Date(now) } });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

const hour = 3_600_000;

/** The use of a session is noted beside the request. */
async function untilNoted(id: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const session = await gatehouse.store.read.sessions.get(PLATFORM, id);
    const latest = Math.min(now + 24 * hour, session?.expiresAt.getTime() ?? 0);
    if (session?.idleExpiresAt.getTime() === latest) return;
    await sleep(20);
  }
  throw new Error('the use was not noted');
}

describe('the operator token', () => {
  test('may be one of two, so that it can be changed without a gap (OPS-4)', async () => {
    const two = await openTestGatehouse({ env: { GATEHOUSE_OPERATOR_TOKEN: tokens.join(',') } });
    for (const token of tokens) expect((await two.bearer(token, 'get', '/api/v1/organizations')).status).toBe(200);
    expect((await two.bearer(tokens.join(','), 'get', '/api/v1/organizations')).status).toBe(401);
  });

  test.each([
    ['Basic abc', 'token_invalid'],
    ['Bearer', 'token_invalid'],
    ['Bearer  ', 'token_invalid'],
    ['Bearer a b', 'token_invalid'],
    ['', 'authentication_required'],
  ])('is not found in %j', async (header, code) => {
    const answer = await gatehouse.request.get('/api/v1/organizations').set('Authorization', header);
    expect([answer.status, answer.body.code]).toEqual([401, code]);
  });

  test('is taken whatever the case of the scheme', async () => {
    const asked = gatehouse.request.get('/api/v1/organizations');
    expect((await asked.set('Authorization', `bearer ${gatehouse.operatorToken}`)).status).toBe(200);
  });

  test('is no person: what is about oneself needs one', async () => {
    const answer = await gatehouse.operator('get', '/api/v1/me');
    expect([answer.status, answer.body.code]).toEqual([403, 'permission_denied']);
  });
});

describe('Gatehouse-Act-As', () => {
  test.each([
    ['an account id', () => acme.member.accountId],
    ['a proven email, in any case', () => acme.member.email.toUpperCase()],
  ])("gives exactly that person's rights by %s", async (_, name) => {
    const me = await expectStatus(200, gatehouse.operator('get', '/api/v1/me', name()));
    expect(me.id).toBe(acme.member.accountId);
    expect((await gatehouse.operator('get', `${home}/members`, name())).status).toBe(200);
    const denied = await gatehouse.operator('get', `${home}/audit`, name());
    expect([denied.status, denied.body.code]).toEqual([403, 'permission_denied']);
    expect(denied.body.details).toEqual({ permission: 'audit.read', reason: 'role_insufficient' });
  });

  test.each(['nobody@acme.example', 'acc-00000000000000000000000000', 'nonsense'])(
    'refuses %s, which is nobody',
    async (name) => {
      const answer = await gatehouse.operator('get', '/api/v1/me', name);
      expect([answer.status, answer.body.code]).toEqual([403, 'act_as_refused']);
    },
  );

  test('is refused with a session', async () => {
    const asked = gatehouse.bearer(acme.owner.token, 'get', '/api/v1/me');
    const answer = await asked.set('Gatehouse-Act-As', acme.member.accountId);
    expect([answer.status, answer.body.code]).toEqual([403, 'act_as_refused']);
  });

  test('is of a suspended member denied everywhere (MEM-1)', async () => {
    const rival = await buildWorld(gatehouse, 'suspender');
    const { accountId } = rival.member;
    await gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
      tx.members.updateOne(rival.organizationId, { accountId }, { $set: { status: 'suspended' } }),
    );
    const path = `/api/v1/organizations/${rival.organizationId}`;
    const answer = await gatehouse.operator('get', path, accountId);
    expect([answer.status, answer.body.details.reason]).toEqual([403, 'member_suspended']);
    const projects = await expectStatus(200, gatehouse.operator('get', '/api/v1/me/projects', accountId));
    expect(projects.items).toEqual([]);
  });
});

describe('what ends while a request is under way', () => {
  let port: number;
  let elsewhere: World;
  beforeAll(async () => {
    port = await gatehouse.listen(0);
    elsewhere = await buildWorld(gatehouse, 'elsewhere');
  });
  let count = 0;
  /** An Admin, who belongs elsewhere too, so that the session outlives the membership. */
  const joinAsAdmin = async () => {
    count += 1;
    const person = await openPerson(gatehouse, `racer${count}@acme.example`, 'sign_in');
    const join = async (organizationId: string): Promise<string> => {
      const asked = gatehouse.operator('post', `/api/v1/organizations/${organizationId}/members`);
      return (await expectStatus(201, asked.send({ accountId: person.accountId, role: 'admin' }))).id;
    };
    await join(elsewhere.organizationId);
    return { ...person, memberId: await join(acme.organizationId) };
  };
  type Racer = Awaited<ReturnType<typeof joinAsAdmin>>;

  const ends: readonly (readonly [string, number, (racer: Racer) => Promise<unknown>])[] = [
    [
      'a right (PRJ-7)',
      403,
      ({ memberId }) =>
        expectStatus(200, gatehouse.operator('patch', `${home}/members/${memberId}`).send({ role: 'member' })),
    ],
    [
      'a membership (MEM-3)',
      401,
      ({ memberId }) => expectStatus(200, gatehouse.operator('delete', `${home}/members/${memberId}`)),
    ],
    [
      'a session, by its person (SSO-7)',
      401,
      ({ token, sessionId }) =>
        expectStatus(204, gatehouse.bearer(token, 'delete', `/api/v1/me/sessions/${sessionId}`)),
    ],
    [
      "a session's part in the organization, by an Admin (SSO-5)",
      401,
      ({ memberId }) => expectStatus(200, gatehouse.operator('delete', `${home}/members/${memberId}/sessions`)),
    ],
  ];
  test.each(ends)('changes nothing any more: %s', async (_, status, end) => {
    const racer = await joinAsAdmin();
    const slow = await beginRequest(port, 'PATCH', home, racer.token, { name: 'Taken over' });
    await end(racer);
    expect(await slow.finish()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await expectStatus(200, gatehouse.operator('get', home))).name).toBe('acme');
  });

  test('changes nothing of one’s own, either (SSO-7)', async () => {
    const racer = await joinAsAdmin();
    const slow = await beginRequest(port, 'PATCH', '/api/v1/me', racer.token, { name: 'Somebody else' });
    await expectStatus(204, gatehouse.bearer(racer.token, 'delete', `/api/v1/me/sessions/${racer.sessionId}`));
    expect(await slow.finish()).toMatch(/^HTTP\/1\.1 401 /);
    expect(
      await expectStatus(200, gatehouse.operator('get', `/api/v1/accounts/${racer.accountId}`)),
    ).not.toHaveProperty('name');
  });

  test('registers nothing any more: a service credential (OPS-4)', async () => {
    const asked = gatehouse.operator('post', '/api/v1/service-credentials');
    const { id, secret } = await expectStatus(201, asked.send({ name: 'clusters', scopes: ['resources'] }));
    const resources = `/api/v1/projects/${acme.projectId}/resources`;
    const body = { type: 'cluster', name: 'late', externalId: 'late' };
    const slow = await beginRequest(port, 'POST', resources, secret, body);
    await expectStatus(200, gatehouse.operator('delete', `/api/v1/service-credentials/${id}`));
    expect(await slow.finish()).toMatch(/^HTTP\/1\.1 401 /);
    const { items } = await expectStatus(200, gatehouse.operator('get', resources).query({ type: 'cluster' }));
    expect(items).toEqual([]);
  });

  test('gets nothing new: an organization, not even by the operator (ORG-2)', async () => {
    const { organizationId, projectId } = await buildWorld(gatehouse, 'closing');
    const keys = `/api/v1/projects/${projectId}/keys`;
    const slow = await beginRequest(port, 'POST', keys, gatehouse.operatorToken, { name: 'late' });
    const closing = gatehouse.operator('post', `/api/v1/organizations/${organizationId}/close`);
    await expectStatus(200, closing.send({ confirm: 'closing' }));
    expect(await slow.finish()).toMatch(/^HTTP\/1\.1 403 .*"organization_closed"/s);
    expect(await gatehouse.store.read.apiKeys.count(organizationId, { projectId, name: 'late' })).toBe(0);
  });
});

describe('a session', () => {
  test('is dead at once, everywhere, when its only membership ends (MEM-3, MEM-5)', async () => {
    const person = await openPerson(gatehouse, 'leaver@acme.example');
    const { id } = await expectStatus(
      201,
      gatehouse.operator('post', `${home}/members`).send({ accountId: person.accountId }),
    );
    expect((await gatehouse.bearer(person.token, 'get', home)).status).toBe(200);
    await expectStatus(200, gatehouse.bearer(acme.admin.token, 'delete', `${home}/members/${id}`));
    expect((await gatehouse.bearer(person.token, 'get', '/api/v1/me')).status).toBe(401);
  });

  test('is worth nothing in the organization that ended it, and lives on in the others (SSO-5)', async () => {
    const other = await buildWorld(gatehouse, 'other');
    const person = await openPerson(gatehouse, 'both@acme.example');
    const join = (path: string) =>
      expectStatus(201, gatehouse.operator('post', `${path}/members`).send({ accountId: person.accountId }));
    const there = `/api/v1/organizations/${other.organizationId}`;
    const { id } = await join(home);
    await join(there);
    await expectStatus(200, gatehouse.operator('delete', `${home}/members/${id}`));
    await join(home);
    const ended = await gatehouse.bearer(person.token, 'get', home);
    expect([ended.status, ended.body.code]).toEqual([401, 'token_revoked']);
    expect((await gatehouse.bearer(person.token, 'get', there)).status).toBe(200);
    const me = await expectStatus(200, gatehouse.bearer(person.token, 'get', '/api/v1/me'));
    expect(me.organizations.map((one: { id: string }) => one.id)).toEqual([other.organizationId]);
    const { items } = await expectStatus(200, gatehouse.bearer(person.token, 'get', '/api/v1/me/projects'));
    expect(items.map((one: { organizationId: string }) => one.organizationId)).toEqual([other.organizationId]);
    const { token } = person;
    const known = await expectStatus(200, gatehouse.operator('post', '/api/v1/sessions/introspect').send({ token }));
    expect(known.organizations).toEqual([other.organizationId]);
  });

  test("of somebody else's cannot be ended", async () => {
    const path = `/api/v1/me/sessions/${acme.owner.sessionId}`;
    expect((await gatehouse.bearer(acme.member.token, 'delete', path)).status).toBe(404);
    expect((await gatehouse.bearer(acme.owner.token, 'get', '/api/v1/me')).status).toBe(200);
  });

  test('that the operator made, or that is borrowed, reads no Default Key (OWN-4, KEY-3)', async () => {
    for (const [asked, code] of [
      [gatehouse.operator('get', `${home}/default-key`), 'permission_denied'],
      [gatehouse.operator('get', `${home}/default-key`, acme.owner.email), 'act_as_refused'],
      [gatehouse.bearer(acme.owner.token, 'get', `${home}/default-key`), 'permission_denied'],
      [gatehouse.operator('post', `${home}/default-key/regenerate`, acme.owner.email), 'act_as_refused'],
      [gatehouse.bearer(acme.owner.token, 'post', `${home}/default-key/regenerate`), 'permission_denied'],
    ] as const) {
      const answer = await asked;
      expect([answer.status, answer.body.code]).toEqual([403, code]);
      expect(JSON.stringify(answer.body)).not.toContain('ghk_');
    }
    const admin = await openPerson(gatehouse, acme.admin.email, 'sign_in');
    const answer = await gatehouse.bearer(admin.token, 'get', `${home}/default-key`);
    expect([answer.status, answer.body.code]).toEqual([403, 'permission_denied']);
  });

  test('lives longer while it is used, ends when it idles, and ends for good with age (SSO-7)', async () => {
    const idle = await openPerson(gatehouse, 'idle@acme.example');
    const busy = await openPerson(gatehouse, 'busy@acme.example');
    const alive = async (token: string) => (await gatehouse.bearer(token, 'get', '/api/v1/me')).status === 200;
    const ages: number[] = [];
    for (let age = 12; age <= 24 * 8; age += 12) {
      now = start + age * hour;
      if (!(await alive(busy.token))) break;
      ages.push(age);
      await untilNoted(busy.sessionId);
    }
    expect(ages.at(-1)).toBe(24 * 7 - 12);
    expect(ages).toHaveLength(13);
    expect(await alive(idle.token)).toBe(false);
  });

  const question = ({ accountId, sessionId }: { readonly accountId: string; readonly sessionId: string }) => ({
    subject: { type: 'user', id: accountId },
    action: { name: 'project.read' },
    resource: { type: 'project', id: acme.defaultProjectId },
    context: { sessionId },
  });
  const asked: Readonly<Record<string, (person: Awaited<ReturnType<typeof openPerson>>) => Promise<unknown>>> = {
    introspected: ({ token }) =>
      expectStatus(200, gatehouse.operator('post', '/api/v1/sessions/introspect').send({ token })),
    'named by an evaluation': (person) =>
      expectStatus(200, gatehouse.operator('post', '/access/v1/evaluation').send(question(person))),
    'named by several evaluations': (person) => {
      const body = { ...question(person), evaluations: [{}, {}] };
      return expectStatus(200, gatehouse.operator('post', '/access/v1/evaluations').send(body));
    },
  };

  test.each(Object.entries(asked))('is in use where it is %s, noted at most hourly (SSO-7)', async (_how, ask) => {
    const person = await openPerson(gatehouse, acme.member.email);
    const begun = now;
    const idleAt = async () =>
      (await gatehouse.store.read.sessions.get(PLATFORM, person.sessionId))?.idleExpiresAt.getTime();
    now = begun + 20 * hour;
    await ask(person);
    await untilNoted(person.sessionId);
    const { version } = (await gatehouse.store.read.sessions.get(PLATFORM, person.sessionId)) ?? {};
    now = begun + 20.5 * hour;
    await ask(person);
    expect(await idleAt()).toBe(begun + 44 * hour);
    now = begun + 40 * hour;
    await ask(person);
    await untilNoted(person.sessionId);
    const noted = await gatehouse.store.read.sessions.get(PLATFORM, person.sessionId);
    expect(noted?.version).toBe((version ?? 0) + 1);
    now = begun + 65 * hour;
    expect((await gatehouse.bearer(person.token, 'get', '/api/v1/me')).status).toBe(401);
  });
});
