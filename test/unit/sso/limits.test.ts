import { describe, expect, test } from '@jest/globals';
import { openSignInLimits } from '../../../src/sso/limits.ts';

const open = () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const limits = openSignInLimits({ now: () => new Date(now) });
  const pass = (ms: number): void => {
    now += ms;
  };
  return { limits, pass };
};

/** How often something may be done before it is refused. */
function countOf(attempt: () => void, most = 5000): number {
  for (let count = 0; count < most; count += 1) {
    try {
      attempt();
    } catch {
      return count;
    }
  }
  return most;
}

describe('letters', () => {
  test('of a domain that is flooded still reach an Owner; of a mailbox that is, nobody (OWN-5)', () => {
    const { limits } = open();
    let sent = 0;
    while (limits.whomToMail(`junk${sent}@acme.test`) === 'everybody') sent += 1;
    expect(sent).toBe(200);
    expect(limits.whomToMail('owner@acme.test')).toBe('owners');
    expect(limits.mayMail('another@acme.test')).toBe(false);
    expect(limits.whomToMail('ann@other.test')).toBe('everybody');
    expect(
      countOf(() => {
        if (limits.whomToMail('owner@acme.test') === 'nobody') throw new Error('no more');
      }),
    ).toBe(4);
  });

  test('are asked for by a whole office at nine o’clock', () => {
    const { limits, pass } = open();
    expect(countOf(() => limits.admit('192.0.2.1'))).toBe(150);
    pass(1000);
    expect(countOf(() => limits.admit('192.0.2.1'))).toBe(2);
  });
});

describe('answers that IdPs are said to send', () => {
  test('are recorded up to a bound for each connection, and again as time passes; others are not touched', () => {
    const { limits, pass } = open();
    expect(countOf(() => limits.refuse('con-a'))).toBe(1000);
    expect(() => limits.refuse('con-a')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    expect(() => limits.refuse('con-b')).not.toThrow();
    pass(5000);
    expect(countOf(() => limits.refuse('con-a'))).toBe(5);
  });

  test('are bounded for each network, before anything of them is read', () => {
    const { limits } = open();
    expect(countOf(() => limits.answer('192.0.2.1'))).toBe(3000);
    expect(() => limits.answer('198.51.100.1')).not.toThrow();
  });
});
