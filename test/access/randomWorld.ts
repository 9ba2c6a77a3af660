/** Random organizations, people, projects, grants, keys and registered resources, open, archived and closed, written as rows: whatever a decision may depend on. */
import fc from 'fast-check';
import { openSession } from '../../src/access/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { hashSecret, newSecret } from '../../src/lib/secrets.ts';
import { caseKey } from '../../src/lib/text.ts';
import { PLATFORM, type Store, type Transaction } from '../../src/store/index.ts';

const people = 5;
/** Of each organization, the default one first. */
const projects = 3;

const person = fc.nat({ max: people - 1 });
const standing = fc.constantFrom('none', 'none', 'admin', 'member', 'suspended admin', 'suspended member');

const grant = fc.record({
  person,
  /** `undefined`: on the organization itself. */
  project: fc.option(fc.nat({ max: projects - 1 }), { nil: undefined, freq: 6 }),
  role: fc.constantFrom('admin' as const, 'member' as const),
  source: fc.constantFrom('manual' as const, 'mapping' as const, 'creator' as const),
});

/** Types of resources that random worlds have. */
export const randomTypes = ['cluster', 'volume', 'file'] as const;

const organization = fc.record({
  closed: fc.constantFrom(false, false, false, true),
  owner: person,
  standings: fc.array(standing, { minLength: people, maxLength: people }),
  adminAccess: fc.constantFrom('all' as const, 'joined' as const),
  ssoEnforced: fc.boolean(),
  grants: fc.array(grant, { maxLength: 12 }),
  /** Of each project but the default one. */
  archived: fc.array(fc.constantFrom(false, false, true), { minLength: projects - 1, maxLength: projects - 1 }),
  resources: fc.array(fc.record({ project: fc.nat({ max: projects - 1 }), type: fc.constantFrom(...randomTypes) }), {
    maxLength: 5,
  }),
  keys: fc.array(
    fc.record({ project: fc.nat({ max: projects - 1 }), state: fc.constantFrom('live', 'revoked', 'expired') }),
    { maxLength: 5 },
  ),
});

export const anyWorld = fc.tuple(organization, organization);

type Plan = typeof anyWorld extends fc.Arbitrary<infer P> ? P : never;

export interface RandomWorld {
  readonly accounts: readonly string[];
  /** A session of each account, from its mailbox. */
  readonly sessions: readonly string[];
  readonly organizations: readonly string[];
  readonly projects: readonly string[];
  readonly keys: readonly string[];
  readonly resources: readonly { readonly type: string; readonly id: string; readonly projectId: string }[];
}

const cause = { actor: 'test', requestId: 'test' };

/** Writes what the plan says; nothing of it is checked by a use case. */
export function writeWorld(store: Store, plan: Plan): Promise<RandomWorld> {
  return store.transaction(cause, async (tx) => {
    const accounts: string[] = [];
    const sessions: string[] = [];
    for (let index = 0; index < people; index += 1) {
      const { _id: accountId } = await tx.accounts.insert(PLATFORM, { _id: newId('account') });
      accounts.push(accountId);
      const opened = await openSession(tx, { accountId, proofs: [{ kind: 'mailbox', at: tx.at }] });
      sessions.push(opened.session._id);
    }
    const made = [];
    for (const one of plan) made.push(await writeOrganization(tx, one, accounts));
    return {
      accounts,
      sessions,
      organizations: made.map(({ id }) => id),
      projects: made.flatMap((one) => one.projects),
      keys: made.flatMap((one) => one.keys),
      resources: made.flatMap((one) => one.resources),
    };
  });
}

async function writeOrganization(tx: Transaction, plan: Plan[number], accounts: readonly string[]) {
  const organizationId = newId('organization');
  await tx.organizations.insert(organizationId, {
    _id: organizationId,
    organizationId,
    name: 'Random',
    slug: organizationId,
    ...(plan.closed && { closedAt: tx.at }),
    settings: {
      multiProject: true,
      adminAccess: plan.adminAccess,
      membershipPolicy: 'invitations',
      ssoEnforced: plan.ssoEnforced,
    },
  });
  for (const [index, accountId] of accounts.entries()) {
    const owner = index === plan.owner;
    const as = plan.standings[index] ?? 'none';
    if (as === 'none' && !owner) continue;
    await tx.members.insert(organizationId, {
      _id: newId('member'),
      organizationId,
      accountId,
      role: owner || as.includes('admin') ? 'admin' : 'member',
      status: as.startsWith('suspended') && !owner ? 'suspended' : 'active',
      source: 'operator',
      ...(owner && { owner }),
    });
  }
  const made: string[] = [];
  for (let index = 0; index < projects; index += 1) {
    const name = `Project ${index}`;
    const fields = {
      organizationId,
      name,
      nameKey: caseKey(name),
      ...(index === 0 && { isDefault: true }),
      ...closedMark(plan),
    };
    const archived = isArchived(plan, index) && { archivedAt: tx.at };
    made.push((await tx.projects.insert(organizationId, { _id: newId('project'), ...fields, ...archived }))._id);
  }
  const given = new Set<string>();
  for (const { person: index, project, role, source } of plan.grants) {
    const fields = {
      accountId: accounts[index] ?? '',
      target: project === undefined ? ('organization' as const) : ('project' as const),
      targetId: project === undefined ? organizationId : (made[project] ?? ''),
      source,
    };
    const key = Object.values(fields).join();
    if (given.has(key)) continue;
    given.add(key);
    const rest = { role, sourceId: source, grantedBy: source === 'mapping' ? 'group:grp-1' : 'operator' };
    await tx.grants.insert(organizationId, { _id: newId('grant'), organizationId, ...fields, ...rest });
  }
  return {
    id: organizationId,
    projects: made,
    keys: await writeKeys(tx, plan, organizationId, made),
    resources: await writeResources(tx, plan, organizationId, made),
  };
}

const isArchived = ({ archived }: Plan[number], project: number): boolean =>
  project > 0 && archived[project - 1] === true;

/** What closing an organization repeats on rows of its own. */
const closedMark = ({ closed }: Plan[number]) => closed && ({ organizationClosed: true } as const);

async function writeKeys(tx: Transaction, plan: Plan[number], organizationId: string, made: readonly string[]) {
  const keys: string[] = [];
  for (const { project, state } of plan.keys) {
    const secret = newSecret('ghk_');
    const key = await tx.apiKeys.insert(organizationId, {
      _id: newId('apiKey'),
      organizationId,
      projectId: made[project] ?? '',
      kind: 'project',
      name: 'key',
      hash: hashSecret(secret),
      prefix: 'ghk_',
      lastFour: secret.slice(-4),
      createdBy: 'operator',
      ...(state === 'revoked' && { revokedAt: tx.at }),
      ...(state === 'expired' && { expiresAt: tx.at }),
      ...(isArchived(plan, project) && { projectArchived: true }),
      ...closedMark(plan),
    });
    keys.push(key._id);
  }
  return keys;
}

async function writeResources(tx: Transaction, plan: Plan[number], organizationId: string, made: readonly string[]) {
  const resources: RandomWorld['resources'][number][] = [];
  for (const { project, type } of plan.resources) {
    const projectId = made[project] ?? '';
    const fields = { organizationId, projectId, type, name: 'resource', createdBy: 'operator' };
    const { _id: id } = await tx.resources.insert(organizationId, { _id: newId('resource'), ...fields });
    resources.push({ type, id, projectId });
  }
  return resources;
}
