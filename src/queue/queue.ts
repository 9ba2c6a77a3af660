import type { Transaction } from '../store/index.ts';
import type { JobName, JobPayload } from './jobs.ts';

/** A job that a worker holds by a lease. Several processes may run it one after the other; one of them finishes it. */
export interface TakenJob<N extends JobName = JobName> {
  readonly id: string;
  readonly organizationId: string;
  readonly name: N;
  readonly payload: JobPayload<N>;
  /** 1 at the first attempt. */
  readonly attempt: number;
  /**
   * Removes the job, in the handler's own last transaction: the effect and the end of the job are one commit. Throws
   * AppError('stale') where the lease has gone to somebody else, which undoes that transaction; never catch it.
   */
  done(tx: Transaction): Promise<void>;
}

/**
 * What each job does. A handler is idempotent and level-triggered, and calls `job.done(tx)` in its last transaction.
 * What it throws decides what follows (retry.ts): `unavailable` is tried again for as long as it takes, `stale` and
 * unknown errors with backoff until the last attempt, every other refusal is parked at once.
 */
export type Handlers = { readonly [N in JobName]: (job: TakenJob<N>) => Promise<void> };

/** Takes committed jobs and runs them, at least once each, with exactly one effect. */
export interface Queue {
  /** Begins to take jobs. A second call does nothing. */
  start(): void;
  /**
   * Stops taking, gives back what has not begun, and waits for running handlers for at most `timeoutMs` (10 s); what
   * still runs then is left to its lease. Afterwards the queue is closed.
   */
  drain(timeoutMs?: number): Promise<void>;
  /** For tests: resolves once no job is due or held by anybody. Jobs that wait for a later retry do not count. */
  idle(): Promise<void>;
}
