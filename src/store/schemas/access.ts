import { Schema } from 'mongoose';
import { organizationCollection, versionedCollection } from '../define.ts';

/** The paying entity (ORG-1). Its `organizationId` is its own id, so that it is found and deleted like all it owns. */
export const organizations = organizationCollection('organizations', {
  name: { type: String, required: true },
  slug: { type: String, required: true },
  billingContact: { type: String },
  /** Closed (ORG-2): no access since then, deleted at the other time. */
  closedAt: { type: Date },
  deleteAt: { type: Date },
  settings: {
    type: {
      multiProject: { type: Boolean, required: true },
      adminAccess: { type: String, enum: ['all', 'joined'], required: true },
      membershipPolicy: { type: String, enum: ['invitations', 'sso'], required: true },
      /** Members must come through one of the organization's connections (SSO-5); off where absent. */
      ssoEnforced: { type: Boolean },
      /** Whose sessions through other organizations' IdPs count here (SSO-5); External Collaborators' where absent. */
      trustedSessions: { type: String, enum: ['nobody', 'external_collaborators', 'everybody'] },
    },
    required: true,
    _id: false,
  },
});
organizations.schema.index({ slug: 1 }, { unique: true });
organizations.schema.index({ deleteAt: 1 });

/**
 * A person's membership of an organization (MEM-1). `role` is the effective organization role, kept equal to the
 * highest grant. The mark `owner` stands on exactly one row of an organization (OWN-6).
 * `directoryId` and `directoryUserId` name the directory user that governs the person (SCIM-3), `departed` what is known
 * of one that the IdP has deleted.
 */
export const members = versionedCollection(
  'members',
  {
    accountId: { type: String, required: true },
    role: { type: String, enum: ['admin', 'member'], required: true },
    status: { type: String, enum: ['active', 'suspended'], required: true },
    source: { type: String, enum: ['owner', 'operator', 'invitation', 'scim', 'sso'], required: true },
    owner: { type: Boolean },
    directoryId: { type: String },
    directoryUserId: { type: String },
    departed: {
      type: {
        directoryId: { type: String, required: true },
        userName: { type: String, required: true },
        userNameKey: { type: String, required: true },
        externalId: { type: String },
      },
      _id: false,
    },
    review: { type: String, enum: ['recycled_identity'] },
    profile: {
      type: {
        displayName: { type: String },
        email: { type: String },
        title: { type: String },
        department: { type: String },
      },
      _id: false,
    },
  },
  { when: { owner: true }, require: { role: 'admin', status: 'active' } },
);
members.schema.index({ organizationId: 1, accountId: 1 }, { unique: true });
members.schema.index({ organizationId: 1 }, { unique: true, partialFilterExpression: { owner: true } });
members.schema.index({ accountId: 1 });
members.schema.index({ organizationId: 1, directoryUserId: 1 });
members.schema.index({ organizationId: 1, 'departed.userNameKey': 1 });
members.schema.index({ organizationId: 1, 'departed.externalId': 1 });

/**
 * An address that was asked into the organization (MEM-2); one invitation of an address waits at a time. `projects`: project ids → roles.
 * `round` counts the letters, of which the newest alone has the token of `tokenHash`. `memberId`: whom the acceptance has made a
 * member; while it waits, whom an IdP has brought in under this address, which nobody has proven yet.
 */
export const invitations = organizationCollection('invitations', {
  email: { type: String, required: true },
  emailKey: { type: String, required: true },
  role: { type: String, enum: ['admin', 'member'], required: true },
  projects: { type: Schema.Types.Mixed, required: true },
  state: { type: String, enum: ['pending', 'accepted', 'adopted', 'revoked', 'expired'], required: true },
  round: { type: Number, required: true },
  tokenHash: { type: String },
  invitedBy: { type: String, required: true },
  memberId: { type: String },
  expiresAt: { type: Date, required: true },
  /** When the row itself goes. */
  forgetAt: { type: Date, required: true },
});
invitations.schema.index(
  { organizationId: 1, emailKey: 1 },
  { unique: true, partialFilterExpression: { state: 'pending' } },
);
invitations.schema.index({ tokenHash: 1 }, { unique: true, partialFilterExpression: { tokenHash: { $exists: true } } });
invitations.schema.index({ emailKey: 1 });
invitations.schema.index({ forgetAt: 1 });

/** Somebody who was removed, and whom no IdP brings back (MEM-4). `email`: the address by which they showed; `emailKey` is a hash once the account is deleted. */
export const blocks = organizationCollection('blocks', {
  accountId: { type: String, required: true },
  email: { type: String },
  emailKey: { type: String },
  name: { type: String },
  blockedBy: { type: String, required: true },
  accountDeletedAt: { type: Date },
});
blocks.schema.index({ organizationId: 1, accountId: 1 }, { unique: true });
blocks.schema.index({ organizationId: 1, emailKey: 1 });

/** The Owner's offer of the ownership to an Admin (OWN-4), one at a time; it goes once it is accepted, declined or cancelled. */
export const ownershipTransfers = organizationCollection('ownershipTransfers', {
  fromMemberId: { type: String, required: true },
  toMemberId: { type: String, required: true },
  expiresAt: { type: Date, required: true },
});
ownershipTransfers.schema.index({ organizationId: 1 }, { unique: true });

/** An isolated workspace (PRJ-1); one of an organization is the default one (PRJ-2). Archived, nothing is added to it. */
export const projects = organizationCollection('projects', {
  name: { type: String, required: true },
  nameKey: { type: String, required: true },
  description: { type: String },
  isDefault: { type: Boolean },
  archivedAt: { type: Date },
  /** Repeats that the organization is closed, for those who read the project alone. */
  organizationClosed: { type: Boolean },
});
projects.schema.index({ organizationId: 1, nameKey: 1 }, { unique: true });
projects.schema.index({ organizationId: 1 }, { unique: true, partialFilterExpression: { isDefault: true } });

/**
 * One source's gift of one role (MAP-2): taking it away never takes another source's. `targetId` is the project's id,
 * or the organization's. `sourceId` is the mapping's id, or repeats `source` (one manual grant per person and target).
 */
export const grants = versionedCollection('grants', {
  accountId: { type: String, required: true },
  target: { type: String, enum: ['organization', 'project'], required: true },
  targetId: { type: String, required: true },
  role: { type: String, enum: ['admin', 'member'], required: true },
  source: { type: String, enum: ['manual', 'mapping', 'creator'], required: true },
  sourceId: { type: String, required: true },
  grantedBy: { type: String, required: true },
});
grants.schema.index({ organizationId: 1, accountId: 1, targetId: 1, source: 1, sourceId: 1 }, { unique: true });
grants.schema.index({ organizationId: 1, targetId: 1 });
grants.schema.index({ organizationId: 1, sourceId: 1 });
grants.schema.index({ accountId: 1 });

/**
 * Keys of projects (KEY-1). The Organization Default Key (KEY-3), which has neither name nor maker, is sealed as well as
 * hashed, since its Owner may read it. A revoked key stays, so that it can be told from one that never was. What else ends
 * or suspends a key stands on its row too, so that one read by the hash decides.
 */
export const apiKeys = organizationCollection('apiKeys', {
  projectId: { type: String, required: true },
  kind: { type: String, enum: ['default', 'project'], required: true },
  name: { type: String },
  hash: { type: String, required: true },
  prefix: { type: String, required: true },
  lastFour: { type: String, required: true },
  sealed: { type: String, sealed: true },
  /** The actor who made it, and the person in whose place the operator did. */
  createdBy: { type: String },
  onBehalfOf: { type: String },
  expiresAt: { type: Date },
  revokedAt: { type: Date },
  lastUsedAt: { type: Date },
  /** While its project is archived, its organization closed. */
  projectArchived: { type: Boolean },
  organizationClosed: { type: Boolean },
});
apiKeys.schema.index({ hash: 1 }, { unique: true });
apiKeys.schema.index({ organizationId: 1, projectId: 1, _id: 1 });
apiKeys.schema.index({ organizationId: 1 }, { unique: true, partialFilterExpression: { kind: 'default' } });

/**
 * What is registered in a project (RES-1). `externalId` is the registering service's own id of it, one of each type in a
 * project; `clusterId` is the cluster that a volume is attached to.
 */
export const resources = organizationCollection('resources', {
  projectId: { type: String, required: true },
  type: {
    type: String,
    enum: ['cluster', 'volume', 'fine-tuned-model', 'dedicated-endpoint', 'evaluation', 'file'],
    required: true,
  },
  name: { type: String, required: true },
  externalId: { type: String },
  clusterId: { type: String },
  createdBy: { type: String, required: true },
  onBehalfOf: { type: String },
});
resources.schema.index(
  { organizationId: 1, projectId: 1, type: 1, externalId: 1 },
  { unique: true, partialFilterExpression: { externalId: { $exists: true } } },
);
resources.schema.index({ projectId: 1, _id: 1 });
resources.schema.index({ type: 1, projectId: 1, _id: 1 });
resources.schema.index({ organizationId: 1, clusterId: 1 });

/** Domains that organizations claim; verified by one organization at a time (SSO-3). */
export const domains = organizationCollection('domains', {
  domain: { type: String, required: true },
  verified: { type: Boolean, required: true },
  verifiedBy: { type: String, enum: ['operator', 'dns'] },
  verifiedAt: { type: Date },
  /** What the TXT record must say; each claim has its own. */
  challenge: { type: String },
  /** When the record was last looked for, and how many times in a row it has not been there since. */
  checkedAt: { type: Date },
  misses: { type: Number },
});
domains.schema.index({ organizationId: 1, domain: 1 }, { unique: true });
domains.schema.index({ domain: 1 }, { unique: true, partialFilterExpression: { verified: true } });
