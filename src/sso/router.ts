/** The addresses of sign-in, for browsers: every answer is a redirect or a page. */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { newSecret } from '../lib/secrets.ts';
import type { Connection, SignInAttempt } from '../store/index.ts';
import { isState, takeAttempt } from './attempts.ts';
import { publicJwks } from './keys.ts';
import { choicePage, departurePage, refusalPage } from './pages.ts';
import { type Departure, SignInFault, type SsoDeps, type Verified } from './protocol.ts';
import { protocols } from './protocols.ts';
import { keepRecord } from './records.ts';
import { findActiveConnections, findConnection, findOrganization, findOrganizationOfAddress } from './routing.ts';
import { type Browser, type Finished, finishSignIn, leaveForIdp } from './signIn.ts';

const name = z.string().min(1).max(320);

const startQuery = z.strictObject({
  connection: name.optional(),
  organization: name.optional(),
  email: name.optional(),
  return_to: z.string().max(2048).optional(),
  reauth: z.literal('1').optional(),
});

/** A response of 256 KiB in base64, with room for the name of the field and RelayState. */
const readForm = express.urlencoded({ extended: false, limit: '384kb', parameterLimit: 20 });

const samlForm = z.object({ SAMLResponse: z.string().min(1), RelayState: z.string().max(2048).optional() });

/** The router of sign-in; mounted at the root. */
export function ssoRouter(deps: SsoDeps): Router {
  const router = Router();
  const secure = deps.baseUrl.startsWith('https:');
  const { reads, requestIdOf, flowOf, readFlow, answer } = openBrowser(deps, secure);

  router.get('/sso/start', async (request, response) => {
    const query = startQuery.safeParse(request.query);
    if (!query.success) throw new AppError('invalid_request', 'This link is not complete.');
    const connections = await findConnections(query.data);
    const [connection] = connections;
    if (!connection) throw new AppError('not_found', 'There is no single sign-on here.');
    if (connections.length > 1) {
      const choices = connections.map(({ _id, name }) => ({ name, href: `/sso/start?${choose(query.data, _id)}` }));
      response.type('html').send(choicePage(choices));
      return;
    }
    try {
      const departure = await leaveForIdp(deps, requestIdOf(response), connection, flowOf(request, response), {
        purpose: 'sign_in',
        forceAuthn: query.data.reauth === '1',
        loginHint: query.data.email,
      });
      depart(response, departure);
    } catch (error) {
      await refuse(response, connection, 'sign_in', error);
    }
  });

  async function findConnections({ connection, organization, email }: z.output<typeof startQuery>) {
    if (connection !== undefined) {
      const found = await findConnection(reads, connection);
      return found?.status === 'active' ? [found] : [];
    }
    const organizationId =
      organization === undefined
        ? email && (await findOrganizationOfAddress(reads, email))
        : (await findOrganization(reads, organization))?._id;
    return organizationId ? findActiveConnections(reads, organizationId) : [];
  }

  router.post('/sso/saml/:connection/acs', readForm, async (request, response) => {
    const connection = await connectionOf(request.params.connection, 'saml');
    const protocol = protocols.saml;
    if (!protocol) throw new AppError('not_found', 'There is nothing at this address.');
    const form = samlForm.safeParse(request.body);
    await finish(request, response, connection, {
      async take(browser) {
        if (!form.success) throw new SignInFault('malformed', 'The form has no SAMLResponse, or more than one');
        const { RelayState: state = '' } = form.data;
        if (!isState(state)) return undefined;
        const returned = { state, browser, connectionId: connection._id };
        return takeAttempt(deps.store, requestIdOf(response), returned);
      },
      verify: (attempt) => protocol.verify(deps, connection, { attempt, response: form.data?.SAMLResponse ?? '' }),
    });
  });

  router.get('/sso/oidc/callback', async (request, response) => {
    const protocol = protocols.oidc;
    const { state } = request.query;
    if (typeof state !== 'string' || !isState(state)) throw new AppError('sign_in_expired', 'This sign-in has ended.');
    const attempt = await takeAttempt(deps.store, requestIdOf(response), { state, browser: readFlow(request) });
    const connection = await connectionOf(attempt.connectionId, 'oidc');
    const url = new URL(`${deps.baseUrl}/sso/oidc/callback`);
    url.search = new URL(request.originalUrl, 'http://unused.invalid').search;
    await finish(request, response, connection, {
      take: async () => attempt,
      verify: () => protocol.verify(deps, connection, { attempt, state, url }),
    });
  });

  router.get('/sso/oidc/:connection/jwks.json', async (request, response) => {
    const connection = await connectionOf(request.params.connection, 'oidc');
    response.type('application/jwk-set+json').send(JSON.stringify(await publicJwks(reads, connection)));
  });

  async function connectionOf(id: unknown, protocol: Connection['protocol']): Promise<Connection> {
    const connection = typeof id === 'string' ? await findConnection(reads, id) : undefined;
    if (connection?.protocol === protocol && connection.status !== 'disabled') return connection;
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
      const verified = await answered.verify(attempt);
      const browser = flowOf(request, response);
      answer(response, await finishSignIn(deps, requestId, connection, attempt, browser, verified));
    } catch (error) {
      await refuse(response, connection, attempt?.purpose ?? 'sign_in', error);
    }
  }

  /** Keeps a record of what was found, and shows a page that tells none of it. Throws errors that are nobody's answer. */
  async function refuse(
    response: Response,
    connection: Connection,
    purpose: SignInAttempt['purpose'],
    error: unknown,
  ): Promise<void> {
    const told = tell(error);
    if (!told) throw error;
    const { code, detail, received } = told;
    const requestId = requestIdOf(response);
    const reference = await deps.store.transaction({ actor: `idp:${connection._id}`, requestId }, (tx) =>
      keepRecord(tx, connection, { purpose, outcome: 'refused', code, detail, received }),
    );
    deps.logger.info({ requestId, connectionId: connection._id, code, reference }, 'sign-in refused');
    const advice = 'You could not be signed in. Try again; if it goes on, give your administrator the reference.';
    response.status(code === 'too_large' ? 413 : 403);
    response.type('html').send(refusalPage('Sign-in failed', advice, reference));
  }

  router.use(pageOfErrors);
  return router;
}

/** What the record of a refusal says; undefined for errors that are none. */
function tell(error: unknown) {
  if (error instanceof SignInFault) return { code: error.code, detail: error.message, received: error.received };
  if (error instanceof AppError && error.kind !== 'unavailable') {
    return { code: error.code, detail: error.message, received: undefined };
  }
  return undefined;
}

function choose({ return_to, reauth, email }: z.output<typeof startQuery>, connection: string): string {
  const query = new URLSearchParams({ connection });
  for (const [key, value] of Object.entries({ return_to, reauth, email })) if (value) query.set(key, value);
  return query.toString();
}

function depart(response: Response, departure: Departure): void {
  if (departure.kind === 'redirect') response.redirect(303, departure.url);
  else response.type('html').send(departurePage(departure.url, departure.fields));
}

/** What a browser keeps for us, and what it is told in the end. */
function openBrowser({ store, baseUrl }: SsoDeps, secure: boolean) {
  // The IdP posts from another site: only a cookie with SameSite=None comes with that, and only over https may there be one.
  const flow = secure ? '__Host-gatehouse-flow' : 'gatehouse-flow';
  const session = secure ? '__Host-gatehouse' : 'gatehouse-session';

  const readFlow = (request: Request): string | undefined => readCookie(request, flow);
  return {
    reads: store.read,
    readFlow,
    requestIdOf: (response: Response): string => String(response.locals.requestId ?? ''),
    flowOf(request: Request, response: Response): Browser {
      const known = readFlow(request);
      const value = known ?? newSecret('');
      if (known === undefined) {
        response.cookie(flow, value, {
          path: '/',
          httpOnly: true,
          secure,
          ...(secure && { sameSite: 'none' as const }),
          maxAge: 24 * 3_600_000,
        });
      }
      return { flow: value, userAgent: request.headers['user-agent'], address: request.ip };
    },
    answer(response: Response, finished: Finished): void {
      if (finished.kind === 'signed_in') {
        response.cookie(session, finished.token, {
          path: '/',
          httpOnly: true,
          secure,
          sameSite: 'lax',
          expires: finished.session.expiresAt,
        });
        response.redirect(303, finished.returnTo ?? `${baseUrl}/sign-in`);
        return;
      }
      const { reference } = finished;
      if (finished.kind === 'tested') {
        const advice = 'The test is done. What the identity provider sent is in the record.';
        response.type('html').send(refusalPage('Test of a connection', advice, reference));
        return;
      }
      const advice = 'Your identity provider knows you, but you are not let in here yet. Ask your administrator.';
      response
        .status(403)
        .type('html')
        .send(refusalPage('You cannot be signed in', advice, reference));
    },
  };
}

/** The value of a cookie of ours: 64 hex digits. */
function readCookie(request: Request, wanted: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key, value = ''] = pair.trim().split('=');
    if (key === wanted && /^[0-9a-f]{64}$/.test(value)) return value;
  }
  return undefined;
}

/** Errors before a connection is known: a page for people, whose reference is the id of the request. */
function pageOfErrors(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (!(error instanceof AppError) || error.kind === 'unavailable' || response.headersSent) {
    next(error);
    return;
  }
  const status = error.kind === 'not_found' ? 404 : error.kind === 'forbidden' ? 403 : 400;
  const reference = String(response.locals.requestId ?? '');
  response
    .status(status)
    .type('html')
    .send(refusalPage('This does not work', error.message, reference));
  void request;
}
