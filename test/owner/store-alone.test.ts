import { describe, jest } from '@jest/globals';
import { withoutRule } from './without-rule.ts';

// The domain's rule is switched off; unprotected.test.ts proves that it is.
jest.unstable_mockModule('../../src/access/owner.ts', withoutRule);
const { attacks } = await import('./attacks.ts');
const { provesProtection } = await import('./suite.ts');

describe('with the layer of the store alone', () => {
  provesProtection({ protection: true, attacks, explains: false });
});
