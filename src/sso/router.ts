/** The addresses of sign-in, for browsers: every answer is a redirect or a page. */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { refuseClosed } from '../access/index.ts';
import { AppError } from '../errors.ts';
import type { Connection, SignInAttempt } from '../store/index.ts';
import { ownCallback, sharedCallback } from './addresses.ts';
import { findConnectionOfState, isState, takeAttempt } from './attempts.ts';
import { backchannelRouter } from './backchannel.ts';
import type { Question } from './confirmations.ts';
import { readFlowCookie, setSessionCookie } from './cookies.ts';
import { formFaultOf } from './formFaults.ts';
import { seeOther, sendPage } from './front/answer.ts';
import { causeIn, type FrontDeps, markOf, sessionOf } from './front/browser.ts';
import { askAddress } from './front/confirm.ts';
import { answerRefusals, openFront } from './front/index.ts';
import { addressOf, placeOf, waysOf } from './front/signIn.ts';
import { publicJwks } from './keys.ts';
import { refusalPage } from './pages/refusal.ts';
import { choicePage, departurePage } from './pages/signIn.ts';
import { testPage } from './pages/test.ts';
import { type Departure, SignInFault, type SsoDeps, type Verified } from './protocol.ts';
import { protocols } from './protocols.ts';
import { keepRecord } from './records.ts';
import { findActiveConnections, findConnection, findOrganization, findOrganizationOfAddress } from './routing.ts';
import { samlRouter } from './samlRoutes.ts';
import { type Browser, type Finished, finishSignIn, leaveForIdp } from './signIn.ts';

const name = z.string().min(1).max(320);

const startQuery = z.strictObject({
  connection: name.optional(),
  organization: name.optional(),
  email: name.optional(),
  return_to: z.string().max(2048).optional(),
  reauth: z.literal('1').optional(),
});

/** The link of a test says nothing else. */
const testQuery = z.strictObject({ test: z.string() });

/** The largest response that SAML lets through, in base64 with its signs escaped, and room for RelayState. */
const readForm = express.urlencoded({ extended: false, limit: '900kb', parameterLimit: 20 });

const samlForm = z.object({ SAMLResponse: z.string().min(1), RelayState: z.string().max(2048).optional() });

/** The router of sign-in; mounted at the root. */
export function ssoRouter(deps: SsoDeps & FrontDeps): Router {
  const router = Router();
  const { baseUrl, store, limits } = deps;
  const reads = store.read;
  const requestIdOf = (response: Response): string => String(response.locals.requestId ?? '');
  const readFlow = (request: Request): string | undefined => readFlowCookie(request.headers, baseUrl);
  const browserOf = (request: Request, response: Response): Browser => ({
    flow: markOf(request, response, baseUrl),
    userAgent: request.headers['user-agent'],
    address: request.ip,
  });

  router.get('/sso/start', async (request, response) => {
    limits.depart(request.ip);
    const test = testQuery.safeParse(request.query);
    if (test.success) return startTest(request, response, test.data.test);
    const query = startQuery.safeParse(request.query);
    if (!query.success || isEmpty(query.data)) throw new AppError('invalid_request', 'This link is not complete.');
    const { connection: named, organization, email, reauth } = query.data;
    const returnTo = placeOf(query.data.return_to, deps);
    const [connection, ...others] = await findConnections(query.data);
    if (!connection) {
      if (named !== undefined) throw new AppError('not_found', 'There is no single sign-on here.');
      // The same for every address and organization that has no connection, whether it exists or not.
      seeOther(response, addressOf(baseUrl, '/sign-in', { organization, email, reauth, return_to: returnTo }));
      return;
    }
    if (others.length > 0) {
      const ways = waysOf([connection, ...others], baseUrl, { email, reauth, return_to: returnTo });
      sendPage(response, choicePage(ways));
      return;
    }
    const session = await sessionOf(request.headers, deps);
    try {
      const departure = await leaveForIdp(deps, requestIdOf(response), connection, browserOf(request, response), {
        purpose: 'sign_in',
        forceAuthn: reauth === '1',
        loginHint: email,
        returnTo,
        sessionId: session?._id,
      });
      depart(response, departure);
    } catch (error) {
      await refuse(response, connection, 'sign_in', error);
    }
  });

  /** Sends the browser in which the link of a test was opened to the IdP, whatever the state of the connection. */
  async function startTest(request: Request, response: Response, state: string): Promise<void> {
    const taken = await takeAttempt(store, requestIdOf(response), { state, browser: undefined, as: 'test_link' });
    const connection = await findConnection(reads, taken.connectionId);
    if (!connection) throw new AppError('sign_in_expired', 'This connection is no longer there.');
    try {
      const leaving = { purpose: 'test', forceAuthn: false } as const;
      depart(
        response,
        await leaveForIdp(deps, requestIdOf(response), connection, browserOf(request, response), leaving),
      );
    } catch (error) {
      await refuse(response, connection, 'test', error);
    }
  }

  async function findConnections({ connection, organization, email }: z.output<typeof startQuery>) {
    if (connection !== undefined) {
      const found = await findConnection(reads, connection);
      if (found?.status !== 'active') return [];
      await refuseClosed(reads, found.organizationId);
      return [found];
    }
    const organizationId =
      organization === undefined
        ? email && (await findOrganizationOfAddress(reads, email))
        : (await findOrganization(reads, organization))?._id;
    return organizationId ? findActiveConnections(reads, organizationId) : [];
  }

  router.post('/sso/saml/:connection/acs', limitAnswers, readForm, async (request, response) => {
    const connection = await connectionOf(request.params.connection, 'saml');
    const protocol = protocols.saml;
    const form = samlForm.safeParse(request.body);
    await finish(request, response, connection, {
      async take(browser) {
        if (!form.success) throw new SignInFault('malformed', 'The form has no SAMLResponse, or more than one');
        const { RelayState: state = '' } = form.data;
        if (!isState(state)) return undefined;
        const returned = { state, browser, connectionId: connection._id, as: 'sign_in' } as const;
        return takeAttempt(deps.store, requestIdOf(response), returned);
      },
      verify: (attempt) => protocol.verify(deps, connection, { attempt, response: form.data?.SAMLResponse ?? '' }),
    });
  });

  /** A form that cannot be read is refused as its message would be, with a record. It takes no attempt. */
  router.use(
    '/sso/saml/:connection/acs',
    async (error: unknown, request: Request, response: Response, next: NextFunction) => {
      const found = formFaultOf(error);
      if (found === undefined || response.headersSent) return next(error);
      const connection = await connectionOf(request.params.connection, 'saml');
      await refuse(response, connection, 'sign_in', found.fault, found.status);
    },
  );

  router.get(sharedCallback, (request, response) => takeOidcAnswer(request, response));

  router.get(ownCallback(':connection'), async (request, response) =>
    takeOidcAnswer(request, response, await connectionOf(request.params.connection, 'oidc')),
  );

  /** An answer at the shared address, or at that of one connection, where it can be of no other. */
  async function takeOidcAnswer(request: Request, response: Response, own?: Connection): Promise<void> {
    limits.answer(request.ip);
    const protocol = protocols.oidc;
    const { state } = request.query;
    const known = typeof state === 'string' && isState(state) ? await findConnectionOfState(reads, state) : undefined;
    const connection = own ?? (known === undefined ? undefined : await connectionOf(known, 'oidc'));
    // Nobody's answer: there is no organization to tell of it.
    if (connection === undefined) throw neverBegun();
    const url = new URL(`${deps.baseUrl}${own ? ownCallback(own._id) : sharedCallback}`);
    url.search = new URL(request.originalUrl, 'http://unused.invalid').search;
    await finish(request, response, connection, {
      async take(browser) {
        if (typeof state !== 'string' || known === undefined) throw neverBegun();
        // What a hostile provider has led on to another one (mix-up): nothing is taken, and no code goes anywhere.
        if (known !== connection._id) {
          throw new SignInFault('request_mismatch', 'The sign-in was begun for another connection');
        }
        const returned = { state, browser, connectionId: connection._id, as: 'sign_in' } as const;
        return takeAttempt(store, requestIdOf(response), returned);
      },
      verify: (attempt) => {
        if (!attempt || typeof state !== 'string') throw neverBegun();
        return protocol.verify(deps, connection, { attempt, state, url });
      },
    });
  }

  router.get('/sso/oidc/:connection/jwks.json', async (request, response) => {
    const connection = await connectionOf(request.params.connection, 'oidc');
    response.type('application/jwk-set+json').send(JSON.stringify(await publicJwks(reads, connection)));
  });

  /** Before the body is read. */
  function limitAnswers(request: Request, _response: Response, next: NextFunction): void {
    limits.answer(request.ip);
    next();
  }

  /** Whatever its state: a disabled one may be tested. */
  async function connectionOf(id: unknown, protocol: Connection['protocol']): Promise<Connection> {
    const connection = typeof id === 'string' ? await findConnection(reads, id) : undefined;
    if (connection?.protocol === protocol) return connection;
    throw new AppError('not_found', 'There is nothing at this address.');
  }

  /** Ends a sign-in: whatever is found of the answer, there is a record of it and a page without the reason. */
  async function finish(
    request: Request,
    response: Response,
    connection: Connection,
    answered: {
      take(browser: string | undefined): Promise<SignInAttempt | undefined>;
      verify(attempt: SignInAttempt | undefined): Promise<Verified>;
    },
  ): Promise<void> {
    const requestId = requestIdOf(response);
    let attempt: SignInAttempt | undefined;
    try {
      attempt = await answered.take(readFlow(request));
      if (connection.status === 'disabled' && attempt?.purpose !== 'test') {
        throw new SignInFault('connection_not_active', 'The connection is disabled: nobody is signed in through it');
      }
      const verified = await answered.verify(attempt);
      const browser = browserOf(request, response);
      const finished = await finishSignIn(deps, requestId, connection, attempt, browser, verified);
      answer(response, finished, (question) => {
        const email = verified.identity.email?.address;
        return askAddress(deps, { organizationId: connection.organizationId, question, email });
      });
    } catch (error) {
      await refuse(response, connection, attempt?.purpose === 'test' ? 'test' : 'sign_in', error);
    }
  }

  /**
   * Keeps a record of what was found, and shows a page that tells none of it, but to the admin who tests. Throws errors
   * that are nobody's answer.
   */
  async function refuse(
    response: Response,
    connection: Connection,
    purpose: 'sign_in' | 'test',
    error: unknown,
    given?: number,
  ): Promise<void> {
    const told = tell(error);
    if (!told) throw error;
    if (purpose === 'sign_in') limits.refuse(connection._id);
    const { code, detail, received } = told;
    const requestId = requestIdOf(response);
    const reference = await deps.store.transaction(causeIn(response, `idp:${connection._id}`), (tx) =>
      keepRecord(tx, connection, { purpose, outcome: 'refused', code, detail, received }),
    );
    deps.logger.info({ requestId, connectionId: connection._id, code, reference }, 'sign-in refused');
    if (purpose === 'test') {
      sendPage(response, testPage({ title: 'The test has failed', detail, reference, received }));
      return;
    }
    const advice =
      code === 'organization_closed'
        ? 'Your organization has been closed here. Ask its Owner.'
        : 'You could not be signed in. Try again; if it goes on, give your administrator the reference.';
    const status = given ?? (code === 'too_large' ? 413 : 403);
    sendPage(response, refusalPage({ status, title: 'Sign-in failed', message: advice, reference }));
  }

  router.use(samlRouter(deps));
  router.use(backchannelRouter(deps));
  router.use(openFront(deps));
  router.use(answerRefusals);
  return router;

  function answer(response: Response, finished: Finished, askAt: (question: Question) => string): void {
    if (finished.kind === 'signed_in') {
      response.append('Set-Cookie', setSessionCookie(finished.token, baseUrl));
      seeOther(response, finished.returnTo ?? `${baseUrl}/signed-in`);
      return;
    }
    if (finished.kind === 'tested') {
      const { detail, reference, received } = finished;
      sendPage(response, testPage({ title: 'The connection works', detail, reference, received }));
      return;
    }
    const { reference, question } = finished;
    const confirmUrl = question && askAt(question);
    const message = refusalToPeople[finished.reason] ?? notYet;
    sendPage(response, refusalPage({ status: 403, title: 'You cannot be signed in', message, reference, confirmUrl }));
  }
}

const neverBegun = () =>
  new AppError('sign_in_expired', 'This sign-in has ended or was never begun here. Begin again.');

const notYet = 'Your identity provider knows you, but you are not let in here yet. Ask your administrator.';

/** What people read where they can do something about it themselves. */
const refusalToPeople: Readonly<Partial<Record<Extract<Finished, { kind: 'refused' }>['reason'], string>>> = {
  domain_not_verified:
    'Your organization has to verify the domain of your address again, before its identity provider can sign you in here. Tell your administrator. Until then you can sign in by a link to your own mailbox, if you have one: choose "Email me a sign-in link".',
};

/** Whether a link says nothing of where it leads. */
const isEmpty = ({ connection, organization, email }: z.output<typeof startQuery>): boolean =>
  (connection ?? organization ?? email) === undefined;

/** What the record of a refusal says; undefined for errors that are none. */
function tell(error: unknown) {
  if (error instanceof SignInFault) return { code: error.code, detail: error.message, received: error.received };
  if (error instanceof AppError && error.kind !== 'unavailable') {
    return { code: error.code, detail: error.message, received: undefined };
  }
  return undefined;
}

function depart(response: Response, departure: Departure): void {
  if (departure.kind === 'redirect') seeOther(response, departure.url);
  else sendPage(response, departurePage(departure));
}
