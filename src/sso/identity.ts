/**
 * The one shape that SAML and OIDC hand over: who an IdP says that somebody is. Everything in it has been verified as the
 * IdP's own word; what it is worth here is for jit.ts to decide.
 */
import type { JsonObject } from '../store/index.ts';

/** The groups that a sign-in names. Absent or cut short is never "none" (SSO-8). */
export type ClaimedGroups =
  | { readonly kind: 'unknown'; readonly why: 'absent' | 'overage' }
  | { readonly kind: 'known'; readonly names: readonly string[] };

/** A NameID with all that makes it one person's: what a LogoutRequest has to repeat (SAML Core §2.2.3). */
export interface NameIdFacts {
  readonly value: string;
  readonly format?: string;
  readonly nameQualifier?: string;
  readonly spNameQualifier?: string;
}

export interface Identity {
  /** The IdP's stable name for the person: NameID, `sub`, or the configured subject attribute (SSO-6). */
  readonly subject: string;
  /** As claimed. `vouched`: the IdP says that it has verified it (`email_verified` true; SAML assertions always do). */
  readonly email?: { readonly address: string; readonly vouched: boolean };
  /** What a directory may know the person by: its immutable id and userName (SSO-4). */
  readonly immutableId?: string;
  readonly userName?: string;
  readonly displayName?: string;
  readonly givenName?: string;
  readonly familyName?: string;
  readonly groups: ClaimedGroups;
  /** The IdP's session, for log-outs: its names there, and until when it lets ours last. */
  readonly idpSession?: {
    /** `SessionIndex` or `sid`. */
    readonly index?: string;
    readonly notOnOrAfter?: Date;
    /** The IdP's own name for the person, where the subject need not be it (SSO-6): a NameID, or the `sub` of who is called by another claim. */
    readonly nameId?: NameIdFacts;
    /** OpenID Connect's hint for a log-out: the ID token itself. A token: never shown, kept sealed only. */
    readonly idToken?: string;
  };
  /** What was received, for diagnosis; no secrets. */
  readonly received: JsonObject;
}
