/** How fast an IdP may push: never less than 50 requests a second, and none at the cost of another (SCIM-1). */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { listLog } from '../../src/directory/index.ts';
import { openTestGatehouse } from '../support/gatehouse.ts';
import { proves } from './rfc/proves.ts';
import { addWorld, ERROR, type ScimWorld, USER } from './setup.ts';

const start = new Date('2030-01-01T00:00:00Z').getTime();
let now = start;
let world: ScimWorld;
let other: ScimWorld;

beforeEach(async () => {
  now = start;
  const gatehouse = await openTestGatehouse({
    clock: { now: () => new Date(now) },
    env: { GATEHOUSE_SCIM_RATE: '50', GATEHOUSE_SCIM_BURST: '60' },
  });
  world = await addWorld(gatehouse, 'Acme');
  other = await addWorld(gatehouse, 'Other');
});

const ask = (of = world) => of.call('get', '/ServiceProviderConfig');
const askMany = async (count: number) => {
  const statuses = [];
  for (let i = 0; i < count; i++) statuses.push((await ask()).status);
  return statuses;
};

describe('requests of a directory', () => {
  test(
    proves(
      'a burst passes, then 50 a second for ever; what is too much is 429 with Retry-After',
      '9865-4-08',
      '9865-5.4-02',
    ),
    async () => {
      expect(new Set(await askMany(60))).toEqual(new Set([200]));
      const refused = await world.call('get', '/Users?cursor=&count=1');
      expect(refused.status).toBe(429);
      expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      expect(refused.body).toMatchObject({ schemas: [ERROR], status: '429', detail: expect.any(String) });
      for (let second = 0; second < 3; second++) {
        now += 1000;
        expect(new Set(await askMany(50))).toEqual(new Set([200]));
      }
      expect((await ask()).status).toBe(429);
      expect((await ask(other)).status).toBe(200);
    },
  );

  test('refusals are in the log, a row for many of them (SCIM-5)', async () => {
    await askMany(80);
    now += 10_000;
    await askMany(65);
    await world.gatehouse.flush();
    const { read } = world.gatehouse.store;
    const { items } = await listLog(read, world.organizationId, { limit: 200, outcome: 'refused' });
    expect(items.map(({ status, detail }) => [status, detail?.replace(/^.*?(\d+ refused.*)?$/, '$1')])).toEqual([
      [429, '20 refused since the last such row'],
      [429, ''],
    ]);
  });

  test('the operations of a bulk count, and none of them is held up', async () => {
    const post = (index: number) => ({
      method: 'POST',
      path: '/Users',
      bulkId: `b${index}`,
      data: { schemas: [USER], userName: `b${index}` },
    });
    const { status, body } = await world.call('post', '/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: Array.from({ length: 70 }, (_, index) => post(index)),
    });
    expect([status, body.Operations.length]).toEqual([200, 70]);
    expect((await ask()).status).toBe(429);
    now += 1000;
    expect((await ask()).status).toBe(200);
  });
});

describe('failed authentications', () => {
  test('are limited by address; a valid token from there is not held up', async () => {
    const wrong = () => world.gatehouse.bearer('wrong', 'get', `/scim/v2/${world.directory._id}/ServiceProviderConfig`);
    let answer = await wrong();
    expect(answer.status).toBe(401);
    for (let tries = 0; answer.status === 401 && tries < 300; tries++) answer = await wrong();
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    expect((await ask()).status).toBe(200);
    now += 1000;
    expect((await wrong()).status).toBe(401);
  });
});
