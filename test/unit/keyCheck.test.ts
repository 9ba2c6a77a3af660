/** Data and the key that sealed it belong together: another key is refused before anything is served. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createOrganization } from '../../src/access/index.ts';
import { readConfig } from '../../src/config.ts';
import { openGatehouse } from '../../src/gatehouse.ts';
import { checkKey } from '../../src/keyCheck.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import { loadSecrets } from '../../src/secrets.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';

const [former, other] = [openSealer('the former key'), openSealer('another key')];
const refused = {
  name: 'ConfigError',
  faults: [{ setting: 'GATEHOUSE_KEY', message: expect.stringContaining('former') }],
};

const notes = (store: Store) => store.read.keyChecks.find(PLATFORM, {});

describe('the key check', () => {
  test('takes the key of the first start, and refuses every other one without changing anything', async () => {
    const store = await openTestStore();
    await checkKey(store, former);
    const before = await notes(store);
    expect(before).toHaveLength(1);
    await checkKey(store, former);
    await expect(checkKey(store, other)).rejects.toMatchObject(refused);
    expect(await notes(store)).toEqual(before);
  });

  test('of two processes that start at once with different keys one is refused', async () => {
    const store = await openTestStore({ rehearse: false });
    const results = await Promise.allSettled([checkKey(store, former), checkKey(store, other)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await notes(store)).toHaveLength(1);
  });

  test('data of a program that took no note is asked whether the key opens its Default Key', async () => {
    const store = await openTestStore();
    await store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
      createOrganization(tx, former, { name: 'Acme', owner: { email: 'owner@acme.example' } }),
    );
    await expect(checkKey(store, other)).rejects.toMatchObject(refused);
    expect(await notes(store)).toEqual([]);
    await checkKey(store, former);
    await expect(checkKey(store, other)).rejects.toMatchObject(refused);
  });

  test('a start with another key fails, says why, and leaves the data free for the right one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-key-'));
    const config = (key: string) => readConfig({ GATEHOUSE_DATA: folder, GATEHOUSE_KEY: key });
    const start = (key: string) => openGatehouse(config(key), { logger: silentLogger });
    await (await start('a key of the first start')).close();
    await expect(start('another key by mistake')).rejects.toThrow(/GATEHOUSE_KEY: is not the key that sealed the data/);
    await (await start('a key of the first start')).close();
    await rm(folder, { recursive: true });
  });
});

describe('the data folder', () => {
  test('one that cannot be made is refused at once: below /proc, below a file', async () => {
    const file = new URL(import.meta.url).pathname;
    for (const folder of ['/proc/gatehouse/data', '/proc/self/data', join(file, 'data')]) {
      const config = readConfig({ GATEHOUSE_DATA: folder });
      await expect(loadSecrets(config)).rejects.toThrow(/GATEHOUSE_DATA: cannot be used as a data folder/);
    }
  });

  test('one that is missing is made, with those above it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-folder-'));
    const data = join(folder, 'a', 'b', 'c');
    await loadSecrets(readConfig({ GATEHOUSE_DATA: data }));
    expect((await readdir(data)).sort()).toEqual(['key', 'operator-token']);
    await rm(folder, { recursive: true });
  });
});
