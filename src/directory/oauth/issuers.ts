/** Issuers whose signed word counts for a client: workload identity federation (RFC 7523), no secret and no key of ours. */
import { AppError } from '../../errors.ts';
import { newId } from '../../lib/ids.ts';
import { type OAuthClient, type OAuthIssuer, PLATFORM, type ReadStore, type Transaction } from '../../store/index.ts';
import { recordClient } from './clients.ts';

/** What an issuer's assertions must say, to the letter, and where the keys are that sign them. */
export interface IssuerTrust {
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  /** Absent: the addresses of the token endpoint and of the directory are. */
  readonly audience?: string | undefined;
  readonly jwksUri: string;
}

/** Trusts an issuer beside those that are there. Throws AppError `oauth_issuer_exists`. */
export async function addClientIssuer(tx: Transaction, client: OAuthClient, trust: IssuerTrust): Promise<OAuthIssuer> {
  const { organizationId, _id: clientId, directoryId } = client;
  const { name, issuer, subject, audience, jwksUri } = trust;
  await tx.oauthClients.lock(organizationId, clientId);
  if (await findIssuer(tx, directoryId, issuer, subject)) {
    throw new AppError('oauth_issuer_exists', 'A client of this directory trusts this subject of this issuer already');
  }
  const row = await tx.oauthIssuers.insert(organizationId, {
    _id: newId('oauthIssuer'),
    organizationId,
    directoryId,
    clientId,
    name,
    issuer,
    subject,
    ...(audience !== undefined && { audience }),
    jwksUri,
  });
  await recordClient(tx, client, 'client_issuer_added', { after: { issuerId: row._id, ...trust } });
  return row;
}

/** Trusts an issuer no longer: every access token that was given for its word ends at once. Throws AppError `not_found`. */
export async function removeClientIssuer(tx: Transaction, client: OAuthClient, id: string): Promise<void> {
  const { organizationId } = client;
  const row = await tx.oauthIssuers.get(organizationId, id);
  if (row?.clientId !== client._id) throw new AppError('not_found', `The client trusts no issuer ${id}`);
  await tx.oauthIssuers.remove(organizationId, { _id: id });
  await tx.oauthTokens.remove(organizationId, { credentialId: id });
  const { name, issuer, subject } = row;
  await recordClient(tx, client, 'client_issuer_removed', { before: { issuerId: id, name, issuer, subject } });
}

/** The one trust of a directory in this subject of this issuer. */
export const findIssuer = (
  reads: ReadStore,
  directoryId: string,
  issuer: string,
  subject: string,
): Promise<OAuthIssuer | undefined> => reads.oauthIssuers.findOne(PLATFORM, { directoryId, issuer, subject });
