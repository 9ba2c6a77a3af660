/** Who asks: the operator, a session by header or cookie, the operator in somebody's place, or a service of the platform. */
import type { IncomingHttpHeaders } from 'node:http';
import {
  authenticatedAt,
  authenticateService,
  confirmService,
  findAccount,
  findLiveSession,
  findSession,
  mailboxProvenAt,
  type Presence,
  proofsOf,
  servicePrefix,
} from '../access/index.ts';
import { AppError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { readSessionCookie } from '../sso/index.ts';
import type { Cause, ReadStore, Transaction } from '../store/index.ts';
import { refuseForgery } from './csrf.ts';
import type { Principal } from './route.ts';

/** What authentication works with. */
export interface Authentication {
  readonly reads: ReadStore;
  readonly isOperatorToken: (token: string) => boolean;
  readonly clock: Clock;
  readonly baseUrl: string;
}

/**
 * Answers who sent a request with these headers. An Authorization header decides alone; without one, a browser's session
 * cookie does, and where the request is not `safe` only from our own pages.
 * Throws AppError: authentication_required (no token), token_invalid (none that is known, or no longer), token_expired and
 * token_revoked (of service credentials), csrf_refused, act_as_refused (Gatehouse-Act-As without the operator's token, or
 * naming nobody).
 */
export async function authenticate(
  headers: IncomingHttpHeaders,
  safe: boolean,
  { reads, isOperatorToken, clock, baseUrl }: Authentication,
): Promise<Principal> {
  const cookie = headers.authorization ? undefined : readSessionCookie(headers, baseUrl);
  const token = cookie ?? bearerToken(headers.authorization);
  const actAs = headers['gatehouse-act-as'];
  if (cookie === undefined && isOperatorToken(token)) {
    return actAs === undefined ? { kind: 'operator' } : actingAs(String(actAs), reads);
  }
  if (cookie === undefined && token.startsWith(servicePrefix)) {
    const { _id: id, scopes } = await authenticateService(reads, token, clock.now());
    if (actAs !== undefined) throw actAsRefused();
    return { kind: 'service', id, scopes };
  }
  const session = await findLiveSession(reads, token, clock.now());
  if (!session) throw tokenInvalid();
  if (cookie !== undefined && !safe) refuseForgery(headers, baseUrl);
  if (actAs !== undefined) throw actAsRefused();
  return { kind: 'account', accountId: session.accountId, session, operator: false };
}

/**
 * The principal as it stands in this transaction: what it came by may have ended since the request did, as its rights may have
 * (SSO-7, OPS-4). Throws AppError: token_invalid, token_revoked, token_expired.
 */
export async function confirmPrincipal(principal: Principal, tx: Transaction): Promise<Principal> {
  if (principal.kind === 'service') {
    await confirmService(tx, principal.id, tx.at);
    return principal;
  }
  if (principal.kind === 'operator' || !principal.session) return principal;
  const session = await findSession(tx, principal.session._id, tx.at);
  if (!session) throw tokenInvalid();
  return { ...principal, session };
}

const tokenInvalid = () =>
  new AppError('token_invalid', 'The bearer token or session is not known or no longer valid.');
const actAsRefused = () => new AppError('act_as_refused', 'Gatehouse-Act-As goes with the operator token only.');

function bearerToken(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw new AppError('authentication_required', 'Send an Authorization header with a bearer token.');
  }
  const token = /^bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
  if (token === undefined) throw new AppError('token_invalid', 'The Authorization header holds no bearer token.');
  return token;
}

async function actingAs(idOrEmail: string, reads: ReadStore): Promise<Principal> {
  const account = await findAccount(reads, idOrEmail.trim());
  if (!account) {
    throw new AppError('act_as_refused', 'Gatehouse-Act-As names no account, neither by id nor by a proven email.');
  }
  return { kind: 'account', accountId: account._id, operator: true };
}

/** Who stands in audit events for what this principal changes; a session that the operator made speaks for both, for nobody the system. */
export function causeOf(principal: Principal, requestId: string): Cause {
  if (principal.kind === 'operator') return { actor: 'operator', requestId };
  if (principal.kind === 'service') return { actor: `service:${principal.id}`, requestId };
  if (principal.accountId === '') return { actor: 'system', requestId };
  if (principal.operator || principal.session?.madeBy === 'operator')
    return { actor: 'operator', onBehalfOf: principal.accountId, requestId };
  return { actor: `account:${principal.accountId}`, requestId };
}

/**
 * How the principal is present, for what only a person's own sign-in may do in this organization (OWN-4, KEY-3). Another
 * organization's IdP says nothing of it. Throws AppError scope_insufficient: a service is never there as somebody.
 */
export function presenceOf(principal: Principal, organizationId: string): Presence {
  if (principal.kind === 'operator') return { kind: 'operator' };
  if (principal.kind === 'service') throw new AppError('scope_insufficient', 'A service credential is no person.');
  const { accountId, session } = principal;
  if (!session) return { kind: 'act_as', accountId };
  const proofs = proofsOf(session);
  const at = authenticatedAt(proofs, organizationId);
  const mailboxAt = mailboxProvenAt(proofs);
  return {
    kind: 'session',
    accountId,
    madeBy: session.madeBy,
    ...(at && { authenticatedAt: at }),
    ...(mailboxAt && { mailboxAt }),
  };
}
