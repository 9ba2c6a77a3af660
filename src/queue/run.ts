import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/index.ts';
import { isJobName, type JobName, type JobPayload, jobs, type Retry } from './jobs.ts';
import { findTwins, finish, type Held, park, putOff } from './leases.ts';
import type { Handlers } from './queue.ts';
import { decideRetry, errorText } from './retry.ts';

export interface RunnerOptions {
  readonly store: Store;
  readonly handlers: Handlers;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Replaces what the catalogue says of every job. */
  readonly retry?: Partial<Retry> | undefined;
  /** A handler that runs longer has failed; it can finish no more. Default 15 minutes. */
  readonly longestRunMs?: number | undefined;
}

/** How an attempt ended: `again` says when the row is due next; `lost`: somebody else has the row. */
export type Outcome =
  | { readonly end: 'done' | 'parked' | 'lost' | 'unsettled' }
  | { readonly end: 'again'; readonly dueAt: Date };

/** Runs one taken row to its end: the handler, and on failure the retry or the parking. Never throws. */
export type Runner = (held: Held) => Promise<Outcome>;

/** A runner with these handlers. */
export function openRunner(options: RunnerOptions): Runner {
  const { store, logger, clock } = options;

  async function settle(held: Held, error: unknown, retry: Retry): Promise<Outcome> {
    const { row } = held;
    const attempt = row.attempts + 1;
    const verdict = decideRetry(error, attempt, retry, Math.random());
    const facts = { job: row.job, id: row._id, organizationId: row.organizationId, attempt, err: error };
    if (verdict.next === 'park') {
      if (!(await park(store, held, errorText(error)))) return lost(held);
      logger.error(facts, 'job parked');
      return { end: 'parked' };
    }
    const dueAt = new Date(clock.now().getTime() + verdict.afterMs);
    if (!(await putOff(store, held, { dueAt, error: errorText(error), counts: verdict.counts }))) return lost(held);
    logger.warn({ ...facts, dueAt }, 'job failed, will be tried again');
    return { end: 'again', dueAt };
  }

  function lost({ row }: Held): Outcome {
    logger.debug({ job: row.job, id: row._id, attempt: row.attempts + 1 }, 'job dropped: its lease has gone');
    return { end: 'lost' };
  }

  return async (held) => {
    const { row } = held;
    const retry = { ...(isJobName(row.job) ? jobs[row.job].retry : once), ...options.retry };
    try {
      const fault = await attemptRow(held, options).catch((error: unknown) => ({ error }));
      if (!fault) return { end: 'done' };
      return await settle(held, fault.error, 'final' in fault ? { ...retry, attempts: 0 } : retry);
    } catch (error) {
      // The store does not answer. The row keeps its lease, and is taken again once that has passed.
      logger.error({ job: row.job, id: row._id, err: error }, 'the end of a job could not be written');
      return { end: 'unsettled' };
    }
  };
}

/**
 * So often in a row may a job's process die, or lose its lease, before the job is taken for the reason: after more than 20 minutes,
 * since a lease lasts half of one. Processes that die of something else, as often as they may, park no job.
 */
const mostTaken = 50;

const once: Retry = { attempts: 1, firstMs: 0, capMs: 0 };

interface Fault {
  readonly error: unknown;
  /** No further attempt can help. */
  readonly final: true;
}

/** Runs the handler. Throws what it throws; answers a fault where the row itself cannot be run. */
async function attemptRow(held: Held, options: RunnerOptions): Promise<Fault | undefined> {
  const { row } = held;
  if ((row.taken ?? 0) > mostTaken) {
    const text = `The process that was to run it died or lost its lease ${mostTaken} times in a row.`;
    return { error: new Error(row.error === undefined ? text : `${text} Last error: ${row.error}`), final: true };
  }
  if (!isJobName(row.job)) return { error: new Error(`There is no job "${row.job}".`), final: true };
  const payload = jobs[row.job].payload.safeParse(row.payload);
  if (!payload.success) {
    const detail = z.prettifyError(payload.error);
    return { error: new Error(`The payload is not one of the job "${row.job}": ${detail}`), final: true };
  }
  await withDeadline(call(held, row.job, payload.data, options), options.longestRunMs ?? 15 * 60_000);
  return undefined;
}

async function call<N extends JobName>(
  held: Held,
  name: N,
  payload: unknown,
  { store, handlers }: RunnerOptions,
): Promise<void> {
  const { row } = held;
  const twins = await findTwins(store, held);
  let finished = false;
  await handlers[name]({
    id: row._id,
    organizationId: row.organizationId,
    name,
    payload: payload as JobPayload<N>,
    attempt: row.attempts + 1,
    async done(tx) {
      await finish(tx, held, twins);
      finished = true;
    },
  });
  if (!finished) throw new Error(`The handler of "${name}" ended without job.done(tx).`);
}

async function withDeadline(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The handler did not end within ${ms} ms.`)), ms);
    timer.unref();
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
