/**
 * Searches that no index serves: every candidate is looked at, in batches, and only the positions up to the end of a page are
 * kept. So they take time but little memory; other requests get their turn meanwhile, and few run at once in one directory.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Directory, ReadStore } from '../store/index.ts';
import type { AttributePath } from './attributes.ts';
import { leavesOf } from './filter/condition.ts';
import { matches } from './filter/match.ts';
import type { Plan } from './filter/plan.ts';
import type { AnyRow, ResourceKind } from './kind.ts';
import { compareBy, keepFirst, type Position, sortKey } from './order.ts';
import type { BaseUrl } from './representation.ts';
import { openTurns } from './turns.ts';

const BATCH = 500;

/** A search among no more than these is over before it would have waited for its turn. */
const FEW = BATCH;

/** Others get their turn after so long. */
const TURN_MS = 20;

/** How many such searches run at once in one directory, and how many may wait for their turn, how long. */
const turns = openTurns({
  running: 2,
  waiting: 500,
  patienceMs: 20_000,
  busy: 'Too many searches that read the whole directory are waiting; try again later',
});

export interface Scan {
  readonly plan: Plan | undefined;
  readonly sort: AttributePath | undefined;
  readonly descending: boolean;
  /** Only what comes after it is kept; all is counted. */
  readonly after: Position | undefined;
  /** How many positions are kept, from the first one on. */
  readonly limit: number;
}

/** How many match, and the first of their positions in order. Throws directory_busy. */
export async function scan<R extends AnyRow>(
  kind: ResourceKind<R>,
  reads: ReadStore,
  directory: Directory,
  base: BaseUrl,
  { plan, sort, descending, after, limit }: Scan,
): Promise<{ readonly total: number; readonly positions: readonly Position[] }> {
  const few = plan?.most !== undefined && plan.most <= FEW;
  const leave = few ? () => {} : await turns.enter(directory._id);
  try {
    const check = plan && !plan.exact ? plan.check : undefined;
    const judge = kind.judgeFor(reads, directory, base, { leaves: check ? leavesOf(check) : [], sort });
    const compare = compareBy(descending);
    const kept = keepFirst(limit, compare);
    let total = 0;
    let since = performance.now();
    const giveWay = async () => {
      await nextTurn();
      since = performance.now();
    };
    for await (const rows of batchesOf(kind.stream(reads, directory, plan?.where))) {
      for (const { id, resource, known } of await judge.judge(rows)) {
        if (performance.now() - since > TURN_MS) await giveWay();
        if (check && !matches(check, resource, known)) continue;
        total++;
        const position = { type: kind.type.name, id, key: sort && sortKey(sort, resource) };
        if (!after || compare(position, after) > 0) kept.add(position);
      }
      await giveWay();
    }
    return { total, positions: kept.all() };
  } finally {
    leave();
  }
}

async function* batchesOf<R>(rows: AsyncIterable<R>): AsyncGenerator<readonly R[]> {
  let batch: R[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
