/**
 * One request and its answer: who asks, what is written down of it, and how an error leaves. Every path through here
 * ends in one row of the provisioning log (SCIM-5): in the transaction of the change, in one of its own for a refusal,
 * in the buffer for a read.
 */
import type { ServerResponse } from 'node:http';
import type { IssuerKeys, TokenUse, WriteBuffer } from '../directory/index.ts';
import type { Clock } from '../lib/clock.ts';
import { originOf } from '../lib/origin.ts';
import type { Directory } from '../store/index.ts';
import {
  type Answer,
  type LogDeps,
  logRefusal,
  send,
  sendLong,
  sendRefusal,
  textOf,
  type Write,
  type Written,
  writing,
} from './answer.ts';
import type { Asked, Incoming } from './asked.ts';
import { authenticate } from './authenticate.ts';
import { BODY_LIMIT, type ReadBody, readBody } from './body.ts';
import { refusalOf } from './errors.ts';
import type { Limits } from './limits.ts';
import { isLong } from './long.ts';
import { type BaseUrl, baseUrlOf } from './representation.ts';
import { type Logged, logEntry } from './requestLog.ts';
import type { ResourceTypes, TypeSource } from './types.ts';

/** What the protocol layer stands on. */
export interface ScimDeps extends LogDeps {
  readonly clock: Clock;
  /** The public address of the service, as in `https://gatehouse.example.com`. */
  readonly baseUrl: string;
  readonly types: TypeSource;
  readonly tokenUses: WriteBuffer<TokenUse>;
  readonly limits: Limits;
  readonly issuerKeys: IssuerKeys;
}

/** An authenticated request. */
export interface Exchange {
  readonly deps: ScimDeps;
  readonly directory: Directory;
  readonly base: BaseUrl;
  /** The resource types as this directory knows them. */
  readonly types: ResourceTypes;
  readonly request: Asked;
  /** What the log says of whatever comes of this request. */
  readonly logged: Omit<Logged, 'body'>;
  /** Reads the body, at most once. `limit`: BODY_LIMIT unless said otherwise. */
  body(limit?: number): Promise<unknown>;
  /** Runs the work of a write and its log row in one transaction; what it answers is sent after the commit. */
  readonly write: Write;
}

export type Handler = (exchange: Exchange) => Promise<Answer & Written>;
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
/** Path below the directory → method → handler; a path may hold `:id`. */
export type Routes = Readonly<Record<string, Partial<Record<Method, Handler>>>>;

/** Authenticates a request, runs `handle`, logs and answers; also where `handle` throws. */
export async function exchange(
  deps: ScimDeps,
  handle: Handler,
  request: Incoming,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const { requestId } = request;
  let logged: Logged | undefined;
  let endTurn: (() => void) | undefined;
  try {
    const { directory, tokenId, token } = await authenticate(deps, request, startedAt);
    if (token) deps.tokenUses.add({ token, at: deps.clock.now() });
    let body: ReadBody | undefined;
    const base: Omit<Logged, 'body'> = {
      directory,
      tokenId,
      requestId,
      from: () => originOf({ ip: request.address(), headers: request.headers }),
      method: request.method,
      path: request.url,
      startedAt,
      ifMatch: request.headers['if-match'],
      ifNoneMatch: request.headers['if-none-match'],
    };
    logged = { ...base, body };
    const answer = await handle({
      deps,
      directory,
      base: baseUrlOf(deps.baseUrl, directory),
      types: await deps.types.of(directory),
      request,
      async body(limit = BODY_LIMIT) {
        body = await readBody(request.message, limit, (end) => {
          endTurn = end;
        });
        logged = { ...base, body };
        return body.value;
      },
      logged: base,
      write: writing(deps.store, () => ({ ...base, body })),
    });
    if (answer.written) {
      // it is in the log: a long body is not held for as long as somebody takes the answer
      body = undefined;
      logged = { ...base, body };
      endTurn?.();
    }
    if (answer.body && isLong(answer.body)) {
      const sent = await sendLong(request, response, answer, answer.body);
      if (!answer.written) deps.requestLog.add(logEntry(logged, { ...answer, response: sent, cut: true }));
      return;
    }
    const text = answer.written ? answer.text : textOf(answer.body);
    if (!answer.written) deps.requestLog.add(logEntry(logged, { ...answer, response: text }));
    send(response, answer.status, text, answer.headers);
  } catch (error) {
    const refusal = refusalOf(error, requestId);
    if (refusal.fault) deps.logger.error({ requestId, err: error }, 'SCIM request failed');
    if (logged) await logRefusal(deps, logged, error, refusal);
    sendRefusal(response, refusal, error);
  } finally {
    endTurn?.();
  }
}
