/** The searches of AuthZEN (PERM-5): they find what an evaluation allows, all of it, and nothing else. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { organizationPermissions, projectPermissions } from '../../src/access/index.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { anyWorld, type RandomWorld, writeWorld } from './randomWorld.ts';

let gatehouse: TestGatehouse;
let acme: World;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
});

type Kind = 'subject' | 'resource' | 'action';
interface Found {
  readonly page: { readonly next_token: string; readonly count: number };
  readonly context?: { readonly reason: { readonly code: string } };
  readonly results: readonly { readonly type?: string; readonly id?: string; readonly name?: string }[];
}

const send = (kind: Kind, body: object) => gatehouse.operator('post', `/access/v1/search/${kind}`).send(body);
const search = (kind: Kind, body: object): Promise<Found> => expectStatus(200, send(kind, body));

/** All results, read in pages of `limit`. */
async function searchAll(kind: Kind, body: object, limit: number): Promise<string[]> {
  const found: string[] = [];
  let page: object = { limit };
  for (let rounds = 0; rounds < 1000; rounds += 1) {
    const answer = await search(kind, { ...body, page });
    expect(answer.page.count).toBe(answer.results.length);
    expect(answer.results.length).toBeLessThanOrEqual(limit);
    found.push(...answer.results.map(({ id, name }) => id ?? name ?? ''));
    if (answer.page.next_token === '') return found;
    page = { token: answer.page.next_token, limit };
  }
  throw new Error('a search that never ends');
}

const user = (id: string) => ({ type: 'user', id });
const key = (id: string) => ({ type: 'api_key', id });

describe('whatever the world, a search finds what an evaluation allows (PERM-5)', () => {
  const permissions = ['organization.read', 'member.remove', 'project.read', 'cluster.delete'];

  /** What evaluations say, asked one by one: subject and resource → allowed. */
  async function evaluateAll(world: RandomWorld, permission: string, context: object): Promise<ReadonlySet<string>> {
    const resources = [
      ...world.organizations.map((id) => ({ type: 'organization', id })),
      ...world.projects.map((id) => ({ type: 'project', id })),
    ];
    const subjects = [...world.accounts.map(user), ...world.keys.map(key)];
    const pairs = subjects.flatMap((subject) => resources.map((resource) => ({ subject, resource })));
    const body = { action: { name: permission }, context, evaluations: pairs };
    const { evaluations } = await expectStatus(200, gatehouse.operator('post', '/access/v1/evaluations').send(body));
    return new Set(
      pairs
        .filter((_, index) => evaluations[index].decision)
        .map(({ subject, resource }) => `${subject.id} ${resource.id}`),
    );
  }

  async function compare(world: RandomWorld, permission: string, context: object, limit: number): Promise<void> {
    const allowed = await evaluateAll(world, permission, context);
    const action = { name: permission };
    const places = [
      ['organization', world.organizations],
      ['project', world.projects],
    ] as const;
    for (const subject of [...world.accounts.map(user), ...world.keys.map(key)]) {
      for (const [type, ids] of places) {
        const found = await searchAll('resource', { subject, action, resource: { type }, context }, limit);
        expect(found).toEqual(ids.filter((id) => allowed.has(`${subject.id} ${id}`)).sort());
      }
    }
    for (const [type, ids] of places) {
      for (const id of ids) {
        for (const [kind, subjects] of [['user', world.accounts] as const, ['api_key', world.keys] as const]) {
          const body = { subject: { type: kind }, action, resource: { type, id }, context };
          const found = await searchAll('subject', body, limit);
          expect(found).toEqual(subjects.filter((subject) => allowed.has(`${subject} ${id}`)).sort());
        }
      }
    }
  }

  test('where services ask, and in pages of any length', async () => {
    const anyPermission = fc.constantFrom(...permissions);
    await fc.assert(
      fc.asyncProperty(anyWorld, anyPermission, fc.integer({ min: 1, max: 4 }), async (plan, permission, limit) => {
        const world = await writeWorld(gatehouse.store, plan);
        await compare(world, permission, {}, limit);
      }),
      { numRuns: 15 },
    );
  });

  test('where a session asks, whose worth counts too (SSO-5)', async () => {
    const anyPermission = fc.constantFrom(...permissions);
    await fc.assert(
      fc.asyncProperty(anyWorld, anyPermission, fc.nat({ max: 4 }), async (plan, permission, whose) => {
        const world = await writeWorld(gatehouse.store, plan);
        await compare(world, permission, { sessionId: world.sessions[whose] }, 3);
      }),
      { numRuns: 8 },
    );
  });

  test('of actions too', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, fc.integer({ min: 1, max: 40 }), async (plan, limit) => {
        const world = await writeWorld(gatehouse.store, plan);
        for (const subject of [...world.accounts.slice(0, 2).map(user), ...world.keys.slice(0, 1).map(key)]) {
          for (const [type, ids, table] of [
            ['organization', world.organizations, organizationPermissions],
            ['project', world.projects.slice(0, 4), projectPermissions],
          ] as const) {
            for (const id of ids) {
              const names = Object.keys(table);
              const body = { subject, resource: { type, id } };
              const evaluations = names.map((name) => ({ action: { name } }));
              const asked = gatehouse.operator('post', '/access/v1/evaluations').send({ ...body, evaluations });
              const answers = (await expectStatus(200, asked)).evaluations;
              const allowed = names.filter((_, index) => answers[index].decision).sort();
              expect(await searchAll('action', body, limit)).toEqual(allowed);
            }
          }
        }
      }),
      { numRuns: 8 },
    );
  });
});

describe('a search (PERM-5)', () => {
  const project = () => ({ type: 'project', id: acme.defaultProjectId });
  const whoMayRead = () => ({ subject: { type: 'user' }, action: { name: 'project.read' }, resource: project() });

  test('answers the page before the results, empty at its end', async () => {
    const answer = await search('subject', whoMayRead());
    expect(Object.keys(answer)).toEqual(['page', 'results']);
    expect(answer.page).toEqual({ next_token: '', count: 3 });
    expect(answer.results).toContainEqual(user(acme.member.accountId));
  });

  test('passes over the id of what is looked for, as the specification asks', async () => {
    const answer = await search('subject', { ...whoMayRead(), subject: user('whoever') });
    expect(answer.results).toHaveLength(3);
  });

  test('finds somebody added in the very next question, and no longer who was removed (PRJ-7)', async () => {
    const guest = await openPerson(gatehouse, 'guest@elsewhere.example');
    const ask = { ...whoMayRead(), resource: { type: 'project', id: acme.projectId } };
    const ids = async () => (await search('subject', ask)).results.map(({ id }) => id);
    const path = `/api/v1/projects/${acme.projectId}/collaborators`;
    await expectStatus(201, gatehouse.operator('post', path).send({ email: guest.email, external: true }));
    expect(await ids()).toContain(guest.accountId);
    await expectStatus(200, gatehouse.operator('delete', `${path}/${guest.accountId}`));
    expect(await ids()).not.toContain(guest.accountId);
  });

  test('finds people by a proven email as an evaluation does', async () => {
    const subject = user(acme.member.email.toUpperCase());
    const answer = await search('resource', { ...whoMayRead(), subject, resource: { type: 'project' } });
    expect(answer.results).toEqual([project()]);
  });

  test.each<[string, Kind, object, string]>([
    ['nobody of this name', 'resource', { subject: user('nobody@acme.example') }, 'unknown_subject'],
    ['subjects of another type', 'subject', { subject: { type: 'robot' } }, 'unknown_subject'],
    ['resources of another type', 'resource', { resource: { type: 'planet' } }, 'unknown_resource'],
    ['a key by its secret', 'resource', { subject: key(`ghk_${'0'.repeat(64)}`) }, 'unknown_subject'],
    ['a session that is not', 'resource', { context: { sessionId: 'ses-1' } }, 'session_ended'],
  ])('that asks about %s finds nothing and says why', async (_, kind, change, code) => {
    const body = { subject: user(acme.owner.accountId), action: { name: 'project.read' }, resource: project() };
    const answer = await search(kind, { ...body, ...change });
    expect(answer).toMatchObject({ page: { next_token: '', count: 0 }, results: [], context: { reason: { code } } });
  });

  test('of a limit of none has no result, and says that there are some', async () => {
    const { page, results } = await search('subject', { ...whoMayRead(), page: { limit: 0 } });
    expect([results, page.count, page.next_token === '']).toEqual([[], 0, false]);
  });

  test.each<[string, object, object]>([
    ['another action', { action: { name: 'project.update' } }, {}],
    ['another context', { context: { time: 'now' } }, {}],
    ['another limit', {}, { limit: 2 }],
    ['a token that is none', {}, { token: 'bm9uc2Vuc2U' }],
    ['a limit that is no number', {}, { limit: 'two' }],
    ['a limit below nothing', {}, { limit: -1 }],
  ])('is refused with %s on a further page (AuthZEN)', async (_, change, page) => {
    const first = await search('subject', { ...whoMayRead(), page: { limit: 1 } });
    const body = { ...whoMayRead(), ...change, page: { token: first.page.next_token, ...page } };
    const answer = await send('subject', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors.every(({ field }: { field: string }) => field.startsWith('page'))).toBe(true);
  });

  test('goes on with the limit of its first page where a further one names none (AuthZEN)', async () => {
    const first = await search('subject', { ...whoMayRead(), page: { limit: 2 } });
    const rest = await search('subject', { ...whoMayRead(), page: { token: first.page.next_token } });
    expect([first.results.length, rest.results.length, rest.page.next_token]).toEqual([2, 1, '']);
  });

  test.each<[Kind, object, string]>([
    ['subject', { action: { name: 'x' }, resource: { type: 'project', id: 'x' } }, 'subject'],
    ['subject', { subject: { type: 'user' }, resource: { type: 'project', id: 'x' } }, 'action'],
    ['subject', { subject: { type: 'user' }, action: { name: 'x' }, resource: { type: 'project' } }, 'resource.id'],
    ['resource', { subject: { type: 'user' }, action: { name: 'x' }, resource: { type: 'project' } }, 'subject.id'],
    ['resource', { subject: { type: 'user', id: 'x' }, action: { name: 'x' }, resource: {} }, 'resource.type'],
    ['action', { subject: { type: 'user', id: 'x' } }, 'resource'],
  ])('for a %s refuses what lacks a part that it needs %#', async (kind, body, field) => {
    const answer = await send(kind, body);
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, field]);
  });

  test('answers with the request id that it was asked with', async () => {
    const answer = await send('subject', whoMayRead()).set('X-Request-ID', 'search 1/ä');
    expect(answer.status).toBe(200);
    const known = await send('subject', whoMayRead()).set('X-Request-ID', 'search-1');
    expect(known.headers['x-request-id']).toBe('search-1');
  });
});

test('the configuration names all that the decision point serves (AuthZEN)', async () => {
  const about = await expectStatus(200, gatehouse.request.get('/.well-known/authzen-configuration'));
  for (const [name, address] of Object.entries(about)) {
    if (name === 'policy_decision_point') expect(address).toBe('http://gatehouse.test');
    else {
      const answer = await gatehouse.request.post(new URL(String(address)).pathname);
      expect([name, answer.status]).toEqual([name, 401]);
    }
  }
  expect(Object.keys(about)).toHaveLength(6);
});
