/**
 * Events own what is told of a change after the fact: the audit trails of every organization and of the platform (AUD-1).
 * An event is written in the transaction of its change, and numbered and chained by the sequencer once that has
 * committed; nothing here decides anything.
 */
export { listAudit, platformTrail, recordAudit } from './audit.ts';
export { openSequencer, type Sequencer } from './sequencer.ts';
export { verifyAudit } from './verify.ts';
