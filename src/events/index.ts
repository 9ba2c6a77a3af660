/**
 * Events own what is told of a change after the fact: the audit trails of every organization and of the platform (AUD-1), and what
 * subscribers are told of them, by feeds and webhooks (EVT-1). An event is written in the transaction of its change, and
 * numbered and chained by the sequencer once that has committed; nothing here decides anything.
 */
export { listAudit, platformTrail, recordAudit } from './audit.ts';
export { catalog, type DomainEvent, eventTypes, subscribableTypes } from './catalog.ts';
export { type FeedPage, type FeedQuery, findEnd, findEndOf, type Place, readFeed, readFeedOf } from './feed.ts';
export { openSequencer, type Sequencer } from './sequencer.ts';
export { eventIdOf } from './telling.ts';
export { verifyAudit } from './verify.ts';
export * from './webhooks/index.ts';
