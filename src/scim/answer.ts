/** How an answer is written down and how it leaves: in the transaction of the change, or in one of its own for a refusal. */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type LogEntry, recordRequest, type WriteBuffer } from '../directory/index.ts';
import { AppError, hasCode } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import type { Logger } from '../lib/logger.ts';
import {
  type Cause,
  ProtectedRowError,
  type Store,
  type Transaction,
  type TransactionOptions,
} from '../store/index.ts';
import type { Asked } from './asked.ts';
import type { Refusal } from './errors.ts';
import { jsonOf } from './long.ts';
import { SCIM_MEDIA } from './media.ts';
import { type Logged, logEntry, type Outcome } from './requestLog.ts';

/** What writing down needs. */
export interface LogDeps {
  readonly store: Store;
  readonly logger: Logger;
  readonly requestLog: WriteBuffer<LogEntry>;
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
export interface Written {
  readonly written?: true;
  readonly text?: string | undefined;
}

export type Write = (
  work: (tx: Transaction) => Promise<Answer>,
  options?: TransactionOptions,
) => Promise<Answer & Written>;

export const causeOf = ({ directory, requestId, from }: Pick<Logged, 'directory' | 'requestId' | 'from'>): Cause => ({
  actor: `directory:${directory._id}`,
  requestId,
  from: from?.(),
});

/** A body's text; of one that is long (long.ts), the beginning, which is what the log keeps. */
export const textOf = (body: object | undefined): string | undefined => body && JSON.stringify(body);

/** Runs the work of a write and its log row in one transaction; `logged` is asked once the body has been read. */
export function writing(store: Store, logged: () => Logged): Write {
  return (work, options) => {
    return store.transaction(
      causeOf(logged()),
      async (tx) => {
        const result = await work(tx);
        const text = textOf(result.body);
        await recordRequest(tx, logEntry(logged(), { ...result, response: text }));
        return { ...result, text, written: true as const };
      },
      options,
    );
  };
}

export const refused = ({ status, body, fault }: Refusal): Outcome => ({
  status,
  outcome: fault ? 'failed' : 'refused',
  response: JSON.stringify(body),
  error: body,
});

/** The rule of the domain, or below it the store's own (OWN-6). */
const protectsOwner = (error: unknown): boolean =>
  hasCode(error, 'owner_protected') || error instanceof ProtectedRowError;

/** Writes down a refusal, durably: with an audit event where the Owner was to be deprovisioned (OWN-2). */
export async function logRefusal(deps: LogDeps, logged: Logged, error: unknown, refusal: Refusal): Promise<void> {
  const { directory, requestId, method } = logged;
  const entry = logEntry(logged, refused(refusal));
  if (method === 'GET' || method === 'HEAD') {
    deps.requestLog.add(entry);
    return;
  }
  try {
    await deps.store.transaction(causeOf(logged), async (tx) => {
      await recordRequest(tx, entry);
      const detail = `${method} ${logged.path.split('?')[0]}: ${refusal.body.detail}`;
      if (hasCode(error, 'member_blocked')) {
        await recordAudit(tx, directory.organizationId, {
          type: 'member.return_refused',
          outcome: 'refused',
          targetKind: 'account',
          targetId: String(error.details?.accountId),
          detail,
        });
      }
      if (!protectsOwner(error)) return;
      const memberId = error instanceof AppError ? error.details?.memberId : undefined;
      await recordAudit(tx, directory.organizationId, {
        type: 'owner.deprovision_refused',
        outcome: 'refused',
        targetKind: 'member',
        targetId: typeof memberId === 'string' ? memberId : 'unknown',
        detail,
      });
    });
  } catch (failure) {
    deps.logger.error({ requestId, err: failure }, 'a refused SCIM request could not be logged');
  }
}

function sendHead(response: ServerResponse, status: number, headers: Answer['headers'] = {}, hasBody = true): void {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (!hasBody) response.removeHeader('Content-Type');
  else if (!response.hasHeader('Content-Type')) response.setHeader('Content-Type', `${SCIM_MEDIA}; charset=utf-8`);
}

export function send(
  response: ServerResponse,
  status: number,
  text: string | undefined,
  headers?: Answer['headers'],
): void {
  sendHead(response, status, headers, text !== undefined);
  // of an answer that has no body Node does not say how long it would be
  if (text !== undefined && response.req.method === 'HEAD')
    response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}

/**
 * Sends a long body piece by piece, as fast as the client takes it. What fails before the first piece can be refused as
 * usual; later, the connection is cut, so that nobody takes a part for the whole. Answers the beginning of what was sent.
 */
export async function sendLong(
  { method }: Pick<Asked, 'method'>,
  response: ServerResponse,
  { status, headers }: Answer,
  body: object,
): Promise<string> {
  const pieces = jsonOf(body);
  const first = await pieces.next();
  const beginning = first.done ? '' : first.value;
  sendHead(response, status, headers);
  if (method === 'HEAD') {
    await pieces.return(undefined);
    response.end();
    return beginning;
  }
  async function* whole() {
    yield beginning;
    yield* pieces;
  }
  try {
    await pipeline(whole, response);
  } catch (error) {
    if (!isClientGone(error)) throw error;
  }
  return beginning;
}

const isClientGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';

/** RFC 6750 §3: no error code where no token was sent. */
function challenge(error: unknown): string {
  const realm = 'Bearer realm="gatehouse"';
  if (!(error instanceof AppError) || error.code === 'authentication_required') return realm;
  return `${realm}, error="invalid_token", error_description="${error.code.replaceAll('_', ' ')}"`;
}

/** Sends a refusal; for errors that come before an exchange as well. */
export function sendRefusal(response: ServerResponse, refusal: Refusal, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status } = refusal;
  const headers: Record<string, string> = {};
  if (status === 401) headers['WWW-Authenticate'] = challenge(error);
  if (status === 405 && error instanceof AppError) headers.Allow = String(error.details?.allow ?? '');
  if (status === 503) headers['Retry-After'] = '1';
  if (status === 429 && error instanceof AppError) headers['Retry-After'] = String(error.details?.retryAfter ?? 1);
  send(response, status, JSON.stringify(refusal.body), headers);
}
