/** The addresses of sign-in, for browsers: every answer is a redirect or a page. */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Connection, SignInAttempt } from '../store/index.ts';
import { ownCallback, sharedCallback } from './addresses.ts';
import { findConnectionOfState, isState, takeAttempt } from './attempts.ts';
import { backchannelRouter } from './backchannel.ts';
import type { Question } from './confirmations.ts';
import { readFlowCookie, setSessionCookie } from './cookies.ts';
import { formFaultOf } from './formFaults.ts';
import { seeOther, sendPage } from './front/answer.ts';
import { browserOf, type FrontDeps } from './front/browser.ts';
import { askAddress } from './front/confirm.ts';
import { answerRefusals, openFront } from './front/index.ts';
import { publicJwks } from './keys.ts';
import { refusalPage } from './pages/refusal.ts';
import { testPage } from './pages/test.ts';
import { SignInFault, type SsoDeps, type Verified } from './protocol.ts';
import { protocols } from './protocols.ts';
import { openRefusals } from './refusals.ts';
import { findConnection } from './routing.ts';
import { samlRouter } from './samlRoutes.ts';
import { type Finished, finishSignIn } from './signIn.ts';
import { startRouter } from './startRoutes.ts';

/** The largest response that SAML lets through, in base64 with its signs escaped, and room for RelayState. */
const readForm = express.urlencoded({ extended: false, limit: '900kb', parameterLimit: 20 });

const samlForm = z.object({ SAMLResponse: z.string().min(1), RelayState: z.string().max(2048).optional() });

/** The router of sign-in; mounted at the root. */
export function ssoRouter(deps: SsoDeps & FrontDeps): Router {
  const router = Router();
  const { baseUrl, store, limits } = deps;
  const reads = store.read;
  const requestIdOf = (response: Response): string => String(response.locals.requestId ?? '');
  const refusals = openRefusals(deps);
  const readFlow = (request: Request): string | undefined => readFlowCookie(request.headers, baseUrl);

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
      await refusals.refuse(response, connection, 'sign_in', found.fault, found.status);
    },
  );

  router.get(sharedCallback, limitAnswers, (request, response) => takeOidcAnswer(request, response));

  router.get(ownCallback(':connection'), limitAnswers, async (request, response) =>
    takeOidcAnswer(request, response, await connectionOf(request.params.connection, 'oidc')),
  );

  /** An answer at the shared address, or at that of one connection, where it can be of no other. */
  async function takeOidcAnswer(request: Request, response: Response, own?: Connection): Promise<void> {
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

  /** Before the body is read, and anything looked up. */
  function limitAnswers(request: Request, response: Response, next: NextFunction): void {
    const { connection } = request.params;
    if (typeof connection === 'string') refusals.concern(response, connection);
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
      const browser = browserOf(request, response, deps);
      const finished = await finishSignIn(deps, requestId, connection, attempt, browser, verified);
      answer(response, finished, (question) => {
        const email = verified.identity.email?.address;
        return askAddress(deps, { organizationId: connection.organizationId, question, email });
      });
    } catch (error) {
      await refusals.refuse(response, connection, attempt?.purpose === 'test' ? 'test' : 'sign_in', error);
    }
  }

  const told = { ...deps, refusals };
  router.use(startRouter(deps, refusals));
  router.use(samlRouter(told));
  router.use(backchannelRouter(told));
  router.use(openFront(deps, refusals));
  router.use(answerRefusals(refusals));
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
