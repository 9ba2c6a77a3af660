import type { mongo } from 'mongoose';

/** How long a transaction meets conflicts before it looks for one that is abandoned. */
export const patientMs = 1_000;
/** How long nothing was asked for in a transaction that counts as abandoned. */
const stillMs = 4_000;
const pauseMs = 500;

/** What has to do with transactions whose process has died, or has been cut off. */
export interface Abandoned {
  /**
   * Looks for them, and ends those that were there `stillMs` ago and have not moved. Never fails: what it cannot end ends by
   * the server's own limit. It may take as long as the server does: who has other things to do waits for nothing.
   */
  look(): Promise<void>;
}

/** A transaction between two commands, as the server shows it. */
interface Idle {
  readonly lsid: { readonly id: mongo.UUID };
  readonly transaction: { readonly parameters: { readonly txnNumber: unknown }; readonly timeActiveMicros: unknown };
}

/**
 * A process that dies in the middle of a transaction leaves it open on the server, which ends it after a minute
 * (`transactionLifetimeLimitSeconds`); until then nobody else can write the rows that it has written. So who keeps meeting
 * conflicts looks which of Gatehouse's transactions on this data are idle, and ends those in which no command came for `stillMs`: the
 * server does not tell since when one is idle, but the time in which it was active stands still.
 * One whose process lives after all has lost nothing: it is told `NoSuchTransaction`, or `Interrupted` in the middle of a
 * command, and runs its body again.
 *
 * Both commands are for the sessions of one's own user, and need no privilege on a replica set (through mongos the first one
 * needs `inprog`):
 * https://www.mongodb.com/docs/manual/reference/operator/aggregation/currentOp/
 * https://www.mongodb.com/docs/manual/reference/command/killSessions/
 */
export function openAbandoned(client: mongo.MongoClient): Abandoned {
  const { appName } = client.options;
  let still = new Map<string, number>();
  let under: Promise<void> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;

  async function inspect(): Promise<void> {
    const admin = client.db('admin');
    const asked = performance.now();
    const idle = await admin
      .aggregate<Idle>(
        [
          { $currentOp: { allUsers: false, idleSessions: true } },
          { $match: { type: 'idleSession', appName, transaction: { $exists: true } } },
          { $project: { lsid: 1, 'transaction.parameters.txnNumber': 1, 'transaction.timeActiveMicros': 1 } },
        ],
        // The stage takes no other read concern, and transactions are the primary's: not what the address says of reads.
        { readConcern: { level: 'local' }, readPreference: 'primary' },
      )
      .toArray();
    const answered = performance.now();
    const seen = idle.map(({ lsid: { id }, transaction: { parameters, timeActiveMicros } }) => {
      const moment = [id, parameters.txnNumber, timeActiveMicros].join(' ');
      return { id, moment, since: still.get(moment) ?? answered };
    });
    still = new Map(seen.map(({ moment, since }) => [moment, since]));
    // An answer that came late, to a busy process above all, says nothing of the time since it was asked for.
    const abandoned = seen.filter(({ since }) => asked - since >= stillMs);
    if (abandoned.length > 0) await admin.command({ killSessions: abandoned.map(({ id }) => ({ id })) });
  }

  return {
    async look() {
      if (under === undefined && performance.now() - lookedAt > pauseMs) {
        lookedAt = performance.now();
        under = inspect()
          .catch(() => {})
          .finally(() => {
            under = undefined;
          });
      }
      await under;
    },
  };
}
