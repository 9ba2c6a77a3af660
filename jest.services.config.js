import base from './jest.config.js';

process.env.GATEHOUSE_TEST_ENGINE = 'mongodb';

/**
 * The same test files once more on MongoDB and Redis, and those that need them (`*.services.test.ts`).
 * MONGODB_URI and REDIS_URL name the servers; nothing is skipped where they are missing.
 */
export default {
  ...base,
  testPathIgnorePatterns: [
    ...['/node_modules/', '<rootDir>/dist/', '\\.browser\\.test\\.ts$'],
    // What opens no store, or SQLite's alone, is the same again.
    '<rootDir>/test/unit/(events|lib|provisioning|sso)/',
    '<rootDir>/test/store/(backup|checker|lostDisk|powerCut|sqlite|within)\\.test\\.ts$',
  ],
  globalSetup: '<rootDir>/test/support/begin.services.ts',
  globalTeardown: '<rootDir>/test/support/end.services.ts',
  // One MongoDB serves all files, and commits to disk: more files at once only wait for each other.
  maxWorkers: 2,
  testTimeout: 120_000,
};
