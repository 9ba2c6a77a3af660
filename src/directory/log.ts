/** The provisioning log: every SCIM request, what it did and whom it touched (SCIM-5). */

import { groupBy } from '../lib/groupBy.ts';
import { newId } from '../lib/ids.ts';
import type { Filter, NewRow, Page, ProvisioningLogEntry, ReadStore, Store, Transaction } from '../store/index.ts';
import { openBuffer, type WriteBuffer } from './buffer.ts';

/** One request, as it is to be logged; secrets and passwords are taken out of the bodies before they come here. */
export type LogEntry = Omit<NewRow<ProvisioningLogEntry>, '_id'>;

/** Logs a request in the transaction of what it changed: both stay, or neither. */
export async function recordRequest(tx: Transaction, entry: LogEntry): Promise<void> {
  await tx.provisioningLog.insert(entry.organizationId, { ...entry, _id: newId('provisioningLog') });
}

/**
 * Logs requests that change nothing, reads above all, in batches: an answer never waits for its log row.
 * Open one per process; close it after the last request.
 */
export function openRequestLog(
  store: Store,
  options: { onError(error: unknown): void; readonly delayMs?: number | undefined },
): WriteBuffer<LogEntry> {
  const buffer = openBuffer<NewRow<ProvisioningLogEntry>>({
    ...options,
    write: (rows) =>
      store.transaction({ actor: 'system', requestId: newId('request') }, async (tx) => {
        for (const [organizationId, own] of groupBy(rows, (row) => row.organizationId)) {
          await tx.provisioningLog.insertMany(organizationId, own);
        }
      }),
  });
  // The id is made now, so that the log's order is that of the requests and not of the writes.
  return { ...buffer, add: (entry) => buffer.add({ ...entry, _id: newId('provisioningLog') }) };
}

export interface LogQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly directoryId?: string | undefined;
  readonly outcome?: ProvisioningLogEntry['outcome'] | undefined;
}

/** The organization's log, newest first. A foreign cursor throws AppError `invalid_request`. */
export function listLog(
  reads: ReadStore,
  organizationId: string,
  { limit, cursor, directoryId, outcome }: LogQuery,
): Promise<Page<ProvisioningLogEntry>> {
  const filter: Filter<ProvisioningLogEntry> = {
    ...(directoryId !== undefined && { directoryId }),
    ...(outcome !== undefined && { outcome }),
  };
  return reads.provisioningLog.page(organizationId, filter, { sort: { _id: -1 }, limit, cursor });
}
