/** When rows that open doors were last used, without a write per use: noted in this process, written in batches. */
import { newId } from '../lib/ids.ts';
import { PLATFORM, type Scope, type Store } from './store.ts';

/** The collections whose rows tell when they were last used. */
export type UsedCollection = 'directoryTokens' | 'apiKeys' | 'serviceCredentials';

/** What was used. */
export interface UsedRow {
  readonly _id: string;
  /** Absent in a platform collection. */
  readonly organizationId?: string;
  /** Of the secret that was used: where the row has got another one since, this was no use of that. */
  readonly hash?: string;
}

/** Open one per process and collection; close it after the last request. */
export interface LastUses {
  /** Notes a use; of several the newest stands. */
  note(row: UsedRow, at: Date): void;
  /** Resolves when all that was noted before has been written, or could not be: then it is kept for the next time. */
  flush(): Promise<void>;
  /** The same, at the end; nothing may be noted afterwards. */
  close(): Promise<void>;
}

export interface LastUsesOptions {
  onError(error: unknown): void;
  /** How long a use waits at most before it is written. */
  readonly delayMs?: number | undefined;
}

interface Use {
  readonly row: UsedRow;
  readonly at: Date;
}

/** So many rows are written in one transaction. */
const batch = 200;
/** So many rows are remembered while the store fails to take them: then the oldest go. */
const capacity = 50_000;

/**
 * The notes of one process. A use is written only where the row knows of none as new, so that of several processes the
 * newest stands, in whatever order they write. What a killed process had noted and not yet written is lost: it is a note,
 * never a state.
 */
export function openLastUses(
  store: Store,
  collection: UsedCollection,
  { onError, delayMs = 5000 }: LastUsesOptions,
): LastUses {
  let noted = new Map<string, Use>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const wait = (): void => {
    timer ??= setTimeout(flush, delayMs).unref();
  };

  function note(row: UsedRow, at: Date): void {
    const key = row.hash ?? row._id;
    const known = noted.get(key);
    if (known && known.at >= at) return;
    noted.set(key, { row, at });
    if (noted.size > capacity) noted.delete(noted.keys().next().value ?? '');
    wait();
  }

  async function writeAll(): Promise<void> {
    // In one order, so that processes that write at once seldom meet.
    const uses = [...noted.values()].sort((a, b) => (a.row._id < b.row._id ? -1 : 1));
    noted = new Map();
    while (uses.length > 0) {
      try {
        await write(store, collection, uses.slice(0, batch));
      } catch (error) {
        for (const { row, at } of uses) note(row, at);
        onError(error);
        return;
      }
      uses.splice(0, batch);
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(writeAll);
    return writing;
  }

  return { note, flush, close: flush };
}

/** The part of a collection that is used here, the same for all of them. */
interface UsedRows {
  update(scope: Scope, filter: object, change: { readonly $set: { readonly lastUsedAt: Date } }): Promise<number>;
}

async function write(store: Store, collection: UsedCollection, uses: readonly Use[]): Promise<void> {
  await store.transaction({ actor: 'system', requestId: newId('request') }, async (tx) => {
    const rows: UsedRows = tx[collection];
    for (const { row, at } of uses) {
      const { _id, hash, organizationId = PLATFORM } = row;
      await rows.update(
        organizationId,
        {
          _id,
          ...(hash !== undefined && { hash }),
          $or: [{ lastUsedAt: { $exists: false } }, { lastUsedAt: { $lt: at } }],
        },
        { $set: { lastUsedAt: at } },
      );
    }
  });
}
