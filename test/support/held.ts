/** A transaction that is held before its commit while something else is asked for: what meets at a row, and what passes by unseen. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store, Transaction } from '../../src/store/index.ts';
import { testEngine } from './engines.ts';

/**
 * So long something that nothing holds up takes at most, mostly; a shorter time would prove less, and never fail. SQLite's one writer has
 * nothing to prove: it never lets two transactions overlap.
 */
const patienceMs = testEngine === 'sqlite' ? 50 : 1500;

/**
 * Runs `act` in a transaction and holds it before its commit until `other` is through, or has shown that it waits. Answers what
 * `other` does, once both are through.
 */
export async function holdWhile<T>(
  store: Store,
  act: (tx: Transaction) => Promise<unknown>,
  other: () => Promise<T>,
): Promise<T> {
  const written = signal();
  const released = signal();
  const acting = store.transaction({ actor: 'system', requestId: 'req-test' }, async (tx) => {
    await act(tx);
    written.give();
    await released.given;
  });
  await Promise.race([written.given, acting]);
  const done = other();
  await Promise.race([done, sleep(patienceMs)]);
  released.give();
  await acting;
  return done;
}

/** Something to wait for. */
function signal() {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
