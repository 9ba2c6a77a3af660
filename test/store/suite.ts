/**
 * What every store engine must do, as store.ts states it. An engine's own test file opens it and calls `storeSuite`.
 * The suite works on the product's own collections, in organizations of its own, so that one store serves many tests.
 */
import { describe } from '@jest/globals';
import { concurrencySuite } from './suite.concurrency.ts';
import { filterSuite } from './suite.filters.ts';
import { freshnessSuite } from './suite.freshness.ts';
import { guardSuite } from './suite.guards.ts';
import { modelSuite } from './suite.model.ts';
import { pagingSuite } from './suite.paging.ts';
import { rowSuite } from './suite.rows.ts';
import { tenancySuite } from './suite.tenancy.ts';
import { transactionSuite } from './suite.transactions.ts';
import { uniquenessSuite } from './suite.uniqueness.ts';
import { versionSuite } from './suite.versions.ts';
import { visibilitySuite } from './suite.visibility.ts';
import type { OpenStore } from './support.ts';

export function storeSuite(name: string, open: OpenStore): void {
  describe(`store: ${name}`, () => {
    rowSuite(open);
    filterSuite(open);
    modelSuite(open);
    pagingSuite(open);
    uniquenessSuite(open);
    versionSuite(open);
    transactionSuite(open);
    freshnessSuite(open);
    concurrencySuite(open);
    guardSuite(open);
    tenancySuite(open);
    visibilitySuite(open);
  });
}
