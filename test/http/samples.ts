/** For every route: where it leads in a world, and a body that it takes. A new route needs its line here. */
import type { Route } from '../../src/http/route.ts';
import { idpCertificate } from '../support/idpCertificate.ts';
import { sshKeys } from '../support/sshKeys.ts';
import { samplePem } from './samplePem.ts';
import type { World } from './world.ts';

export const nameOf = ({ method, path }: Route): string => `${method.toUpperCase()} ${path}`;

/** A schema that a directory may register. */
const schemaUrn = 'urn:example:badge:1.0:User';
const badgeSchema = {
  name: 'Badge',
  attributes: [{ name: 'room', type: 'complex', subAttributes: [{ name: 'floor', type: 'integer' }] }],
};

/** The path of a route with the ids of a world. */
export function pathIn(route: Route, world: World): string {
  const ids: Readonly<Record<string, string>> = {
    org: world.organizationId,
    project: world.projectId,
    account: world.member.accountId,
    member: world.member.memberId,
    invitation: world.invitationId,
    block: world.blockId,
    session: world.member.sessionId,
    email: 'eml-00000000000000000000000000',
    sshKey: 'ssh-00000000000000000000000000',
    domain: world.domain,
    directory: world.directoryId,
    token: world.directoryToken.id,
    urn: schemaUrn,
    client: world.oauthClient.id,
    secret: world.oauthClient.secretId,
    key: route.path.startsWith('/api/v1/projects/') ? world.apiKeyId : world.oauthClient.keyId,
    issuer: world.oauthClient.issuerId,
    resource: world.resourceId,
    mapping: world.mappingId,
    connection: world.connectionId,
    connectionKey: world.connectionKeyId,
    webhook: world.webhookId,
    delivery: world.deliveryId,
    job: world.parkedJobId,
    entry: world.refusedEntryId,
    reference: world.signInReference,
    identity: world.waitingIdentityId,
    credential: 'svc-00000000000000000000000000',
  };
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`no world has a ${name}`);
    return id;
  });
}

/** A SAML IdP by its fields. */
export const sampleSaml = {
  entityId: 'https://idp.example/entity',
  ssoUrl: 'https://idp.example/sso',
  certificates: [idpCertificate],
};

type Bodies = Readonly<Record<string, (world: World) => object>>;

const org = '/api/v1/organizations/{org}';
const webhookBodies = (path: string): Bodies => ({
  [`POST ${path}`]: () => ({
    url: 'https://hooks.example/2',
    description: 'Billing',
    types: ['member.removed'],
    enabled: false,
  }),
  [`PATCH ${path}/{webhook}`]: () => ({ description: 'Billing', types: ['member.removed'] }),
  [`POST ${path}/{webhook}/rotate-secret`]: () => ({ overlapHours: 1 }),
  [`POST ${path}/{webhook}/replay`]: () => ({ since: '2030-01-01T00:00:00Z' }),
});
const question = (world: World) => ({
  subject: { type: 'user', id: world.member.accountId },
  action: { name: 'project.read' },
  resource: { type: 'project', id: world.defaultProjectId },
});

export const bodies: Bodies = {
  'POST /access/v1/evaluation': question,
  'POST /access/v1/evaluations': (world) => {
    const { action, ...defaults } = question(world);
    return { ...defaults, evaluations: [{ action }] };
  },
  'POST /access/v1/search/subject': (world) => ({ ...question(world), subject: { type: 'user' }, page: { limit: 1 } }),
  'POST /access/v1/search/resource': (world) => ({ ...question(world), resource: { type: 'project' } }),
  'POST /access/v1/search/action': (world) => ({
    subject: question(world).subject,
    resource: question(world).resource,
  }),
  'POST /api/v1/accounts': () => ({ email: 'new@people.example', name: 'New' }),
  'POST /api/v1/service-credentials': () => ({
    name: 'gateway',
    scopes: ['evaluate'],
    expiresAt: '2100-01-01T00:00:00Z',
  }),
  'POST /api/v1/sessions': (world) => ({ email: world.member.email }),
  'PATCH /api/v1/me': () => ({ name: 'Renamed' }),
  'POST /api/v1/me/ssh-keys': () => ({ publicKey: sshKeys.ed25519.line, name: 'laptop' }),
  'POST /api/v1/me/emails': () => ({ email: 'further@people.example' }),
  'POST /api/v1/me/emails/prove': () => ({ token: '0'.repeat(64) }),
  'POST /api/v1/sessions/introspect': (world) => ({ token: world.member.token }),
  'POST /api/v1/organizations': () => ({
    name: 'Third',
    slug: 'third',
    owner: { email: 'owner@third.example', name: 'Owner' },
  }),
  [`PATCH ${org}`]: () => ({ name: 'Renamed', settings: { adminAccess: 'joined', membershipPolicy: 'sso' } }),
  [`POST ${org}/close`]: () => ({ confirm: 'no-such-slug' }),
  [`POST ${org}/members`]: (world) => ({ email: world.member.email, role: 'Admin' }),
  [`PATCH ${org}/members/{member}`]: () => ({ role: 'admin' }),
  [`POST ${org}/members/bulk`]: (world) => ({
    operations: [{ action: 'set_role', memberId: world.member.memberId, role: 'admin' }],
  }),
  [`POST ${org}/invitations`]: (world) => ({
    email: 'invited@people.example',
    role: 'admin',
    projects: [{ projectId: world.projectId, role: 'member' }],
  }),
  'POST /api/v1/invitations/accept': () => ({ token: '0'.repeat(64) }),
  [`POST ${org}/ownership-transfer`]: (world) => ({ memberId: world.admin.memberId, force: true }),
  [`POST ${org}/domains`]: () => ({ domain: 'second.example' }),
  [`POST ${org}/domains/{domain}/verify`]: () => ({ force: true }),
  [`POST ${org}/connections`]: () => ({
    name: 'Okta',
    preset: 'okta',
    claims: { email: ['mail'] },
    saml: { ...sampleSaml, nameIdFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' },
  }),
  [`POST ${org}/connections/{connection}/groups`]: () => ({ name: 'gpu-admins' }),
  [`PATCH ${org}/connections/{connection}`]: () => ({ name: 'Okta 2', saml: { certificates: [idpCertificate] } }),
  [`POST ${org}/confirmations`]: (world) => ({ identityId: world.outsideIdentityId }),
  [`POST ${org}/directories`]: () => ({ name: 'Entra', externalIdIsImmutable: true }),
  [`PATCH ${org}/directories/{directory}`]: () => ({ name: 'Entra', unknownAttributes: 'refuse' }),
  [`PUT ${org}/directories/{directory}/schemas/{urn}`]: () => badgeSchema,
  [`POST ${org}/directories/{directory}/tokens`]: () => ({ name: 'next', expiresAt: '2100-01-01T00:00:00Z' }),
  [`POST ${org}/directories/{directory}/tokens/{token}/rotate`]: () => ({
    oldExpiresAt: '2100-01-01T00:00:00Z',
    name: 'next',
  }),
  [`POST ${org}/directories/{directory}/oauth-clients`]: () => ({
    name: 'Entra',
    secretExpiresAt: '2100-01-01T00:00:00Z',
  }),
  [`POST ${org}/directories/{directory}/oauth-clients/{client}/secrets`]: () => ({
    name: 'next',
    expiresAt: '2100-01-01T00:00:00Z',
  }),
  [`POST ${org}/directories/{directory}/oauth-clients/{client}/issuers`]: () => ({
    name: 'GitHub',
    issuer: 'https://token.example',
    subject: 'repo:acme/sync',
    audience: 'api://gatehouse',
    jwksUri: 'https://token.example/keys',
  }),
  [`POST ${org}/directories/{directory}/oauth-clients/{client}/keys`]: () => ({ name: 'next', pem: samplePem() }),
  ...webhookBodies(`${org}/webhooks`),
  ...webhookBodies('/api/v1/webhooks'),
  [`POST ${org}/mappings`]: (world) => ({ groupId: world.groupId, role: 'admin', projectId: world.projectId }),
  [`PATCH ${org}/mappings/{mapping}`]: () => ({ role: 'admin', grants: 'keep' }),
  [`POST ${org}/projects`]: () => ({ name: 'Production' }),
  'PATCH /api/v1/projects/{project}': () => ({ name: 'Renamed' }),
  'POST /api/v1/projects/{project}/keys': () => ({ name: 'CI', expiresAt: '2100-01-01T00:00:00Z' }),
  [`POST ${org}/keys`]: () => ({ name: 'CI' }),
  'POST /api/v1/projects/{project}/resources': () => ({ type: 'file', name: 'weights', externalId: 'file-1' }),
  [`POST ${org}/resources`]: () => ({ type: 'file', name: 'weights', externalId: 'file-1' }),
  'PATCH /api/v1/projects/{project}/resources/{resource}': () => ({ name: 'renamed' }),
  'POST /api/v1/keys/verify': (world) => ({ key: 'ghk_unknown', project: world.projectId }),
  'POST /api/v1/projects/{project}/collaborators': (world) => ({
    email: world.member.email,
    role: 'member',
    external: false,
  }),
  'PATCH /api/v1/projects/{project}/collaborators/{account}': () => ({ role: 'admin' }),
};
