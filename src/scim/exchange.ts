/**
 * One request and its answer: who asks, what is written down of it, and how an error leaves. Every path through here
 * ends in one row of the provisioning log (SCIM-5): in the transaction of the change, in one of its own for a refusal,
 * in the buffer for a read.
 */
import type { Request, Response } from 'express';
import {
  type AuthenticatedDirectory,
  authenticateDirectory,
  type LogEntry,
  recordRequest,
  type TokenUse,
  type WriteBuffer,
} from '../directory/index.ts';
import { AppError, hasCode } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import {
  type Cause,
  type Directory,
  PLATFORM,
  ProtectedRowError,
  type Store,
  type Transaction,
  type TransactionOptions,
} from '../store/index.ts';
import { type ReadBody, readBody } from './body.ts';
import { type Refusal, refusalOf } from './errors.ts';
import { type BaseUrl, baseUrlOf } from './representation.ts';
import { type Logged, logEntry, type Outcome } from './requestLog.ts';
import { type ResourceTypes, typesOf } from './types.ts';

/** What the protocol layer stands on. */
export interface ScimDeps {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The public address of the service, as in `https://gatehouse.example.com`. */
  readonly baseUrl: string;
  readonly requestLog: WriteBuffer<LogEntry>;
  readonly tokenUses: WriteBuffer<TokenUse>;
}

/** An authenticated request. */
export interface Exchange {
  readonly deps: ScimDeps;
  readonly directory: Directory;
  readonly base: BaseUrl;
  /** The resource types as this directory knows them. */
  readonly types: ResourceTypes;
  readonly request: Request;
  /** Reads the body, at most once. */
  body(): Promise<unknown>;
  /** Runs the work of a write and its log row in one transaction; what it answers is sent after the commit. */
  write(work: (tx: Transaction) => Promise<Answer>, options?: TransactionOptions): Promise<Answer & Written>;
}

export interface Answer {
  readonly status: number;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly outcome: 'read' | 'applied' | 'no_effect';
  readonly notes?: readonly string[];
  readonly touched?: readonly string[];
}

/** Set by `write`: the log row stands, and so does the text of the body. */
interface Written {
  readonly written?: true;
  readonly text?: string | undefined;
}

export type Handler = (exchange: Exchange) => Promise<Answer & Written>;

/** An Express handler that authenticates, runs `handle`, logs and answers; also where `handle` throws. */
export function exchangeWith(deps: ScimDeps, handle: Handler) {
  return async (request: Request, response: Response): Promise<void> => {
    const startedAt = performance.now();
    const requestId = requestIdOf(response);
    let logged: Logged | undefined;
    try {
      const { directory, token } = await authenticate(deps, request, requestId, startedAt);
      deps.tokenUses.add({ token, at: deps.clock.now() });
      let body: ReadBody | undefined;
      const base: Omit<Logged, 'body'> = {
        directory,
        tokenId: token._id,
        requestId,
        method: request.method,
        path: request.url,
        startedAt,
      };
      logged = { ...base, body };
      const answer = await handle({
        deps,
        directory,
        base: baseUrlOf(deps.baseUrl, directory),
        types: await typesOf(deps.store.read, directory),
        request,
        async body() {
          body = await readBody(request, response);
          logged = { ...base, body };
          return body.value;
        },
        write: (work, options) =>
          deps.store.transaction(
            causeOf(directory, requestId),
            async (tx) => {
              const result = await work(tx);
              const text = textOf(result.body);
              await recordRequest(tx, logEntry({ ...base, body }, { ...result, response: text }));
              return { ...result, text, written: true };
            },
            options,
          ),
      });
      const text = answer.written ? answer.text : textOf(answer.body);
      if (!answer.written) deps.requestLog.add(logEntry(logged, { ...answer, response: text }));
      send(response, answer.status, text, answer.headers);
    } catch (error) {
      const refusal = refusalOf(error, requestId);
      if (refusal.fault) deps.logger.error({ requestId, err: error }, 'SCIM request failed');
      if (logged) await logRefusal(deps, logged, error, refusal);
      sendRefusal(response, refusal, error);
    }
  };
}

/** The id that http/ gave to the request; one of our own where this router runs alone. */
function requestIdOf(response: Response): string {
  const id: unknown = response.locals.requestId;
  return typeof id === 'string' && id !== '' ? id : newId('request');
}

const causeOf = ({ _id }: Pick<Directory, '_id'>, requestId: string): Cause => ({
  actor: `directory:${_id}`,
  requestId,
});

/** Throws AppError authentication_required, token_invalid, token_expired, token_revoked. */
async function authenticate(
  deps: ScimDeps,
  request: Request,
  requestId: string,
  startedAt: number,
): Promise<AuthenticatedDirectory> {
  const { directoryId } = request.params;
  if (typeof directoryId !== 'string') throw new AppError('not_found', 'There is nothing at this address');
  const secret = /^Bearer +([^\s,]+)\s*$/i.exec(request.headers.authorization ?? '')?.[1];
  try {
    return await authenticateDirectory(deps.store.read, directoryId, secret, deps.clock.now());
  } catch (error) {
    // a token of the directory's that is no longer valid is its admin's concern; anybody can send a wrong one
    if (hasCode(error, 'token_expired') || hasCode(error, 'token_revoked')) {
      const directory = await deps.store.read.directories.findOne(PLATFORM, { _id: directoryId });
      const { method, url: path } = request;
      const logged = { tokenId: undefined, requestId, method, path, body: undefined, startedAt };
      if (directory) deps.requestLog.add(logEntry({ ...logged, directory }, refused(refusalOf(error, requestId))));
    }
    throw error;
  }
}

const textOf = (body: object | undefined): string | undefined => body && JSON.stringify(body);

const refused = ({ status, body, fault }: Refusal): Outcome => ({
  status,
  outcome: fault ? 'failed' : 'refused',
  response: JSON.stringify(body),
  error: body,
});

/** The rule of the domain, or below it the store's own (OWN-6). */
const protectsOwner = (error: unknown): boolean =>
  hasCode(error, 'owner_protected') || error instanceof ProtectedRowError;

/** Writes down a refusal, durably: with an audit event where the Owner was to be deprovisioned (OWN-2). */
async function logRefusal(deps: ScimDeps, logged: Logged, error: unknown, refusal: Refusal): Promise<void> {
  const { directory, requestId, method } = logged;
  const entry = logEntry(logged, refused(refusal));
  if (method === 'GET' || method === 'HEAD') {
    deps.requestLog.add(entry);
    return;
  }
  try {
    await deps.store.transaction(causeOf(directory, requestId), async (tx) => {
      await recordRequest(tx, entry);
      if (!protectsOwner(error)) return;
      const memberId = error instanceof AppError ? error.details?.memberId : undefined;
      await recordAudit(tx, directory.organizationId, {
        type: 'owner.deprovision_refused',
        outcome: 'refused',
        targetKind: 'member',
        targetId: typeof memberId === 'string' ? memberId : 'unknown',
        detail: `${method} ${logged.path.split('?')[0]}: ${refusal.body.detail}`,
      });
    });
  } catch (failure) {
    deps.logger.error({ requestId, err: failure }, 'a refused SCIM request could not be logged');
  }
}

function send(response: Response, status: number, text: string | undefined, headers: Answer['headers'] = {}): void {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (text === undefined) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', 'application/scim+json; charset=utf-8');
  response.end(text);
}

/** RFC 6750 §3: no error code where no token was sent. */
function challenge(error: unknown): string {
  const realm = 'Bearer realm="gatehouse"';
  if (!(error instanceof AppError) || error.code === 'authentication_required') return realm;
  return `${realm}, error="invalid_token", error_description="${error.code.replaceAll('_', ' ')}"`;
}

/** Sends a refusal; for errors that come before an exchange as well. */
export function sendRefusal(response: Response, refusal: Refusal, error: unknown): void {
  const { status } = refusal;
  const headers: Record<string, string> = {};
  if (status === 401) headers['WWW-Authenticate'] = challenge(error);
  if (status === 405 && error instanceof AppError) headers.Allow = String(error.details?.allow ?? '');
  if (status === 503) headers['Retry-After'] = '1';
  send(response, status, JSON.stringify(refusal.body), headers);
}
