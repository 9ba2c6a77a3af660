/** `/signed-in` and `/sign-out`: what a browser's session is, and its end. */
import type { Request, Response } from 'express';
import { endSession, findContacts, findOrganizationsOf, findSessions, worthIn } from '../../access/index.ts';
import { AppError, hasCode } from '../../errors.ts';
import { clearSessionCookie } from '../cookies.ts';
import { accountPage, signedOutPage, signOutPage } from '../pages/account.ts';
import { leaveForSignOut, signOutOrigins } from '../signOut.ts';
import { findStepUpUrl } from '../stepUp.ts';
import { depart, seeOther, sendPage } from './answer.ts';
import { causeIn, type FrontDeps, makeFormToken, markOf, readForm, sessionOf } from './browser.ts';

export async function showAccount(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const session = await sessionOf(request.headers, deps);
  if (session === undefined) return seeOther(response, `${deps.baseUrl}/sign-in`);
  const { store, clock, baseUrl } = deps;
  const { accountId } = session;
  const [contacts, belongings, sessions] = await Promise.all([
    findContacts(store.read, [accountId]),
    findOrganizationsOf(store.read, accountId),
    findSessions(store.read, accountId, clock.now()),
  ]);
  const contact = contacts.get(accountId);
  const organizations = belongings
    .filter(({ member }) => member?.status !== 'suspended')
    .map(async ({ organization, member }) => ({
      name: organization.name,
      ...(worthIn(session, organization, member) !== 'counts' && {
        signInUrl: await findStepUpUrl(store.read, baseUrl, organization._id, accountId),
      }),
    }));
  const formAction = await signOutOrigins(deps, session);
  sendPage(response, {
    formAction,
    ...accountPage({
      formToken: makeFormToken(request, response, deps),
      name: contact?.email ?? contact?.name ?? accountId,
      organizations: await Promise.all(organizations),
      sessions: sessions.map((row) => ({
        id: row._id,
        current: row._id === session._id,
        userAgent: row.userAgent ?? (row.madeBy === 'operator' ? 'The operator' : 'An unknown browser'),
        since: `${row.createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
      })),
    }),
  });
}

/** Ends another session of the person's own. */
export async function endOtherSession(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const form = await readForm(request, response, deps);
  const session = await sessionOf(request.headers, deps);
  if (session !== undefined) {
    const { accountId } = session;
    const cause = causeIn(response, `account:${accountId}`);
    await deps.store
      .transaction(cause, (tx) => endSession(tx, accountId, form.session ?? ''))
      .catch((error: unknown) => {
        throw hasCode(error, 'not_found') ? new AppError('not_found', 'There is no such session.') : error;
      });
  }
  seeOther(response, `${deps.baseUrl}/signed-in`);
}

export async function showSignOut(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const session = await sessionOf(request.headers, deps);
  const formAction = session === undefined ? [] : await signOutOrigins(deps, session);
  sendPage(response, { ...signOutPage(makeFormToken(request, response, deps)), formAction });
}

/** Ends the browser's session here, and sends it on to end that of its IdP (SSO-2). */
export async function takeSignOut(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  await readForm(request, response, deps);
  const session = await sessionOf(request.headers, deps);
  response.append('Set-Cookie', clearSessionCookie(deps.baseUrl));
  if (session === undefined) return sendPage(response, signedOutPage(undefined));
  const { accountId, _id } = session;
  const requestId = String(response.locals.requestId);
  await deps.store.transaction(causeIn(response, `account:${accountId}`), (tx) => endSession(tx, accountId, _id));
  const onward = await leaveForSignOut(deps, requestId, session, markOf(request, response, deps.baseUrl));
  if (onward?.kind !== 'go') return sendPage(response, signedOutPage(onward?.url));
  depart(response, onward.departure);
}
