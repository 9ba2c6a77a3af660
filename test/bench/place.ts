/** Where Gatehouse runs for a measurement: embedded on a folder, or on MongoDB and Redis with a worker beside the web process. */
import { beginRun, databaseUri, dropDatabases, takeDatabase, testRedisUrl } from '../support/services.ts';
import { type Gatehouse, startGatehouse, startWorker } from './servers.ts';

export type Engine = 'embedded' | 'distributed';

export interface Place {
  /** Starts on what is there, from an earlier start or nothing; stopping it ends every process of it. */
  start(): Promise<Gatehouse>;
}

let used = false;

/** An empty place. A distributed one needs MONGODB_URI and REDIS_URL. */
export async function openPlace(engine: Engine, folder: string): Promise<Place> {
  if (engine === 'embedded') return { start: () => startGatehouse(folder) };
  if (!used) beginRun();
  used = true;
  const { database } = await takeDatabase();
  const env = {
    MONGODB_URI: databaseUri(database),
    REDIS_URL: testRedisUrl(),
    GATEHOUSE_KEY: 'bench-key-0123456789abcdef0123456789',
  };
  return {
    async start() {
      const web = await startGatehouse(folder, env);
      const worker = startWorker(env);
      const stop = async () => void (await Promise.all([web.stop(), worker.stop()]));
      return { ...web, stop };
    },
  };
}

/** Removes the databases of this run. */
export async function closePlaces(): Promise<void> {
  if (used) await dropDatabases();
}
