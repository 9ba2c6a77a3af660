import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { storeSuite } from './suite.ts';

storeSuite('SQLite', async (options = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-store-'));
  const path = join(folder, 'gatehouse.db');
  let store = await openSqliteStore({ path, rehearse: true, ...options });
  return {
    store,
    async reopen(again = options) {
      await store.close();
      store = await openSqliteStore({ path, rehearse: true, ...again });
      return store;
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
