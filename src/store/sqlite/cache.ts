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
  'grants',
  // a person's groups are told with every user that is read
  'directoryGroups',
  'edges',
]);

/** With so many answers, or with so many rows in them, a cache begins anew. */
const mostAnswers = 2000;
const mostRows = 20_000;
/** So many characters of rows and keys are kept at most, and of one answer. */
const mostText = 16_000_000;
const longestText = 250_000;

type Answer = readonly AnyRow[];

/** An answer as it was read, and how many characters its rows have in the file. */
export interface Read {
  readonly rows: Answer;
  readonly text: number;
}

/**
 * What reads of one collection have answered, kept until a transaction that wrote to the collection ends. It is exact:
 * the one writer of the one process on the file sees every change. Rows are frozen, so that all readers may share them.
 */
export class AnswerCache {
  readonly #answers = new Map<string, Answer>();
  #rows = 0;
  #text = 0;
  #written = false;

  /**
   * The answer kept under `key`, or what `read` answers. Reads inside of transactions see what the open one has written,
   * so from its first write to the collection on they ask the file; those outside see committed rows, as the cache does.
   */
  answer(key: string | undefined, inside: boolean, read: () => Read): Answer {
    if (key === undefined || (inside && this.#written)) return read().rows;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const { rows, text } = read();
    const size = text + key.length;
    if (size > longestText) return rows;
    const full = this.#rows + rows.length > mostRows || this.#text + size > mostText;
    if (full || this.#answers.size >= mostAnswers) this.#forget();
    this.#answers.set(key, rows);
    this.#rows += rows.length;
    this.#text += size;
    return rows;
  }

  /** The open transaction has written to the collection. */
  touch(): void {
    this.#written = true;
  }

  /** The open transaction has ended, one way or the other. */
  settle(): void {
    if (!this.#written) return;
    this.#written = false;
    this.#forget();
  }

  #forget(): void {
    this.#answers.clear();
    this.#rows = 0;
    this.#text = 0;
  }
}

/** The cache of a collection; undefined for one that is not worth it. */
export const cacheFor = (name: CollectionName): AnswerCache | undefined =>
  cached.has(name) ? new AnswerCache() : undefined;

const isText = (value: unknown): boolean => typeof value === 'string';

/** The key of a look-up by plain texts, lists of them, and booleans; undefined for every other filter, whose JSON may be ambiguous. */
export function keyOf(call: 'first' | 'all', scope: Scope, filter: unknown): string | undefined {
  if (!isPlainObject(filter)) return undefined;
  for (const name of Object.keys(filter)) {
    const value = filter[name];
    if (isText(value) || typeof value === 'boolean') continue;
    if (!isPlainObject(value) || Object.keys(value).length !== 1) return undefined;
    if (!Array.isArray(value.$in) || !value.$in.every(isText)) return undefined;
  }
  return `${call} ${scope === PLATFORM ? '' : scope} ${JSON.stringify(filter)}`;
}
