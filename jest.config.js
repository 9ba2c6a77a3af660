/** Tests run as native ES modules, compiled by SWC. `npm test` is embedded only; services.config.js adds MongoDB and Redis. */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/', '\\.(services|browser)\\.test\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  // Jest's default leaves one core idle.
  maxWorkers: '100%',
  // ES modules are never unloaded: a worker that has run many files begins anew before its memory slows it down.
  workerIdleMemoryLimit: '1GB',
  // A worker that has loaded all of the app takes longer than Jest's half second to give its memory back, with nothing left open.
  workerGracefulExitTimeout: 10_000,
  testTimeout: 30_000,
};
