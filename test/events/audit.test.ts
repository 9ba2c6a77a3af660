import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listAudit, recordAudit } from '../../src/events/index.ts';
import type { Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';

const cause = { actor: 'operator', onBehalfOf: 'acc-1', requestId: 'req-1' };
const [orgA, orgB] = ['org-a', 'org-b'];

describe('the audit trail (AUD-1)', () => {
  let store: Store;

  beforeEach(async () => {
    store = await openTestStore();
  });

  afterEach(() => store.close());

  const record = (organizationId: string, targetId: string, type: 'member.suspended' | 'member.removed') =>
    store.transaction(cause, (tx) => recordAudit(tx, organizationId, { type, targetKind: 'member', targetId }));

  test('says who, for whom, what, on what, before and after, and by which request', async () => {
    await store.transaction(cause, (tx) =>
      recordAudit(tx, orgA, {
        type: 'owner.deprovision_refused',
        outcome: 'refused',
        targetKind: 'member',
        targetId: 'mem-1',
        before: { status: 'active' },
        after: { status: 'suspended' },
        detail: 'The Owner stays.',
      }),
    );
    const { items } = await listAudit(store.read, orgA, { limit: 10 });
    expect(items).toMatchObject([
      {
        type: 'owner.deprovision_refused',
        actor: 'operator',
        onBehalfOf: 'acc-1',
        requestId: 'req-1',
        outcome: 'refused',
        targetKind: 'member',
        targetId: 'mem-1',
        before: { status: 'active' },
        after: { status: 'suspended' },
        detail: 'The Owner stays.',
      },
    ]);
  });

  test('tells of done things unless it says otherwise, and leaves out what is not known', async () => {
    await store.transaction({ actor: 'job:reconcile', requestId: 'req-2' }, (tx) =>
      recordAudit(tx, orgA, { type: 'grant.added', targetKind: 'grant', targetId: 'grt-1', before: undefined }),
    );
    const [event] = (await listAudit(store.read, orgA, { limit: 10 })).items;
    expect(event).toMatchObject({ outcome: 'done', actor: 'job:reconcile' });
    for (const field of ['onBehalfOf', 'before', 'after', 'detail']) expect(event).not.toHaveProperty(field);
  });

  test('stays with its change, or goes with it', async () => {
    const failed = store.transaction(cause, async (tx) => {
      await recordAudit(tx, orgA, { type: 'grant.added', targetKind: 'grant', targetId: 'grt-1' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect((await listAudit(store.read, orgA, { limit: 10 })).items).toEqual([]);
  });

  test('lists the newest first, page by page, by target and by type, of one organization only (PRJ-1)', async () => {
    for (const targetId of ['mem-1', 'mem-2', 'mem-3']) await record(orgA, targetId, 'member.suspended');
    await record(orgA, 'mem-1', 'member.removed');
    await record(orgB, 'mem-9', 'member.removed');

    const first = await listAudit(store.read, orgA, { limit: 3 });
    expect(first.items.map((event) => [event.type, event.targetId])).toEqual([
      ['member.removed', 'mem-1'],
      ['member.suspended', 'mem-3'],
      ['member.suspended', 'mem-2'],
    ]);
    const second = await listAudit(store.read, orgA, { limit: 3, cursor: first.nextCursor });
    expect(second.items.map((event) => event.targetId)).toEqual(['mem-1']);
    expect(second.nextCursor).toBeUndefined();

    const ofOne = await listAudit(store.read, orgA, { limit: 10, targetId: 'mem-1' });
    expect(ofOne.items.map((event) => event.type)).toEqual(['member.removed', 'member.suspended']);
    const removed = await listAudit(store.read, orgA, { limit: 10, type: 'member.removed' });
    expect(removed.items.map((event) => event.targetId)).toEqual(['mem-1']);
  });

  test('a cursor that is none is refused (OPS-1)', async () => {
    const asked = async () => listAudit(store.read, orgA, { limit: 10, cursor: 'nonsense' });
    await expect(asked()).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
