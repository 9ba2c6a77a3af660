/** Reading bodies: bytes → text → JSON, each step with its own precise refusal (OPS-1). */
import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { AppError } from '../errors.ts';
import { refuseAmbiguity } from './json.ts';
import { inspect } from './safety.ts';

/** Room for a PUT of a group with tens of thousands of members. */
export const BODY_LIMIT = 8 * 1024 * 1024;

const readBytes = express.raw({ limit: BODY_LIMIT, type: () => true });

export interface ReadBody {
  readonly value: unknown;
  readonly text: string;
  /** Whether a secret is named in it, so that the log must not have it as it is. */
  readonly secret: boolean;
}

/**
 * The request's JSON body. Throws AppError: unsupported_content_type, body_too_large, malformed_json,
 * scim_invalid_syntax and scim_invalid_value for what no body may hold.
 */
export async function readBody(request: Request, response: Response): Promise<ReadBody> {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^application\/(?:scim\+)?json\s*(?:;|$)/i.test(contentType) || !inUtf8(contentType)) {
    throw new AppError(
      'unsupported_content_type',
      'Send the body as application/scim+json or application/json, in UTF-8',
    );
  }
  const bytes = await bytesOf(request, response);
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

function bytesOf(request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    readBytes(request, response, (error?: unknown) => {
      if (error !== undefined) reject(toRefusal(error));
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    });
  });
}

function toRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || !('status' in error)) return error;
  switch (error.status) {
    case 413:
      return new AppError('body_too_large', `The body is larger than ${BODY_LIMIT} bytes`);
    case 415:
      return new AppError('unsupported_content_type', 'Send the body plain, or compressed with gzip or deflate');
    default:
      return new AppError('malformed_json', 'The body cannot be read to its end');
  }
}
