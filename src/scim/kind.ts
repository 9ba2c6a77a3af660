/** What the verbs need to know of a resource type; users.ts and groups.ts say it, resources.ts and list.ts use it. */
import type { ListQuery as StoreQuery } from '../directory/index.ts';
import type { Directory, DirectoryGroup, DirectoryUser, ReadStore, Sort, Transaction } from '../store/index.ts';
import type { AttributePath, ResourceType } from './attributes.ts';
import type { Leaf } from './filter/condition.ts';
import type { Known } from './filter/match.ts';
import type { Where } from './filter/plan.ts';
import type { Resource } from './input.ts';
import type { Operation } from './patch/operations.ts';
import type { BaseUrl } from './representation.ts';
import type { Selection } from './selection.ts';

export type AnyRow = DirectoryUser | DirectoryGroup;

/** What a write did. */
export interface Written<R> {
  readonly row: R;
  readonly changed: boolean;
  readonly notes: readonly string[];
  readonly touched: readonly string[];
}

export type RowQuery = Omit<StoreQuery<never>, 'filter'> & { readonly filter: Where | undefined };

/** Which memberships a search in memory has to know: those that its conditions ask of, and that it sorts by. */
export interface Asked {
  readonly leaves: readonly Leaf[];
  readonly sort: AttributePath | undefined;
}

/** A row as a search in memory judges it. */
export interface Candidate {
  readonly id: string;
  readonly resource: Resource;
  readonly known?: Known;
}

/** Answers rows as candidates, many at a time, in their order. */
export interface Judge<R> {
  judge(rows: readonly R[]): Promise<readonly Candidate[]>;
}

/** Runs this work on reads among which nothing changes: in a transaction. */
export type Steady = <T>(work: (reads: ReadStore) => Promise<T>) => Promise<T>;

export interface RenderOptions {
  /** Nothing can refer to the rows yet. */
  readonly fresh?: boolean;
  /** What a long answer is read from while it is sent, where that is later than `reads` can be used. */
  readonly later?: ReadStore;
  /** Where `reads` are no transaction's: for what is changed again and again while it is read. */
  readonly steady?: Steady;
}

export interface ResourceKind<R extends AnyRow> {
  readonly type: ResourceType;
  /** Whether writes to one resource wait for each other in this process before they open a transaction. */
  readonly queued: boolean;
  /** The most bytes of a body: BODY_LIMIT or LONG_BODY_LIMIT. */
  readonly bodyLimit: number;
  /** Whether PATCH answers the resource (200) or nothing (204), for one whose answer may be very long. */
  readonly answersPatch: boolean;
  /** Whether the row's version tells every change of such an answer (304). */
  versionCoversAnswer(selection: Selection): boolean;
  find(reads: ReadStore, directory: Directory, id: string): Promise<R | undefined>;
  list(reads: ReadStore, directory: Directory, query: RowQuery): Promise<{ total: number; items: readonly R[] }>;
  /** At most `limit` of those that match. */
  rows(
    reads: ReadStore,
    directory: Directory,
    query: { readonly filter: Where; readonly sort?: Sort | undefined; readonly limit: number },
  ): Promise<readonly R[]>;
  /** All that match, by id, in pages of the store's. */
  stream(reads: ReadStore, directory: Directory, filter: Where | undefined): AsyncIterable<R>;
  /** How a search in memory sees the rows, with the memberships that it asks of. */
  judgeFor(reads: ReadStore, directory: Directory, base: BaseUrl, asked: Asked): Judge<R>;
  /** Whether one resource may be too long to be held beside others (long.ts). */
  mayBeLong(selection: Selection): boolean;
  /**
   * The rows as they are answered, with memberships where they are asked for; a row that was changed meanwhile, as it is then.
   * Throws not_found where one is gone meanwhile.
   */
  render(
    reads: ReadStore,
    base: BaseUrl,
    rows: readonly R[],
    selection: Selection,
    options?: RenderOptions,
  ): Promise<readonly Resource[]>;
  create(tx: Transaction, directory: Directory, body: unknown): Promise<Written<R>>;
  replace(tx: Transaction, directory: Directory, row: R, body: unknown): Promise<Written<R>>;
  patch(tx: Transaction, directory: Directory, row: R, operations: readonly Operation[]): Promise<Written<R>>;
  remove(tx: Transaction, directory: Directory, row: R): Promise<Pick<Written<R>, 'notes' | 'touched'>>;
}
