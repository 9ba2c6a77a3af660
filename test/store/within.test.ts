import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { within } from '../../src/store/within.ts';

/** Stands still, as a process does that is stopped and continued, or whose machine gives it no time. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('the time of a body', () => {
  test('does not run while the process stands still: what has come meanwhile is taken first (OPS-2)', async () => {
    const run = { lastCallAt: performance.now() };
    const answer = within(100, readFile(fileURLToPath(import.meta.url), 'utf8'), run);
    standStill(300);
    expect(await answer).toContain('stands still');
  });

  test('is over where nothing is asked for, and begins anew with each call', async () => {
    const run = { lastCallAt: performance.now() };
    const begun = performance.now();
    const calls = setInterval(() => {
      run.lastCallAt = performance.now();
    }, 10);
    setTimeout(() => clearInterval(calls), 300);
    await expect(within(100, new Promise(() => {}), run)).rejects.toThrow('did not end within 100 ms');
    expect(performance.now() - begun).toBeGreaterThan(350);
  });
});
