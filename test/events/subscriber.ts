/** A service that knows of an organization only what the event feed tells (EVT-1), and what is really so, to compare. */
import { higherRole, type Role } from '../../src/access/index.ts';
import type { Store } from '../../src/store/index.ts';
import { until } from '../support/until.ts';

type Grant = Readonly<Record<string, string>>;

export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly organizationId?: string;
  readonly sequence: number;
  readonly timestamp: string;
  readonly actor: string;
  readonly data: Readonly<Record<string, string>> & { readonly grant?: Grant; readonly previousGrant?: Grant };
}

/** What is known: members, the Owner, the roles of collaborators, and each source that gives one. */
export interface Known {
  readonly members: Readonly<Record<string, string>>;
  readonly owner: string | undefined;
  readonly collaborators: Readonly<Record<string, string>>;
  readonly grants: readonly string[];
}

/** What these events, from the first one on, say. */
export function replay(events: readonly Heard[]): Known {
  const members = new Map<string, { accountId: string; role: string; status: string }>();
  const collaborators = new Map<string, string>();
  const grants = new Map<string, string>();
  let owner: string | undefined;
  for (const { type, data } of events) {
    const { memberId = '', accountId = '', role = '', status = '', projectId = '' } = data;
    const member = members.get(memberId);
    hearOfGrant(grants, { type, data });
    if (type === 'member.added') members.set(memberId, { accountId, role, status });
    if (type === 'member.added' && data.source === 'owner') owner = memberId;
    if (type === 'member.removed') members.delete(memberId);
    if (type === 'member.role_changed' && member) member.role = role;
    if (type === 'member.suspended' && member) member.status = 'suspended';
    if (type === 'member.reactivated' && member) member.status = 'active';
    if (type === 'ownership.transferred') owner = memberId;
    if (type === 'collaborator.added' || type === 'collaborator.role_changed') {
      collaborators.set(`${projectId} ${accountId}`, role);
    }
    if (type === 'collaborator.removed') collaborators.delete(`${projectId} ${accountId}`);
  }
  return {
    members: sorted([...members].map(([id, { accountId, role, status }]) => [id, `${accountId} ${role} ${status}`])),
    owner,
    collaborators: sorted([...collaborators]),
    grants: [...grants].map(([source, role]) => `${source} ${role}`).sort(),
  };
}

/** By account, place and source: the role that it gives. */
function hearOfGrant(grants: Map<string, string>, { type, data }: Pick<Heard, 'type' | 'data'>): void {
  const { accountId = '', projectId, grant, previousGrant } = data;
  const keyOf = ({ source, mappingId }: Grant) => [accountId, projectId ?? 'organization', source, mappingId].join(' ');
  if (previousGrant) grants.delete(keyOf(previousGrant));
  if (grant && type.endsWith('.removed')) grants.delete(keyOf(grant));
  else if (grant) grants.set(keyOf(grant), grant.role ?? '');
}

/** What is so. */
export async function present({ read }: Store, organizationId: string): Promise<Known> {
  const members = await read.members.find(organizationId, {});
  const grants = await read.grants.find(organizationId, {});
  const roles = new Map<string, Role>();
  for (const { accountId, target, targetId, role } of grants) {
    if (target !== 'project') continue;
    const key = `${targetId} ${accountId}`;
    roles.set(key, higherRole(roles.get(key), role) ?? role);
  }
  return {
    members: sorted(members.map(({ _id, accountId, role, status }) => [_id, `${accountId} ${role} ${status}`])),
    owner: members.find((member) => member.owner)?._id,
    collaborators: sorted([...roles]),
    grants: grants
      .map(({ accountId, target, targetId, source, sourceId, role }) =>
        [
          accountId,
          target === 'project' ? targetId : 'organization',
          source,
          source === 'mapping' ? sourceId : '',
          role,
        ].join(' '),
      )
      .sort(),
  };
}

const sorted = (entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Waits until all that was committed has its number and its place. */
export async function settled({ read }: Store, organizationId: string): Promise<void> {
  await until('all events are numbered and placed', async () => {
    const pending = { pending: true } as const;
    const [events, chunks] = await Promise.all([
      read.auditEvents.count(organizationId, pending),
      read.eventChunks.count(organizationId, pending),
    ]);
    return events + chunks === 0;
  });
}
