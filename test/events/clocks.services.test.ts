/** Processes whose clocks differ: ids follow the clocks, the numbers of events do not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { recordAudit } from '../../src/events/index.ts';
import type { Store } from '../../src/store/index.ts';
import { openTestPlace, type TestPlace } from '../support/engines.ts';
import { cause, numberAll, numbered, orgA } from './world.ts';

let place: TestPlace;
let processes: readonly [Store, Store];

beforeAll(async () => {
  place = await openTestPlace('mongodb');
  processes = [await place.open(), await place.open()];
});

afterAll(async () => {
  await Promise.all(processes.map((one) => one.close()));
  await place.close();
});

/** Writes an event as a process does whose clock is so many milliseconds ahead. */
const happen = (store: Store, organizationId: string, targetId: string, aheadMs: number) =>
  store.transaction(cause, (tx) => {
    const id = `aud-${Date.now() + aheadMs}-${targetId}`;
    return recordAudit(tx, organizationId, { id, type: 'test.happened', targetKind: 'person', targetId });
  });

test('of two events that followed one another, the later one gets the later number, whichever process has written it (EVT-1)', async () => {
  const one = fc.record({
    process: fc.constantFrom(0 as const, 1 as const),
    ahead: fc.integer({ min: -60_000, max: 60_000 }),
  });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(one, { minLength: 2, maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (story, batch) => {
        runs += 1;
        const organizationId = `${orgA}-${runs}`;
        const targets = story.map((_, at) => `target ${at}`);
        for (const [at, { process, ahead }] of story.entries()) {
          await happen(processes[process], organizationId, targets[at] ?? '', ahead);
        }
        await numberAll(processes[0], organizationId, { batch });
        expect((await numbered(processes[1], organizationId)).map(({ targetId }) => targetId)).toEqual(targets);
      },
    ),
    { numRuns: 20 },
  );
});
