/**
 * Everything of an organization that ends by itself, in one list, with warnings ahead (OPS-3): certificates of IdPs, our
 * keys towards them, client secrets of ours, what its IdPs push with, and API keys of its projects.
 */

import { findAccountEmails, listServiceCredentials, mailboxesOf } from '../access/index.ts';
import { platformTrail, recordAudit } from '../events/index.ts';
import type { Mail } from '../lib/mail.ts';
import { enqueue } from '../queue/index.ts';
import { type Cause, type Connection, PLATFORM, type ReadStore, type Store, type Transaction } from '../store/index.ts';
import { describeCertificate } from './certificates.ts';
import { oidcOf, samlOf } from './settings.ts';

export const expiryKinds = [
  /** What an IdP signs with. */
  'idp_certificate',
  /** Our own key of a connection, with its certificate. */
  'connection_key',
  /** Our secret at an OpenID provider. */
  'client_secret',
  'scim_token',
  'oauth_secret',
  'oauth_key',
  'api_key',
  /** Of a service of the platform: the operator's concern, no organization's. */
  'service_credential',
] as const;

export interface Expiry {
  readonly kind: (typeof expiryKinds)[number];
  /** Of the thing itself; a certificate's is its fingerprint, a client secret's the connection's. */
  readonly id: string;
  readonly name: string;
  readonly connectionId?: string;
  readonly directoryId?: string;
  readonly projectId?: string;
  readonly expiresAt: Date;
}

/** So many days before the end something is said, each once; 0: it has come. */
export const warningDays = [0, 1, 7, 14, 30] as const;
export type WarningDays = (typeof warningDays)[number];

const dayMs = 86_400_000;

/** The warning that is due: the nearest that has been reached. Undefined while there is time. */
export function warningOf(expiresAt: Date, at: Date): WarningDays | undefined {
  const left = (expiresAt.getTime() - at.getTime()) / dayMs;
  return warningDays.find((days) => left <= days);
}

/** All of an organization that has an end and has not been revoked, the nearest end first; what has ended is there too. */
export async function listExpiries(reads: ReadStore, organizationId: string): Promise<readonly Expiry[]> {
  const [connections, keys, tokens, secrets, clientKeys, apiKeys] = await Promise.all([
    reads.connections.find(organizationId, {}),
    reads.connectionKeys.find(organizationId, {}),
    reads.directoryTokens.find(organizationId, { expiresAt: { $exists: true }, revokedAt: { $exists: false } }),
    reads.oauthSecrets.find(organizationId, { expiresAt: { $exists: true }, revokedAt: { $exists: false } }),
    reads.oauthKeys.find(organizationId, { expiresAt: { $exists: true } }),
    reads.apiKeys.find(organizationId, { expiresAt: { $exists: true }, revokedAt: { $exists: false } }),
  ]);
  const names = new Map(connections.map(({ _id, name }) => [_id, name]));
  const found: Expiry[] = connections.flatMap(expiriesOf);
  for (const { _id: id, connectionId, state, expiresAt } of keys) {
    found.push({
      kind: 'connection_key',
      id,
      name: `${names.get(connectionId) ?? ''} (${state})`,
      connectionId,
      expiresAt,
    });
  }
  for (const [kind, rows] of [
    ['scim_token', tokens],
    ['oauth_secret', secrets],
    ['oauth_key', clientKeys],
  ] as const) {
    for (const { _id: id, name, directoryId, expiresAt } of rows) {
      if (expiresAt) found.push({ kind, id, name, directoryId, expiresAt });
    }
  }
  for (const { _id: id, name = '', projectId, expiresAt } of apiKeys) {
    if (expiresAt) found.push({ kind: 'api_key', id, name, projectId, expiresAt });
  }
  return found.sort((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime() || (a.id < b.id ? -1 : 1));
}

/** The same of the platform's own: the credentials of its services. */
export async function listPlatformExpiries(reads: ReadStore): Promise<readonly Expiry[]> {
  const credentials = await listServiceCredentials(reads);
  return credentials
    .flatMap(({ _id: id, name, expiresAt, revokedAt }): Expiry[] =>
      expiresAt && !revokedAt ? [{ kind: 'service_credential', id, name, expiresAt }] : [],
    )
    .sort((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime());
}

/** The ends that stand in a connection's own settings. */
function expiriesOf(connection: Connection): readonly Expiry[] {
  const { _id: connectionId, name } = connection;
  if (connection.protocol === 'saml') {
    return samlOf(connection).certificates.map(({ pem, expiresAt }) => {
      const id = describeCertificate(pem).fingerprint;
      return { kind: 'idp_certificate' as const, id, name, connectionId, expiresAt: new Date(expiresAt) };
    });
  }
  const { clientSecretExpiresAt: end } = oidcOf(connection);
  if (end === undefined) return [];
  return [{ kind: 'client_secret', id: connectionId, name, connectionId, expiresAt: new Date(end) }];
}

/**
 * Tells the audit of the platform and of every organization what is about to end, once for each thing and warning; and an organization's Admins by a
 * letter, which has all of it, once a day at most.
 */
export async function warnOfExpiries(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  const tell = async (trail: string, expiries: readonly Expiry[]): Promise<void> => {
    const due = expiries.filter(({ expiresAt }) => warningOf(expiresAt, at) !== undefined);
    if (due.length > 0) await store.transaction(cause, (tx) => warn(tx, trail, due, at));
  };
  await tell(platformTrail, await listPlatformExpiries(store.read));
  for await (const { _id } of store.read.organizations.stream(PLATFORM, {})) {
    if (!goOn()) return;
    await tell(_id, await listExpiries(store.read, _id));
  }
}

/** Letters of this kind are a day apart at least. */
const letterEveryMs = dayMs;

/** Asks for a letter to each Admin, where something was warned of since the last one, and that is a day ago (OPS-3). */
async function announce(tx: Transaction, organizationId: string, warnedAt: Date, at: Date): Promise<void> {
  const type = 'expiry.announced';
  const [last] = await tx.auditEvents.find(
    organizationId,
    { targetId: organizationId, type },
    { sort: { _id: -1 }, limit: 1 },
  );
  const lastAt = last?.createdAt.getTime() ?? Number.NEGATIVE_INFINITY;
  if (warnedAt.getTime() <= lastAt || tx.at.getTime() - lastAt < letterEveryMs) return;
  const admins = await tx.members.find(organizationId, { role: 'admin', status: 'active' });
  for (const { accountId } of admins) {
    await enqueue(tx, organizationId, 'mail-expiries', { to: accountId, at: at.toISOString() });
  }
  await recordAudit(tx, organizationId, {
    type,
    targetKind: 'organization',
    targetId: organizationId,
    after: { letters: admins.length },
  });
}

const words: Readonly<Record<Expiry['kind'], string>> = {
  idp_certificate: 'Certificate of an identity provider',
  connection_key: 'Our key of a connection',
  client_secret: 'Client secret of a connection',
  scim_token: 'SCIM token',
  oauth_secret: 'Secret of a SCIM client',
  oauth_key: 'Key of a SCIM client',
  api_key: 'API key',
  service_credential: 'Service credential',
};

/** The letter to one Admin; undefined for who is none any more, or has no address, and where nothing is about to end any more. */
export async function writeExpiryLetter(
  reads: ReadStore,
  organizationId: string,
  { to, at }: { readonly to: string; readonly at: string },
): Promise<Mail | undefined> {
  const [organization, reader] = await Promise.all([
    reads.organizations.get(organizationId, organizationId),
    reads.members.findOne(organizationId, { accountId: to, role: 'admin', status: 'active' }),
  ]);
  const [mailbox] = mailboxesOf(await findAccountEmails(reads, to));
  const now = new Date(at);
  const due = (await listExpiries(reads, organizationId)).filter((one) => warningOf(one.expiresAt, now) !== undefined);
  if (!organization || !reader || !mailbox || due.length === 0) return undefined;
  const lines = due.slice(0, LINE_LIMIT).map(({ kind, name, expiresAt }) => {
    const verb = expiresAt <= now ? 'has expired' : 'expires';
    return `- ${words[kind]} "${name}" ${verb} at ${expiresAt.toISOString()}`;
  });
  const more = due.length - lines.length;
  return {
    to: mailbox.email,
    subject: `${organization.name}: ${due.length === 1 ? 'something expires' : `${due.length} things expire`}`,
    text: [
      `In ${organization.name}, of which you are an Admin:`,
      [...lines, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n'),
      'Put the next one in its place before it ends: both are valid at once. The whole list is at GET …/expiries.',
      '',
    ].join('\n\n'),
  };
}

/** A letter is to be read. */
const LINE_LIMIT = 50;

async function warn(tx: Transaction, organizationId: string, due: readonly Expiry[], at: Date): Promise<void> {
  let warnedAt = new Date(0);
  for (const { kind, id, name, expiresAt, connectionId, directoryId, projectId } of due) {
    const days = warningOf(expiresAt, at);
    const end = expiresAt.toISOString();
    const type = 'expiry.warned';
    const told = await tx.auditEvents.find(organizationId, { targetId: id, type });
    const before = told.find(({ after }) => after?.days === days && after?.expiresAt === end);
    warnedAt = new Date(Math.max(warnedAt.getTime(), (before?.createdAt ?? tx.at).getTime()));
    if (before) continue;
    const where = {
      ...(connectionId !== undefined && { connectionId }),
      ...(directoryId !== undefined && { directoryId }),
      ...(projectId !== undefined && { projectId }),
    };
    await recordAudit(tx, organizationId, {
      type,
      targetKind: kind,
      targetId: id,
      after: { name, expiresAt: end, days, ...where },
      detail:
        days === 0
          ? `It has expired at ${end}`
          : `It expires at ${end}, in ${days === 1 ? 'a day' : `${days} days`} or less`,
    });
  }
  if (organizationId !== platformTrail) await announce(tx, organizationId, warnedAt, at);
}
