/** Service credentials (OPS-4): what they open, that they open nothing else, and how they end. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ServiceScope, serviceScopes } from '../../src/access/index.ts';
import { apiRoutes } from '../../src/http/api/index.ts';
import type { Route } from '../../src/http/route.ts';
import { hashSecret } from '../../src/lib/secrets.ts';
import { warnOfExpiries } from '../../src/sso/tasks.ts';
import { PLATFORM } from '../../src/store/index.ts';
import { bodies, nameOf, pathIn } from '../http/samples.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { until } from '../support/until.ts';

const start = new Date('2030-01-01T00:00:00Z').getTime();
const day = 86_400_000;
let now = start;
let gatehouse: TestGatehouse;
let acme: World;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false, clock: { now: () => new Date(now) } });
  acme = await buildWorld(gatehouse, 'acme');
});

const path = '/api/v1/service-credentials';

async function issue(scopes: readonly ServiceScope[], more: object = {}) {
  const body = { name: scopes.join(' and '), scopes, ...more };
  return expectStatus(201, gatehouse.operator('post', path).send(body));
}

const question = () => ({
  subject: { type: 'user', id: acme.member.accountId },
  action: { name: 'project.read' },
  resource: { type: 'project', id: acme.defaultProjectId },
});
const evaluate = (secret: string) => gatehouse.bearer(secret, 'post', '/access/v1/evaluation').send(question());

describe('a service credential', () => {
  test('is shown once, and kept as a hash only (OPS-4)', async () => {
    const made = await issue(['evaluate']);
    expect(made).toEqual({
      id: expect.stringMatching(/^svc-/),
      name: 'evaluate',
      scopes: ['evaluate'],
      lastFour: made.secret.slice(-4),
      createdAt: expect.any(String),
      secret: expect.stringMatching(/^ghv_[0-9a-f]{64}$/),
    });
    const { items } = await expectStatus(200, gatehouse.operator('get', path));
    const { secret, ...listed } = made;
    expect(items).toContainEqual(listed);
    expect(JSON.stringify(items)).not.toContain(secret);
    const row = await gatehouse.store.read.serviceCredentials.get(PLATFORM, made.id);
    expect(row?.hash).toBe(hashSecret(secret));
    expect(JSON.stringify(row)).not.toContain(secret);
  });

  test.each([
    ['no scope', { scopes: [] }],
    ['a scope that there is not', { scopes: ['everything'] }],
    ['an end that has passed', { scopes: ['evaluate'], expiresAt: '2000-01-01T00:00:00Z' }],
    ['no name', { name: ' ', scopes: ['evaluate'] }],
  ])('is not made with %s (OPS-1)', async (_, body) => {
    const answer = await gatehouse.operator('post', path).send({ name: 'x', ...body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });

  test('has each scope once, in their own order', async () => {
    const made = await issue(['introspect', 'evaluate', 'introspect']);
    expect(made.scopes).toEqual(['evaluate', 'introspect']);
  });

  test('lives beside the next one, until it is revoked: then it is dead at once (OPS-4)', async () => {
    const [old, next] = [
      await issue(['evaluate'], { name: 'gateway' }),
      await issue(['evaluate'], { name: 'gateway' }),
    ];
    for (const { secret } of [old, next]) expect((await evaluate(secret)).body.decision).toBe(true);
    const revoked = await expectStatus(200, gatehouse.operator('delete', `${path}/${old.id}`));
    expect(revoked.revokedAt).toEqual(expect.any(String));
    const refused = await evaluate(old.secret);
    expect([refused.status, refused.body.code]).toEqual([401, 'token_revoked']);
    expect(refused.headers['www-authenticate']).toContain('error="invalid_token"');
    expect((await evaluate(next.secret)).status).toBe(200);
    now += 1000;
    const again = await expectStatus(200, gatehouse.operator('delete', `${path}/${old.id}`));
    expect(again.revokedAt).toBe(revoked.revokedAt);
    const none = await gatehouse.operator('delete', `${path}/svc-00000000000000000000000000`);
    expect([none.status, none.body.code]).toEqual([404, 'not_found']);
  });

  test('ends when it expires', async () => {
    const made = await issue(['evaluate'], { expiresAt: new Date(now + day).toISOString() });
    expect((await evaluate(made.secret)).status).toBe(200);
    now += day;
    const refused = await evaluate(made.secret);
    expect([refused.status, refused.body.code]).toEqual([401, 'token_expired']);
  });

  test('that nobody has made is unknown', async () => {
    const refused = await evaluate(`ghv_${'0'.repeat(64)}`);
    expect([refused.status, refused.body.code]).toEqual([401, 'token_invalid']);
  });

  test.each(['the Owner', 'somebody else'])('never acts as %s (OWN-4)', async (whom) => {
    const { secret } = await issue([...serviceScopes]);
    const name = whom === 'the Owner' ? acme.owner.email : 'nobody@acme.example';
    const refused = await evaluate(secret).set('Gatehouse-Act-As', name);
    expect([refused.status, refused.body.code]).toEqual([403, 'act_as_refused']);
  });

  test('is no session, in a cookie neither', async () => {
    const { secret } = await issue(['evaluate']);
    const asked = gatehouse.request.post('/access/v1/evaluation').send(question());
    const refused = await asked.set('Cookie', `gatehouse-session=${secret}`);
    expect(refused.status).toBe(401);
    const session = await expectStatus(
      200,
      gatehouse.operator('post', '/api/v1/sessions/introspect').send({ token: secret }),
    );
    expect(session).toEqual({ active: false });
  });

  test('says when it was last used, without a write per call', async () => {
    const made = await issue(['evaluate']);
    const lastUsed = async () => {
      const { items } = await expectStatus(200, gatehouse.operator('get', path));
      return items.find(({ id }: { id: string }) => id === made.id).lastUsedAt;
    };
    now += 1000;
    const at = new Date(now).toISOString();
    await Promise.all([evaluate(made.secret), evaluate(made.secret)]);
    await gatehouse.flush();
    expect(await lastUsed()).toBe(at);
    const row = await gatehouse.store.read.serviceCredentials.get(PLATFORM, made.id);
    expect(row?.version).toBe(2);
    await gatehouse.store.transaction({ actor: 'test', requestId: 'test' }, (tx) =>
      tx.serviceCredentials.updateOne(PLATFORM, { _id: made.id }, { $set: { lastUsedAt: new Date(now + day) } }),
    );
    await evaluate(made.secret);
    await gatehouse.flush();
    expect(await lastUsed()).toBe(new Date(now + day).toISOString());
  });
});

describe('what a service credential opens', () => {
  const closed = apiRoutes.filter(({ access }) => access !== 'public');
  const secrets = new Map<ServiceScope, string>();
  beforeAll(async () => {
    for (const scope of serviceScopes) secrets.set(scope, (await issue([scope])).secret);
  });

  const ask = (route: Route, secret: string) =>
    gatehouse.bearer(secret, route.method, pathIn(route, acme)).send(bodies[nameOf(route)]?.(acme));

  test.each(closed.map((route) => [nameOf(route), route] as const))(
    'is %s with its scope alone, if it has one (OPS-4)',
    async (_, route) => {
      for (const [scope, secret] of secrets) {
        const answer = await ask(route, secret);
        if (scope === route.scope) expect([scope, answer.status]).toEqual([scope, route.status]);
        else expect([scope, answer.status, answer.body.code]).toEqual([scope, 403, 'scope_insufficient']);
      }
    },
  );

  test('changes nothing but the register of resources: all other routes with a scope only ask (RES-1)', () => {
    const scoped = closed.filter(({ scope }) => scope !== undefined);
    const writing = scoped.filter(({ method, readOnly }) => method !== 'get' && readOnly !== true);
    expect(writing.map((route) => [nameOf(route), route.scope]).sort()).toEqual([
      ['DELETE /api/v1/projects/{project}/resources/{resource}', 'resources'],
      ['PATCH /api/v1/projects/{project}/resources/{resource}', 'resources'],
      ['POST /api/v1/organizations/{org}/resources', 'resources'],
      ['POST /api/v1/projects/{project}/resources', 'resources'],
    ]);
    expect(scoped.length).toBeGreaterThanOrEqual(8);
  });

  test('registers resources of every type in its own name, which the audit tells and people see (RES-1, AUD-1)', async () => {
    const { id, secret } = await issue(['resources']);
    const next = await issue(['resources']);
    const at = `/api/v1/projects/${acme.projectId}/resources`;
    const register = (body: object, path = at) => gatehouse.bearer(secret, 'post', path).send(body);
    const cluster = await expectStatus(201, register({ type: 'cluster', name: 'h100', externalId: 'c-1' }));
    expect(cluster.createdBy).toEqual({ kind: 'service' });
    const again = await expectStatus(201, register({ type: 'cluster', name: 'h100', externalId: 'c-1' }));
    expect(again.id).toBe(cluster.id);
    const volume = await expectStatus(201, register({ type: 'volume', name: 'data', clusterId: cluster.id }));
    const home = `/api/v1/organizations/${acme.organizationId}`;
    const file = await expectStatus(201, register({ type: 'file', name: 'weights' }, `${home}/resources`));
    expect(file.projectId).toBe(acme.defaultProjectId);
    // what one credential has registered, the next one changes and removes: credentials are rotated
    const byNext = (method: 'patch' | 'delete', path: string) => gatehouse.bearer(next.secret, method, path);
    await expectStatus(200, byNext('patch', `${at}/${volume.id}`).send({ name: 'more data' }));
    const inUse = await byNext('delete', `${at}/${cluster.id}`);
    expect([inUse.status, inUse.body.code]).toEqual([409, 'cluster_in_use']);
    await expectStatus(204, byNext('delete', `${at}/${cluster.id}`).query({ volumes: 'detach' }));
    const { token } = await openPerson(gatehouse, acme.admin.email);
    const { items } = await expectStatus(200, gatehouse.bearer(token, 'get', at).query({ type: 'volume' }));
    expect(items).toMatchObject([{ name: 'more data', createdBy: { kind: 'service' } }]);
    const told = await expectStatus(200, gatehouse.operator('get', `${home}/audit?targetId=${cluster.id}`));
    expect(told.items.map(({ type, actor }: { type: string; actor: string }) => [type, actor])).toEqual([
      ['resource.removed', `service:${next.id}`],
      ['resource.registered', `service:${id}`],
    ]);
    const elsewhere = await register(
      { type: 'file', name: 'x' },
      '/api/v1/projects/prj-00000000000000000000000000/resources',
    );
    expect(elsewhere.status).toBe(404);
  });

  test('registers nothing in an archived project, and changes nothing in a closed organization (ORG-2)', async () => {
    const { secret } = await issue(['resources']);
    const owner = { email: 'owner@ending.example' };
    const made = await expectStatus(
      201,
      gatehouse.operator('post', '/api/v1/organizations').send({ name: 'Ending', owner }),
    );
    const home = `/api/v1/organizations/${made.id}`;
    const { id } = await expectStatus(201, gatehouse.operator('post', `${home}/projects`).send({ name: 'Old' }));
    const at = `/api/v1/projects/${id}/resources`;
    const register = () => gatehouse.bearer(secret, 'post', at).send({ type: 'file', name: 'weights' });
    const file = await expectStatus(201, register());
    await expectStatus(200, gatehouse.operator('patch', `/api/v1/projects/${id}`).send({ archived: true }));
    expect((await register()).body.code).toBe('project_archived');
    await expectStatus(200, gatehouse.operator('post', `${home}/close`).send({ confirm: 'ending' }));
    const removal = await gatehouse.bearer(secret, 'delete', `${at}/${file.id}`);
    expect([removal.status, removal.body.code]).toEqual([403, 'organization_closed']);
    expect((await register()).body.code).toBe('organization_closed');
  });

  test('is told in the refusal', async () => {
    const { secret } = await issue(['introspect', 'identities']);
    const refused = await evaluate(secret);
    expect(refused.body.details).toEqual({ scope: 'evaluate', scopes: ['introspect', 'identities'] });
  });
});

describe("the platform's own trail", () => {
  test('tells of every credential that was made and revoked, chained like any other (AUD-1)', async () => {
    const made = await issue(['evaluate'], { name: 'billing' });
    await expectStatus(200, gatehouse.operator('delete', `${path}/${made.id}`));
    const events = await expectStatus(200, gatehouse.operator('get', `/api/v1/audit?targetId=${made.id}`));
    const told = { name: 'billing', scopes: ['evaluate'], lastFour: made.lastFour };
    expect(events.items).toMatchObject([
      { type: 'service_credential.revoked', actor: 'operator', before: told },
      { type: 'service_credential.issued', actor: 'operator', after: told },
    ]);
    expect(JSON.stringify(events)).not.toContain(made.secret);
    await until('the events are numbered', async () => {
      const pending = await gatehouse.store.read.auditEvents.count('platform', { pending: true });
      return pending === 0;
    });
    const { verified, count } = await expectStatus(200, gatehouse.operator('get', '/api/v1/audit/verify'));
    expect([verified, count > 1]).toEqual([true, true]);
  });

  test('warns of each that is about to end, once (OPS-3)', async () => {
    const made = await issue(['evaluate'], { name: 'ending', expiresAt: new Date(now + 6 * day).toISOString() });
    const revoked = await issue(['evaluate'], { expiresAt: new Date(now + 6 * day).toISOString() });
    await expectStatus(200, gatehouse.operator('delete', `${path}/${revoked.id}`));
    const { items } = await expectStatus(200, gatehouse.operator('get', '/api/v1/expiries'));
    expect(items).toContainEqual({
      kind: 'service_credential',
      id: made.id,
      name: 'ending',
      expiresAt: made.expiresAt,
      warn: 7,
    });
    expect(items.map(({ id }: { id: string }) => id)).not.toContain(revoked.id);
    const cause = { actor: 'job:warn-expiries', requestId: 'test' };
    for (const _ of [1, 2]) {
      await warnOfExpiries(gatehouse.store, cause, { at: new Date(now), goOn: () => true });
    }
    const told = await expectStatus(200, gatehouse.operator('get', `/api/v1/audit?targetId=${made.id}`));
    const warnings = told.items.filter(({ type }: { type: string }) => type === 'expiry.warned');
    expect(warnings).toHaveLength(1);
    expect(warnings[0].after).toMatchObject({ name: 'ending', days: 7 });
  });
});
