/** `/sign-in/invitation`: the link of an invitation shows a page, whose button accepts it and signs the person in (MEM-2). */
import type { Request, Response } from 'express';
import { endSession, signInByMailbox } from '../../access/index.ts';
import { AppError, hasCode } from '../../errors.ts';
import { acceptInvitation, type ReceivedInvitation, readInvitation } from '../../provisioning/index.ts';
import type { Transaction } from '../../store/index.ts';
import { setSessionCookie } from '../cookies.ts';
import { invitationPage } from '../pages/invitation.ts';
import { seeOther, sendPage } from './answer.ts';
import { causeIn, type FrontDeps, makeFormToken, readForm, sessionOf } from './browser.ts';
import { addressOf } from './signIn.ts';

/** The invitation of this token. A token that is none counts against whoever sends it. */
async function known(
  deps: FrontDeps,
  request: Request,
  token: unknown,
  signedIn: string | undefined,
): Promise<ReceivedInvitation> {
  const text = typeof token === 'string' ? token : '';
  try {
    return await readInvitation(deps.store.read, text, signedIn, deps.clock.now());
  } catch (error) {
    if (hasCode(error, 'not_found')) deps.limits.failed(request.ip);
    throw error;
  }
}

const ways = { invitation_of_another: 'another', sign_in_required: 'sign_in_first' } as const;

function wayOf(refusal: AppError | undefined): 'here' | 'another' | 'sign_in_first' {
  if (refusal === undefined) return 'here';
  const way = Object.entries(ways).find(([code]) => code === refusal.code)?.[1];
  if (way === undefined) throw refusal;
  return way;
}

export async function showInvitation(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const session = await sessionOf(request.headers, deps);
  const token = String(request.query.token ?? '');
  const { invitation, organization, refusal } = await known(deps, request, token, session?.accountId);
  const { email, role } = invitation;
  sendPage(
    response,
    invitationPage({
      organization: organization.name,
      email,
      role,
      token,
      formToken: makeFormToken(request, response, deps),
      way: wayOf(refusal),
      signInUrl: addressOf(deps.baseUrl, '/sign-in', { return_to: `/sign-in/invitation?token=${token}` }),
    }),
  );
}

/**
 * Accepts. Only an account that begins with the acceptance is signed in by it, since it has nothing yet that a letter of seven days could
 * open; how fresh that sign-in is counts from the letter (ACC-4). Whoever has an account already stays signed in, or signs in as ever: the letter was sent by another organization's
 * Admin, and opens none of theirs (OWN-4, SSO-5). With `leave` the session of another account ends.
 */
export async function takeInvitation(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const { token = '', leave } = await readForm(request, response, deps);
  const present = await sessionOf(request.headers, deps);
  await known(deps, request, token, leave === '1' ? undefined : present?.accountId);
  const work = async (tx: Transaction) => {
    const accepted = await acceptInvitation(tx, token, leave === '1' ? undefined : present?.accountId);
    const other = present !== undefined && present.accountId !== accepted.accountId ? present : undefined;
    if (other) await endSession(tx, other.accountId, other._id).catch(gone);
    if (!accepted.isNew) return { isIn: present !== undefined && !other };
    const { shownAt, organization } = accepted;
    const shown = { shownAt, invitedTo: organization._id };
    const use = { userAgent: request.headers['user-agent'], address: request.ip, ...shown };
    return { isIn: true, ...(await signInByMailbox(tx, accepted.accountId, use)) };
  };
  const done = await deps.store.transaction(causeIn(response, 'system'), work);
  if ('token' in done) response.append('Set-Cookie', setSessionCookie(done.token, deps.baseUrl));
  seeOther(response, `${deps.baseUrl}${done.isIn ? '/signed-in' : '/sign-in'}`);
}

/** The other session has ended meanwhile: all the better. */
function gone(error: unknown): void {
  if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
}
