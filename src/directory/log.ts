/** The provisioning log: every SCIM request, what it did and whom it touched (SCIM-5). */

import { AppError } from '../errors.ts';
import { groupBy } from '../lib/groupBy.ts';
import { newId } from '../lib/ids.ts';
import {
  type Cause,
  type Filter,
  type NewRow,
  type Page,
  PLATFORM,
  type ProvisioningLogEntry,
  type ReadStore,
  type Store,
  type Transaction,
} from '../store/index.ts';
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
  readonly status?: number | undefined;
  readonly method?: string | undefined;
  /** The id of what a request changed or read. */
  readonly touched?: string | undefined;
  readonly requestId?: string | undefined;
  /** From this instant on. */
  readonly from?: Date | undefined;
  /** Before this instant. */
  readonly to?: Date | undefined;
}

/**
 * The organization's log, newest first: rows for which all that is asked holds. A foreign cursor throws AppError
 * `invalid_request`. What nothing is indexed by (`touched`, `status`, `method`) is looked for row by row.
 */
export function listLog(
  reads: ReadStore,
  organizationId: string,
  { limit, cursor, touched, from, to, ...equal }: LogQuery,
): Promise<Page<ProvisioningLogEntry>> {
  const given = Object.entries(equal).filter(([, value]) => value !== undefined);
  const filter: Filter<ProvisioningLogEntry> = {
    ...Object.fromEntries(given),
    ...(touched !== undefined && { touched: { $elemMatch: { $eq: touched } } }),
    ...((from || to) && { createdAt: { ...(from && { $gte: from }), ...(to && { $lt: to }) } }),
  };
  return reads.provisioningLog.page(organizationId, filter, { sort: { _id: -1 }, limit, cursor });
}

/** One row. Throws AppError not_found. */
export async function getLogEntry(
  reads: ReadStore,
  organizationId: string,
  entryId: string,
): Promise<ProvisioningLogEntry> {
  const row = await reads.provisioningLog.get(organizationId, entryId);
  if (!row) throw new AppError('not_found', `There is no entry ${entryId} in the provisioning log`);
  return row;
}

/**
 * Notes in a row that the request of the transaction has sent its request again, which happens once: of two at the same
 * time, one finds the other's note. Throws AppError replay_not_possible where there is one, or the row is gone.
 */
export async function markReplayed(tx: Transaction, { organizationId, _id }: ProvisioningLogEntry): Promise<void> {
  const open = { _id, replayedBy: { $exists: false } };
  const marked = await tx.provisioningLog.updateOne(organizationId, open, { $set: { replayedBy: tx.cause.requestId } });
  if (!marked) throw new AppError('replay_not_possible', 'The request has been replayed already');
}

/** How many rows one transaction removes, so that it holds up nobody who writes. */
const BATCH = 200;

/**
 * Removes the organization's rows from before an instant, the oldest first, batch by batch for as long as `goOn` says so;
 * answers how many.
 */
export async function cleanLog(
  store: Store,
  cause: Cause,
  organizationId: string,
  before: Date,
  goOn: () => boolean = () => true,
): Promise<number> {
  const old = { createdAt: { $lt: before } };
  let removed = 0;
  while (goOn()) {
    const rows = await store.read.provisioningLog.find(organizationId, old, { sort: { createdAt: 1 }, limit: BATCH });
    if (rows.length === 0) break;
    const ids = rows.map(({ _id }) => _id);
    removed += await store.transaction(cause, (tx) => tx.provisioningLog.remove(organizationId, { _id: { $in: ids } }));
  }
  return removed;
}

/** Cleans the log of every organization; one in which that fails is told of and passed over. */
export async function cleanLogs(
  store: Store,
  cause: Cause,
  before: Date,
  on: { failure(organizationId: string, error: unknown): void; goOn(): boolean },
): Promise<void> {
  for await (const { _id } of store.read.organizations.stream(PLATFORM, {})) {
    if (!on.goOn()) return;
    try {
      await cleanLog(store, cause, _id, before, on.goOn);
    } catch (error) {
      on.failure(_id, error);
    }
  }
}
