/** What a connection's row holds of its IdP, typed: the shapes behind the free-form fields `saml`, `oidc` and `claims`. */
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Connection } from '../store/index.ts';

const text = z.string().min(1).max(2048);

/** A signing certificate of the IdP (PEM), and until when it is valid; several at once while one replaces the other. */
const certificate = z.strictObject({ pem: text.max(16_384), expiresAt: z.iso.datetime() });

const binding = z.enum(['redirect', 'post']);

/** A SAML IdP as its metadata or an admin has it (SSO-1). */
export const samlSettings = z.strictObject({
  entityId: text,
  ssoUrl: text,
  ssoBinding: binding,
  sloUrl: text.optional(),
  sloBinding: binding.optional(),
  /** Where its requests are answered, if elsewhere than at `sloUrl` (saml-metadata-2.0-os §2.2.2, ResponseLocation). */
  sloResponseUrl: text.optional(),
  certificates: z.array(certificate).min(1).max(10),
  /** Where the metadata is read again on schedule. */
  metadataUrl: text.optional(),
  signRequests: z.boolean(),
  /** Only encrypted assertions are accepted. */
  requireEncryption: z.boolean(),
  nameIdFormat: text.optional(),
});
export type SamlSettings = z.output<typeof samlSettings>;

/** An OIDC issuer and how we authenticate there. `clientSecret` is sealed; `tenantId` pins Entra's `tid`. */
export const oidcSettings = z.strictObject({
  issuer: text,
  clientId: text,
  authentication: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']),
  clientSecret: text.optional(),
  /** As the Admin has it from the IdP. */
  clientSecretExpiresAt: z.iso.datetime().optional(),
  scopes: z.array(text.max(128)).max(20),
  tenantId: text.optional(),
  /** Its metadata said so when the issuer was given: its answers must name it, and may come to the shared address (RFC 9207 §3). */
  announcesIss: z.boolean().optional(),
});
export type OidcSettings = z.output<typeof oidcSettings>;

const names = z.array(text.max(256)).min(1).max(10);

/** Which claims say what: of each list the first that is there. What is left out is taken from where the protocol has it. */
export const claimNames = z.strictObject({
  subject: names.optional(),
  email: names.optional(),
  userName: names.optional(),
  immutableId: names.optional(),
  displayName: names.optional(),
  givenName: names.optional(),
  familyName: names.optional(),
  groups: names.optional(),
});
export type ClaimNames = z.output<typeof claimNames>;

/** Parses a field of the row; what it holds was checked when it was written, so that a fault is ours. */
function read<S extends z.ZodType>(schema: S, connection: Connection, field: 'saml' | 'oidc' | 'claims'): z.output<S> {
  const parsed = schema.safeParse(connection[field]);
  if (parsed.success) return parsed.data;
  throw new Error(`connection ${connection._id}: ${field} cannot be read: ${z.prettifyError(parsed.error)}`);
}

/** The IdP of a SAML connection; throws `not_found` for one of another protocol. */
export function samlOf(connection: Connection): SamlSettings {
  if (connection.protocol === 'saml') return read(samlSettings, connection, 'saml');
  throw new AppError('not_found', 'This connection does not speak SAML');
}

/** The issuer of an OIDC connection; throws `not_found` for one of another protocol. */
export function oidcOf(connection: Connection): OidcSettings {
  if (connection.protocol === 'oidc') return read(oidcSettings, connection, 'oidc');
  throw new AppError('not_found', 'This connection does not speak OpenID Connect');
}

export const claimNamesOf = (connection: Connection): ClaimNames => read(claimNames, connection, 'claims');
