import { type AnyRow, isPlainObject } from '../checker.ts';
import { type CollectionName, PLATFORM, type Scope } from '../store.ts';

/** Collections that nearly every request asks the same few rows of, and that are seldom written. */
const cached: ReadonlySet<CollectionName> = new Set([
  'organizations',
  'projects',
  'domains',
  'directories',
  'directoryTokens',
  'sessions',
  'serviceCredentials',
  'apiKeys',
]);

/** With so many answers a cache begins anew. */
const mostAnswers = 2000;

type Answer = readonly AnyRow[];

/**
 * What reads of one collection have answered, kept until a transaction that wrote to the collection ends. It is exact:
 * the one writer of the one process on the file sees every change. Rows are frozen, so that all readers may share them.
 */
export class AnswerCache {
  readonly #answers = new Map<string, Answer>();
  #written = false;

  /**
   * The answer kept under `key`, or what `read` answers. Reads inside of transactions see what the open one has written,
   * so from its first write to the collection on they ask the file; those outside see committed rows, as the cache does.
   */
  answer(key: string | undefined, inside: boolean, read: () => Answer): Answer {
    if (key === undefined || (inside && this.#written)) return read();
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = read();
    if (this.#answers.size >= mostAnswers) this.#answers.clear();
    this.#answers.set(key, answer);
    return answer;
  }

  /** The open transaction has written to the collection. */
  touch(): void {
    this.#written = true;
  }

  /** The open transaction has ended, one way or the other. */
  settle(): void {
    if (!this.#written) return;
    this.#written = false;
    this.#answers.clear();
  }
}

/** The cache of a collection; undefined for one that is not worth it. */
export const cacheFor = (name: CollectionName): AnswerCache | undefined =>
  cached.has(name) ? new AnswerCache() : undefined;

/** The key of a look-up by plain texts and booleans; undefined for every other filter, whose JSON may be ambiguous. */
export function keyOf(call: 'first' | 'all', scope: Scope, filter: unknown): string | undefined {
  if (!isPlainObject(filter)) return undefined;
  for (const name of Object.keys(filter)) {
    const value = filter[name];
    if (typeof value !== 'string' && typeof value !== 'boolean') return undefined;
  }
  return `${call} ${scope === PLATFORM ? '' : scope} ${JSON.stringify(filter)}`;
}
