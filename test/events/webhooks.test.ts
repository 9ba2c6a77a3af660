/** Webhooks over real HTTP (EVT-1): signed, retried, visible, replayable; one that fails is nobody else's trouble. */
import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { wakeOverdue } from '../../src/events/index.ts';
import { buildWorld, expectStatus, type World } from '../http/world.ts';
import { type Method, openBuilt, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { until } from '../support/until.ts';
import { openReceiver, type Receiver, verifies } from './receiver.ts';
import { settled } from './subscriber.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
let ahead: number;
let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
let mailbox: Mailbox;
let receiver: Receiver;

const openWorld = openBuilt(async (gatehouse) => ({
  acme: await buildWorld(gatehouse, 'acme'),
  rival: await buildWorld(gatehouse, 'rival'),
}));

beforeEach(async () => {
  ahead = 0;
  mailbox = await openMailbox();
  receiver = await openReceiver();
  ({ gatehouse, acme, rival } = await openWorld({
    rehearse: false,
    clock: { now: () => new Date(Date.now() + ahead) },
    env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true', SMTP_URL: mailbox.url },
  }));
  for (const { organizationId } of [acme, rival]) await settled(gatehouse.store, organizationId);
});

const ask = (status: number, method: Method, path: string, body?: object) =>
  expectStatus(status, gatehouse.operator(method, path).send(body));
const hooksOf = ({ organizationId }: World) => `/api/v1/organizations/${organizationId}/webhooks`;
const hooks = () => hooksOf(acme);
const add = (more: object = {}, path = hooks()) => ask(201, 'post', path, { url: receiver.url, ...more });
const collaborators = () => `/api/v1/projects/${acme.projectId}/collaborators`;
const join = () => ask(201, 'post', collaborators(), { email: acme.member.email });
const leave = () => ask(200, 'delete', `${collaborators()}/${acme.member.accountId}`);
const deliveriesOf = async (id: string, query: object = {}) =>
  (await expectStatus(200, gatehouse.operator('get', `${hooks()}/${id}/deliveries`).query(query))).items;
const deliveryOf = async (id: string) => (await deliveriesOf(id))[0];

/** Moves the clock on, between jobs, whose leases would end by it, and lets them see it. */
const pass = async (ms: number) => {
  await gatehouse.queue?.idle();
  ahead += ms;
  await gatehouse.queue?.idle();
};

describe('a webhook (EVT-1)', () => {
  test('is told of a removed collaborator within moments, signed as Standard Webhooks says (PRJ-7)', async () => {
    const { id, secret } = await add({ types: ['collaborator.removed'] });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await join();
    await leave();
    const [request] = await receiver.waitFor(1);
    if (!request) throw new Error('it was received');
    expect(request.event).toEqual({
      id: expect.stringMatching(/^evt-/),
      type: 'collaborator.removed',
      timestamp: expect.any(String),
      organizationId: acme.organizationId,
      sequence: expect.any(Number),
      actor: 'operator',
      data: {
        projectId: acme.projectId,
        accountId: acme.member.accountId,
        previousRole: 'member',
        grant: { role: 'member', source: 'manual' },
      },
    });
    expect(request.headers).toMatchObject({ 'webhook-id': request.event.id, 'content-type': 'application/json' });
    expect(verifies(secret, request)).toBe(true);
    const other = `whsec_${Buffer.alloc(32).toString('base64')}`;
    expect(verifies(other, request)).toBe(false);
    expect(verifies(secret, { ...request, body: `${request.body} ` })).toBe(false);
    await until('it is written down', async () => (await deliveryOf(id)).state === 'delivered');
    expect(await deliveriesOf(id)).toEqual([
      {
        id: expect.stringMatching(/^dlv-/),
        eventId: request.event.id,
        type: 'collaborator.removed',
        organizationId: acme.organizationId,
        state: 'delivered',
        attempts: 1,
        lastAttempt: { at: expect.any(String), ms: expect.any(Number), status: 204 },
        createdAt: expect.any(String),
      },
    ]);
  });

  test('has its secret shown once, sealed in the store, and in no list, audit or error', async () => {
    const { id, secret } = await add();
    const row = await gatehouse.store.read.webhooks.get(acme.organizationId, id);
    expect(row?.secret).toMatch(/^v1\./);
    const audit = await ask(200, 'get', `/api/v1/organizations/${acme.organizationId}/audit?targetId=${id}`);
    const shown = [await ask(200, 'get', hooks()), await ask(200, 'get', `${hooks()}/${id}`), audit, row];
    expect(JSON.stringify(shown)).not.toContain(secret.slice(6));
    expect(audit.items).toMatchObject([{ type: 'webhook.created', after: { origin: new URL(receiver.url).origin } }]);
  });

  test('signs with both secrets while one follows the other, and then with the new one alone', async () => {
    const { id, secret } = await add({ types: ['collaborator.added', 'collaborator.removed'] });
    const rotated = await ask(200, 'post', `${hooks()}/${id}/rotate-secret`, { overlapHours: 1 });
    expect(rotated.formerSecretUntil).toEqual(expect.any(String));
    await join();
    const [first] = await receiver.waitFor(1);
    if (!first) throw new Error('it was received');
    expect([secret, rotated.secret].map((one) => verifies(one, first))).toEqual([true, true]);
    expect(String(first.headers['webhook-signature']).split(' ')).toHaveLength(2);
    await pass(hour + minute);
    await leave();
    const [, second] = await receiver.waitFor(2);
    if (!second) throw new Error('it was received');
    const then = Date.now() + ahead;
    expect([secret, rotated.secret].map((one) => verifies(one, second, then))).toEqual([false, true]);
    expect((await ask(200, 'get', `${hooks()}/${id}`)).formerSecretUntil).toBeUndefined();
    const now = await ask(200, 'post', `${hooks()}/${id}/rotate-secret`, { overlapHours: 0 });
    await join();
    const third = (await receiver.waitFor(3))[2];
    if (!third) throw new Error('it was received');
    expect([rotated.secret, now.secret].map((one) => verifies(one, third, then))).toEqual([false, true]);
  });

  test('goes on signing with the secret that a receiver has, when another one is asked for twice', async () => {
    const { id, secret } = await add({ types: ['collaborator.added'] });
    const rotate = (overlapHours: number) => ask(200, 'post', `${hooks()}/${id}/rotate-secret`, { overlapHours });
    const secrets = [secret, (await rotate(24)).secret, (await rotate(1)).secret];
    await join();
    const [first] = await receiver.waitFor(1);
    if (!first) throw new Error('it was received');
    expect(secrets.map((one) => verifies(one, first))).toEqual([true, true, true]);
    for (let more = 0; more < 4; more += 1) secrets.push((await rotate(1)).secret);
    await leave();
    await join();
    const second = (await receiver.waitFor(2))[1];
    if (!second) throw new Error('it was received');
    expect(secrets.map((one) => verifies(one, second))).toEqual([false, true, true, true, true, true, true]);
  });

  test('gets a trial event when asked for, alone, and on no feed', async () => {
    const { id, secret } = await add();
    const quiet = await openReceiver();
    await add({ url: quiet.url });
    const asked = await ask(202, 'post', `${hooks()}/${id}/test`);
    expect(asked).toMatchObject({ type: 'webhook.test', state: 'pending', attempts: 0 });
    const [request] = await receiver.waitFor(1);
    if (!request) throw new Error('it was received');
    expect(request.event).toMatchObject({ type: 'webhook.test', data: { webhookId: id } });
    expect(verifies(secret, request)).toBe(true);
    await settled(gatehouse.store, acme.organizationId);
    await gatehouse.queue?.idle();
    expect(quiet.received).toEqual([]);
    const feed = await ask(200, 'get', `/api/v1/organizations/${acme.organizationId}/events?limit=200`);
    expect(JSON.stringify(feed)).not.toContain('webhook.');
  });

  test('is told only what it has chosen, and of its own organization', async () => {
    await add({ types: ['collaborator.added'] });
    const theirs = await openReceiver();
    await add({ url: theirs.url }, hooksOf(rival));
    await join();
    await leave();
    await receiver.waitFor(1);
    await settled(gatehouse.store, acme.organizationId);
    await gatehouse.queue?.idle();
    expect(receiver.received.map(({ event }) => event.type)).toEqual(['collaborator.added']);
    expect(theirs.received).toEqual([]);
  });

  test.each([
    ['http://127.0.0.1:8080/hook', 'plain http'],
    ['https://127.0.0.1/hook', 'this machine'],
    ['https://169.254.169.254/latest', 'the metadata service of a cloud'],
    ['https://[::1]/hook', 'this machine by IPv6'],
    ['https://user:secret@hooks.example/', 'a password'],
    ['ftp://hooks.example/', 'another protocol'],
    ['nonsense', 'no address'],
  ])('is not made for %s: %s', async (url) => {
    const guarded = await openWorld({ rehearse: false });
    const refused = await guarded.gatehouse.operator('post', hooksOf(guarded.acme)).send({ url });
    expect([refused.status, refused.body.code]).toEqual([400, 'address_refused']);
    const changed = await guarded.gatehouse
      .operator('patch', `${hooksOf(guarded.acme)}/${guarded.acme.webhookId}`)
      .send({ url });
    expect([changed.status, changed.body.code]).toEqual([400, 'address_refused']);
  });

  test('whose name leads to a private network is not reached, and its deliveries say why', async () => {
    const guarded = await openWorld({ rehearse: false, resolve: async () => ['127.0.0.1'] });
    const path = hooksOf(guarded.acme);
    const made = guarded.gatehouse.operator('post', path).send({ url: 'https://hooks.example/' });
    const { id } = await expectStatus(201, made);
    await expectStatus(202, guarded.gatehouse.operator('post', `${path}/${id}/test`));
    const read = async () =>
      (await expectStatus(200, guarded.gatehouse.operator('get', `${path}/${id}/deliveries`))).items[0];
    await until('it was tried', async () => (await read()).attempts > 0);
    expect((await read()).lastAttempt.error).toContain('not an address of the public internet');
  });

  test('that is disabled right after something has happened is told of it once it is enabled again, and of nothing since', async () => {
    const { id } = await add({ types: ['collaborator.added', 'collaborator.removed'] });
    const path = `${hooks()}/${id}`;
    const { organizationId } = acme;
    await settled(gatehouse.store, organizationId);
    // Who numbers its events is elsewhere, and slow.
    const leaseUntil = (until: number) =>
      gatehouse.store.transaction({ actor: 'test', requestId: 'test' }, (tx) =>
        tx.auditChains.updateOne(
          organizationId,
          { _id: organizationId },
          { $set: { holder: 'another', until: new Date(until) } },
        ),
      );
    await leaseUntil(Date.now() + hour);
    await join();
    await ask(200, 'patch', path, { enabled: false });
    await leaseUntil(0);
    await settled(gatehouse.store, acme.organizationId);
    await leave();
    await settled(gatehouse.store, acme.organizationId);
    await gatehouse.queue?.idle();
    expect(receiver.received).toEqual([]);
    await ask(200, 'patch', path, { enabled: true });
    await receiver.waitFor(1);
    await gatehouse.queue?.idle();
    expect(receiver.received.map(({ event }) => event.type)).toEqual(['collaborator.added']);
  });

  test('there are twenty of at most, and a changed one is told accordingly', async () => {
    for (let count = 1; count < 20; count += 1) await add({ enabled: false });
    const refused = await gatehouse.operator('post', hooks()).send({ url: receiver.url });
    expect([refused.status, refused.body.code]).toEqual([409, 'too_many_webhooks']);
    const { items } = await ask(200, 'get', hooks());
    expect(items).toHaveLength(20);
    const path = `${hooks()}/${items[5].id}`;
    await ask(200, 'patch', path, { enabled: true, types: ['collaborator.removed'], description: 'Billing' });
    expect(await ask(200, 'patch', path, { types: null, description: null })).toMatchObject({ enabled: true });
    await join();
    const [request] = await receiver.waitFor(1);
    expect(request?.event.type).toBe('collaborator.added');
    await ask(204, 'delete', path);
    await leave();
    await settled(gatehouse.store, acme.organizationId);
    await gatehouse.queue?.idle();
    expect(receiver.received).toHaveLength(1);
    expect(await gatehouse.store.read.webhookDeliveries.count(acme.organizationId, { webhookId: items[5].id })).toBe(0);
  });
});

describe('what does not get through (EVT-1)', () => {
  const failing = async (how: Parameters<Receiver['answer']>[0]) => {
    receiver.answer(how);
    const { id } = await add({ types: ['collaborator.added', 'collaborator.removed'] });
    await join();
    await until('it was tried', async () => (await deliveryOf(id))?.attempts === 1);
    return id as string;
  };

  test.each([500, 404, 302, 503])(
    'answered %d it is sent again, with the same id, until it is taken',
    async (status) => {
      const id = await failing((_received, response) =>
        response.writeHead(status, { location: `${receiver.url}/elsewhere` }).end('no\0\u2028 thanks'),
      );
      const failed = await deliveryOf(id);
      expect(failed).toMatchObject({ state: 'pending', attempts: 1, lastAttempt: { status, body: 'no   thanks' } });
      receiver.answer(200);
      await pass(6_000);
      await until('it is taken', async () => (await deliveryOf(id)).state === 'delivered');
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      const [first, second] = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']));
      expect(second).toBeGreaterThan(first ?? 0);
      expect(receiver.received).toHaveLength(2);
    },
  );

  test('is sent ten times in a little more than three days, then has failed, and is sent again when asked for', async () => {
    const id = await failing(500);
    const waits: number[] = [];
    for (let attempt = 2; attempt <= 10; attempt += 1) {
      const { nextAttemptAt, lastAttempt } = await deliveryOf(id);
      const wait = Date.parse(nextAttemptAt) - Date.parse(lastAttempt.at);
      waits.push(wait);
      await pass(wait + 1_000);
      await until(`attempt ${attempt}`, async () => (await deliveryOf(id)).attempts === attempt);
    }
    const schedule = [5_000, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
    for (const [at, wait] of waits.entries()) {
      const least = schedule[at] ?? 0;
      expect([at, wait >= least, wait < least * 1.1 + 2_000]).toEqual([at, true, true]);
    }
    const failed = await deliveryOf(id);
    expect(failed).toMatchObject({ state: 'failed', attempts: 10 });
    expect(failed.nextAttemptAt).toBeUndefined();
    await pass(day);
    expect(receiver.received).toHaveLength(10);
    // one failure, weeks later, does not make it a webhook to which nothing has got through all the while
    await pass(30 * day);
    await leave();
    await until('the next one was tried', async () => (await deliveryOf(id)).attempts === 1);
    expect(await ask(200, 'get', `${hooks()}/${id}`)).toMatchObject({ enabled: true });

    receiver.answer(204);
    const path = `${hooks()}/${id}/deliveries/${failed.id}`;
    expect(await ask(202, 'post', `${path}/replay`)).toMatchObject({ state: 'pending', attempts: 0 });
    await until('it is taken', async () => (await ask(200, 'get', path)).state === 'delivered');
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids.filter((one) => one === failed.eventId)).toHaveLength(11);
  });

  test('that is asked to be sent again during its last attempt has all its attempts, whatever becomes of that one', async () => {
    const id = await failing(500);
    const held: ServerResponse[] = [];
    receiver.answer((_received, response) => held.push(response));
    const { id: delivery } = await deliveryOf(id);
    await gatehouse.store.transaction({ actor: 'test', requestId: 'test' }, (tx) =>
      tx.webhookDeliveries.update(acme.organizationId, { webhookId: id }, { $set: { attempts: 9 } }),
    );
    await gatehouse.queue?.idle();
    ahead += 6_000;
    await until('the last attempt is under way', () => held.length === 1);
    receiver.answer(204);
    await ask(202, 'post', `${hooks()}/${id}/deliveries/${delivery}/replay`);
    held[0]?.writeHead(500).end();
    await until('it is taken', async () => (await deliveryOf(id)).state === 'delivered');
    expect(receiver.received).toHaveLength(3);
  });

  test('while a webhook rests, a replay and a trial are sent at once: whoever asks knows that its receiver is back', async () => {
    const id = await failing(500);
    for (let round = 2; round <= 4; round += 1) {
      const { nextAttemptAt } = await deliveryOf(id);
      await pass(Date.parse(nextAttemptAt) - Date.now() - ahead + 1_000);
      await until(`round ${round}`, async () => (await deliveryOf(id)).attempts === round);
    }
    await gatehouse.queue?.idle();
    receiver.answer(204);
    const delivery = await deliveryOf(id);
    await ask(202, 'post', `${hooks()}/${id}/deliveries/${delivery.id}/replay`);
    await until('it is taken', async () => (await deliveryOf(id)).state === 'delivered');
    await ask(202, 'post', `${hooks()}/${id}/test`);
    await until('the trial is taken', async () => (await deliveriesOf(id, { state: 'delivered' })).length === 2);
  });

  test('all that has failed since an instant is sent again at once, and nothing from before it', async () => {
    const id = await failing(500);
    const fail = () =>
      gatehouse.store.transaction({ actor: 'test', requestId: 'test' }, (tx) =>
        tx.webhookDeliveries.update(acme.organizationId, { webhookId: id }, { $set: { state: 'failed' } }),
      );
    await fail();
    ahead += hour;
    const since = new Date(Date.now() + ahead).toISOString();
    await leave();
    await join();
    await until('both are there', async () => (await deliveriesOf(id)).length === 3);
    await gatehouse.queue?.idle();
    await fail();
    receiver.answer(204);
    expect(await ask(202, 'post', `${hooks()}/${id}/replay`, { since })).toEqual({ replayed: 2 });
    await pass(10 * minute);
    await until('both are taken', async () => (await deliveriesOf(id, { state: 'delivered' })).length === 2);
    expect(await deliveriesOf(id, { state: 'failed' })).toHaveLength(1);
    expect(await ask(202, 'post', `${hooks()}/${id}/replay`, { since })).toEqual({ replayed: 0 });
  });

  test('is written down whatever the answer says, which is kept as far as whole characters go', async () => {
    receiver.answer((_received, response) => response.writeHead(200).end(`${'x'.repeat(999)}😀 thanks`));
    const { id } = await add();
    await join();
    await until('it is taken', async () => (await deliveryOf(id))?.state === 'delivered');
    expect((await deliveryOf(id)).lastAttempt.body).toBe('x'.repeat(999));
    await gatehouse.queue?.idle();
    expect(receiver.received).toHaveLength(1);
  });

  test.each([
    ['7200', 2 * hour],
    ['9999999', day],
    ['0', 5_000],
    ['soon', 5_000],
  ])('waits as long as Retry-After: %s asks for, within bounds', async (header, least) => {
    const id = await failing((_received, response) => response.writeHead(429, { 'retry-after': header }).end());
    const { nextAttemptAt, lastAttempt } = await deliveryOf(id);
    const wait = Date.parse(nextAttemptAt) - Date.parse(lastAttempt.at);
    expect([wait >= least, wait < least * 1.1 + 5_000]).toEqual([true, true]);
  });

  test('because its receiver answers 410 disables the webhook and tells the Admins by letter', async () => {
    receiver.answer(410);
    const { id } = await add();
    await join();
    await until('it is disabled', async () => !(await ask(200, 'get', `${hooks()}/${id}`)).enabled);
    expect(await ask(200, 'get', `${hooks()}/${id}`)).toMatchObject({ disabledBecause: 'gone' });
    for (const { email } of [acme.owner, acme.admin]) {
      await until(`a letter to ${email}`, () => mailbox.to(email).some(({ text }) => text.includes(id)));
    }
    expect(mailbox.to(acme.member.email)).toEqual([]);
    const refused = await gatehouse.operator('post', `${hooks()}/${id}/test`);
    expect([refused.status, refused.body.code]).toEqual([409, 'webhook_disabled']);
    await leave();
    await settled(gatehouse.store, acme.organizationId);
    await pass(day);
    expect(receiver.received).toHaveLength(1);
    // enabled again, it is sent what waited for it, and what happens from then on
    receiver.answer(204);
    await ask(200, 'patch', `${hooks()}/${id}`, { enabled: true });
    await until('what waited is taken', async () => (await deliveriesOf(id, { state: 'pending' })).length === 0);
    expect(receiver.received.map(({ event }) => event.type)).toEqual(['collaborator.added', 'collaborator.added']);
  });

  test('goes on where the job of its webhook was given up: a round wakes it (OPS-2)', async () => {
    const id = await failing(500);
    await gatehouse.queue?.idle();
    const { store } = gatehouse;
    await store.transaction({ actor: 'test', requestId: 'test' }, (tx) =>
      tx.outbox.remove(acme.organizationId, { job: 'deliver' }),
    );
    receiver.answer(204);
    ahead += hour;
    const wake = () =>
      wakeOverdue(
        store,
        { actor: 'job:test', requestId: 'test' },
        { at: new Date(Date.now() + ahead), goOn: () => true },
      );
    await wake();
    await until('it is taken', async () => (await deliveryOf(id)).state === 'delivered');
    await gatehouse.queue?.idle();
    await wake();
    expect(await store.read.outbox.count(acme.organizationId, { job: 'deliver' })).toBe(0);
  });

  test.each([
    ['hours', 5 * hour],
    ['years', 3_650 * day],
  ])('goes on where the clock was set back by %s: a round wakes it (OPS-2)', async (_, stepMs) => {
    receiver.answer(500);
    const hook = await add();
    await pass(stepMs);
    await join();
    await until('it fails', async () => (await deliveryOf(hook.id))?.attempts === 1);
    await gatehouse.queue?.idle();
    receiver.answer(204);
    ahead = 0;
    const turn = { at: new Date(), goOn: () => true };
    const round = { actor: 'job:test', requestId: 'test' };
    await wakeOverdue(gatehouse.store, round, turn);
    const row = await gatehouse.store.read.webhooks.get(acme.organizationId, hook.id);
    expect(row?.restUntil).toBeUndefined();
    expect(row?.wakeAt?.getTime()).toBeLessThanOrEqual(Date.now() + 6 * hour);
    // What was to be sent at a time that it may rest until waits for that.
    if (stepMs > day) await until('it is taken', async () => (await deliveryOf(hook.id)).state === 'delivered');
  });

  test('for five days disables the webhook, and tells the Admins', async () => {
    receiver.answer(500);
    const { id } = await add();
    const enabled = async () => (await ask(200, 'get', `${hooks()}/${id}`)).enabled;
    for (let half = 0; half < 16 && (await enabled()); half += 1) {
      await (half % 2 === 0 ? join() : leave());
      await settled(gatehouse.store, acme.organizationId);
      await gatehouse.queue?.idle();
      await pass(9 * hour);
    }
    expect(await ask(200, 'get', `${hooks()}/${id}`)).toMatchObject({ enabled: false, disabledBecause: 'failing' });
    await until('a letter', () => mailbox.to(acme.owner.email).some(({ text }) => text.includes('five days')));
  });

  test('because nobody answers is nobody else’s trouble: the others are told within moments', async () => {
    const hanging = await openReceiver();
    hanging.answer(() => {});
    for (let count = 0; count < 19; count += 1) await add({ url: hanging.url });
    const theirs = await openReceiver();
    const project = `/api/v1/projects/${rival.projectId}/collaborators`;
    await add({ url: theirs.url, types: ['collaborator.added'] }, hooksOf(rival));
    await join();
    await until('many hang', () => hanging.received.length >= 12);
    const began = performance.now();
    await ask(201, 'post', project, { email: rival.member.email });
    await theirs.waitFor(1);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(hanging.received.length).toBeLessThanOrEqual(19 * 8);
    hanging.answer(204);
    await hanging.close();
  });
});

describe('webhooks of the platform (EVT-1)', () => {
  test('are told of all organizations, and nothing of one remains with them once it is deleted (ORG-2)', async () => {
    const { id, secret } = await add({ types: ['collaborator.added', 'organization.deleted'] }, '/api/v1/webhooks');
    await join();
    await ask(201, 'post', `/api/v1/projects/${rival.projectId}/collaborators`, { email: rival.member.email });
    await receiver.waitFor(2);
    const of = receiver.received.map(({ event }) => event.organizationId).sort();
    expect(of).toEqual([acme.organizationId, rival.organizationId].sort());
    for (const request of receiver.received) expect(verifies(secret, request)).toBe(true);
    await ask(200, 'post', `/api/v1/organizations/${rival.organizationId}/close`, { confirm: 'rival' });
    await ask(202, 'delete', `/api/v1/organizations/${rival.organizationId}?confirm=rival`);
    const gone = (await receiver.waitFor(3, 60_000))[2];
    expect(gone?.event).toMatchObject({
      type: 'organization.deleted',
      data: { organizationId: rival.organizationId, slug: 'rival' },
    });
    const path = `/api/v1/webhooks/${id}/deliveries`;
    // A deletion is many transactions, one after the other.
    const forgotten = async () => {
      const { items } = await ask(200, 'get', path);
      return !JSON.stringify(items).includes(rival.organizationId);
    };
    await until('what was told of it is forgotten', forgotten, 150_000);
    expect((await ask(200, 'get', path)).items.map(({ type }: { type: string }) => type).sort()).toEqual([
      'collaborator.added',
      'organization.deleted',
    ]);
    for (const { token } of [acme.owner]) {
      expect((await gatehouse.bearer(token, 'get', path)).status).toBe(403);
      expect((await gatehouse.bearer(token, 'get', `${hooks()}/${id}`)).status).toBe(404);
    }
  }, 240_000);
});
