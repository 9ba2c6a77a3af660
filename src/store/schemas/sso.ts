import { Schema } from 'mongoose';
import { organizationCollection } from '../define.ts';

/**
 * One way to sign in through an organization's IdP (SSO-1). Who the IdP is stands in `saml` or `oidc`, in the shape that
 * sso/ parses and checks; secrets in it are sealed. `directoryId`: only this directory's people may come in, and nobody
 * is made at sign-in (SSO-4); else `jit` says whether somebody may be.
 */
export const connections = organizationCollection('connections', {
  name: { type: String, required: true },
  protocol: { type: String, enum: ['saml', 'oidc'], required: true },
  status: { type: String, enum: ['draft', 'tested', 'active', 'disabled'], required: true },
  preset: { type: String, required: true },
  /** Which claim says what: names of ours → names of the IdP's. */
  claims: { type: Schema.Types.Mixed, required: true },
  saml: { type: Schema.Types.Mixed },
  oidc: { type: Schema.Types.Mixed },
  jit: { type: Boolean, required: true },
  directoryId: { type: String },
  idpInitiated: { type: Boolean, required: true },
});
connections.schema.index({ organizationId: 1, status: 1 });

/**
 * Who an IdP's subject is here (SSO-6): by connection and subject, never by email alone. One that is `waiting` is a
 * question for the adoption queue, with its reason; it signs nobody in.
 */
export const identities = organizationCollection('identities', {
  connectionId: { type: String, required: true },
  subject: { type: String, required: true },
  accountId: { type: String, required: true },
  link: { type: String, enum: ['linked', 'waiting'], required: true },
  reason: { type: String, enum: ['other_subject', 'unverified_domain'] },
  email: { type: String },
  displayName: { type: String },
  lastSignInAt: { type: Date },
});
identities.schema.index({ connectionId: 1, subject: 1 }, { unique: true });
identities.schema.index({ organizationId: 1, accountId: 1 });

/**
 * A sign-in that has begun and may be ended once, by the browser that began it: `stateHash` is of what the IdP returns,
 * `browserHash` of the cookie. `secrets` (nonce, PKCE verifier) is sealed. Rows end with `expiresAt`.
 */
export const signInAttempts = organizationCollection('signInAttempts', {
  connectionId: { type: String, required: true },
  purpose: { type: String, enum: ['sign_in', 'test', 'sign_out'], required: true },
  stateHash: { type: String, required: true },
  browserHash: { type: String },
  /** The id of the request to the IdP, where it has one (SAML's InResponseTo). */
  requestId: { type: String },
  secrets: { type: String },
  returnTo: { type: String },
  /** The session that a person who is signed in already will add this proof to. */
  sessionId: { type: String },
  expiresAt: { type: Date, required: true },
});
signInAttempts.schema.index({ stateHash: 1 }, { unique: true });
signInAttempts.schema.index({ expiresAt: 1 });

/** Messages of an IdP that count once: ids of assertions and of log-out tokens, until they have expired by themselves. */
export const consumedMessages = organizationCollection('consumedMessages', {
  connectionId: { type: String, required: true },
  messageId: { type: String, required: true },
  expiresAt: { type: Date, required: true },
});
consumedMessages.schema.index({ connectionId: 1, messageId: 1 }, { unique: true });
consumedMessages.schema.index({ expiresAt: 1 });
