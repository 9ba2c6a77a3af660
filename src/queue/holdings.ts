import type { Held } from './leases.ts';

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
  share(organizationId: string): number;
  add(held: Held): void;
  /** Forgets the row; harmless where it is not held. */
  drop(id: string): void;
  get(id: string): Held | undefined;
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
  const drop = (id: string): void => {
    const held = rows.get(id);
    if (held && rows.delete(id)) count(held.row.organizationId, -1);
  };
  return {
    get size() {
      return rows.size;
    },
    get room() {
      return limits.total() - rows.size;
    },
    share: (organizationId) => limits.each() - (counts.get(organizationId) ?? 0),
    add(held) {
      drop(held.row._id);
      rows.set(held.row._id, held);
      count(held.row.organizationId, 1);
    },
    drop,
    get: (id) => rows.get(id),
    all: () => [...rows.values()],
  };
}

/** Of `concurrency` places, how many one organization may fill: three quarters, at least one. */
export function placesOfOne(concurrency: number): number {
  return Math.max(1, Math.floor((concurrency * 3) / 4));
}
