import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { placeChunks } from '../../src/events/chunks.ts';
import { openSequencer, recordAudit, type Sequencer, verifyAudit } from '../../src/events/index.ts';
import { numberEvents } from '../../src/events/numbering.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { cause, mortal, numberAll, numbered, orgA, orgB, record } from './world.ts';

let store: Store;
let sequencers: Sequencer[] = [];

beforeEach(async () => {
  store = await openTestStore();
});

afterEach(async () => {
  for (const sequencer of sequencers) await sequencer.stop();
  sequencers = [];
  await store.close();
});

const open = (settings: { pollMs?: number; leaseMs?: number; batch?: number } = {}, on = store): Sequencer => {
  const sequencer = openSequencer({ store: on, logger: silentLogger, pollMs: 50, leaseMs: 200, ...settings });
  sequencers.push(sequencer);
  sequencer.start();
  return sequencer;
};
const targets = async (organizationId: string) =>
  (await numbered(store, organizationId)).map(({ seq, targetId }) => `${seq} ${targetId}`);
const allNumbered = async () => (await store.read.auditEvents.findOne(PLATFORM, { pending: true })) === undefined;

describe('the sequencer (AUD-1)', () => {
  test('gives every organization its own numbers from 1 on, without a gap, and a chain that verifies', async () => {
    await record(store, orgA, 'a', 'b');
    await record(store, orgB, 'x');
    await record(store, orgA, 'c');
    open();
    await until('all are numbered', allNumbered);
    expect(await targets(orgA)).toEqual(['1 a', '2 b', '3 c']);
    expect(await targets(orgB)).toEqual(['1 x']);
    const { verified, count, head } = await verifyAudit(store.read, orgA);
    expect({ verified, count }).toEqual({ verified: true, count: 3 });
    expect(head).toEqual({ seq: 3, hash: (await numbered(store, orgA)).at(-1)?.hash });
  });

  test('is woken by a commit: nobody waits for its poll', async () => {
    open({ pollMs: 60_000 });
    await record(store, orgA, 'a');
    await until('the first event is numbered', allNumbered);
    const began = performance.now();
    await record(store, orgA, 'b');
    await until('the event is numbered', allNumbered);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('an event that becomes visible after later ones gets a later number; none changes its number', async () => {
    await record(store, orgA, 'first');
    await record(store, orgA, 'second');
    await numberAll(store, orgA);
    const [first] = await numbered(store, orgA);
    if (!first) throw new Error('it was numbered');
    // Made before all others, by a process whose transaction has taken long.
    await store.transaction(cause, async (tx) => {
      const { seq: _s, hash: _h, version: _v, createdAt: _c, updatedAt: _u, ...facts } = first;
      const late = { ...facts, _id: 'aud-00000000000000000000000000', targetId: 'late', pending: true };
      await tx.auditEvents.insert(orgA, late);
    });
    await numberAll(store, orgA);
    expect(await targets(orgA)).toEqual(['1 first', '2 second', '3 late']);
    expect(await verifyAudit(store.read, orgA)).toMatchObject({ verified: true, count: 3 });
  });

  test.each([{ write: 0 }, { write: 1 }, 'committed' as const])(
    'that dies at %j leaves a chain that another one continues (OPS-2)',
    async (death) => {
      await record(store, orgA, 'a');
      await numberAll(store, orgA);
      await record(store, orgA, 'b', 'c');
      const numbering = { holder: 'dying', leaseMs: 0, batch: 10 };
      await expect(numberEvents(mortal(store, death), orgA, numbering)).rejects.toThrow('killed');
      expect(await verifyAudit(store.read, orgA)).toMatchObject({
        verified: true,
        count: death === 'committed' ? 3 : 1,
      });
      await record(store, orgA, 'd');
      await numberAll(store, orgA);
      expect(await targets(orgA)).toEqual(['1 a', '2 b', '3 c', '4 d']);
      expect(await verifyAudit(store.read, orgA)).toMatchObject({ verified: true, count: 4 });
    },
  );

  test('one at a time numbers an organization; who died is followed when its lease has ended', async () => {
    const holding = { holder: 'first', leaseMs: 400, batch: 10 };
    await record(store, orgA, 'a');
    expect(await numberEvents(store, orgA, holding)).toBe(1);
    await record(store, orgA, 'b');
    expect(await numberEvents(store, orgA, { ...holding, holder: 'second' })).toBe(0);
    await until('the lease has ended', async () => {
      return (await numberEvents(store, orgA, { ...holding, holder: 'second' })) === 1;
    });
    expect(await targets(orgA)).toEqual(['1 a', '2 b']);
  });

  test.each([
    ['an hour', 3_600_000],
    ['years', 10 * 365 * 86_400_000],
  ])('goes on at once where the clock was set back by %s over a restart (OPS-2)', async (_, stepMs) => {
    let aheadMs = stepMs;
    const moved = await openTestStore({ clock: { now: () => new Date(Date.now() + aheadMs) } });
    const first = { holder: 'first', leaseMs: 2_000, batch: 10 };
    const second = { ...first, holder: 'second' };
    const happen = (targetId: string, from: number) =>
      moved.transaction(cause, async (tx) => {
        await recordAudit(tx, orgA, { type: 'test.happened', targetKind: 'person', targetId });
        const chunk = { _id: `chk-${from}`, organizationId: orgA, from, to: from, pending: true };
        await tx.eventChunks.insert(orgA, chunk);
      });
    await happen('a', 1);
    expect(await numberEvents(moved, orgA, first)).toBe(1);
    await placeChunks(moved, first);
    aheadMs = 0;
    await happen('b', 2);
    expect(await numberEvents(moved, orgA, second)).toBe(1);
    await placeChunks(moved, second);
    expect((await numbered(moved, orgA)).map(({ seq, targetId }) => `${seq} ${targetId}`)).toEqual(['1 a', '2 b']);
    expect(await verifyAudit(moved.read, orgA)).toMatchObject({ verified: true, count: 2 });
    const chunks = await moved.read.eventChunks.find(orgA, {}, { sort: { from: 1 } });
    expect(chunks.map(({ position }) => position)).toEqual([1, 2]);
    // The lease of the second stands by the clock as it is now.
    await happen('c', 3);
    expect(await numberEvents(moved, orgA, first)).toBe(0);
    await placeChunks(moved, first);
    expect(await moved.read.eventChunks.count(orgA, { pending: true })).toBe(1);
    await moved.close();
  });

  test('many writers with three sequencers at once: every event once, no gap, and it verifies', async () => {
    for (let i = 0; i < 3; i++) open({ leaseMs: 1, batch: 7 });
    const people = Array.from({ length: 96 }, (_, i) => `p${i}`);
    await Promise.all(people.map((person, i) => record(store, i % 3 === 0 ? orgB : orgA, person, `${person} too`)));
    await until('all are numbered', allNumbered, 60_000);
    const both = [...(await numbered(store, orgA)), ...(await numbered(store, orgB))];
    expect(both.map(({ targetId }) => targetId).sort()).toEqual(people.flatMap((each) => [each, `${each} too`]).sort());
    for (const [organizationId, count] of [[orgA, 128] as const, [orgB, 64] as const]) {
      expect((await numbered(store, organizationId)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: count }, (_, i) => i + 1),
      );
      expect(await verifyAudit(store.read, organizationId)).toMatchObject({ verified: true, count });
    }
  });

  const backlog = 5_000;
  test(`a backlog of ${backlog} of one organization delays another's events by its turn only`, async () => {
    await store.close();
    store = await openTestStore({ rehearse: false });
    for (let at = 0; at < backlog; at += 1_000) {
      await record(store, orgA, ...Array.from({ length: 1_000 }, (_, i) => `p${at + i}`));
    }
    open();
    await until('the backlog is under way', async () => (await numbered(store, orgA)).length > 0);
    await record(store, orgB, 'x');
    await until("the other's is numbered", async () => (await numbered(store, orgB)).length === 1);
    expect(await allNumbered()).toBe(false);
    await until('the backlog is done', allNumbered, 120_000);
    expect(await verifyAudit(store.read, orgA)).toMatchObject({ verified: true, count: backlog });
  }, 180_000);
});
