/** What the API shows of a connection: the IdP, our keys, and what to type in at the IdP. No secret is in it. */
import { z } from 'zod';
import {
  claimNames,
  claimNamesOf,
  describeCertificate,
  type OidcSettings,
  oidcAddresses,
  oidcOf,
  type SamlSettings,
  samlAddresses,
  samlOf,
  startAddress,
} from '../../sso/index.ts';
import type { Connection, ConnectionKey } from '../../store/index.ts';
import { id, time } from './common.ts';

const certificate = z
  .strictObject({
    subject: z.string(),
    fingerprint: z.string().meta({ description: 'SHA-256' }),
    expiresAt: time,
    pem: z.string(),
  })
  .meta({ id: 'Certificate' });

export const connectionKey = z
  .strictObject({
    id,
    state: z.enum(['next', 'current', 'former']).meta({
      description:
        '`current` signs; `next` is published for the IdP to learn; assertions for any of them are decrypted',
    }),
    certificate,
    createdAt: time,
  })
  .meta({ id: 'ConnectionKey' });

const binding = z.enum(['redirect', 'post']);

const saml = z.strictObject({
  entityId: z.string(),
  ssoUrl: z.string(),
  ssoBinding: binding,
  sloUrl: z.string().optional(),
  sloBinding: binding.optional(),
  sloResponseUrl: z.string().optional(),
  certificates: z.array(certificate),
  metadataUrl: z.string().optional(),
  metadata: z
    .strictObject({ readAt: time, fault: z.string().optional(), faultSince: time.optional() })
    .optional()
    .meta({ description: 'when the metadata was last read at its address, and what was wrong with it' }),
  signRequests: z.boolean(),
  requireEncryption: z.boolean(),
  nameIdFormat: z.string().optional(),
});

const oidc = z.strictObject({
  issuer: z.string(),
  clientId: z.string(),
  authentication: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']),
  hasSecret: z.boolean().meta({ description: 'a client secret is kept; it is never shown' }),
  clientSecretExpiresAt: time.optional(),
  scopes: z.array(z.string()),
  tenantId: z.string().optional(),
});

const forIdp = z.strictObject({
  entityId: z.string().optional(),
  acsUrl: z.string().optional(),
  metadataUrl: z.string().optional(),
  sloUrl: z.string().optional(),
  redirectUri: z
    .string()
    .optional()
    .meta({ description: "the connection's own, or that of all whose provider announces `iss` (RFC 9207)" }),
  backchannelLogoutUri: z.string().optional(),
  postLogoutRedirectUri: z
    .string()
    .optional()
    .meta({ description: 'where the IdP sends the browser back to after a log-out that began here' }),
  jwksUri: z.string().optional(),
  initiateLoginUri: z.string().meta({ description: 'begins a sign-in through this connection' }),
});

export const connection = z
  .strictObject({
    id,
    name: z.string(),
    protocol: z.enum(['saml', 'oidc']),
    status: z.enum(['draft', 'tested', 'active', 'disabled']),
    testedAt: time.optional(),
    preset: z.string(),
    claims: claimNames.meta({ description: 'which of the claims says what: of each list the first that is there' }),
    jit: z.boolean(),
    directoryId: id.optional(),
    idpInitiated: z.boolean(),
    saml: saml.optional(),
    oidc: oidc.optional(),
    forIdp: forIdp.meta({ description: 'what to type in at the IdP' }),
    keys: z.array(connectionKey),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Connection' });

export function presentConnection(
  row: Connection,
  keys: readonly ConnectionKey[],
  baseUrl: string,
): z.output<typeof connection> {
  return {
    id: row._id,
    name: row.name,
    protocol: row.protocol,
    status: row.status,
    ...(row.testedAt && { testedAt: row.testedAt.toISOString() }),
    preset: row.preset,
    claims: claimNamesOf(row),
    jit: row.jit,
    ...(row.directoryId !== undefined && { directoryId: row.directoryId }),
    idpInitiated: row.idpInitiated,
    ...(row.protocol === 'saml'
      ? { saml: presentSaml(samlOf(row), row.metadata) }
      : { oidc: presentOidc(oidcOf(row)) }),
    forIdp: presentAddresses(row, baseUrl),
    keys: keys.map(presentKey),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export const presentKey = ({ _id, state, certificate: pem, createdAt }: ConnectionKey) => ({
  id: _id,
  state,
  certificate: presentCertificate(pem),
  createdAt: createdAt.toISOString(),
});

function presentCertificate(pem: string): z.output<typeof certificate> {
  const { subject, fingerprint, expiresAt } = describeCertificate(pem);
  return { subject, fingerprint, expiresAt: expiresAt.toISOString(), pem };
}

const presentSaml = (settings: SamlSettings, metadata: Connection['metadata']): z.output<typeof saml> => ({
  ...settings,
  certificates: settings.certificates.map(({ pem }) => presentCertificate(pem)),
  ...(metadata && {
    metadata: {
      readAt: metadata.readAt.toISOString(),
      ...(metadata.fault !== undefined && { fault: metadata.fault }),
      ...(metadata.faultSince && { faultSince: metadata.faultSince.toISOString() }),
    },
  }),
});

const presentOidc = ({ clientSecret, announcesIss: _, ...told }: OidcSettings): z.output<typeof oidc> => ({
  ...told,
  hasSecret: clientSecret !== undefined,
});

function presentAddresses(row: Connection, baseUrl: string): z.output<typeof forIdp> {
  const { _id, protocol } = row;
  const initiateLoginUri = startAddress(baseUrl, _id);
  if (protocol === 'saml') return { ...samlAddresses(baseUrl, _id), initiateLoginUri };
  return { ...oidcAddresses(baseUrl, _id, oidcOf(row)), initiateLoginUri };
}
