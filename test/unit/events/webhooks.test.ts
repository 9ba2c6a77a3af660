/** The rules of webhooks that are pure: the signature scheme, and when something is tried again (EVT-1). */
import { describe, expect, test } from '@jest/globals';
import {
  isHopeless,
  readRetryAfter,
  restAfter,
  retryDelay,
  retryDelays,
} from '../../../src/events/webhooks/schedule.ts';
import { newWebhookSecret, signatureHeaders } from '../../../src/events/webhooks/signature.ts';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('the signature', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const signed = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };

  test('is that of the reference vector of Standard Webhooks', () => {
    expect(signatureHeaders([secret], signed)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('by two secrets is two signatures, parted by a blank', () => {
    const [one, other] = [secret, newWebhookSecret()];
    const by = (...secrets: string[]) => signatureHeaders(secrets, signed)['webhook-signature'];
    expect(by(other, one)).toBe(`${by(other)} ${by(one)}`);
  });

  test('secrets have 32 random bytes each', () => {
    const secrets = Array.from({ length: 50 }, newWebhookSecret);
    expect(new Set(secrets).size).toBe(50);
    for (const one of secrets) expect(Buffer.from(one.replace(/^whsec_/, ''), 'base64')).toHaveLength(32);
  });
});

describe('a delivery that failed', () => {
  test('is tried ten times in a little more than three days', () => {
    const total = retryDelays.reduce((sum, delay) => sum + delay, 0);
    expect([retryDelays.length, total > 3 * day, total < 4 * day]).toEqual([9, true, true]);
    expect(retryDelay(10, 0)).toBeUndefined();
  });

  test.each([
    [1, 0, 0, 5 * second],
    [1, 0.999, 0, 5.4995 * second],
    [2, 0, 0, 5 * minute],
    [9, 0, 0, 24 * hour],
    [1, 0, hour, hour],
    [5, 0, hour, 5 * hour],
    [1, 0, 30 * day, day],
  ])('after attempt %d (random %d, asked to wait %d ms) waits %d ms', (attempts, random, asked, expected) => {
    expect(Math.abs((retryDelay(attempts, random, asked) ?? 0) - expected)).toBeLessThanOrEqual(1);
  });
});

test.each([
  [1, 5 * second],
  [2, 20 * second],
  [3, 80 * second],
  [4, 5 * minute],
  [500, 5 * minute],
])(
  'after %d rounds without success a webhook rests for %d ms, or as long as it asks, up to an hour',
  (failures, rest) => {
    expect(restAfter(failures, 0)).toBe(rest);
    expect(restAfter(failures, 0.999)).toBeLessThanOrEqual(rest * 1.1);
    expect(restAfter(failures, 0, 30 * minute)).toBe(30 * minute);
    expect(restAfter(failures, 0, day)).toBe(hour);
  },
);

const now = new Date('2030-01-01T00:00:00Z');

test.each([
  [9, 30 * day, false],
  [10, 5 * day - 1, false],
  [10, 5 * day, true],
])('%d rounds without success over %d ms: hopeless is %s', (failures, ms, hopeless) => {
  expect(isHopeless(failures, new Date(now.getTime() - ms), now)).toBe(hopeless);
});

test.each([
  [null, undefined],
  ['120', 120 * second],
  [' 5 ', 5 * second],
  ['Tue, 01 Jan 2030 01:00:00 GMT', hour],
  ['Mon, 31 Dec 2029 23:00:00 GMT', undefined],
  ['0', undefined],
  ['-3', undefined],
  ['soon', undefined],
  ['99999999999999', undefined],
])('Retry-After: %s asks for %s ms (RFC 9110 §10.2.3)', (header, expected) => {
  expect(readRetryAfter(header, now)).toBe(expected);
});
