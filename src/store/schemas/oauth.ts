import { Schema } from 'mongoose';
import { organizationCollection } from '../define.ts';

/** OAuth 2.0 clients of a directory (SCIM-1): an IdP that fetches short-lived access tokens. The row's id is the client_id. */
export const oauthClients = organizationCollection('oauthClients', {
  directoryId: { type: String, required: true },
  name: { type: String, required: true },
});
oauthClients.schema.index({ organizationId: 1, directoryId: 1 });

/** Secrets of clients: hashed, named, several valid at once. */
export const oauthSecrets = organizationCollection('oauthSecrets', {
  directoryId: { type: String, required: true },
  clientId: { type: String, required: true },
  name: { type: String, required: true },
  hash: { type: String, required: true },
  lastFour: { type: String, required: true },
  expiresAt: { type: Date },
  revokedAt: { type: Date },
  lastUsedAt: { type: Date },
});
oauthSecrets.schema.index({ hash: 1 }, { unique: true });
oauthSecrets.schema.index({ organizationId: 1, clientId: 1 });

/** Public keys of clients, which verify their JWT assertions (RFC 7523). `keyId` is the key's `kid`. */
export const oauthKeys = organizationCollection('oauthKeys', {
  directoryId: { type: String, required: true },
  clientId: { type: String, required: true },
  name: { type: String, required: true },
  keyId: { type: String, required: true },
  jwk: { type: Schema.Types.Mixed, required: true },
  expiresAt: { type: Date },
  lastUsedAt: { type: Date },
});
oauthKeys.schema.index({ clientId: 1, keyId: 1 }, { unique: true });
oauthKeys.schema.index({ organizationId: 1, clientId: 1 });

/**
 * Issuers whose word counts for a client (RFC 7523 §3): what their assertions must say, and where their keys are. Of one
 * directory, an issuer and a subject stand for one client.
 */
export const oauthIssuers = organizationCollection('oauthIssuers', {
  directoryId: { type: String, required: true },
  clientId: { type: String, required: true },
  name: { type: String, required: true },
  issuer: { type: String, required: true },
  subject: { type: String, required: true },
  audience: { type: String },
  jwksUri: { type: String, required: true },
  lastUsedAt: { type: Date },
});
oauthIssuers.schema.index({ directoryId: 1, issuer: 1, subject: 1 }, { unique: true });
oauthIssuers.schema.index({ organizationId: 1, clientId: 1 });

/** Access tokens, hashed; `credentialId` is the secret, key or issuer that they were given for and end with. */
export const oauthTokens = organizationCollection('oauthTokens', {
  directoryId: { type: String, required: true },
  clientId: { type: String, required: true },
  credentialId: { type: String, required: true },
  hash: { type: String, required: true },
  expiresAt: { type: Date, required: true },
});
oauthTokens.schema.index({ hash: 1 }, { unique: true });
oauthTokens.schema.index({ organizationId: 1, clientId: 1, expiresAt: 1 });
oauthTokens.schema.index({ organizationId: 1, credentialId: 1 });
oauthTokens.schema.index({ expiresAt: 1 });

/** The ids (hashed) of JWT assertions that have been used, until they expire: each counts once (RFC 7523 §3). */
export const oauthAssertions = organizationCollection('oauthAssertions', {
  clientId: { type: String, required: true },
  jtiHash: { type: String, required: true },
  expiresAt: { type: Date, required: true },
});
oauthAssertions.schema.index({ clientId: 1, jtiHash: 1 }, { unique: true });
oauthAssertions.schema.index({ organizationId: 1, clientId: 1, expiresAt: 1 });
oauthAssertions.schema.index({ expiresAt: 1 });
