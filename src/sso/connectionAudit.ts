import type { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { cut } from '../lib/text.ts';
import type { Connection, JsonObject, Transaction } from '../store/index.ts';

/** An audit event of a connection (AUD-1); never a secret in it. */
export function audit(
  tx: Transaction,
  { organizationId, _id }: Connection,
  type: `connection.${string}`,
  states: { readonly before?: JsonObject; readonly after?: JsonObject; readonly detail?: string },
): Promise<void> {
  return recordAudit(tx, organizationId, { type, targetKind: 'connection', targetId: _id, ...states });
}

/**
 * An IdP that was described and refused: nothing has changed, and still it is told of, for who tries what can be reached from here tries it so.
 * `connectionId`: the one that was to be changed; undefined where one was to be made.
 */
export function auditRefusedIdp(
  tx: Transaction,
  organizationId: string,
  connectionId: string | undefined,
  { code, message: detail }: AppError,
): Promise<void> {
  const target =
    connectionId === undefined
      ? ({ targetKind: 'organization', targetId: organizationId } as const)
      : ({ targetKind: 'connection', targetId: connectionId } as const);
  return recordAudit(tx, organizationId, {
    type: 'connection.refused',
    outcome: 'refused',
    ...target,
    after: { code },
    detail: cut(detail, 1024),
  });
}
