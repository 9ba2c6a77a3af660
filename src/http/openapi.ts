/** The OpenAPI 3.1 document, made from the very declarations that are mounted: it cannot drift from them. */
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { type ErrorCode, errorCatalogue } from '../errors.ts';
import { catalog, eventTypes } from '../events/index.ts';
import { groupBy } from '../lib/groupBy.ts';
import { domainEvent } from './api/events.ts';
import { statusOf } from './errors.ts';
import { type Access, mayWrite, type Route } from './route.ts';

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum([...(Object.keys(errorCatalogue) as ErrorCode[]), 'internal_error']),
    detail: z.string().optional(),
    requestId: z.string(),
    errors: z
      .array(z.object({ in: z.enum(['body', 'query', 'header']), field: z.string(), message: z.string() }))
      .optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem', description: 'An error as RFC 9457 describes it. `code` is stable.' });

/**
 * Every code that a route may answer with: its own, and those that follow from its access, its input, and whether it
 * writes. Any may refuse a query parameter that it does not take, and a method that its path does not have.
 */
export function errorsOf(route: Route): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([...(route.errors ?? []), 'invalid_request', 'method_not_allowed']);
  const add = (...more: readonly ErrorCode[]): void => {
    for (const code of more) codes.add(code);
  };
  const mayIdentify = route.access !== 'public' || route.session !== undefined;
  if (mayIdentify) add('token_invalid', 'token_expired', 'token_revoked', 'act_as_refused');
  if (route.access !== 'public') {
    add('authentication_required', 'scope_insufficient');
    add(route.access === 'operator' ? 'operator_only' : 'permission_denied');
  }
  if (typeof route.access === 'object') add('step_up_required', 'organization_closed');
  if (mayWrite(route) && !route.onClosed && /\{(?:org|project)\}/.test(route.path)) add('organization_closed');
  if (route.params) add('not_found');
  if (mayWrite(route)) add('stale');
  if (mayIdentify && route.method !== 'get') add('csrf_refused');
  if (route.body) add('malformed_json', 'body_too_large');
  if (route.body && route.tag !== 'Decisions') add('unsupported_content_type');
  if (route.access !== 'public') add('store_unavailable');
  return [...codes];
}

/** Who may call a route, in words. */
export function accessInWords({
  access,
  scope,
  whoMay = whoMayBy(access),
}: Pick<Route, 'access' | 'scope' | 'whoMay'>): string {
  return scope === undefined ? whoMay : `${whoMay} Service credentials with the scope \`${scope}\`.`;
}

function whoMayBy(access: Access): string {
  if (access === 'public') return 'Anybody.';
  if (access === 'operator') return 'The operator.';
  if (access === 'self') return 'A person, about themselves; the operator with Gatehouse-Act-As.';
  return `The operator, and who has \`${access.permission}\` on the ${access.on}.`;
}

/** The document of these routes. */
export function describeRoutes(routes: readonly Route[], baseUrl: string, version: string): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const declared of routes) {
    paths[declared.path] = { ...paths[declared.path], [declared.method]: operationOf(declared) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version,
      description:
        'Provisioning, access management and permission decisions. SCIM 2.0 is served under /scim/v2/{directoryId} as RFC 7643 and RFC 7644 describe it, decisions as the OpenID AuthZEN Authorization API 1.0 does.',
    },
    servers: [{ url: baseUrl }],
    paths: paths as ZodOpenApiPathsObject,
    webhooks: describeEvents(),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The operator token, the token of a session, or a service credential.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-gatehouse',
          description:
            'The session of a browser that has signed in (`gatehouse-session` over http). What is not a GET needs the header `Gatehouse-CSRF: 1`, and comes from our own pages only.',
        },
      },
    },
  });
}

/** What webhooks are sent, one for each type of event; the feeds answer the same (EVT-1). */
function describeEvents(): ZodOpenApiPathsObject {
  const described = eventTypes.map((type) => {
    const { says, data } = catalog[type];
    const body = domainEvent.extend({ type: z.literal(type), data }).meta({ id: undefined });
    const headers = z.object({
      'webhook-id': z.string(),
      'webhook-timestamp': z.string(),
      'webhook-signature': z.string().meta({ description: '`v1,` and the signature; several, parted by blanks' }),
    });
    const post: ZodOpenApiOperationObject = {
      operationId: `event_${type.replaceAll('.', '_')}`,
      tags: ['Events'],
      summary: says,
      requestParams: { header: headers },
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
      responses: { '2XX': { description: 'Taken; anything else is tried again' } },
    };
    return [type, { post }] as const;
  });
  return Object.fromEntries(described);
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  const objects = { path: route.params, query: route.query } as { path?: z.ZodObject; query?: z.ZodObject };
  const actAs = z.object({
    'Gatehouse-Act-As': z.string().optional().meta({
      description: 'With the operator token only: an account id or proven email whose rights the request then has.',
    }),
  });
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, `Who may: ${accessInWords(route)}`].filter(Boolean).join('\n\n'),
    security: securityOf(route),
    requestParams: {
      ...(objects.path && { path: objects.path }),
      ...(objects.query && { query: objects.query }),
      ...(typeof route.access === 'object' || route.access === 'self' ? { header: actAs } : {}),
      ...(route.etag && { header: z.object({ 'If-None-Match': z.string().optional() }) }),
    },
    ...(route.body && { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } }),
    responses: { ...successOf(route), ...refusalsOf(route) },
  };
}

function securityOf({ access }: Route): Record<string, never[]>[] {
  if (access === 'public') return [];
  return access === 'operator' ? [{ bearer: [] }] : [{ bearer: [] }, { session: [] }];
}

/** `GET /api/v1/organizations/{org}/members` → `get_organizations_org_members`. */
function operationId(route: Route): string {
  const words = route.path.replace(/^\/api\/v1/, '').match(/[A-Za-z0-9]+/g) ?? [];
  return [route.method, ...words].join('_');
}

function successOf(route: Route): NonNullable<ZodOpenApiOperationObject['responses']> {
  const description = { 200: 'Done', 201: 'Made', 202: 'Under way', 204: 'Done; nothing to say' }[route.status];
  return {
    [`${route.status}`]: {
      description,
      ...(route.response && { content: { 'application/json': { schema: route.response } } }),
      ...(route.etag && { headers: z.object({ ETag: z.string() }) }),
    },
    ...(route.etag && { '304': { description: 'The client has it already' } }),
  };
}

function refusalsOf(route: Route): NonNullable<ZodOpenApiOperationObject['responses']> {
  const byStatus = groupBy(errorsOf(route), (code) => statusOf(errorCatalogue[code]));
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        String(status),
        {
          description: codes.map((code) => `\`${code}\``).join(', '),
          content: { 'application/problem+json': { schema: problem } },
        },
      ]),
  );
}
