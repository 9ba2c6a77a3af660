import { furthest } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { type Cause, type Filter, type OutboxRow, PLATFORM, type Store } from '../store/index.ts';
import { lanes, longestRestMs } from './jobs.ts';

/** No lease of a row lasts longer. */
const longestLeaseMs = 60_000;
/** How many rows one transaction moves, so that it holds up nobody who writes. */
const batch = 500;
/** So that what is not due for long is found without reading the rows. */
const byIndex = { organizationId: 1, dueAt: 1 } as const;

/**
 * Makes due now what waits in the outbox for a time that no rest and no lease can reach: it was written before the clock was set back,
 * or by a process whose clock was ahead. For a round.
 */
export async function pullBackJobs(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  const filters: readonly Filter<OutboxRow>[] = lanes.flatMap((state) => [
    { state, dueAt: { $gt: furthest(at, longestRestMs[state]) } },
    { state, dueAt: { $gt: furthest(at, longestLeaseMs) }, lease: { $exists: true } },
  ]);
  for (const beyond of filters) {
    while (goOn()) {
      const rows = await store.read.outbox.find(PLATFORM, beyond, { sort: byIndex, limit: batch });
      if (rows.length === 0) break;
      const ids = { _id: { $in: rows.map(({ _id }) => _id) } };
      // Asked again by the write itself: somebody may have taken one of them meanwhile.
      await store.transaction({ ...cause, requestId: newId('request') }, (tx) =>
        tx.outbox.update(PLATFORM, { ...beyond, ...ids }, { $set: { dueAt: at } }),
      );
    }
  }
}
