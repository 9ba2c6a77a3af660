/** Agents that follow the list of who may enter a project by its changes alone (PRJ-7), and everything that may happen to it meanwhile. */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { expectStatus, openPerson, type World } from '../http/world.ts';
import type { Method, TestGatehouse } from '../support/gatehouse.ts';
import { sshKeys } from '../support/sshKeys.ts';

export interface Identity {
  readonly accountId: string;
  readonly email?: string;
  readonly role: string;
  readonly external: boolean;
  readonly groups: readonly { readonly name: string }[];
  readonly sshKeys: readonly { readonly publicKey: string }[];
}

export interface IdentityAnswer {
  readonly delta: boolean;
  readonly cursor: string;
  readonly items: readonly Identity[];
  readonly removed: readonly string[];
}

/** What a node agent does with an answer, as the API's document says it. */
export function applyAnswer(has: ReadonlyMap<string, Identity>, { delta, items, removed }: IdentityAnswer) {
  const now = new Map(delta ? has : []);
  for (const accountId of removed) now.delete(accountId);
  for (const one of items) now.set(one.accountId, one);
  return now;
}

/** One agent. */
interface Follower {
  cursor: string | undefined;
  has: ReadonlyMap<string, Identity>;
}

/** Four people of the world, from outside and from its directory too, to whom things happen. */
export interface Stage {
  readonly world: World;
  /** The secret of a credential with the scope `identities`. */
  readonly agent: string;
  readonly people: readonly { readonly accountId: string; readonly email: string }[];
  /** Of the last of them: the id as a directory user. */
  readonly pushedId: string;
}

const scim = 'urn:ietf:params:scim:schemas:core:2.0';
const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** Prepares a world in which the directory's word counts. */
export async function setStage(gatehouse: TestGatehouse, world: World): Promise<Stage> {
  const ask = (status: number, method: Method, path: string, body?: object) =>
    expectStatus(status, gatehouse.operator(method, path).send(body));
  const credential = await ask(201, 'post', '/api/v1/service-credentials', { name: 'node', scopes: ['identities'] });
  await ask(200, 'post', `/api/v1/organizations/${world.organizationId}/domains/${world.domain}/verify`, {
    force: true,
  });
  const guest = await openPerson(gatehouse, 'follower@elsewhere.example');
  const email = `pushed@${world.domain}`;
  const user = { schemas: [`${scim}:User`], userName: email, active: true, emails: [{ value: email }] };
  const pushed = await expectStatus(
    201,
    gatehouse.bearer(world.directoryToken.secret, 'post', `/scim/v2/${world.directoryId}/Users`).send(user),
  );
  const { items } = await ask(200, 'get', `/api/v1/accounts?email=${email}`);
  const people = [world.member, world.admin, guest, { accountId: items[0].id, email }];
  return {
    world,
    agent: credential.secret,
    people: people.map((one) => ({ accountId: one.accountId, email: one.email })),
    pushedId: pushed.id,
  };
}

const roles = fc.constantFrom('admin', 'member');
const on = fc.boolean();

/** Something that happens: to person `who`, where it happens to one. */
export const anyAct = fc.record({
  who: fc.nat({ max: 3 }),
  act: fc.oneof(
    fc.record({ kind: fc.constant('add' as const), role: roles }),
    fc.record({ kind: fc.constant('change' as const), role: roles }),
    fc.record({ kind: fc.constant('remove' as const) }),
    fc.record({ kind: fc.constant('organizationRole' as const), role: roles }),
    fc.record({ kind: fc.constant('leave' as const) }),
    fc.record({ kind: fc.constant('suspend' as const), on }),
    fc.record({ kind: fc.constant('group' as const), on }),
    fc.record({ kind: fc.constant('renameGroup' as const), name: fc.constantFrom('One', 'Two') }),
    fc.record({ kind: fc.constant('rename' as const), name: fc.constantFrom('Ann', 'Bob', null) }),
    fc.record({ kind: fc.constant('addKey' as const), key: fc.constantFrom('ed25519' as const, 'nistp256' as const) }),
    fc.record({ kind: fc.constant('removeKeys' as const) }),
    fc.record({ kind: fc.constant('adminAccess' as const), to: fc.constantFrom('all', 'joined') }),
    fc.record({ kind: fc.constant('archive' as const), on }),
    fc.record({ kind: fc.constant('close' as const), on }),
  ),
});

type AnyAct = typeof anyAct extends fc.Arbitrary<infer A> ? A : never;

/** Does it, at this node; what is refused, as things stand, changes nothing. */
export async function happen(
  here: TestGatehouse,
  { world, people, pushedId }: Stage,
  { who, act }: AnyAct,
): Promise<void> {
  const home = `/api/v1/organizations/${world.organizationId}`;
  const project = `/api/v1/projects/${world.projectId}`;
  const { accountId = '', email = '' } = people[who] ?? {};
  const own = `${project}/collaborators/${accountId}`;
  const ask = async (method: Method, path: string, body?: object, actAs?: string) => {
    const answer = await here.operator(method, path, actAs).send(body);
    expect(answer.status).toBeLessThan(500);
    return answer.body;
  };
  const patch = async (path: string, operation: object) => {
    const asked = here.bearer(world.directoryToken.secret, 'patch', `/scim/v2/${world.directoryId}${path}`);
    expect((await asked.send({ schemas: [patchOp], Operations: [operation] })).status).toBeLessThan(500);
  };
  const memberId = async () => (await ask('get', `${home}/members?search=${encodeURIComponent(email)}`)).items?.[0]?.id;
  switch (act.kind) {
    case 'add':
      await ask('post', `${project}/collaborators`, { email, role: act.role, external: who === 2 });
      return;
    case 'change':
      await ask('patch', own, { role: act.role });
      return;
    case 'remove':
      await ask('delete', own);
      return;
    case 'organizationRole':
      await ask('post', `${home}/members`, { accountId, role: act.role });
      await ask('patch', `${home}/members/${await memberId()}`, { role: act.role });
      return;
    case 'leave':
      await ask('delete', `${home}/members/${await memberId()}`);
      return;
    case 'suspend':
      await patch(`/Users/${pushedId}`, { op: 'replace', path: 'active', value: !act.on });
      return;
    case 'group': {
      const path = act.on ? 'members' : `members[value eq "${pushedId}"]`;
      const value = act.on ? { value: [{ value: pushedId }] } : {};
      await patch(`/Groups/${world.groupId}`, { op: act.on ? 'add' : 'remove', path, ...value });
      return;
    }
    case 'renameGroup':
      await patch(`/Groups/${world.groupId}`, { op: 'replace', path: 'displayName', value: act.name });
      return;
    case 'rename':
      await ask('patch', '/api/v1/me', { name: act.name }, accountId);
      return;
    case 'addKey':
      await ask('post', '/api/v1/me/ssh-keys', { publicKey: sshKeys[act.key].line }, accountId);
      return;
    case 'removeKeys':
      for (const { id } of (await ask('get', '/api/v1/me/ssh-keys', undefined, accountId)).items ?? []) {
        await ask('delete', `/api/v1/me/ssh-keys/${id}`, undefined, accountId);
      }
      return;
    case 'adminAccess':
      await ask('patch', home, { settings: { adminAccess: act.to } });
      return;
    case 'archive':
      await ask('patch', project, { archived: act.on });
      return;
    case 'close':
      await (act.on
        ? ask('post', `${home}/close`, { confirm: world.domain.split('.')[0] })
        : ask('post', `${home}/restore`));
      return;
  }
}

/** Reads as an agent does, at this node, until nothing happens between its answer and the whole list: then it has that list. */
async function compare(there: TestGatehouse, { world, agent }: Stage, follower: Follower): Promise<boolean> {
  const path = `/api/v1/projects/${world.projectId}/identities`;
  const read = async (query: object): Promise<IdentityAnswer> =>
    expectStatus(200, there.bearer(agent, 'get', path).query(query));
  let byChanges = false;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { cursor: since } = follower;
    const told = await read(since === undefined ? {} : { since });
    follower.has = applyAnswer(follower.has, told);
    follower.cursor = told.cursor;
    byChanges ||= told.delta;
    const whole = await read({});
    if (whole.cursor !== told.cursor) continue;
    const held = [...follower.has.values()].sort((a, b) => (a.accountId < b.accountId ? -1 : 1));
    expect(held).toEqual(whole.items);
    return byChanges;
  }
  throw new Error('the list never rests');
}

/**
 * Lets anything happen, at any node, while agents that each look at times of their own follow at any of them: whenever one looks, it has
 * what the whole list says. Answers how many looks were answered by changes.
 */
export async function followThrough(nodes: readonly TestGatehouse[], stage: Stage, numRuns: number): Promise<number> {
  let byChanges = 0;
  const node = fc.nat({ max: nodes.length - 1 });
  const event = fc.record({ at: node, happens: anyAct, looker: fc.nat({ max: 2 }), looksAt: node });
  const nodeAt = (index: number): TestGatehouse => {
    const one = nodes[index];
    if (!one) throw new Error('there is no such node');
    return one;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 8, maxLength: 16 }), async (events) => {
      const followers = Array.from({ length: 3 }, (): Follower => ({ cursor: undefined, has: new Map() }));
      for (const kind of ['close', 'archive'] as const)
        await happen(nodeAt(0), stage, { who: 0, act: { kind, on: false } });
      for (const { at, happens, looker, looksAt } of events) {
        await happen(nodeAt(at), stage, happens);
        const follower = followers[looker];
        if (follower && (await compare(nodeAt(looksAt), stage, follower))) byChanges += 1;
      }
    }),
    { numRuns, endOnFailure: true },
  );
  return byChanges;
}
