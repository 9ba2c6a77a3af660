/** The upgrade path: this program on the state that the first one wrote, through the real app, on the engine of this run. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DatabaseSync } from '@photostructure/sqlite';
import supertest from 'supertest';
import { readConfig } from '../../src/config.ts';
import { type Gatehouse, openGatehouse } from '../../src/gatehouse.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { hashSecret, openSealer } from '../../src/lib/secrets.ts';
import { closeBeforeStores, openTestPlace, type TestPlace, testEngine } from '../support/engines.ts';
import { emptyDatabase, type FirstLight, loadFirstLight, onDatabase } from './firstLight.ts';
import { movableClock } from './support.ts';

let place: TestPlace;
let state: FirstLight;
let gatehouse: Gatehouse;
let clock: ReturnType<typeof movableClock>;

beforeAll(async () => {
  place = await openTestPlace();
  state = await loadFirstLight(place);
  // A second before the end: the job that waits there is not yet due.
  clock = movableClock(Date.parse(state.at) - 1000);
  const config = readConfig({
    ...place.env,
    GATEHOUSE_URL: 'http://gatehouse.test',
    GATEHOUSE_KEY: state.key,
    GATEHOUSE_OPERATOR_TOKEN: state.operatorToken,
  });
  const store = await place.open({ clock });
  gatehouse = await openGatehouse(config, { store, clock, logger: silentLogger, checkResponses: true });
  closeBeforeStores(gatehouse.close);
});

afterAll(async () => {
  if (testEngine === 'mongodb') await emptyDatabase(place);
});

function ask(who: 'operator' | 'alice' | 'scim', method: 'get' | 'post' | 'patch', path: string, body?: object) {
  const token = { operator: state.operatorToken, alice: state.sessionToken, scim: state.scimToken }[who];
  const asked = supertest(gatehouse.app)[method](path).set('Authorization', `Bearer ${token}`);
  return body === undefined ? asked : asked.send(body);
}

test('everything that the first program answered is answered as it was', async () => {
  expect(state.asked.length).toBeGreaterThan(20);
  for (const { who, method, path, body: sent, answer } of state.asked) {
    const found = await ask(who, method === 'GET' ? 'get' : 'post', path, sent);
    const body = asThen(found.body);
    expect({ path, status: found.status, body }).toMatchObject({ path, status: 200, body: answer });
  }
});

/** An answer with what the first program knew of it: by now `groups` holds indirect ones too, and versions tell of all. */
const asThen = (body: unknown): object =>
  JSON.parse(JSON.stringify(body).replace(/(W\/\\"\d+)-[\w-]+/g, '$1'), (_, value: unknown) =>
    Array.isArray(value) ? value.filter((entry) => entry?.type !== 'indirect') : value,
  );

test('what was sealed can be opened, with the same key', async () => {
  const keys = await gatehouse.store.read.apiKeys.find(state.organizationId, { kind: 'default' });
  expect(keys).toHaveLength(1);
  expect(hashSecret(openSealer(state.key).open(keys[0]?.sealed ?? ''))).toBe(keys[0]?.hash);
});

test('the shape is that of new data: no index, validator or trigger is missing or left over', async () => {
  const fresh = await openTestPlace();
  // another test may have had this database, with other validators: what it left is no measure of a new one
  if (testEngine === 'mongodb') await emptyDatabase(fresh);
  await (await fresh.open()).close();
  const [upgraded, made] = [await shapeOf(place), await shapeOf(fresh)];
  expect(upgraded.length).toBeGreaterThan(20);
  expect(upgraded).toEqual(made);
  await fresh.close();
});

async function shapeOf(of: TestPlace): Promise<readonly unknown[]> {
  if (of.engine === 'sqlite') {
    const sqlite = new DatabaseSync(join(of.env.GATEHOUSE_DATA ?? '', 'gatehouse.db'));
    const rows = sqlite
      .prepare('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name')
      .all();
    sqlite.close();
    return rows.map((row: object) => ({ ...row }));
  }
  return onDatabase(of, async (database) => {
    const found = await database.listCollections().toArray();
    const shapes = found.map(async (info) => ({
      name: info.name,
      options: 'options' in info ? info.options : undefined,
      indexes: (await database.collection(info.name).indexes()).sort((a, b) =>
        (a.name ?? '') < (b.name ?? '') ? -1 : 1,
      ),
    }));
    return (await Promise.all(shapes)).sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

test('the audit events that it wrote, which had no numbers, are chained, before those that follow (AUD-1)', async () => {
  const { organizationId: org } = state;
  const count = () => gatehouse.store.read.auditEvents.count(org, { createdAt: { $lte: new Date(state.at) } });
  const former = await count();
  expect(former).toBeGreaterThan(5);
  const verify = async () => (await ask('operator', 'get', `/api/v1/organizations/${org}/audit/verify`)).body;
  const deadline = Date.now() + 20_000;
  while ((await verify()).count < former && Date.now() < deadline) await sleep(50);
  expect(await verify()).toMatchObject({ verified: true });
  const numbered = await gatehouse.store.read.auditEvents.find(org, {}, { sort: { _id: 1 } });
  expect(numbered.slice(0, former).map(({ seq }) => seq)).toEqual(Array.from({ length: former }, (_, i) => i + 1));
});

test('an IdP goes on pushing with its token', async () => {
  const users = state.asked.find(({ path }) => path.endsWith('/Users'))?.path ?? '';
  const { body } = await ask('scim', 'get', `${users}?filter=userName eq "carol@acme.example"`);
  // with the version that the first program gave: it still names this state of the row
  const patched = await ask('scim', 'patch', `${users}/${body.Resources[0].id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'title', value: 'Captain' }],
  }).set('If-Match', 'W/"1"');
  expect([patched.status, patched.body.title]).toEqual([200, 'Captain']);
});

test('people are found by their names for display, which the first program did not index (SCIM-1)', async () => {
  const users = state.asked.find(({ path }) => path.endsWith('/Users'))?.path ?? '';
  for (const filter of ['displayName eq "BOB ng"', 'displayName sw "bob"']) {
    const { body } = await ask('scim', 'get', `${users}?filter=${encodeURIComponent(filter)}`);
    expect(body.Resources).toMatchObject([{ displayName: 'Bob Ng' }]);
  }
});

test('the job that waited is done, and the one that was given up can be replayed', async () => {
  const parked = () => ask('operator', 'get', `/api/v1/organizations/${state.organizationId}/jobs/parked`);
  expect((await parked()).body.items).toMatchObject([{ id: state.parkedJobId, error: 'the last error' }]);
  const decision = async () => (await ask('operator', 'post', '/access/v1/evaluation', state.pending)).body.decision;
  expect(await decision()).toBe(false);
  clock.move(60_000);
  const replay = `/api/v1/organizations/${state.organizationId}/jobs/parked/${state.parkedJobId}/replay`;
  expect((await ask('operator', 'post', replay)).status).toBeLessThan(300);
  const deadline = Date.now() + 20_000;
  while (!(await decision()) && Date.now() < deadline) await sleep(100);
  expect(await decision()).toBe(true);
  while ((await gatehouse.store.read.outbox.count(state.organizationId, {})) > 0 && Date.now() < deadline)
    await sleep(100);
  expect(await gatehouse.store.read.outbox.count(state.organizationId, {})).toBe(0);
});
