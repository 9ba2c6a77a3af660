/**
 * From what an Admin types in to what a connection keeps of its IdP: metadata is read, issuers are discovered, secrets are
 * sealed. All of it before the transaction that writes it, for it asks elsewhere.
 */
import { AppError } from '../errors.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import type { Sealer } from '../lib/secrets.ts';
import { readCertificate } from './certificates.ts';
import { verifyIssuer } from './discovery.ts';
import { fetchMetadata } from './fetchMetadata.ts';
import { collectCertificates, type IdpMetadata, readIdpMetadata, readLocation } from './metadata.ts';
import type { OidcSettings, SamlSettings } from './settings.ts';

/** What reading an IdP works with. */
export interface IdpDeps {
  readonly outgoing: Outgoing;
  readonly sealer: Sealer;
  /** Lets an IdP be on loopback and plain http. */
  readonly allowPrivate: boolean;
}

/** A SAML IdP as an Admin gives it: by its metadata, by the address of that, or field by field. */
export interface SamlInput {
  readonly metadataXml?: string | undefined;
  /** `null`: read no longer, the fields stay. */
  readonly metadataUrl?: string | null | undefined;
  readonly entityId?: string | undefined;
  readonly ssoUrl?: string | undefined;
  readonly ssoBinding?: SamlSettings['ssoBinding'] | undefined;
  readonly sloUrl?: string | null | undefined;
  readonly sloBinding?: SamlSettings['ssoBinding'] | undefined;
  readonly sloResponseUrl?: string | null | undefined;
  readonly certificates?: readonly string[] | undefined;
  readonly signRequests?: boolean | undefined;
  readonly requireEncryption?: boolean | undefined;
  readonly nameIdFormat?: string | null | undefined;
}

const idpFields = [
  'entityId',
  'ssoUrl',
  'ssoBinding',
  'sloUrl',
  'sloBinding',
  'sloResponseUrl',
  'certificates',
] as const;

const invalid = (message: string) => new AppError('invalid_request', message);

/**
 * The settings of a SAML connection: what is given over what `before` has. Throws `invalid_request` (not one of the three
 * ways, or fields that the metadata at an address decides), `metadata_invalid`, `certificate_invalid`, and what
 * fetchMetadata throws.
 */
export async function resolveSaml(
  deps: IdpDeps,
  input: SamlInput,
  at: Date,
  before?: SamlSettings,
): Promise<SamlSettings> {
  const byHand = idpFields.some((field) => input[field] !== undefined);
  const ways = [input.metadataXml !== undefined, typeof input.metadataUrl === 'string', byHand].filter(Boolean);
  if (ways.length > 1)
    throw invalid('Describe the IdP by metadataXml, by metadataUrl or by fields, in one of these ways');
  if (ways.length === 0 && !before) throw invalid('Describe the IdP: by metadataXml, metadataUrl, or fields');
  if (byHand && before?.metadataUrl !== undefined && input.metadataUrl !== null) {
    throw invalid(
      'The metadata at an address decides these fields: send metadataUrl: null with them to keep them by hand',
    );
  }
  const idp = await resolveIdp(deps, input, at, before);
  const keeps = ways.length === 0 && input.metadataUrl !== null ? before?.metadataUrl : undefined;
  const metadataUrl = input.metadataUrl ?? keeps;
  const format = input.nameIdFormat === undefined ? (idp.nameIdFormat ?? before?.nameIdFormat) : input.nameIdFormat;
  return {
    entityId: idp.entityId,
    ssoUrl: idp.ssoUrl,
    ssoBinding: idp.ssoBinding,
    ...(idp.sloUrl !== undefined && { sloUrl: idp.sloUrl, sloBinding: idp.sloBinding ?? idp.ssoBinding }),
    ...(idp.sloResponseUrl !== undefined && { sloResponseUrl: idp.sloResponseUrl }),
    certificates: idp.certificates,
    ...(metadataUrl !== undefined && { metadataUrl }),
    signRequests: input.signRequests ?? (idp.wantsSignedRequests || (before?.signRequests ?? false)),
    requireEncryption: input.requireEncryption ?? before?.requireEncryption ?? false,
    ...(format && { nameIdFormat: format }),
  };
}

async function resolveIdp(
  { outgoing, allowPrivate }: IdpDeps,
  input: SamlInput,
  at: Date,
  before: SamlSettings | undefined,
): Promise<IdpMetadata> {
  if (input.metadataXml !== undefined) return readIdpMetadata(input.metadataXml, { at, allowPrivate });
  if (typeof input.metadataUrl === 'string') {
    return readIdpMetadata(await fetchMetadata(outgoing, input.metadataUrl), { at, allowPrivate });
  }
  return readFields(input, allowPrivate, at, before);
}

function readFields(input: SamlInput, allowPrivate: boolean, at: Date, before: SamlSettings | undefined): IdpMetadata {
  const { entityId = before?.entityId, ssoBinding = before?.ssoBinding ?? 'redirect' } = input;
  const ssoUrl = input.ssoUrl === undefined ? before?.ssoUrl : locationIn('ssoUrl', input.ssoUrl, allowPrivate);
  if (entityId === undefined) throw invalid('entityId is missing: the name that the IdP gives itself');
  if (ssoUrl === undefined) throw invalid('ssoUrl is missing: where the IdP signs people in');
  const certificates = input.certificates
    ? collectCertificates(input.certificates.map(readCertificate), at, (why) => invalid(`The IdP is refused: ${why}`))
    : before?.certificates;
  if (certificates === undefined) throw invalid('certificates is missing: what the IdP signs with');
  return {
    entityId,
    ssoUrl,
    ssoBinding,
    ...logOutIn(input, ssoBinding, allowPrivate, before),
    certificates,
    wantsSignedRequests: false,
  };
}

/** Where the IdP ends sessions; nothing where it has no address for that. Another such address has no other one for answers, unless it is given. */
function logOutIn(
  input: SamlInput,
  ssoBinding: SamlSettings['ssoBinding'],
  allowPrivate: boolean,
  before: SamlSettings | undefined,
): Pick<SamlSettings, 'sloUrl' | 'sloBinding' | 'sloResponseUrl'> {
  const read = (field: 'sloUrl' | 'sloResponseUrl', kept: string | undefined): string | undefined => {
    const given = input[field];
    return typeof given === 'string' ? locationIn(field, given, allowPrivate) : given === null ? undefined : kept;
  };
  const sloUrl = read('sloUrl', before?.sloUrl);
  const sloResponseUrl = read('sloResponseUrl', input.sloUrl === undefined ? before?.sloResponseUrl : undefined);
  if (sloUrl === undefined && sloResponseUrl !== undefined)
    throw invalid('sloResponseUrl goes with sloUrl, where the IdP is asked');
  return {
    ...(sloUrl !== undefined && { sloUrl, sloBinding: input.sloBinding ?? before?.sloBinding ?? ssoBinding }),
    ...(sloResponseUrl !== undefined && { sloResponseUrl }),
  };
}

function locationIn(field: string, text: string, allowPrivate: boolean): string {
  const url = readLocation(text, allowPrivate);
  if (url !== undefined) return url;
  throw invalid(`${field} must be an https address without user name, password and fragment`);
}

/** An OpenID provider as an Admin gives it. */
export interface OidcInput {
  readonly issuer?: string | undefined;
  readonly clientId?: string | undefined;
  readonly authentication?: OidcSettings['authentication'] | undefined;
  readonly clientSecret?: string | undefined;
  readonly clientSecretExpiresAt?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly tenantId?: string | null | undefined;
}

const usualScopes = ['openid', 'profile', 'email'];

/**
 * The settings of an OIDC connection: what is given over what `before` has. A new issuer is discovered. Throws
 * `invalid_request` (something is missing), `issuer_invalid`, and what the guarded client throws.
 */
export async function resolveOidc(deps: IdpDeps, input: OidcInput, before?: OidcSettings): Promise<OidcSettings> {
  const issuer = input.issuer ?? before?.issuer;
  const clientId = input.clientId ?? before?.clientId;
  if (issuer === undefined) throw invalid('issuer is missing: the address that the OpenID provider is known by');
  if (clientId === undefined) throw invalid('clientId is missing: the provider gives it to its client');
  const chosen = input.authentication ?? before?.authentication;
  const usesSecret = chosen !== 'private_key_jwt';
  const sealed = input.clientSecret === undefined ? before?.clientSecret : deps.sealer.seal(input.clientSecret);
  if (usesSecret && sealed === undefined) {
    throw invalid('clientSecret is missing; without one, authenticate by private_key_jwt');
  }
  const scopes = [...new Set(['openid', ...(input.scopes ?? before?.scopes ?? usualScopes)])];
  const tenantId = input.tenantId === undefined ? before?.tenantId : (input.tenantId ?? undefined);
  // A secret that was replaced has another end than the one before it, or none that is known.
  const expiresAt =
    input.clientSecretExpiresAt ?? (input.clientSecret === undefined ? before?.clientSecretExpiresAt : undefined); // prettier-ignore
  const known = issuer === before?.issuer && tenantId === before?.tenantId;
  const said = known ? undefined : await verifyIssuer(deps, { issuer, clientId, tenantId });
  const announcesIss = said === undefined ? before?.announcesIss : said.announcesIss;
  return {
    issuer,
    clientId,
    authentication: chosen ?? said?.takesSecretBy ?? 'client_secret_basic',
    ...(usesSecret && sealed !== undefined && { clientSecret: sealed }),
    ...(usesSecret && expiresAt !== undefined && { clientSecretExpiresAt: expiresAt }),
    scopes,
    ...(tenantId !== undefined && { tenantId }),
    ...(announcesIss && { announcesIss }),
  };
}
