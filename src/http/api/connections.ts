/** Connections to IdPs (SSO-1): how an organization's people sign in. */
import { z } from 'zod';
import { AppError, type ErrorCode } from '../../errors.ts';
import {
  activateKey,
  addNextKey,
  auditRefusedIdp,
  claimNames,
  createConnection,
  deleteConnection,
  findKeys,
  getConnection,
  type Idp,
  type IdpDeps,
  listConnections,
  makeKey,
  makeTestLink,
  oidcOf,
  presetNames,
  removeKey,
  resolveOidc,
  resolveSaml,
  samlOf,
  updateConnection,
} from '../../sso/index.ts';
import type { Connection, ReadStore, Transaction } from '../../store/index.ts';
import { invalidRequest } from '../errors.ts';
import { type ApiDeps, type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, nameInput, pageQuery, time } from './common.ts';
import { connection, connectionKey, presentConnection, presentKey } from './connectionViews.ts';

const url = z.string().trim().min(1).max(2048);
const text = z.string().trim().min(1).max(1024);
const binding = z.enum(['redirect', 'post']);

const samlInput = z.strictObject({
  metadataXml: z.string().max(250_000).optional().meta({ description: "the IdP's metadata, as text" }),
  metadataUrl: url.nullish().meta({ description: 'where the metadata is, read again on schedule; null stops that' }),
  entityId: text.optional(),
  ssoUrl: url.optional(),
  ssoBinding: binding.optional(),
  sloUrl: url.nullish(),
  sloBinding: binding.optional(),
  sloResponseUrl: url
    .nullish()
    .meta({ description: 'where the log-outs that the IdP begins are answered, if not at `sloUrl`' }),
  certificates: z.array(z.string().min(1).max(16_384)).min(1).max(10).optional().meta({
    description: 'what the IdP signs with, as PEM; several while one replaces another',
  }),
  signRequests: z.boolean().optional().meta({ description: 'default: what the metadata asks for' }),
  requireEncryption: z.boolean().optional(),
  nameIdFormat: text.nullish(),
});

const oidcInput = z.strictObject({
  issuer: url.optional(),
  clientId: text.optional(),
  authentication: z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt']).optional().meta({
    description:
      'client_secret_basic, where it is left out, unless the issuer says that it takes client_secret_post only',
  }),
  clientSecret: z.string().min(1).max(1024).optional().meta({ description: 'kept sealed, never shown again' }),
  clientSecretExpiresAt: time
    .optional()
    .meta({ description: 'as the IdP tells it, so that it expires by no surprise' }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(20)
    .optional(),
  tenantId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/)
    .nullish()
    .meta({ description: "Entra's tenant, where the issuer is one of several tenants" }),
});

const claimsInput = z
  .strictObject(
    Object.fromEntries(Object.entries(claimNames.shape).map(([name, schema]) => [name, schema.nullable()])) as {
      readonly [N in keyof typeof claimNames.shape]: z.ZodNullable<(typeof claimNames.shape)[N]>;
    },
  )
  .meta({ description: "over the preset's: which claims say what; null takes the preset's names away" });

const path = '/api/v1/organizations/{org}/connections';
const one = `${path}/{connection}` as const;
const inConnection = inOrganization.extend(idIn('connection'));
const inKey = inConnection.extend(idIn('connectionKey'));
const access = { permission: 'sso.manage', on: 'organization' } as const;
const tag = 'Connections';
const remote = ['address_refused', 'remote_unreachable', 'remote_too_large'] as const;
const idpErrors = ['metadata_invalid', 'certificate_invalid', 'issuer_invalid', ...remote] as const;

async function show(reads: ReadStore, row: Connection, { baseUrl }: ApiDeps) {
  return presentConnection(row, await findKeys(reads, row), baseUrl);
}

const idpDeps = ({ outgoing, sealer, allowPrivate }: ApiDeps): IdpDeps => ({ outgoing, sealer, allowPrivate });

const grantsChoice = z.enum(['revoke', 'keep']).meta({
  description:
    'what becomes of grants that mappings on groups of its sign-ins have given; asked for where there are such',
});

const connectionRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Connect an IdP for sign-in',
    description:
      'By `saml` (metadataXml, metadataUrl, or entityId, ssoUrl and certificates) or by `oidc` (issuer, clientId, and a secret or private_key_jwt). It begins as a draft: `forIdp` says what to type in at the IdP; test it, then activate it. A directory turns just-in-time provisioning off: its people alone may come in (SSO-4).',
    access,
    params: inOrganization,
    body: z
      .strictObject({
        name: nameInput,
        preset: z.enum(presetNames).default('custom'),
        claims: claimsInput.optional(),
        jit: z.boolean().optional(),
        directoryId: id.optional(),
        idpInitiated: z.boolean().default(false),
        saml: samlInput.optional(),
        oidc: oidcInput.optional(),
      })
      .refine(({ saml, oidc }) => (saml === undefined) !== (oidc === undefined), {
        message: 'describe the IdP in one of saml and oidc',
      }),
    status: 201,
    response: connection,
    errors: idpErrors,
    handle: async ({ params, body, write }, deps) => {
      const { saml, oidc, ...rest } = body;
      const at = deps.clock.now();
      const idp = await telling(write, params.org, undefined, async (): Promise<Idp> => {
        if (saml) return { protocol: 'saml', saml: await resolveSaml(idpDeps(deps), saml, at) };
        return { protocol: 'oidc', oidc: await resolveOidc(idpDeps(deps), oidc ?? {}) };
      });
      const key = await makeKey(at);
      return write(async (tx) => {
        const made = await createConnection(tx, deps.sealer, params.org, { ...rest, idp }, key);
        return show(tx, made, deps);
      });
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the connections',
    access,
    params: inOrganization,
    query: pageQuery,
    status: 200,
    response: listOf(connection),
    handle: async ({ params, query, reads }, deps) => {
      const { items, nextCursor } = await listConnections(reads, params.org, query);
      const shown = await Promise.all(items.map((row) => show(reads, row, deps)));
      return { items: shown, ...(nextCursor !== undefined && { nextCursor }) };
    },
  }),
  route({
    method: 'get',
    path: one,
    tag,
    summary: 'Read a connection',
    access,
    params: inConnection,
    status: 200,
    response: connection,
    handle: async ({ params, reads }, deps) =>
      show(reads, await getConnection(reads, params.org, params.connection), deps),
  }),
  route({
    method: 'patch',
    path: one,
    tag,
    summary: 'Change, activate or disable a connection',
    description:
      'Fields of `saml` and `oidc` that are left out stay. A new client secret takes the place of the old one at once: let the IdP take both meanwhile. Other settings of the IdP want another test. `status: "active"` asks for a successful test sign-in, unless `force` is true. `status: "disabled"` ends at once what sessions have from this connection, in every organization; what else their people have shown stays.',
    access,
    params: inConnection,
    body: z
      .strictObject({
        name: nameInput.optional(),
        claims: claimsInput.optional(),
        jit: z.boolean().optional(),
        directoryId: id.nullish(),
        idpInitiated: z.boolean().optional(),
        saml: samlInput.optional(),
        oidc: oidcInput.optional(),
        status: z.enum(['active', 'disabled']).optional(),
        force: z.literal(true).optional(),
      })
      .refine(({ force: _, ...change }) => Object.keys(change).length > 0, { message: 'changes nothing' }),
    status: 200,
    response: connection,
    errors: ['connection_untested', 'issuer_fixed', 'no_active_connection', ...idpErrors],
    handle: async ({ params, body, reads, write }, deps) => {
      const { saml, oidc, ...rest } = body;
      const before = await getConnection(reads, params.org, params.connection);
      const idp = await telling(write, params.org, before._id, () => resolveChange(deps, before, { saml, oidc }));
      return write(async (tx) => show(tx, await updateConnection(tx, before, { ...rest, ...(idp && { idp }) }), deps));
    },
  }),
  route({
    method: 'post',
    path: `${one}/test`,
    tag,
    summary: 'Begin a test sign-in',
    description:
      'Answers a link to open once, in the browser that is to sign in at the IdP. Its last page shows what the IdP sent, and what would become of the person; so does the record of the sign-in. Nobody is signed in, and nothing is changed but that the connection counts as tested.',
    access,
    params: inConnection,
    status: 201,
    response: z.strictObject({ url: z.string(), expiresAt: time }),
    handle: ({ params, write }, { baseUrl }) =>
      write(async (tx) => {
        const link = await makeTestLink(tx, await getConnection(tx, params.org, params.connection), baseUrl);
        return { url: link.url, expiresAt: link.expiresAt.toISOString() };
      }),
  }),
  route({
    method: 'delete',
    path: one,
    tag,
    summary: 'Delete a connection',
    description:
      'Its keys, the identities of its people, the records of its sign-ins and what it has proven in sessions go with it, so do the groups that its sign-ins have claimed, and the mappings on these. People keep their accounts and memberships; through another connection they are linked anew.',
    access,
    params: inConnection,
    query: z.strictObject({ grants: grantsChoice.optional() }),
    status: 204,
    errors: ['grants_choice_required', 'no_active_connection'],
    handle: async ({ params, query, write }) => {
      await write((tx) => deleteConnection(tx, params.org, params.connection, query.grants));
      return undefined;
    },
  }),
];

/** What is refused of an IdP is the Admin's to read in the answer, and everybody's in the audit. */
async function telling<T>(
  write: (work: (tx: Transaction) => Promise<void>) => Promise<void>,
  organizationId: string,
  connectionId: string | undefined,
  resolve: () => Promise<T>,
): Promise<T> {
  try {
    return await resolve();
  } catch (error) {
    if (error instanceof AppError && (idpErrors as readonly ErrorCode[]).includes(error.code)) {
      await write((tx) => auditRefusedIdp(tx, organizationId, connectionId, error));
    }
    throw error;
  }
}

/** The IdP of a change, resolved over what the connection has; undefined where the change says nothing of it. */
async function resolveChange(
  deps: ApiDeps,
  before: Connection,
  {
    saml,
    oidc,
  }: { readonly saml?: z.output<typeof samlInput> | undefined; readonly oidc?: z.output<typeof oidcInput> | undefined },
): Promise<Idp | undefined> {
  const wrong = before.protocol === 'saml' ? oidc && 'oidc' : saml && 'saml';
  if (wrong) {
    const fault = { in: 'body', field: wrong, message: `this connection speaks ${before.protocol}` } as const;
    throw invalidRequest('A connection keeps its protocol; make another one.', [fault]);
  }
  const at = deps.clock.now();
  if (saml) return { protocol: 'saml', saml: await resolveSaml(idpDeps(deps), saml, at, samlOf(before)) };
  if (oidc) return { protocol: 'oidc', oidc: await resolveOidc(idpDeps(deps), oidc, oidcOf(before)) };
  return undefined;
}

const keyRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: `${one}/keys`,
    tag,
    summary: 'Make the next key of a connection',
    description:
      'It is published in our metadata and JWKS beside the current one, and used once it is activated: give the IdP the time, or the file, to learn it.',
    access,
    params: inConnection,
    status: 201,
    response: connectionKey,
    errors: ['key_waiting'],
    handle: async ({ params, reads, write }, { clock, sealer }) => {
      await getConnection(reads, params.org, params.connection);
      const made = await makeKey(clock.now());
      return write(async (tx) => {
        const row = await getConnection(tx, params.org, params.connection);
        return presentKey(await addNextKey(tx, sealer, row, made));
      });
    },
  }),
  route({
    method: 'post',
    path: `${one}/keys/{connectionKey}/activate`,
    tag,
    summary: 'Activate the next key of a connection',
    description: 'The current one becomes a former one: still published, still able to decrypt, until it is removed.',
    access,
    params: inKey,
    status: 200,
    response: connectionKey,
    handle: ({ params, write }) =>
      write(async (tx) => {
        const row = await getConnection(tx, params.org, params.connection);
        return presentKey(await activateKey(tx, row, params.connectionKey));
      }),
  }),
  route({
    method: 'delete',
    path: `${one}/keys/{connectionKey}`,
    tag,
    summary: 'Remove a next or former key of a connection',
    access,
    params: inKey,
    status: 204,
    errors: ['key_in_use'],
    handle: ({ params, write }) =>
      write(async (tx) => {
        await removeKey(tx, await getConnection(tx, params.org, params.connection), params.connectionKey);
        return undefined;
      }),
  }),
];

export const ssoConnectionRoutes: readonly Route[] = [...connectionRoutes, ...keyRoutes];
