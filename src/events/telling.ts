/**
 * What of the audit trail is told to subscribers, and in which words: one table, audit event → domain event (docs/decisions/0036).
 * Pure. What is not in it is told to nobody.
 */
import type { AuditEvent } from '../store/index.ts';
import { platformTrail } from './audit.ts';
import { catalog, type DomainEvent, type EventType, trialType } from './catalog.ts';

type Facts = Readonly<Record<string, unknown>>;

interface Said {
  readonly targetId: string;
  readonly before: Facts;
  readonly after: Facts;
}

/** The event's type, and facts among which are those of its data; others are left out. */
type Telling = (said: Said) => readonly [EventType, Facts];

/** The same type, with the target's id as `key` beside the facts as they were and are. */
const as =
  (type: EventType, key?: string): Telling =>
  ({ targetId, before, after }) => [type, { ...before, ...after, ...(key !== undefined && { [key]: targetId }) }];

const roleChanged: Telling = ({ targetId, before, after }) => [
  'member.role_changed',
  { ...after, memberId: targetId, previousRole: before.role },
];

const ownershipTransferred: Telling = ({ targetId, before, after }) => [
  'ownership.transferred',
  {
    memberId: targetId,
    accountId: after.accountId,
    previousMemberId: before.ownerMemberId,
    previousAccountId: before.accountId,
  },
];

/** On what a role is given, in the words of the catalogue. */
const targetOf = ({ target, targetId }: Facts) => ({
  on: target,
  ...(target === 'project' && { projectId: targetId }),
});

function grantOf({ role, source, sourceId, grantedBy }: Facts): Facts {
  if (source !== 'mapping') return { role, source };
  return { role, source, mappingId: sourceId, groupId: /^group:(.+)$/.exec(String(grantedBy))?.[1] };
}

/** Whether somebody gained or lost something in the project, or only where it comes from has changed. */
function collaboratorType({ before, after }: Said): EventType | undefined {
  if (before.projectRole === after.projectRole) return undefined;
  if (before.projectRole === undefined) return 'collaborator.added';
  return after.projectRole === undefined ? 'collaborator.removed' : 'collaborator.role_changed';
}

const granted =
  (type: 'grant.added' | 'grant.changed' | 'grant.removed'): Telling =>
  (said) => {
    const { targetId, before, after } = said;
    const facts = type === 'grant.removed' ? before : after;
    const changed = type === 'grant.changed' && { previousGrant: grantOf(before) };
    const shared = { accountId: targetId, ...targetOf(facts), grant: grantOf(facts), ...changed };
    const collaborator = collaboratorType(said);
    if (collaborator === undefined) return [type, shared];
    const roles = { role: after.projectRole, previousRole: before.projectRole };
    // of somebody who stays, a role that is given no longer must not be taken for one that is
    const gone = collaborator === 'collaborator.role_changed' && type === 'grant.removed';
    return [collaborator, { ...shared, ...roles, ...(gone && { grant: undefined, previousGrant: shared.grant }) }];
  };

const mapped =
  (type: 'mapping.created' | 'mapping.changed' | 'mapping.deleted'): Telling =>
  ({ targetId, before, after }) => {
    const facts = { ...before, ...after };
    return [type, { ...facts, mappingId: targetId, ...targetOf(facts) }];
  };

/** The audit event of a trial delivery. */
export const trialAudit = 'webhook.tested';

const tellings: Readonly<Record<string, Telling>> = {
  'organization.created': as('organization.created'),
  'organization.updated': as('organization.updated'),
  'organization.closed': as('organization.closed'),
  'organization.restored': as('organization.restored'),
  'organization.deleted': as('organization.deleted', 'organizationId'),
  'ownership.transferred': ownershipTransferred,
  'member.added': as('member.added', 'memberId'),
  'member.role_changed': roleChanged,
  'member.suspended': as('member.suspended', 'memberId'),
  'member.reactivated': as('member.reactivated', 'memberId'),
  'member.removed': as('member.removed', 'memberId'),
  'member.blocked': as('member.blocked', 'accountId'),
  'member.unblocked': as('member.unblocked', 'accountId'),
  'member.sessions_ended': as('member.sessions_ended', 'memberId'),
  'member.session_ended': as('member.sessions_ended', 'memberId'),
  'grant.added': granted('grant.added'),
  'grant.changed': granted('grant.changed'),
  'grant.removed': granted('grant.removed'),
  'project.created': as('project.created', 'projectId'),
  'project.updated': as('project.updated', 'projectId'),
  'project.archived': as('project.archived', 'projectId'),
  'project.unarchived': as('project.unarchived', 'projectId'),
  'project.deleted': as('project.deleted', 'projectId'),
  'key.created': as('key.created', 'keyId'),
  'key.revoked': as('key.revoked', 'keyId'),
  'key.removed': as('key.revoked', 'keyId'),
  'default_key.regenerated': as('default_key.regenerated', 'keyId'),
  'resource.registered': as('resource.registered', 'resourceId'),
  // what is absent now must not come from what was
  'resource.updated': ({ targetId, after }) => ['resource.updated', { ...after, resourceId: targetId }],
  'resource.removed': as('resource.removed', 'resourceId'),
  'mapping.created': mapped('mapping.created'),
  'mapping.changed': mapped('mapping.changed'),
  'mapping.bound_again': mapped('mapping.changed'),
  'mapping.deleted': mapped('mapping.deleted'),
  'connection.created': as('connection.created', 'connectionId'),
  'connection.updated': as('connection.updated', 'connectionId'),
  'connection.metadata_refreshed': as('connection.updated', 'connectionId'),
  'connection.activated': as('connection.activated', 'connectionId'),
  'connection.disabled': as('connection.disabled', 'connectionId'),
  'connection.deleted': as('connection.deleted', 'connectionId'),
  'directory.created': as('directory.created', 'directoryId'),
  'directory.updated': as('directory.updated', 'directoryId'),
  'directory.deleted': as('directory.deleted', 'directoryId'),
  'domain.verified': as('domain.verified'),
  'domain.verification_lost': as('domain.verification_lost'),
  'domain.removed': as('domain.removed'),
  'ssh_key.added': as('ssh_key.added', 'accountId'),
  'ssh_key.removed': as('ssh_key.removed', 'accountId'),
  'account.deleted': as('account.deleted', 'accountId'),
  [trialAudit]: as(trialType, 'webhookId'),
};

/** Whether subscribers are told of such an audit event. */
export const isTold = ({ type, outcome }: Pick<AuditEvent, 'type' | 'outcome'>): boolean =>
  outcome === 'done' && type !== trialAudit && Object.hasOwn(tellings, type);

/**
 * The domain event of a numbered audit event, or of a trial, which is in no order; undefined where subscribers are told nothing: of what was refused, of
 * types that are not in the table, and of events from before the catalogue, which lack what it promises.
 */
export function tell(event: AuditEvent): DomainEvent | undefined {
  const { _id, type, outcome, targetId, before = {}, after = {}, organizationId, seq, actor, createdAt } = event;
  const telling = Object.hasOwn(tellings, type) ? tellings[type] : undefined;
  const sequence = type === trialAudit ? 0 : seq;
  if (telling === undefined || outcome !== 'done' || sequence === undefined) return undefined;
  const [eventType, facts] = telling({ targetId, before, after });
  const data = catalog[eventType].data.safeParse(facts);
  if (!data.success) return undefined;
  return {
    id: eventIdOf(_id),
    type: eventType,
    timestamp: createdAt.toISOString(),
    ...(organizationId !== platformTrail && { organizationId }),
    sequence,
    actor,
    data: data.data,
  };
}

/** An event is named after the audit event that it stands on. */
export const eventIdOf = (auditId: string): string => auditId.replace(/^aud-/, 'evt-');
