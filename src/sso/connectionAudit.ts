import { recordAudit } from '../events/index.ts';
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
