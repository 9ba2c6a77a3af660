/** Where IdPs post that a session has ended (OpenID Connect Back-Channel Logout 1.0): machines talk here, no browsers. */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { endSessionsOfConnection, findAccountsOfIdpSession } from '../access/index.ts';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { type Cause, type Connection, DuplicateKeyError } from '../store/index.ts';
import { consumeMessage } from './attempts.ts';
import { formFaultOf } from './formFaults.ts';
import { causeIn } from './front/browser.ts';
import type { SignInLimits } from './limits.ts';
import { findNamed } from './named.ts';
import { findConnectionOfToken, type LoggedOut, verifyLogoutToken } from './oidc/index.ts';
import { SignInFault, type SsoDeps } from './protocol.ts';
import { keepRecord } from './records.ts';
import type { Refusals } from './refusals.ts';
import { findConnection } from './routing.ts';

const readForm = express.urlencoded({ extended: false, limit: '256kb', parameterLimit: 20 });

/** Answers 200 once the sessions have ended, 400 for what is no valid log-out token (§2.8). */
export function backchannelRouter(
  deps: SsoDeps & { readonly limits: SignInLimits; readonly refusals: Refusals },
): Router {
  const router = Router();
  const limit = (request: Request, response: Response, next: NextFunction): void => {
    const { connection } = request.params;
    if (typeof connection === 'string') deps.refusals.concern(response, connection);
    deps.limits.logOut(request.ip);
    next();
  };

  router.post('/sso/oidc/backchannel-logout/:connection', limit, readForm, (request, response) =>
    take(request, response, () => findConnection(deps.store.read, String(request.params.connection))),
  );
  router.post('/sso/oidc/backchannel-logout', limit, readForm, (request, response) =>
    take(request, response, (token) => findConnectionOfToken(deps.store.read, token)),
  );

  /** What the parser of forms refuses is refused as the rest: in the protocol's own form. */
  router.use(
    ['/sso/oidc/backchannel-logout/:connection', '/sso/oidc/backchannel-logout'],
    async (error: unknown, request: Request, response: Response, next: NextFunction) => {
      const found = formFaultOf(error);
      if (found === undefined || response.headersSent) return next(error);
      const { connection: id } = request.params;
      const connection = typeof id === 'string' ? await findConnection(deps.store.read, id) : undefined;
      if (connection?.protocol === 'oidc') {
        await note(connection, causeIn(response, `idp:${connection._id}`), found.fault);
      }
      response.set('Cache-Control', 'no-store').status(400).json({ error: 'invalid_request' });
    },
  );

  async function take(
    request: Request,
    response: Response,
    find: (token: string) => Promise<Connection | undefined>,
  ): Promise<void> {
    response.set('Cache-Control', 'no-store');
    const token: unknown = request.body?.logout_token;
    const connection = typeof token === 'string' ? await find(token) : undefined;
    if (typeof token !== 'string' || connection?.protocol !== 'oidc') {
      if (connection) deps.refusals.concern(response, connection);
      await deps.refusals.tell(response, forNobody());
      response.status(400).json({ error: 'invalid_request' });
      return;
    }
    const cause = causeIn(response, `idp:${connection._id}`);
    try {
      await endSessions(connection, cause, await verifyLogoutToken(deps, connection, token));
      response.status(200).end();
    } catch (error) {
      if (!(error instanceof SignInFault)) throw error;
      await note(connection, cause, error);
      // The IdP's own endpoints do not answer: it may post again.
      if (error.code === 'idp_unreachable') response.status(503).json({ error: 'temporarily_unavailable' });
      else response.status(400).json({ error: 'invalid_request' });
    }
  }

  /** Ends the organization's part of the sessions that this IdP has proven, in one transaction with the token's one use. */
  async function endSessions(connection: Connection, cause: Cause, loggedOut: LoggedOut): Promise<void> {
    const { subject, index, once } = loggedOut;
    await deps.store
      .transaction(cause, async (tx) => {
        if (!(await consumeMessage(tx, connection, once.id, once.expiresAt))) throw replayed();
        const accountIds = await (subject === undefined
          ? findAccountsOfIdpSession(tx, connection, index ?? '')
          : findNamed(tx, connection, subject));
        for (const accountId of accountIds) {
          const ended = await endSessionsOfConnection(tx, connection, { accountId, index });
          if (ended === 0) continue;
          await recordAudit(tx, connection.organizationId, {
            type: 'session.ended_by_idp',
            targetKind: 'account',
            targetId: accountId,
            after: { connectionId: connection._id, sessions: ended },
          });
        }
      })
      .catch((error: unknown) => {
        // Two posts of one token at the same time: the unique index has let the other one pass.
        throw error instanceof DuplicateKeyError && error.collection === 'consumedMessages' ? replayed() : error;
      });
  }

  /** Keeps a record of a refusal, as of sign-ins: anybody may post here, so that as many are kept as of those. */
  async function note(connection: Connection, cause: Cause, fault: SignInFault): Promise<void> {
    deps.limits.refuse(connection._id);
    const { code, message: detail, received } = fault;
    const reference = await deps.store.transaction(cause, (tx) =>
      keepRecord(tx, connection, { purpose: 'sign_out', outcome: 'refused', code, detail, received }),
    );
    deps.logger.info(
      { requestId: cause.requestId, connectionId: connection._id, code, reference },
      'log-out token refused',
    );
  }

  return router;
}

/** Told to the audit and the log; the IdP's machine gets the protocol's own word. */
const forNobody = () =>
  new AppError('invalid_request', 'The log-out token is none, or for no connection that is here under its issuer');

const replayed = () => new SignInFault('replayed', 'This log-out token has been used already: each counts once');
