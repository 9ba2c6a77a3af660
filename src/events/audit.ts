import { newId } from '../lib/ids.ts';
import type { AuditEvent, Filter, JsonObject, Page, ReadStore, Transaction } from '../store/index.ts';

/** What happened to what. Who did it, for whom, by which request and from where comes from the transaction's cause. */
export interface AuditEntry {
  /** A noun and a verb in the past tense: `member.suspended`, `owner.deprovision_refused`. */
  readonly type: `${string}.${string}`;
  /** `refused` where somebody tried and nothing changed. Default `done`. */
  readonly outcome?: 'done' | 'refused';
  readonly targetKind: string;
  readonly targetId: string;
  /** The fields at issue as they were and as they are; keys without dots, never a secret. */
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
  /** Its id, where somebody must know it at once; else it gets a new one. */
  readonly id?: string;
  /** One sentence for the person who reads it. */
  readonly detail?: string | undefined;
}

/**
 * In whose trail stands what belongs to no organization: the platform's own, numbered and chained like any other, and read
 * by the operator.
 */
export const platformTrail = 'platform';

/** Writes an audit event in the transaction of the change that it tells of (AUD-1): both stay, or neither. */
export async function recordAudit(tx: Transaction, organizationId: string, entry: AuditEntry): Promise<void> {
  const { actor, onBehalfOf, requestId, from } = tx.cause;
  const { id: _id = newId('audit'), type, outcome = 'done', targetKind, targetId, before, after, detail } = entry;
  await tx.auditEvents.insert(organizationId, {
    _id,
    organizationId,
    type,
    actor,
    requestId,
    outcome,
    targetKind,
    targetId,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(from && { from }),
    ...(before && { before }),
    ...(after && { after }),
    ...(detail !== undefined && { detail }),
    pending: true,
  });
}

export interface AuditQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly targetId?: string | undefined;
  readonly type?: string | undefined;
}

/** The organization's audit events, newest first. A foreign cursor throws AppError('invalid_request'). */
export function listAudit(
  reads: Pick<ReadStore, 'auditEvents'>,
  organizationId: string,
  { limit, cursor, targetId, type }: AuditQuery,
): Promise<Page<AuditEvent>> {
  const filter: Filter<AuditEvent> = {
    ...(targetId !== undefined && { targetId }),
    ...(type !== undefined && { type }),
  };
  return reads.auditEvents.page(organizationId, filter, { sort: { _id: -1 }, limit, cursor });
}
