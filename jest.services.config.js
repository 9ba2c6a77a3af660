import base from './jest.config.js';

process.env.GATEHOUSE_TEST_ENGINE = 'mongodb';

/**
 * Promises that are made in seconds: GATEHOUSE_TEST_TIMED=only runs them, and =without the others, so that CI can give them the
 * machine for themselves. Unset: all of them.
 */
const timed = '<rootDir>/test/journeys/distributed.services.test.ts';
const { GATEHOUSE_TEST_TIMED: choice } = process.env;

/**
 * The same test files once more on MongoDB and Redis, and those that need them (`*.services.test.ts`).
 * MONGODB_URI and REDIS_URL name the servers; nothing is skipped where they are missing.
 */
export default {
  ...base,
  ...(choice === 'only' && { testMatch: [timed] }),
  testPathIgnorePatterns: [
    ...['/node_modules/', '<rootDir>/dist/', '\\.browser\\.test\\.ts$'],
    // What opens no store, or SQLite's alone, is the same again.
    '<rootDir>/test/unit/(events|lib|provisioning|sso)/',
    '<rootDir>/test/store/(backup|checker|lostDisk|powerCut|sqlite|within)\\.test\\.ts$',
    ...(choice === 'without' ? [timed] : []),
  ],
  globalSetup: '<rootDir>/test/support/begin.services.ts',
  globalTeardown: '<rootDir>/test/support/end.services.ts',
  // One MongoDB serves all files, and commits to disk: more files at once only wait for each other.
  maxWorkers: 2,
  testTimeout: 120_000,
};
