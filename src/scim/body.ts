/** Reading bodies: bytes → text → JSON, each step with its own precise refusal (OPS-1). */
import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { AppError } from '../errors.ts';
import { refuseAmbiguity } from './json.ts';
import { inspect } from './safety.ts';
import { openTurns } from './turns.ts';

/** Room for a bulk, and for a group with tens of thousands of members. */
export const BODY_LIMIT = 8 * 1024 * 1024;

/** Room for a group of 100,000 members as its own GET answers it, with the name and address of each. */
export const LONG_BODY_LIMIT = 32 * 1024 * 1024;

const readers = new Map(
  [BODY_LIMIT, LONG_BODY_LIMIT].map((limit) => [limit, express.raw({ limit, type: () => true })] as const),
);

/** Of long bodies, few are held at once; the others are not read before it is their turn, so that they take no memory. */
const turns = openTurns({
  running: 2,
  waiting: 8,
  busy: 'Too many requests with long bodies are waiting; try again later',
});

/**
 * Waits for the turn of a request whose body is long, and answers how to end it; undefined where it is not.
 * Throws AppError directory_busy.
 */
export async function turnFor({ headers }: Request, limit: number): Promise<(() => void) | undefined> {
  return declaredLength(headers) > BODY_LIMIT && limit > BODY_LIMIT ? turns.enter('') : undefined;
}

/** How long the client says that its body is, as it is: 0 where it does not say, or sends it compressed. */
const declaredLength = (headers: Request['headers']): number =>
  headers['content-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : 0;

export interface ReadBody {
  readonly value: unknown;
  readonly text: string;
  /** Whether a secret is named in it, so that the log must not have it as it is. */
  readonly secret: boolean;
}

/**
 * The request's JSON body.
 *
 * @param limit BODY_LIMIT, or LONG_BODY_LIMIT in its turn: beyond the former only for a body that declares its length
 * Throws AppError: unsupported_content_type, body_too_large, malformed_json,
 * scim_invalid_syntax and scim_invalid_value for what no body may hold.
 */
export async function readBody(request: Request, response: Response, limit = BODY_LIMIT): Promise<ReadBody> {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^application\/(?:scim\+)?json\s*(?:;|$)/i.test(contentType) || !inUtf8(contentType)) {
    throw new AppError(
      'unsupported_content_type',
      'Send the body as application/scim+json or application/json, in UTF-8',
    );
  }
  const bytes = await bytesOf(request, response, declaredLength(request.headers) > BODY_LIMIT ? limit : BODY_LIMIT);
  if (!isUtf8(bytes)) throw new AppError('malformed_json', 'The body is not valid UTF-8');
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const value = parse(text);
  refuseAmbiguity(text);
  return { value, text, secret: inspect(value) };
}

const inUtf8 = (contentType: string): boolean =>
  /^utf-?8$/i.test(/charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1] ?? 'utf-8');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message repeats a piece of the text, which may be a password
    const position = /position (\d+)/.exec(String(error))?.[1];
    const where = text.trim() === '' ? ': it is empty' : position === undefined ? '' : ` at position ${position}`;
    throw new AppError('malformed_json', `The body is not valid JSON${where}`);
  }
}

function bytesOf(request: Request, response: Response, limit: number): Promise<Buffer> {
  const readBytes = readers.get(limit) ?? express.raw({ limit, type: () => true });
  return new Promise((resolve, reject) => {
    readBytes(request, response, (error?: unknown) => {
      if (error !== undefined) reject(toRefusal(error, limit));
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
      request.body = undefined; // it lives as long as the answer
    });
  });
}

function toRefusal(error: unknown, limit: number): unknown {
  if (!(error instanceof Error) || !('status' in error)) return error;
  switch (error.status) {
    case 413:
      return new AppError('body_too_large', `The body is larger than ${limit} bytes`);
    case 415:
      return new AppError('unsupported_content_type', 'Send the body plain, or compressed with gzip or deflate');
    default:
      return new AppError('malformed_json', 'The body cannot be read to its end');
  }
}
