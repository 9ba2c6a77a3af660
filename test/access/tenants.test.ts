/**
 * Nothing of one organization from another (PRJ-1): every id of every route, in its path and in its body, is swapped for one
 * that exists in another organization, and for one that exists nowhere. Both must be answered alike, word for word, and by the same
 * look-ups, so that time does not tell one from the other either.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { apiRoutes } from '../../src/http/api/index.ts';
import type { Route } from '../../src/http/route.ts';
import { PLATFORM } from '../../src/store/index.ts';
import { bodies, nameOf, pathIn, sampleSaml } from '../http/samples.ts';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { ReadWatch } from '../support/readWatch.ts';
import { sshKeys } from '../support/sshKeys.ts';
import { anyId, ghostsOf } from './ghosts.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
const watch = new ReadWatch();

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false, watch });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
});

const owned = apiRoutes.filter(({ access }) => typeof access === 'object');
const table = owned.map((route) => [nameOf(route), route] as const);

/** Names that are no ids: a domain that nobody has claimed, a reference that no page has shown. */
const ghostDomain = 'nowhere.example';
const ghostReference = 'ZZZZZ-ZZZZZ';

/** What a path names; of schemas every directory has its own, by the names that all use. */
const parametersOf = ({ path }: Route): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').filter((name) => name !== 'urn');

/** Every choice of at least one of the names. */
function choicesOf(names: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: 2 ** names.length - 1 }, (_, index) =>
    names.filter((_name, place) => ((index + 1) >> place) % 2 === 1),
  );
}

/** The route's path with the ids of acme, but those of `swapped` from the other world. */
function pathWith(route: Route, swapped: readonly string[], other: (text: string) => string): string {
  const segments = route.path.split('/');
  const own = pathIn(route, acme).split('/');
  const theirs = other(pathIn(route, rival)).split('/');
  return segments
    .map((segment, index) => (swapped.includes(segment.slice(1, -1)) ? theirs[index] : own[index]))
    .join('/');
}

/** An answer without what differs by nature (ids, the request's id, names that the asker has sent), and what was looked up for it. */
async function ask(route: Route, path: string, body: object | undefined) {
  const asked = gatehouse.bearer(acme.owner.token, route.method, path);
  const answer = await asked.query(queries[nameOf(route)] ?? {}).send(body);
  const text = JSON.stringify(answer.body)
    .replace(anyId, '<id>')
    .replace(/"requestId":"[^"]*"/, '')
    .replaceAll(new RegExp(`${rival.signInReference}|${ghostReference}`, 'g'), '<reference>')
    .replaceAll(new RegExp(`${rival.domain}|${ghostDomain}`, 'g'), '<domain>');
  return { status: answer.status, text, reads: watch.last };
}

/** What a route must be told beside its path and body. */
const queries: Readonly<Record<string, object>> = {
  'DELETE /api/v1/organizations/{org}/mappings/{mapping}': { grants: 'revoke' },
};

describe.each(table)('%s', (name, route) => {
  const ownBody = () => bodies[name]?.(acme);

  test('answers 404 wherever an id of its path is of another organization, and tells nothing by it (PRJ-1)', async () => {
    for (const swapped of choicesOf(parametersOf(route))) {
      const foreign = await ask(route, pathWith(route, swapped, same), ownBody());
      const ghost = await ask(route, pathWith(route, swapped, ghostOfNames), ownBody());
      expect([swapped, foreign.status]).toEqual([swapped, 404]);
      expect([swapped, foreign]).toEqual([swapped, ghost]);
    }
  });

  test('answers ids in its body that are of another organization like ids that nobody has (PRJ-1)', async () => {
    const own = ownBody();
    const foreign = JSON.stringify(withIdsOf(own, bodies[name]?.(rival)));
    if (foreign === JSON.stringify(own)) return;
    const path = pathIn(route, acme);
    const answer = await ask(route, path, JSON.parse(foreign));
    const ghost = await ask(route, path, JSON.parse(ghostsOf(foreign)));
    // many at once are answered each by itself
    const eachRefused = /"status":"refused"/.test(answer.text) && !/"status":"done"/.test(answer.text);
    if (!eachRefused) expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer).toEqual(ghost);
  });
});

/** What a service asks for a person, or a key, of acme; each id of the other organization in turn, and the same of nobody. */
describe('a decision about what is of another organization (PRJ-1, PERM-5)', () => {
  const acmes = () => ({
    subject: { type: 'user', id: acme.owner.accountId },
    action: { name: 'project.read' },
    resource: { type: 'project', id: acme.projectId },
  });
  const things: readonly (readonly [string, () => string])[] = [
    ['organization', () => rival.organizationId],
    ['project', () => rival.projectId],
    ['project', () => rival.defaultProjectId],
    ['file', () => rival.resourceId],
  ];
  const contexts = [['', () => ({})] as const, ['in a session ', () => ({ sessionId: acme.owner.sessionId })] as const];
  const subjects: readonly (readonly [string, () => { type: string; id: string }])[] = [
    ['somebody', () => ({ type: 'user', id: rival.member.accountId })],
    ['an address', () => ({ type: 'user', id: rival.member.email })],
    ['a key', () => ({ type: 'api_key', id: rival.apiKeyId })],
  ];

  /** The look-ups and the answer, without its reason: services are told whether there is such a thing. */
  async function decided(path: string, body: object) {
    const { page, results, evaluations, decision } = await expectStatus(
      200,
      gatehouse.operator('post', path).send(body),
    );
    const bare = evaluations?.map((one: { readonly decision: boolean }) => one.decision) ?? decision;
    return { decided: bare, page, results, reads: watch.last };
  }

  async function askAlike(foreign: object, more: object): Promise<void> {
    const ghost = JSON.parse(ghostsOf(JSON.stringify(foreign)).replaceAll(rival.member.email, `nobody@${ghostDomain}`));
    const own = acmes();
    const evaluations = [{}, foreign, {}];
    const pairs = [
      ['evaluation', foreign, ghost],
      ['evaluations', { evaluations }, { evaluations: [{}, ghost, {}] }],
      ['search/action', foreign, ghost],
      ...('sessionId' in more ? [['search/subject', foreign, ghost] as const] : []),
    ] as const;
    for (const [name, one, other] of pairs) {
      const path = `/access/v1/${name}`;
      const said = await decided(path, { ...own, context: more, ...one });
      expect([name, said]).toEqual([name, await decided(path, { ...own, context: more, ...other })]);
      expect(said.reads.length).toBeGreaterThan(0);
    }
  }

  describe.each(contexts)('%s', (_how, context) => {
    test.each(things)('as a resource: a foreign %s is looked up as one that is not #%#', (type, idOf) =>
      askAlike({ resource: { type, id: idOf() } }, context()),
    );
  });

  test.each(subjects)('as a subject: %s is looked up as one that is not', (_who, subject) =>
    askAlike({ subject: subject() }, {}),
  );

  test.each(things)('asked for a key: a foreign %s is looked up as one that is not #%#', (type, idOf) =>
    askAlike({ subject: { type: 'api_key', id: acme.apiKeyId }, resource: { type, id: idOf() } }, {}),
  );

  test('in the verification of a key: a foreign project is looked up as one that is not (KEY-2)', async () => {
    const made = gatehouse.operator('post', `/api/v1/projects/${acme.projectId}/keys`).send({ name: 'verified' });
    const { secret } = await expectStatus(201, made);
    const verified = async (project: string) => {
      const body = await expectStatus(
        200,
        gatehouse.operator('post', '/api/v1/keys/verify').send({ key: secret, project }),
      );
      return { body, reads: watch.last };
    };
    expect(await verified(rival.projectId)).toEqual(await verified(ghostsOf(rival.projectId)));
  });
});

describe('what is about oneself (PRJ-1)', () => {
  test.each<[string, () => PromiseLike<string>]>([
    ['sessions', async () => rival.member.sessionId],
    ['emails', async () => (await emailsOf(rival.member))[0]?._id ?? ''],
    [
      'ssh-keys',
      async () => {
        const body = { publicKey: sshKeys.ed25519.line };
        return (await expectStatus(201, gatehouse.bearer(rival.member.token, 'post', '/api/v1/me/ssh-keys').send(body)))
          .id;
      },
    ],
  ])("has somebody else's %s as little as nobody's", async (noun, idOf) => {
    const id = await idOf();
    const { token } = await openPerson(gatehouse, acme.member.email, 'sign_in');
    const heard = async (asked: string) => {
      const answer = await gatehouse.bearer(token, 'delete', `/api/v1/me/${noun}/${asked}`);
      const { requestId, ...body } = answer.body;
      return { body: JSON.stringify(body).replaceAll(asked, '<asked>'), status: answer.status, reads: watch.last };
    };
    const foreign = await heard(id);
    expect(foreign.status).toBe(404);
    expect(foreign).toEqual(await heard(ghostsOf(id)));
  });

  const emailsOf = ({ accountId }: Person) => gatehouse.store.read.accountEmails.find(PLATFORM, { accountId });
});

type Query = Readonly<Record<string, string | undefined>>;

/** Queries that name ids, or addresses of people: those of `theirs` where there is a choice, asked by the Owner of `own`. */
const questions: Readonly<Record<string, (own: World, theirs: World) => readonly Query[]>> = {
  'GET /api/v1/organizations/{org}/access/explain': (own, theirs) => [
    { person: theirs.member.accountId },
    { person: theirs.member.memberId },
    { person: theirs.member.email },
    { person: theirs.member.email, project: own.projectId, permission: 'project.read' },
    { key: theirs.apiKeyId },
    { key: own.apiKeyId, project: theirs.projectId },
    { person: own.member.accountId, project: theirs.projectId },
    { person: own.member.accountId, project: theirs.projectId, permission: 'no.such' },
  ],
  'GET /api/v1/organizations/{org}/audit': (_own, theirs) => [
    { targetId: theirs.member.memberId },
    { targetId: theirs.member.accountId },
    { targetId: theirs.projectId },
  ],
  'GET /api/v1/organizations/{org}/provisioning-log': (_own, theirs) => [
    { directoryId: theirs.directoryId },
    { touched: theirs.groupId },
  ],
  'GET /api/v1/organizations/{org}/sign-ins': (_own, theirs) => [{ connectionId: theirs.connectionId }],
  'GET /api/v1/organizations/{org}/identities': (_own, theirs) => [
    { accountId: theirs.member.accountId },
    { connectionId: theirs.connectionId },
  ],
  'GET /api/v1/organizations/{org}/members': (_own, theirs) => [{ search: theirs.member.email }],
};

describe.each(table.filter(([name]) => questions[name]))('%s', (name, route) => {
  test('answers what its query names of another organization like what nobody has (PRJ-1)', async () => {
    const told = async (query: Query) => {
      const { status, body } = await gatehouse.bearer(acme.owner.token, 'get', pathIn(route, acme)).query(query);
      const { requestId, ...rest } = body;
      const values = Object.values(query);
      return {
        status,
        text: values.reduce<string>((text, value = '') => text.replaceAll(value, '<asked>'), JSON.stringify(rest)),
        reads: watch.last,
      };
    };
    const asked = questions[name]?.(acme, rival) ?? [];
    for (const query of asked) {
      const ghost = Object.fromEntries(
        Object.entries(query).map(([key, value = '']) => [key, isOwn(value) ? value : ghostOf(value)]),
      );
      expect(await told(query)).toEqual(await told(ghost));
    }
  });
});

const ghostOf = (value: string): string => (value.includes('@') ? `nobody@${ghostDomain}` : ghostsOf(value));
const isOwn = (value: string): boolean => JSON.stringify(acme).includes(value);

test('every query that takes an id is among the questions (PRJ-1)', () => {
  const named = /^(person|key|project|touched|\w+Id)$/;
  const taking = table.filter(([, { query }]) =>
    Object.keys(shapeOf(query)).some((key) => named.test(key) && key !== 'requestId'),
  );
  expect(taking.map(([name]) => name).filter((name) => !questions[name])).toEqual([]);
});

/** The members of a query's schema. */
const shapeOf = (query: Route['query']): object => (query instanceof z.ZodObject ? query.shape : {});

/** Names that must be unique are so within one organization: what another one has taken is free, and nobody learns of it. */
test('takes every name that another organization uses, but for slugs and verified domains, which all share (PRJ-1)', async () => {
  const named = async (world: World) => {
    const home = `/api/v1/organizations/${world.organizationId}`;
    const scim = `/scim/v2/${world.directoryId}`;
    const ask = async (path: string, body: object, token = world.owner.token) =>
      [path.split('/').at(-1), (await gatehouse.bearer(token, 'post', path).send(body)).status] as const;
    const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'same', externalId: 'same' };
    const group = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'same', externalId: 'same' };
    return [
      await ask(`${home}/projects`, { name: 'Same' }),
      await ask(`${home}/directories`, { name: 'Same' }),
      await ask(`${home}/domains`, { domain: 'same.example' }),
      await ask(`${home}/connections`, { name: 'Same', saml: sampleSaml }),
      await ask(`${scim}/Users`, user, world.directoryToken.secret),
      await ask(`${scim}/Groups`, group, world.directoryToken.secret),
    ];
  };
  const first = await named(acme);
  expect(first.filter(([, status]) => status !== 201)).toEqual([]);
  expect(await named(rival)).toEqual(first);
});

const same = (text: string): string => text;

/** Names that are no ids have ghosts of their own. */
function ghostOfNames(text: string): string {
  return ghostsOf(text).replace(rival.domain, ghostDomain).replace(rival.signInReference, ghostReference);
}

/** A body like `own`, with the other body's ids in the places of its own. */
function withIdsOf(own: unknown, other: unknown): unknown {
  if (typeof own === 'string') {
    return typeof other === 'string' && new RegExp(`^${anyId.source}$`).test(own) ? other : own;
  }
  if (Array.isArray(own)) return own.map((item, index) => withIdsOf(item, (other as unknown[] | undefined)?.[index]));
  if (typeof own !== 'object' || own === null) return own;
  return Object.fromEntries(
    Object.entries(own).map(([key, item]) => [key, withIdsOf(item, (other as Record<string, unknown>)?.[key])]),
  );
}
