/** The model of OWN-6: whatever happens, in any order and at once, there is exactly one Owner, active, Admin, present. */
import fc from 'fast-check';
import { evaluate } from '../../src/access/index.ts';
import { AppError } from '../../src/errors.ts';
import { type Member, ProtectedRowError } from '../../src/store/index.ts';
import { testEngine } from '../support/engines.ts';
import { type Ground, openGround } from './ground.ts';
import { allOperations, type Chance, movesOwnership, type Outcome, operations } from './operations.ts';

export interface ModelOptions {
  /** Whether the store's layer stands. Only then does it make sense to write past the rules. */
  readonly protection: boolean;
  /** Whether the domain's rule stands: then nothing is answered by a fault. */
  readonly explains: boolean;
}

interface Act extends Chance {
  readonly kind: string;
}

/** How often each kind of operation must have succeeded on other people than the Owner, for the Owner's sake to count. */
export const wantedSuccesses = Number(process.env.GATEHOUSE_OWNER_SUCCESSES ?? (testEngine === 'sqlite' ? 100 : 20));
/** How long they may take, in milliseconds: on MongoDB a story is a thousand round trips, and each success its share of them. */
export const storiesMs = testEngine === 'sqlite' ? 600_000 : wantedSuccesses * 30_000;
const mostStories = 400;
/** A kind that lags behind comes up so many times more often. */
const lagWeight = 8;

export type Counts = Map<string, number>;

/**
 * Tells stories until every kind of operation has succeeded often enough; throws the shrunk story in which the Owner came
 * to harm. Kinds that lag behind come up more often. Answers how often each has succeeded.
 */
export async function tellStories(options: ModelOptions, seed = fc.sample(fc.nat(), 1)[0] ?? 0): Promise<Counts> {
  const kinds = Object.keys(options.protection ? allOperations : operations);
  const counts: Counts = new Map(kinds.map((kind) => [kind, 0]));
  const lags = () => kinds.filter((kind) => (counts.get(kind) ?? 0) < wantedSuccesses);
  for (let story = 0; story < mostStories && lags().length > 0; story += 1) {
    const behind = lags();
    await fc.assert(
      storyProperty([...kinds, ...Array.from({ length: lagWeight }, () => behind).flat()], options, counts),
      {
        seed: seed + story,
        numRuns: 1,
      },
    );
  }
  return counts;
}

/** One story, on a ground of its own. Each step is one to four operations at once. */
export function storyProperty(kinds: readonly string[], options: ModelOptions, counts: Counts = new Map()) {
  const act = fc.record({ kind: fc.constantFrom(...kinds), who: fc.nat(10_000), variant: fc.nat(11) });
  const step = fc.array(act, { minLength: 1, maxLength: 4 });
  return fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 80, size: 'max' }), async (story) => {
    const ground = await openGround(options);
    try {
      let owner = await ground.ownerNow();
      for (const acts of story) owner = await carryOut(ground, acts, owner, counts, options);
    } finally {
      await ground.gatehouse.close();
    }
  });
}

/** Answers who is the Owner after the step; throws what harm has come to them. */
async function carryOut(
  ground: Ground,
  acts: readonly Act[],
  owner: Member,
  counts: Counts,
  { explains }: ModelOptions,
): Promise<Member> {
  const outcomes = await Promise.all(acts.map((act) => outcomeOf(ground, act, explains)));
  let mayMove = false;
  for (const [index, { kind }] of acts.entries()) {
    if (outcomes[index] !== 'succeeded') continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    mayMove ||= movesOwnership.has(kind);
  }
  const owners = await ground.store.read.members.find(ground.id, { owner: true });
  const [now] = owners;
  const harm = (what: string) => new Error(`after ${acts.map(({ kind }) => kind).join(' and ')}: ${what}`);
  if (!now || owners.length !== 1) throw harm(`there are ${owners.length} Owners`);
  if (now.role !== 'admin' || now.status !== 'active') throw harm(`the Owner is ${now.role} and ${now.status}`);
  if (now._id !== owner._id && !mayMove) throw harm('the Owner is another');
  const question = { permission: 'organization.update', resource: { kind: 'organization', id: ground.id } } as const;
  const decision = await evaluate(ground.store.read, { accountId: now.accountId, ...question });
  if (!decision.allowed) throw harm(`the Owner may not: ${decision.reason}`);
  return now;
}

async function outcomeOf(ground: Ground, { kind, who, variant }: Act, explains: boolean): Promise<Outcome> {
  try {
    return (await allOperations[kind]?.(ground, { who, variant })) ?? 'idle';
  } catch (error) {
    // Without the rule, the store's refusal is a fault wherever it is met.
    const isRefusal = error instanceof AppError || error instanceof ProtectedRowError;
    if (explains && !isRefusal) throw new Error(`${kind}: ${String(error)}`, { cause: error });
    return 'refused';
  }
}

/** The counts as lines of a report. */
export const report = (counts: Counts): string =>
  [...counts].map(([kind, count]) => `  ${String(count).padStart(5)} × ${kind}`).join('\n');
