/**
 * What must be true of a response whose signature is valid (SAML Profiles §4.1.4, docs/sso-threats.md, B). Each check is
 * a function of its own; the first that fails is the refusal, with what was expected and what was found.
 */
import { SignInFault, type SignInFaultCode } from '../protocol.ts';
import type { Assertion, AuthnStatement, Confirmation, Issuer } from './assertion.ts';
import { bearer, nameIdFormats } from './names.ts';
import type { Status } from './status.ts';

/** By so much the IdP's clock may differ from ours. */
export const clockSkewMs = 60_000;
/** Older messages have lain somewhere. */
const maxAgeMs = 30 * 60_000;
/** Longer ids are none. */
const ID_LIMIT = 256;

/** The head of a response: its own attributes, Issuer and Status, signed or not. */
export interface ResponseHead {
  readonly signed: boolean;
  readonly version: string | undefined;
  readonly issueInstant: Date;
  readonly destination: string | undefined;
  readonly inResponseTo: string | undefined;
  readonly issuer: Issuer | undefined;
  readonly status: Status;
}

export interface Expected {
  /** What we are called, and where responses are posted to. */
  readonly provider: { readonly entityId: string; readonly acsUrl: string };
  /** The IdP's entity id. */
  readonly idp: string;
  /** The id of our request; undefined where the IdP began. */
  readonly requestId: string | undefined;
  /** Where the person was to be asked again: not before this. */
  readonly authenticatedAfter: Date | undefined;
  readonly now: Date;
}

interface Subject {
  readonly head: ResponseHead;
  readonly assertion: Assertion;
  readonly expected: Expected;
}

type Check = (subject: Subject) => void;

const fault = (code: SignInFaultCode, detail: string) => new SignInFault(code, detail);
const shown = (value: string | undefined) => (value === undefined ? 'none' : `"${value.slice(0, 300)}"`);
const differs = (what: string, expected: string, found: string | undefined) =>
  `${what}: expected "${expected}", found ${shown(found)}`;

function checkVersion({ head, assertion }: Subject): void {
  for (const [what, version] of [
    ['Response', head.version],
    ['Assertion', assertion.version],
  ] as const) {
    if (version !== '2.0') throw fault('malformed', differs(`Version of the ${what}`, '2.0', version));
  }
}

/** Both issuers are the IdP of this connection; a response that is not signed may do without one. */
function checkIssuers({ head, assertion, expected }: Subject): void {
  for (const [what, issuer] of [
    ['response', head.issuer],
    ['assertion', assertion.issuer],
  ] as const) {
    if (issuer === undefined && !head.signed) continue;
    if (issuer?.value !== expected.idp)
      throw fault('issuer_mismatch', differs(`Issuer of the ${what}`, expected.idp, issuer?.value));
    if (issuer.format !== undefined && issuer.format !== nameIdFormats.entity) {
      throw fault(
        'issuer_mismatch',
        differs(`Format of the Issuer of the ${what}`, nameIdFormats.entity, issuer.format),
      );
    }
  }
}

/** What is signed says where it goes (SAML Bindings §3.5.5.2). */
function checkDestination({ head, expected }: Subject): void {
  if (head.destination === undefined && !head.signed) return;
  if (head.destination === expected.provider.acsUrl) return;
  throw fault('recipient_mismatch', differs('Destination of the response', expected.provider.acsUrl, head.destination));
}

/** What was asked is what is answered; the response's own word is for the message, the signed one follows below. */
function checkRequest({ head, assertion, expected: { requestId } }: Subject): void {
  const named = [head.inResponseTo, ...assertion.confirmations.map(({ inResponseTo }) => inResponseTo)];
  if (requestId === undefined) {
    const other = named.find((id) => id !== undefined);
    if (other === undefined) return;
    throw fault(
      'request_mismatch',
      `The response answers a request (InResponseTo ${shown(other)}) that did not come with it`,
    );
  }
  if (head.inResponseTo === requestId) return;
  throw fault('request_mismatch', differs('InResponseTo of the response', requestId, head.inResponseTo));
}

function checkIssueInstants({ head, assertion, expected: { now } }: Subject): void {
  for (const [what, instant] of [
    ['response', head.issueInstant],
    ['assertion', assertion.issueInstant],
  ] as const) {
    const ahead = instant.getTime() - now.getTime();
    if (ahead > clockSkewMs) throw fault('not_yet_valid', late(`The ${what} was issued in the future`, instant, now));
    if (-ahead > maxAgeMs + clockSkewMs)
      throw fault('expired', late(`The ${what} was issued more than 30 minutes ago`, instant, now));
  }
}

/** One confirmation is ours in everything; several that are ours in part are none. */
function checkConfirmation({ assertion, expected }: Subject): void {
  const [first, ...more] = assertion.confirmations;
  if (first === undefined) throw fault('recipient_mismatch', 'The subject has no SubjectConfirmation');
  const refusals = [first, ...more].map((confirmation) => refuseConfirmation(confirmation, expected));
  if (refusals.every((refusal) => refusal !== undefined) && refusals[0]) throw refusals[0];
}

function refuseConfirmation(
  confirmation: Confirmation,
  { provider, requestId, now }: Expected,
): SignInFault | undefined {
  const { method, recipient, inResponseTo, notBefore, notOnOrAfter } = confirmation;
  if (method !== bearer)
    return fault('recipient_mismatch', differs('Method of the SubjectConfirmation', bearer, method));
  if (recipient !== provider.acsUrl) {
    return fault('recipient_mismatch', differs('Recipient of the SubjectConfirmation', provider.acsUrl, recipient));
  }
  if (inResponseTo !== requestId) {
    return fault(
      'request_mismatch',
      differs('InResponseTo of the SubjectConfirmation', requestId ?? '(none)', inResponseTo),
    );
  }
  if (notOnOrAfter === undefined) return fault('expired', 'The SubjectConfirmation has no NotOnOrAfter');
  return outside('The SubjectConfirmation', { notBefore, notOnOrAfter }, now);
}

function checkConditions({ assertion: { conditions }, expected: { now } }: Subject): void {
  if (conditions === undefined) throw fault('audience_mismatch', 'The assertion has no Conditions');
  const refusal = outside('The assertion', conditions, now);
  if (refusal) throw refusal;
}

/** Exactly our name, in every restriction (SAML Core §2.5.1.4). */
function checkAudience({ assertion: { conditions }, expected: { provider } }: Subject): void {
  const restrictions = conditions?.audiences ?? [];
  const stranger = restrictions.find((audiences) => !audiences.includes(provider.entityId));
  if (restrictions.length > 0 && stranger === undefined) return;
  const found = stranger === undefined || stranger.length === 0 ? undefined : stranger.join('", "');
  throw fault('audience_mismatch', differs('Audience', provider.entityId, found));
}

/** The person has signed in there, not in the future, and the IdP's session goes on. */
function checkStatements({ assertion: { statements }, expected: { now, authenticatedAfter } }: Subject): void {
  const [first] = statements;
  if (first === undefined)
    throw fault('malformed', 'The assertion has no AuthnStatement: it does not say that anybody signed in');
  for (const statement of statements) checkStatement(statement, now);
  if (authenticatedAfter === undefined) return;
  const asked = authenticatedAfter.getTime() - clockSkewMs;
  if (statements.some(({ instant }) => instant.getTime() >= asked)) return;
  throw fault(
    'authentication_too_old',
    late('The person was to sign in anew (ForceAuthn), but the IdP vouches for an earlier sign-in', first.instant, now),
  );
}

function checkStatement({ instant, sessionNotOnOrAfter }: AuthnStatement, now: Date): void {
  if (instant.getTime() - now.getTime() > clockSkewMs) {
    throw fault('not_yet_valid', late('AuthnInstant is in the future', instant, now));
  }
  if (sessionNotOnOrAfter && sessionNotOnOrAfter.getTime() + clockSkewMs <= now.getTime()) {
    throw fault('expired', late("The IdP's session has ended (SessionNotOnOrAfter)", sessionNotOnOrAfter, now));
  }
}

function checkId({ assertion: { id } }: Subject): void {
  if (id.length < 1 || id.length > ID_LIMIT)
    throw fault('malformed', `The ID of the assertion has ${id.length} characters`);
}

function outside(
  what: string,
  { notBefore, notOnOrAfter }: { readonly notBefore: Date | undefined; readonly notOnOrAfter: Date | undefined },
  now: Date,
): SignInFault | undefined {
  if (notBefore && now.getTime() + clockSkewMs < notBefore.getTime()) {
    return fault('not_yet_valid', late(`${what} is not valid before`, notBefore, now));
  }
  if (notOnOrAfter && now.getTime() - clockSkewMs >= notOnOrAfter.getTime()) {
    return fault('expired', late(`${what} has expired`, notOnOrAfter, now));
  }
  return undefined;
}

/** An instant of the message beside ours. */
function late(what: string, instant: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - instant.getTime()) / 1000);
  const side = seconds >= 0 ? `${seconds} seconds ago` : `${-seconds} seconds ahead`;
  return `${what}: ${instant.toISOString()}, by our clock ${side} (it is ${now.toISOString()} here; ${clockSkewMs / 1000} seconds are tolerated)`;
}

const checks: readonly Check[] = [
  checkVersion,
  checkId,
  checkIssuers,
  checkDestination,
  checkAudience,
  checkRequest,
  checkIssueInstants,
  checkConfirmation,
  checkConditions,
  checkStatements,
];

/** Throws SignInFault for the first check that fails. */
export function checkResponse(head: ResponseHead, assertion: Assertion, expected: Expected): void {
  for (const check of checks) check({ head, assertion, expected });
}

/** When the assertion has expired by itself, whatever is tolerated: until then its id is remembered. */
export function expiryOf({ confirmations, conditions, issueInstant }: Assertion): Date {
  const ends = [...confirmations.map(({ notOnOrAfter }) => notOnOrAfter), conditions?.notOnOrAfter];
  const last = Math.max(issueInstant.getTime() + maxAgeMs, ...ends.map((end) => end?.getTime() ?? 0));
  return new Date(Math.min(last, issueInstant.getTime() + 24 * 60 * 60_000) + 2 * clockSkewMs);
}
