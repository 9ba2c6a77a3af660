import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../src/lib/logger.ts';
import { openPeriodic, type Periodic, type PeriodicOptions } from '../../src/queue/index.ts';
import { PLATFORM, type Store } from '../../src/store/index.ts';
import { openTestStore } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { cause, gate, keepingLogger } from './rig.ts';

describe('a periodic task', () => {
  let store: Store;
  let open: Periodic[] = [];

  beforeEach(async () => {
    store = await openTestStore();
  });

  afterEach(async () => {
    await Promise.all(open.map((one) => one.stop()));
    open = [];
    await store.close();
  });

  const begin = (run: () => Promise<void>, options: Partial<PeriodicOptions> = {}): Periodic => {
    const one = openPeriodic({ store, name: 'sweep', everyMs: 400, run, logger: silentLogger, ...options });
    open.push(one);
    one.start();
    return one;
  };

  test('runs at once, and then once in each interval, however many processes share it', async () => {
    const runs: number[] = [];
    for (let i = 0; i < 4; i++) {
      begin(async () => {
        runs.push(performance.now());
      });
    }
    await until('three runs', () => runs.length >= 3);
    for (const [i, at] of runs.slice(1).entries()) expect(at - (runs[i] ?? 0)).toBeGreaterThan(350);
  });

  test('tasks of different names do not wait for each other', async () => {
    const names: string[] = [];
    for (const name of ['sweep', 'expiry']) begin(async () => void names.push(name), { name, everyMs: 60_000 });
    await until('both run', () => names.length === 2);
    expect(names.sort()).toEqual(['expiry', 'sweep']);
  });

  test('a run that lasts longer than a lease is not begun a second time meanwhile', async () => {
    const wait = gate();
    let runs = 0;
    const run = async () => {
      runs += 1;
      await wait.opened;
    };
    // A machine that stands still for as long as a lease makes a second one right: half a second of that is rare.
    begin(run, { leaseMs: 600 });
    begin(run, { leaseMs: 600 });
    await sleep(2500);
    const begun = runs;
    wait.open();
    expect(begun).toBe(1);
  });

  test('the task of a process that died is taken over when its lease has ended', async () => {
    const dead = { _id: 'periodic-sweep', holder: 'dead', until: new Date(Date.now() + 400) };
    await store.transaction(cause, (tx) => tx.leases.insert(PLATFORM, dead));
    const runs: number[] = [];
    const run = async () => {
      runs.push(Date.now());
    };
    begin(run, { everyMs: 60_000, leaseMs: 400 });
    await until('it is taken over', () => runs.length > 0);
    expect(runs[0]).toBeGreaterThanOrEqual(dead.until.getTime());
    await sleep(200);
    expect(runs).toHaveLength(1);
  });

  test.each([
    ['an hour', 3_600_000],
    ['years', 10 * 365 * 86_400_000],
  ])('runs at once where the clock was set back by %s, once, and then holds the task (OPS-2)', async (_, stepMs) => {
    const everyMs = 600_000;
    let runs = 0;
    const run = async () => {
      runs += 1;
    };
    const before = begin(run, { everyMs, clock: { now: () => new Date(Date.now() + stepMs) } });
    await until('it has run', async () => runs === 1);
    await before.stop();
    for (let i = 0; i < 3; i++) begin(run, { everyMs, leaseMs: 200 });
    await until('it runs again', () => runs === 2);
    await sleep(300);
    expect(runs).toBe(2);
    const row = await store.read.leases.get(PLATFORM, 'periodic-sweep');
    expect(row?.until.getTime()).toBeLessThanOrEqual(Date.now() + everyMs);
  });

  test('a clock that was set back by less than a minute puts a run off by no more than that, and begins none twice', async () => {
    const everyMs = 600_000;
    let runs = 0;
    const run = async () => {
      runs += 1;
    };
    const before = begin(run, { everyMs, clock: { now: () => new Date(Date.now() + 30_000) } });
    await until('it has run', () => runs === 1);
    await before.stop();
    begin(run, { everyMs, leaseMs: 200 });
    await sleep(300);
    expect(runs).toBe(1);
  });

  test('a run that fails is logged, and the next interval has its run', async () => {
    const { logger, lines } = keepingLogger();
    let runs = 0;
    const run = async () => {
      runs += 1;
      throw new Error('no');
    };
    begin(run, { everyMs: 200, logger });
    await until('it runs again', () => runs >= 2);
    expect(lines).toContain('periodic task failed');
  });

  test('stopping waits for the run that is under way, and no other follows', async () => {
    const wait = gate();
    let ended = 0;
    const one = begin(
      async () => {
        await wait.opened;
        ended += 1;
      },
      { everyMs: 100 },
    );
    await until('it runs', async () => (await store.read.leases.find(PLATFORM, {})).length === 1);
    const stopped = one.stop();
    wait.open();
    await stopped;
    expect(ended).toBe(1);
    await sleep(300);
    expect(ended).toBe(1);
  });
});
