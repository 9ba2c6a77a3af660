import { randomBytes } from 'node:crypto';
import type { Logger } from '../lib/logger.ts';
import type { Store } from '../store/index.ts';
import { placeChunks } from './chunks.ts';
import { findUnnumbered, type Numbering, numberEvents } from './numbering.ts';

export interface SequencerOptions {
  readonly store: Store;
  readonly logger: Logger;
  /** How often to look for events that other processes have written. Default 500 ms. */
  readonly pollMs?: number | undefined;
  /** How long to wait after a commit for others to number with it. Default 20 ms. */
  readonly gatherMs?: number | undefined;
  /** How long another process waits for one that died. Default 2 s. */
  readonly leaseMs?: number | undefined;
  /** How many events of one organization are numbered before the next one's turn. Default 200. */
  readonly batch?: number | undefined;
}

/** Numbers audit events soon after they were committed, organizations in turn. */
export interface Sequencer {
  start(): void;
  /** Numbers no more; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/** How many organizations are numbered at a time. */
const atOnce = 8;

/**
 * Any number of processes may run one: a lease on each organization's chain keeps them out of each other's way, and the
 * chain's head, which only moves from where it was seen, keeps it right where a lease does not.
 */
export function openSequencer(options: SequencerOptions): Sequencer {
  const { store, logger, pollMs = 500, gatherMs = 20, leaseMs = 2_000, batch = 200 } = options;
  const numbering: Numbering = { holder: randomBytes(8).toString('hex'), leaseMs, batch };
  let state: 'new' | 'started' | 'stopped' = 'new';
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> | undefined;
  let asked = false;
  let quietUntil = 0;
  let unsubscribe = (): void => {};

  function complain(error: unknown): void {
    if (Date.now() >= quietUntil) logger.error({ err: error }, 'audit events cannot be numbered; will be tried again');
    quietUntil = Date.now() + 30_000;
  }

  /** One batch of each organization that has pending events, and what is to be told of them, placed. Answers whether there may be more. */
  async function turn(): Promise<boolean> {
    let more = false;
    for (let after = ''; state === 'started'; ) {
      const organizations = await findUnnumbered(store.read, after, atOnce);
      const numbered = await Promise.all(
        organizations.map((organizationId) =>
          numberEvents(store, organizationId, numbering).catch((error: unknown) => {
            complain(error);
            return 0;
          }),
        ),
      );
      more ||= numbered.some((count) => count === batch);
      after = organizations.at(-1) ?? '';
      if (organizations.length < atOnce) break;
    }
    if (state === 'started' && (await placeChunks(store, numbering))) more = true;
    return more;
  }

  async function work(): Promise<void> {
    asked = false;
    try {
      while (state === 'started' && (await turn()));
    } catch (error) {
      complain(error);
    }
  }

  function schedule(ms: number): void {
    clearTimeout(timer);
    if (state !== 'started') return;
    timer = setTimeout(() => {
      round = work().finally(() => {
        round = undefined;
        schedule(asked ? gatherMs : pollMs * (0.75 + Math.random() / 2));
      });
    }, ms);
    timer.unref();
  }

  function wake(): void {
    if (!asked && !round) schedule(gatherMs);
    asked = true;
  }

  return {
    start() {
      if (state !== 'new') return;
      state = 'started';
      unsubscribe = store.onInsert('auditEvents', wake);
      schedule(0);
    },
    async stop() {
      state = 'stopped';
      unsubscribe();
      clearTimeout(timer);
      await round;
    },
  };
}
