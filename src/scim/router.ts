/** The addresses of the protocol (RFC 7644 §3.2), below `/scim/v2/{directoryId}`. */
import { type NextFunction, type Request, type Response, Router } from 'express';
import { AppError } from '../errors.ts';
import { quoted } from '../lib/text.ts';
import { sendRefusal } from './answer.ts';
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
import { listOf, type Verbs, verbsOf } from './resources.ts';
import { readSearchRequest } from './search.ts';
import { standardTypes } from './types.ts';
import { usersOf } from './users.ts';

/** A discovery document: not filtered, not written (RFC 7644 §4). */
const document =
  (make: (exchange: Exchange) => object): Handler =>
  async (exchange) => {
    if (readParameters(exchange.request.url).filter !== undefined) {
      throw new AppError('permission_denied', 'What the service provider says of itself cannot be filtered');
    }
    return { status: 200, body: make(exchange), outcome: 'read' };
  };

const idOf = ({ request }: Exchange): string => String(request.params.id);

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
  '/ServiceProviderConfig': { get: document(({ base }) => serviceProviderConfig(base)) },
  '/ResourceTypes': { get: document(({ base, types }) => listTypes(base, types)) },
  '/ResourceTypes/:id': { get: document((exchange) => getType(exchange.base, exchange.types, idOf(exchange))) },
  '/Schemas': { get: document(({ base, types }) => listSchemas(base, types)) },
  '/Schemas/:id': { get: document((exchange) => getSchema(exchange.base, exchange.types, idOf(exchange))) },
};

/** The Express router of the protocol, to be mounted at `/scim`. Every answer of it, errors too, is SCIM's. */
export function scimRouter(deps: ScimDeps): Router {
  const findPlace = findPlaceIn(routes);
  const router = Router();
  // before all that is SCIM's: what is asked and answered there is OAuth's
  router.all(`/v2/:directoryId${TOKEN_PATH}`, tokenEndpoint(deps));
  router.use((request: Request, response: Response, next: NextFunction) => {
    negotiate(request, response);
    next();
  });
  router.use('/v2/:directoryId', (request: Request, response: Response) => {
    const place = findPlace(request.path);
    if (place?.id !== undefined) request.params.id = place.id;
    if (place) response.locals.route = `/scim/v2/{directoryId}${place.pattern}`;
    return exchange(deps, handlerOf(request, place), request, response);
  });
  router.use(({ path }: Request, response: Response) => refuse(deps, response, refuseBase(path)));
  router.use((error: unknown, _request: Request, response: Response, _next: NextFunction) =>
    refuse(deps, response, ofExpress(error)),
  );
  return router;
}

function handlerOf({ method, path }: Request, place: Place | undefined): Handler {
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

function refuse(deps: ScimDeps, response: Response, error: unknown): void {
  const requestId = String(response.locals.requestId ?? '');
  const refusal = refusalOf(error, requestId);
  if (refusal.fault) deps.logger.error({ requestId, err: error }, 'SCIM request failed');
  sendRefusal(response, refusal, error);
}
