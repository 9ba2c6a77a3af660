/** `/sso/start`: where a sign-in leaves for its IdP, by email, organization or connection; also at the word of an OpenID provider, and as a test (SSO-1, SSO-2). */
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { refuseClosed } from '../access/index.ts';
import { AppError } from '../errors.ts';
import type { Connection } from '../store/index.ts';
import { findConnectionOfState, takeAttempt } from './attempts.ts';
import { depart, seeOther, sendPage } from './front/answer.ts';
import { browserOf, type FrontDeps, sessionOf } from './front/browser.ts';
import { addressOf, placeOf, waysOf } from './front/signIn.ts';
import { expectedIssuer } from './oidc/index.ts';
import { choicePage } from './pages/signIn.ts';
import { SignInFault } from './protocol.ts';
import type { Refusals } from './refusals.ts';
import { findActiveConnections, findConnection, findOrganization, findOrganizationOfAddress } from './routing.ts';
import { oidcOf } from './settings.ts';
import { leaveForIdp } from './signIn.ts';

const name = z.string().min(1).max(320);
const place = z.string().max(2048);

/** What an OpenID provider adds to the address where a sign-in that begins at it goes on (OpenID Connect Core §4): Okta's tiles do. */
const begun = {
  iss: z.string().min(1).max(2048).optional(),
  login_hint: name.optional(),
  target_link_uri: place.optional(),
};
const startForm = z.object(begun);
/** Whatever else a provider adds is ignored (§4). */
const startQuery = z.object({
  connection: name.optional(),
  organization: name.optional(),
  email: name.optional(),
  return_to: place.optional(),
  reauth: z.literal('1').optional(),
  ...begun,
});
type StartQuery = z.output<typeof startQuery>;

/** The link of a test says nothing else. */
const testQuery = z.strictObject({ test: z.string() });

const readForm = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 });
const incomplete = () => new AppError('invalid_request', 'This link is not complete.');

/** Whether a link says nothing of where it leads. */
const isEmpty = ({ connection, organization, email }: StartQuery): boolean =>
  (connection ?? organization ?? email) === undefined;

/** To be mounted at the root. */
export function startRouter(deps: FrontDeps, refusals: Refusals): Router {
  const router = Router();
  const { baseUrl, limits, store } = deps;
  const reads = store.read;
  const requestIdOf = (response: Response): string => String(response.locals.requestId ?? '');

  router.get('/sso/start', limitDepartures, async (request, response) => {
    const test = testQuery.safeParse(request.query);
    if (test.success) return startTest(request, response, test.data.test);
    const query = startQuery.safeParse(request.query);
    if (!query.success || isEmpty(query.data)) throw incomplete();
    const { connection: named, organization, email, reauth, iss, login_hint, target_link_uri } = query.data;
    const returnTo = placeOf(query.data.return_to ?? target_link_uri, deps);
    const [connection, ...others] = await findConnections(response, query.data);
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
      if (iss !== undefined) checkBeginner(connection, iss);
      const departure = await leaveForIdp(deps, requestIdOf(response), connection, browserOf(request, response, deps), {
        purpose: 'sign_in',
        forceAuthn: reauth === '1',
        loginHint: email ?? login_hint,
        returnTo,
        sessionId: session?._id,
      });
      depart(response, departure);
    } catch (error) {
      await refusals.refuse(response, connection, 'sign_in', error);
    }
  });

  /**
   * A provider may post the same as a form (OpenID Connect Registration §2, `initiate_login_uri`). The browser keeps its cookies back from such a post,
   * so that it is sent on to the address which says it all.
   */
  router.post('/sso/start', limitDepartures, readForm, (request, response) => {
    const form = startForm.safeParse(request.body ?? {});
    if (!form.success) throw incomplete();
    const url = new URL(`${baseUrl}/sso/start`);
    url.search = new URL(request.originalUrl, 'http://unused.invalid').search;
    for (const [name, value] of Object.entries(form.data)) url.searchParams.append(name, value);
    seeOther(response, url.href);
  });

  /** Before a form is read. */
  function limitDepartures(request: Request, response: Response, next: NextFunction): void {
    const { connection } = request.query;
    if (typeof connection === 'string') refusals.concern(response, connection);
    limits.depart(request.ip);
    next();
  }

  /** Sends the browser in which the link of a test was opened to the IdP, whatever the state of the connection. */
  async function startTest(request: Request, response: Response, state: string): Promise<void> {
    const requestId = requestIdOf(response);
    const known = await findConnectionOfState(reads, state);
    if (known !== undefined) refusals.concern(response, known);
    const taken = await takeAttempt(store, requestId, { state, browser: undefined, as: 'test_link' });
    const connection = await findConnection(reads, taken.connectionId);
    if (!connection) throw new AppError('sign_in_expired', 'This connection is no longer there.');
    try {
      const leaving = { purpose: 'test', forceAuthn: false } as const;
      depart(response, await leaveForIdp(deps, requestId, connection, browserOf(request, response, deps), leaving));
    } catch (error) {
      await refusals.refuse(response, connection, 'test', error);
    }
  }

  async function findConnections(response: Response, { connection, organization, email }: StartQuery) {
    if (connection !== undefined) {
      const found = await findConnection(reads, connection);
      if (found) refusals.concern(response, found);
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

  return router;
}

/** A provider that begins says who it is: another one than the connection's has no business here. Throws SignInFault `issuer_mismatch`. */
function checkBeginner(connection: Connection, iss: string): void {
  if (connection.protocol === 'oidc' && expectedIssuer(oidcOf(connection), iss) !== undefined) return;
  throw new SignInFault(
    'issuer_mismatch',
    `The sign-in is begun by ${JSON.stringify(iss)}, which is not the connection's IdP`,
  );
}
