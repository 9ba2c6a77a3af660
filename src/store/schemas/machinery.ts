import { Schema } from 'mongoose';
import { organizationCollection, platformCollection } from '../define.ts';

/**
 * Jobs that a committed change has asked for. `dueAt` is when the row may be (re)taken: leasing moves it ahead. `sending`: waits as well,
 * in the lane of jobs that speak to servers which may take their time. `attempts` came to an end and failed; `taken`: how often the row
 * has been leased since. `digest`: of job and payload, where rows that ask for the same are one piece of work.
 */
export const outbox = organizationCollection('outbox', {
  job: { type: String, required: true },
  payload: { type: Schema.Types.Mixed, required: true },
  state: { type: String, enum: ['waiting', 'sending', 'parked'], required: true },
  dueAt: { type: Date, required: true },
  attempts: { type: Number, required: true },
  taken: { type: Number },
  lease: { type: String },
  digest: { type: String },
  error: { type: String },
});
outbox.schema.index({ state: 1, organizationId: 1, dueAt: 1, _id: 1 });
outbox.schema.index({ organizationId: 1, digest: 1 }, { partialFilterExpression: { digest: { $exists: true } } });

/**
 * What happened to access, by whom (AUD-1). Written once; `pending` until the sequencer has added its number among the
 * organization's events and the hash that chains it to the one before.
 */
export const auditEvents = organizationCollection(
  'auditEvents',
  {
    type: { type: String, required: true },
    actor: { type: String, required: true },
    onBehalfOf: { type: String },
    requestId: { type: String, required: true },
    /** From where, for what a request from outside has done. */
    from: { type: { address: { type: String }, userAgent: { type: String } }, _id: false },
    outcome: { type: String, enum: ['done', 'refused'], required: true },
    targetKind: { type: String, required: true },
    targetId: { type: String, required: true },
    before: { type: Schema.Types.Mixed },
    after: { type: Schema.Types.Mixed },
    detail: { type: String },
    pending: { type: Boolean },
    seq: { type: Number },
    hash: { type: String },
  },
  { arrivals: { pending: true } },
);
auditEvents.schema.index({ organizationId: 1, _id: 1 });
auditEvents.schema.index({ organizationId: 1, _id: 1 }, { partialFilterExpression: { pending: true } });
auditEvents.schema.index(
  { organizationId: 1, seq: 1 },
  { unique: true, partialFilterExpression: { seq: { $exists: true } } },
);
auditEvents.schema.index({ organizationId: 1, targetId: 1, _id: 1 });

/**
 * The head of an organization's chain of audit events, under the organization's own id: the last number and its hash.
 * `holder` gives further numbers; once `until` has passed, anybody may.
 */
export const auditChains = organizationCollection('auditChains', {
  seq: { type: Number, required: true },
  hash: { type: String, required: true },
  holder: { type: String, required: true },
  until: { type: Date, required: true },
});

/** Former versions of rows: what `rowId` of collection `of` was from `from` until `to`, who made it so and who ended it. */
export const history = organizationCollection('history', {
  of: { type: String, required: true },
  rowId: { type: String, required: true },
  from: { type: Date, required: true },
  to: { type: Date, required: true },
  row: { type: Schema.Types.Mixed, required: true },
  endedBy: {
    type: { actor: { type: String, required: true }, requestId: { type: String, required: true } },
    required: true,
    _id: false,
  },
});
history.schema.index({ organizationId: 1, rowId: 1, to: 1 });
/** Where an account has been a member: few rows beside those of directories. */
history.schema.index({ 'row.accountId': 1 }, { partialFilterExpression: { of: 'members' } });

/**
 * Who does a task for all processes for now, and when it may next be begun. On MongoDB the row `data` is about migrations:
 * `reached` is the version of all data there.
 */
export const leases = platformCollection('leases', {
  holder: { type: String, required: true },
  until: { type: Date, required: true },
  reached: { type: Number },
});

/** A known text sealed with the encryption key, so that another key is noticed at the start. */
export const keyChecks = platformCollection('keyChecks', {
  sealed: { type: String, required: true },
});
