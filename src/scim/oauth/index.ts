/** The token endpoint of a directory (RFC 6749 §3.2): client credentials in, an access token for its SCIM endpoint out. */
/** Its answers and errors are OAuth's, not SCIM's. */
import type { Request, Response } from 'express';
import {
  grantAccessToken,
  type ProvenClient,
  proveByAssertion,
  proveBySecret,
  recordRequest,
  subjectOf,
} from '../../directory/index.ts';
import { AppError, type ErrorCode } from '../../errors.ts';
import { newId } from '../../lib/ids.ts';
import { originOf } from '../../lib/origin.ts';
import { printable } from '../../lib/text.ts';
import { type Origin, PLATFORM } from '../../store/index.ts';
import { causeOf } from '../answer.ts';
import type { ScimDeps } from '../exchange.ts';
import { baseUrlOf } from '../representation.ts';
import { logEntry } from '../requestLog.ts';
import { invalidRequest, type Proof, readForm, readProof } from './form.ts';
import { TOKEN_PATH } from './path.ts';

/** The one scope there is: it may be asked for, and is what is given. */
const SCOPE = 'scim';

/** Codes → errors of RFC 6749 §5.2, and the status that goes with them. */
const oauthErrors: Partial<Record<ErrorCode, readonly [error: string, status: number]>> = {
  oauth_invalid_request: ['invalid_request', 400],
  oauth_invalid_client: ['invalid_client', 401],
  oauth_unsupported_grant_type: ['unsupported_grant_type', 400],
  oauth_invalid_scope: ['invalid_scope', 400],
  // the client has proved itself; what SCIM answers by 403 has this name here
  organization_closed: ['unauthorized_client', 400],
  // not of the RFC, which has nothing to say of these; RFC 6749 §4.1.2.1 has the second for its other endpoint
  method_not_allowed: ['invalid_request', 405],
  rate_limited: ['temporarily_unavailable', 429],
  store_unavailable: ['temporarily_unavailable', 503],
  issuer_keys_unavailable: ['temporarily_unavailable', 503],
};

/** The Express handler of the endpoint, for every method. */
export function tokenEndpoint(deps: ScimDeps) {
  return async (request: Request, response: Response): Promise<void> => {
    const requestId = String(response.locals.requestId ?? '') || newId('request');
    const startedAt = performance.now();
    // what the request log and the metrics call it: above the directories' own router there is no better name
    response.locals.route = `/scim/v2/{directoryId}${TOKEN_PATH}`;
    const { directoryId } = request.params;
    const asked: Asked = {
      directoryId: String(directoryId),
      requestId,
      from: () => originOf(request),
      startedAt,
      clientId: undefined,
      prover: undefined,
    };
    try {
      if (request.method !== 'POST') {
        throw new AppError('method_not_allowed', 'Only POST is possible here', { details: { allow: 'POST' } });
      }
      const form = await readForm(request, response);
      const grant = form.get('grant_type');
      if (grant === undefined) throw invalidRequest('There is no grant_type');
      const proof = readProof(request.headers.authorization, form);
      asked.prover = proof.kind === 'secret' ? proof.clientId : subjectOf(proof.assertion);
      asked.clientId = proof.clientId ?? asked.prover;
      const proven = await prove(deps, asked.directoryId, proof);
      asked.clientId = proven.clientId;
      deps.limits.admit(proven.directoryId);
      if (grant !== 'client_credentials') {
        throw new AppError('oauth_unsupported_grant_type', 'The one grant_type here is client_credentials');
      }
      const scope = form.get('scope');
      if (scope !== undefined && scope !== SCOPE) {
        throw new AppError('oauth_invalid_scope', `The one scope here is ${SCOPE}; it may be left out`);
      }
      const { token, expiresInSeconds } = await give(deps, proven, asked);
      const body = { access_token: token, token_type: 'Bearer', expires_in: expiresInSeconds, scope: SCOPE };
      send(response, 200, body);
    } catch (error) {
      await refuse(deps, asked, request, response, error);
    }
  };
}

interface Asked {
  readonly directoryId: string;
  readonly requestId: string;
  readonly from: () => Origin | undefined;
  readonly startedAt: number;
  /** Who the client says it is. */
  clientId: string | undefined;
  /** Whose attempts are counted: the client's, or those of the subject of an assertion. */
  prover: string | undefined;
}

async function prove(deps: ScimDeps, directoryId: string, proof: Proof): Promise<ProvenClient> {
  const { store, clock, baseUrl, issuerKeys } = deps;
  if (proof.kind === 'secret') return proveBySecret(store.read, directoryId, proof, clock.now());
  const issuer = baseUrlOf(baseUrl, { _id: directoryId });
  const audiences = [issuer + TOKEN_PATH, issuer];
  const { assertion, clientId } = proof;
  const proven = await proveByAssertion(store.read, issuerKeys, directoryId, { assertion, audiences }, clock.now());
  if (clientId !== undefined && clientId !== proven.clientId) {
    throw invalidRequest('client_id is another than the client of the assertion (RFC 7521 §4.2)');
  }
  return proven;
}

/** Makes the token and its row in the provisioning log, which never holds it. */
function give({ store }: ScimDeps, proven: ProvenClient, asked: Asked) {
  const cause = causeOf(loggedOf(proven, asked));
  return store.transaction(cause, async (tx) => {
    const access = await grantAccessToken(tx, proven);
    const touched = [proven.clientId];
    await recordRequest(tx, logEntry(loggedOf(proven, asked), { status: 200, outcome: 'applied', touched }));
    return access;
  });
}

const loggedOf = (client: { readonly organizationId: string; readonly directoryId: string }, asked: Asked) => ({
  directory: { _id: client.directoryId, organizationId: client.organizationId },
  tokenId: asked.clientId,
  requestId: asked.requestId,
  from: asked.from,
  method: 'POST',
  path: TOKEN_PATH,
  body: undefined,
  startedAt: asked.startedAt,
});

async function refuse(
  deps: ScimDeps,
  asked: Asked,
  request: Request,
  response: Response,
  error: unknown,
): Promise<void> {
  const refusal = limited(deps, asked, request, error);
  const known = refusal instanceof AppError ? oauthErrors[refusal.code] : undefined;
  if (!known) deps.logger.error({ requestId: asked.requestId, err: refusal }, 'a token request failed');
  const [code, status] = known ?? ['server_error', 500];
  const description = known
    ? (refusal as AppError).message
    : `The request failed for a reason of our own; it is on record under ${asked.requestId}`;
  // RFC 6749 §5.2: no quotation marks, no backslashes, nothing beyond ASCII
  const body = { error: code, error_description: printable(description).replace(/["\\]|[^\x20-\x7e]/g, "'") };
  if (status === 401) response.setHeader('WWW-Authenticate', 'Basic realm="gatehouse", charset="UTF-8"');
  const { allow, retryAfter } = (refusal instanceof AppError && refusal.details) || {};
  if (status === 405) response.setHeader('Allow', String(allow));
  if (status === 429 || status === 503) response.setHeader('Retry-After', String(retryAfter ?? 1));
  const forAdmin = status < 429 || (refusal instanceof AppError && refusal.code === 'issuer_keys_unavailable');
  if (forAdmin) await logRefusal(deps, asked, { status, detail: body.error_description, body });
  send(response, status, body);
}

/** A failed authentication counts against client and address; too many of them are told by another answer. */
function limited({ limits }: ScimDeps, { prover }: Asked, { ip }: Request, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'oauth_invalid_client') return error;
  try {
    if (prover !== undefined) limits.attemptFailed(prover, ip);
    limits.failed(ip);
    return error;
  } catch (limit) {
    return limit;
  }
}

/** Of a client that is this directory's, the admin can read why it was refused. */
async function logRefusal(
  deps: ScimDeps,
  asked: Asked,
  { status, detail, body }: { readonly status: number; readonly detail: string; readonly body: object },
): Promise<void> {
  const { clientId, directoryId } = asked;
  if (clientId === undefined) return;
  try {
    const client = await deps.store.read.oauthClients.findOne(PLATFORM, { _id: clientId });
    if (client?.directoryId !== directoryId) return;
    const response = JSON.stringify(body);
    const entry = logEntry(loggedOf(client, asked), { status, outcome: 'refused', response });
    deps.requestLog.add({ ...entry, detail });
  } catch (failure) {
    deps.logger.error({ requestId: asked.requestId, err: failure }, 'a refused token request could not be logged');
  }
}

/** RFC 6749 §5.1: neither tokens nor errors are kept by anybody on the way. */
function send(response: Response, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Pragma', 'no-cache');
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}
