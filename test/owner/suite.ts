/** What holds of the Owner as long as one of the two layers of OWN-6 stands. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Attack, secondOwner } from './attacks.ts';
import { report, storiesMs, tellStories, wantedSuccesses } from './model.ts';
import { findHarm, openScene, refusalOf, type Scene } from './scene.ts';

interface Layers {
  /** Whether the store's layer stands. */
  readonly protection: boolean;
  readonly attacks: readonly Attack[];
  /** Whether the domain's rule stands, and so each refusal says what it is. */
  readonly explains: boolean;
}

const layersOf = ({ protection, explains }: Layers): string =>
  protection && explains ? 'both layers' : protection ? 'the store alone' : 'the domain alone';

let scene: Scene | undefined;

async function open({ protection }: Layers): Promise<Scene> {
  scene = await openScene({ protection });
  return scene;
}

/** The suite; each test opens a Gatehouse of its own. */
export function provesProtection(layers: Layers): void {
  const { attacks, explains } = layers;
  afterEach(async () => {
    await scene?.gatehouse.close();
    scene = undefined;
  });

  describe('the Owner is never removed, suspended or demoted (OWN-1, OWN-6)', () => {
    test.each([...attacks, secondOwner])('when $name', async (attack) => {
      const scene = await open(layers);
      const refusal = await refusalOf(Promise.resolve(attack.run(scene)));
      expect(await findHarm(scene)).toEqual([]);
      if (attack.kind === 'refused' && explains) expect(refusal).toMatch(/^(owner_protected|status 403)$/);
      if (attack.kind === 'refused') expect(refusal).toBeDefined();
    });

    test(
      'whatever happens all day, at once and in any order, while every kind of it succeeds on other people',
      async () => {
        const counts = await tellStories(layers);
        process.stdout.write(`${layersOf(layers)}, successes on other people:\n${report(counts)}\n`);
        expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(wantedSuccesses);
      },
      storiesMs,
    );
  });
}
