/** Reading the body of a bulk request (RFC 7644 §3.7): what is refused as a whole, and what of single operations. */
import { AppError } from '../../errors.ts';
import { quoted } from '../../lib/text.ts';
import { invalidPath, invalidSyntax, invalidValue } from '../errors.ts';
import type { Method } from '../exchange.ts';
import { isObject, memberOf, requireObject, requireSchema } from '../input.ts';
import { bulkIdIn, referencesIn } from './references.ts';

export const BULK_REQUEST_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** How many operations one request may hold: announced as `maxOperations`. */
export const OPERATION_LIMIT = 1000;

/** What is answered of every operation, whatever is wrong with it. */
interface Named {
  /** As it is answered: in capitals. */
  readonly method: string;
  readonly bulkId: string | undefined;
}

/** Where a path leads. */
interface Place {
  /** `/Users` or `/Groups`. */
  readonly endpoint: string;
  /** The id in the path, which may be a reference; absent where the path names the endpoint alone. */
  readonly target: string | undefined;
  /** From the question mark on, or empty. */
  readonly query: string;
}

export interface Operation extends Named, Place {
  readonly verb: Method;
  readonly version: string | undefined;
  readonly data: unknown;
  /** The bulkIds that the path and the data refer to. */
  readonly references: ReadonlySet<string>;
}

/** An operation that is none: refused when its turn comes. */
export interface Faulty extends Named, Partial<Place> {
  readonly fault: AppError;
}

export interface BulkRequest {
  /** After so many errors the rest is left alone; all operations are tried where absent. */
  readonly failOnErrors: number | undefined;
  readonly operations: readonly (Operation | Faulty)[];
}

/**
 * Reads the request. Throws AppError: scim_invalid_syntax, scim_invalid_value (failOnErrors, a bulkId given twice: it
 * would be unclear which of the two is meant), body_too_large (more than OPERATION_LIMIT operations); then nothing is
 * processed.
 *
 * @param endpoints where operations may go, as in `/Users`
 */
export function readBulk(body: unknown, endpoints: readonly string[]): BulkRequest {
  const message = requireObject(body);
  requireSchema(message, BULK_REQUEST_URN);
  const entries = memberOf(message, 'Operations');
  if (!Array.isArray(entries) || entries.length === 0)
    throw invalidSyntax('Operations must be a list that is not empty');
  if (entries.length > OPERATION_LIMIT) {
    throw new AppError(
      'body_too_large',
      `The bulk operation holds ${entries.length} operations, more than maxOperations (${OPERATION_LIMIT})`,
    );
  }
  const operations = entries.map((entry) => readOperation(entry, endpoints));
  const seen = new Set<string>();
  for (const { bulkId } of operations) {
    if (bulkId === undefined) continue;
    if (seen.has(bulkId)) throw invalidValue(`The bulkId ${quoted(bulkId)} is given to two operations`);
    seen.add(bulkId);
  }
  return { failOnErrors: readFailOnErrors(memberOf(message, 'failOnErrors')), operations };
}

function readFailOnErrors(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw invalidValue('failOnErrors must be a whole number from 1 up');
  }
  return value;
}

export const verbs: Readonly<Record<string, Method>> = { POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' };

function readOperation(entry: unknown, endpoints: readonly string[]): Operation | Faulty {
  if (!isObject(entry)) throw invalidSyntax('Every entry of Operations must be an object');
  const bulkId = readText(entry, 'bulkId');
  const given = readText(entry, 'method');
  const method = typeof given === 'string' ? given.trim().toUpperCase() : '';
  const named: Named = { method, bulkId: typeof bulkId === 'string' ? bulkId : undefined };
  const place = readPath(memberOf(entry, 'path'), endpoints);
  const fault = [bulkId, given, place].find((part) => part instanceof AppError);
  if (fault) return { ...named, fault };
  try {
    return { ...named, ...(place as Place), ...readRest(entry, named, place as Place) };
  } catch (error) {
    if (error instanceof AppError) return { ...named, ...place, fault: error };
    throw error;
  }
}

function readRest(
  entry: Record<string, unknown>,
  { method, bulkId }: Named,
  { target }: Place,
): Pick<Operation, 'verb' | 'version' | 'data' | 'references'> {
  if (method === '') throw invalidSyntax('The operation has no method');
  const verb = Object.hasOwn(verbs, method) ? verbs[method] : undefined;
  if (verb === undefined) {
    throw new AppError('method_not_allowed', `${quoted(method, 20)} is not possible in a bulk operation`);
  }
  const version = readText(entry, 'version');
  if (version instanceof AppError) throw version;
  if (verb === 'post' && bulkId === undefined) throw invalidValue('A POST needs a bulkId (RFC 7644 §3.7)');
  const given = memberOf(entry, 'data');
  // some clients send the operations of a PATCH without the message around them
  const data = verb === 'patch' && Array.isArray(given) ? { Operations: given } : given;
  if (verb !== 'delete' && !isObject(data)) throw invalidSyntax(`The data of a ${method} must be an object`);
  const inPath = target === undefined ? undefined : bulkIdIn(target);
  return {
    verb,
    version,
    data,
    references: new Set([...(inPath === undefined ? [] : [inPath]), ...referencesIn(data)]),
  };
}

/** A text of the operation; a fault where it is something else or empty. */
function readText(entry: Record<string, unknown>, name: string): string | undefined | AppError {
  const value = memberOf(entry, name);
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' && value.trim() !== '' ? value : invalidValue(`${name} must be a text`);
}

/** `/Users`, `/Users/{id}`, each with or without its first slash, and with a query; a fault where it leads nowhere. */
export function readPath(path: unknown, endpoints: readonly string[]): Place | AppError {
  if (typeof path !== 'string' || path.trim() === '') return invalidPath('The operation has no path');
  const start = path.indexOf('?');
  const [way, query] = start < 0 ? [path, ''] : [path.slice(0, start), path.slice(start)];
  const [, name, target] = /^\/?([^/]+)(?:\/([^/]+))?\/?$/.exec(way.trim()) ?? [];
  const endpoint = endpoints.find((known) => known.toLowerCase() === `/${name?.toLowerCase()}`);
  try {
    if (endpoint !== undefined) {
      return { endpoint, target: target === undefined ? undefined : decodeURIComponent(target), query };
    }
  } catch {
    // percent signs that make no text: such a resource cannot exist
  }
  return new AppError('route_not_found', `There is no resource type or endpoint at ${quoted(path)}`);
}
