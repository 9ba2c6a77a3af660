import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { PLATFORM } from '../../src/store/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';

test('a committed row is read back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-'));
  const t0 = performance.now();
  const store = await openSqliteStore({ path: join(folder, 'data.sqlite') });
  process.stdout.write(`open ${performance.now() - t0}\n`);
  const id = newId('account');
  const made = await store.transaction({ actor: 'system', requestId: 'r' }, (tx) =>
    tx.accounts.insert(PLATFORM, { _id: id, name: 'Ada' }),
  );
  expect(await store.read.accounts.get(PLATFORM, id)).toEqual(made);
  expect(await store.read.accounts.find(PLATFORM, { name: 'Ada' })).toEqual([made]);
  expect(await store.read.accounts.page(PLATFORM, { name: { $gt: 'A' } }, { limit: 1 })).toEqual({ items: [made] });
  await store.close();
  await rm(folder, { recursive: true });
});
