/** The addresses of a SAML connection beside its ACS: our metadata, and log-out from either side (SSO-1, SSO-2). */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { endSessionsOfConnection, findAccountsOfIdpSession } from '../access/index.ts';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { hashSecret } from '../lib/secrets.ts';
import { type Cause, type Connection, DuplicateKeyError, type Transaction } from '../store/index.ts';
import { consumeMessage, isState, takeAttempt } from './attempts.ts';
import { readFlowCookie } from './cookies.ts';
import { formFaultOf } from './formFaults.ts';
import { depart, sendPage } from './front/answer.ts';
import { causeIn } from './front/browser.ts';
import type { SignInLimits } from './limits.ts';
import { findNamed } from './named.ts';
import { signedOutPage } from './pages/account.ts';
import { refusalPage } from './pages/refusal.ts';
import { SignInFault, type SsoDeps } from './protocol.ts';
import { keepRecord } from './records.ts';
import type { Refusals } from './refusals.ts';
import { findConnection } from './routing.ts';
import {
  answerSamlLogout,
  type LogoutInput,
  type LogoutRequest,
  readLogout,
  stateOfId,
  writeSpMetadata,
} from './saml/index.ts';

const readForm = express.urlencoded({ extended: false, limit: '256kb', parameterLimit: 20 });

const message = z.string().min(1);
const logoutForm = z
  .object({
    SAMLRequest: message.optional(),
    SAMLResponse: message.optional(),
    RelayState: z.string().max(2048).optional(),
  })
  .refine(({ SAMLRequest, SAMLResponse }) => (SAMLRequest === undefined) !== (SAMLResponse === undefined));

/** To be mounted at the root. */
export function samlRouter(deps: SsoDeps & { readonly limits: SignInLimits; readonly refusals: Refusals }): Router {
  const router = Router();
  const limit = (request: Request<{ connection: string }>, response: Response, next: NextFunction): void => {
    deps.refusals.concern(response, request.params.connection);
    deps.limits.logOut(request.ip);
    next();
  };

  /** Also of a draft: an Admin gives it to the IdP before anybody can sign in. */
  router.get('/sso/saml/:connection/metadata', async (request, response) => {
    const connection = await connectionOf(request.params.connection);
    response.type('application/samlmetadata+xml').send(await writeSpMetadata(deps, connection));
  });

  router.get('/sso/saml/:connection/slo', limit, async (request, response) => {
    const query = new URL(request.originalUrl, 'http://unused.invalid').search.slice(1);
    await take(request, response, { binding: 'redirect', query });
  });

  router.post('/sso/saml/:connection/slo', limit, readForm, async (request, response) => {
    const form = logoutForm.safeParse(request.body);
    const { SAMLRequest, SAMLResponse, RelayState: relayState } = form.data ?? {};
    const field = SAMLRequest ?? SAMLResponse;
    await take(request, response, field === undefined ? undefined : { binding: 'post', field, relayState });
  });

  /** A form that cannot be read is refused as its message would be, with a record. */
  router.use(
    '/sso/saml/:connection/slo',
    async (error: unknown, request: Request, response: Response, next: NextFunction) => {
      const found = formFaultOf(error);
      if (found === undefined || response.headersSent) return next(error);
      const connection = await connectionOf(request.params.connection);
      await refuse(response, connection, causeIn(response, `idp:${connection._id}`), found.fault, found.status);
    },
  );

  async function connectionOf(id: unknown): Promise<Connection> {
    const connection = typeof id === 'string' ? await findConnection(deps.store.read, id) : undefined;
    if (connection?.protocol === 'saml') return connection;
    throw new AppError('not_found', 'There is nothing at this address.');
  }

  async function take(request: Request, response: Response, input: LogoutInput | undefined): Promise<void> {
    const connection = await connectionOf(request.params.connection);
    const cause = causeIn(response, `idp:${connection._id}`);
    const { requestId } = cause;
    try {
      if (input === undefined) throw new SignInFault('malformed', 'There must be one SAMLRequest or one SAMLResponse');
      const read = await readLogout(deps, connection, input);
      if (read.kind === 'request') {
        await endSessions(connection, cause, read);
        const departure = await answerSamlLogout(deps, connection, { id: read.id, relayState: read.relayState });
        if (departure) return depart(response, departure);
      } else {
        await endAttempt(
          request,
          connection,
          requestId,
          read.relayState || stateOfId(read.inResponseTo ?? ''),
          read.inResponseTo,
        );
        read.check();
      }
      sendPage(response, signedOutPage(undefined));
    } catch (error) {
      if (!(error instanceof SignInFault)) throw error;
      await refuse(response, connection, cause, error);
    }
  }

  /** Keeps a record of what was found, and shows a page that tells none of it. */
  async function refuse(
    response: Response,
    connection: Connection,
    cause: Cause,
    fault: SignInFault,
    status = 403,
  ): Promise<void> {
    deps.refusals.concern(response, connection);
    const reference = await note(connection, cause, fault);
    const advice = 'You could not be signed out by this. Sign out here, and at your organization, by yourself.';
    sendPage(response, refusalPage({ status, title: 'Sign-out failed', message: advice, reference }));
  }

  /** Ends the organization's part of the sessions that the IdP names, in one transaction with the request's one use. */
  async function endSessions(connection: Connection, cause: Cause, asked: LogoutRequest): Promise<void> {
    const work = async (tx: Transaction) => {
      const fresh = await consumeMessage(tx, connection, `logout ${hashSecret(asked.id)}`, asked.expiresAt);
      if (!fresh) throw replayed();
      for (const { accountId, index } of await findWhom(tx, connection, asked)) {
        const sessions = await endSessionsOfConnection(tx, connection, { accountId, index });
        if (sessions === 0) continue;
        await recordAudit(tx, connection.organizationId, {
          type: 'session.ended_by_idp',
          targetKind: 'account',
          targetId: accountId,
          after: { connectionId: connection._id, sessions },
        });
      }
    };
    await deps.store.transaction(cause, work).catch((error: unknown) => {
      // Two posts of one request at the same time: the unique index has let the other one pass.
      throw error instanceof DuplicateKeyError && error.collection === 'consumedMessages' ? replayed() : error;
    });
  }

  /** The attempt that our own request was; whoever has none here, or another one, ends nothing by it. */
  async function endAttempt(
    request: Request,
    connection: Connection,
    requestId: string,
    state: string,
    inResponseTo: string | undefined,
  ): Promise<void> {
    const browser = readFlowCookie(request.headers, deps.baseUrl);
    const returned = isState(state)
      ? ({ state, browser, connectionId: connection._id, as: 'sign_out' } as const)
      : undefined;
    const attempt = returned && (await takeAttempt(deps.store, requestId, returned).catch(() => undefined));
    if (attempt !== undefined && attempt.requestId === inResponseTo) return;
    throw new SignInFault('request_mismatch', 'The answer belongs to no sign-out that was begun here in this browser');
  }

  /** Keeps a record of a refusal, as of sign-ins: anybody may come here, so that as many are kept as of those. Answers its reference. */
  async function note(connection: Connection, cause: Cause, fault: SignInFault): Promise<string> {
    deps.limits.refuse(connection._id);
    const { requestId } = cause;
    const { code, message: detail } = fault;
    const reference = await deps.store.transaction(cause, (tx) =>
      keepRecord(tx, connection, { purpose: 'sign_out', outcome: 'refused', code, detail }),
    );
    deps.logger.info({ requestId, connectionId: connection._id, code, reference }, 'log-out message refused');
    return reference;
  }

  return router;
}

/** By the NameID, and by the IdP's sessions; by these alone where the name is nobody's. */
async function findWhom(
  tx: Transaction,
  connection: Connection,
  { subject, indexes }: LogoutRequest,
): Promise<readonly { readonly accountId: string; readonly index: string | undefined }[]> {
  const named = subject === undefined ? [] : await findNamed(tx, connection, subject);
  if (indexes.length === 0) return named.map((accountId) => ({ accountId, index: undefined }));
  const found = await Promise.all(
    indexes.map(async (index) => {
      const accountIds = named.length === 0 ? await findAccountsOfIdpSession(tx, connection, index) : named;
      return accountIds.map((accountId) => ({ accountId, index }));
    }),
  );
  return found.flat();
}

const replayed = () => new SignInFault('replayed', 'This log-out request has been used already: each counts once');
