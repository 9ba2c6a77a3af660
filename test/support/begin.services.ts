/** Runs once before the suites on MongoDB and Redis: fails where either has no address. */
import { beginRun, dropDatabases, testRedisUrl } from './services.ts';

const begin = async (): Promise<void> => {
  testRedisUrl();
  beginRun();
  await dropDatabases();
};

// Jest takes a default export only.
export default begin;
