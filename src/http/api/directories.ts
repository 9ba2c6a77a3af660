import { z } from 'zod';
import {
  createDirectory,
  getDirectory,
  type IssuedToken,
  issueToken,
  listDirectories,
  listTokens,
  pageGroups,
  pageUsers,
  revokeToken,
  rotateToken,
  unknownAttributesOf,
  updateDirectory,
} from '../../directory/index.ts';
import type { Directory, DirectoryGroup, DirectoryToken, DirectoryUser } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, nameInput, pageQuery, presentPage, time } from './common.ts';

const unknownAttributes = z.enum(['keep', 'refuse']).meta({
  description:
    'what becomes of pushed attributes that no schema of the directory has: kept and answered back, or refused',
});

const directory = z
  .strictObject({
    id,
    name: z.string(),
    scimBaseUrl: z.string().meta({ description: 'what the IdP asks for as the base URL, or tenant URL' }),
    externalIdIsImmutable: z.boolean(),
    unknownAttributes,
    createdAt: time,
  })
  .meta({ id: 'Directory' });

const tokenFields = {
  id,
  name: z.string(),
  lastFour: z.string(),
  expiresAt: time.optional(),
  revokedAt: time.optional(),
  lastUsedAt: time.optional().meta({ description: 'exact to some seconds' }),
  createdAt: time,
};
const token = z.strictObject(tokenFields).meta({ id: 'DirectoryToken' });
const issuedToken = z
  .strictObject({ ...tokenFields, secret: z.string().meta({ description: 'shown this once' }) })
  .meta({ id: 'IssuedDirectoryToken' });

const user = z
  .strictObject({
    id,
    userName: z.string(),
    externalId: z.string().optional(),
    active: z.boolean(),
    displayName: z.string().optional(),
    link: z.enum(['linked', 'waiting', 'released']),
    accountId: id.optional(),
    conflict: z.enum(['email_held_by_another']).optional(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'DirectoryUser' });

const group = z
  .strictObject({ id, displayName: z.string(), externalId: z.string().optional(), createdAt: time, updatedAt: time })
  .meta({ id: 'DirectoryGroup' });

const presentDirectory = (row: Directory, baseUrl: string): z.output<typeof directory> => ({
  id: row._id,
  name: row.name,
  scimBaseUrl: `${baseUrl}/scim/v2/${row._id}`,
  externalIdIsImmutable: row.externalIdIsImmutable,
  unknownAttributes: unknownAttributesOf(row),
  createdAt: row.createdAt.toISOString(),
});

const presentToken = (row: DirectoryToken): z.output<typeof token> => ({
  id: row._id,
  name: row.name,
  lastFour: row.lastFour,
  ...(row.expiresAt && { expiresAt: row.expiresAt.toISOString() }),
  ...(row.revokedAt && { revokedAt: row.revokedAt.toISOString() }),
  ...(row.lastUsedAt && { lastUsedAt: row.lastUsedAt.toISOString() }),
  createdAt: row.createdAt.toISOString(),
});

const presentIssued = (issued: IssuedToken): z.output<typeof issuedToken> => ({
  ...presentToken(issued.token),
  secret: issued.secret,
});

/** A person as a directory tells it; also the entry of the adoption queue. */
export const directoryUser = user;
export const presentUser = (row: DirectoryUser): z.output<typeof user> => ({
  id: row._id,
  userName: row.userName,
  ...(row.externalId !== undefined && { externalId: row.externalId }),
  active: row.active,
  ...(row.displayName !== undefined && { displayName: row.displayName }),
  link: row.link,
  ...(row.accountId !== undefined && { accountId: row.accountId }),
  ...(row.conflict && { conflict: row.conflict }),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

const presentGroup = (row: DirectoryGroup): z.output<typeof group> => ({
  id: row._id,
  displayName: row.displayName,
  ...(row.externalId !== undefined && { externalId: row.externalId }),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

const path = '/api/v1/organizations/{org}/directories';
const oneDirectory = inOrganization.extend(idIn('directory'));
const access = { permission: 'directory.manage', on: 'organization' } as const;
const tag = 'Directories';

const tokenRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: `${path}/{directory}/tokens`,
    tag,
    summary: 'Issue a SCIM token',
    description: 'Those issued before stay valid, so that an IdP can be moved from one to the next (SCIM-1).',
    access,
    params: oneDirectory,
    body: z.strictObject({ name: nameInput, expiresAt: time.optional() }),
    status: 201,
    response: issuedToken,
    handle: ({ params, body, write }) => {
      const expiresAt = body.expiresAt === undefined ? undefined : new Date(body.expiresAt);
      const { name } = body;
      return write(async (tx) =>
        presentIssued(await issueToken(tx, params.org, params.directory, { name, expiresAt })),
      );
    },
  }),
  route({
    method: 'get',
    path: `${path}/{directory}/tokens`,
    tag,
    summary: 'List the SCIM tokens of a directory, revoked and expired ones too',
    access,
    params: oneDirectory,
    status: 200,
    response: z.strictObject({ items: z.array(token) }),
    handle: async ({ params, reads }) => {
      await getDirectory(reads, params.org, params.directory);
      return { items: (await listTokens(reads, params.org, params.directory)).map(presentToken) };
    },
  }),
  route({
    method: 'post',
    path: `${path}/{directory}/tokens/{token}/rotate`,
    tag,
    summary: 'Issue a SCIM token in the place of another',
    description:
      'The old one stays valid until `oldExpiresAt`, the time that it takes to give the IdP the new one; an end that it has already is never moved back.',
    access,
    params: oneDirectory.extend(idIn('token')),
    body: z.strictObject({ oldExpiresAt: time, name: nameInput.optional(), expiresAt: time.optional() }),
    status: 201,
    response: z.strictObject({ token: issuedToken, former: token }),
    handle: ({ params, body, write }) => {
      const { name, oldExpiresAt, expiresAt } = body;
      const order = {
        endsAt: new Date(oldExpiresAt),
        ...(name !== undefined && { name }),
        ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
      };
      return write(async (tx) => {
        const rotated = await rotateToken(tx, params.org, params.directory, params.token, order);
        return { token: presentIssued(rotated), former: presentToken(rotated.former) };
      });
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{directory}/tokens/{token}`,
    tag,
    summary: 'Revoke a SCIM token',
    access,
    params: oneDirectory.extend(idIn('token')),
    status: 200,
    response: token,
    handle: ({ params, write }) =>
      write(async (tx) => presentToken(await revokeToken(tx, params.org, params.directory, params.token))),
  }),
];

export const directoryRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Connect a directory',
    description:
      'Answers the SCIM base URL and a first token for the IdP. `externalIdIsImmutable` says that the IdP sends its immutable id of a person as externalId (SCIM-3).',
    access,
    params: inOrganization,
    body: z.strictObject({
      name: nameInput,
      externalIdIsImmutable: z.boolean().optional(),
      unknownAttributes: unknownAttributes.optional(),
    }),
    status: 201,
    response: z.strictObject({ directory, token: issuedToken }),
    handle: ({ params, body, write }, { baseUrl }) =>
      write(async (tx) => {
        const made = await createDirectory(tx, params.org, body);
        const issued = await issueToken(tx, params.org, made._id, { name: 'first' });
        return { directory: presentDirectory(made, baseUrl), token: presentIssued(issued) };
      }),
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the directories',
    access,
    params: inOrganization,
    query: pageQuery,
    status: 200,
    response: listOf(directory),
    handle: async ({ params, query, reads }, { baseUrl }) =>
      presentPage(await listDirectories(reads, params.org, query), (row) => presentDirectory(row, baseUrl)),
  }),
  route({
    method: 'get',
    path: `${path}/{directory}`,
    tag,
    summary: 'Read a directory',
    access,
    params: oneDirectory,
    status: 200,
    response: directory,
    handle: async ({ params, reads }, { baseUrl }) =>
      presentDirectory(await getDirectory(reads, params.org, params.directory), baseUrl),
  }),
  route({
    method: 'patch',
    path: `${path}/{directory}`,
    tag,
    summary: 'Change a directory',
    description:
      'Its name, and what becomes of attributes that no schema has; what was kept before stays. Whether externalId is immutable is said once, when the directory is connected (SCIM-3).',
    access,
    params: oneDirectory,
    body: z
      .strictObject({ name: nameInput.optional(), unknownAttributes: unknownAttributes.optional() })
      .refine((change) => Object.keys(change).length > 0, { message: 'changes nothing' }),
    status: 200,
    response: directory,
    handle: ({ params, body, write }, { baseUrl }) =>
      write(async (tx) => presentDirectory(await updateDirectory(tx, params.org, params.directory, body), baseUrl)),
  }),
  ...tokenRoutes,
  route({
    method: 'get',
    path: `${path}/{directory}/users`,
    tag,
    summary: 'List the users that the IdP has pushed',
    access,
    params: oneDirectory,
    query: pageQuery,
    status: 200,
    response: listOf(user),
    handle: async ({ params, query, reads }) =>
      presentPage(await pageUsers(reads, await getDirectory(reads, params.org, params.directory), query), presentUser),
  }),
  route({
    method: 'get',
    path: `${path}/{directory}/groups`,
    tag,
    summary: 'List the groups that the IdP has pushed',
    access,
    params: oneDirectory,
    query: pageQuery,
    status: 200,
    response: listOf(group),
    handle: async ({ params, query, reads }) =>
      presentPage(
        await pageGroups(reads, await getDirectory(reads, params.org, params.directory), query),
        presentGroup,
      ),
  }),
];
