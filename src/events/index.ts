/**
 * Events own what is told of a change after the fact: the audit trail of every organization (AUD-1).
 * An event is written in the transaction of its change, and numbered and chained by the sequencer once that has
 * committed; nothing here decides anything.
 */
export { listAudit, recordAudit } from './audit.ts';
export { openSequencer, type Sequencer } from './sequencer.ts';
export { verifyAudit } from './verify.ts';
