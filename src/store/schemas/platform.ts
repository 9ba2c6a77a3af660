import { platformCollection } from '../define.ts';

/** Credentials of the platform's own services (OPS-4): hashed, named, several valid at once. A revoked one's row stays. */
export const serviceCredentials = platformCollection('serviceCredentials', {
  name: { type: String, required: true },
  scopes: { type: [String], required: true },
  hash: { type: String, required: true },
  lastFour: { type: String, required: true },
  expiresAt: { type: Date },
  revokedAt: { type: Date },
  lastUsedAt: { type: Date },
});
serviceCredentials.schema.index({ hash: 1 }, { unique: true });
