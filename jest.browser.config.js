import base from './jest.config.js';

/** The pages in a real Chromium (Debian's: `apt-get install chromium`; elsewhere name it in CHROMIUM_PATH). */
export default {
  ...base,
  testMatch: ['<rootDir>/test/browser/**/*.browser.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/'],
  maxWorkers: 1,
  testTimeout: 60_000,
};
