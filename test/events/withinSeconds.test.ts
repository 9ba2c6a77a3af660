/** Whom it concerns hears of it within seconds (PRJ-7): by the feed, by a webhook and by the identity export, each as it is followed. */
import { expect, test } from '@jest/globals';
import { buildWorld, expectStatus } from '../http/world.ts';
import { openTestGatehouse } from '../support/gatehouse.ts';
import { openReceiver, verifies } from './receiver.ts';
import { settled } from './subscriber.ts';

/** "Within seconds", also on a machine that does much else. */
const seconds = 10_000;

test('removing a collaborator, or changing a role, reaches all who follow within seconds (PRJ-7)', async () => {
  const gatehouse = await openTestGatehouse({ rehearse: false, env: { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' } });
  const acme = await buildWorld(gatehouse, 'acme');
  const credentials = gatehouse.operator('post', '/api/v1/service-credentials');
  const { secret } = await expectStatus(201, credentials.send({ name: 'node', scopes: ['identities', 'events'] }));
  const receiver = await openReceiver();
  const types = ['collaborator.role_changed', 'collaborator.removed', 'member.suspended'];
  const hooks = `/api/v1/organizations/${acme.organizationId}/webhooks`;
  const hook = await expectStatus(201, gatehouse.operator('post', hooks).send({ url: receiver.url, types }));
  const project = `/api/v1/projects/${acme.projectId}`;
  const feed = `/api/v1/organizations/${acme.organizationId}/events`;
  const { accountId, email } = acme.member;
  const read = (path: string, query: object) => expectStatus(200, gatehouse.bearer(secret, 'get', path).query(query));
  await expectStatus(201, gatehouse.operator('post', `${project}/collaborators`).send({ email }));

  const follow = async (change: () => PromiseLike<unknown>, type: string) => {
    await settled(gatehouse.store, acme.organizationId);
    const [events, identities] = [await read(feed, { from: 'now' }), await read(`${project}/identities`, {})];
    const before = receiver.received.length;
    const began = performance.now();
    const took = async <T>(asked: Promise<T>) => [await asked, performance.now() - began] as const;
    const following = Promise.all([
      took(read(feed, { cursor: events.cursor, type, wait: 30 })),
      took(read(`${project}/identities`, { since: identities.cursor, wait: 30 })),
      took(receiver.waitFor(before + 1, 30_000)),
    ]);
    await change();
    const [[told, byFeed], [list, byExport], [received, byWebhook]] = await following;
    for (const ms of [byFeed, byExport, byWebhook]) expect(ms).toBeLessThan(seconds);
    const request = received[before];
    expect(told.items).toMatchObject([{ type, data: { accountId } }]);
    expect(request?.event).toEqual(told.items[0]);
    if (request) expect(verifies(hook.secret, request)).toBe(true);
    return list;
  };
  const own = `${project}/collaborators/${accountId}`;
  const changed = await follow(
    () => gatehouse.operator('patch', own).send({ role: 'admin' }),
    'collaborator.role_changed',
  );
  expect(changed.items).toMatchObject([{ accountId, role: 'admin' }]);
  const removed = await follow(() => gatehouse.operator('delete', own), 'collaborator.removed');
  expect(removed.removed).toEqual([accountId]);
});
