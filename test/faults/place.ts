/** Where one run happens: a folder, or a database and a Redis; its processes behind one address; and the store itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/store/index.ts';
import { openMongoStore } from '../../src/store/mongo/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { openReverseProxy } from '../support/reverseProxy.ts';
import { databaseUri, takeDatabase, testRedisUrl } from '../support/services.ts';
import { prepareProcess, type Victim } from './processes.ts';

export type EngineName = 'embedded' | 'distributed';

export interface Place {
  /** The address of all web processes together; it stays while they come and go. */
  readonly url: string;
  readonly operatorToken: string;
  readonly victims: readonly Victim[];
  /** The store of the processes, once they have ended. */
  openStore(): Promise<Store>;
  close(): Promise<void>;
}

const operatorToken = 'operator-token-of-the-fault-matrix-0123456789';

/** Opens an empty place and starts its processes: one when embedded, two webs and two workers when distributed. */
export async function openPlace(engine: EngineName): Promise<Place> {
  const proxy = await openReverseProxy();
  const env = {
    GATEHOUSE_URL: proxy.url,
    GATEHOUSE_OPERATOR_TOKEN: operatorToken,
    GATEHOUSE_KEY: 'key-of-the-fault-matrix-0123456789abcdef',
  };
  const { kinds, settings, openStore, remove } = engine === 'embedded' ? await folder() : await services();
  const victims: Victim[] = [];
  for (const kind of kinds) {
    const victim = await prepareProcess(kind, { ...env, ...settings });
    victims.push(victim);
    await victim.start();
  }
  proxy.targets = victims.flatMap(({ url }) => url ?? []);
  return {
    url: proxy.url,
    operatorToken,
    victims,
    openStore,
    async close() {
      await Promise.all(victims.map((victim) => victim.kill()));
      await proxy.close();
      await remove();
    },
  };
}

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-faults-'));
  return {
    kinds: ['web'] as const,
    settings: { GATEHOUSE_DATA: path },
    openStore: () => openSqliteStore({ path: join(path, 'gatehouse.db') }),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

async function services() {
  const { database } = await takeDatabase();
  const uri = databaseUri(database);
  return {
    kinds: ['web', 'web', 'worker', 'worker'] as const,
    settings: { MONGODB_URI: uri, REDIS_URL: testRedisUrl() },
    openStore: () => openMongoStore({ uri }),
    // The databases of a run are dropped at its end, all at once.
    remove: async () => {},
  };
}
