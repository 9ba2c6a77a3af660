/** Runs once after the suites on MongoDB and Redis. */
import { dropDatabases } from './services.ts';

// Jest takes a default export only.
export default dropDatabases;
