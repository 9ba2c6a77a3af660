/** How somebody is present who asks for what only the person's own sign-in may do (OWN-4, KEY-3). */
import { AppError } from '../errors.ts';
import type { Session } from '../store/index.ts';

export type Presence =
  | { readonly kind: 'operator' }
  | PersonalPresence
  /** The operator, in the name of a person. */
  | { readonly kind: 'act_as'; readonly accountId: string };

interface PersonalPresence {
  readonly kind: 'session';
  readonly accountId: string;
  readonly madeBy: Session['madeBy'];
  /** When the person last proved who they are, by their mailbox or to the organization's IdP. */
  readonly authenticatedAt?: Date | undefined;
  /** When they last did so by their own mailbox, in this session. */
  readonly mailboxAt?: Date | undefined;
}

/** Presence in a person's name: the person themself, or the operator for them. */
export type PresenceOfAccount = Exclude<Presence, { readonly kind: 'operator' }>;

/** For so long after a sign-in the person counts as freshly authenticated. */
const freshMinutes = 10;
export const freshMs = freshMinutes * 60_000;

/**
 * Whether `act` (a sentence's subject: "Accepting the ownership") is refused because the person has not signed in
 * themself: `act_as_refused`, or `permission_denied` for a session that the operator made.
 */
export function decideOwnSignIn(presence: PresenceOfAccount, act: string): AppError | undefined {
  if (presence.kind === 'act_as') {
    return new AppError('act_as_refused', `${act} needs the person's own sign-in: it cannot be done in their name`);
  }
  if (presence.madeBy !== 'sign_in') {
    return new AppError('permission_denied', `${act} needs the person's own sign-in; the operator made this session`);
  }
  return undefined;
}

/** The same, and `reauthentication_required` where the sign-in is longer than ten minutes ago (OWN-4). */
export function decideFreshSignIn(presence: PresenceOfAccount, now: Date, act: string): AppError | undefined {
  const refusal = decideOwnSignIn(presence, act);
  if (refusal) return refusal;
  const at = presence.kind === 'session' ? presence.authenticatedAt : undefined;
  if (at && now.getTime() - at.getTime() <= freshMs) return undefined;
  const message = `${act} needs a fresh sign-in: sign in again, and repeat this within ${freshMinutes} minutes`;
  return new AppError('reauthentication_required', message);
}

/** What details of `reauthentication_required` call a one-time link to the person's own mailbox. */
export const mailboxProof = 'mailbox';

/**
 * Whether `act`, which among persons is the Owner's alone, is refused: it needs a link to the Owner's own mailbox, used in this
 * session. An IdP's word is none here, however fresh: an Admin whose IdP speaks for the Owner's domain could come in
 * by it as the Owner (OWN-1, OWN-4, KEY-3). Refuses as `decideOwnSignIn` does, and with `reauthentication_required`.
 */
export function decideOwnersSignIn(presence: PresenceOfAccount, act: string): AppError | undefined {
  const refusal = decideOwnSignIn(presence, act);
  if (refusal) return refusal;
  return presence.kind === 'session' && presence.mailboxAt ? undefined : mailboxNeeded(act);
}

/** The same, where the link must have been used within the last ten minutes (OWN-4). */
export function decideFreshOwnersSignIn(presence: PresenceOfAccount, now: Date, act: string): AppError | undefined {
  const refusal = decideOwnSignIn(presence, act);
  if (refusal) return refusal;
  const at = presence.kind === 'session' ? presence.mailboxAt : undefined;
  return at && now.getTime() - at.getTime() <= freshMs ? undefined : mailboxNeeded(act, true);
}

function mailboxNeeded(act: string, fresh = false): AppError {
  const when = fresh ? `, used within the last ${freshMinutes} minutes` : '';
  const message = `${act} needs a one-time link to the Owner's own mailbox${when}; the identity provider's word is not enough. Have a sign-in link mailed, use it in this browser, and repeat this`;
  return new AppError('reauthentication_required', message, { details: { proof: mailboxProof } });
}
