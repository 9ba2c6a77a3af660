import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { followChain, nextLink, origin } from '../../src/events/chain.ts';
import { verifyAudit } from '../../src/events/index.ts';
import { canonicalJson } from '../../src/lib/canonicalJson.ts';
import type { AuditEvent, Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { cause, numberAll, numbered, orgA, orgB, record } from './world.ts';

let store: Store;
let events: readonly AuditEvent[];
beforeEach(async () => {
  store = await openTestStore();
  await record(store, orgA, 'a', 'b', 'c', 'd');
  await record(store, orgB, 'x');
  await numberAll(store, orgA);
  await numberAll(store, orgB);
  events = await numbered(store, orgA);
});
const verify = () => verifyAudit(store.read, orgA);
const idOf = (seq: number) => events[seq - 1]?._id ?? '';
const change = (seq: number, $set: Partial<Pick<AuditEvent, 'actor' | 'after' | 'seq' | 'hash' | 'targetId'>>) =>
  store.transaction(cause, (tx) => tx.auditEvents.updateOne(orgA, { _id: idOf(seq) }, { $set }));
const remove = (...seqs: number[]) =>
  store.transaction(cause, (tx) => tx.auditEvents.remove(orgA, { seq: { $in: seqs } }));

describe('verification of the audit trail (AUD-1)', () => {
  test('an untouched chain is verified, as is the chain of an organization where nothing happened', async () => {
    expect(await verify()).toEqual({ verified: true, count: 4, head: { seq: 4, hash: events[3]?.hash } });
    expect(await verifyAudit(store.read, 'org-none')).toEqual({ verified: true, count: 0 });
  });

  test('an outsider can work out a hash from what the API shows', () => {
    const [first, second] = events;
    if (!first || !second) throw new Error('there are events');
    const shown = {
      id: second._id,
      organizationId: orgA,
      at: second.createdAt.toISOString(),
      type: 'test.happened',
      actor: 'operator',
      requestId: 'req-1',
      outcome: 'done',
      targetKind: 'person',
      targetId: 'b',
      after: { nested: { a: 'é', b: [1, 0.5, null] }, name: 'b' },
      seq: 2,
      previous: first.hash,
    };
    expect(createHash('sha256').update(canonicalJson(shown)).digest('hex')).toBe(second.hash);
    expect(canonicalJson({ b: 1, a: { d: undefined, c: ['"', 1e21, -0] } })).toBe('{"a":{"c":["\\"",1e+21,0]},"b":1}');
  });

  test.each([
    ['who did it', { actor: 'account:acc-9' }],
    ['what came of it', { after: { name: 'b' } }],
    ['its own hash', { hash: '0'.repeat(64) }],
  ])('an event changed in %s is found', async (_, changes) => {
    await change(2, changes);
    expect(await verify()).toMatchObject({
      verified: false,
      count: 1,
      firstBroken: { seq: 2, fault: 'changed', id: idOf(2) },
    });
    expect(await verifyAudit(store.read, orgB)).toMatchObject({ verified: true });
  });

  test('a changed event whose hash was made anew breaks the next one', async () => {
    const [first, second] = events;
    if (!first || !second) throw new Error('there are events');
    const { head } = followChain(origin, [first]);
    const forged = nextLink(head, { ...second, actor: 'system' });
    await change(2, { actor: 'system', hash: forged.hash });
    expect(await verify()).toMatchObject({ verified: false, count: 2, firstBroken: { seq: 3, fault: 'changed' } });
  });

  test.each([
    ['the first', [1], 1],
    ['one in the middle', [3], 3],
    ['several', [2, 3], 2],
    ['the last', [4], 4],
    ['all', [1, 2, 3, 4], 1],
  ])('%s removed is found', async (_, seqs, seq) => {
    await remove(...seqs);
    expect(await verify()).toMatchObject({ verified: false, count: seq - 1, firstBroken: { seq, fault: 'missing' } });
  });

  test('two events that have changed places are found', async () => {
    const [, second, third] = events;
    await change(2, { seq: 99 });
    await change(3, { seq: 2, hash: second?.hash ?? '' });
    await change(2, { seq: 3, hash: third?.hash ?? '' });
    expect(await verify()).toMatchObject({ verified: false, firstBroken: { seq: 2, fault: 'changed', id: idOf(3) } });
  });

  test('a head that was set back, and one that was removed, are found', async () => {
    const head = { seq: 3, hash: events[2]?.hash ?? '' };
    await store.transaction(cause, (tx) => tx.auditChains.updateOne(orgA, { _id: orgA }, { $set: head }));
    expect(await verify()).toMatchObject({ verified: false, count: 3, firstBroken: { seq: 4, fault: 'changed' } });
    await store.transaction(cause, (tx) => tx.auditChains.remove(orgA, {}));
    expect(await verify()).toMatchObject({ verified: false, count: 0, firstBroken: { seq: 1 } });
  });

  test('a chain of several pages is followed through all of them', async () => {
    await record(store, orgA, ...Array.from({ length: 1_200 }, (_, i) => `p${i}`));
    await numberAll(store, orgA);
    expect(await verify()).toMatchObject({ verified: true, count: 1_204 });
    const [late] = await store.read.auditEvents.find(orgA, { seq: 1_100 });
    await store.transaction(cause, (tx) =>
      tx.auditEvents.updateOne(orgA, { _id: late?._id ?? '' }, { $set: { targetId: 'x' } }),
    );
    expect(await verify()).toMatchObject({
      verified: false,
      count: 1_099,
      firstBroken: { seq: 1_100, fault: 'changed' },
    });
  });
});
