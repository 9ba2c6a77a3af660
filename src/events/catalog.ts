/**
 * What subscribers may be told (EVT-1): every type of domain event, what it says, and what its `data` holds. Ids, roles and names
 * of things; of people their account's id and nothing else: whoever may know more asks for it by the id.
 */
import { z } from 'zod';

const id = z.string();
const role = z.enum(['admin', 'member']);
const time = z.iso.datetime();

interface Entry {
  /** In a sentence. */
  readonly says: string;
  readonly data: z.ZodObject;
}

const told = <S extends z.ZodRawShape>(says: string, data: S) => ({ says, data: z.object(data) });

const person = { memberId: id, accountId: id };

/** A role that one source gives; `previousGrant` is what it was where it has changed, and stands alone where it gives none any more. */
const grant = z.object({
  role,
  source: z.enum(['manual', 'mapping', 'creator']),
  mappingId: id.optional(),
  groupId: id.optional(),
});
const collaborator = { projectId: id, accountId: id };
const onTarget = {
  accountId: id,
  on: z.enum(['organization', 'project']),
  projectId: id.optional(),
  grant,
};
const project = { projectId: id, name: z.string() };
const key = { keyId: id, projectId: id, name: z.string().optional(), lastFour: z.string() };
const resource = {
  resourceId: id,
  projectId: id,
  type: z.string(),
  name: z.string(),
  externalId: z.string().optional(),
  clusterId: id.optional(),
};
const mapping = { mappingId: id, groupId: id, on: z.enum(['organization', 'project']), projectId: id.optional(), role };
const connection = { connectionId: id, name: z.string(), protocol: z.enum(['saml', 'oidc']), status: z.string() };
const directory = { directoryId: id, name: z.string() };
const domain = { domain: z.string() };
const sshKey = { accountId: id, sshKeyId: id, fingerprint: z.string() };

/** The catalogue. A type keeps its meaning and the fields of its data for ever; further fields may come. */
export const catalog = {
  'organization.created': told('The organization was made.', { name: z.string(), slug: z.string() }),
  'organization.updated': told(
    'Its name or settings were changed; `settings` are all that were ever set, as they are now.',
    {
      name: z.string(),
      settings: z.record(z.string(), z.unknown()),
    },
  ),
  'organization.closed': told('All access has ended; what there is will be deleted at `deleteAt`.', { deleteAt: time }),
  'organization.restored': told('A closed organization is open again, with everything that was in it.', {}),
  'organization.deleted': told('It is gone, and its own feed with it: told to subscribers of the platform only.', {
    organizationId: id,
    name: z.string(),
    slug: z.string(),
  }),
  'ownership.transferred': told('Another member is the Owner now.', {
    ...person,
    previousMemberId: id,
    previousAccountId: id,
  }),

  'member.added': told('Somebody is a member; as an Admin, or not.', {
    ...person,
    role,
    status: z.enum(['active', 'suspended']),
    source: z.enum(['owner', 'operator', 'invitation', 'scim', 'sso']),
  }),
  'member.role_changed': told('The effective organization role is another one.', {
    ...person,
    role,
    previousRole: role,
  }),
  'member.suspended': told('Denied everywhere in the organization, sessions ended.', person),
  'member.reactivated': told('All that the member had counts again.', person),
  'member.removed': told('No longer a member; every role and session in the organization has ended.', person),
  'member.blocked': told('Removed, and nobody brings them back until they are unblocked.', person),
  'member.unblocked': told('May come again.', { accountId: id }),
  'member.sessions_ended': told(
    'An Admin has ended sessions of a member: that of `sessionId`, or, without it, all of them.',
    { ...person, sessionId: id.optional() },
  ),

  'collaborator.added': told('Somebody has a role in the project who had none that was given there.', {
    ...collaborator,
    role,
    grant,
  }),
  'collaborator.role_changed': told(
    'The highest role that is given to them in the project is another one: a source gives `grant` now, or has ceased to give `previousGrant`, or both.',
    {
      ...collaborator,
      role,
      previousRole: role,
      grant: grant.optional(),
      previousGrant: grant.optional(),
    },
  ),
  'collaborator.removed': told('Nothing gives them a role in the project any more.', {
    ...collaborator,
    previousRole: role,
    grant,
  }),
  'grant.added': told('One more source gives a role; a collaborator has the role already.', onTarget),
  'grant.changed': told('What one source gives is another role, or another source stands for it.', {
    ...onTarget,
    previousGrant: grant,
  }),
  'grant.removed': told('One source gives its role no longer; what other sources give stays.', onTarget),

  'project.created': told('There is a new project.', { ...project, isDefault: z.boolean() }),
  'project.updated': told('It has another name or description.', project),
  'project.archived': told('It rests: nothing is added to it, and its keys are worth nothing.', project),
  'project.unarchived': told('It is in use again.', project),
  'project.deleted': told('It is gone with its keys, resources and collaborators.', project),

  'key.created': told('There is a new API key.', { ...key, expiresAt: time.optional() }),
  'key.revoked': told('An API key is worth nothing any more: revoked, or gone with its project.', key),
  'default_key.regenerated': told('The Organization Default Key has another secret; the former one is dead.', {
    keyId: id,
    projectId: id,
    lastFour: z.string(),
  }),

  'resource.registered': told('A resource was registered.', resource),
  'resource.updated': told('What is registered of it has changed.', resource),
  'resource.removed': told('It is registered no longer.', resource),

  'mapping.created': told('A directory group gives a role from now on.', mapping),
  'mapping.changed': told('It gives another role, or another group has it.', mapping),
  'mapping.deleted': told('The group gives it no longer; `grants` says what becomes of what it gave.', {
    ...mapping,
    grants: z.enum(['revoke', 'keep']),
  }),

  'connection.created': told('A way to sign in was made, as a draft.', connection),
  'connection.updated': told('A way to sign in, or what its metadata says, was changed.', { connectionId: id }),
  'connection.activated': told('The identity provider lets people in.', connection),
  'connection.disabled': told('It lets nobody in.', connection),
  'connection.deleted': told('It is gone.', connection),
  'directory.created': told('A directory was made.', directory),
  'directory.updated': told('Its settings were changed.', directory),
  'directory.deleted': told('It is gone.', directory),
  'domain.verified': told('The domain is proved to belong to the organization.', domain),
  'domain.verification_lost': told('Its TXT record is gone for too long: the domain proves nothing.', domain),
  'domain.removed': told('The organization claims it no longer.', domain),

  'ssh_key.added': told('A person can enter clusters with one more key.', sshKey),
  'ssh_key.removed': told('A key opens nothing for its person any more.', sshKey),

  'account.deleted': told('The account belongs to nobody any more: told to subscribers of the platform only.', {
    accountId: id,
  }),

  'webhook.test': told('Nothing has happened: an Admin has asked for a trial delivery to this webhook.', {
    webhookId: id,
  }),
} as const satisfies Record<`${string}.${string}`, Entry>;

export type EventType = keyof typeof catalog;

/** All types, in the order of the catalogue. */
export const eventTypes = Object.keys(catalog) as [EventType, ...EventType[]];

/** Asked for by one webhook for itself: on no feed, and told to no other. */
export const trialType = 'webhook.test' satisfies EventType;

/** What a subscriber may choose. */
export const subscribableTypes = eventTypes.filter((type) => type !== trialType) as [EventType, ...EventType[]];

/** Something that has happened, as it is told on feeds and to webhooks. */
export interface DomainEvent {
  /** The same on every feed and for every webhook, at every attempt. */
  readonly id: string;
  readonly type: EventType;
  readonly timestamp: string;
  /** Absent where it belongs to none, or to one that is gone. */
  readonly organizationId?: string;
  /** Its number among the audit events of the organization (or the platform): rises, with gaps; 0 of a trial. */
  readonly sequence: number;
  /** Who did it, as the audit calls them. */
  readonly actor: string;
  readonly data: Readonly<Record<string, unknown>>;
}
