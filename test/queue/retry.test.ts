import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AppError, errorCatalogue } from '../../src/errors.ts';
import { backoffMs, decideRetry, errorText } from '../../src/queue/retry.ts';

const retry = { attempts: 5, firstMs: 100, capMs: 1_000 };

describe('the rest after a failed attempt', () => {
  test.each([
    [1, 50, 75, 100],
    [2, 100, 150, 200],
    [3, 200, 300, 400],
    [4, 400, 600, 800],
    [5, 500, 750, 1_000],
    [50, 500, 750, 1_000],
    [5_000, 500, 750, 1_000],
    [0, 50, 75, 100],
  ])('attempt %i: from %i by way of %i up to %i ms', (attempt, least, middle, most) => {
    expect(backoffMs(attempt, retry, 0)).toBe(least);
    expect(backoffMs(attempt, retry, 0.5)).toBe(middle);
    expect(backoffMs(attempt, retry, 1)).toBe(most);
  });

  test('never grows shorter with the attempts, and never passes the cap', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), random, (attempt, at) => {
        expect(backoffMs(attempt + 1, retry, at)).toBeGreaterThanOrEqual(backoffMs(attempt, retry, at));
        expect(backoffMs(attempt, retry, at)).toBeLessThanOrEqual(retry.capMs);
      }),
    );
  });
});

describe('what follows a failure', () => {
  const unknown = new TypeError('x is not a function');
  const stale = new AppError('stale', 'Somebody was faster.');
  test.each([
    ['an unknown error', unknown, 1, { next: 'retry', afterMs: 75, counts: true }],
    ['an unknown error at the last attempt', unknown, 5, { next: 'park' }],
    ['an unknown error beyond it', unknown, 6, { next: 'park' }],
    ['what is no error at all', 'text', 1, { next: 'retry', afterMs: 75, counts: true }],
    ['a change that came between', stale, 2, { next: 'retry', afterMs: 150, counts: true }],
    ['a change that came between at the last attempt', stale, 5, { next: 'park' }],
    ['an unavailable store', new AppError('store_unavailable', '…'), 1, { next: 'retry', afterMs: 600, counts: false }],
    [
      'an unavailable store at the last attempt',
      new AppError('store_unavailable', '…'),
      5,
      {
        next: 'retry',
        afterMs: 600,
        counts: false,
      },
    ],
    ["a rule's refusal", new AppError('owner_protected', '…'), 1, { next: 'park' }],
  ])('%s', (_, error, attempt, verdict) => {
    expect(decideRetry(error, attempt, retry, 0.5)).toEqual(verdict);
  });

  test('only `stale` and `unavailable` refusals are ever tried again', () => {
    const again = Object.entries(errorCatalogue)
      .filter(([code]) => decideRetry(new AppError(code as 'stale', '…'), 1, retry, 0).next === 'retry')
      .map(([, kind]) => kind);
    expect([...new Set(again)].sort()).toEqual(['stale', 'unavailable']);
  });
});

describe('the error on a parked row', () => {
  test.each([
    ['an error', new Error('no'), 'Error: no'],
    ['one with causes', new Error('no', { cause: new TypeError('inner') }), 'Error: no ← TypeError: inner'],
    ['a refusal with its code', new AppError('not_found', 'Gone.'), 'not_found: Gone.'],
    ['no error', 'text', 'text'],
    ['a NUL, which no store takes', new Error('a\0b'), 'Error: ab'],
  ])('%s', (_, error, text) => {
    expect(errorText(error)).toBe(text);
  });

  test('is cut where it is endless', () => {
    const endless = new Error('x'.repeat(10_000));
    endless.cause = endless;
    expect(errorText(endless)).toHaveLength(2_000);
    expect(errorText(`${'x'.repeat(1_999)}😀`)).toBe('x'.repeat(1_999));
  });
});
