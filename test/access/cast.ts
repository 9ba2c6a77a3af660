/** One organization with every kind of principal that the rules tell apart, and another one beside it. */
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

const people = [
  'owner',
  'admin',
  'member',
  'projectAdmin',
  'projectMember',
  'externalAdmin',
  'externalMember',
  'suspendedAdmin',
  'suspendedProjectAdmin',
  'removedAdmin',
  'removedProjectAdmin',
  'removedCollaborator',
  'stranger',
  'foreignOwner',
] as const;
const keys = ['projectKey', 'defaultKey', 'revokedKey', 'expiredKey'] as const;

export type PersonWho = (typeof people)[number];
export type Who = PersonWho | (typeof keys)[number];

/** A person of the cast. */
export interface Actor {
  readonly accountId: string;
  readonly email: string;
  readonly token: string;
  readonly memberId?: string;
}

type Place = 'organization' | 'defaultProject' | 'project' | 'foreignOrganization' | 'foreignProject';

export interface Cast {
  readonly gatehouse: TestGatehouse;
  readonly world: World;
  readonly foreign: World;
  readonly people: Readonly<Record<PersonWho, Actor>>;
  /** The secrets of the keys; of the Default Key none is told. */
  readonly keySecrets: Readonly<Record<Exclude<(typeof keys)[number], 'defaultKey'>, string>>;
  /** Of each permission in turn, whether `who` has it there. */
  decide(who: Who, place: Place, permissions: readonly string[]): Promise<readonly boolean[]>;
  setAdminAccess(to: 'all' | 'joined'): Promise<void>;
  /** Adds somebody to the project by hand, as Member. */
  joinAsMember(who: PersonWho): Promise<void>;
}

/** Makes them all through the API and SCIM, as they come to be in life. */
export async function castOf(): Promise<Cast> {
  let now = Date.now();
  const gatehouse = await openTestGatehouse({ clock: { now: () => new Date(now) }, rehearse: false });
  const world = await buildWorld(gatehouse, 'acme');
  const foreign = await buildWorld(gatehouse, 'rival');
  const home = `/api/v1/organizations/${world.organizationId}`;
  const collaborators = `/api/v1/projects/${world.projectId}/collaborators`;
  const ask = (status: number, method: Method, path: string, body?: object) =>
    expectStatus(status, gatehouse.operator(method, path).send(body));

  // Only inside a verified domain does a push link the account of an address.
  await ask(200, 'post', `${home}/domains/${world.domain}/verify`, { force: true });

  const joinOrganization = async (who: string, role: string): Promise<Actor & { memberId: string }> => {
    const person = await openPerson(gatehouse, `${who.toLowerCase()}@${world.domain}`, 'sign_in');
    const { id } = await ask(201, 'post', `${home}/members`, { accountId: person.accountId, role });
    return { ...person, memberId: id };
  };
  const collaborate = async (actor: Actor, role: string, external = false): Promise<Actor> => {
    await ask(201, 'post', collaborators, { email: actor.email, role, external });
    return actor;
  };
  const outsider = (who: string) => openPerson(gatehouse, `${who.toLowerCase()}@elsewhere.example`, 'sign_in');
  const scim = (status: number, method: Method, path: string, body?: object) =>
    expectStatus(
      status,
      gatehouse.bearer(world.directoryToken.secret, method, `/scim/v2/${world.directoryId}${path}`).send(body),
    );
  const pushed = async (
    who: string,
  ): Promise<{ readonly actor: Actor & { memberId: string }; readonly id: string }> => {
    const email = `${who.toLowerCase()}@${world.domain}`;
    const { id } = await scim(201, 'post', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: email,
      active: true,
      emails: [{ value: email, primary: true }],
    });
    const person = await openPerson(gatehouse, email, 'sign_in');
    const { items } = await ask(200, 'get', `${home}/members?limit=200`);
    const member = items.find(({ accountId }: { accountId: string }) => accountId === person.accountId);
    return { actor: { ...person, memberId: member.id }, id };
  };
  /** The sessions that they had have ended with the membership (MEM-5); the account signs in elsewhere all the same. */
  const signedInAgain = async (actor: Actor): Promise<Actor> => ({
    ...actor,
    ...(await openPerson(gatehouse, actor.email, 'sign_in')),
  });
  const suspended = async (who: string, before: (actor: Actor & { memberId: string }) => Promise<unknown>) => {
    const { actor, id } = await pushed(who);
    await before(actor);
    await scim(200, 'patch', `/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', value: { active: false } }],
    });
    return signedInAgain(actor);
  };
  const removed = async (actor: Actor & { memberId: string }): Promise<Actor> => {
    await expectStatus(200, gatehouse.operator('delete', `${home}/members/${actor.memberId}`));
    return signedInAgain(actor);
  };
  const byHand = async (who: string) => {
    const actor = await joinOrganization(who, 'member');
    await collaborate(actor, 'admin');
    return actor;
  };

  const cast: Record<PersonWho, Actor> = {
    owner: world.owner,
    admin: world.admin,
    member: world.member,
    projectAdmin: await byHand('projectAdmin'),
    projectMember: await collaborate(await joinOrganization('projectMember', 'member'), 'member'),
    externalAdmin: await collaborate(await outsider('externalAdmin'), 'admin', true),
    externalMember: await collaborate(await outsider('externalMember'), 'member', true),
    suspendedAdmin: await suspended('suspendedAdmin', async ({ memberId }) =>
      ask(200, 'patch', `${home}/members/${memberId}`, { role: 'admin' }),
    ),
    suspendedProjectAdmin: await suspended('suspendedProjectAdmin', (actor) => collaborate(actor, 'admin')),
    removedAdmin: await removed(await joinOrganization('removedAdmin', 'admin')),
    removedProjectAdmin: await removed(await byHand('removedProjectAdmin')),
    removedCollaborator: await byHand('removedCollaborator'),
    stranger: await outsider('stranger'),
    foreignOwner: foreign.owner,
  };
  await ask(200, 'delete', `${collaborators}/${cast.removedCollaborator.accountId}`);

  const keyRoute = `/api/v1/projects/${world.projectId}/keys`;
  const makeKey = (name: string, more: object = {}) => ask(201, 'post', keyRoute, { name, ...more });
  const made = {
    projectKey: await makeKey('live'),
    revokedKey: await makeKey('revoked'),
    expiredKey: await makeKey('expired', { expiresAt: new Date(now + 60_000).toISOString() }),
  };
  await ask(200, 'delete', `${keyRoute}/${made.revokedKey.id}`);
  now += 61_000;
  const { _id: defaultKeyId } = await getDefaultKey(gatehouse, world.organizationId);
  const ids: Readonly<Record<(typeof keys)[number], string>> = {
    projectKey: made.projectKey.id,
    revokedKey: made.revokedKey.id,
    expiredKey: made.expiredKey.id,
    defaultKey: defaultKeyId,
  };

  const placeIds: Readonly<Record<Place, { readonly type: string; readonly id: string }>> = {
    organization: { type: 'organization', id: world.organizationId },
    defaultProject: { type: 'project', id: world.defaultProjectId },
    project: { type: 'project', id: world.projectId },
    foreignOrganization: { type: 'organization', id: foreign.organizationId },
    foreignProject: { type: 'project', id: foreign.projectId },
  };
  const isKey = (who: Who): who is (typeof keys)[number] => (keys as readonly string[]).includes(who);
  return {
    gatehouse,
    world,
    foreign,
    people: cast,
    keySecrets: {
      projectKey: made.projectKey.secret,
      revokedKey: made.revokedKey.secret,
      expiredKey: made.expiredKey.secret,
    },
    async decide(who, place, permissions) {
      const subject = isKey(who) ? { type: 'api_key', id: ids[who] } : { type: 'user', id: cast[who].accountId };
      const evaluations = permissions.map((name) => ({ action: { name } }));
      const body = { subject, resource: placeIds[place], evaluations };
      const answer = await ask(200, 'post', '/access/v1/evaluations', body);
      return answer.evaluations.map(({ decision }: { decision: boolean }) => decision);
    },
    async setAdminAccess(adminAccess) {
      await ask(200, 'patch', home, { settings: { adminAccess } });
    },
    async joinAsMember(who) {
      await collaborate(cast[who], 'member');
    },
  };
}

async function getDefaultKey(gatehouse: TestGatehouse, organizationId: string) {
  const key = await gatehouse.store.read.apiKeys.findOne(organizationId, { kind: 'default' });
  if (!key) throw new Error('there is no Default Key');
  return key;
}
