import { type Held, isSuspicious } from './leases.ts';

export interface Limits {
  /** How many rows may be held at once in total. */
  total(): number;
  /** How many of one organization: fewer than in total, so that there is always room for another's. */
  each(): number;
}

/** The rows that this process has leased and that have not ended, counted by organization. */
export interface Holdings {
  readonly size: number;
  readonly room: number;
  /** The one of them that may be what ends processes. */
  readonly suspect: Held | undefined;
  share(organizationId: string): number;
  add(held: Held): void;
  /** Forgets the row; harmless where it is not held under this lease. */
  drop(id: string, lease: string): void;
  holds(id: string, lease: string | undefined): boolean;
  all(): Held[];
}

export function holdings(limits: Limits): Holdings {
  const rows = new Map<string, Held>();
  const counts = new Map<string, number>();
  const count = (organizationId: string, by: number): void => {
    const next = (counts.get(organizationId) ?? 0) + by;
    if (next > 0) counts.set(organizationId, next);
    else counts.delete(organizationId);
  };
  let suspect: Held | undefined;
  const drop = (id: string, lease: string): void => {
    const held = rows.get(id);
    if (held?.lease !== lease) return;
    rows.delete(id);
    count(held.row.organizationId, -1);
    if (suspect === held) suspect = undefined;
  };
  return {
    get size() {
      return rows.size;
    },
    get room() {
      return limits.total() - rows.size;
    },
    share: (organizationId) => limits.each() - (counts.get(organizationId) ?? 0),
    get suspect() {
      return suspect;
    },
    add(held) {
      const former = rows.get(held.row._id);
      if (former) drop(former.row._id, former.lease);
      // It has been taken once more, now.
      if (isSuspicious({ ...held.row, taken: (held.row.taken ?? 1) - 1 })) suspect = held;
      rows.set(held.row._id, held);
      count(held.row.organizationId, 1);
    },
    drop,
    holds: (id, lease) => lease !== undefined && rows.get(id)?.lease === lease,
    all: () => [...rows.values()],
  };
}

/** Of `concurrency` places, how many one organization may fill: three quarters, at least one. */
export function placesOfOne(concurrency: number): number {
  return Math.max(1, Math.floor((concurrency * 3) / 4));
}
