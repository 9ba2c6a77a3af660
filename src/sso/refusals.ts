/**
 * How a request of a browser is refused. Where its connection is known there is a record, which the reference on the page leads to; what is refused before that (an
 * answer to nothing that was begun, a connection that is not there, a link that was used, too many of anything) is told to the log by
 * the id of the request, which its page shows, and to the audit: of the organization where one is known, else of the platform.
 */
import type { Response } from 'express';
import { AppError, hasCode } from '../errors.ts';
import { platformTrail, recordAudit } from '../events/index.ts';
import { openBuckets, type Rate } from '../lib/buckets.ts';
import type { Connection } from '../store/index.ts';
import { sendPage } from './front/answer.ts';
import { causeIn } from './front/browser.ts';
import type { SignInLimits } from './limits.ts';
import { refusalPage } from './pages/refusal.ts';
import { testPage } from './pages/test.ts';
import { SignInFault, type SsoDeps } from './protocol.ts';
import { keepRecord, readable } from './records.ts';
import { findConnection } from './routing.ts';

export interface Refusals {
  /** Notes which connection a request is about: itself, or by the id in its address, which may be none. */
  concern(response: Response, connection: Connection | string): void;
  /** Tells of a refusal that there is no record of. Never throws: the page is shown in any case. */
  tell(response: Response, error: AppError): Promise<void>;
  /**
   * Keeps a record of what was found, and shows a page that tells none of it, but to the admin who tests. Throws errors that are nobody's answer, and
   * `rate_limited` where the connection has refused too many. `status`: where it is not what the fault itself means.
   */
  refuse(
    response: Response,
    connection: Connection,
    purpose: 'sign_in' | 'test',
    error: unknown,
    status?: number,
  ): Promise<void>;
}

/**
 * Anybody may send what is refused here, in any number; a trail stays one that is read. A hundred at once, then one a minute; what was left out is counted in
 * the next one.
 */
const perTrail: Rate = { perSecond: 1 / 60, burst: 100 };
/** That there are too many is said ten times at once, then every ten minutes. */
const costOfLimits = 10;
const PATH_LIMIT = 256;

type Deps = Pick<SsoDeps, 'store' | 'clock' | 'logger'> & { readonly limits: Pick<SignInLimits, 'refuse'> };

/** The refusals of one process. */
export function openRefusals({ store, clock, logger, limits }: Deps): Refusals {
  const room = openBuckets(clock, perTrail);
  const untold = new Map<string, number>();
  const abouts = new WeakMap<Response, Connection | string>();

  /** Whether a trail takes another event; how many it did not take since the last one. */
  function admit(trail: string, cost: number): { readonly untold: number } | undefined {
    const missed = untold.get(trail) ?? 0;
    if (room.take(trail, cost) > 0) {
      untold.set(trail, missed + 1);
      return undefined;
    }
    untold.delete(trail);
    return { untold: missed };
  }

  async function audit(response: Response, error: AppError): Promise<void> {
    const cost = hasCode(error, 'rate_limited') ? costOfLimits : 1;
    const about = abouts.get(response);
    // Who is known by an id only is not even looked up beyond what the platform's own trail takes.
    const platform = typeof about === 'object' ? { untold: 0 } : admit(platformTrail, cost);
    if (platform === undefined) return;
    const connection = typeof about === 'string' ? await findConnection(store.read, about) : about;
    const admitted = connection === undefined ? platform : admit(connection.organizationId, cost);
    if (admitted === undefined) return;
    const cause = causeIn(response, connection === undefined ? 'system' : `idp:${connection._id}`);
    const path = readable(response.req.path).slice(0, PATH_LIMIT);
    await store.transaction(cause, (tx) =>
      recordAudit(tx, connection?.organizationId ?? platformTrail, {
        type: hasCode(error, 'rate_limited') ? 'sign_in.limited' : 'sign_in.refused',
        outcome: 'refused',
        targetKind: connection === undefined ? 'page' : 'connection',
        targetId: connection?._id ?? path,
        after: {
          reference: cause.requestId,
          code: error.code,
          path,
          ...(admitted.untold > 0 && { untold: admitted.untold }),
        },
        detail: readable(error.message),
      }),
    );
  }

  function concern(response: Response, connection: Connection | string): void {
    abouts.set(response, connection);
  }

  return {
    concern,
    async tell(response, error) {
      const { requestId } = causeIn(response, 'system');
      const about = abouts.get(response);
      const connectionId = typeof about === 'object' ? about._id : undefined;
      const told = { requestId, reference: requestId, code: error.code, path: response.req.path };
      logger.info({ ...told, ...(connectionId !== undefined && { connectionId }) }, 'refused, without a record');
      await audit(response, error).catch((err: unknown) => {
        logger.error({ requestId, err }, 'a refusal could not be written to the audit');
      });
    },
    async refuse(response, connection, purpose, error, status) {
      const told = describe(error);
      if (!told) throw error;
      concern(response, connection);
      if (purpose === 'sign_in') limits.refuse(connection._id);
      const { code, detail, received } = told;
      const cause = causeIn(response, `idp:${connection._id}`);
      const reference = await store.transaction(cause, (tx) =>
        keepRecord(tx, connection, { purpose, outcome: 'refused', code, detail, received }),
      );
      logger.info({ requestId: cause.requestId, connectionId: connection._id, code, reference }, 'sign-in refused');
      if (purpose === 'test') {
        sendPage(response, testPage({ title: 'The test has failed', detail, reference, received }));
        return;
      }
      const message =
        code === 'organization_closed'
          ? 'Your organization has been closed here. Ask its Owner.'
          : 'You could not be signed in. Try again; if it goes on, give your administrator the reference.';
      const meant = code === 'too_large' ? 413 : 403;
      sendPage(response, refusalPage({ status: status ?? meant, title: 'Sign-in failed', message, reference }));
    },
  };
}

/** What the record of a refusal says; undefined for errors that are none. */
function describe(error: unknown) {
  if (error instanceof SignInFault) return { code: error.code, detail: error.message, received: error.received };
  if (error instanceof AppError && error.kind !== 'unavailable') {
    return { code: error.code, detail: error.message, received: undefined };
  }
  return undefined;
}
