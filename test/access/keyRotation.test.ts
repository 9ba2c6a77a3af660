/** The encryption key changes without an interruption (OPS-4): all that is sealed follows, and nothing is forgotten. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrganization } from '../../src/access/index.ts';
import { readConfig } from '../../src/config.ts';
import { openGatehouse } from '../../src/gatehouse.ts';
import { openKeyRotation } from '../../src/keyCheck.ts';
import { newId } from '../../src/lib/ids.ts';
import { openLogger, silentLogger } from '../../src/lib/logger.ts';
import { hashSecret, newSecret, openSealer, type Sealer } from '../../src/lib/secrets.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { collections } from '../../src/store/schemas/index.ts';
import { openTestPlace, type TestPlace } from '../support/engines.ts';
import { testOperatorToken } from '../support/gatehouse.ts';
import { opened, sealedPlaces } from '../support/sealedTexts.ts';
import { until } from '../support/until.ts';

const oldKey = 'the former key 0123456789abcdef';
const newKey = 'the next key 0123456789abcdef';
const [former, both, next] = [oldKey, `${newKey},${oldKey}`, newKey].map(openSealer) as [Sealer, Sealer, Sealer];
const cause = { actor: 'operator', requestId: 'test' };

let place: TestPlace;
let folder: string;
beforeAll(async () => {
  place = await openTestPlace();
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-rotation-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A Gatehouse with this setting; what it logs goes to `lines`. */
async function start(key: string, lines: string[] = []) {
  const env = { GATEHOUSE_DATA: folder, GATEHOUSE_KEY: key, GATEHOUSE_OPERATOR_TOKEN: testOperatorToken };
  const logger = openLogger('info', { write: (line: string) => void lines.push(line) });
  return openGatehouse(readConfig(env), { logger, store: await place.open() });
}

/** One of everything that is sealed, as the use cases leave it. */
async function fill(store: Store, sealer: Sealer): Promise<string> {
  const { organization } = await store.transaction(cause, (tx) =>
    createOrganization(tx, sealer, { name: 'Acme', owner: { email: 'owner@acme.example' } }),
  );
  const organizationId = organization._id;
  await store.transaction(cause, async (tx) => {
    const connectionId = newId('connection');
    const shared = { organizationId, connectionId, expiresAt: new Date(tx.at.getTime() + 3_600_000) };
    await tx.connections.insert(organizationId, {
      ...{ _id: connectionId, organizationId, name: 'OIDC', protocol: 'oidc', status: 'draft', preset: 'okta' },
      ...{ claims: {}, jit: false, idpInitiated: false },
      oidc: { issuer: 'https://idp.example', clientId: 'client', clientSecret: sealer.seal('client secret') },
    });
    await tx.connectionKeys.insert(organizationId, {
      ...{ _id: newId('connectionKey'), ...shared, state: 'current', certificate: 'public' },
      privateKey: sealer.seal('private key'),
    });
    await tx.signInAttempts.insert(organizationId, {
      ...{ _id: newId('signInAttempt'), ...shared, purpose: 'sign_in', stateHash: hashSecret(connectionId) },
      secrets: sealer.seal('verifier'),
    });
    await tx.idpSessions.insert(organizationId, {
      ...{
        _id: newId('idpSession'),
        ...shared,
        index: 'sid',
        sessionId: newId('session'),
        accountId: newId('account'),
      },
      idToken: sealer.seal('hint'),
    });
    await tx.webhooks.insert(organizationId, {
      ...{ _id: newId('webhook'), organizationId, url: 'https://hooks.example/1', enabled: false, failures: 0 },
      ...{ secret: sealer.seal('whsec_new'), formerSecret: sealer.seal('whsec_old'), createdBy: 'operator' },
    });
  });
  return organizationId;
}

test('what the schemas mark as sealed is what the rotation below is seen with: a new field is added there, too', () => {
  const marked: string[] = [];
  for (const [name, { schema }] of Object.entries(collections)) {
    schema.eachPath((field, { options }) => {
      const within: unknown = options.sealed;
      if (within === true) marked.push(`${name}.${field}`);
      if (Array.isArray(within)) marked.push(...within.map((inner) => `${name}.${field}.${inner}`));
    });
  }
  // The note of the key is no secret: it moves by itself once the others have.
  expect([...marked, 'keyChecks.sealed'].sort()).toEqual(sealedPlaces);
});

describe('the sealer', () => {
  test('seals with the first key, and opens what either has sealed', () => {
    for (const [sealed, current] of [
      [former.seal('x'), false],
      [next.seal('x'), true],
      [both.seal('x'), true],
    ] as const) {
      expect([both.open(sealed), both.isCurrent(sealed)]).toEqual(['x', current]);
    }
    expect(next.open(both.seal('x'))).toBe('x');
    expect(() => former.open(both.seal('x'))).toThrow();
    expect(() => both.open(openSealer('a third key').seal('x'))).toThrow();
    expect([both.hasFormer, next.hasFormer]).toEqual([true, false]);
  });
});

test.each([
  ['one,two,three', 'at most two keys'],
  ['one,', 'holds an empty key'],
])('the setting refuses %s (OPS-1)', (GATEHOUSE_KEY, message) => {
  expect(() => readConfig({ GATEHOUSE_KEY })).toThrow(`GATEHOUSE_KEY: ${message}`);
});

test('a key is followed by the next one without an interruption, until the former one is needed no more (OPS-4)', async () => {
  const first = await start(oldKey);
  const organizationId = await fill(first.store, former);
  expect(await opened(first.store, former)).toEqual(sealedPlaces);
  const key = await first.store.read.apiKeys.findOne(organizationId, { kind: 'default' });
  const secret = former.open(key?.sealed ?? '');
  await first.close();

  // The next key alone opens nothing: refused, and nothing is changed.
  await expect(start(newKey)).rejects.toThrow(/GATEHOUSE_KEY: is not the key that sealed the data/);

  const lines: string[] = [];
  const second = await start(`${newKey}, ${oldKey}`, lines);
  const told = () => lines.map((line) => JSON.parse(line));
  expect(told()).toContainEqual(expect.objectContaining({ remaining: 7, resealed: 0 }));
  expect(await opened(second.store, next)).toEqual([]);
  await second.listen(0);
  await until('everything is sealed anew', async () => (await opened(second.store, former)).length === 0);
  expect(await opened(second.store, next)).toEqual(sealedPlaces);
  const events = await second.store.read.auditEvents.find('platform', { type: 'encryption_key.rotated' });
  expect(events).toHaveLength(1);
  await second.close();

  const again: string[] = [];
  await (await start(`${newKey},${oldKey}`, again)).close();
  expect(again.some((line) => line.includes('leave it out of GATEHOUSE_KEY'))).toBe(true);

  const third = await start(newKey);
  const kept = await third.store.read.apiKeys.findOne(organizationId, { kind: 'default' });
  expect(next.open(kept?.sealed ?? '')).toBe(secret);
  const connection = await third.store.read.connections.findOne(organizationId, {});
  expect(next.open(String(connection?.oidc?.clientSecret))).toBe('client secret');
  expect(connection?.oidc).toMatchObject({ issuer: 'https://idp.example', clientId: 'client' });
  await third.close();

  await expect(start(oldKey)).rejects.toThrow(/GATEHOUSE_KEY: is not the key that sealed the data/);
});

test('of several processes and many rows every one is sealed anew, also those made meanwhile, and none is damaged', async () => {
  const other = await openTestPlace();
  const store = await other.open();
  await store.transaction(cause, (tx) => tx.keyChecks.insert(PLATFORM, { _id: 'current', sealed: former.seal('x') }));
  const organizationId = newId('organization');
  const make = (sealer: Sealer, count = 1) =>
    store.transaction(cause, (tx) =>
      tx.apiKeys.insertMany(
        organizationId,
        Array.from({ length: count }, () => {
          const secret = newSecret('ghk_');
          const kept = { hash: hashSecret(secret), prefix: 'ghk_', lastFour: secret.slice(-4) };
          const about = { organizationId, projectId: newId('project'), kind: 'project' as const };
          return { _id: newId('apiKey'), ...about, ...kept, sealed: sealer.seal(secret) };
        }),
      ),
    );
  await make(former, 120);
  const unknown = openSealer('a key that nobody knows');
  await make(unknown);
  const tasks = [1, 2].map(() => openKeyRotation({ store, sealer: both, logger: silentLogger, everyMs: 500 }));
  for (const task of tasks) task?.start();
  for (let index = 0; index < 6; index += 1) await make(index % 2 === 0 ? former : both);
  await until('all that can be opened follows', async () => (await opened(store, former)).length === 0, 60_000);
  await Promise.all(tasks.map((task) => task?.stop()));
  const keys = await store.read.apiKeys.find(PLATFORM, {});
  expect(keys).toHaveLength(127);
  const readable = keys.filter(({ sealed = '' }) => !unknown.isCurrent(sealed));
  expect(readable).toHaveLength(126);
  for (const { sealed = '', hash } of readable) expect(hashSecret(next.open(sealed))).toBe(hash);
  // What no key opens is left as it is: the former key would not bring it back.
  const lost = keys.find(({ sealed = '' }) => unknown.isCurrent(sealed));
  expect(lost?.version).toBe(1);
});
