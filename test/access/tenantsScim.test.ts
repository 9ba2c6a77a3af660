/**
 * What an IdP asks of its directory with ids of another organization's in the place of its own: answered like what is not there, and by
 * the same look-ups, so that time tells nothing either (PRJ-1).
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildWorld, expectStatus, type World } from '../http/world.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { ReadWatch } from '../support/readWatch.ts';
import { anyId, ghostsOf } from './ghosts.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;
const watch = new ReadWatch();

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false, watch });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
});

describe('over SCIM (PRJ-1)', () => {
  const urn = (of: string) => `urn:ietf:params:scim:schemas:core:2.0:${of}`;
  const patch = (operation: object) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [operation],
  });
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
  const pushed = new Map<World, string>();
  beforeAll(async () => {
    for (const world of [acme, rival]) {
      const user = { schemas: [urn('User')], userName: `pushed@${world.domain}` };
      pushed.set(world, (await expectStatus(201, scim(world, 'post', '/Users').send(user))).id);
    }
  });
  const scim = (world: World, method: Method, path: string, directoryId = world.directoryId) =>
    gatehouse.bearer(world.directoryToken.secret, method, `/scim/v2/${directoryId}${path}`);

  const asks: readonly (readonly [Method, string, ((id: string) => object)?])[] = [
    ['get', '/Users/{user}'],
    ['put', '/Users/{user}', () => ({ schemas: [urn('User')], userName: 'taken-over' })],
    ['patch', '/Users/{user}', () => patch({ op: 'replace', path: 'active', value: false })],
    ['delete', '/Users/{user}'],
    ['get', '/Groups/{group}'],
    ['put', '/Groups/{group}', () => ({ schemas: [urn('Group')], displayName: 'Taken over' })],
    ['patch', '/Groups/{group}', () => patch({ op: 'replace', path: 'displayName', value: 'Taken over' })],
    ['delete', '/Groups/{group}'],
    ['get', '/Users?filter=id eq "{user}"'],
    ['get', '/Users?filter=groups.value eq "{group}"'],
    ['get', '/Groups?filter=members.value eq "{user}"'],
    ['post', '/Groups', (id) => ({ schemas: [urn('Group')], displayName: `With ${id}`, members: [{ value: id }] })],
    ['patch', '/Groups/{own group}', (id) => patch({ op: 'add', path: 'members', value: [{ value: id }] })],
    ['patch', '/Groups/{own group}', (id) => patch({ op: 'remove', path: `members[value eq "${id}"]` })],
    ['patch', '/Users/{own user}', (id) => patch({ op: 'add', path: `${enterprise}:manager`, value: { value: id } })],
    [
      'post',
      '/Bulk',
      (id) => ({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [{ method: 'DELETE', path: `/Users/${id}` }],
      }),
    ],
  ];

  async function asked([method, path, body]: (typeof asks)[number], userId: string, groupId: string) {
    const own = { 'own user': pushed.get(acme) ?? '', 'own group': acme.groupId };
    const ids: Readonly<Record<string, string>> = { user: userId, group: groupId, ...own };
    const address = encodeURI(path.replace(/\{([\w ]+)\}/g, (_, name: string) => ids[name] ?? ''));
    const answer = await scim(acme, method, address).send(body?.(userId));
    const text = answer.text.replace(anyId, '<id>').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
    return { status: answer.status, text: text.replace(/W\/\\?"\d+\\?"/g, '<version>'), reads: watch.last };
  }

  test.each(asks)('%s %s answers by the same look-ups what it answers of nothing #%#', async (...ask) => {
    const [user, group] = [pushed.get(rival) ?? '', rival.groupId];
    const foreign = await asked(ask, user, group);
    expect(foreign).toEqual(await asked(ask, ghostsOf(user), ghostsOf(group)));
    expect(foreign.text).not.toContain('pushed@rival');
  });

  test("another organization's directory is none to a token that is not its own", async () => {
    const heard = async (directoryId: string) => {
      const answer = await scim(acme, 'get', '/Users', directoryId);
      return { status: answer.status, body: answer.body, reads: watch.last };
    };
    const foreign = await heard(rival.directoryId);
    expect(foreign.status).toBe(401);
    expect(foreign).toEqual(await heard(ghostsOf(rival.directoryId)));
  });
});
