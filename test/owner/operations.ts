/**
 * What happens to an organization all day, and what could hurt its Owner: each kind of operation falls upon a person whom
 * chance has chosen, the Owner among them.
 */
import { sweepOrganization } from '../../src/provisioning/index.ts';
import { enqueue } from '../../src/queue/index.ts';
import { type Member, ProtectedRowError } from '../../src/store/index.ts';
import { type Answer, forget, type Ground, type Pushed, personNamed, pushUser } from './ground.ts';
import { cause, ownerResource, patchOf } from './scene.ts';

/** Chance, as data: the same numbers on the same ground mean the same. */
export interface Chance {
  /** One in four is the Owner. */
  readonly who: number;
  readonly variant: number;
}

/** `succeeded` counts only what fell upon others than the Owner; `idle`: there was nothing to do it to. */
export type Outcome = 'succeeded' | 'refused' | 'idle';

type Operation = (ground: Ground, chance: Chance) => Promise<Outcome>;

/** Throws where the answer is a fault, which no rule explains. */
function outcome({ status, body }: Answer): Outcome {
  if (status >= 500 && status !== 503) throw new Error(`was answered ${status}: ${JSON.stringify(body)}`);
  return status < 300 ? 'succeeded' : 'refused';
}

const fallsOnOwner = ({ who }: Chance): boolean => who % 4 === 0;
const pick = <T>(items: readonly T[], { who }: Chance): T | undefined => items[who % Math.max(items.length, 1)];

/** Whether the IdP's user is the one who is linked to the Owner. */
async function governsOwner({ store, id, ownerNow }: Ground, { scimId }: Pushed): Promise<boolean> {
  const user = await store.read.directoryUsers.get(id, scimId);
  return user?.accountId === (await ownerNow()).accountId;
}

/** Carries out on a pushed user; what fell upon the Owner does not count. */
async function onUser(ground: Ground, chance: Chance, act: (user: Pushed) => Promise<Answer>): Promise<Outcome> {
  const user = fallsOnOwner(chance) ? await ownersUser(ground) : pick(ground.users, chance);
  if (!user) return 'idle';
  const isOwner = await governsOwner(ground, user);
  const answer = await act(user);
  return isOwner ? 'refused' : outcome(answer);
}

async function ownersUser(ground: Ground): Promise<Pushed | undefined> {
  const { accountId } = await ground.ownerNow();
  const user = await ground.store.read.directoryUsers.findOne(ground.id, { accountId });
  return ground.users.find(({ scimId }) => scimId === user?._id);
}

/** Carries out on a member, in the name of the operator or of an Admin. */
async function onMember(
  ground: Ground,
  chance: Chance,
  suits: (member: Member) => boolean,
  act: (member: Member, actAs: string | undefined) => Promise<Answer>,
): Promise<Outcome> {
  const owner = await ground.ownerNow();
  const members = await ground.members();
  const others = members.filter((member) => member._id !== owner._id && suits(member));
  const target = fallsOnOwner(chance) ? owner : pick(others, chance);
  if (!target) return 'idle';
  const admin = pick(
    members.filter(({ role, status, _id }) => role === 'admin' && status === 'active' && _id !== target._id),
    chance,
  );
  const answer = await act(target, chance.variant % 2 === 0 ? undefined : admin?.accountId);
  return target === owner ? 'refused' : outcome(answer);
}

const home = ({ id }: Ground) => `/api/v1/organizations/${id}`;
const membersOf = (ground: Ground, { who, variant }: Chance) =>
  [who, who + variant, who + 2].map((index) => ({ value: ground.users[index % ground.users.length]?.scimId ?? '' }));
const groupOf = (displayName: string, members: readonly object[]) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName,
  members,
});

const users: Readonly<Record<string, Operation>> = {
  async 'SCIM POST user'(ground, chance) {
    if (!fallsOnOwner(chance)) return outcome(await pushUser(ground, personNamed(ground.unused())));
    await pushUser(ground, { ...ownerResource({ active: false }), userName: ground.unused() });
    return 'refused';
  },
  'SCIM PUT user': (ground, chance) =>
    onUser(ground, chance, ({ scimId, userName }) =>
      ground.push('put', `/Users/${scimId}`, personNamed(userName, { active: chance.variant % 2 === 0 })),
    ),
  'SCIM PATCH user': (ground, chance) =>
    onUser(ground, chance, ({ scimId }) =>
      ground.push('patch', `/Users/${scimId}`, patchOf({ op: 'replace', value: { active: chance.variant % 2 === 0 } })),
    ),
  'SCIM DELETE user': (ground, chance) =>
    onUser(ground, chance, async (user) => {
      const answer = await ground.push('delete', `/Users/${user.scimId}`);
      if (answer.status === 204) forget(ground.users, user);
      return answer;
    }),
};

const groups: Readonly<Record<string, Operation>> = {
  async 'SCIM POST group'(ground, chance) {
    const answer = await ground.push('post', '/Groups', groupOf(ground.unused(), membersOf(ground, chance)));
    if (answer.status === 201 && answer.body.id !== undefined) ground.groups.push(answer.body.id);
    return outcome(answer);
  },
  async 'SCIM PUT group'(ground, chance) {
    const group = pick(ground.groups, chance);
    if (!group) return 'idle';
    const members = chance.variant % 3 === 0 ? [] : membersOf(ground, chance);
    return outcome(await ground.push('put', `/Groups/${group}`, groupOf(ground.unused(), members)));
  },
  async 'SCIM PATCH group'(ground, chance) {
    const group = pick(ground.groups, chance);
    const [{ value = '' } = {}] = membersOf(ground, chance);
    if (!group || value === '') return 'idle';
    const change =
      chance.variant % 2 === 0
        ? { op: 'add', path: 'members', value: [{ value }] }
        : { op: 'remove', path: `members[value eq "${value}"]` };
    return outcome(await ground.push('patch', `/Groups/${group}`, patchOf(change)));
  },
  async 'SCIM DELETE group'(ground, chance) {
    const group = pick(ground.groups, chance);
    if (!group) return 'idle';
    const answer = await ground.push('delete', `/Groups/${group}`);
    forget(ground.groups, group);
    return outcome(answer);
  },
};

const management: Readonly<Record<string, Operation>> = {
  async 'member added'(ground, chance) {
    const { body } = await ground.ask('post', '/api/v1/accounts', { email: `${ground.unused()}@elsewhere.example` });
    const accountId = fallsOnOwner(chance) ? (await ground.ownerNow()).accountId : body.id;
    const role = chance.variant % 2 === 0 ? 'admin' : 'member';
    return outcome(await ground.ask('post', `${home(ground)}/members`, { accountId, role }));
  },
  'member promoted': (ground, chance) =>
    onMember(
      ground,
      chance,
      ({ role }) => role === 'member',
      ({ _id }, actAs) => ground.ask('patch', `${home(ground)}/members/${_id}`, { role: 'admin' }, named(actAs)),
    ),
  'member demoted': (ground, chance) =>
    onMember(
      ground,
      chance,
      ({ role }) => role === 'admin',
      ({ _id }, actAs) => ground.ask('patch', `${home(ground)}/members/${_id}`, { role: 'member' }, named(actAs)),
    ),
  'member removed': (ground, chance) =>
    onMember(
      ground,
      chance,
      () => true,
      ({ _id }, actAs) => ground.ask('delete', `${home(ground)}/members/${_id}`, undefined, named(actAs)),
    ),
};

const named = (actAs: string | undefined) => (actAs === undefined ? {} : { actAs });

const mappings: Readonly<Record<string, Operation>> = {
  async 'mapping made'(ground, chance) {
    const groupId = pick(ground.groups, chance);
    if (!groupId) return 'idle';
    const target = chance.variant % 2 === 0 ? { organization: true } : { projectId: ground.project };
    const answer = await ground.ask('post', `${home(ground)}/mappings`, { groupId, role: 'admin', ...target });
    if (answer.status === 201 && answer.body.id !== undefined) ground.mappings.push(answer.body.id);
    return outcome(answer);
  },
  async 'mapping changed'(ground, chance) {
    const mapping = pick(ground.mappings, chance);
    if (!mapping) return 'idle';
    const body = { role: chance.variant % 2 === 0 ? 'admin' : 'member', grants: 'revoke' };
    return outcome(await ground.ask('patch', `${home(ground)}/mappings/${mapping}`, body));
  },
  async 'mapping deleted'(ground, chance) {
    const mapping = pick(ground.mappings, chance);
    if (!mapping) return 'idle';
    forget(ground.mappings, mapping);
    const fate = chance.variant % 2 === 0 ? 'revoke' : 'keep';
    return outcome(await ground.ask('delete', `${home(ground)}/mappings/${mapping}?grants=${fate}`));
  },
};

/** Somebody who could become the Owner. */
async function findHeir(ground: Ground, chance: Chance): Promise<Member | undefined> {
  const admins = (await ground.members()).filter(({ role, status, owner }) => {
    return role === 'admin' && status === 'active' && owner !== true;
  });
  return pick(admins, chance);
}

const transferOf = (ground: Ground) => `${home(ground)}/ownership-transfer`;

const transfers: Readonly<Record<string, Operation>> = {
  async 'ownership offered'(ground, chance) {
    const heir = await findHeir(ground, chance);
    if (!heir) return 'idle';
    const token = await ground.signIn((await ground.ownerNow()).accountId);
    return outcome(await ground.ask('post', transferOf(ground), { memberId: heir._id }, { token }));
  },
  async 'ownership accepted'(ground, chance) {
    const pending = () => ground.store.read.ownershipTransfers.findOne(ground.id, {});
    if (!(await pending())) await transfers['ownership offered']?.(ground, chance);
    const offer = await pending();
    const heir = offer && (await ground.store.read.members.get(ground.id, offer.toMemberId));
    if (!heir) return 'idle';
    const token = await ground.signIn(heir.accountId);
    return outcome(await ground.ask('post', `${transferOf(ground)}/accept`, undefined, { token }));
  },
  'offer ended': async (ground) => outcome(await ground.ask('delete', transferOf(ground))),
  async 'ownership forced'(ground, chance) {
    const heir = await findHeir(ground, chance);
    if (!heir) return 'idle';
    return outcome(await ground.ask('post', transferOf(ground), { memberId: heir._id, force: true }));
  },
};

/** Jobs run by themselves all the time; these are asked for once more, and waited for. */
const machinery: Readonly<Record<string, Operation>> = {
  async job(ground, chance) {
    const owner = await ground.ownerNow();
    const member = fallsOnOwner(chance) ? owner : pick(await ground.members(), chance);
    if (!member) return 'idle';
    await ground.run((tx) => enqueue(tx, ground.id, 'reconcile', { people: [member.accountId] }));
    await ground.gatehouse.queue?.idle();
    const jobs = await ground.store.read.outbox.find(ground.id, { job: 'reconcile' });
    const isDone = !jobs.some(({ payload }) => JSON.stringify(payload).includes(member.accountId));
    return isDone && member._id !== owner._id ? 'succeeded' : 'refused';
  },
  async sweep({ store, id }) {
    // Where the domain's rule is off, the sweep tries to demote an Owner without grants; it goes on to the others all the same.
    const swept = await sweepOrganization(store, cause, id).catch((error: unknown) => {
      if (!(error instanceof ProtectedRowError)) throw error;
      return 'owner kept' as const;
    });
    return swept === 'owner kept' || swept.people > 0 ? 'succeeded' : 'refused';
  },
};

/** Past all rules, where only the store's own layer stands between. */
const directWrites: Readonly<Record<string, Operation>> = {
  async 'direct write'(ground, chance) {
    const owner = await ground.ownerNow();
    const target = fallsOnOwner(chance) ? owner : pick(await ground.members(), chance);
    if (!target) return 'idle';
    const { _id } = target;
    const { id } = ground;
    await ground.run<unknown>((tx) => {
      if (chance.variant % 4 === 0) return tx.members.updateOne(id, { _id }, { $set: { status: 'suspended' } });
      if (chance.variant % 4 === 1) return tx.members.updateOne(id, { _id }, { $set: { role: 'member' } });
      if (chance.variant % 4 === 2) return tx.members.remove(id, { _id });
      return tx.members.updateOne(id, { _id }, { $unset: { owner: true } });
    });
    return target === owner ? 'refused' : 'succeeded';
  },
};

/** What can be reached without the database. */
export const operations: Readonly<Record<string, Operation>> = {
  ...users,
  ...groups,
  ...management,
  ...mappings,
  ...transfers,
  ...machinery,
};

export const allOperations: Readonly<Record<string, Operation>> = { ...operations, ...directWrites };

/** By which the Owner may become another. */
export const movesOwnership: ReadonlySet<string> = new Set(['ownership accepted', 'ownership forced']);
