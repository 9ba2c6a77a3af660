/**
 * The queue owns the outbox: how a committed change asks for a job, and how each job is run until it has had its effect.
 * The job catalogue is jobs.ts; embedded.ts runs jobs in this process; bullmq.ts, over Redis, is imported where it is used.
 */
export { pullBackJobs } from './ahead.ts';
export { openEmbeddedQueue } from './embedded.ts';
export type { JobName, JobPayload, Retry } from './jobs.ts';
export { takeOver } from './leases.ts';
export { countJobs, enqueue, enqueueMany, findParked, platformJobs, replayParked } from './outbox.ts';
export { openPeriodic, type Periodic, type PeriodicOptions } from './periodic.ts';
export type { Handlers, Queue, TakenJob } from './queue.ts';
