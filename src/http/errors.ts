/** The HTTP interpreter of errors: code → kind → status, as problems of RFC 9457. */
import { AppError, type ErrorCode, type ErrorKind } from '../errors.ts';
import { DuplicateKeyError, ProtectedRowError } from '../store/index.ts';

const statuses: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  gone: 410,
  not_acceptable: 406,
  conflict: 409,
  stale: 409,
  too_large: 413,
  unsupported_media: 415,
  rate_limited: 429,
  not_implemented: 501,
  unavailable: 503,
};

export const statusOf = (kind: ErrorKind): number => statuses[kind];

/** One field at fault. `field` is a dotted path, empty for the whole. */
export interface FieldFault {
  readonly in: 'body' | 'query' | 'header';
  readonly field: string;
  readonly message: string;
}

/** An RFC 9457 problem. `code` is stable; `errors` names the fields at fault. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode | 'internal_error';
  readonly detail?: string;
  readonly requestId: string;
  readonly errors?: readonly FieldFault[];
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A request that does not have the form that its route declares. */
export function invalidRequest(message: string, errors: readonly FieldFault[]): AppError {
  return new AppError('invalid_request', message, { details: { errors } });
}

/** The code in words: `owner_protected` → `Owner protected`. */
export function titleOf(code: string): string {
  return code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ');
}

/**
 * What `error` tells the client. Errors that nobody foresaw become a 500 with the request's id and no detail: answers
 * undefined as `known` for them, so that the caller logs them.
 */
export function toProblem(error: unknown, requestId: string, baseUrl: string): { problem: Problem; known: boolean } {
  const known = foresee(error);
  const code = known?.code ?? 'internal_error';
  const { errors, ...details } = { ...known?.details };
  return {
    known: known !== undefined,
    problem: {
      type: `${baseUrl}/docs#problem-${code}`,
      title: titleOf(code),
      status: known ? statusOf(known.kind) : 500,
      code,
      ...(known && { detail: known.message }),
      requestId,
      ...(Array.isArray(errors) && { errors }),
      ...(Object.keys(details).length > 0 && { details }),
    },
  };
}

/** What an error of ours, of the store or of the HTTP library is to a client; undefined for one that nobody foresaw. */
export function foresee(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (error instanceof DuplicateKeyError) {
    return new AppError('stale', 'Another request changed the same thing at this moment. Look at it again and retry.');
  }
  if (error instanceof ProtectedRowError) {
    return new AppError('owner_protected', 'The Owner of an organization cannot be removed, suspended or demoted.');
  }
  return fromHttpLibrary(error);
}

/** The errors of Express's router and body parser, which carry a status and some a type. */
function fromHttpLibrary(error: unknown): AppError | undefined {
  if (!(error instanceof Error)) return undefined;
  const type = 'type' in error ? error.type : undefined;
  const status = 'status' in error ? error.status : undefined;
  switch (type) {
    case 'entity.parse.failed':
      return new AppError('malformed_json', `The body is not valid JSON${placeOf(error.message)}.`);
    case 'entity.verify.failed':
      return new AppError('malformed_json', 'The body is not valid UTF-8.');
    case 'entity.too.large':
      return new AppError('body_too_large', 'The body is larger than this service takes.');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new AppError('unsupported_content_type', 'Send the body as JSON in UTF-8, plain or compressed with gzip.');
    default:
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new AppError('invalid_request', status === 400 ? error.message : 'The request cannot be read.');
  }
  return undefined;
}

/** V8's message repeats a piece of the text, which may be a secret: only the position is told. */
function placeOf(message: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  return position === undefined ? '' : `, at position ${position}`;
}
