import { Schema } from 'mongoose';
import { platformCollection } from '../define.ts';

/** One person on the platform (ACC-1). */
export const accounts = platformCollection('accounts', {
  name: { type: String },
  /** By a mailed link; what IdPs have seen stands on their identities. */
  lastLinkSignInAt: { type: Date },
  /** Nobody's any more: the row stays for what the person made, and for the audit. */
  deletedAt: { type: Date },
});

/** The addresses of accounts (ACC-2): unique among proven ones only. */
export const accountEmails = platformCollection('accountEmails', {
  accountId: { type: String, required: true },
  email: { type: String, required: true },
  emailKey: { type: String, required: true },
  proven: { type: Boolean, required: true },
  provenBy: { type: String, enum: ['mailbox', 'idp', 'operator'] },
  provenAt: { type: Date },
});
accountEmails.schema.index({ emailKey: 1 }, { unique: true, partialFilterExpression: { proven: true } });
accountEmails.schema.index({ accountId: 1, emailKey: 1 }, { unique: true });

/** SSH public keys of accounts, by which people enter clusters (ACC-5). Private keys are nowhere here. */
export const sshKeys = platformCollection('sshKeys', {
  accountId: { type: String, required: true },
  name: { type: String, required: true },
  type: { type: String, required: true },
  /** `type base64`, without a comment. */
  publicKey: { type: String, required: true },
  fingerprint: { type: String, required: true },
  /** Organizations; absent where the key opens clusters wherever its person may enter. */
  onlyIn: { type: [String], default: undefined },
});
sshKeys.schema.index({ accountId: 1, fingerprint: 1 }, { unique: true });

/**
 * Signed-in browsers and bearers (SSO-7). `proofs`: how the person has shown who they are, in the form of
 * access/sessionWorth.ts. `endedIn` names the organizations whose part of the session has ended.
 */
export const sessions = platformCollection('sessions', {
  accountId: { type: String, required: true },
  tokenHash: { type: String, required: true },
  madeBy: { type: String, enum: ['operator', 'sign_in'], required: true },
  proofs: { type: Schema.Types.Mixed },
  endedIn: { type: [String], required: true },
  /** Where it was made, for the person's own list. */
  userAgent: { type: String },
  address: { type: String },
  idleExpiresAt: { type: Date, required: true },
  expiresAt: { type: Date, required: true },
});
sessions.schema.index({ tokenHash: 1 }, { unique: true });
sessions.schema.index({ accountId: 1 });
sessions.schema.index({ idleExpiresAt: 1 });
