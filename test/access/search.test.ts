/** The searches of AuthZEN (PERM-5): they find what an evaluation allows, all of it, and nothing else. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { organizationPermissions, projectPermissions, resourceTypes } from '../../src/access/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { anyWorld, type RandomWorld, randomTypes, writeWorld } from './randomWorld.ts';

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
  const permissions = [
    'organization.read',
    'member.remove',
    'project.read',
    'cluster.delete',
    'volume.resize',
    'file.read',
  ];

  /** What evaluations say, asked one by one: subject and resource → allowed. */
  async function evaluateAll(world: RandomWorld, permission: string, context: object): Promise<ReadonlySet<string>> {
    const resources = [
      ...world.organizations.map((id) => ({ type: 'organization', id })),
      ...world.projects.map((id) => ({ type: 'project', id })),
      ...world.resources.map(({ type, id }) => ({ type, id })),
    ];
    const subjects = [...world.accounts.map(user), ...world.keys.map(key)];
    const pairs = subjects.flatMap((subject) => resources.map((resource) => ({ subject, resource })));
    const allowed = new Set<string>();
    for (let from = 0; from < pairs.length; from += 200) {
      const evaluations = pairs.slice(from, from + 200);
      const body = { action: { name: permission }, context, evaluations };
      const answer = await expectStatus(200, gatehouse.operator('post', '/access/v1/evaluations').send(body));
      for (const [index, { subject, resource }] of evaluations.entries()) {
        if (answer.evaluations[index].decision) allowed.add(`${subject.id} ${resource.id}`);
      }
    }
    return allowed;
  }

  /** By project and in the order of registration, as a search answers them. */
  const idsOf = ({ resources }: RandomWorld, of: string): readonly string[] =>
    resources
      .filter(({ type }) => type === of)
      .map(({ projectId, id }) => `${projectId} ${id}`)
      .sort()
      .map((place) => place.split(' ')[1] ?? '');

  /** Hundreds of questions for each world; a busy machine takes its time over them. */
  const patience = 180_000;

  async function compare(world: RandomWorld, permission: string, context: object, limit: number): Promise<void> {
    const allowed = await evaluateAll(world, permission, context);
    const action = { name: permission };
    const places = [
      ['organization', [...world.organizations].sort()],
      ['project', [...world.projects].sort()],
      ...randomTypes.map((type) => [type, idsOf(world, type)] as const),
    ] as const;
    for (const subject of [...world.accounts.map(user), ...world.keys.map(key)]) {
      for (const [type, ids] of places) {
        const found = await searchAll('resource', { subject, action, resource: { type }, context }, limit);
        expect(found).toEqual(ids.filter((id) => allowed.has(`${subject.id} ${id}`)));
      }
    }
    for (const [type, ids] of places) {
      for (const id of type === 'organization' || type === 'project' ? ids : ids.slice(0, 2)) {
        for (const [kind, subjects] of [['user', world.accounts] as const, ['api_key', world.keys] as const]) {
          const body = { subject: { type: kind }, action, resource: { type, id }, context };
          const found = await searchAll('subject', body, limit);
          expect(found).toEqual(subjects.filter((subject) => allowed.has(`${subject} ${id}`)).sort());
        }
      }
    }
  }

  test(
    'where services ask, and in pages of any length',
    async () => {
      const anyPermission = fc.constantFrom(...permissions);
      await fc.assert(
        fc.asyncProperty(anyWorld, anyPermission, fc.integer({ min: 1, max: 4 }), async (plan, permission, limit) => {
          const world = await writeWorld(gatehouse.store, plan);
          await compare(world, permission, {}, limit);
        }),
        { numRuns: 15 },
      );
    },
    patience,
  );

  test(
    'where a session asks, whose worth counts too (SSO-5)',
    async () => {
      const anyPermission = fc.constantFrom(...permissions);
      await fc.assert(
        fc.asyncProperty(anyWorld, anyPermission, fc.nat({ max: 4 }), async (plan, permission, whose) => {
          const world = await writeWorld(gatehouse.store, plan);
          await compare(world, permission, { sessionId: world.sessions[whose] }, 3);
        }),
        { numRuns: 8 },
      );
    },
    patience,
  );

  test(
    'of actions too',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyWorld, fc.integer({ min: 1, max: 40 }), async (plan, limit) => {
          const world = await writeWorld(gatehouse.store, plan);
          for (const subject of [...world.accounts.slice(0, 2).map(user), ...world.keys.slice(0, 1).map(key)]) {
            for (const [type, ids, table] of [
              ['organization', world.organizations, organizationPermissions],
              ['project', world.projects.slice(0, 4), projectPermissions],
              ...randomTypes.map((type) => [type, idsOf(world, type).slice(0, 2), projectPermissions] as const),
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
    },
    patience,
  );
});

describe('what is registered in a project (RES-1)', () => {
  // Written by hand: on what else than its project each permission is asked.
  const asked: Readonly<Record<string, readonly string[]>> = {
    cluster: ['read', 'delete', 'scale', 'configure', 'ssh', 'kubectl', 'dashboard', 'submit-job'].map(of('cluster')),
    volume: ['read', 'resize', 'delete', 'read-data', 'write-data'].map(of('volume')),
    'fine-tuned-model': [...['create', 'read', 'cancel', 'delete'].map(of('fine-tune')), 'inference.invoke'],
    'dedicated-endpoint': [...['read', 'update', 'delete'].map(of('endpoint')), 'inference.invoke'],
    evaluation: ['create', 'read', 'cancel', 'delete'].map(of('evaluation')),
    file: ['upload', 'read', 'delete'].map(of('file')),
  };
  function of(family: string) {
    return (act: string) => `${family}.${act}`;
  }

  const evaluate = (subject: object, name: string, resource: object) =>
    expectStatus(
      200,
      gatehouse.operator('post', '/access/v1/evaluation').send({ subject, action: { name }, resource }),
    );
  const register = async (type: string, projectId = acme.projectId) => {
    const path = `/api/v1/projects/${projectId}/resources`;
    const { id } = await expectStatus(201, gatehouse.operator('post', path).send({ type, name: 'thing' }));
    return { type, id: id as string };
  };

  test.each(resourceTypes)('is asked about by the permissions of a %s, and by no others', async (type) => {
    const resource = await register(type);
    const onProject = { type: 'project', id: acme.projectId };
    const subject = user(acme.owner.accountId);
    for (const permission of [...Object.keys(projectPermissions), ...Object.keys(organizationPermissions)]) {
      const answer = await evaluate(subject, permission, resource);
      if (asked[type]?.includes(permission)) {
        expect(answer).toEqual(await evaluate(subject, permission, onProject));
        expect(answer.decision).toBe(true);
      } else {
        expect([permission, answer.decision, answer.context.reason.code]).toEqual([
          permission,
          false,
          'permission_not_for_resource',
        ]);
      }
    }
    expect(await searchAll('action', { subject, resource }, 50)).toEqual([...(asked[type] ?? [])].sort());
  });

  test('is refused with where the permission is asked instead', async () => {
    const subject = user(acme.owner.accountId);
    const cluster = await register('cluster');
    const message = async (name: string) => (await evaluate(subject, name, cluster)).context.reason.message;
    expect(await message('volume.resize')).toBe('volume.resize is asked on the project or a volume, not on a cluster');
    expect(await message('project.read')).toBe('project.read is asked on the project, not on a cluster');
    expect(await message('billing.read')).toBe('billing.read is asked on the organization, not on a cluster');
  });

  test('is unknown by another type, by the id of its project, and once it is taken out', async () => {
    const subject = user(acme.owner.accountId);
    const cluster = await register('cluster');
    const code = async (resource: object) => (await evaluate(subject, 'cluster.read', resource)).context.reason.code;
    expect(await code(cluster)).toBe('owner');
    for (const unknown of [
      { ...cluster, type: 'volume' },
      { type: 'cluster', id: acme.projectId },
      { type: 'volume', id: 'res-00000000000000000000000000' },
    ]) {
      const answer = await evaluate(subject, 'volume.read', unknown);
      expect([answer.decision, answer.context.reason.code]).toEqual([false, 'unknown_resource']);
    }
    const path = `/api/v1/projects/${acme.projectId}/resources/${cluster.id}`;
    await expectStatus(204, gatehouse.operator('delete', path));
    expect(await code(cluster)).toBe('unknown_resource');
  });

  test('gives a stranger, another organization and the keys of other projects nothing (PRJ-1, KEY-2)', async () => {
    const rival = await buildWorld(gatehouse, 'rival');
    const file = await register('file');
    const theirs = await register('file', rival.projectId);
    for (const [subject, resource, code] of [
      [user(rival.owner.accountId), file, 'not_a_member'],
      [user(acme.owner.accountId), theirs, 'not_a_member'],
      [key(acme.apiKeyId), theirs, 'key_of_other_project'],
    ] as const) {
      expect(await evaluate(subject, 'file.read', resource)).toMatchObject({
        decision: false,
        context: { reason: { code } },
      });
    }
    expect((await evaluate(key(acme.apiKeyId), 'file.read', file)).decision).toBe(true);
    const body = { subject: user(acme.owner.accountId), action: { name: 'file.read' }, resource: { type: 'file' } };
    const found = await searchAll('resource', body, 2);
    expect([found.includes(file.id), found.includes(theirs.id)]).toEqual([true, false]);
  });

  test('is found in pages where there are more than a thousand in a project', async () => {
    const { organizationId, projectId } = acme;
    const ids = Array.from({ length: 1100 }, () => newId('resource'));
    await gatehouse.store.transaction({ actor: 'test', requestId: 'test' }, (tx) =>
      tx.resources.insertMany(
        organizationId,
        ids.map((_id, index) => ({
          _id,
          organizationId,
          projectId,
          type: 'volume' as const,
          name: `volume ${index}`,
          createdBy: 'test',
        })),
      ),
    );
    const body = { subject: user(acme.owner.accountId), action: { name: 'volume.read' }, resource: { type: 'volume' } };
    const found = await searchAll('resource', body, 250);
    expect(found.filter((id) => ids.includes(id))).toEqual(ids);
    expect(new Set(found).size).toBe(found.length);
  });
});

describe('a search (PERM-5)', () => {
  const project = () => ({ type: 'project', id: acme.defaultProjectId });
  const noProject = 'prj-00000000000000000000000000';
  const ghost = { type: 'project', id: noProject };
  const ssh = { action: { name: 'cluster.ssh' } };
  const organizations = { type: 'organization' };
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
    ['a cluster that is not', 'subject', { resource: { type: 'cluster', id: 'res-1' } }, 'unknown_resource'],
    ['a key by its secret', 'resource', { subject: key(`ghk_${'0'.repeat(64)}`) }, 'unknown_subject'],
    ['a session that is not', 'resource', { context: { sessionId: 'ses-1' } }, 'session_ended'],
    ['a session that is not', 'subject', { context: { sessionId: 'ses-1' } }, 'session_ended'],
    ['keys in a session', 'subject', { subject: key('x'), context: { sessionId: 'ses-1' } }, 'session_ended'],
    ['a project that is not', 'subject', { resource: { type: 'project', id: noProject } }, 'unknown_resource'],
    ['a project that is not', 'action', { resource: { type: 'project', id: noProject } }, 'unknown_resource'],
    ['keys of a project that is not', 'subject', { subject: key('x'), resource: ghost }, 'unknown_resource'],
    ['an organization that is not', 'subject', { resource: { type: 'organization', id: 'org-1' } }, 'unknown_resource'],
    ['an organization that is not', 'action', { resource: { type: 'organization', id: 'org-1' } }, 'unknown_resource'],
    ['a permission that is not', 'subject', { action: { name: 'project.explode' } }, 'unknown_permission'],
    ['a permission that is not', 'resource', { action: { name: 'project.explode' } }, 'unknown_permission'],
    [
      'a permission of clusters on files',
      'resource',
      { resource: { type: 'file' }, ...ssh },
      'permission_not_for_resource',
    ],
    ['one of projects on organizations', 'resource', { resource: organizations }, 'permission_not_for_resource'],
    ['a stranger', 'action', { subject: user('acc-00000000000000000000000000') }, 'not_a_member'],
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

test('the configuration may be kept for some minutes, and nothing else may (AuthZEN)', async () => {
  const keeping = async (path: string) => (await gatehouse.operator('get', path)).headers['cache-control'];
  expect(await keeping('/.well-known/authzen-configuration')).toBe('public, max-age=300');
  expect(await keeping('/api/v1/organizations')).toBe('no-store');
});
