/** Reading the body of a PATCH: the operations in one form, whatever the dialect. */
import { quoted } from '../../lib/text.ts';
import { isPoisonous } from '../attributes.ts';
import { invalidPath, invalidSyntax, invalidValue, noTarget } from '../errors.ts';
import { isObject, memberOf, requireObject, requireSchema } from '../input.ts';

export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const OPERATION_LIMIT = 1000;

/** Longer ones are refused where they are parsed. */
const PATH_LIMIT = 8192;

export interface Operation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path?: string;
  /** Absent where the operation has none, which is something else than `null`. */
  readonly value?: unknown;
  readonly hasValue: boolean;
}

/**
 * Reads the operations. `op` is taken in any case (Entra writes `Add`). An empty path is no path.
 * Throws scim_invalid_syntax (no PATCH message, unknown op), scim_invalid_path, scim_invalid_value, scim_no_target.
 */
export function readOperations(body: unknown): readonly Operation[] {
  const message = requireObject(body);
  requireSchema(message, PATCH_URN);
  const operations = memberOf(message, 'Operations');
  if (!Array.isArray(operations) || operations.length === 0)
    throw invalidSyntax('Operations must be a list that is not empty');
  if (operations.length > OPERATION_LIMIT)
    throw invalidSyntax(`Operations holds more than ${OPERATION_LIMIT} operations`);
  return operations.map(readOperation);
}

/** What stands in place of a text, without its content: that may be a secret. */
const kindOf = (given: unknown): string =>
  given === undefined
    ? 'nothing'
    : given === null
      ? 'null'
      : Array.isArray(given)
        ? 'a list'
        : `a value of type ${typeof given}`;

function readOperation(entry: unknown): Operation {
  if (!isObject(entry)) throw invalidSyntax('Every entry of Operations must be an object');
  const given = memberOf(entry, 'op');
  const op = typeof given === 'string' ? given.trim().toLowerCase() : undefined;
  if (op !== 'add' && op !== 'remove' && op !== 'replace') {
    throw invalidSyntax(
      `op must be add, remove or replace, not ${typeof given === 'string' ? quoted(given, 60) : kindOf(given)}`,
    );
  }
  const path = memberOf(entry, 'path');
  if (path !== undefined && path !== null && typeof path !== 'string') throw invalidPath('path must be a text');
  const value = memberOf(entry, 'value');
  const hasValue = value !== undefined;
  if (typeof path === 'string' && path.trim() !== '') {
    // outside of the texts of its filter
    const names = path.length > PATH_LIMIT ? path : path.replace(/"(?:[^"\\]|\\.)*"/g, '""');
    if (names.split(/[.:\]]/).some((part) => isPoisonous(part.split('[')[0] ?? '')))
      throw invalidPath(`${quoted(path)} is not a path`);
    if (op !== 'remove' && !hasValue) throw invalidValue(`${op} ${quoted(path)} needs a value`);
    return { op, path, hasValue, ...(hasValue && { value }) };
  }
  if (op === 'remove') throw noTarget('remove needs a path that says what to remove');
  if (!isObject(value)) throw invalidValue(`${op} without a path needs an object of attributes as its value`);
  return { op, value, hasValue };
}
