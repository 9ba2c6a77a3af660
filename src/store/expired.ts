/** Rows that are good for a time only: every read asks for the time itself, and the sweep takes them away afterwards. */

import { groupBy } from '../lib/groupBy.ts';
import { rowsByName } from './byName.ts';
import { collections } from './schemas/index.ts';
import { type Cause, type Filter, PLATFORM, type Scope, type Store } from './store.ts';

/** Which rows end by themselves, and the field that says when. */
const ending = {
  sessions: 'idleExpiresAt',
  oauthTokens: 'expiresAt',
  oauthAssertions: 'expiresAt',
  signInAttempts: 'expiresAt',
  consumedMessages: 'expiresAt',
  mailedLinks: 'expiresAt',
  idpSessions: 'expiresAt',
  invitations: 'forgetAt',
} as const;

/** Records for people to read, kept as long as the provisioning log, and when they were made. */
const records = { signInRecords: 'createdAt' } as const;

/** What subscribers were told, or can still be told (EVT-1). */
const told = { webhookDeliveries: 'createdAt', eventChunks: 'createdAt' } as const;

type Transient = keyof typeof ending | keyof typeof records | keyof typeof told;

/** How many rows one transaction removes, so that it holds up nobody who writes. */
const BATCH = 200;

export interface Cleaning {
  /** What has expired before this instant goes. */
  readonly now: Date;
  /** Records from before this instant go. */
  readonly keepFrom: Date;
  /** Events and deliveries from before this instant go. */
  readonly eventsFrom: Date;
  goOn(): boolean;
}

/** Removes what has ended, batch by batch; answers how many rows. */
export async function removeExpired(
  store: Store,
  cause: Cause,
  { now, keepFrom, eventsFrom, goOn }: Cleaning,
): Promise<number> {
  let removed = 0;
  const tables = [
    [ending, now],
    [records, keepFrom],
    [told, eventsFrom],
  ] as const;
  for (const [table, before] of tables) {
    for (const [name, field] of Object.entries(table)) {
      removed += await clean(store, cause, name as Transient, { [field]: { $lt: before } }, goOn);
    }
  }
  return removed;
}

interface Old {
  readonly _id: string;
  readonly organizationId?: string;
}

/** The part of a collection that is used here, the same for all of them. */
interface Rows {
  find(scope: Scope, filter: object, options: { readonly limit: number }): Promise<readonly Old[]>;
  remove(scope: Scope, filter: Filter<Old>): Promise<number>;
}

async function clean(store: Store, cause: Cause, name: Transient, old: object, goOn: () => boolean): Promise<number> {
  const reads = rowsByName<Rows>(store.read, name);
  const platform = collections[name].scope === 'platform';
  let removed = 0;
  while (goOn()) {
    const rows = await reads.find(PLATFORM, old, { limit: BATCH });
    if (rows.length === 0) break;
    removed += await store.transaction(cause, async (tx) => {
      let gone = 0;
      for (const [organizationId, own] of groupBy(rows, (row) => row.organizationId ?? '')) {
        const ids = { _id: { $in: own.map(({ _id }) => _id) } };
        gone += await rowsByName<Rows>(tx, name).remove(platform ? PLATFORM : organizationId, ids);
      }
      return gone;
    });
  }
  return removed;
}
