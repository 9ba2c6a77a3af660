/** The push: IdPs that carry out their plans against a service which dies under them, and do not give up. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Endpoint,
  type Exchange,
  type Idp,
  type IdpPerson,
  inParallel,
  openEntraIdp,
  openOktaIdp,
  ScimFailure,
} from '../../src/simulator/index.ts';
import type { PersonPlan, Plan, Step } from './plan.ts';

/** What the client has seen. */
export interface Ledger {
  /** Answers of any kind. */
  answers: number;
  /** Changes that were answered with success. */
  successes: number;
  /** Operations that had to be carried out once more. */
  retries: number;
  /** Ids that a 201 has named, with the directory. */
  readonly created: Map<string, string>;
}

export const newLedger = (): Ledger => ({ answers: 0, successes: 0, retries: 0, created: new Map() });

export interface Pushing {
  readonly idp: Idp;
  readonly plan: Plan;
  readonly endpoint: Endpoint;
  readonly people: readonly IdpPerson[];
  /** The IdP's ids of its groups, in the order of the plan. */
  readonly groups: readonly string[];
  /** People of whom nothing is under way: what the IdP holds of them was acknowledged. */
  readonly settled: Set<string>;
}

/** How long one operation is tried: longer than any restart takes. */
const patienceMs = 240_000;
const width = 8;

/** Opens an IdP with its people and its groups; the groups are pushed, empty, before anything fails. */
export async function openPushing(
  vendor: 'okta' | 'entra',
  endpoint: Endpoint,
  plan: Plan,
  seed: number,
  ledger: Ledger,
): Promise<Pushing> {
  const onExchange = (exchange: Exchange): void => note(ledger, endpoint, exchange);
  const open = vendor === 'okta' ? openOktaIdp : openEntraIdp;
  const idp = open({ baseUrl: endpoint.baseUrl, token: endpoint.token, seed, tries: 1, onExchange });
  const people = idp.hire(plan.people.map(({ profile }) => profile));
  const groups: string[] = [];
  for (const [name = ''] of plan.groups) groups.push((await idp.pushGroup(name, [])).id);
  return { idp, plan, endpoint, people, groups, settled: new Set() };
}

function note(ledger: Ledger, { directoryId }: Endpoint, { method, status, response }: Exchange): void {
  ledger.answers += 1;
  if (method === 'GET' || status >= 300) return;
  ledger.successes += 1;
  const id = (response as { id?: unknown } | undefined)?.id;
  if (status === 201 && typeof id === 'string') ledger.created.set(id, directoryId);
}

/** Carries out the whole plan. `pass` is awaited before each operation. */
export async function push(pushing: Pushing, ledger: Ledger, pass: () => Promise<void>): Promise<void> {
  const { plan, people, groups, idp, settled } = pushing;
  const persist = async (operation: () => Promise<unknown>): Promise<void> => {
    await pass();
    await untilAnswered(operation, ledger);
  };
  const rename = inParallel(plan.groups, 2, async ([, ...names], index) => {
    for (const name of names) {
      await sleep(20);
      await persist(() => idp.renameGroup(groups[index] ?? '', name));
    }
  });
  const live = inParallel(plan.people, width, async ({ steps }: PersonPlan, index) => {
    const person = people[index];
    if (!person) throw new Error('the plan has somebody whom the IdP does not know');
    for (const step of steps) {
      settled.delete(person.id);
      await persist(() => take(pushing, person, step));
      if (step.kind !== 'delete') settled.add(person.id);
    }
  });
  await Promise.all([rename, live]);
}

async function take({ idp, groups }: Pushing, person: IdpPerson, step: Step): Promise<unknown> {
  const { id } = person;
  switch (step.kind) {
    case 'create':
      return idp.assign([person]);
    case 'deactivate':
      return idp.deactivate(id);
    case 'reactivate':
      return idp.reactivate(id);
    case 'delete':
      return idp.remove(id);
    case 'update':
      return idp.update(id, step.change);
    case 'join':
      return idp.addToGroup(groups[step.group] ?? '', [id]);
    case 'leave':
      return idp.removeFromGroup(groups[step.group] ?? '', [id]);
  }
}

/**
 * As an IdP does: where no answer came, or one that says "not now", the whole operation again, look-up included. Any
 * other refusal is a fault of the service and ends the run.
 */
async function untilAnswered(operation: () => Promise<unknown>, ledger: Ledger): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    try {
      await operation();
      return;
    } catch (error) {
      const refused = error instanceof ScimFailure && error.status < 500 && error.status !== 429;
      if (refused || performance.now() > deadline) throw error;
      ledger.retries += 1;
      await sleep(pause);
    }
  }
}
