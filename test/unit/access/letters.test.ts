import { describe, expect, test } from '@jest/globals';
import { ownershipLetter } from '../../../src/access/letters.ts';

describe('the letter about a transfer of the ownership (OWN-4)', () => {
  const letterTo = (heir: { name?: string; email?: string }) =>
    ownershipLetter('owner@acme.test', { event: 'offered', organization: 'Acme', owner: { name: 'Olivia' }, heir })
      .text;

  test('shows the address of who has no name as it is', () => {
    expect(letterTo({ email: 'ada.b@acme.test' })).toContain('offers the ownership to ada.b@acme.test,');
  });

  test('shows no address in a name, which its person chooses', () => {
    expect(letterTo({ name: 'evil.test/now', email: 'ada@acme.test' })).toContain('to evil test now,');
  });

  test('says so of a deleted account', () => {
    expect(letterTo({})).toContain('to a person whose account is deleted,');
  });
});
