/** Connections: the ways to sign in through an organization's IdPs (SSO-1). What an IdP is comes resolved (connectionInput.ts). */
import { isDeepStrictEqual } from 'node:util';
import { keepWayIn, tellOwner, withdrawProofs } from '../access/index.ts';
import { getDirectory } from '../directory/index.ts';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import type { Sealer } from '../lib/secrets.ts';
import type { Change, Connection, JsonObject, Page, PageOptions, ReadStore, Transaction } from '../store/index.ts';
import { describeCertificate } from './certificates.ts';
import { audit } from './connectionAudit.ts';
import { keepKey, type NewKey } from './keys.ts';
import { type PresetName, presetClaims } from './presets.ts';
import { type ClaimNames, claimNamesOf, type OidcSettings, oidcOf, type SamlSettings, samlOf } from './settings.ts';

/** Who an IdP is, resolved. */
export type Idp =
  | { readonly protocol: 'saml'; readonly saml: SamlSettings }
  | { readonly protocol: 'oidc'; readonly oidc: OidcSettings };

export interface NewConnection {
  readonly name: string;
  readonly preset: PresetName;
  /** Over those of the preset; `null` takes one away. */
  readonly claims?: ClaimChanges | undefined;
  /** Default: on, unless a directory is named (SSO-4). */
  readonly jit?: boolean | undefined;
  readonly directoryId?: string | undefined;
  readonly idpInitiated: boolean;
  readonly idp: Idp;
}

export type ClaimChanges = { readonly [N in keyof ClaimNames]?: ClaimNames[N] | null | undefined };

export interface ConnectionChange {
  readonly name?: string | undefined;
  readonly claims?: ClaimChanges | undefined;
  readonly jit?: boolean | undefined;
  readonly directoryId?: string | null | undefined;
  readonly idpInitiated?: boolean | undefined;
  readonly idp?: Idp | undefined;
  readonly status?: 'active' | 'disabled' | undefined;
  /** Activates one that was never tested. */
  readonly force?: boolean | undefined;
}

/**
 * Makes a connection, as a draft, with the names of its preset's claims and a key of our own. Throws `not_found` (the
 * directory), `invalid_request` (just-in-time provisioning together with a directory, SSO-4).
 */
export async function createConnection(
  tx: Transaction,
  sealer: Sealer,
  organizationId: string,
  input: NewConnection,
  key: NewKey,
): Promise<Connection> {
  const { name, preset, directoryId, idpInitiated, idp } = input;
  const jit = input.jit ?? directoryId === undefined;
  await verifyDirectory(tx, organizationId, directoryId, jit);
  const connection = await tx.connections.insert(organizationId, {
    _id: newId('connection'),
    organizationId,
    name,
    status: 'draft',
    preset,
    claims: mergeClaims(presetClaims(preset, idp.protocol), input.claims),
    ...idp,
    jit,
    ...(directoryId !== undefined && { directoryId }),
    idpInitiated,
    ...(readsMetadata(idp) && { metadata: { readAt: tx.at } }),
  });
  await keepKey(tx, sealer, connection, 'current', key);
  await audit(tx, connection, 'connection.created', { after: described(connection) });
  await tellOwner(tx, connection, 'created');
  return connection;
}

/** The connection of this organization; throws `not_found`, also for another organization's (PRJ-1). */
export async function getConnection(
  reads: ReadStore,
  organizationId: string,
  connectionId: string,
): Promise<Connection> {
  const connection = await reads.connections.get(organizationId, connectionId);
  if (!connection) throw new AppError('not_found', `The organization has no connection ${connectionId}`);
  return connection;
}

/** The organization's connections, in the order of making. */
export function listConnections(
  reads: ReadStore,
  organizationId: string,
  page: PageOptions,
): Promise<Page<Connection>> {
  return reads.connections.page(organizationId, {}, page);
}

/**
 * Changes a connection as it was when its IdP was resolved. Other settings of the IdP want another test: what was tested
 * becomes a draft again, what is active stays so. Disabled, it has vouched for nobody: what it has proven in sessions goes in
 * the same transaction. Throws `stale` (changed meanwhile), `not_found`, `invalid_request`,
 * `issuer_fixed` (people are known by another IdP's names), `connection_untested` (activated without test or force),
 * `no_active_connection` (disabled, where enforced SSO has no other).
 */
export async function updateConnection(
  tx: Transaction,
  before: Connection,
  change: ConnectionChange,
): Promise<Connection> {
  const { organizationId, _id } = before;
  const directoryId = change.directoryId === undefined ? before.directoryId : (change.directoryId ?? undefined);
  const jit = change.jit ?? (change.directoryId ? false : before.jit);
  await verifyDirectory(tx, organizationId, directoryId, jit);
  if (change.idp) await verifySameIdp(tx, before, change.idp);
  const idpChanged = change.idp !== undefined && !isDeepStrictEqual(settingsOf(change.idp), settingsOf(idpOf(before)));
  const testedAt = idpChanged ? undefined : before.testedAt;
  const status = decideStatus(before.status, testedAt, change);
  if (before.status === 'active' && status !== 'active') await keepWayIn(tx, organizationId, _id);
  const { name = before.name, idpInitiated = before.idpInitiated, idp } = change;
  const set: Change<Connection> = {
    $set: {
      name,
      status,
      claims: mergeClaims(claimNamesOf(before), change.claims),
      jit,
      ...(directoryId !== undefined && { directoryId }),
      idpInitiated,
      ...(idp?.protocol === 'saml' && { saml: idp.saml }),
      ...(idp?.protocol === 'oidc' && { oidc: idp.oidc }),
      ...(idpChanged && idp && readsMetadata(idp) && { metadata: { readAt: tx.at } }),
    },
    $unset: {
      ...(directoryId === undefined && { directoryId: true }),
      ...(testedAt === undefined && { testedAt: true }),
      ...(idpChanged && idp && !readsMetadata(idp) && { metadata: true }),
    },
  };
  const after = await tx.connections.updateOne(organizationId, { _id, version: before.version }, set);
  if (!after) throw new AppError('stale', 'The connection was changed by somebody else meanwhile: try again');
  const sessions = before.status === 'active' && status !== 'active' ? await withdrawProofs(tx, after) : undefined;
  await audit(tx, after, eventOf(before.status, status), {
    before: described(before),
    after: {
      ...described(after),
      ...(change.force && { force: true }),
      ...(sessions !== undefined && { sessionsEnded: sessions }),
    },
  });
  const claimsChanged = !isDeepStrictEqual(claimNamesOf(after), claimNamesOf(before));
  if (status === 'active' && before.status !== 'active') await tellOwner(tx, after, 'activated');
  else if (idpChanged || claimsChanged) await tellOwner(tx, after, 'changed');
  return after;
}

/** A test sign-in has come through: the connection may be activated. For the flow of a test, in its own transaction. */
export async function markTested(tx: Transaction, { organizationId, _id }: Connection): Promise<void> {
  const connection = await getConnection(tx, organizationId, _id);
  const status = connection.status === 'draft' ? 'tested' : connection.status;
  await tx.connections.updateOne(organizationId, { _id }, { $set: { status, testedAt: tx.at } });
  await audit(tx, connection, 'connection.tested', { before: { status: connection.status }, after: { status } });
}

async function verifyDirectory(
  tx: Transaction,
  organizationId: string,
  directoryId: string | undefined,
  jit: boolean,
): Promise<void> {
  if (directoryId === undefined) return;
  const directory = await getDirectory(tx, organizationId, directoryId);
  if (directory.connectionId !== undefined) {
    throw new AppError('invalid_request', 'This directory holds what sign-ins claim; name one that an IdP pushes to');
  }
  if (jit) {
    throw new AppError('invalid_request', 'With a directory, its people alone may come in: jit must be false (SSO-4)');
  }
}

/** Subjects are names that one IdP has given (SSO-6): another IdP's may be the same text for somebody else. */
async function verifySameIdp(tx: Transaction, before: Connection, idp: Idp): Promise<void> {
  if (idp.protocol !== before.protocol) {
    throw new AppError(
      'invalid_request',
      `This connection speaks ${before.protocol}: make another one for ${idp.protocol}`,
    );
  }
  if (nameOf(idp) === nameOf(idpOf(before))) return;
  const { organizationId, _id: connectionId } = before;
  if (!(await tx.identities.findOne(organizationId, { connectionId }))) return;
  throw new AppError(
    'issuer_fixed',
    'People have signed in here by the names that this IdP has for them. Make a new connection for another IdP.',
  );
}

/** Active ↔ disabled, both from any state; to be activated a connection must have been tested, or forced. */
function decideStatus(
  status: Connection['status'],
  testedAt: Date | undefined,
  { status: wanted, force = false }: ConnectionChange,
): Connection['status'] {
  if (wanted === 'active' && status !== 'active' && testedAt === undefined && !force) {
    throw new AppError(
      'connection_untested',
      'No test sign-in has succeeded with these settings. Run one, or send force: true to activate without.',
    );
  }
  if (wanted !== undefined) return wanted;
  return status === 'tested' && testedAt === undefined ? 'draft' : status;
}

function eventOf(before: Connection['status'], after: Connection['status']): `connection.${string}` {
  if (before === after) return 'connection.updated';
  if (after === 'active') return 'connection.activated';
  return after === 'disabled' ? 'connection.disabled' : 'connection.updated';
}

function mergeClaims(base: ClaimNames, changes: ClaimChanges = {}): ClaimNames {
  const merged = Object.entries({ ...base, ...withoutUndefined(changes) });
  return Object.fromEntries(merged.filter(([, names]) => names !== null)) as ClaimNames;
}

const withoutUndefined = (object: object): object =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const idpOf = (connection: Connection): Idp =>
  connection.protocol === 'saml'
    ? { protocol: 'saml', saml: samlOf(connection) }
    : { protocol: 'oidc', oidc: oidcOf(connection) };

const settingsOf = (idp: Idp): SamlSettings | OidcSettings => (idp.protocol === 'saml' ? idp.saml : idp.oidc);
const nameOf = (idp: Idp): string =>
  idp.protocol === 'saml' ? idp.saml.entityId : `${idp.oidc.issuer} ${idp.oidc.tenantId ?? ''}`;
const readsMetadata = (idp: Idp): boolean => idp.protocol === 'saml' && idp.saml.metadataUrl !== undefined;

/** For the audit: everything but secrets; certificates by their fingerprints. */
function described(connection: Connection): JsonObject {
  const { name, protocol, status, preset, claims, jit, directoryId, idpInitiated } = connection;
  const kept = { name, protocol, status, preset, claims, jit, idpInitiated };
  return { ...kept, ...(directoryId !== undefined && { directoryId }), idp: describedIdp(idpOf(connection)) };
}

function describedIdp(idp: Idp): JsonObject {
  if (idp.protocol === 'oidc') {
    const { clientSecret, ...told } = idp.oidc;
    return { ...told, hasSecret: clientSecret !== undefined };
  }
  const { certificates, ...told } = idp.saml;
  return { ...told, certificates: certificates.map(({ pem }) => describeCertificate(pem).fingerprint) };
}
