/** Sending a recorded request again (SCIM-5): from a row of the provisioning log to the handlers of single requests. */
import { getDirectory, getLogEntry, markReplayed } from '../directory/index.ts';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import type { ProvisioningLogEntry, Transaction } from '../store/index.ts';
import { logRefusal, writing } from './answer.ts';
import type { Asked } from './asked.ts';
import { readPath, verbs } from './bulk/operations.ts';
import { withBody } from './bulk/prepare.ts';
import { bulkIdIn, referencesIn } from './bulk/references.ts';
import { refusalOf } from './errors.ts';
import type { Exchange, Handler, Routes, ScimDeps } from './exchange.ts';
import { baseUrlOf } from './representation.ts';
import { isWholePath, type Logged, wholeBody } from './requestLog.ts';

/** A recorded request, made ready. */
interface Recorded {
  readonly handle: Handler;
  readonly asked: Asked;
  /** Absent of a DELETE. */
  readonly data: unknown;
}

const impossible = (message: string): AppError => new AppError('replay_not_possible', message);
const incomplete = (message: string): AppError => new AppError('replay_incomplete', message);

/**
 * The request that a row records. Throws AppError replay_not_possible for what is not to be sent again: what was accepted
 * or has been replayed, what nobody's token stood for, what is no write of one resource. Throws replay_incomplete where
 * the log has not all of it: redacted, cut, or naming what other operations of a Bulk made.
 */
function readRecorded(routes: Routes, row: ProvisioningLogEntry): Recorded {
  const { method, path, outcome, status, replayedBy, ifMatch, ifNoneMatch } = row;
  if (outcome !== 'refused' && outcome !== 'failed') {
    throw impossible('Only a request that was refused or failed can be replayed');
  }
  if (replayedBy !== undefined) throw impossible('The request has been replayed already');
  // anybody may have sent it
  if (status === 401) throw impossible('The request came without a valid token');
  const verb = Object.hasOwn(verbs, method) ? verbs[method] : undefined;
  if (verb === undefined) throw impossible(`A ${method} changes nothing and is not replayed`);
  if (!isWholePath(path)) throw incomplete('The log holds only a part of the address');
  const endpoints = Object.keys(routes).filter((known) => !known.includes(':'));
  const place = readPath(path, endpoints);
  if (place instanceof AppError) throw impossible('The request went to no resource that can be written');
  const { endpoint, target, query } = place;
  const handle = routes[target === undefined ? endpoint : `${endpoint}/:id`]?.[verb];
  if (!handle) throw impossible(`${method} is not possible at this address`);
  const data = verb === 'delete' ? undefined : wholeBody(row.request);
  if (verb !== 'delete' && data === undefined) {
    throw incomplete(
      'The log does not hold the whole body: secrets are redacted, long bodies cut, broken ones not kept',
    );
  }
  if ((target !== undefined && bulkIdIn(target) !== undefined) || referencesIn(data).size > 0) {
    throw incomplete('The request refers to what other operations of its Bulk were to make');
  }
  const headers = {
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
  };
  const asked: Asked = {
    method,
    url: path,
    path: path.slice(0, path.length - query.length),
    params: target === undefined ? {} : { id: target },
    headers,
  };
  return { handle, asked, data };
}

/** Sends requests of the provisioning log again, as their directory. */
export interface Replay {
  /**
   * Decides whether the request of a row can be sent again, and audits that it will be, in the transaction of the one who
   * asks. Throws AppError not_found, replay_not_possible, replay_incomplete.
   */
  begin(tx: Transaction, organizationId: string, entryId: string): Promise<ProvisioningLogEntry>;
  /**
   * Sends it, once it has begun, and answers the new row, which names the old one (`replayOf`), whatever came of it. One
   * that is accepted is not sent a second time: of two at once, one throws replay_not_possible.
   */
  send(row: ProvisioningLogEntry, requestId: string): Promise<ProvisioningLogEntry>;
}

/** Replays over these routes. */
export function openReplay(deps: ScimDeps, routes: Routes): Replay {
  const { store, logger } = deps;

  async function exchangeOf(row: ProvisioningLogEntry, logged: Logged, { asked, data }: Recorded): Promise<Exchange> {
    const directory = await getDirectory(store.read, row.organizationId, row.directoryId);
    const write = writing(store, () => logged);
    return {
      deps,
      directory,
      base: baseUrlOf(deps.baseUrl, directory),
      types: await deps.types.of(directory),
      request: asked,
      logged,
      body: async () => data,
      write: (work, options) =>
        write(async (tx) => {
          const answer = await work(tx);
          await markReplayed(tx, row);
          return answer;
        }, options),
    };
  }

  return {
    async begin(tx, organizationId, entryId) {
      const row = await getLogEntry(tx, organizationId, entryId);
      readRecorded(routes, row);
      await recordAudit(tx, organizationId, {
        type: 'provisioning_log.replayed',
        targetKind: 'provisioning_log',
        targetId: row._id,
        detail: `${row.method} ${row.path.split('?')[0]}`,
      });
      return row;
    },

    async send(row, requestId) {
      const { _id, organizationId, directoryId, method, path, ifMatch, ifNoneMatch } = row;
      const recorded = readRecorded(routes, row);
      const logged = withBody(
        {
          directory: { _id: directoryId, organizationId },
          tokenId: undefined,
          requestId,
          method,
          path,
          startedAt: performance.now(),
          ifMatch,
          ifNoneMatch,
          replayOf: _id,
        },
        recorded.data,
      );
      let failure: unknown;
      try {
        await recorded.handle(await exchangeOf(row, logged, recorded));
      } catch (error) {
        if (error instanceof AppError && error.code === 'replay_not_possible') throw error;
        const refusal = refusalOf(error, requestId);
        if (refusal.fault) logger.error({ requestId, err: error }, 'a replayed SCIM request failed');
        await logRefusal(deps, logged, error, refusal);
        failure = error;
      }
      const made = await store.read.provisioningLog.findOne(organizationId, { requestId, replayOf: _id });
      if (!made) throw failure ?? new Error('a replay left no row');
      return made;
    },
  };
}
