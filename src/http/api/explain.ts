/** Why somebody, or a key, may do something here, or may not (PERM-6). */
import { z } from 'zod';
import {
  type Decision,
  decideKeyAccess,
  evaluate,
  type FormerPerson,
  findContacts,
  findKeyById,
  findMemberEver,
  getOrganization,
  getProject,
  loadKeyFacts,
  type ResourceRef,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import { isId } from '../../lib/ids.ts';
import {
  type ExplainedCandidate,
  explainAccount,
  findAccountByAddress,
  type Origin,
} from '../../provisioning/index.ts';
import type { ReadStore } from '../../store/index.ts';
import { demand } from '../authorize.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, role, time } from './common.ts';

const step = z.strictObject({
  groupId: id,
  groupName: z.string().optional(),
  since: time,
  by: z.string().meta({ description: '`directory:<id>` for a push' }),
  requestId: z.string(),
  logEntryId: id.optional().meta({ description: 'the row of the provisioning log, while it is kept' }),
});

const origin = z
  .strictObject({
    grantId: id,
    role: role.meta({ description: 'as it was given' }),
    since: time,
    grantedBy: z.string(),
    requestId: z.string(),
    mapping: z
      .strictObject({
        mappingId: id,
        groupId: id,
        groupName: z.string().optional(),
        directoryId: id.optional(),
        directoryName: z.string().optional(),
        directoryUserId: id.optional(),
        userName: z.string().optional(),
        path: z.array(step).meta({
          description:
            'from the group that holds the person up to that of the mapping; each step with the request that made it',
        }),
      })
      .optional(),
  })
  .meta({ id: 'GrantOrigin' });

const candidate = z
  .strictObject({
    source: z.enum(['owner', 'organization_role', 'default_project', 'manual', 'mapping', 'creator', 'key']),
    role,
    outcome: z.enum(['wins', 'same', 'lower', 'void']),
    why: z.string(),
    origin: origin.optional(),
    from: z
      .array(origin)
      .optional()
      .meta({ description: 'the grants by which somebody is an Admin of the organization' }),
  })
  .meta({ id: 'AccessCandidate' });

const former = z
  .strictObject({
    state: z.enum(['removed', 'blocked']),
    was: z.enum(['member', 'collaborator']),
    memberId: id.optional(),
    role: role.optional().meta({ description: 'the organization role at the end' }),
    endedAt: time,
    endedBy: z.string().meta({ description: 'the actor of the removal' }),
    requestId: z.string(),
    block: z
      .strictObject({ id, blockedBy: z.string(), since: time })
      .optional()
      .meta({ description: 'what keeps the person out, until it is taken off (MEM-4)' }),
  })
  .meta({ id: 'FormerPerson' });

const presentFormer = ({ block, endedAt, ...rest }: FormerPerson): z.output<typeof former> => ({
  state: block ? 'blocked' : 'removed',
  ...rest,
  endedAt: endedAt.toISOString(),
  ...(block && { block: { id: block._id, blockedBy: block.blockedBy, since: block.createdAt.toISOString() } }),
});

const explanation = z
  .strictObject({
    subject: z.strictObject({
      type: z.enum(['user', 'api_key']),
      id,
      email: z.string().optional(),
      name: z.string().optional(),
      memberId: id.optional(),
      status: z.string().optional(),
      external: z.literal(true).optional().meta({ description: 'an External Collaborator (PRJ-6)' }),
    }),
    resource: z.strictObject({ type: z.enum(['organization', 'project']), id, name: z.string() }),
    role: role.optional().meta({ description: 'the effective one; absent where there is none' }),
    reason: z.strictObject({ code: z.string(), message: z.string() }),
    former: former.optional().meta({ description: 'of who is neither member nor collaborator any more' }),
    decision: z.boolean().optional().meta({ description: 'about `permission`, as an evaluation answers it' }),
    candidates: z.array(candidate).meta({ description: 'everything that could give a role, and what becomes of each' }),
  })
  .meta({ id: 'Explanation' });

const presentOrigin = ({ since, mapping, ...rest }: Origin): z.output<typeof origin> => ({
  ...rest,
  since: since.toISOString(),
  ...(mapping && {
    mapping: { ...mapping, path: mapping.path.map((one) => ({ ...one, since: one.since.toISOString() })) },
  }),
});

const presentCandidate = ({ origin: one, from, ...rest }: ExplainedCandidate): z.output<typeof candidate> => ({
  ...rest,
  ...(one && { origin: presentOrigin(one) }),
  ...(from && { from: from.map(presentOrigin) }),
});

const query = z
  .strictObject({
    person: z.string().min(1).max(320).optional().meta({
      description: 'a member, also a former one, an account, a proven email, or the address that a directory shows',
    }),
    key: id.optional().meta({ description: 'the id of an API key' }),
    project: id
      .optional()
      .meta({ description: 'a project; the organization itself where absent, the own one of a key' }),
    permission: z.string().min(1).max(100).optional(),
  })
  .refine(({ person, key }) => (person === undefined) !== (key === undefined), {
    message: 'name either person or key',
  });

export const explainRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/organizations/{org}/access/explain',
    tag: 'Decisions',
    summary: 'Explain why a person or a key has access, or has none',
    description:
      "Every source that could give a role: which one wins, and why the others do not; a mapping's with the group, the directory, and the pushes that put the person in; of who was removed or blocked, when and by whom. Members ask about themselves, and about projects that they can see; about others and about keys, who has `audit.read`. Sessions are left out of account.",
    access: { permission: 'organization.read', on: 'organization' },
    params: inOrganization,
    query,
    status: 200,
    response: explanation,
    handle: async ({ params, query: asked, principal, reads }, { baseUrl, clock }) => {
      const { org } = params;
      const accountId = asked.person === undefined ? undefined : await findPerson(reads, org, asked.person);
      if (principal.kind === 'account' && principal.accountId !== accountId) {
        await demand(principal, 'audit.read', { kind: 'organization', id: org }, reads, baseUrl);
      }
      if (asked.key !== undefined) return explainKey(reads, org, { ...asked, key: asked.key }, clock.now());
      if (accountId === undefined) throw new AppError('not_found', 'The organization has no such person');
      const shown = await explainPerson(reads, org, accountId, asked);
      if (principal.kind !== 'account' || asked.project === undefined || shown.role !== undefined) return shown;
      // what one cannot see oneself is not there, not even by its name (PRJ-1); who reads the audit knows the projects
      const trail = { permission: 'audit.read', resource: { kind: 'organization', id: org } } as const;
      if ((await evaluate(reads, { accountId: principal.accountId, ...trail })).allowed) return shown;
      throw new AppError('not_found', `There is no project ${asked.project}`);
    },
  }),
];

const verdict = (decision: Decision | undefined, { reason: code, message }: Pick<Decision, 'reason' | 'message'>) =>
  decision
    ? { reason: { code: decision.reason, message: decision.message }, decision: decision.allowed }
    : { reason: { code, message } };

/** The account of a member's id, an account's id (also of one that was deleted) or an address. */
async function findPerson(reads: ReadStore, organizationId: string, named: string): Promise<string | undefined> {
  if (isId('member', named)) return findMemberEver(reads, organizationId, named);
  if (isId('account', named)) return named;
  // an address that nobody has is looked for as long as that of somebody elsewhere
  return (await findAccountByAddress(reads, organizationId, named)) ?? nobody;
}

const nobody = 'acc-00000000000000000000000000';

async function describe(reads: ReadStore, { kind: type, id: of }: ResourceRef) {
  const { name } = type === 'organization' ? await getOrganization(reads, of) : await getProject(reads, of);
  return { type, id: of, name };
}

interface About {
  readonly project?: string | undefined;
  readonly permission?: string | undefined;
}

async function explainPerson(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
  { project, permission }: About,
): Promise<z.output<typeof explanation>> {
  const resource: ResourceRef =
    project === undefined ? { kind: 'organization', id: organizationId } : { kind: 'project', id: project };
  const {
    member,
    former: gone,
    standing,
    candidates,
  } = await explainAccount(reads, organizationId, accountId, resource);
  const decision = permission === undefined ? undefined : await evaluate(reads, { accountId, permission, resource });
  const { name, email } = (await findContacts(reads, [accountId])).get(accountId) ?? {};
  return {
    subject: {
      type: 'user',
      id: accountId,
      ...(email !== undefined && !gone && { email }),
      ...(name !== undefined && { name }),
      ...(member && { memberId: member._id, status: member.status }),
      ...(!member && !gone && candidates.some(({ source }) => source === 'manual') && { external: true as const }),
    },
    resource: await describe(reads, resource),
    ...(standing.role && { role: standing.role }),
    ...verdict(decision, standing),
    ...(gone && { former: presentFormer(gone) }),
    candidates: candidates.map(presentCandidate),
  };
}

async function explainKey(
  reads: ReadStore,
  organizationId: string,
  asked: About & { readonly key: string },
  now: Date,
): Promise<z.output<typeof explanation>> {
  const key = await findKeyById(reads, asked.key);
  if (key?.organizationId !== organizationId) throw new AppError('not_found', `There is no key ${asked.key}`);
  const resource: ResourceRef = { kind: 'project', id: asked.project ?? key.projectId };
  if ((await getProject(reads, resource.id)).organizationId !== organizationId) {
    throw new AppError('not_found', `There is no project ${resource.id}`);
  }
  const facts = await loadKeyFacts(reads, key, resource, now);
  const standing = decideKeyAccess(facts, 'project.read');
  const decision = asked.permission === undefined ? undefined : decideKeyAccess(facts, asked.permission);
  return {
    subject: { type: 'api_key', id: key._id, ...(key.name !== undefined && { name: key.name }) },
    resource: await describe(reads, resource),
    ...(standing.role && { role: standing.role }),
    ...verdict(decision, standing),
    candidates: [{ source: 'key', role: 'member', outcome: standing.allowed ? 'wins' : 'void', why: standing.message }],
  };
}
