/** The addresses of the protocol (RFC 7644 §3.2), below `/scim/v2/{directoryId}`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { AppError } from '../errors.ts';
import { isId, newId } from '../lib/ids.ts';
import { quoted } from '../lib/text.ts';
import { send, sendRefusal } from './answer.ts';
import { type Address, type Asked, type Incoming, readAddress } from './asked.ts';
import type { ResourceType } from './attributes.ts';
import { bulkOf } from './bulk/index.ts';
import { getSchema, getType, listSchemas, listTypes, serviceProviderConfig } from './discovery.ts';
import { findPlaceIn, type Place } from './dispatch.ts';
import { refusalOf } from './errors.ts';
import { type Exchange, exchange, type Handler, type Method, type Routes, type ScimDeps } from './exchange.ts';
import { groupsOf } from './groups.ts';
import type { AnyRow, ResourceKind } from './kind.ts';
import { negotiate } from './media.ts';
import { tokenEndpoint } from './oauth/index.ts';
import { TOKEN_PATH } from './oauth/path.ts';
import { readParameters } from './query.ts';
import { baseUrlOf } from './representation.ts';
import { listOf, type Verbs, verbsOf } from './resources.ts';
import { readSearchRequest } from './search.ts';
import { standardTypes } from './types.ts';
import { usersOf } from './users.ts';

/** A discovery document: not filtered, not written (RFC 7644 §4). */
const document =
  (make: (exchange: Exchange) => object): Handler =>
  async (exchange) => {
    refuseFilter(exchange.request);
    return { status: 200, body: make(exchange), outcome: 'read' };
  };

function refuseFilter({ url }: Asked): void {
  if (readParameters(url).filter === undefined) return;
  throw new AppError('permission_denied', 'What the service provider says of itself cannot be filtered');
}

const CONFIG = '/ServiceProviderConfig';

/**
 * Whether somebody without any token asks what this service provider can do, which RFC 7643 §5 has told to everybody. A
 * token that is sent must be good here as well.
 */
const asksPublicly = ({ method, url, headers, directoryId }: Incoming, place: Place | undefined): boolean =>
  place?.pattern === CONFIG &&
  (method === 'GET' || method === 'HEAD') &&
  headers.authorization === undefined &&
  !/[?&]access_token=/i.test(url) &&
  isId('directory', directoryId);

/**
 * Answers it without looking whether there is such a directory: the document is the same for all, so it tells nothing of
 * any, and costs the directory nothing of its rate. Throws AppError rate_limited, permission_denied.
 */
function tellPublicly(deps: ScimDeps, request: Incoming, response: ServerResponse): void {
  deps.limits.failed(request.address());
  refuseFilter(request);
  const document = serviceProviderConfig(baseUrlOf(deps.baseUrl, { _id: request.directoryId }));
  send(response, 200, JSON.stringify(document));
}

const idOf = ({ request }: Exchange): string => request.params.id ?? '';

/** The verbs of a resource type of the directory that asks; made once for as long as its type stays what it is. */
function resourceRoutes<R extends AnyRow>(
  { name, endpoint }: ResourceType,
  kindOf: (type: ResourceType) => ResourceKind<R>,
): Routes {
  const made = new WeakMap<ResourceType, Verbs>();
  const verb =
    (which: keyof Verbs): Handler =>
    (exchange) => {
      const type = exchange.types[name];
      const verbs = made.get(type) ?? verbsOf(kindOf(type));
      made.set(type, verbs);
      return verbs[which](exchange);
    };
  return {
    [endpoint]: { get: verb('list'), post: verb('create') },
    [`${endpoint}/:id`]: { get: verb('get'), put: verb('replace'), patch: verb('patch'), delete: verb('remove') },
  };
}

type Kinds = (exchange: Exchange) => readonly ResourceKind<AnyRow>[];

const onlyUsers: Kinds = ({ types }) => [usersOf(types.User)];
const onlyGroups: Kinds = ({ types }) => [groupsOf(types.Group)];
const allKinds: Kinds = (exchange) => [...onlyUsers(exchange), ...onlyGroups(exchange)];

const searchOf =
  (kinds: Kinds): Handler =>
  async (exchange) =>
    listOf(kinds(exchange), exchange, readSearchRequest(await exchange.body()));

/** Queries by POST, and over all resource types from the root of the directory (RFC 7644 §3.4.2.1, §3.4.3). */
const searches: Routes = {
  '/': { get: async (exchange) => listOf(allKinds(exchange), exchange, readParameters(exchange.request.url)) },
  '/.search': { post: searchOf(allKinds) },
  [`${standardTypes.User.endpoint}/.search`]: { post: searchOf(onlyUsers) },
  [`${standardTypes.Group.endpoint}/.search`]: { post: searchOf(onlyGroups) },
};

/** Where resources are written and read, one by one: what operations of a Bulk and replays go through. */
export const resources: Routes = {
  ...resourceRoutes(standardTypes.User, usersOf),
  ...resourceRoutes(standardTypes.Group, groupsOf),
};

const routes: Routes = {
  ...searches,
  ...resources,
  '/Bulk': { post: bulkOf(resources) },
  [CONFIG]: { get: document(({ base }) => serviceProviderConfig(base)) },
  '/ResourceTypes': { get: document(({ base, types }) => listTypes(base, types)) },
  '/ResourceTypes/:id': { get: document((exchange) => getType(exchange.base, exchange.types, idOf(exchange))) },
  '/Schemas': { get: document(({ base, types }) => listSchemas(base, types)) },
  '/Schemas/:id': { get: document((exchange) => getSchema(exchange.base, exchange.types, idOf(exchange))) },
};

const findPlace = findPlaceIn(routes);

/** What a request brings along that is not in it. */
export interface Arrival {
  readonly requestId: string;
  /** The address that it came from, trusted proxies considered. */
  address(): string | undefined;
  /** Told which route answers: the template of its path. */
  nameRoute(template: string): void;
}

/**
 * Answers requests at `/scim` whose address can be read as it stands, which are those of IdPs at work, without Express: it
 * costs more than many of these answers. Anything else is left to the router: then this answers undefined.
 */
export function scimDoor(deps: ScimDeps) {
  return (message: IncomingMessage, response: ServerResponse, arrival: Arrival): Promise<void> | undefined => {
    const address = readAddress(message.url ?? '');
    if (address === undefined || address.path.toLowerCase().startsWith(TOKEN_PATH)) return undefined;
    return serve(deps, message, response, address, arrival);
  };
}

async function serve(
  deps: ScimDeps,
  message: IncomingMessage,
  response: ServerResponse,
  { directoryId, url, path }: Address,
  { requestId, address, nameRoute }: Arrival,
): Promise<void> {
  try {
    const { headers, method = '' } = message;
    negotiate(headers, response);
    const place = findPlace(path);
    if (place) nameRoute(`/scim/v2/{directoryId}${place.pattern}`);
    const params = place?.id === undefined ? {} : { id: place.id };
    const request: Incoming = { method, url, path, params, headers, directoryId, requestId, message, address };
    if (asksPublicly(request, place)) tellPublicly(deps, request, response);
    else await exchange(deps, handlerOf(request, place), request, response);
  } catch (error) {
    refuse(deps, response, requestId, ofExpress(error));
  }
}

/** The Express router of the protocol, to be mounted at `/scim`. Every answer of it, errors too, is SCIM's. */
export function scimRouter(deps: ScimDeps): Router {
  const router = Router();
  // before all that is SCIM's: what is asked and answered there is OAuth's
  router.all(`/v2/:directoryId${TOKEN_PATH}`, tokenEndpoint(deps));
  router.use(({ headers }: Request, response: Response, next: NextFunction) => {
    negotiate(headers, response);
    next();
  });
  router.use('/v2/:directoryId', (request: Request, response: Response) => {
    const { url, path } = request;
    const directoryId = String(request.params.directoryId);
    return serve(deps, request, response, { directoryId, url, path }, arrivalOf(request, response));
  });
  router.use(({ path }: Request, response: Response) =>
    refuse(deps, response, requestIdOf(response), refuseBase(path)),
  );
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) =>
    refuse(deps, response, requestIdOf(response), ofExpress(error)),
  );
  return router;
}

/** The id that http/ gave to the request; one of our own where this router runs alone. */
const requestIdOf = ({ locals }: Response): string => String(locals.requestId ?? '') || newId('request');

const arrivalOf = (request: Request, response: Response): Arrival => ({
  requestId: requestIdOf(response),
  address: () => request.ip,
  nameRoute: (template) => {
    response.locals.route = template;
  },
});

function handlerOf({ method, path }: Asked, place: Place | undefined): Handler {
  if (place === undefined) return /^\/me(?:\/|$)/i.test(path) ? refuseMe : refuseAddress;
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  return place.methods[name as Method] ?? refuseMethod(Object.keys(place.methods));
}

const refuseMethod =
  (methods: readonly string[]): Handler =>
  async ({ request }) => {
    const allow = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()])).join(', ');
    throw new AppError('method_not_allowed', `${request.method} is not possible here; ${allow} are`, {
      details: { allow },
    });
  };

const refuseAddress: Handler = async ({ request }) => {
  throw new AppError('route_not_found', `There is no resource type or endpoint at ${quoted(request.path)}`);
};

/** A token is a directory's, not a person's: nobody is "me" (RFC 7644 §3.11). */
const refuseMe: Handler = async () => {
  throw new AppError('scim_not_supported', 'There is no /Me here: the token stands for a directory, not for a user');
};

/** An address above the directories: of another version of the protocol (RFC 7644 §3.13), or of none. */
function refuseBase(path: string): AppError {
  const version = /^\/v\d+(?:\.\d+)?(?=\/|$)/i.exec(path)?.[0];
  return version === undefined || version.toLowerCase() === '/v2'
    ? new AppError('not_found', 'The address names no directory')
    : new AppError('scim_invalid_version', `The protocol is served in version 2 below /v2, not below ${version}`);
}

/** Express itself refuses an address whose percent signs make no UTF-8. */
function ofExpress(error: unknown): unknown {
  const broken = error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);
  return broken ? new AppError('not_found', 'The address is not encoded as a URL is') : error;
}

function refuse(deps: ScimDeps, response: ServerResponse, requestId: string, error: unknown): void {
  const refusal = refusalOf(error, requestId);
  if (refusal.fault) deps.logger.error({ requestId, err: error }, 'SCIM request failed');
  sendRefusal(response, refusal, error);
}
