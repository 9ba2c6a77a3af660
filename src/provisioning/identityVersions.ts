/**
 * What the lists of identities were before (PRJ-7), so that a node agent hears only what has changed since the list that it has. A
 * memory and nothing else: it forgets when it likes, and who is asked about what it has forgotten gets the whole list.
 */
import { createHash } from 'node:crypto';
import type { ProjectIdentity } from './identityExport.ts';

/** What makes of one list another. */
export interface IdentityChanges {
  /** Who is new or different, in full. */
  readonly changed: readonly ProjectIdentity[];
  /** The account ids of who is on it no longer. */
  readonly removed: readonly string[];
}

/** A list by its name, and how it differs from the one that was asked about. */
export interface NamedIdentities {
  /** Stands for the content: the same list has the same one in every process. */
  readonly cursor: string;
  /** Absent where no list was asked about, or none that is remembered. */
  readonly changes?: IdentityChanges;
}

/** People by account id, each as the hash of what is said of them; no hash: not on the list. */
type Hashes = ReadonlyMap<string, string>;
type Undo = ReadonlyMap<string, string | undefined>;

/** One project's newest list, and what leads back from each to the one before, oldest first. */
interface History {
  readonly newest: string;
  readonly people: Hashes;
  readonly steps: readonly { readonly before: string; readonly undo: Undo }[];
}

/** People that are remembered over all projects: at about 150 bytes each. */
const mostPeople = 100_000;
/** Even of a short list so many changes are kept; else as many as it has people, since more would be told at greater length than all. */
const fewestChanges = 100;

export class IdentityVersions {
  readonly #most: number;
  /** By project, the least recently used first. */
  readonly #histories = new Map<string, History>();
  #held = 0;

  constructor(most = mostPeople) {
    this.#most = most;
  }

  /** Names the project's list as it is now, and tells what has changed since the one with the cursor `since`. */
  name(projectId: string, list: readonly ProjectIdentity[], since?: string): NamedIdentities {
    const cursor = hashOf(list);
    const history = renew(this.#take(projectId), cursor, list);
    this.#keep(projectId, history);
    const changes = since === undefined ? undefined : changesSince(history, list, since);
    return { cursor, ...(changes && { changes }) };
  }

  /** So many people are remembered. */
  get held(): number {
    return this.#held;
  }

  #take(projectId: string): History | undefined {
    const history = this.#histories.get(projectId);
    if (!history) return undefined;
    this.#histories.delete(projectId);
    this.#held -= weightOf(history);
    return history;
  }

  #keep(projectId: string, history: History): void {
    this.#histories.set(projectId, history);
    this.#held += weightOf(history);
    for (const oldest of this.#histories.keys()) {
      if (this.#held <= this.#most) return;
      this.#take(oldest);
    }
  }
}

const hashOf = (content: unknown): string => createHash('sha256').update(JSON.stringify(content)).digest('base64url');

/** The history with this list as its newest. */
function renew(history: History | undefined, cursor: string, list: readonly ProjectIdentity[]): History {
  if (history?.newest === cursor) return history;
  const people = new Map(list.map((one) => [one.accountId, hashOf(one)]));
  if (!history) return { newest: cursor, people, steps: [] };
  const steps = [...history.steps, { before: history.newest, undo: undoOf(people, history.people) }];
  let changes = steps.reduce((sum, { undo }) => sum + undo.size, 0);
  while (changes > Math.max(people.size, fewestChanges)) changes -= steps.shift()?.undo.size ?? changes;
  return { newest: cursor, people, steps };
}

/** What leads from the people `now` back to those of `before`. */
function undoOf(now: Hashes, before: Hashes): Undo {
  const undo = new Map<string, string | undefined>();
  for (const [accountId, hash] of before) if (now.get(accountId) !== hash) undo.set(accountId, hash);
  for (const accountId of now.keys()) if (!before.has(accountId)) undo.set(accountId, undefined);
  return undo;
}

function changesSince(
  { newest, people, steps }: History,
  list: readonly ProjectIdentity[],
  since: string,
): IdentityChanges | undefined {
  const first = since === newest ? steps.length : steps.findLastIndex(({ before }) => before === since);
  if (first < 0) return undefined;
  // Back from the newest step to the first one: what is said last is how the list of `since` was.
  const former = new Map(
    steps
      .slice(first)
      .reverse()
      .flatMap(({ undo }) => [...undo]),
  );
  const differs = (accountId: string) => former.has(accountId) && former.get(accountId) !== people.get(accountId);
  return {
    changed: list.filter(({ accountId }) => differs(accountId)),
    removed: [...former.keys()].filter((accountId) => !people.has(accountId) && differs(accountId)).sort(),
  };
}

const weightOf = ({ people, steps }: History): number =>
  steps.reduce((sum, { undo }) => sum + undo.size, people.size + 1);
