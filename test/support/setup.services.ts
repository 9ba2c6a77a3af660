/** Runs before the suites on MongoDB and Redis. */
import { dropStaleDatabases, testRedisUrl } from './services.ts';

const setUp = async (): Promise<void> => {
  testRedisUrl();
  await dropStaleDatabases();
};

// Jest takes a default export only.
export default setUp;
