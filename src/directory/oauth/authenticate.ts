/** How a client proves who it is at the token endpoint: by a secret (RFC 6749 §2.3.1) or a signed assertion (RFC 7523). */
import { decodeJwt, errors, importJWK, type JWK, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { AppError } from '../../errors.ts';
import { hashSecret } from '../../lib/secrets.ts';
import { asymmetricSignatures } from '../../lib/signatures.ts';
import { type OAuthIssuer, type OAuthKey, PLATFORM, type ReadStore } from '../../store/index.ts';
import type { IssuerKeys } from './issuerKeys.ts';
import { findIssuer } from './issuers.ts';

/** What a client has proved itself with. */
export interface ProvenClient {
  readonly organizationId: string;
  readonly directoryId: string;
  readonly clientId: string;
  readonly by: 'oauthSecrets' | 'oauthKeys' | 'oauthIssuers';
  readonly credentialId: string;
  /** When the credential itself ends. */
  readonly expiresAt: Date | undefined;
  /** Of an assertion: its id, which counts once, and until when it has to be remembered. */
  readonly assertion?: { readonly jtiHash: string; readonly expiresAt: Date };
}

/** One answer for a client that nobody knows, another directory's, and a wrong secret. */
const unproven = () => new AppError('oauth_invalid_client', 'The client is not known here, or its credential is wrong');

const refused = (message: string) => new AppError('oauth_invalid_client', message);

/** By client_id and client_secret: one read, by the secret's hash. Throws AppError oauth_invalid_client. */
export async function proveBySecret(
  reads: ReadStore,
  directoryId: string,
  { clientId, secret: plain }: { readonly clientId: string; readonly secret: string },
  now: Date,
): Promise<ProvenClient> {
  const secret = await reads.oauthSecrets.findOne(PLATFORM, { hash: hashSecret(plain) });
  if (secret?.clientId !== clientId || secret.directoryId !== directoryId) throw unproven();
  if (secret.revokedAt) throw refused(`The client secret "${secret.name}" has been revoked`);
  if (secret.expiresAt && secret.expiresAt <= now) throw refused(`The client secret "${secret.name}" has expired`);
  const { organizationId, _id: credentialId, expiresAt } = secret;
  return { organizationId, directoryId, clientId, by: 'oauthSecrets', credentialId, expiresAt };
}

/** How far ahead a client's own assertion may end, an issuer's may, and how far clocks may differ. */
const longestSeconds = 3600;
const longestOfIssuers = 24 * 3600;
const skewSeconds = 60;

interface Assertion {
  readonly assertion: string;
  /** The addresses of the token endpoint and of the directory. */
  readonly audiences: readonly string[];
}

/**
 * By a signed JWT: of an issuer that a client of the directory trusts, or else of the client itself. Throws AppError
 * oauth_invalid_client, issuer_keys_unavailable; what is wrong with the claims is told only where the signature is right.
 */
export async function proveByAssertion(
  reads: ReadStore,
  issuerKeys: IssuerKeys,
  directoryId: string,
  given: Assertion,
  now: Date,
): Promise<ProvenClient> {
  const { issuer, subject } = partiesOf(given.assertion);
  const trusted = issuer === undefined ? undefined : await findIssuer(reads, directoryId, issuer, subject);
  return trusted ? byIssuer(issuerKeys, trusted, given, now) : byOwnKey(reads, directoryId, subject, given, now);
}

/**
 * By a JWT that one of the client's keys has signed: issuer and subject are the client, its one audience is one of
 * `audiences`, it ends within an hour, and has an id.
 */
async function byOwnKey(
  reads: ReadStore,
  directoryId: string,
  clientId: string,
  { assertion, audiences }: Assertion,
  now: Date,
): Promise<ProvenClient> {
  const client = await reads.oauthClients.findOne(PLATFORM, { _id: clientId });
  if (client?.directoryId !== directoryId) throw unproven();
  const { organizationId } = client;
  const keys = (await reads.oauthKeys.find(organizationId, { clientId })).filter(
    ({ expiresAt }) => !expiresAt || expiresAt > now,
  );
  let used: OAuthKey | undefined;
  const payload = await verified(assertion, now, { issuer: clientId, subject: clientId, audiences }, ({ kid, alg }) => {
    used = kid === undefined && keys.length === 1 ? keys[0] : keys.find(({ keyId }) => keyId === kid);
    if (!used) throw unproven();
    // a key of another kind than `alg` says is refused by WebCrypto with an error of its own
    return importJWK(used.jwk as JWK, alg).catch(() => {
      throw unproven();
    });
  });
  if (!used) throw unproven();
  requireBounds(payload, now, longestSeconds);
  return {
    organizationId,
    directoryId,
    clientId,
    by: 'oauthKeys',
    credentialId: used._id,
    expiresAt: used.expiresAt,
    assertion: { jtiHash: jtiHashOf(payload), expiresAt: new Date(((payload.exp ?? 0) + skewSeconds) * 1000) },
  };
}

/**
 * By a JWT that a trusted issuer has signed (workload identity federation). What it must say was agreed on; it may be sent
 * again until it ends, as such issuers hand out one for an hour or more, and need not have an id.
 */
async function byIssuer(
  issuerKeys: IssuerKeys,
  { _id, organizationId, directoryId, clientId, issuer, subject, audience, jwksUri }: OAuthIssuer,
  { assertion, audiences }: Assertion,
  now: Date,
): Promise<ProvenClient> {
  const expected = { issuer, subject, audiences: audience === undefined ? audiences : formsOf(audience) };
  const payload = await verified(assertion, now, expected, issuerKeys.at(jwksUri));
  requireBounds(payload, now, longestOfIssuers);
  return { organizationId, directoryId, clientId, by: 'oauthIssuers', credentialId: _id, expiresAt: undefined };
}

/** Entra ID shows the audience as a scope, and names it in its assertions without the end of that. */
const formsOf = (audience: string): readonly string[] => [audience, audience.replace(/\/\.default$/, '')];

/** What the assertion says, where the signature and all that must stand in it are right. Throws AppError oauth_invalid_client. */
async function verified(
  assertion: string,
  now: Date,
  expected: { readonly issuer: string; readonly subject: string; readonly audiences: readonly string[] },
  findKey: JWTVerifyGetKey,
): Promise<JWTPayload> {
  const { issuer, subject, audiences } = expected;
  const options = {
    algorithms: [...asymmetricSignatures],
    issuer,
    subject,
    audience: [...audiences],
    requiredClaims: ['exp'],
    clockTolerance: skewSeconds,
    currentDate: now,
  };
  const { payload } = await jwtVerify(assertion, findKey, options).catch((error: unknown) => {
    throw ofJose(error);
  });
  return payload;
}

/** Who the assertion says it is from, and of whom it speaks, before anything of it is believed. */
function partiesOf(assertion: string): { readonly issuer: string | undefined; readonly subject: string } {
  try {
    const { iss, sub } = decodeJwt(assertion);
    if (typeof sub === 'string' && (iss === undefined || typeof iss === 'string')) return { issuer: iss, subject: sub };
  } catch {
    // told below
  }
  throw refused('client_assertion is not a JWT with a subject, its issuer a text');
}

export const subjectOf = (assertion: string): string => partiesOf(assertion).subject;

function requireBounds({ exp = 0, iat, aud }: JWTPayload, now: Date, longest: number): void {
  const at = now.getTime() / 1000;
  if (Array.isArray(aud) && aud.length !== 1) throw refused('aud must name one audience only');
  if (exp > at + longest + skewSeconds) throw refused(`exp lies more than ${longest} seconds ahead`);
  if (iat !== undefined && iat > at + skewSeconds) throw refused('iat lies in the future');
  if (iat !== undefined && iat < at - longest - skewSeconds) throw refused('iat lies too far back');
}

function jtiHashOf({ jti }: JWTPayload): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) throw refused('jti must be a text');
  return hashSecret(jti);
}

/** A wrong signature is told from nothing else; a claim that fails was signed by the client, who may know. */
function ofJose(error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired) return refused('client_assertion has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`The claim ${error.claim} is not accepted`);
  if (error instanceof errors.JOSEError || error instanceof TypeError) return unproven();
  return error;
}
