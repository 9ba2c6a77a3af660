/** Sessions: opaque, hashed, ending with idleness, with age, and with the membership (SSO-7, MEM-5). */
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { PLATFORM, type ReadStore, type Session, type Transaction } from '../store/index.ts';
import { lockAccount } from './accounts.ts';
import { type Proof, proofsOf, writeProofs } from './sessionWorth.ts';

const hour = 60 * 60 * 1000;
/** A session ends after so long without use. */
export const idleLimitMs = 24 * hour;
/** A session ends after so long, however much it is used. */
const absoluteLimitMs = 7 * 24 * hour;
/** Use is recorded at most this often, so that a busy session costs no write per request. */
const touchEveryMs = hour;

/** The recognisable beginning of every session token. */
export const sessionTokenPrefix = 'ghs_';

/** How a session begins. */
export interface NewSession {
  readonly accountId: string;
  /** How the person has shown who they are; the operator's word alone reads no secrets (OWN-4). */
  readonly proofs: readonly Proof[];
  /** Where from, for the person's own list. */
  readonly userAgent?: string | undefined;
  readonly address?: string | undefined;
  /** Until when the IdP lets a session last at most (SAML's SessionNotOnOrAfter). */
  readonly notAfter?: Date | undefined;
}

const USER_AGENT_LIMIT = 256;

/**
 * Opens a session for an account. Answers the row and the token, which is shown this once and stored only as a hash.
 * A session that the operator made reads no secrets and moves no ownership (OWN-4).
 * Throws `not_found` where there is no such account.
 */
export async function openSession(
  tx: Transaction,
  { accountId, proofs, userAgent, address, notAfter }: NewSession,
): Promise<{ readonly session: Session; readonly token: string }> {
  const account = await lockAccount(tx, accountId);
  const token = newSecret(sessionTokenPrefix);
  const expiresAt = Math.min(tx.at.getTime() + absoluteLimitMs, notAfter?.getTime() ?? Number.POSITIVE_INFINITY);
  const session = await tx.sessions.insert(PLATFORM, {
    _id: newId('session'),
    accountId: account._id,
    tokenHash: hashSecret(token),
    madeBy: proofs.some(({ kind }) => kind === 'operator') ? 'operator' : 'sign_in',
    proofs: writeProofs(proofs),
    endedIn: [],
    ...(userAgent !== undefined && { userAgent: userAgent.slice(0, USER_AGENT_LIMIT) }),
    ...(address !== undefined && { address }),
    idleExpiresAt: new Date(Math.min(tx.at.getTime() + idleLimitMs, expiresAt)),
    expiresAt: new Date(expiresAt),
  });
  return { session, token };
}

/**
 * Adds a proof to a session of the person's own (SSO-5), whose token changes with it: what somebody may have learned of the
 * old one is worth nothing (fixation). The absolute end stays, or comes nearer with `notAfter`. Where an organization's part had ended, only the new
 * proof speaks there: what was proven before the end is not revived by it. Answers undefined for a session that has ended
 * meanwhile, is another account's, or was made by the operator: then a new one is to be opened.
 */
export async function stepUpSession(
  tx: Transaction,
  sessionId: string,
  accountId: string,
  proof: Exclude<Proof, { kind: 'operator' }>,
  { notAfter }: Pick<NewSession, 'notAfter'> = {},
): Promise<{ readonly session: Session; readonly token: string } | undefined> {
  const session = await tx.sessions.get(PLATFORM, sessionId);
  if (!session || !isLive(session, tx.at) || session.accountId !== accountId || session.madeBy !== 'sign_in') {
    return undefined;
  }
  const revives = (organizationId: string) => proof.kind === 'mailbox' || proof.organizationId === organizationId;
  const kept = proofsOf(session).filter(
    (old) =>
      old.kind !== 'connection' || !(session.endedIn.includes(old.organizationId) && revives(old.organizationId)),
  );
  const token = newSecret(sessionTokenPrefix);
  const expiresAt = new Date(Math.min(session.expiresAt.getTime(), notAfter?.getTime() ?? Number.POSITIVE_INFINITY));
  const changed = await tx.sessions.updateOne(
    PLATFORM,
    { _id: sessionId },
    {
      $set: {
        tokenHash: hashSecret(token),
        proofs: writeProofs([...kept, proof]),
        endedIn: session.endedIn.filter((organizationId) => !revives(organizationId)),
        idleExpiresAt: new Date(Math.min(tx.at.getTime() + idleLimitMs, expiresAt.getTime())),
        expiresAt,
      },
    },
  );
  return changed && { session: changed, token };
}

/** Whether a session has neither idled away nor grown too old. */
export function isLive(session: Pick<Session, 'idleExpiresAt' | 'expiresAt'>, now: Date): boolean {
  return now < session.idleExpiresAt && now < session.expiresAt;
}

/** The session of this token, if it is live at `now`. It is still worth nothing in the organizations of `endedIn`. */
export async function findLiveSession(reads: ReadStore, token: string, now: Date): Promise<Session | undefined> {
  if (!token.startsWith(sessionTokenPrefix)) return undefined;
  const session = await reads.sessions.findOne(PLATFORM, { tokenHash: hashSecret(token) });
  return session && isLive(session, now) ? session : undefined;
}

/** A live session by its id. */
export async function findSession(reads: ReadStore, sessionId: string, now: Date): Promise<Session | undefined> {
  const session = await reads.sessions.get(PLATFORM, sessionId);
  return session && isLive(session, now) ? session : undefined;
}

/** Whether a session is worth something in this organization: it has not been ended there. */
export function countsIn(session: Pick<Session, 'endedIn'>, organizationId: string): boolean {
  return !session.endedIn.includes(organizationId);
}

/** Whether the use of a session should be recorded now with `touchSession`; false for most requests. */
export function needsTouch(session: Pick<Session, 'idleExpiresAt' | 'expiresAt'>, now: Date): boolean {
  const left = session.idleExpiresAt.getTime() - now.getTime();
  return left < idleLimitMs - touchEveryMs && session.idleExpiresAt < session.expiresAt;
}

/** Moves the idle end ahead, never past the absolute one. A session that has ended meanwhile stays ended. */
export async function touchSession(tx: Transaction, sessionId: string): Promise<void> {
  const session = await tx.sessions.get(PLATFORM, sessionId);
  if (!session || !isLive(session, tx.at)) return;
  const idleExpiresAt = new Date(Math.min(tx.at.getTime() + idleLimitMs, session.expiresAt.getTime()));
  await tx.sessions.updateOne(PLATFORM, { _id: sessionId }, { $set: { idleExpiresAt } });
}

/** An account's live sessions. */
export function findSessions(reads: ReadStore, accountId: string, now: Date): Promise<readonly Session[]> {
  return reads.sessions.find(PLATFORM, { accountId, idleExpiresAt: { $gt: now }, expiresAt: { $gt: now } });
}

/** Ends one session of an account everywhere; throws `not_found` where the account has no such session. */
export async function endSession(tx: Transaction, accountId: string, sessionId: string): Promise<void> {
  if ((await tx.sessions.remove(PLATFORM, { _id: sessionId, accountId })) > 0) return;
  throw new AppError('not_found', `There is no session ${sessionId}`);
}

/** Ends all sessions of an account but one, or all; answers how many. */
export function endSessions(tx: Transaction, accountId: string, except?: string): Promise<number> {
  return tx.sessions.remove(PLATFORM, { accountId, ...(except !== undefined && { _id: { $ne: except } }) });
}

/**
 * Ends the organization's part of all sessions of an account, at once (MEM-3, MEM-5, SSO-5). A session that then counts
 * nowhere, since the account has no live membership or external grant left anywhere else, is removed. `which`: not of all.
 */
export async function endSessionsIn(
  tx: Transaction,
  organizationId: string,
  accountId: string,
  which: (session: Session) => boolean = () => true,
): Promise<void> {
  const sessions = (await tx.sessions.find(PLATFORM, { accountId })).filter(which);
  if (sessions.length === 0) return;
  const elsewhere = (await findLiveOrganizationIds(tx, accountId)).filter((id) => id !== organizationId);
  for (const session of sessions) {
    if (!elsewhere.some((id) => countsIn(session, id))) {
      await tx.sessions.remove(PLATFORM, { _id: session._id });
    } else if (countsIn(session, organizationId)) {
      const endedIn = [...session.endedIn, organizationId];
      await tx.sessions.updateOne(PLATFORM, { _id: session._id }, { $set: { endedIn } });
    }
  }
}

/** The organizations in which an account is an active member, or holds a grant without being a member. */
export async function findLiveOrganizationIds(reads: ReadStore, accountId: string): Promise<readonly string[]> {
  const memberships = await reads.members.find(PLATFORM, { accountId });
  const grants = await reads.grants.find(PLATFORM, { accountId, source: 'manual' });
  const known = new Set(memberships.map((member) => member.organizationId));
  const active = memberships.filter((member) => member.status === 'active').map((member) => member.organizationId);
  const external = grants.map((grant) => grant.organizationId).filter((id) => !known.has(id));
  return [...new Set([...active, ...external])];
}
