import { recordAudit } from '../../src/events/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import {
  enqueue,
  type Handlers,
  type JobName,
  type JobPayload,
  type Queue,
  type Retry,
  type TakenJob,
} from '../../src/queue/index.ts';
import { jobs } from '../../src/queue/jobs.ts';
import { type Cause, type OutboxRow, PLATFORM, type Store, type Transaction } from '../../src/store/index.ts';

export const cause: Cause = { actor: 'operator', requestId: 'req-test' };
export const orgA = 'org-a';
export const orgB = 'org-b';

export interface QueueSettings {
  readonly concurrency?: number;
  readonly leaseMs?: number;
  readonly pollMs?: number;
  readonly retry?: Partial<Retry>;
  readonly longestRunMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Another way to the rig's store. */
  readonly store?: Store;
}

/** One engine of the queue, on its own store; every queue of one rig works as a process of its own. */
export interface Rig {
  readonly store: Store;
  openQueue(handlers: Handlers, settings?: QueueSettings): Queue;
  close(): Promise<void>;
}

type AnyHandler = (job: TakenJob) => Promise<void>;

/** The same work for every job. */
export function handleAll(handler: AnyHandler): Handlers {
  return Object.fromEntries(Object.keys(jobs).map((name) => [name, handler])) as Handlers;
}

/** Commits a `reconcile` job for this person. */
export function ask(store: Store, organizationId: string, person: string): Promise<void> {
  return store.transaction(cause, (tx) => enqueue(tx, organizationId, 'reconcile', { people: [person] }));
}

/** The person that a job was asked for by `ask`. */
export function personOf(job: TakenJob): string {
  const [person = ''] = 'people' in job.payload ? job.payload.people : [];
  return person;
}

/** The effect of a test's handler: an audit event that names the person, and the end of the job, in one transaction. */
export function leaveEffect(store: Store, job: TakenJob): Promise<void> {
  return store.transaction({ actor: `job:${job.name}`, requestId: 'req-job' }, async (tx) => {
    await effect(tx, job);
    await job.done(tx);
  });
}

export function effect(tx: Transaction, job: TakenJob): Promise<void> {
  const what = { type: 'test.happened', targetKind: 'person', targetId: personOf(job) } as const;
  return recordAudit(tx, job.organizationId, what);
}

/** Whom the effects of an organization's jobs name, in order of person. */
export async function effects(store: Store, organizationId: string): Promise<string[]> {
  const events = await store.read.auditEvents.find(organizationId, { type: 'test.happened' });
  return events.map((event) => event.targetId).sort();
}

/** All rows of the outbox. */
export function rows(store: Store): Promise<readonly OutboxRow[]> {
  return store.read.outbox.find(PLATFORM, {});
}

/** A row as another version of the product, or a fault, may have left it. */
export function insertRow(store: Store, row: Partial<OutboxRow> & { readonly _id: string }): Promise<OutboxRow> {
  return store.transaction(cause, (tx) => {
    const payload: JobPayload<JobName> = { people: ['acc-1'] };
    const whole = {
      organizationId: orgA,
      job: 'reconcile',
      payload,
      state: 'waiting',
      dueAt: tx.at,
      attempts: 0,
    } as const;
    const inserted = { ...whole, ...row };
    return tx.outbox.insert(inserted.organizationId, inserted);
  });
}

/** A gate that is shut until somebody opens it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A logger that keeps what it is told at `error` and `warn`. */
export function keepingLogger(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (_fields: unknown, message?: string) => {
    if (message !== undefined) lines.push(message);
  };
  const logger = Object.assign(Object.create(silentLogger) as Logger, { warn: keep, error: keep });
  return { logger, lines };
}
