/** OAuth 2.0 clients of directories (SCIM-1): for IdPs that fetch access tokens instead of keeping a token. */
import { z } from 'zod';
import {
  addClientIssuer,
  addClientKey,
  type ClientCredentials,
  createClient,
  credentialsOf,
  deleteClient,
  getClient,
  issueClientSecret,
  listClients,
  readPublicKey,
  removeClientIssuer,
  removeClientKey,
  revokeClientSecret,
} from '../../directory/index.ts';
import { AppError } from '../../errors.ts';
import type { JsonObject, OAuthIssuer, OAuthKey, OAuthSecret } from '../../store/index.ts';
import { invalidRequest } from '../errors.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, nameInput, time } from './common.ts';

const secretFields = {
  id,
  name: z.string(),
  lastFour: z.string(),
  expiresAt: time.optional(),
  revokedAt: time.optional(),
  lastUsedAt: time.optional(),
  createdAt: time,
};
const secret = z.strictObject(secretFields).meta({ id: 'OAuthClientSecret' });
const issuedSecret = z
  .strictObject({ ...secretFields, secret: z.string().meta({ description: 'shown this once' }) })
  .meta({ id: 'IssuedOAuthClientSecret' });

const key = z
  .strictObject({
    id,
    name: z.string(),
    kid: z.string().meta({ description: "the JWK's own, else its thumbprint (RFC 7638)" }),
    expiresAt: time.optional(),
    lastUsedAt: time.optional(),
    createdAt: time,
  })
  .meta({ id: 'OAuthClientKey' });

const issuerFields = {
  name: nameInput,
  issuer: z.string().min(1).max(1024).meta({ description: '`iss` of its assertions, to the letter' }),
  subject: z.string().min(1).max(255).meta({ description: '`sub` of its assertions, to the letter' }),
  audience: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({ description: '`aud` of its assertions; default: the token endpoint, or the SCIM base URL' }),
  jwksUri: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .meta({ description: 'where its public keys are' }),
};
const issuer = z
  .strictObject({ id, ...issuerFields, lastUsedAt: time.optional(), createdAt: time })
  .meta({ id: 'OAuthClientIssuer' });

const client = z
  .strictObject({
    id: id.meta({ description: 'the client_id' }),
    name: z.string(),
    tokenEndpoint: z.string(),
    secrets: z.array(secret),
    keys: z.array(key),
    issuers: z.array(issuer),
    createdAt: time,
  })
  .meta({ id: 'OAuthClient' });

const keyInput = {
  name: nameInput,
  jwk: z.record(z.string(), z.unknown()).optional().meta({ description: 'a public key as RFC 7517 describes it' }),
  pem: z.string().max(20_000).optional().meta({ description: 'a public key or a certificate, as text' }),
  expiresAt: time.optional(),
};

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));
const timeIn = (name: string, date: Date | undefined) => (date ? { [name]: date.toISOString() } : {});

const presentSecret = (row: OAuthSecret): z.output<typeof secret> => ({
  id: row._id,
  name: row.name,
  lastFour: row.lastFour,
  ...timeIn('expiresAt', row.expiresAt),
  ...timeIn('revokedAt', row.revokedAt),
  ...timeIn('lastUsedAt', row.lastUsedAt),
  createdAt: row.createdAt.toISOString(),
});

const presentKey = (row: OAuthKey): z.output<typeof key> => ({
  id: row._id,
  name: row.name,
  kid: row.keyId,
  ...timeIn('expiresAt', row.expiresAt),
  ...timeIn('lastUsedAt', row.lastUsedAt),
  createdAt: row.createdAt.toISOString(),
});

const presentIssuer = (row: OAuthIssuer): z.output<typeof issuer> => ({
  id: row._id,
  name: row.name,
  issuer: row.issuer,
  subject: row.subject,
  ...(row.audience !== undefined && { audience: row.audience }),
  jwksUri: row.jwksUri,
  ...timeIn('lastUsedAt', row.lastUsedAt),
  createdAt: row.createdAt.toISOString(),
});

const presentClient = (
  { client: row, secrets, keys, issuers }: ClientCredentials,
  baseUrl: string,
): z.output<typeof client> => ({
  id: row._id,
  name: row.name,
  tokenEndpoint: `${baseUrl}/scim/v2/${row.directoryId}/oauth/token`,
  secrets: secrets.map(presentSecret),
  keys: keys.map(presentKey),
  issuers: issuers.map(presentIssuer),
  createdAt: row.createdAt.toISOString(),
});

/** Exactly one of the two forms of a key. Throws invalid_request. */
function keyIn({ jwk, pem }: { readonly jwk?: JsonObject | undefined; readonly pem?: string | undefined }) {
  if (pem !== undefined && jwk === undefined) return readPublicKey({ pem });
  if (jwk !== undefined && pem === undefined) return readPublicKey({ jwk });
  const fault = { in: 'body', field: 'jwk', message: 'or pem: one of the two is the key' } as const;
  throw invalidRequest('Send the public key as jwk or as pem.', [fault]);
}

const path = '/api/v1/organizations/{org}/directories/{directory}/oauth-clients';
const one = `${path}/{client}` as const;
const inDirectory = inOrganization.extend(idIn('directory'));
const inClient = inDirectory.extend(idIn('client'));
const access = { permission: 'directory.manage', on: 'organization' } as const;
const tag = 'Directories';

const clientRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Make an OAuth 2.0 client for the IdP',
    description:
      'For client credentials (RFC 6749 §4.4). Answers a first secret, shown once; none where `secret` is false, for a client that will sign assertions with a key of its own (private_key_jwt).',
    access,
    params: inDirectory,
    body: z.strictObject({
      name: nameInput,
      secret: z.boolean().default(true),
      secretExpiresAt: time.optional(),
    }),
    status: 201,
    response: z.strictObject({ client, secret: issuedSecret.optional() }),
    handle: ({ params, body, write }, { baseUrl }) => {
      const expiresAt = dateOf(body.secretExpiresAt);
      return write(async (tx) => {
        const made = await createClient(tx, params.org, params.directory, { name: body.name });
        const issued = body.secret ? await issueClientSecret(tx, made, { name: 'first', expiresAt }) : undefined;
        return {
          client: presentClient(await credentialsOf(tx, made), baseUrl),
          ...(issued && { secret: { ...presentSecret(issued.secret), secret: issued.plain } }),
        };
      });
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the OAuth 2.0 clients of a directory, with their secrets and keys',
    access,
    params: inDirectory,
    status: 200,
    response: z.strictObject({ items: z.array(client) }),
    handle: async ({ params, reads }, { baseUrl }) => ({
      items: (await listClients(reads, params.org, params.directory)).map((row) => presentClient(row, baseUrl)),
    }),
  }),
  route({
    method: 'get',
    path: one,
    tag,
    summary: 'Read an OAuth 2.0 client',
    access,
    params: inClient,
    status: 200,
    response: client,
    handle: async ({ params, reads }, { baseUrl }) => {
      const row = await getClient(reads, params.org, params.directory, params.client);
      return presentClient(await credentialsOf(reads, row), baseUrl);
    },
  }),
  route({
    method: 'delete',
    path: one,
    tag,
    summary: 'Delete an OAuth 2.0 client',
    description: 'Its secrets, keys, trusted issuers and access tokens end at once.',
    access,
    params: inClient,
    status: 204,
    handle: ({ params, write }) =>
      write(async (tx) => {
        await deleteClient(tx, params.org, params.directory, params.client);
        return undefined;
      }),
  }),
];

const credentialRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: `${one}/secrets`,
    tag,
    summary: 'Issue a client secret',
    description: 'Those issued before stay valid, so that the IdP can be moved from one to the next.',
    access,
    params: inClient,
    body: z.strictObject({ name: nameInput, expiresAt: time.optional() }),
    status: 201,
    response: issuedSecret,
    handle: ({ params, body, write }) =>
      write(async (tx) => {
        const row = await getClient(tx, params.org, params.directory, params.client);
        const order = { name: body.name, expiresAt: dateOf(body.expiresAt) };
        const issued = await issueClientSecret(tx, row, order);
        return { ...presentSecret(issued.secret), secret: issued.plain };
      }),
  }),
  route({
    method: 'delete',
    path: `${one}/secrets/{secret}`,
    tag,
    summary: 'Revoke a client secret',
    description: 'The access tokens that were given for it end with it.',
    access,
    params: inClient.extend(idIn('secret')),
    status: 200,
    response: secret,
    handle: ({ params, write }) =>
      write(async (tx) => {
        const row = await getClient(tx, params.org, params.directory, params.client);
        return presentSecret(await revokeClientSecret(tx, row, params.secret));
      }),
  }),
  route({
    method: 'post',
    path: `${one}/keys`,
    tag,
    summary: 'Add a public key that the client signs assertions with',
    description: 'RSA of at least 2048 bits, EC on P-256, P-384 or P-521, or Ed25519; never the private key.',
    access,
    params: inClient,
    body: z.strictObject(keyInput),
    status: 201,
    response: key,
    errors: ['oauth_key_exists'],
    handle: async ({ params, body, write }) => {
      const order = { name: body.name, key: await keyIn(body), expiresAt: dateOf(body.expiresAt) };
      return write(async (tx) => {
        const row = await getClient(tx, params.org, params.directory, params.client);
        return presentKey(await addClientKey(tx, row, order));
      });
    },
  }),
  route({
    method: 'delete',
    path: `${one}/keys/{key}`,
    tag,
    summary: 'Remove a public key of a client',
    description: 'The access tokens that were given for it end with it.',
    access,
    params: inClient.extend(idIn('key')),
    status: 204,
    handle: ({ params, write }) =>
      write(async (tx) => {
        const row = await getClient(tx, params.org, params.directory, params.client);
        await removeClientKey(tx, row, params.key);
        return undefined;
      }),
  }),
];

const issuerRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: `${one}/issuers`,
    tag,
    summary: 'Trust an issuer that speaks for the client',
    description:
      'Workload identity federation (RFC 7523), such as that of Microsoft Entra ID: the client authenticates with a JWT of this issuer, about this subject, for this audience. The keys are read at `jwksUri` now and then, and whenever an unknown one is named.',
    access,
    params: inClient,
    body: z.strictObject(issuerFields),
    status: 201,
    response: issuer,
    errors: ['oauth_issuer_exists', 'address_refused'],
    handle: ({ params, body, write }, { allowPrivate }) => {
      if (!allowPrivate && new URL(body.jwksUri).protocol !== 'https:')
        throw new AppError('address_refused', 'jwksUri must be an https address');
      return write(async (tx) => {
        const row = await getClient(tx, params.org, params.directory, params.client);
        return presentIssuer(await addClientIssuer(tx, row, body));
      });
    },
  }),
  route({
    method: 'delete',
    path: `${one}/issuers/{issuer}`,
    tag,
    summary: 'Trust an issuer no longer',
    description: 'The access tokens that were given for its word end with it.',
    access,
    params: inClient.extend(idIn('issuer')),
    status: 204,
    handle: ({ params, write }) =>
      write(async (tx) => {
        const row = await getClient(tx, params.org, params.directory, params.client);
        await removeClientIssuer(tx, row, params.issuer);
        return undefined;
      }),
  }),
];

export const oauthClientRoutes: readonly Route[] = [...clientRoutes, ...credentialRoutes, ...issuerRoutes];
