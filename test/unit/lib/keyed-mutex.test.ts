import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { keyedMutex } from '../../../src/lib/keyed-mutex.ts';

describe('a keyed mutex', () => {
  test('runs the work of one key one at a time, in the order of calls', async () => {
    const mutex = keyedMutex();
    const told: string[] = [];
    const work = (name: string, ms: number) => () =>
      sleep(ms).then(() => {
        told.push(name);
        return name;
      });
    const answers = await Promise.all([
      mutex.run('g', work('a', 20)),
      mutex.run('g', work('b', 0)),
      mutex.run('g', work('c', 5)),
    ]);
    expect(told).toEqual(['a', 'b', 'c']);
    expect(answers).toEqual(['a', 'b', 'c']);
  });

  test('lets different keys run at the same time', async () => {
    const mutex = keyedMutex();
    let both = 0;
    const meet = async () => {
      both += 1;
      await sleep(10);
      return both;
    };
    expect(await Promise.all([mutex.run('a', meet), mutex.run('b', meet)])).toEqual([2, 2]);
  });

  test('a failure is its own caller’s: who waits behind it runs all the same', async () => {
    const mutex = keyedMutex();
    const failed = mutex.run('g', () => Promise.reject(new Error('no')));
    const thrown = mutex.run('g', () => {
      throw new Error('at once');
    });
    const next = mutex.run('g', async () => 'next');
    await expect(failed).rejects.toThrow('no');
    await expect(thrown).rejects.toThrow('at once');
    await expect(next).resolves.toBe('next');
  });

  test('keeps nothing of a key that nobody uses', async () => {
    const mutex = keyedMutex();
    const all = Array.from({ length: 200 }, (_, i) =>
      mutex
        .run(`g-${i % 50}`, async () => {
          if (i % 7 === 0) throw new Error('no');
        })
        .catch(() => {}),
    );
    expect(mutex.size).toBe(50);
    await Promise.all(all);
    await sleep(0);
    expect(mutex.size).toBe(0);
  });
});
