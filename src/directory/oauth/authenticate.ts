/** How a client proves who it is at the token endpoint: by a secret (RFC 6749 §2.3.1) or a signed assertion (RFC 7523). */
import { decodeJwt, errors, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';
import { AppError } from '../../errors.ts';
import { hashSecret } from '../../lib/secrets.ts';
import { asymmetricSignatures } from '../../lib/signatures.ts';
import { type OAuthKey, PLATFORM, type ReadStore } from '../../store/index.ts';

/** What a client has proved itself with. */
export interface ProvenClient {
  readonly organizationId: string;
  readonly directoryId: string;
  readonly clientId: string;
  readonly by: 'oauthSecrets' | 'oauthKeys';
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

/** How far ahead an assertion may end, and how far clocks may differ. */
const longestSeconds = 3600;
const skewSeconds = 60;

/**
 * By a JWT that one of the client's keys has signed: issuer and subject are the client, its one audience is one of
 * `audiences`, it ends within an hour, and has an id. Throws AppError oauth_invalid_client; what is wrong with the claims
 * is told only where the signature is right.
 */
export async function proveByAssertion(
  reads: ReadStore,
  directoryId: string,
  { assertion, audiences }: { readonly assertion: string; readonly audiences: readonly string[] },
  now: Date,
): Promise<ProvenClient> {
  const clientId = subjectOf(assertion);
  const client = await reads.oauthClients.findOne(PLATFORM, { _id: clientId });
  if (client?.directoryId !== directoryId) throw unproven();
  const { organizationId } = client;
  const keys = (await reads.oauthKeys.find(organizationId, { clientId })).filter(
    ({ expiresAt }) => !expiresAt || expiresAt > now,
  );
  let used: OAuthKey | undefined;
  const { payload } = await jwtVerify(
    assertion,
    ({ kid, alg }) => {
      used = kid === undefined && keys.length === 1 ? keys[0] : keys.find(({ keyId }) => keyId === kid);
      if (!used) throw unproven();
      return importJWK(used.jwk as JWK, alg);
    },
    {
      algorithms: [...asymmetricSignatures],
      issuer: clientId,
      subject: clientId,
      audience: [...audiences],
      requiredClaims: ['exp', 'jti'],
      clockTolerance: skewSeconds,
      currentDate: now,
    },
  ).catch((error: unknown) => {
    throw ofJose(error);
  });
  if (!used) throw unproven();
  const { jtiHash, expiresAt } = boundsOf(payload, now);
  return {
    organizationId,
    directoryId,
    clientId,
    by: 'oauthKeys',
    credentialId: used._id,
    expiresAt: used.expiresAt,
    assertion: { jtiHash, expiresAt },
  };
}

/** Who the assertion says it is from, before anything of it is believed. */
export function subjectOf(assertion: string): string {
  try {
    const { sub } = decodeJwt(assertion);
    if (typeof sub === 'string') return sub;
  } catch {
    // told below
  }
  throw refused('client_assertion is not a JWT with a subject');
}

function boundsOf({ exp = 0, iat, aud, jti }: JWTPayload, now: Date): { jtiHash: string; expiresAt: Date } {
  const at = now.getTime() / 1000;
  if (Array.isArray(aud) && aud.length !== 1) throw refused('aud must name one audience only');
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) throw refused('jti must be a text');
  if (exp > at + longestSeconds + skewSeconds) throw refused(`exp lies more than ${longestSeconds} seconds ahead`);
  if (iat !== undefined && iat > at + skewSeconds) throw refused('iat lies in the future');
  if (iat !== undefined && iat < at - longestSeconds - skewSeconds) throw refused('iat lies too far back');
  return { jtiHash: hashSecret(jti), expiresAt: new Date((exp + skewSeconds) * 1000) };
}

/** A wrong signature is told from nothing else; a claim that fails was signed by the client, who may know. */
function ofJose(error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired) return refused('client_assertion has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`The claim ${error.claim} is not accepted`);
  if (error instanceof errors.JOSEError || error instanceof TypeError) return unproven();
  return error;
}
