import { organizationCollection } from '../define.ts';

/**
 * A run of an organization's numbered audit events, from `from` to `to`, among which are some that subscribers are told (EVT-1).
 * Written with their numbers; `pending` until it has its `position` in the one stream of all organizations.
 */
export const eventChunks = organizationCollection('eventChunks', {
  from: { type: Number, required: true },
  to: { type: Number, required: true },
  pending: { type: Boolean },
  position: { type: Number },
});
eventChunks.schema.index({ organizationId: 1, from: 1 }, { partialFilterExpression: { pending: true } });
eventChunks.schema.index({ position: 1 }, { unique: true, partialFilterExpression: { position: { $exists: true } } });
eventChunks.schema.index({ createdAt: 1 });

/**
 * An address that is told of an organization's events, or, where the organization is the platform's own trail, of everybody's.
 * `types`: which; all where absent. `wakeAt`: when the job is due that sends what waits; absent while nothing does. `failures`
 * and `failingSince`: how many rounds in a row nothing got through, and since when; before `restUntil` nothing is tried.
 */
export const webhooks = organizationCollection('webhooks', {
  url: { type: String, required: true },
  description: { type: String },
  types: { type: [String], default: undefined },
  enabled: { type: Boolean, required: true },
  disabledAt: { type: Date },
  disabledBecause: { type: String, enum: ['asked', 'gone', 'failing'] },
  secret: { type: String, required: true, sealed: true },
  /** Signs beside the other one until then; several, with spaces between, where one followed another before. */
  formerSecret: { type: String, sealed: true },
  formerSecretUntil: { type: Date },
  createdBy: { type: String, required: true },
  wakeAt: { type: Date },
  failures: { type: Number, required: true },
  failingSince: { type: Date },
  restUntil: { type: Date },
});
webhooks.schema.index({ organizationId: 1, enabled: 1 });
webhooks.schema.index({ enabled: 1, wakeAt: 1 });

/**
 * One event for one webhook: the audit event that it stands on, by its organization `of` and its id, so that nothing of it is
 * kept twice. `last`: how the last attempt ended; without `status` there was no answer.
 */
export const webhookDeliveries = organizationCollection('webhookDeliveries', {
  webhookId: { type: String, required: true },
  of: { type: String, required: true },
  auditId: { type: String, required: true },
  type: { type: String, required: true },
  state: { type: String, enum: ['pending', 'delivered', 'failed'], required: true },
  attempts: { type: Number, required: true },
  dueAt: { type: Date, required: true },
  replayedAt: { type: Date },
  last: {
    type: {
      at: { type: Date, required: true },
      ms: { type: Number, required: true },
      status: { type: Number },
      error: { type: String },
      body: { type: String },
    },
    _id: false,
  },
});
webhookDeliveries.schema.index({ webhookId: 1, auditId: 1 }, { unique: true });
webhookDeliveries.schema.index({ organizationId: 1, webhookId: 1, state: 1, dueAt: 1 });
webhookDeliveries.schema.index({ organizationId: 1, webhookId: 1, _id: 1 });
webhookDeliveries.schema.index({ organizationId: 1, of: 1 });
webhookDeliveries.schema.index({ createdAt: 1 });
