/** What is good for a time only goes when its time is over, and nothing else does. */
import { beforeAll, expect, test } from '@jest/globals';
import { PLATFORM, removeExpired, type Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';

const cause = { actor: 'system', requestId: 'test' };
const day = 86_400_000;
let store: Store;

beforeAll(async () => {
  store = await openTestStore();
});

test('expired rows are removed in every organization, live ones stay, and records stay as long as logs do', async () => {
  const now = new Date();
  const at = (days: number) => new Date(now.getTime() + days * day);
  await store.transaction(cause, async (tx) => {
    for (const org of ['org-a', 'org-b']) {
      for (let i = 0; i < 250; i++) {
        const expiresAt = at(i < 220 ? -1 : 1);
        await tx.consumedMessages.insert(org, {
          ...{
            _id: `msg-${org}-${i}`,
            organizationId: org,
            connectionId: 'con-a',
            messageId: `${org}-${i}`,
            expiresAt,
          },
        });
      }
      await tx.signInRecords.insert(org, {
        ...{ _id: `sir-${org}`, organizationId: org, connectionId: 'con-a', reference: org, purpose: 'test' },
        ...{ outcome: 'refused', code: 'expired', detail: 'd' },
      });
    }
    for (const [name, idle, absolute] of [
      ['idle', -1, 5],
      ['live', 1, 5],
    ] as const) {
      await tx.sessions.insert(PLATFORM, {
        ...{ _id: `ses-${name}`, accountId: 'acc-a', tokenHash: name, madeBy: 'sign_in', endedIn: [] },
        ...{ idleExpiresAt: at(idle), expiresAt: at(absolute) },
      });
    }
  });
  const goOn = () => true;
  expect(await removeExpired(store, cause, { now, keepFrom: at(-30), eventsFrom: at(-90), goOn })).toBe(441);
  expect(await store.read.consumedMessages.count(PLATFORM, {})).toBe(60);
  expect(await store.read.sessions.find(PLATFORM, {})).toMatchObject([{ _id: 'ses-live' }]);
  expect(await store.read.signInRecords.count(PLATFORM, {})).toBe(2);
  expect(await removeExpired(store, cause, { now, keepFrom: at(1), eventsFrom: at(-90), goOn })).toBe(2);
  expect(
    await removeExpired(store, cause, { now: at(2), keepFrom: at(1), eventsFrom: at(-90), goOn: () => false }),
  ).toBe(0);
});

test('what subscribers were told, and can be told, is kept for its own time', async () => {
  const now = new Date();
  const at = (days: number) => new Date(now.getTime() + days * day);
  await store.transaction(cause, async (tx) => {
    for (const org of ['org-a', 'org-b']) {
      await tx.eventChunks.insert(org, { _id: `chk-${org}`, organizationId: org, from: 1, to: 2, pending: true });
      await tx.webhookDeliveries.insert(org, {
        ...{ _id: `dlv-${org}`, organizationId: org, webhookId: 'whk-a', of: org, auditId: `aud-${org}`, attempts: 0 },
        ...{ type: 'member.added', state: 'delivered', dueAt: now },
      });
    }
  });
  const counts = async () => [
    await store.read.eventChunks.count(PLATFORM, {}),
    await store.read.webhookDeliveries.count(PLATFORM, {}),
  ];
  const clean = (days: number) =>
    removeExpired(store, cause, { now, keepFrom: at(-30), eventsFrom: at(days), goOn: () => true });
  await clean(-1);
  expect(await counts()).toEqual([2, 2]);
  await clean(1);
  expect(await counts()).toEqual([0, 0]);
});
