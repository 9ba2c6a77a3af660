/** Every collection of the product: the single definition that both engines read. */
import type { RowOf } from '../define.ts';
import {
  apiKeys,
  blocks,
  domains,
  grants,
  invitations,
  members,
  organizations,
  ownershipTransfers,
  projects,
  resources,
} from './access.ts';
import { accountEmails, accounts, sessions, sshKeys } from './accounts.ts';
import {
  directories,
  directoryEmails,
  directoryGroups,
  directorySchemas,
  directoryTokens,
  directoryUsers,
  edges,
  provisioningLog,
} from './directory.ts';
import { eventChunks, webhookDeliveries, webhooks } from './events.ts';
import { auditChains, auditEvents, history, keyChecks, leases, outbox } from './machinery.ts';
import { oauthAssertions, oauthClients, oauthIssuers, oauthKeys, oauthSecrets, oauthTokens } from './oauth.ts';
import { serviceCredentials } from './platform.ts';
import { mappings } from './provisioning.ts';
import {
  connectionKeys,
  connections,
  consumedMessages,
  identities,
  idpSessions,
  mailedLinks,
  signInAttempts,
  signInRecords,
} from './sso.ts';

export const collections = {
  accounts,
  accountEmails,
  sshKeys,
  sessions,
  serviceCredentials,
  organizations,
  members,
  invitations,
  blocks,
  ownershipTransfers,
  projects,
  grants,
  apiKeys,
  resources,
  domains,
  directories,
  directorySchemas,
  directoryTokens,
  oauthClients,
  oauthSecrets,
  oauthKeys,
  oauthIssuers,
  oauthTokens,
  oauthAssertions,
  directoryUsers,
  directoryEmails,
  directoryGroups,
  edges,
  provisioningLog,
  mappings,
  connections,
  connectionKeys,
  identities,
  signInAttempts,
  consumedMessages,
  signInRecords,
  mailedLinks,
  idpSessions,
  outbox,
  auditEvents,
  auditChains,
  eventChunks,
  webhooks,
  webhookDeliveries,
  history,
  leases,
  keyChecks,
} as const;

export type CollectionName = keyof typeof collections;

/** Those whose rows each belong to one organization. */
export const organizationCollections: readonly CollectionName[] = (Object.keys(collections) as CollectionName[]).filter(
  (name) => collections[name].scope === 'organization',
);

/** The row of a collection, as reads answer it. */
export type Row<N extends CollectionName> = RowOf<(typeof collections)[N]>;

export type Account = Row<'accounts'>;
export type AccountEmail = Row<'accountEmails'>;
export type SshKey = Row<'sshKeys'>;
export type Session = Row<'sessions'>;
export type ServiceCredential = Row<'serviceCredentials'>;
export type Organization = Row<'organizations'>;
export type Member = Row<'members'>;
export type Invitation = Row<'invitations'>;
export type Block = Row<'blocks'>;
export type OwnershipTransfer = Row<'ownershipTransfers'>;
export type Project = Row<'projects'>;
export type Grant = Row<'grants'>;
export type ApiKey = Row<'apiKeys'>;
export type Resource = Row<'resources'>;
export type Domain = Row<'domains'>;
export type Directory = Row<'directories'>;
export type DirectorySchema = Row<'directorySchemas'>;
export type DirectoryToken = Row<'directoryTokens'>;
export type OAuthClient = Row<'oauthClients'>;
export type OAuthSecret = Row<'oauthSecrets'>;
export type OAuthKey = Row<'oauthKeys'>;
export type OAuthIssuer = Row<'oauthIssuers'>;
export type OAuthToken = Row<'oauthTokens'>;
export type DirectoryUser = Row<'directoryUsers'>;
export type DirectoryEmail = Row<'directoryEmails'>;
export type DirectoryGroup = Row<'directoryGroups'>;
export type Edge = Row<'edges'>;
export type ProvisioningLogEntry = Row<'provisioningLog'>;
export type Mapping = Row<'mappings'>;
export type Connection = Row<'connections'>;
export type ConnectionKey = Row<'connectionKeys'>;
export type IdentityRow = Row<'identities'>;
export type SignInAttempt = Row<'signInAttempts'>;
export type SignInRecord = Row<'signInRecords'>;
export type MailedLink = Row<'mailedLinks'>;
export type IdpSession = Row<'idpSessions'>;
export type OutboxRow = Row<'outbox'>;
export type AuditEvent = Row<'auditEvents'>;
export type EventChunk = Row<'eventChunks'>;
export type Webhook = Row<'webhooks'>;
export type WebhookDelivery = Row<'webhookDeliveries'>;
