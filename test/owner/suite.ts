/** What holds of the Owner as long as one of the two layers of OWN-6 stands. */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sweepOrganization } from '../../src/provisioning/index.ts';
import { type Attack, secondOwner } from './attacks.ts';
import { cause, findHarm, openScene, refusalOf, type Scene } from './scene.ts';

interface Layers {
  /** Whether the store's layer stands. */
  readonly protection: boolean;
  readonly attacks: readonly Attack[];
  /** Whether the domain's rule stands, and so each refusal says what it is. */
  readonly explains: boolean;
}

let scene: Scene | undefined;

async function open({ protection }: Layers): Promise<Scene> {
  scene = await openScene({ protection });
  return scene;
}

/** What an IdP and its Admins do all day, in between. */
const everyday = ['push somebody', 'push the Owner', 'sweep the organization'] as const;

async function live(scene: Scene, what: (typeof everyday)[number], step: number): Promise<void> {
  if (what === 'push the Owner') await scene.adopt();
  else if (what === 'push somebody') await scene.scim('post', '/Users', { userName: `somebody-${step}`, active: true });
  else await sweepOrganization(scene.store, cause, scene.id);
}

/** How long stories are told; on a slow machine or engine there are fewer of them. */
const tellForMs = 10_000;

/** Stories of attacks, alone and at once, between everyday pushes; each on a Gatehouse of its own. */
export function neverHarmed({ attacks, protection }: Pick<Layers, 'attacks' | 'protection'>) {
  const attack = fc.constantFrom(...attacks);
  const move = fc.oneof(
    attack.map((one) => [one]),
    fc.array(attack, { minLength: 2, maxLength: 4 }),
    fc.constantFrom(...everyday),
  );
  const until = performance.now() + tellForMs;
  return fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 6 }), async (story) => {
    if (performance.now() > until) return;
    const scene = await openScene({ protection });
    try {
      for (const [step, move] of story.entries()) {
        if (typeof move === 'string') await refusalOf(live(scene, move, step));
        else await Promise.allSettled(move.map((one) => one.run(scene)));
        const harm = await findHarm(scene);
        if (harm.length > 0) throw new Error(harm.join('; '));
      }
    } finally {
      await scene.gatehouse.close();
    }
  });
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

    test('whatever is tried, in any order, one after the other or at once', async () => {
      await fc.assert(neverHarmed(layers), { numRuns: 12 });
    });
  });
}
