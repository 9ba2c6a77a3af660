import { describe, expect, test } from '@jest/globals';
import { forEach } from '../../../src/provisioning/chunks.ts';

describe('work for many people', () => {
  test('is done for everybody, a few at a time, even where it fails for some; the failure is told (MAP-3)', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    const work = async (item: number) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (item % 3 === 1) throw new Error(`failed for ${item}`);
      done.push(item);
    };
    await expect(forEach([0, 1, 2, 3, 4, 5, 6], 2, work)).rejects.toThrow('failed for 1');
    expect(done).toEqual([0, 2, 3, 5, 6]);
    expect(most).toBe(2);
  });
});
