import { Schema } from 'mongoose';
import { organizationCollection, platformCollection } from '../define.ts';

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
  oidc: { type: Schema.Types.Mixed, sealed: ['clientSecret'] },
  jit: { type: Boolean, required: true },
  directoryId: { type: String },
  idpInitiated: { type: Boolean, required: true },
  /** When a test sign-in last succeeded with these settings of the IdP. */
  testedAt: { type: Date },
  /** How the last reading of the metadata's address ended; `fault` is absent where it went well. */
  metadata: {
    type: {
      readAt: { type: Date, required: true },
      fault: { type: String },
      faultSince: { type: Date },
    },
    _id: false,
  },
});
connections.schema.index({ organizationId: 1, status: 1 });
connections.schema.index({ 'oidc.issuer': 1 });

/** Keys of ours towards an IdP: several at once while one replaces the other. The private key is sealed. */
export const connectionKeys = organizationCollection('connectionKeys', {
  connectionId: { type: String, required: true },
  state: { type: String, enum: ['next', 'current', 'former'], required: true },
  certificate: { type: String, required: true },
  privateKey: { type: String, required: true, sealed: true },
  expiresAt: { type: Date, required: true },
});
connectionKeys.schema.index({ organizationId: 1, connectionId: 1 });
connectionKeys.schema.index({ organizationId: 1 }, { partialFilterExpression: { state: 'current' } });

/**
 * Who an IdP's subject is here (SSO-6): by connection and subject, never by email alone. One that is `waiting` is a
 * question for the adoption queue, with its reason; it signs nobody in.
 */
export const identities = organizationCollection('identities', {
  connectionId: { type: String, required: true },
  subject: { type: String, required: true },
  accountId: { type: String, required: true },
  link: { type: String, enum: ['linked', 'waiting'], required: true },
  reason: { type: String, enum: ['other_subject', 'unverified_domain', 'address_not_vouched'] },
  email: { type: String },
  displayName: { type: String },
  /** The verified domain by whose word it is this account; while that is not verified, it lets nobody in (SSO-3). */
  domain: { type: String },
  /** The person has said so from their own mailbox: no domain is needed. */
  confirmed: { type: Boolean },
  lastSignInAt: { type: Date },
});
identities.schema.index({ connectionId: 1, subject: 1 }, { unique: true });
identities.schema.index({ organizationId: 1, accountId: 1 });

/**
 * A sign-in that has begun and may be ended once, by the browser that began it: `stateHash` is of what the IdP returns,
 * `browserHash` of the cookie. `secrets` (nonce, PKCE verifier) is sealed, and goes when the attempt is taken. Rows end with `expiresAt`.
 */
export const signInAttempts = organizationCollection('signInAttempts', {
  connectionId: { type: String, required: true },
  /** `test_link`: not yet begun by any browser; an admin has asked for it (SSO-1). */
  purpose: { type: String, enum: ['sign_in', 'test', 'test_link', 'sign_out'], required: true },
  stateHash: { type: String, required: true },
  browserHash: { type: String },
  /** The id of the request to the IdP, where it has one (SAML's InResponseTo). */
  requestId: { type: String },
  secrets: { type: String, sealed: true },
  returnTo: { type: String },
  /** The session that a person who is signed in already will add this proof to. */
  sessionId: { type: String },
  /** The IdP was told to ask the person again. */
  forced: { type: Boolean },
  /** An answer has come, good or not: whatever comes after it is told of, and ends nothing. */
  takenAt: { type: Date },
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

/** What became of a sign-in, for the admin who is asked about it: `reference` is what the person's page shows. */
export const signInRecords = organizationCollection('signInRecords', {
  connectionId: { type: String, required: true },
  reference: { type: String, required: true },
  purpose: { type: String, enum: ['sign_in', 'test', 'sign_out'], required: true },
  outcome: { type: String, enum: ['signed_in', 'would_sign_in', 'refused', 'waiting'], required: true },
  code: { type: String, required: true },
  detail: { type: String, required: true },
  subject: { type: String },
  accountId: { type: String },
  from: { type: { address: { type: String }, userAgent: { type: String } }, _id: false },
  /** What the IdP sent, without secrets, and what was found of it: signatures, certificate, clock. */
  received: { type: Schema.Types.Mixed },
});
signInRecords.schema.index({ reference: 1 }, { unique: true });
signInRecords.schema.index({ organizationId: 1, connectionId: 1, _id: 1 });
signInRecords.schema.index({ organizationId: 1, _id: 1 });
signInRecords.schema.index({ accountId: 1, _id: 1 });
signInRecords.schema.index({ createdAt: 1 });

/**
 * Links that were mailed: single use, short-lived, hashed (MEM-2, OWN-5, ACC-4). `emailKey` is the mailbox that the link
 * proves; `accountId` is absent where nobody has it proven yet.
 */
export const mailedLinks = platformCollection('mailedLinks', {
  purpose: { type: String, enum: ['sign_in', 'register', 'prove_email', 'confirm'], required: true },
  email: { type: String, required: true },
  emailKey: { type: String, required: true },
  accountId: { type: String },
  /** To confirm: the organization that asks, and whom it asks about. */
  askedIn: { type: String },
  about: { type: String, enum: ['identity', 'directory_user'] },
  aboutId: { type: String },
  tokenHash: { type: String, required: true },
  browserHash: { type: String },
  returnTo: { type: String },
  expiresAt: { type: Date, required: true },
  usedAt: { type: Date },
});
mailedLinks.schema.index({ tokenHash: 1 }, { unique: true });
mailedLinks.schema.index({ emailKey: 1, purpose: 1 });
mailedLinks.schema.index({ expiresAt: 1 });

/**
 * The IdP's session behind a session of ours, as the IdP names it (`sid`, SessionIndex) and the person in it (`nameId`): by these the IdP
 * may end ours, and we may ask it to end its own. `idToken` is the sealed hint that an OpenID provider wants then. Rows end with the session.
 */
export const idpSessions = organizationCollection('idpSessions', {
  connectionId: { type: String, required: true },
  index: { type: String },
  nameId: {
    type: {
      value: { type: String, required: true },
      format: { type: String },
      nameQualifier: { type: String },
      spNameQualifier: { type: String },
    },
    _id: false,
  },
  idToken: { type: String, sealed: true },
  sessionId: { type: String, required: true },
  accountId: { type: String, required: true },
  expiresAt: { type: Date, required: true },
});
idpSessions.schema.index({ connectionId: 1, index: 1 });
idpSessions.schema.index({ connectionId: 1, 'nameId.value': 1 });
idpSessions.schema.index({ sessionId: 1 });
idpSessions.schema.index({ expiresAt: 1 });
