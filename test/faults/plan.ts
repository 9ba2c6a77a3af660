/** What the IdPs will do, decided beforehand: the same seed gives the same plan, whatever the order of the answers. */
import { makePopulation, type Profile, type Random, seededRandom } from '../../src/simulator/index.ts';

/**
 * One step of one person. A step touches nobody else, so that the end is the same however the steps of different people
 * interleave: a group's end is the set of those whose own steps end inside.
 */
export type Step =
  | { readonly kind: 'create' | 'deactivate' | 'reactivate' | 'delete' }
  | { readonly kind: 'join' | 'leave'; readonly group: number }
  | { readonly kind: 'update'; readonly change: Partial<Profile> };

export interface PersonPlan {
  readonly profile: Profile;
  readonly steps: readonly Step[];
}

export interface Plan {
  readonly people: readonly PersonPlan[];
  /** What each group will be called in turn; the first name is the one that it is made with. */
  readonly groups: readonly (readonly string[])[];
}

const groupCount = 8;

/** The plan of one IdP. `vendor` keeps the names of two IdPs apart. */
export function makePlan(seed: number, vendor: string, count: number, domain: string): Plan {
  const random = seededRandom(seed);
  const people = makePopulation({ seed, count, domain: `${vendor}.${domain}` }).map((profile, index) => ({
    profile,
    steps: stepsOf(random, profile, index),
  }));
  const groups = Array.from({ length: groupCount }, (_, group) =>
    Array.from({ length: 1 + random.below(4) }, (_, round) => `${vendor}-${group}-name-${round}`),
  );
  return { people, groups };
}

function stepsOf(random: Random, profile: Profile, index: number): readonly Step[] {
  const chance = (share: number): boolean => random.next() < share;
  const steps: Step[] = [{ kind: 'create' }];
  const joined = new Set(Array.from({ length: 1 + random.below(3) }, () => random.below(groupCount)));
  for (const group of joined) steps.push({ kind: 'join', group });
  if (chance(0.5)) steps.push({ kind: 'update', change: { title: random.pick(['Fellow', 'Lead', 'Intern']) } });
  if (chance(0.2)) {
    const userName = `renamed-${index}@${profile.userName.replace(/^.*@/, '')}`;
    steps.push({ kind: 'update', change: { userName, email: userName } });
  }
  if (chance(0.4)) {
    steps.push({ kind: 'deactivate' });
    if (chance(0.6)) steps.push({ kind: 'reactivate' });
  }
  for (const group of joined) if (chance(0.3)) steps.push({ kind: 'leave', group });
  if (chance(0.05)) steps.push({ kind: 'delete' });
  return steps;
}
