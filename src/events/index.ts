/**
 * Events own what is told of a change after the fact: the audit trail of every organization (AUD-1).
 * An event is written in the transaction of its change; nothing here decides anything.
 */
export { listAudit, recordAudit } from './audit.ts';
