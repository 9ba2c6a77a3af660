import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import {
  type OutboxRow,
  type Page,
  type PageOptions,
  PLATFORM,
  type ReadStore,
  type Transaction,
} from '../store/index.ts';
import { isMerged, type JobInput, type JobName, jobs, laneOf } from './jobs.ts';

/** Stands for the platform where a job belongs to no organization: its jobs take their turns like any organization's. */
export const platformJobs = 'platform';

/**
 * Asks for a job as part of a change: it runs once `tx` has committed, and never if it does not (OPS-2).
 * A payload that the catalogue refuses throws, and the change with it. With `afterMs` it does not run before that time has
 * passed.
 */
export async function enqueue<N extends JobName>(
  tx: Transaction,
  organizationId: string,
  job: N,
  payload: JobInput<N>,
  { afterMs = 0 }: { readonly afterMs?: number } = {},
): Promise<void> {
  await tx.outbox.insert(organizationId, newRow(tx, organizationId, job, payload, afterMs));
}

/** The same for several of one kind, in one step. */
export async function enqueueMany<N extends JobName>(
  tx: Transaction,
  organizationId: string,
  job: N,
  asked: readonly { readonly payload: JobInput<N>; readonly afterMs: number }[],
): Promise<void> {
  const rows = asked.map(({ payload, afterMs }) => newRow(tx, organizationId, job, payload, afterMs));
  await tx.outbox.insertMany(organizationId, rows);
}

const newRow = <N extends JobName>(
  { at }: Transaction,
  organizationId: string,
  job: N,
  payload: JobInput<N>,
  afterMs: number,
) => {
  const parsed = jobs[job].payload.parse(payload);
  return {
    _id: newId('outbox'),
    organizationId,
    job,
    payload: parsed,
    state: laneOf(job),
    dueAt: new Date(at.getTime() + afterMs),
    attempts: 0,
    ...(isMerged(job) && { digest: digestOf(job, parsed) }),
  };
};

const digestOf = (job: JobName, payload: unknown): string =>
  createHash('sha256')
    .update(`${job} ${JSON.stringify(payload)}`)
    .digest('base64url');

/** The organization's jobs that were given up after their last attempt, oldest first, with the error of that attempt. */
export function findParked(
  reads: Pick<ReadStore, 'outbox'>,
  organizationId: string,
  page: PageOptions = { limit: 100 },
): Promise<Page<OutboxRow>> {
  return reads.outbox.page(organizationId, { state: 'parked' }, page);
}

/** Gives a parked job all its attempts again, from now on. Throws AppError('not_found') where none is parked by this id. */
export async function replayParked(tx: Transaction, organizationId: string, id: string): Promise<OutboxRow> {
  const parked = await tx.outbox.get(organizationId, id);
  const row = await tx.outbox.updateOne(
    organizationId,
    { _id: id, state: 'parked' },
    {
      $set: { state: laneOf(parked?.job ?? ''), dueAt: tx.at, attempts: 0 },
      $unset: { error: true, lease: true, taken: true },
    },
  );
  if (!row) throw new AppError('not_found', `No parked job has the id ${id}.`);
  return row;
}

/** How many jobs of all organizations are in this state; for metrics. */
export function countJobs(reads: Pick<ReadStore, 'outbox'>, state: OutboxRow['state']): Promise<number> {
  return reads.outbox.count(PLATFORM, { state });
}
