/** What openid-client and jose find wrong with an IdP's answer, told to an admin: what was expected, and what came. */
import { errors } from 'jose';
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { AppError } from '../../errors.ts';
import { cut } from '../../lib/text.ts';
import { SignInFault, type SignInFaultCode } from '../protocol.ts';
import { describeClaims } from './received.ts';

const TEXT_LIMIT = 300;

/** Somebody else's text, short and readable: for records, never for pages. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  const readable = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
  return readable.length > TEXT_LIMIT ? `"${cut(readable, TEXT_LIMIT)}…"` : `"${readable}"`;
}

const faultOfClaim: Readonly<Record<string, SignInFaultCode>> = {
  iss: 'issuer_mismatch',
  aud: 'audience_mismatch',
  azp: 'audience_mismatch',
  exp: 'expired',
  nbf: 'not_yet_valid',
  nonce: 'request_mismatch',
  sub: 'subject_invalid',
};

/**
 * Any error of the libraries, or of the guarded client below them, as a SignInFault. `what` is what was read, `where` who was asked.
 * The error itself is not kept: it holds codes and tokens.
 */
export function faultOf(error: unknown, what: string, where: string = what): SignInFault {
  if (error instanceof SignInFault) return error;
  if (error instanceof AppError) return ofOutgoing(error, where);
  if (error instanceof AuthorizationResponseError) {
    return new SignInFault('idp_refused', `The IdP answers ${said(error.error, error.error_description)}`);
  }
  if (error instanceof ResponseBodyError) {
    const found = said(error.error, error.error_description);
    return new SignInFault('idp_refused', `${where}: it answers ${error.status} with ${found}`);
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    return new SignInFault('idp_refused', `${where}: it answers ${error.status} and asks for other credentials`);
  }
  if (error instanceof errors.JOSEError) return ofJose(error, what);
  if (error instanceof ClientError) return ofClient(error, what, where);
  return new SignInFault('idp_unreachable', `${where}: no answer`);
}

/** What the guarded client below openid-client has thrown, where it is that; whoever gives an address is told it as it is. */
export function outgoingIn(error: unknown): AppError | undefined {
  const { cause } = error instanceof ClientError ? error : { cause: error };
  return cause instanceof AppError ? cause : undefined;
}

const said = (error: string | undefined, description: string | undefined): string =>
  description === undefined ? quote(error) : `${quote(error)}: ${quote(description)}`;

function ofOutgoing(error: AppError, what: string): SignInFault {
  const code: string = error.code;
  return new SignInFault(code === 'remote_too_large' ? 'too_large' : 'idp_unreachable', `${what}: ${error.message}`);
}

function ofJose(error: errors.JOSEError, what: string): SignInFault {
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return new SignInFault('algorithm_refused', `${what}: its algorithm is not one that is accepted`);
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return new SignInFault(
      'signature_invalid',
      `${what}: none of the keys at the IdP's jwks_uri is the one that it names`,
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new SignInFault('signature_invalid', `${what}: its signature is not by a key of the IdP`);
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return new SignInFault('malformed', `${what}: it is no signed token`);
  }
  return new SignInFault('idp_unreachable', `The IdP's keys: ${error.message}`);
}

/** What openid-client tells of a comparison: deep in the causes, and different for each. */
interface Found {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly claim?: string;
  readonly expected?: unknown;
  readonly header?: { readonly alg?: unknown };
  readonly reason?: string;
  readonly parameters?: unknown;
  readonly attribute?: string;
}

function ofClient(error: ClientError, what: string, where: string): SignInFault {
  const { cause } = error;
  if (cause instanceof AppError) return ofOutgoing(cause, where);
  if (cause instanceof SignInFault) return cause;
  if (error.code === 'OAUTH_TIMEOUT') return new SignInFault('idp_unreachable', `${where}: no answer in time`);
  if (cause instanceof Response) {
    return new SignInFault('idp_unreachable', `${where}: it answers ${cause.status}, not as it should`);
  }
  if (error.code === undefined) return new SignInFault('idp_unreachable', `${where}: no answer`);
  const told = cause instanceof Error ? cause.message : error.message;
  const found = (cause instanceof Error && typeof cause.cause === 'object' ? (cause.cause ?? {}) : {}) as Found;
  const received = found.claims && { idToken: describeClaims(found.claims) };
  if (found.claim !== undefined && found.claims !== undefined) return ofClaim(found.claim, found, what);
  if (found.header !== undefined && found.reason !== undefined) {
    const detail = `${what}: it is signed with ${quote(found.header.alg)}, expected one of ${quote(found.expected)}`;
    return new SignInFault('algorithm_refused', detail);
  }
  if (found.parameters !== undefined) {
    const about = told.includes('"iss"')
      ? 'issuer_mismatch'
      : told.includes('"state"')
        ? 'request_mismatch'
        : 'malformed';
    return new SignInFault(about, `The answer: ${told}`);
  }
  if (found.attribute === 'sub') return new SignInFault('subject_invalid', `${what}: it is about somebody else`);
  return new SignInFault(found.claims ? 'claims_refused' : 'malformed', `${what}: ${told}`, { received });
}

function ofClaim(claim: string, { claims = {}, expected }: Found, what: string): SignInFault {
  const received = { idToken: describeClaims(claims) };
  const wanted = claim === 'nonce' || expected === undefined ? '' : `, expected ${quote(expected)}`;
  const detail = `${what}: its ${claim} is ${quote(claims[claim])}${wanted}`;
  return new SignInFault(faultOfClaim[claim] ?? 'claims_refused', detail, { received });
}
