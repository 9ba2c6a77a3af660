/** Reading bodies: bytes → text → JSON, each step with its own precise refusal (OPS-1). */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { readBytes } from './bytes.ts';
import { Ambiguity } from './json.ts';
import { parseInTurns } from './pieces.ts';
import { Inspection } from './safety.ts';
import { openTurns } from './turns.ts';

/** Room for a bulk, and for a group with tens of thousands of members. */
export const BODY_LIMIT = 8 * 1024 * 1024;

/** Room for a group of 100,000 members as its own GET answers it, with the name and address of each. */
export const LONG_BODY_LIMIT = 32 * 1024 * 1024;

/** So many characters, or values, are looked at before others get their turn. */
const SLICE = 200_000;

/** Of long bodies, few are held at once; the others are read no further than to BODY_LIMIT before it is their turn. */
const turns = openTurns({
  running: 2,
  waiting: 8,
  busy: 'Too many requests with long bodies are waiting; try again later',
});

export interface ReadBody {
  readonly value: unknown;
  readonly text: string;
  /** Whether a secret is named in it, so that the log must not have it as it is. */
  readonly secret: boolean;
}

/**
 * The request's JSON body, plain or compressed, whether it declares its length or not.
 *
 * @param limit BODY_LIMIT or LONG_BODY_LIMIT; what is longer than the former waits for its turn
 * @param holding is told how to end the turn, where there is one
 * Throws AppError: unsupported_content_type, body_too_large, malformed_json, directory_busy,
 * scim_invalid_syntax and scim_invalid_value for what no body may hold.
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  holding: (endTurn: () => void) => void,
): Promise<ReadBody> {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^application\/(?:scim\+)?json\s*(?:;|$)/i.test(contentType) || !inUtf8(contentType)) {
    throw new AppError(
      'unsupported_content_type',
      'Send the body as application/scim+json or application/json, in UTF-8',
    );
  }
  const bytes = await readBytes(request, {
    limit,
    free: BODY_LIMIT,
    enter: async () => holding(await turns.enter('')),
  });
  if (!isUtf8(bytes)) throw new AppError('malformed_json', 'The body is not valid UTF-8');
  const read = bytes.toString('utf8');
  const text = read.startsWith('\uFEFF') ? read.slice(1) : read;
  const value = await parse(text);
  const ambiguity = new Ambiguity(text);
  while (!ambiguity.read(SLICE)) await nextTurn();
  const inspection = new Inspection(value);
  while (!inspection.read(SLICE)) await nextTurn();
  return { value, text, secret: inspection.secret };
}

const inUtf8 = (contentType: string): boolean =>
  /^utf-?8$/i.test(/charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1] ?? 'utf-8');

async function parse(text: string): Promise<unknown> {
  try {
    return await parseInTurns(text);
  } catch (error) {
    // V8's message repeats a piece of the text, which may be a password
    const position = /position (\d+)/.exec(String(error))?.[1];
    const where = text.trim() === '' ? ': it is empty' : position === undefined ? '' : ` at position ${position}`;
    throw new AppError('malformed_json', `The body is not valid JSON${where}`);
  }
}
