/**
 * Credentials of the platform's own services (OPS-4), so that none of them carries the operator's token: each may ask what
 * its scopes name, and nothing else. It is no person, acts for none, and changes nothing but the register of resources (RES-1).
 */
import { AppError } from '../errors.ts';
import { platformTrail, recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { PLATFORM, type ReadStore, type ServiceCredential, type Transaction } from '../store/index.ts';

/** What a service may be allowed to do. No scope is issued before there is a route that it opens. */
export const serviceScopes = [
  /** Permission decisions and the searches over them. */
  'evaluate',
  /** Whether an API key is valid, and whose. */
  'keys.verify',
  /** Whose session a token is. */
  'introspect',
  /** Who may enter a project, with their SSH keys. */
  'identities',
  /** The event feeds: of each organization, and of all in one. */
  'events',
  /** The register of resources, in every project: of all scopes the one that writes. */
  'resources',
] as const;
export type ServiceScope = (typeof serviceScopes)[number];

/** The recognisable beginning of every service credential. */
export const servicePrefix = 'ghv_';

export interface IssuedServiceCredential {
  readonly credential: ServiceCredential;
  /** Shown this once; only its hash is kept. */
  readonly secret: string;
}

/**
 * Makes a credential beside those that are valid already: that is how one is rotated.
 * Throws AppError `invalid_request` where `expiresAt` has passed.
 */
export async function issueServiceCredential(
  tx: Transaction,
  order: { readonly name: string; readonly scopes: readonly ServiceScope[]; readonly expiresAt?: Date | undefined },
): Promise<IssuedServiceCredential> {
  const { name, expiresAt } = order;
  const scopes = serviceScopes.filter((scope) => order.scopes.includes(scope));
  if (expiresAt && expiresAt <= tx.at) {
    throw new AppError('invalid_request', 'expiresAt lies in the past: the credential would never be valid');
  }
  const secret = newSecret(servicePrefix);
  const credential = await tx.serviceCredentials.insert(PLATFORM, {
    _id: newId('serviceCredential'),
    name,
    scopes,
    hash: hashSecret(secret),
    lastFour: secret.slice(-4),
    ...(expiresAt && { expiresAt }),
  });
  await recordAudit(tx, platformTrail, {
    type: 'service_credential.issued',
    targetKind: 'serviceCredential',
    targetId: credential._id,
    after: { ...described(credential), ...(expiresAt && { expiresAt: expiresAt.toISOString() }) },
  });
  return { credential, secret };
}

/**
 * Ends a credential at once; the others stay valid. A revoked one keeps the time of its first revocation.
 * Throws AppError `not_found`.
 */
export async function revokeServiceCredential(tx: Transaction, id: string): Promise<ServiceCredential> {
  const credential = await tx.serviceCredentials.get(PLATFORM, id);
  if (!credential) throw new AppError('not_found', `There is no service credential ${id}`);
  if (credential.revokedAt) return credential;
  const revoked = await tx.serviceCredentials.updateOne(PLATFORM, { _id: id }, { $set: { revokedAt: tx.at } });
  await recordAudit(tx, platformTrail, {
    type: 'service_credential.revoked',
    targetKind: 'serviceCredential',
    targetId: id,
    before: described(credential),
  });
  return revoked ?? credential;
}

/** All of them, revoked and expired ones too, in the order of making. */
export function listServiceCredentials(reads: ReadStore): Promise<readonly ServiceCredential[]> {
  return reads.serviceCredentials.find(PLATFORM, {});
}

/**
 * The credential of this secret, valid at `now`: one look-up by the hash.
 * Throws AppError `token_invalid` (none is known), `token_revoked`, `token_expired`.
 */
export async function authenticateService(reads: ReadStore, secret: string, now: Date): Promise<ServiceCredential> {
  return liveAt(now, await reads.serviceCredentials.findOne(PLATFORM, { hash: hashSecret(secret) }));
}

/** The same by its id, for who has shown the secret before and asks whether it still counts. Throws as `authenticateService`. */
export async function confirmService(reads: ReadStore, id: string, now: Date): Promise<ServiceCredential> {
  return liveAt(now, await reads.serviceCredentials.get(PLATFORM, id));
}

function liveAt(now: Date, credential: ServiceCredential | undefined): ServiceCredential {
  if (!credential) throw new AppError('token_invalid', 'The bearer token is not known.');
  const { name, revokedAt, expiresAt } = credential;
  if (revokedAt) throw new AppError('token_revoked', `The service credential "${name}" has been revoked.`);
  if (expiresAt && expiresAt <= now) {
    throw new AppError('token_expired', `The service credential "${name}" expired at ${expiresAt.toISOString()}.`);
  }
  return credential;
}

const described = ({ name, scopes, lastFour }: ServiceCredential) => ({ name, scopes, lastFour });
