import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { verifyAudit } from '../../src/events/index.ts';
import { numberEvents } from '../../src/events/numbering.ts';
import type { Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { type Death, mortal, numberAll, numbered, orgA, orgB, record } from './world.ts';

const organization = fc.constantFrom(orgA, orgB);
const death: fc.Arbitrary<Death | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant('committed' as const),
  fc.record({ write: fc.nat(2) }),
);

/** A writer, whose process may die, or a sequencer of one of two processes, of which either may. */
const act = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), organization, events: fc.integer({ min: 1, max: 3 }), death }),
  fc.record({
    kind: fc.constant('number' as const),
    organization,
    holder: fc.constantFrom('one', 'other'),
    batch: fc.integer({ min: 1, max: 4 }),
    leaseMs: fc.constantFrom(0, 2),
    death,
  }),
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

/** Steps in turn; the acts of one step all at once. */
const story = fc.array(fc.array(act, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 8 });

let made = 0;

async function play(store: Store, one: Act): Promise<void> {
  const theirs = one.death === undefined ? store : mortal(store, one.death);
  if (one.kind === 'number') await numberEvents(theirs, one.organization, one);
  else await record(theirs, one.organization, ...Array.from({ length: one.events }, () => `t${made++}`));
}

/** The numbers that events have; once given, they stay. */
async function numbersOf(store: Store): Promise<ReadonlyMap<string, string>> {
  const both = [...(await numbered(store, orgA)), ...(await numbered(store, orgB))];
  return new Map(both.map(({ _id, seq, hash }) => [_id, `${seq} ${hash}`]));
}

async function expectWhole(store: Store, organizationId: string): Promise<void> {
  const events = await store.read.auditEvents.find(organizationId, {});
  const seqs = events.map(({ seq }) => seq ?? 0).sort((a, b) => a - b);
  expect(seqs).toEqual(events.map((_, index) => index + 1));
  expect(await verifyAudit(store.read, organizationId)).toMatchObject({ verified: true, count: events.length });
}

/** How long stories are told; on a slow machine or engine there are fewer of them. */
const tellForMs = 12_000;

describe('whatever order writers, sequencers and their deaths come in (AUD-1, OPS-2)', () => {
  test('every committed event has one number, there is no gap, no number changes, and the chain verifies', async () => {
    const end = performance.now() + tellForMs;
    await fc.assert(
      fc.asyncProperty(story, async (steps) => {
        if (performance.now() > end) return;
        const store = await openTestStore({ rehearse: false });
        try {
          let known: ReadonlyMap<string, string> = new Map();
          for (const acts of steps) {
            await Promise.allSettled(acts.map((one) => play(store, one)));
            const now = await numbersOf(store);
            for (const [id, number] of known) expect(now.get(id)).toBe(number);
            known = now;
          }
          for (const organizationId of [orgA, orgB]) {
            await new Promise((resolve) => setTimeout(resolve, 3));
            await numberAll(store, organizationId);
            await expectWhole(store, organizationId);
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns: 150 },
    );
  });
});
