/**
 * Every route of the OpenAPI document asked by every kind of principal (PRJ-1, PRJ-6, MEM-1, MEM-3). Whom a route is for is
 * written down here by hand; a route that has no line here fails, so that none can be forgotten.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { apiRoutes } from '../../src/http/api/index.ts';
import type { Route } from '../../src/http/route.ts';
import { nameOf, pathIn } from '../http/samples.ts';
import { expectStatus } from '../http/world.ts';
import { type Audience, audienceOf } from './audiences.ts';
import { type Cast, castOf, type PersonWho } from './cast.ts';

type Borrowed = 'inPlaceOfAdmin' | 'inPlaceOfExternal';
type Asker = PersonWho | Borrowed | 'operator' | 'nobody' | 'directoryToken' | 'projectKeySecret' | 'revokedKeySecret';

/** What somebody hears: passes the door, or the status that turns them away there. */
type Outcome = 'passes' | 401 | 403 | 404;

type Outcomes = Readonly<Record<Asker, Outcome>>;

const people: readonly PersonWho[] = [
  ...(['owner', 'admin', 'member', 'projectAdmin', 'projectMember', 'externalAdmin', 'externalMember'] as const),
  ...(['suspendedAdmin', 'suspendedProjectAdmin', 'removedAdmin', 'removedProjectAdmin'] as const),
  ...(['removedCollaborator', 'stranger', 'foreignOwner'] as const),
];
/** What is no sign-in of a person opens no route at all: tokens of directories and API keys have their own doors. */
const noSession: Partial<Outcomes> = { nobody: 401, directoryToken: 401, projectKeySecret: 401, revokedKeySecret: 401 };
/** Of an organization's routes: who may not even know of it, and who is turned away (MEM-1). */
const others: Partial<Outcomes> = {
  ...noSession,
  stranger: 404,
  foreignOwner: 404,
  removedAdmin: 404,
  removedProjectAdmin: 404,
  suspendedAdmin: 403,
  suspendedProjectAdmin: 403,
  operator: 'passes',
};

/** Every person hears `outcome`, but for what the others say; later ones count. The operator in somebody's place hears what they would. */
function table(outcome: Outcome, ...but: readonly Partial<Outcomes>[]): Outcomes {
  const heard: Outcomes = Object.assign(Object.fromEntries(people.map((who) => [who, outcome])), ...but);
  return { ...heard, inPlaceOfAdmin: heard.admin, inPlaceOfExternal: heard.externalMember };
}

const expected: Readonly<Record<Audience, Outcomes>> = {
  anybody: table('passes', {
    operator: 'passes',
    nobody: 'passes',
    directoryToken: 'passes',
    projectKeySecret: 'passes',
    revokedKeySecret: 'passes',
  }),
  linkHolders: table('passes', noSession, { nobody: 'passes', operator: 'passes' }),
  persons: table('passes', noSession, { operator: 403 }),
  operator: table(403, noSession, { operator: 'passes' }),
  members: table('passes', others, { externalAdmin: 403, externalMember: 403 }),
  admins: table(403, others, { owner: 'passes', admin: 'passes' }),
  collaborators: table('passes', others, { member: 404, removedCollaborator: 404 }),
  projectAdmins: table(403, others, {
    owner: 'passes',
    admin: 'passes',
    projectAdmin: 'passes',
    externalAdmin: 'passes',
    member: 404,
    removedCollaborator: 404,
  }),
};

let cast: Cast;

beforeAll(async () => {
  cast = await castOf();
});

const askers = Object.keys(expected.anybody) as readonly Asker[];

const borrowed: Readonly<Record<Borrowed, PersonWho>> = {
  inPlaceOfAdmin: 'admin',
  inPlaceOfExternal: 'externalMember',
};
const isBorrowed = (who: Asker): who is Borrowed => Object.hasOwn(borrowed, who);

function tokenOf(who: Asker): string | undefined {
  switch (who) {
    case 'nobody':
      return undefined;
    case 'operator':
    case 'inPlaceOfAdmin':
    case 'inPlaceOfExternal':
      return cast.gatehouse.operatorToken;
    case 'directoryToken':
      return cast.world.directoryToken.secret;
    case 'projectKeySecret':
      return cast.keySecrets.projectKey;
    case 'revokedKeySecret':
      return cast.keySecrets.revokedKey;
    default:
      return cast.people[who].token;
  }
}

/**
 * Asks with a query parameter that no route takes: who passes the door is told so (400), and nothing is changed; whom the
 * door turns away hears nothing of it.
 */
async function knock(route: Route, who: Asker): Promise<Outcome> {
  const token = tokenOf(who);
  const path = `${pathIn(route, cast.world)}?nonsense=1`;
  const asked =
    token === undefined ? cast.gatehouse.request[route.method](path) : cast.gatehouse.bearer(token, route.method, path);
  if (isBorrowed(who)) void asked.set('Gatehouse-Act-As', cast.people[borrowed[who]].accountId);
  const answer = await asked;
  if (answer.status === 400 && answer.body.code === 'invalid_request') return 'passes';
  return answer.status as Outcome;
}

describe.each(apiRoutes.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
  test('is open to exactly those whom the rules name, and not there for those who may not know of it', async () => {
    const audience = audienceOf[name];
    if (audience === undefined) throw new Error('no line in audiences.ts says whom this route is for');
    const heard = await Promise.all(askers.map(async (who) => [who, await knock(route, who)] as const));
    expect(Object.fromEntries(heard)).toEqual(expected[audience]);
  });
});

test('every line of the table is about a route that exists', () => {
  const names = new Set(apiRoutes.map(nameOf));
  expect(Object.keys(audienceOf).filter((name) => !names.has(name))).toEqual([]);
});

describe('an External Collaborator', () => {
  const own = apiRoutes.filter((route) => {
    const audience = audienceOf[nameOf(route)];
    return route.method === 'get' && (audience === 'persons' || audience === 'collaborators');
  });

  test.each(own.map((route) => [nameOf(route), route] as const))(
    '%s names nobody to them who was not added to their project, and no other project (PRJ-6)',
    async (_name, route) => {
      const { world, people: actors, gatehouse } = cast;
      const answer = await gatehouse.bearer(actors.externalMember.token, 'get', pathIn(route, world));
      const told = JSON.stringify(answer.body);
      for (const who of ['owner', 'admin', 'member', 'suspendedAdmin', 'removedAdmin', 'foreignOwner'] as const) {
        expect(told).not.toContain(`"${actors[who].email}"`);
        expect(told).not.toContain(actors[who].accountId);
      }
      expect(told).not.toContain(world.defaultProjectId);
    },
  );

  test.each(['externalAdmin', 'externalMember'] as const)(
    'as %s knows of the organization its id and name, by their own profile and lists, and nothing by its own page (PRJ-6)',
    async (who) => {
      const { world, people: actors, gatehouse } = cast;
      const ask = (path: string) => gatehouse.bearer(actors[who].token, 'get', path);
      const me = (await ask('/api/v1/me')).body;
      expect(me.organizations).toEqual([{ id: world.organizationId, name: 'acme', external: true, session: 'counts' }]);
      const page = await ask(`/api/v1/organizations/${world.organizationId}`);
      expect([page.status, page.body.code]).toEqual([403, 'permission_denied']);
      expect(JSON.stringify(page.body)).not.toMatch(/settings|slug|owner|billing(?!\.)|defaultProject/i);
      const asked = {
        subject: { type: 'user', id: actors[who].accountId },
        resource: { type: 'organization', id: world.organizationId },
      };
      const actions = await expectStatus(200, gatehouse.operator('post', '/access/v1/search/action').send(asked));
      expect(actions.results).toEqual([]);
    },
  );

  test('sees the name of the organization, who was added beside them, and each of the others from outside marked as external (PRJ-6)', async () => {
    const { world, people: actors, gatehouse } = cast;
    const ask = async (path: string) => (await gatehouse.bearer(actors.externalMember.token, 'get', path)).body;
    const me = await ask('/api/v1/me');
    expect(JSON.stringify(me)).toContain('"acme"');
    const { items } = await ask(`/api/v1/projects/${world.projectId}/collaborators`);
    const seen = items.map(({ accountId, external }: { accountId: string; external: boolean }) => [
      accountId,
      external,
    ]);
    expect(new Map(seen)).toEqual(
      new Map([
        [actors.projectAdmin.accountId, false],
        [actors.projectMember.accountId, false],
        [actors.suspendedProjectAdmin.accountId, false],
        [actors.externalAdmin.accountId, true],
        [actors.externalMember.accountId, true],
      ]),
    );
  });
});
