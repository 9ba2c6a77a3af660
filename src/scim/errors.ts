/** From AppError codes to SCIM errors (RFC 7644 §3.12). This table and http/errors.ts are the only interpreters. */
import { AppError, type ErrorCode, type ErrorKind } from '../errors.ts';
import { printable } from '../lib/text.ts';
import { DuplicateKeyError, ProtectedRowError } from '../store/index.ts';

export const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';

export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'invalidCursor'
  | 'invalidCount';

/** The body of every refusal. `status` is text, as the RFC has it. */
export interface ScimError {
  readonly schemas: readonly [typeof ERROR_URN];
  readonly status: string;
  readonly scimType?: ScimType;
  readonly detail: string;
}

const statuses: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  gone: 410,
  not_acceptable: 406,
  conflict: 409,
  stale: 412,
  unsupported_media: 415,
  too_large: 413,
  rate_limited: 429,
  not_implemented: 501,
  unavailable: 503,
};

const scimTypes: Partial<Record<ErrorCode, ScimType>> = {
  malformed_json: 'invalidSyntax',
  invalid_request: 'invalidValue',
  scim_uniqueness: 'uniqueness',
  scim_invalid_filter: 'invalidFilter',
  scim_invalid_path: 'invalidPath',
  scim_invalid_value: 'invalidValue',
  scim_invalid_syntax: 'invalidSyntax',
  scim_mutability: 'mutability',
  scim_no_target: 'noTarget',
  scim_too_many: 'tooMany',
  scim_invalid_version: 'invalidVers',
  scim_invalid_cursor: 'invalidCursor',
  scim_invalid_count: 'invalidCount',
};

/** What is said of an error: status, body, and whether it is ours (a fault to be logged, not a refusal). */
export interface Refusal {
  readonly status: number;
  readonly body: ScimError;
  readonly fault: boolean;
}

/** Names of attributes and paths come from the client too; a detail stays readable whatever they were. */
const DETAIL_LIMIT = 1000;

function refusal(status: number, message: string, scimType?: ScimType, fault = false): Refusal {
  const shown = printable(message);
  const detail = shown.length <= DETAIL_LIMIT ? shown : `${shown.slice(0, DETAIL_LIMIT - 1)}…`;
  const body: ScimError = { schemas: [ERROR_URN], status: String(status), ...(scimType && { scimType }), detail };
  return { status, body, fault };
}

/** The attribute that a unique index stands for, where a race got past the look-up of a use case. */
const uniqueAttributes: Readonly<Record<string, string>> = { userNameKey: 'userName' };

/**
 * What to answer for `error`. An unknown error says nothing of itself but the request's id.
 */
export function refusalOf(error: unknown, requestId: string): Refusal {
  if (error instanceof AppError) {
    return refusal(statuses[error.kind], error.message, scimTypes[error.code]);
  }
  if (error instanceof DuplicateKeyError) {
    const name = error.fields.map((field) => uniqueAttributes[field]).find((known) => known !== undefined);
    if (name !== undefined) return refusal(409, `Another resource has the same ${name}`, 'uniqueness');
    return refusal(503, 'The request met another one that changed the same resource; send it again', undefined, true);
  }
  if (error instanceof ProtectedRowError) {
    return refusal(403, 'The Owner of the organization cannot be deprovisioned: transfer the ownership first');
  }
  return refusal(
    500,
    `The request failed for a reason of our own; it is on record under ${requestId}`,
    undefined,
    true,
  );
}

export const invalidValue = (message: string): AppError => new AppError('scim_invalid_value', message);
export const invalidSyntax = (message: string): AppError => new AppError('scim_invalid_syntax', message);
export const invalidPath = (message: string): AppError => new AppError('scim_invalid_path', message);
export const invalidFilter = (message: string): AppError => new AppError('scim_invalid_filter', message);
export const mutability = (message: string): AppError => new AppError('scim_mutability', message);
export const noTarget = (message: string): AppError => new AppError('scim_no_target', message);
export const invalidCursor = (message: string): AppError => new AppError('scim_invalid_cursor', message);
export const invalidCount = (message: string): AppError => new AppError('scim_invalid_count', message);
