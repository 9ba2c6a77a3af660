import { beforeAll, describe, expect, test } from '@jest/globals';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { ReadWatch } from '../support/readWatch.ts';
import { buildWorld, type World } from './world.ts';

let gatehouse: TestGatehouse;
let acme: World;
const watch = new ReadWatch();
beforeAll(async () => {
  gatehouse = await openTestGatehouse({ watch });
  acme = await buildWorld(gatehouse, 'acme');
});

const user = (id: string) => ({ type: 'user', id });
const organization = () => ({ type: 'organization', id: acme.organizationId });
const project = () => ({ type: 'project', id: acme.projectId });
const may = (name: string) => ({ name });

const evaluate = (body: object) => gatehouse.operator('post', '/access/v1/evaluation').send(body);
const evaluateAll = (body: object) => gatehouse.operator('post', '/access/v1/evaluations').send(body);

describe('an evaluation (PERM-5)', () => {
  test.each([
    ['the Owner', () => acme.owner.accountId, 'organization.update', true, 'owner', 'admin'],
    ['an Admin', () => acme.admin.accountId, 'member.remove', true, 'organization_admin', 'admin'],
    ['an Admin by email', () => acme.admin.email.toUpperCase(), 'member.remove', true, 'organization_admin', 'admin'],
    ['a Member', () => acme.member.accountId, 'member.list', true, 'organization_member', 'member'],
    ['a Member', () => acme.member.accountId, 'member.remove', false, 'role_insufficient', 'member'],
  ])('of %s %#', async (_, subject, permission, decision, code, role) => {
    const answer = await evaluate({ subject: user(subject()), action: may(permission), resource: organization() });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ decision, context: { reason: { code, message: expect.any(String) }, role } });
  });

  test.each([
    ['a subject of another type', { subject: { type: 'robot', id: 'r2' } }, 'unknown_subject'],
    ['an unknown address', { subject: user('nobody@acme.example') }, 'unknown_subject'],
    ['an unknown account', { subject: user('acc-00000000000000000000000000') }, 'not_a_member'],
    ['an unknown permission', { action: may('organization.explode') }, 'unknown_permission'],
    ['a permission of an object', { action: may('constructor') }, 'unknown_permission'],
    ['a permission of projects', { action: may('project.read') }, 'permission_not_for_resource'],
    ['an unknown organization', { resource: { type: 'organization', id: 'org-0' } }, 'unknown_resource'],
    ['a resource of another type', { resource: { type: 'planet', id: 'earth' } }, 'unknown_resource'],
    ['an operator of the store', { resource: { type: 'organization', id: '$ne' } }, 'unknown_resource'],
  ])('denies %s with its own reason', async (_, change, code) => {
    const question = {
      subject: user(acme.owner.accountId),
      action: may('organization.read'),
      resource: organization(),
    };
    const answer = await evaluate({ ...question, ...change });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ decision: false, context: { reason: { code } } });
  });

  test('takes properties and context, which change nothing', async () => {
    const answer = await evaluate({
      subject: { ...user(acme.owner.accountId), properties: { department: 'x' } },
      action: { ...may('organization.read'), properties: { method: 'GET' } },
      resource: { ...organization(), properties: {} },
      context: { time: '2030-01-01T00:00:00Z' },
    });
    expect(answer.body.decision).toBe(true);
  });

  test.each([
    ['nothing', {}],
    ['no action', { subject: user('x'), resource: { type: 'project', id: 'x' } }],
    ['an empty type', { subject: { type: '', id: 'x' }, action: may('x'), resource: { type: 'project', id: 'x' } }],
    ['a number as id', { subject: { type: 'user', id: 1 }, action: may('x'), resource: { type: 'project', id: 'x' } }],
    ['a context that is no object', { subject: user('x'), action: may('x'), resource: user('x'), context: 'now' }],
  ])('refuses %s as malformed', async (_, body) => {
    const answer = await evaluate(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16'])(
    'refuses %s as malformed: 400, and no other status (AuthZEN)',
    async (type) => {
      const answer = await gatehouse.operator('post', '/access/v1/evaluation').set('Content-Type', type).send('{}');
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      expect(answer.body.errors).toEqual([{ in: 'header', field: 'Content-Type', message: expect.any(String) }]);
    },
  );

  test('answers with the request id that it was asked with', async () => {
    const body = { subject: user(acme.owner.accountId), action: may('organization.read'), resource: organization() };
    const answer = await evaluate(body).set('X-Request-ID', 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716');
    expect(answer.headers['x-request-id']).toBe('bfe9eb29-ab87-4ca3-be83-a1d5d8305716');
  });

  test('answers any request id of ASCII as it was asked with, here and nowhere else; another one by one of our own', async () => {
    const body = { subject: user(acme.owner.accountId), action: may('organization.read'), resource: organization() };
    for (const id of ['ein Test "1"; <x>', 'x'.repeat(5000), 'a\tb']) {
      expect((await evaluate(body).set('X-Request-ID', id)).headers['x-request-id']).toBe(id);
      const elsewhere = await gatehouse.request.get('/livez').set('X-Request-ID', id);
      expect(elsewhere.headers['x-request-id']).toMatch(/^req-/);
    }
    for (const id of ['', 'ä']) {
      expect((await evaluate(body).set('X-Request-ID', id)).headers['x-request-id']).toMatch(/^req-/);
    }
    const malformed = await evaluate({}).set('X-Request-ID', 'not ours');
    expect([malformed.status, malformed.headers['x-request-id']]).toEqual([400, 'not ours']);
  });

  test('changes in the instant in which the access does (PRJ-7)', async () => {
    const question = { subject: user(acme.member.accountId), action: may('project.read'), resource: project() };
    expect((await evaluate(question)).body.context.reason.code).toBe('no_project_access');
    const path = `/api/v1/projects/${acme.projectId}/collaborators`;
    await gatehouse.operator('post', path).send({ email: acme.member.email, role: 'admin' });
    const allowed = await evaluate({ ...question, action: may('project.update') });
    expect(allowed.body).toMatchObject({ decision: true, context: { role: 'admin', via: 'grant' } });
    await gatehouse.operator('delete', `${path}/${acme.member.accountId}`);
    expect((await evaluate(question)).body.decision).toBe(false);
  });
});

describe('evaluations (PERM-5)', () => {
  const decisions = (answer: { body: { evaluations: { decision: boolean }[] } }) =>
    answer.body.evaluations.map(({ decision }) => decision);
  const yes = () => ({ action: may('member.list') });
  const no = () => ({ action: may('member.remove') });
  const defaults = () => ({ subject: user(acme.member.accountId), resource: organization() });

  test('take what they lack from the top level, and keep their order', async () => {
    const answer = await evaluateAll({
      ...defaults(),
      ...no(),
      evaluations: [yes(), {}, { ...no(), subject: user(acme.admin.accountId) }],
    });
    expect(answer.status).toBe(200);
    expect(decisions(answer)).toEqual([true, false, true]);
  });

  test.each([
    ['execute_all', [true, false, true]],
    ['deny_on_first_deny', [true, false]],
    ['permit_on_first_permit', [true]],
  ])('end as %s says', async (evaluations_semantic, expected) => {
    const evaluations = [yes(), no(), yes()];
    const answer = await evaluateAll({ ...defaults(), evaluations, options: { evaluations_semantic } });
    expect(decisions(answer)).toEqual(expected);
  });

  test.each([[{}], [{ evaluations: [] }]])('without any are one evaluation %#', async (more) => {
    const answer = await evaluateAll({ ...defaults(), ...yes(), ...more });
    expect(answer.body).toMatchObject({ decision: true, context: { role: 'member' } });
  });

  const long = 'x'.repeat(321);
  test.each<[string, () => unknown, string]>([
    ['lacks what no default gives', () => ({}), 'action'],
    ['is no object', () => 'all', 'object'],
    ['is null', () => null, 'object'],
    ['is a list', () => [yes()], 'object'],
    ['has a malformed subject', () => ({ ...yes(), subject: 'alice' }), 'subject'],
    ['takes back a default', () => ({ ...yes(), resource: null }), 'resource'],
    ['has an empty name', () => ({ action: may('') }), 'action: name'],
    ['has an id of too great length', () => ({ ...yes(), subject: user(long) }), 'subject: id'],
    ['has a name of too great length', () => ({ action: may(long) }), 'action: name'],
    ['has a context that is no object', () => ({ ...yes(), context: 'now' }), 'context'],
  ])('answer one that %s with an error in its place, and the others as ever (AuthZEN)', async (_, item, named) => {
    const answer = await evaluateAll({ ...defaults(), evaluations: [yes(), item(), yes()] });
    expect(answer.status).toBe(200);
    expect(decisions(answer)).toEqual([true, false, true]);
    const { reason } = answer.body.evaluations[1].context;
    expect(reason).toEqual({ code: 'invalid_request', message: expect.stringContaining(named) });
  });

  test('whose default is malformed fail only where they take it (AuthZEN)', async () => {
    const own = { ...yes(), subject: user(acme.member.accountId) };
    const answer = await evaluateAll({ ...defaults(), subject: 7, evaluations: [own, yes()] });
    expect([answer.status, decisions(answer)]).toEqual([200, [true, false]]);
  });

  test('stop at a malformed one as at any denial where the semantic says so (AuthZEN)', async () => {
    const options = { evaluations_semantic: 'deny_on_first_deny' };
    const answer = await evaluateAll({ ...defaults(), options, evaluations: [yes(), {}, yes()] });
    expect(decisions(answer)).toEqual([true, false]);
  });

  test.each([
    ['no object', [], ''],
    ['evaluations that are no list', { evaluations: { 0: {} } }, 'evaluations'],
    ['options that are no object', { evaluations: [{}], options: 'all' }, 'options'],
    ['an incomplete single evaluation', { subject: user('x') }, 'action'],
  ])('are refused as a whole for %s (AuthZEN)', async (_, body, field) => {
    const answer = await evaluateAll(body);
    expect([answer.status, answer.body.code, answer.body.errors[0].field]).toEqual([400, 'invalid_request', field]);
  });

  test('about the same person and thing look both up once, others each for themselves (PERM-5)', async () => {
    const reads = async (...evaluations: object[]) => {
      expect(decisions(await evaluateAll({ ...defaults(), evaluations }))).not.toContain(undefined);
      return watch.last.length;
    };
    const one = await reads(yes());
    expect(await reads(yes(), no(), yes(), { ...no(), subject: user(acme.member.accountId) })).toBe(one);
    expect(await reads(yes(), { ...yes(), subject: user(acme.admin.accountId) })).toBe(2 * one);
    expect(await reads(yes(), { ...yes(), context: { sessionId: acme.member.sessionId } })).toBeGreaterThan(one);
  });

  test('are at most 200', async () => {
    const evaluations = (count: number) => ({ ...defaults(), evaluations: Array.from({ length: count }, yes) });
    expect(decisions(await evaluateAll(evaluations(200)))).toHaveLength(200);
    expect((await evaluateAll(evaluations(201))).status).toBe(400);
  });

  test('refuse a semantic that they do not know', async () => {
    const answer = await evaluateAll({ ...defaults(), evaluations: [yes()], options: { evaluations_semantic: 'any' } });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'options.evaluations_semantic']);
  });
});
