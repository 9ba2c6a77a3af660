/** The flow of a sign-in, whatever the protocol: leave for the IdP, come back once, become a session. */
import { noteIdpSession, openSession, refuseClosed, stepUpSession } from '../access/index.ts';
import { originOf } from '../lib/origin.ts';
import {
  type Connection,
  DuplicateKeyError,
  type Session,
  type SignInAttempt,
  type Transaction,
} from '../store/index.ts';
import { beginAttempt, consumeMessage, newState } from './attempts.ts';
import type { Question } from './confirmations.ts';
import { markTested } from './connections.ts';
import { loadSignInFacts } from './facts.ts';
import { decideSignIn } from './jit.ts';
import { type BeginInput, type Departure, SignInFault, type SsoDeps, type Verified } from './protocol.ts';
import { protocols } from './protocols.ts';
import { keepRecord } from './records.ts';
import { type Settled, settleSignIn } from './settle.ts';

/** A browser, as far as a sign-in knows it. */
export interface Browser {
  /** Its flow cookie: attempts are bound to it. */
  readonly flow: string;
  readonly userAgent?: string | undefined;
  readonly address?: string | undefined;
}

export interface NewSignIn extends Pick<BeginInput, 'forceAuthn' | 'loginHint'> {
  readonly purpose: 'sign_in' | 'test';
  /** Checked already. */
  readonly returnTo?: string | undefined;
  /** The session that the proof will be added to. */
  readonly sessionId?: string | undefined;
}

/** Begins a sign-in through this connection, bound to this browser. Throws SignInFault where the IdP cannot be asked. */
export async function leaveForIdp(
  deps: SsoDeps,
  requestId: string,
  connection: Connection,
  browser: Browser,
  { purpose, forceAuthn, loginHint, returnTo, sessionId }: NewSignIn,
): Promise<Departure> {
  const state = newState();
  const protocol = protocols[connection.protocol];
  const { departure, ...kept } = await protocol.begin(deps, connection, { state, forceAuthn, loginHint });
  await deps.store.transaction({ actor: 'system', requestId }, (tx) =>
    beginAttempt(tx, connection, {
      state,
      purpose,
      browser: browser.flow,
      returnTo,
      sessionId,
      forced: forceAuthn,
      ...kept,
    }),
  );
  return departure;
}

/** What the browser is told at the end of a sign-in. */
export type Finished =
  | {
      readonly kind: 'signed_in';
      readonly session: Session;
      readonly token: string;
      readonly returnTo?: string | undefined;
    }
  | {
      readonly kind: 'tested';
      readonly reference: string;
      readonly detail: string;
      readonly received: Verified['identity']['received'];
    }
  | {
      readonly kind: 'refused';
      readonly reference: string;
      readonly reason: Exclude<Settled, { kind: 'signed_in' }>['reason'];
      /** What the person may confirm from their mailbox. */
      readonly question?: Question;
    };

/**
 * Turns a verified answer into a session, in one transaction: its messages are used up, account, membership and roles
 * written, the record kept (SSO-4, SSO-8). A test only looks at what would be. Throws SignInFault `replayed`.
 */
export async function finishSignIn(
  deps: SsoDeps,
  requestId: string,
  connection: Connection,
  attempt: SignInAttempt | undefined,
  browser: Browser,
  verified: Verified,
): Promise<Finished> {
  const work = async (tx: Transaction): Promise<Finished> => {
    for (const { id, expiresAt } of verified.once) {
      if (!(await consumeMessage(tx, connection, id, expiresAt))) throw replayed(verified);
    }
    const live = await tx.connections.get(connection.organizationId, connection._id);
    if (live === undefined) throw notActive('The connection was deleted meanwhile');
    await refuseClosed(tx, connection.organizationId);
    if (attempt?.purpose === 'test') return test(tx, live, verified);
    if (live.status !== 'active') throw notActive(`The connection is ${live.status}: nobody is signed in through it`);
    return settle(deps, tx, live, attempt, browser, verified);
  };
  const { address, userAgent } = browser;
  const from = originOf({ ip: address, headers: { 'user-agent': userAgent } });
  const cause = { actor: `idp:${connection._id}`, requestId, from };
  return deps.store.transaction(cause, work).catch((error: unknown) => {
    // Two answers with one message at the same time: the unique index has let the other one pass.
    throw error instanceof DuplicateKeyError && error.collection === 'consumedMessages' ? replayed(verified) : error;
  });
}

const notActive = (detail: string) => new SignInFault('connection_not_active', detail);

const replayed = ({ identity }: Verified) =>
  new SignInFault('replayed', 'This answer has been used already: each counts once', { received: identity.received });

async function settle(
  { sealer }: Pick<SsoDeps, 'sealer'>,
  tx: Transaction,
  connection: Connection,
  attempt: SignInAttempt | undefined,
  browser: Browser,
  { identity }: Verified,
): Promise<Finished> {
  const settled = await settleSignIn(tx, connection, identity);
  const { subject, received, idpSession } = identity;
  if (settled.kind !== 'signed_in') {
    const reference = await keepRecord(tx, connection, {
      purpose: 'sign_in',
      outcome: settled.kind,
      code: settled.reason,
      detail: refusalInWords[settled.reason],
      subject,
      received,
    });
    return {
      kind: 'refused',
      reference,
      reason: settled.reason,
      ...(settled.question && { question: settled.question }),
    };
  }
  const { accountId } = settled;
  const { organizationId, _id: connectionId } = connection;
  const index = idpSession?.index;
  const proof = {
    kind: 'connection',
    at: tx.at,
    organizationId,
    connectionId,
    subject,
    ...(index !== undefined && { index }),
    ...(attempt?.forced && { forced: true as const }),
  } as const;
  const { userAgent, address } = browser;
  const notAfter = idpSession?.notOnOrAfter;
  const { session, token } =
    (attempt?.sessionId !== undefined &&
      (await stepUpSession(tx, attempt.sessionId, accountId, proof, { notAfter }))) ||
    (await openSession(tx, { accountId, proofs: [proof], userAgent, address, notAfter }));
  const { nameId, idToken } = idpSession ?? {};
  if (index !== undefined || nameId || idToken !== undefined) {
    const hint = idToken === undefined ? undefined : sealer.seal(idToken);
    await noteIdpSession(tx, connection, { index, nameId, idToken: hint }, session);
  }
  const detail = 'Signed in';
  await keepRecord(tx, connection, {
    purpose: 'sign_in',
    outcome: 'signed_in',
    code: 'signed_in',
    detail,
    subject,
    accountId,
  });
  return { kind: 'signed_in', session, token, returnTo: attempt?.returnTo };
}

/** Decides without writing what a sign-in would; the connection has shown that it works (SSO-1). */
async function test(tx: Transaction, connection: Connection, { identity }: Verified): Promise<Finished> {
  const decision = decideSignIn(await loadSignInFacts(tx, connection, identity));
  const words = {
    enter: 'The person would be signed in to the account that they have',
    link: 'The person would be signed in: the account with their proven address would be linked',
    create: 'The person would be signed in: an account and a membership would be made',
    queue: 'The person would wait for an Admin to confirm who they are',
    refuse: 'The person would be refused',
  } as const;
  const reason = 'reason' in decision ? decision.reason : undefined;
  const detail = reason === undefined ? words[decision.kind] : `${words[decision.kind]}: ${refusalInWords[reason]}`;
  const reference = await keepRecord(tx, connection, {
    purpose: 'test',
    outcome: reason === undefined ? 'would_sign_in' : decision.kind === 'queue' ? 'waiting' : 'refused',
    code: reason ?? decision.kind,
    detail,
    subject: identity.subject,
    ...('accountId' in decision && { accountId: decision.accountId }),
    received: identity.received,
  });
  await markTested(tx, connection);
  return { kind: 'tested', reference, detail, received: identity.received };
}

/** Each refusal in words for the admin; the page has its own, which tell less. */
export const refusalInWords = {
  not_in_directory:
    "The connection's directory does not know this person: neither by immutable id, nor userName, nor address",
  deactivated_in_directory: "The connection's directory says that this person is not active",
  waiting_for_adoption: 'The person waits in the adoption queue: they have to confirm, or the domain to be verified',
  member_suspended: 'The membership is suspended',
  blocked: 'The person was removed with a block: unblock them first',
  domain_not_verified:
    'The domain by whose word the person was linked is no longer verified: verify it again, or let the person confirm from their mailbox by unlinking the identity',
  not_provisioned: 'Nobody is known by this identity, and the connection makes nobody at sign-in',
  other_subject: 'The account with this address is another subject of this connection already: an Admin has to decide',
  unverified_domain: 'The address belongs to an account, but lies outside the verified domains of the organization',
  address_not_vouched:
    'The address belongs to an account, but the IdP does not say that it has verified it (email_verified; with Entra the optional claim xms_edov)',
} as const satisfies Record<Exclude<Settled, { kind: 'signed_in' }>['reason'], string>;
