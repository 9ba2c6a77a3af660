import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { withoutRule } from './without-rule.ts';

// Both layers are switched off: every attack must now succeed, or it would prove nothing where one of them stands.
jest.unstable_mockModule('../../src/access/owner.ts', withoutRule);
const { attacks } = await import('./attacks.ts');
const { storyProperty } = await import('./model.ts');
const { allOperations } = await import('./operations.ts');
const { findHarm, openScene, refusalOf } = await import('./scene.ts');

let close: (() => Promise<void>) | undefined;
afterEach(async () => close?.());

describe('without both layers', () => {
  test.each(attacks)('the Owner is harmed when $name', async (attack) => {
    const scene = await openScene({ protection: false });
    close = () => scene.gatehouse.close();
    expect(await findHarm(scene)).toEqual([]);
    await refusalOf(Promise.resolve(attack.run(scene)));
    expect(await findHarm(scene)).not.toEqual([]);
  });

  test('random stories find the harm at once, and so would find it where a layer had a hole', async () => {
    const found = await fc.check(storyProperty(Object.keys(allOperations), { protection: false, explains: false }), {
      numRuns: 3,
      endOnFailure: true,
    });
    expect(found.failed).toBe(true);
    expect(String(found.errorInstance)).toMatch(
      /after .*: (the Owner is (member|another|admin and)|the Owner may not|there are \d+ Owners)/,
    );
  });
});
