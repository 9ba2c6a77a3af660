/**
 * Sign-ins that have begun: stored, ended once, by the browser that began them and through the connection that they were
 * begun for (login CSRF, replay and mix-up all end here).
 */
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { equalSecrets, hashSecret, newSecret } from '../lib/secrets.ts';
import {
  type Connection,
  PLATFORM,
  type ReadStore,
  type SignInAttempt,
  type Store,
  type Transaction,
} from '../store/index.ts';

/** How long a person may take at the IdP. */
export const attemptLifeMs = 10 * 60_000;

export interface NewAttempt {
  /** What the IdP is to hand back (`state`, RelayState): from `newState`, kept as a hash only. */
  readonly state: string;
  readonly purpose: SignInAttempt['purpose'];
  /** The cookie of the browser that begins; absent where none will come back with the answer. */
  readonly browser?: string | undefined;
  /** The id of our request to the IdP (SAML). */
  readonly requestId?: string | undefined;
  /** Sealed: nonce and PKCE verifier (OIDC). */
  readonly secrets?: string | undefined;
  /** Checked already: one of the allowed places. */
  readonly returnTo?: string | undefined;
  /** The session that the proof will be added to. */
  readonly sessionId?: string | undefined;
  /** The IdP is told to ask the person again. */
  readonly forced?: boolean | undefined;
}

/** A reference that nobody can guess. */
export const newState = (): string => newSecret('');

/** Whether a text has the form of our references: an IdP that begins by itself hands back something else, or nothing. */
export const isState = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/**
 * A link that begins a test of this connection, whatever its state (SSO-1): for an admin to open once, in the browser in
 * which the IdP is to be asked.
 */
export async function makeTestLink(
  tx: Transaction,
  connection: Connection,
  baseUrl: string,
): Promise<{ readonly url: string; readonly expiresAt: Date }> {
  const state = newState();
  const { expiresAt } = await beginAttempt(tx, connection, { state, purpose: 'test_link' });
  return { url: `${baseUrl}/sso/start?test=${state}`, expiresAt };
}

/** Stores an attempt, to be taken once. */
export async function beginAttempt(
  tx: Transaction,
  { organizationId, _id: connectionId }: Connection,
  { state, purpose, browser, requestId, secrets, returnTo, sessionId, forced }: NewAttempt,
): Promise<SignInAttempt> {
  return tx.signInAttempts.insert(organizationId, {
    _id: newId('signInAttempt'),
    organizationId,
    connectionId,
    purpose,
    stateHash: hashSecret(state),
    ...(browser !== undefined && { browserHash: hashSecret(browser) }),
    ...(requestId !== undefined && { requestId }),
    ...(secrets !== undefined && { secrets }),
    ...(returnTo !== undefined && { returnTo }),
    ...(sessionId !== undefined && { sessionId }),
    ...(forced && { forced }),
    expiresAt: new Date(tx.at.getTime() + attemptLifeMs),
  });
}

/** What comes back with an IdP's answer. */
export interface Returned {
  readonly state: string;
  readonly browser: string | undefined;
  /** Where the address of the answer names one. */
  readonly connectionId?: string | undefined;
  /** What came: an answer to a sign-in or a test, one to a sign-out, or the link of a test that was opened. */
  readonly as: 'sign_in' | 'sign_out' | 'test_link';
}

/** Each attempt is ended by what it is for, and by nothing else: no answer of a sign-out signs anybody in. */
const endedBy: Readonly<Record<SignInAttempt['purpose'], Returned['as']>> = {
  sign_in: 'sign_in',
  test: 'sign_in',
  test_link: 'test_link',
  sign_out: 'sign_out',
};

/** The connection that an answer is meant for, without anything being taken; undefined where nothing was begun, or it was long ago. */
export async function findConnectionOfState(reads: ReadStore, state: string): Promise<string | undefined> {
  return (await reads.signInAttempts.findOne(PLATFORM, { stateHash: hashSecret(state) }))?.connectionId;
}

/**
 * Takes the attempt that an answer belongs to, in a transaction of its own and before the answer is looked at: whatever
 * is found of it, there is no second try. Another browser, an answer for another connection, or one of another kind, takes nothing.
 * Throws `sign_in_expired`: there is none, or no longer; `sign_in_elsewhere`: begun by another browser.
 */
export async function takeAttempt(store: Store, requestId: string, returned: Returned): Promise<SignInAttempt> {
  const stateHash = hashSecret(returned.state);
  return store.transaction({ actor: 'system', requestId }, async (tx) => {
    const attempt = await tx.signInAttempts.findOne(PLATFORM, { stateHash });
    const elsewhere = returned.connectionId !== undefined && attempt?.connectionId !== returned.connectionId;
    if (attempt === undefined || elsewhere || attempt.expiresAt <= tx.at) throw expired();
    if (endedBy[attempt.purpose] !== returned.as) throw expired();
    if (attempt.takenAt !== undefined) throw answered();
    if (!isOf(attempt, returned.browser)) {
      throw new AppError('sign_in_elsewhere', 'This sign-in was begun in another browser. Begin again here.');
    }
    const { organizationId, _id, version } = attempt;
    const taking = { $set: { takenAt: tx.at }, $unset: { secrets: true } } as const;
    if (!(await tx.signInAttempts.updateOne(organizationId, { _id, version }, taking))) throw answered();
    return attempt;
  });
}

function isOf({ browserHash }: SignInAttempt, browser: string | undefined): boolean {
  if (browserHash === undefined) return true;
  return browser !== undefined && equalSecrets(browserHash, hashSecret(browser));
}

const expired = () => new AppError('sign_in_expired', 'This sign-in has ended or was never begun here. Begin again.');

/** Its row stays until it would have expired anyway, so that the organization can be told of a second answer. */
const answered = () =>
  new AppError('sign_in_expired', 'This sign-in has had its answer: each counts once. Begin again.');

/**
 * Whether a message of an IdP comes for the first time; it is remembered until `expiresAt`, from when on it is refused as
 * expired anyway. Two at once: the unique index lets one of them pass.
 */
export async function consumeMessage(
  tx: Transaction,
  { organizationId, _id: connectionId }: Connection,
  messageId: string,
  expiresAt: Date,
): Promise<boolean> {
  if (await tx.consumedMessages.findOne(organizationId, { connectionId, messageId })) return false;
  await tx.consumedMessages.insert(organizationId, {
    _id: newId('consumedMessage'),
    organizationId,
    connectionId,
    messageId,
    expiresAt,
  });
  return true;
}
