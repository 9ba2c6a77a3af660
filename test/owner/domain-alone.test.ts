import { describe } from '@jest/globals';
import { entrances } from './attacks.ts';
import { provesProtection } from './suite.ts';

describe('with the rule of the domain alone', () => {
  provesProtection({ protection: false, attacks: entrances, explains: true });
});
