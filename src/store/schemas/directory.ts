import { Schema } from 'mongoose';
import { organizationCollection, versionedCollection } from '../define.ts';

/**
 * One IdP's SCIM endpoint. `externalIdIsImmutable`: its externalId is the IdP's immutable id of a person (SCIM-3).
 * `connectionId`: nobody pushes here; it holds what the sign-ins through that connection claim (SSO-8).
 * `unknownAttributes`: what becomes of attributes that no schema has; kept where absent. `schemaRevision` rises with
 * every change of the directory's own schemas; absent where it never had one.
 */
export const directories = organizationCollection('directories', {
  name: { type: String, required: true },
  externalIdIsImmutable: { type: Boolean, required: true },
  connectionId: { type: String },
  unknownAttributes: { type: String, enum: ['keep', 'refuse'] },
  schemaRevision: { type: Number },
  /** Repeats that the organization is closed, for those who read the directory alone. */
  organizationClosed: { type: Boolean },
});
directories.schema.index({ organizationId: 1 });
directories.schema.index(
  { organizationId: 1, connectionId: 1 },
  { unique: true, partialFilterExpression: { connectionId: { $type: 'string' } } },
);

/** Custom extensions that a directory has registered (SCIM-1). `definition.attributes` is in the form of RFC 7643 §7. */
export const directorySchemas = organizationCollection('directorySchemas', {
  directoryId: { type: String, required: true },
  resourceType: { type: String, enum: ['User', 'Group'], required: true },
  urn: { type: String, required: true },
  urnKey: { type: String, required: true },
  name: { type: String, required: true },
  description: { type: String, required: true },
  definition: { type: Schema.Types.Mixed, required: true },
});
directorySchemas.schema.index({ directoryId: 1, urnKey: 1 }, { unique: true });

/** Bearer tokens of directories (SCIM-1): hashed, named, several valid at once. */
export const directoryTokens = organizationCollection('directoryTokens', {
  directoryId: { type: String, required: true },
  name: { type: String, required: true },
  hash: { type: String, required: true },
  lastFour: { type: String, required: true },
  expiresAt: { type: Date },
  revokedAt: { type: Date },
  lastUsedAt: { type: Date },
});
directoryTokens.schema.index({ hash: 1 }, { unique: true });
directoryTokens.schema.index({ organizationId: 1, directoryId: 1 });

/**
 * A person as a directory tells it (ACC-1). `attributes` holds the resource as pushed, without the fields that have
 * columns here, extension URNs under keys without dots. `link` says what became of the person: linked to an account;
 * waiting in the adoption queue; released, since the account was deleted; `conflict` notes an address that somebody else holds (ACC-3).
 */
export const directoryUsers = versionedCollection('directoryUsers', {
  directoryId: { type: String, required: true },
  userName: { type: String, required: true },
  userNameKey: { type: String, required: true },
  externalId: { type: String },
  active: { type: Boolean, required: true },
  displayName: { type: String },
  displayNameKey: { type: String },
  attributes: { type: Schema.Types.Mixed, required: true },
  link: { type: String, enum: ['linked', 'waiting', 'released'], required: true },
  accountId: { type: String },
  conflict: { type: String, enum: ['email_held_by_another'] },
  /** The person has said from their mailbox that this is them, outside of the organization's verified domains (SCIM-3). */
  confirmed: { type: Boolean },
});
directoryUsers.schema.index({ directoryId: 1, userNameKey: 1 }, { unique: true });
// With `_id` at their ends, as lists are ordered: without it SQLite walks the directory by `_id` to find one person.
directoryUsers.schema.index({ organizationId: 1, directoryId: 1, externalId: 1, _id: 1 });
directoryUsers.schema.index({ organizationId: 1, directoryId: 1, _id: 1 });
directoryUsers.schema.index({ organizationId: 1, directoryId: 1, displayNameKey: 1, _id: 1 });
directoryUsers.schema.index({ organizationId: 1, directoryId: 1, updatedAt: 1 });
// Partial, for those who have left are the few that are looked for.
directoryUsers.schema.index(
  { organizationId: 1, directoryId: 1, active: 1, _id: 1 },
  { partialFilterExpression: { active: false } },
);
directoryUsers.schema.index({ organizationId: 1, accountId: 1 });
// Partial, for those who wait are few: as a plain index it would look as good to SQLite's planner as the one before.
directoryUsers.schema.index({ organizationId: 1 }, { partialFilterExpression: { link: 'waiting' } });

/** The addresses of directory users, rows of their own because they are searched. `kind` is SCIM's `type`. */
export const directoryEmails = organizationCollection('directoryEmails', {
  directoryId: { type: String, required: true },
  userId: { type: String, required: true },
  value: { type: String, required: true },
  valueKey: { type: String, required: true },
  kind: { type: String },
  primary: { type: Boolean, required: true },
});
directoryEmails.schema.index({ organizationId: 1, directoryId: 1, valueKey: 1 });
directoryEmails.schema.index({ organizationId: 1, userId: 1 });

/** A group as a directory tells it. Its members are edges, never an array here (SCIM-4). */
export const directoryGroups = organizationCollection('directoryGroups', {
  directoryId: { type: String, required: true },
  displayName: { type: String, required: true },
  displayNameKey: { type: String, required: true },
  externalId: { type: String },
  attributes: { type: Schema.Types.Mixed, required: true },
});
directoryGroups.schema.index({ organizationId: 1, directoryId: 1, displayNameKey: 1, _id: 1 });
directoryGroups.schema.index({ organizationId: 1, directoryId: 1, externalId: 1, _id: 1 });
directoryGroups.schema.index({ organizationId: 1, directoryId: 1, _id: 1 });
directoryGroups.schema.index({ organizationId: 1, directoryId: 1, updatedAt: 1 });

/** One membership of a group: a directory user, or another group of the same directory. */
export const edges = versionedCollection('edges', {
  directoryId: { type: String, required: true },
  groupId: { type: String, required: true },
  memberId: { type: String, required: true },
  memberKind: { type: String, enum: ['User', 'Group'], required: true },
});
edges.schema.index({ organizationId: 1, groupId: 1, memberId: 1 }, { unique: true });
edges.schema.index({ organizationId: 1, memberId: 1 });

/** Every SCIM request (SCIM-5); bodies are JSON text with secrets and passwords redacted. */
export const provisioningLog = organizationCollection('provisioningLog', {
  directoryId: { type: String, required: true },
  requestId: { type: String, required: true },
  tokenId: { type: String },
  method: { type: String, required: true },
  path: { type: String, required: true },
  status: { type: Number, required: true },
  outcome: { type: String, enum: ['applied', 'read', 'no_effect', 'refused', 'failed'], required: true },
  scimType: { type: String },
  detail: { type: String },
  notes: { type: [String], required: true },
  touched: { type: [String], required: true },
  request: { type: String },
  response: { type: String },
  durationMs: { type: Number, required: true },
  /** The preconditions that came with it, without which sending it again would be another request. */
  ifMatch: { type: String },
  ifNoneMatch: { type: String },
  /** The row of the request that this one sent again. */
  replayOf: { type: String },
  /** The request that has sent this one again, and was accepted. */
  replayedBy: { type: String },
});
provisioningLog.schema.index({ organizationId: 1, _id: 1 });
provisioningLog.schema.index({ organizationId: 1, directoryId: 1, _id: 1 });
provisioningLog.schema.index({ organizationId: 1, outcome: 1, _id: 1 });
provisioningLog.schema.index({ organizationId: 1, requestId: 1 });
provisioningLog.schema.index({ organizationId: 1, createdAt: 1 });
