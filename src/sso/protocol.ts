/** What SAML and OpenID Connect have in common: how a sign-in leaves for the IdP, what comes back, how it is refused. */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import type { Sealer } from '../lib/secrets.ts';
import type { Connection, JsonObject, SignInAttempt, Store } from '../store/index.ts';
import type { Identity } from './identity.ts';

/** What sign-in works with. */
export interface SsoDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The configured one: no address of ours is ever taken from a request's headers. */
  readonly baseUrl: string;
  readonly outgoing: Outgoing;
}

/** What the browser does next, to come to the IdP. */
export type Departure =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'post'; readonly url: string; readonly fields: Readonly<Record<string, string>> };

/** A sign-in that leaves for the IdP. */
export interface BeginInput {
  /** What the IdP hands back: RelayState or `state`. */
  readonly state: string;
  /** The IdP is to ask the person again, whatever session it has with them. */
  readonly forceAuthn: boolean;
  /** The address that the person typed, where they did. */
  readonly loginHint?: string | undefined;
}

/** The way there, and what the attempt must remember for the answer: our request's id (SAML), sealed secrets (OIDC). */
export interface Begun {
  readonly departure: Departure;
  readonly requestId?: string;
  readonly secrets?: string;
}

/** An IdP's answer that has passed every check. */
export interface Verified {
  readonly identity: Identity;
  /** Ids that count once on this connection: assertions, tokens. Each is remembered until it has expired by itself. */
  readonly once: readonly { readonly id: string; readonly expiresAt: Date }[];
}

/** The SAML response of a POST to our assertion consumer service. */
export interface SamlAnswer {
  /** The request that it answers; absent where the IdP began (SSO-2). */
  readonly attempt: SignInAttempt | undefined;
  /** The form field `SAMLResponse` as it came. */
  readonly response: string;
}

/** The redirect back from an OpenID provider. */
export interface OidcAnswer {
  readonly attempt: SignInAttempt;
  readonly state: string;
  /** The callback address of ours that it came to, as configured, with the query that came. */
  readonly url: URL;
}

/**
 * Why an IdP's answer is refused. The page shows none of it, only a reference; an admin finds the code and the detail in the
 * record of the sign-in.
 */
export const signInFaults = [
  /** No answer of the protocol at all, or one that no honest IdP sends. */
  'malformed',
  'too_large',
  /** The IdP says that it did not sign anybody in. */
  'idp_refused',
  'unsigned',
  'signature_invalid',
  'algorithm_refused',
  'decryption_failed',
  'issuer_mismatch',
  'audience_mismatch',
  'recipient_mismatch',
  'expired',
  'not_yet_valid',
  'request_mismatch',
  'replayed',
  'unsolicited',
  'subject_invalid',
  'authentication_too_old',
  'claims_refused',
  /** The connection is a draft, disabled, or gone. */
  'connection_not_active',
  /** The IdP's own endpoints do not answer as they should. */
  'idp_unreachable',
] as const;
export type SignInFaultCode = (typeof signInFaults)[number];

/** An answer of an IdP that is refused. `detail` and `received` are for the admin's record: never for the page, never a secret. */
export class SignInFault extends Error {
  readonly code: SignInFaultCode;
  readonly received: JsonObject | undefined;

  constructor(
    code: SignInFaultCode,
    detail: string,
    { received, cause }: { readonly received?: JsonObject | undefined; readonly cause?: unknown } = {},
  ) {
    super(detail, cause === undefined ? undefined : { cause });
    this.name = 'SignInFault';
    this.code = code;
    this.received = received;
  }
}

/** A protocol, as the flow of a sign-in uses it. `verify` throws SignInFault. */
export interface Protocol<Answer> {
  begin(deps: SsoDeps, connection: Connection, input: BeginInput): Promise<Begun>;
  verify(deps: SsoDeps, connection: Connection, answer: Answer): Promise<Verified>;
}
