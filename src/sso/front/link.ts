/** `/sign-in/link`: a mailed link shows a page, and is used up by its button only. */
import type { Request, Response } from 'express';
import { findLink, isAskedBy, type LinkSignedIn, linkExpired, proveMailbox, signInByLink } from '../../access/index.ts';
import type { MailedLink } from '../../store/index.ts';
import { signInAddress, startAddress } from '../addresses.ts';
import { confirm, findAskerOf } from '../confirmations.ts';
import { readFlowCookie, setSessionCookie } from '../cookies.ts';
import { confirmedPage, confirmPage } from '../pages/confirm.ts';
import { emailProvenPage, linkPage } from '../pages/link.ts';
import { seeOther, sendPage } from './answer.ts';
import { causeIn, type FrontDeps, makeFormToken, readForm, sessionOf } from './browser.ts';

/** The link of this token. Throws AppError link_expired, or rate_limited where too many tokens were none. */
async function knownLink(deps: FrontDeps, request: Request, token: unknown): Promise<MailedLink> {
  const link = typeof token === 'string' ? await findLink(deps.store.read, token, deps.clock.now()) : undefined;
  if (link !== undefined) return link;
  deps.limits.failed(request.ip);
  throw linkExpired();
}

export async function showLink(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const { token } = request.query;
  const link = await knownLink(deps, request, token);
  const here = isAskedBy(link, readFlowCookie(request.headers, deps.baseUrl));
  const formToken = makeFormToken(request, response, deps);
  const { purpose, email, returnTo } = link;
  if (purpose !== 'confirm') {
    sendPage(response, linkPage({ link: { purpose, email, returnTo }, token: String(token), formToken, here }));
    return;
  }
  const asker = await findAskerOf(deps.store.read, link);
  if (asker === undefined) throw linkExpired();
  sendPage(response, confirmPage({ asker, email, token: String(token), formToken }));
}

export async function takeLinkForm(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const { token = '' } = await readForm(request, response, deps);
  const link = await knownLink(deps, request, token);
  const session = await sessionOf(request.headers, deps);
  if (link.purpose === 'confirm') {
    const cause = causeIn(response, `account:${link.accountId}`);
    const { connectionId } = await deps.store.transaction(cause, (tx) => confirm(tx, token));
    const { baseUrl } = deps;
    const onward = connectionId === undefined ? signInAddress(baseUrl) : startAddress(baseUrl, connectionId);
    return sendPage(response, confirmedPage(onward));
  }
  if (link.purpose === 'prove_email') {
    const accountId = session?.accountId;
    if (accountId === undefined) return seeOther(response, `${deps.baseUrl}/sign-in`);
    const cause = causeIn(response, `account:${accountId}`);
    await deps.store.transaction(cause, (tx) => proveMailbox(tx, accountId, session, token));
    return sendPage(response, emailProvenPage(link.email));
  }
  const signedIn: LinkSignedIn = await deps.store.transaction(causeIn(response, 'system'), (tx) =>
    signInByLink(tx, {
      token,
      sessionId: session?._id,
      userAgent: request.headers['user-agent'],
      address: request.ip,
    }),
  );
  response.append('Set-Cookie', setSessionCookie(signedIn.token, deps.baseUrl));
  seeOther(response, signedIn.returnTo ?? `${deps.baseUrl}/signed-in`);
}
